//! Spans for a collector.

use super::declare::metrics;

metrics! {
    /// Spans for a collector, where one is set.
    pub struct Traces {
        /// Spans: `made`; then `exported`, or `failed` where the collector did not take them. What is neither waits, or was
        /// dropped since too many waited.
        spans: counter ["outcome"] = "hallway_trace_spans_total",
    }
}

//! Spans for a collector.

use super::declare::metrics;

metrics! {
    /// Spans for a collector, where one is set.
    pub struct Traces {
        /// Spans by outcome: made, exported, failed (the collector did not take them); the rest waits or was dropped.
        spans: counter ["outcome"] = "hallway_trace_spans_total",
    }
}

//! What the operator's backend is told.

use super::declare::{latency, metrics};

metrics! {
    /// What the operator's backend is told.
    pub struct Hooks {
        /// Events that this node took note of.
        told: counter ["event"] = "hallway_hooks_events_total",
        /// Events of this node that are in Redis.
        appended: counter = "hallway_hooks_appended_total",
        /// Writes to Redis that failed; they are repeated.
        append_failures: counter = "hallway_hooks_append_failures_total",
        /// Calls of the backend, by what became of them.
        calls: counter ["outcome"] = "hallway_hooks_calls_total",
        /// Events that the backend will not hear of: `queue-full`, `too-large` (this node's), `pushed-out` (by this node's newer ones, from Redis), `given-up`, `unwanted` (410).
        dropped: counter ["reason"] = "hallway_hooks_dropped_total",
        /// From a call to its answer, or to giving up.
        seconds: histogram(latency()) = "hallway_hooks_call_seconds",
        /// Bytes of events that wait for Redis now.
        queued_bytes: gauge = "hallway_hooks_queue_bytes",
        /// Partitions that this node tells the backend of now.
        partitions: gauge = "hallway_hooks_partitions",
        /// Events that wait in those partitions, when they were last looked at.
        waiting: gauge = "hallway_hooks_waiting_events",
        /// Age of the oldest event that waits in those partitions, in milliseconds.
        lag: gauge = "hallway_hooks_lag_milliseconds",
    }
}

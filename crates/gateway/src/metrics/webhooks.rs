//! Questions to the operator's backend.

use super::declare::{latency, metrics};

metrics! {
    /// Questions to the operator's backend.
    pub struct Webhooks {
        /// Questions, by what they are about and what became of them.
        asked: counter ["webhook", "outcome"] = "hallway_webhook_requests_total",
        /// From the question to its answer, or to giving up.
        seconds: histogram(latency()) ["webhook"] = "hallway_webhook_seconds",
    }
}

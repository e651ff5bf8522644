//! The backend API.

use super::declare::{latency, metrics};

metrics! {
    /// The backend API.
    pub struct Http {
        /// Requests to the backend API, by route and status.
        requests: counter ["route", "status"] = "hallway_api_requests_total",
        /// How long they took.
        seconds: histogram(latency()) ["route"] = "hallway_api_request_seconds",
    }
}

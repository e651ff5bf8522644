//! The node's own clocks. Broadcasts carry Redis's time; this one is for latencies and for what is said about
//! the node itself.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A monotonic clock with the number of the node that it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Instant,
    node: u64,
}

impl Clock {
    /// A clock that begins now. `node` is random, so that no other node takes our times for its own.
    #[must_use]
    pub fn start(node: u64) -> Self {
        Self {
            began: Instant::now(),
            node,
        }
    }

    /// The node's number.
    #[must_use]
    pub fn node(&self) -> u64 {
        self.node
    }

    /// Microseconds since the clock began.
    #[must_use]
    pub fn micros(&self) -> u64 {
        self.began.elapsed().as_micros() as u64
    }
}

/// Unix time in milliseconds.
#[must_use]
pub fn unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}

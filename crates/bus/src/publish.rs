//! A request to publish, and its answer.

use hallway_protocol::{Keep, Position, RoomName};

use crate::Message;

/// A request to publish.
#[derive(Debug, Clone)]
pub struct Publish {
    /// Where to.
    pub room: RoomName,
    /// What.
    pub message: Message,
    /// How long to keep it; if nothing, it is not numbered either. One room's requests should all say the same.
    pub keep: Option<Keep>,
    /// A repeat of the same key in the same room within 5 minutes publishes nothing and gets the first answer.
    pub idempotency_key: Option<String>,
}

/// A broadcast that was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Its place; absent if it was not numbered.
    pub position: Option<Position>,
    /// When, by the bus's clock, in milliseconds.
    pub ts: u64,
}

/// How long an idempotency key is remembered.
pub(crate) const IDEMPOTENCY_LIFE: std::time::Duration = std::time::Duration::from_secs(300);

//! Whether a bus can be relied on now.

use std::time::Instant;

/// The state of a bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// Whether the links are up and all wanted rooms are subscribed.
    pub link: bool,
    /// When the last loop-back probe came back: published like any broadcast, and heard by this node.
    pub probed: Option<Instant>,
    /// Whether the link is up and a probe came back in time: what a node's readiness should follow.
    pub ready: bool,
}

//! What a broadcast says.

use std::sync::Arc;

use bytes::Bytes;
use hallway_protocol::ClientId;

/// What a broadcast says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The event's name.
    pub destination: Arc<str>,
    /// JSON text, validated by whoever accepted it.
    pub data: Bytes,
    /// Whom not to send it to.
    pub exclude: Option<ClientId>,
    /// Where and when it was accepted.
    pub sent: Option<Sent>,
}

/// Where and when a broadcast was accepted, so that the node that did so, and only it, can measure how long
/// it took: by one clock, without skew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// The node's number.
    pub node: u64,
    /// That node's own monotonic microseconds.
    pub micros: u64,
}

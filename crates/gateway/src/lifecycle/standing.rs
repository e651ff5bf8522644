//! How a node stands at this moment, in its own words: what its record says seconds later, and more.

use serde::{Deserialize, Serialize};

use crate::node::Node;

/// How a node stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Its name.
    pub node: String,
    /// Which version it runs.
    pub version: String,
    /// When it began, in Unix milliseconds.
    pub started_at: u64,
    /// Whether it can do its job.
    pub ready: bool,
    /// Whether it sends its clients away and takes no new ones.
    pub draining: bool,
    /// Its open sockets.
    pub connections: u64,
    /// Those of them that were told to go and are not closed yet.
    pub leaving: u64,
    /// Within how many milliseconds they will be.
    pub leaving_ms: u64,
    /// Rooms with sockets on it.
    pub rooms: u64,
}

impl Standing {
    /// Of this node.
    #[must_use]
    pub fn of(node: &Node) -> Self {
        let record = node.record();
        let (leaving, within) = node.departures.leaving();
        Self {
            node: record.node,
            version: record.version,
            started_at: record.started_at,
            ready: node.readiness.report().ready,
            draining: record.draining,
            connections: record.connections,
            // Some may have gone by themselves before their moment.
            leaving: record.connections.min(leaving as u64),
            leaving_ms: within.as_millis() as u64,
            rooms: record.rooms,
        }
    }

    /// Its sockets that stay.
    #[must_use]
    pub fn staying(&self) -> u64 {
        self.connections.saturating_sub(self.leaving)
    }

    /// Whether it takes new clients.
    #[must_use]
    pub fn takes(&self) -> bool {
        self.ready && !self.draining
    }
}

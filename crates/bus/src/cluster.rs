//! Who is alive, and words to all nodes.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::BusError;

/// Words that were told to all nodes. Bounded; what does not fit is dropped and counted
/// ([`crate::Stats::told_dropped`]).
pub type Told = mpsc::Receiver<Bytes>;

/// How many words may wait for this node to take them.
pub(crate) const TOLD_CAPACITY: usize = 1024;

/// What a node says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Its name, one of its kind among all nodes.
    pub node: String,
    /// Where its backend API is reached, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Which version it runs.
    #[serde(default)]
    pub version: String,
    /// When it started, in milliseconds since 1970.
    #[serde(default)]
    pub started_at: u64,
    /// Whether it is on its way out and takes no new connections.
    #[serde(default)]
    pub draining: bool,
    /// Its open sockets.
    #[serde(default)]
    pub connections: u64,
    /// Rooms that it holds.
    #[serde(default)]
    pub rooms: u64,
    /// Handshakes that it takes at once; 0 where it does not say.
    #[serde(default)]
    pub handshakes: u64,
}

/// Node to node, beside the rooms.
pub trait Cluster: Send + Sync + 'static {
    /// Says that this node is alive, and what it is. To be repeated every few seconds: a record is gone 15 s
    /// after it was last announced, by the bus's clock.
    fn announce(&self, record: NodeRecord) -> BoxFuture<'static, Result<(), BusError>>;

    /// The nodes that are alive, sorted by name.
    fn nodes(&self) -> BoxFuture<'static, Result<Vec<NodeRecord>, BusError>>;

    /// Takes this node's record back, on a clean stop.
    fn withdraw(&self) -> BoxFuture<'static, Result<(), BusError>>;

    /// Words to every node, this one too. Not kept: who is away does not hear them. In line with publishes.
    fn tell(&self, words: Bytes) -> BoxFuture<'static, Result<(), BusError>>;
}

/// How long a record outlives its last announcement.
pub(crate) const RECORD_LIFE: std::time::Duration = std::time::Duration::from_secs(15);

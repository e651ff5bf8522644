//! What anyone may know of the cluster: how many connections it holds. Counted from what the nodes say of themselves anyway,
//! and told in `public-stats` by one of those that have someone in that room.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hallway_bus::{BusError, Leases};
use hallway_protocol::endpoint::ConnectionCount;
use hallway_protocol::{Error, Event, RoomName};
use tokio::sync::Mutex;
use tokio::time::MissedTickBehavior;

use crate::endpoints::rooms_broadcast::{Words, publish};
use crate::node::Node;

/// The room.
pub const ROOM: &str = "public-stats";
/// How many intervals a node's word that it tells is good for.
const LEASE: u32 = 3;
/// Longest wait for the bus.
const PATIENCE: Duration = Duration::from_secs(3);

/// The count, and whose work it is to tell it.
pub struct Stats {
    leases: Arc<dyn Leases>,
    interval: Duration,
    known: Mutex<Option<(Instant, ConnectionCount)>>,
}

impl Stats {
    /// Looked at once per `interval`.
    pub fn new(leases: Arc<dyn Leases>, interval: Duration) -> Self {
        Self {
            leases,
            interval,
            known: Mutex::new(None),
        }
    }

    /// How many connections there are, as of at most an interval ago. Many who ask at once cause one question.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn count(&self, node: &Node) -> Result<ConnectionCount, Error> {
        let mut known = self.known.lock().await;
        if let Some((at, count)) = *known
            && at.elapsed() < self.interval
        {
            return Ok(count);
        }
        let count = read(node).await?;
        *known = Some((Instant::now(), count));
        Ok(count)
    }

    /// Whether it is this node's work to tell.
    async fn is_ours(&self, node: &Node, room: &RoomName) -> bool {
        if node.hub.line(room).is_none_or(|line| line.room.is_empty()) {
            return false;
        }
        let lease = self
            .leases
            .take_lease("stats", node.clock.node(), self.interval * LEASE);
        let taken = tokio::time::timeout(PATIENCE, lease).await;
        taken.unwrap_or(Err(BusError::Timeout)).unwrap_or(false)
    }
}

async fn read(node: &Node) -> Result<ConnectionCount, Error> {
    let records = node.cluster.nodes().await?;
    let mut count = ConnectionCount {
        connections: node.hub.socket_count() as u64,
        nodes: 1,
    };
    for record in records.iter().filter(|record| record.node != node.name) {
        count.connections += record.connections;
        count.nodes += 1;
    }
    Ok(count)
}

/// Tells the count in the room whenever it has changed. Runs until it is dropped.
pub async fn run(node: Arc<Node>) {
    let Ok(room) = RoomName::parse(ROOM) else { return };
    let Some(kind) = node.kinds.get("public").cloned() else {
        return;
    };
    let mut tick = tokio::time::interval(node.stats.interval);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = None;
    loop {
        tick.tick().await;
        if !node.stats.is_ours(&node, &room).await {
            told = None;
            continue;
        }
        let Ok(count) = read(&node).await else { continue };
        let Some(data) = serde_json::to_vec(&count).ok().filter(|_| told != Some(count)) else {
            continue;
        };
        let words = Words {
            destination: Event::ConnectionCount.wire().to_owned(),
            data: Bytes::from(data),
            exclude: None,
            idempotency_key: None,
        };
        let published = tokio::time::timeout(PATIENCE, publish(&node, &kind, room.clone(), words)).await;
        if let Ok(Ok(_)) = published {
            told = Some(count);
        }
    }
}

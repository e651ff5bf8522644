//! How each node does: its standing, its link to the bus, and what it has counted since it began. Rates are made by who
//! asks twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use prometheus::IntCounterVec;
use prometheus::core::Collector;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::unix_ms;
use crate::cluster::Request;
use crate::lifecycle::standing::Standing;
use crate::node::Node;

/// One node.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStats {
    /// How it stands.
    #[serde(flatten)]
    pub standing: Standing,
    /// When it looked, in Unix milliseconds by its own clock.
    pub at: u64,
    /// Its link to the bus.
    pub bus: BusStats,
    /// Bytes that wait for slow sockets.
    pub queued_bytes: u64,
    /// Sockets that have something waiting.
    pub queued_sockets: u64,
    /// What it has counted.
    pub counted: Counted,
}

/// A node's link to the bus.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BusStats {
    /// Whether the link is up and the last loop-back probe came back in time.
    pub up: bool,
    /// Age of the last loop-back probe that came back, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub probe_age_ms: Option<u64>,
    /// Requests that wait to be sent.
    pub waiting: u64,
    /// Times that the link was made anew, since the node began.
    pub reconnects: u64,
}

/// Counted since the node began.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// Connections opened.
    pub opened: u64,
    /// Connections that ended, by close code.
    pub closed: BTreeMap<String, u64>,
    /// Handshakes by what became of them.
    pub handshakes: BTreeMap<String, u64>,
    /// Broadcasts that this node published.
    pub published: u64,
    /// Broadcasts that it heard.
    pub heard: u64,
    /// Broadcasts written or queued to a socket, each socket counted.
    pub deliveries: u64,
    /// Sockets closed because they did not read.
    pub slow_consumers: u64,
    /// Broadcasts read from history to close a gap.
    pub repaired: u64,
    /// Rooms told to fetch anew.
    pub resyncs: u64,
}

/// What came of asking all nodes.
#[derive(Debug)]
pub struct Answer {
    /// Those that answered, by name.
    pub nodes: Vec<NodeStats>,
    /// Live nodes that did not.
    pub silent: Vec<String>,
    /// Whether these are all that live: nobody is silent, and the bus says who there is.
    pub complete: bool,
}

/// Asks every node. With the bus away this one's own is the answer, since that is when somebody looks.
pub async fn gather(node: &Arc<Node>) -> Answer {
    let Ok(gathered) = node.cluster.gather::<NodeStats>(&Request::Stats).await else {
        return Answer {
            nodes: vec![of(node)],
            silent: Vec::new(),
            complete: false,
        };
    };
    let mut nodes: Vec<NodeStats> = gathered.answers.into_iter().map(|(_, stats)| stats).collect();
    nodes.sort_by(|one, other| one.standing.node.cmp(&other.standing.node));
    Answer {
        complete: gathered.silent.is_empty(),
        silent: gathered.silent,
        nodes,
    }
}

/// This node's.
pub fn of(node: &Node) -> NodeStats {
    node.refresh_gauges();
    let (connections, delivery) = (&node.metrics.connections, &node.metrics.delivery);
    let health = *node.bus.health().borrow();
    let bus = node.bus.stats();
    NodeStats {
        standing: Standing::of(node),
        at: unix_ms(),
        bus: BusStats {
            up: health.ready,
            probe_age_ms: health.probed.map(|at| at.elapsed().as_millis() as u64),
            waiting: bus.publish_queue.load(Relaxed),
            reconnects: bus.reconnects.load(Relaxed),
        },
        queued_bytes: connections.queued_bytes.get().max(0) as u64,
        queued_sockets: connections.queued_sockets.get().max(0) as u64,
        counted: Counted {
            opened: sum(&connections.opened),
            closed: by_label(&connections.closed),
            handshakes: by_label(&connections.handshakes),
            published: by_label(&delivery.broadcasts_out).get("ok").copied().unwrap_or(0),
            heard: delivery.broadcasts_in.get(),
            deliveries: delivery.deliveries.get(),
            slow_consumers: delivery.overflowed.get(),
            repaired: delivery.repaired.get(),
            resyncs: delivery.resyncs.get(),
        },
    }
}

fn sum(counter: &IntCounterVec) -> u64 {
    by_label(counter).values().sum()
}

/// A counter by its first label; what differs in others is added.
fn by_label(counter: &IntCounterVec) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for family in counter.collect() {
        for metric in family.get_metric() {
            let label = metric.get_label().first().map(|label| label.value().to_owned());
            *counts.entry(label.unwrap_or_default()).or_default() += metric.get_counter().get_value() as u64;
        }
    }
    counts
}

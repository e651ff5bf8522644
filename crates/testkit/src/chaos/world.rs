//! All servers of a run, and what a plan does to them.

use std::net::SocketAddr;
use std::path::Path;

use super::node::Node;
use super::plan::{Fault, NODES, Plan};
use super::store::Store;
use crate::Proxy;

/// All servers of a run. They end when it is dropped.
pub(super) struct World {
    nodes: Vec<Node>,
    /// Each node's own way to Redis, where there is one way.
    ways: Vec<Proxy>,
    store: Store,
    /// The rooms whose slots may move.
    rooms: Vec<String>,
    /// What went wrong that no plan asked for.
    pub(super) complaints: Vec<String>,
}

impl World {
    /// Starts everything, and waits until every node is ready.
    pub(super) async fn start(plan: &Plan, binary: &Path, logs: &Path) -> Self {
        let store = Store::start(plan.setup).await;
        let (mut nodes, mut ways) = (Vec::new(), Vec::new());
        for number in 0..NODES {
            let mut port = None;
            if let Some(behind) = store.port() {
                let way = Proxy::start(behind).await;
                port = Some(way.port());
                ways.push(way);
            }
            let log = logs.join(format!("node-{number}.log"));
            nodes.push(Node::start(binary, log, store.url(port), plan.unsubscribe_after));
        }
        for node in &mut nodes {
            if let Err(why) = node.wait_ready().await {
                panic!("{why}; logs in {}", logs.display());
            }
        }
        Self {
            nodes,
            ways,
            store,
            rooms: (0..plan.rooms).map(|room| plan.room(room)).collect(),
            complaints: Vec::new(),
        }
    }

    pub(super) fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Node::url).collect()
    }

    pub(super) fn internals(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(Node::internal).collect()
    }

    /// Begins a fault; those of clients are not for the servers.
    pub(super) async fn begin(&mut self, fault: Fault) {
        match fault {
            Fault::ClientsCut(_) => {}
            Fault::NodeKilled(node) => self.nodes[node].kill().await,
            Fault::NodePaused(node) => self.nodes[node].signal("-STOP").await,
            Fault::NodeDrained(node) => self.nodes[node].signal("-TERM").await,
            Fault::RedisKilled | Fault::RedisEmptied => self.store.kill().await,
            Fault::RedisPaused => self.store.pause().await,
            Fault::Promoted => self.store.promote().await,
            Fault::SlotMoved(room) => self.store.begin_move(&self.rooms[room]).await,
            Fault::PubsubKilled => self.store.kill_subscribers().await,
            Fault::LinkCut(node) => self.ways[node].cut(),
            Fault::LinkStalled(node) => self.ways[node].stall(),
            Fault::LinkRefused(node) => {
                self.ways[node].refuse();
                self.ways[node].cut();
            }
        }
    }

    /// Ends it.
    pub(super) async fn end(&mut self, fault: Fault) {
        match fault {
            Fault::ClientsCut(_) | Fault::Promoted | Fault::PubsubKilled | Fault::LinkCut(_) => {}
            Fault::SlotMoved(_) => self.store.end_move().await,
            Fault::NodeKilled(node) | Fault::NodeDrained(node) => {
                let started = self.nodes[node].start_again().await;
                self.complaints.extend(started.err());
            }
            Fault::NodePaused(node) => self.nodes[node].signal("-CONT").await,
            Fault::RedisKilled => self.store.restart(false).await,
            Fault::RedisEmptied => self.store.restart(true).await,
            Fault::RedisPaused => self.store.resume().await,
            Fault::LinkStalled(node) | Fault::LinkRefused(node) => self.ways[node].heal(),
        }
    }

    /// After all faults have ended: waits until the store has settled and every node is ready, and says which one is not.
    pub(super) async fn wait_healed(&mut self) {
        self.store.wait_well().await;
        for node in &mut self.nodes {
            let ready = node.wait_ready().await;
            self.complaints.extend(ready.err());
        }
    }

    /// Whether every node still runs, at the end.
    pub(super) fn check_alive(&mut self) {
        if self.nodes.iter_mut().any(Node::has_ended) {
            self.complaints.push("a node ended by itself".to_owned());
        }
    }
}

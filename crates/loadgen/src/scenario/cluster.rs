//! Some nodes on one Redis, for scenarios whose clients go from one to another.

use std::net::SocketAddr;
use std::time::Duration;

use crate::cli::{Common, CrewSizes};
use crate::error::{Doing, Failure};
use crate::fleet::{Head, Plan};
use crate::http::Caller;
use crate::redis::Redis;
use crate::server::{KEY, SECRET, Server};

/// Nodes, and the Redis between them if there are several.
pub(super) struct Cluster {
    pub(super) nodes: Vec<Server>,
    redis: Option<Redis>,
}

/// CPU seconds since the processes began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cpu {
    pub(super) nodes: f64,
    pub(super) redis: f64,
}

impl Cluster {
    /// Whether so many nodes can run together here.
    pub(super) fn is_possible(common: &Common, nodes: usize) -> bool {
        nodes <= 1 || Redis::is_installed(&common.redis_bin)
    }

    /// Starts nodes that refuse handshakes from where they do by default: that is part of what is measured.
    pub(super) fn start(common: &Common, nodes: usize) -> Result<Self, Failure> {
        let redis = (nodes > 1).then(|| Redis::start(&common.redis_bin)).transpose()?;
        let address = redis.as_ref().map(|redis| redis.address);
        let mut common = common.clone();
        common.server_env.insert(0, "HALLWAY_LIMITS_HANDSHAKES=1024".into());
        let nodes = (0..nodes.max(1))
            .map(|_| Server::start(&common, address))
            .collect::<Result<_, _>>()?;
        Ok(Self { nodes, redis })
    }

    /// Of the first so many nodes, and of Redis.
    pub(super) fn cpu(&self, nodes: usize) -> Result<Cpu, Failure> {
        let nodes = self.nodes.iter().take(nodes);
        Ok(Cpu {
            nodes: nodes.map(|node| node.process.cpu()).sum::<Result<_, _>>()?,
            redis: self.redis.as_ref().map_or(Ok(0.0), |redis| redis.process.cpu())?,
        })
    }

    /// Kills the last node, as by `kill -9`.
    pub(super) fn kill_last(&mut self) {
        if let Some(node) = self.nodes.pop() {
            node.process.kill();
        }
    }

    /// Where each room stands.
    pub(super) fn heads(&self, rooms: &[String]) -> Result<Vec<Head>, Failure> {
        let node = self.nodes.first().ok_or_else(|| Failure::new("there is no node"))?;
        heads(node.internal, KEY, rooms)
    }

    /// A plan for clients of these nodes; the crew deals them out to its processes.
    pub(super) fn plan(&self, common: &Common, sizes: &CrewSizes, rooms: &[String], total: usize) -> Plan {
        let nodes = self.nodes.iter().map(|node| node.public).collect();
        plan(common, sizes, nodes, SECRET, rooms, total)
    }

    /// Stops the nodes; how many seconds each took.
    pub(super) fn stop(self) -> Result<Vec<Option<f64>>, Failure> {
        self.nodes.into_iter().map(Server::stop).collect()
    }
}

/// Where each room stands, by a node's internal address.
pub(super) fn heads(node: SocketAddr, key: &str, rooms: &[String]) -> Result<Vec<Head>, Failure> {
    #[derive(serde::Deserialize)]
    struct Page {
        state: Option<Head>,
    }
    let mut caller = Caller::dial(node, key)?;
    let mut head = |room: &String| {
        let (status, body) = caller.get(&format!("/api/v1/rooms/{room}/history?limit=1"))?;
        if status != 200 {
            return Err(Failure(format!("the history of {room}: HTTP {status}")));
        }
        let page: Page = serde_json::from_slice(&body).doing("a page of history")?;
        page.state.ok_or_else(|| Failure(format!("{room} has no state")))
    };
    rooms.iter().map(&mut head).collect()
}

/// Clients that stay, come back by a ticket, and are in one room each.
pub(super) fn plan(
    common: &Common,
    sizes: &CrewSizes,
    nodes: Vec<SocketAddr>,
    secret: &str,
    rooms: &[String],
    total: usize,
) -> Plan {
    Plan {
        nodes,
        source: 1,
        subprotocol: common.codec().subprotocol().to_owned(),
        secret: secret.to_owned(),
        clients: total,
        first: 0,
        total,
        rooms: rooms.to_vec(),
        rooms_each: 1,
        at_once: common.at_once,
        by_ticket: true,
        cycle: Duration::ZERO,
        away: Duration::ZERO,
        patience: common.patience(),
        seed: sizes.seed,
    }
}

impl Cpu {
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            nodes: self.nodes - before.nodes,
            redis: self.redis - before.redis,
        }
    }

    /// What is more than so many seconds at that rate would have taken.
    pub(super) fn beyond(self, idle: Self, seconds: f64) -> Self {
        Self {
            nodes: self.nodes - idle.nodes * seconds,
            redis: self.redis - idle.redis * seconds,
        }
    }

    pub(super) fn per(self, count: f64) -> Self {
        Self {
            nodes: self.nodes / count,
            redis: self.redis / count,
        }
    }

    pub(super) fn report(self) -> serde_json::Value {
        serde_json::json!({"nodes": self.nodes, "redis": self.redis})
    }
}

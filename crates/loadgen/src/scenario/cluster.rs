//! A node alone, or some nodes on one Redis.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::cli::{BusName, Common, CrewSizes};
use crate::error::{Doing, Failure};
use crate::fleet::{Head, Plan};
use crate::http::Caller;
use crate::redis::Redis;
use crate::server::{KEY, SECRET, Server};

/// Nodes, and the Redis between them if there is one.
pub(super) struct Cluster {
    pub(super) nodes: Vec<Server>,
    pub(super) redis: Option<Redis>,
}

/// CPU seconds since the processes began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cpu {
    pub(super) nodes: f64,
    pub(super) redis: f64,
}

/// Bytes of memory that are the processes' own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    pub(super) nodes: u64,
    pub(super) redis: u64,
}

impl Cluster {
    /// Starts nodes over the bus that was asked for, with the generator's own limits.
    pub(super) fn start(common: &Common, nodes: usize) -> Result<Self, Failure> {
        let redis = match common.bus() {
            BusName::Embedded => None,
            BusName::Redis => Some(Redis::start(&common.redis_bin)?),
        };
        let mut cluster = Self {
            nodes: Vec::new(),
            redis,
        };
        for _ in 0..nodes {
            cluster.grow(common)?;
        }
        Ok(cluster)
    }

    /// The same with nodes that refuse handshakes from where they do by default: that is part of what is measured.
    pub(super) fn start_with_defaults(common: &Common, nodes: usize) -> Result<Self, Failure> {
        let mut common = common.clone();
        common.server_env.insert(0, "HALLWAY_LIMITS_HANDSHAKES=1024".into());
        Self::start(&common, nodes.max(1))
    }

    /// Starts one more node; the one that was started.
    pub(super) fn grow(&mut self, common: &Common) -> Result<&Server, Failure> {
        let address = self.redis.as_ref().map(|redis| redis.address);
        self.nodes.push(Server::start(common, address)?);
        // One was put there.
        Ok(&self.nodes[self.nodes.len() - 1])
    }

    /// Of all nodes, and of Redis.
    pub(super) fn memory(&self) -> Result<Memory, Failure> {
        let redis = self.redis.as_ref();
        Ok(Memory {
            nodes: self
                .nodes
                .iter()
                .map(|node| node.process.private_bytes())
                .sum::<Result<_, _>>()?,
            redis: redis.map_or(Ok(0), |redis| redis.process.private_bytes())?,
        })
    }

    /// Of the first so many nodes, and of Redis.
    pub(super) fn cpu(&self, nodes: usize) -> Result<Cpu, Failure> {
        let nodes = self.nodes.iter().take(nodes);
        Ok(Cpu {
            nodes: nodes.map(|node| node.process.cpu()).sum::<Result<_, _>>()?,
            redis: self.redis.as_ref().map_or(Ok(0.0), |redis| redis.process.cpu())?,
        })
    }

    /// Of all nodes, and of Redis.
    pub(super) fn whole_cpu(&self) -> Result<Cpu, Failure> {
        self.cpu(self.nodes.len())
    }

    /// How busy a core is with each over some time in which nothing is done, in percent.
    pub(super) fn percent_over(&self, time: Duration) -> Result<Cpu, Failure> {
        let (start, before) = (Instant::now(), self.whole_cpu()?);
        std::thread::sleep(time);
        let cpu = self.whole_cpu()?.since(before);
        Ok(cpu.per(start.elapsed().as_secs_f64() / 100.0))
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

impl Memory {
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            nodes: self.nodes.saturating_sub(before.nodes),
            redis: self.redis.saturating_sub(before.redis),
        }
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

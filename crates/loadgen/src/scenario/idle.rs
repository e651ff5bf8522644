//! Connections that are only there (S4, S5, S10): what they cost to open, what memory they take, and what they cost
//! while nothing happens but pings.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::skipped;
use crate::cli::{Common, Idle};
use crate::error::Failure;
use crate::redis::Redis;
use crate::report::Row;
use crate::server::{SECRET, Server};
use crate::worker::{Task, Worker};

/// For what is done behind an opening to be done.
const SETTLE: Duration = Duration::from_secs(2);

pub(super) fn run(common: &Common, sizes: &Idle) -> Result<Value, Failure> {
    let nodes = sizes.nodes.max(1);
    if nodes > 1 && !Redis::is_installed(&common.redis_bin) {
        return Ok(skipped("idle", "several nodes need Redis, which is not installed"));
    }
    let redis = (nodes > 1).then(|| Redis::start(&common.redis_bin)).transpose()?;
    let address = redis.as_ref().map(|redis| redis.address);
    let servers = (0..nodes)
        .map(|_| Server::start(common, address))
        .collect::<Result<Vec<_>, _>>()?;
    std::thread::sleep(SETTLE);
    let (cpu, memory) = (cpu(&servers)?, memory(&servers)?);
    let start = Instant::now();
    let mut workers = open(common, sizes, &servers)?;
    for worker in &mut workers {
        worker.wait()?;
    }
    let opening_seconds = start.elapsed().as_secs_f64();
    std::thread::sleep(SETTLE);
    let opening_cpu = self::cpu(&servers)? - cpu;
    let bytes = self::memory(&servers)?.saturating_sub(memory);
    let (quiet_cpu, quiet_start) = (self::cpu(&servers)?, Instant::now());
    std::thread::sleep(Duration::from_secs_f64(sizes.quiet_seconds));
    let quiet_percent = (self::cpu(&servers)? - quiet_cpu) * 100.0 / quiet_start.elapsed().as_secs_f64();
    let generator_cpu = workers.iter().map(Worker::cpu).sum::<Result<f64, _>>()?;
    let saw = workers.into_iter().map(Worker::finish).collect::<Result<Vec<_>, _>>()?;
    let stopped = servers.into_iter().map(Server::stop).collect::<Result<Vec<_>, _>>()?;

    let count = sizes.connections as f64;
    let per_connection = bytes as f64 / count;
    let per_thousand = opening_cpu * 1000.0 / count;
    Ok(json!({
        "scenario": "idle", "connections": sizes.connections, "nodes": nodes, "roomSize": sizes.room_size,
        "openingSeconds": opening_seconds, "openingCpuSeconds": opening_cpu, "cpuSecondsPer1000Opened": per_thousand,
        "bytesPerConnection": per_connection, "quietSeconds": sizes.quiet_seconds, "quietCpuPercent": quiet_percent,
        "generatorCpuSeconds": generator_cpu, "workers": saw, "stopSeconds": stopped,
        "rows": [
            Row::new("S4", format!("memory per connection, {count} idle"), per_connection / 1024.0, "KiB", 2.5).beyond(1.0),
            Row::new("S5", format!("CPU per 1,000 opened and joined, {count}"), per_thousand, "s", 0.11).beyond(0.055),
            Row::new("S10", format!("CPU with {count} idle, pings included"), quiet_percent, "% of a core", 3.0).beyond(1.0),
        ],
    }))
}

/// Starts the workers, which open their connections at the same time.
fn open(common: &Common, sizes: &Idle, servers: &[Server]) -> Result<Vec<Worker>, Failure> {
    let room_size = if sizes.room_size == 0 {
        sizes.connections
    } else {
        sizes.room_size
    };
    let per_node = sizes.connections.div_ceil(servers.len()).max(1);
    let per_worker = per_node.div_ceil(per_node.div_ceil(sizes.per_process.max(1))).max(1);
    let mut workers = Vec::new();
    for first in (0..sizes.connections).step_by(per_worker) {
        let number = workers.len();
        let server = &servers[(first / per_node).min(servers.len() - 1)];
        workers.push(Worker::start(&Task {
            server: server.public,
            // Two source addresses are enough for a worker's sockets.
            source: u16::try_from(1 + 2 * number).unwrap_or(u16::MAX),
            subprotocol: common.codec().subprotocol().to_owned(),
            secret: SECRET.to_owned(),
            sockets: per_worker.min(sizes.connections - first),
            first,
            room_size: room_size.max(1),
            at_once: common.at_once,
            dialect: server.dialect,
        })?);
    }
    Ok(workers)
}

fn cpu(servers: &[Server]) -> Result<f64, Failure> {
    servers.iter().map(|server| server.process.cpu()).sum()
}

fn memory(servers: &[Server]) -> Result<u64, Failure> {
    servers.iter().map(|server| server.process.private_bytes()).sum()
}

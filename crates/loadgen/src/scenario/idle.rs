//! Connections that are only there (S4, S5, S10): what they cost to open, what memory they take, and what they cost
//! while nothing happens but pings.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cluster::Cluster;
use crate::cli::{Common, Idle};
use crate::error::Failure;
use crate::report::Row;
use crate::worker::{Task, Worker};

/// For what is done behind an opening to be done.
pub(super) const SETTLE: Duration = Duration::from_secs(2);

pub(super) fn run(common: &Common, sizes: &Idle) -> Result<Value, Failure> {
    let nodes = sizes.nodes.max(1);
    let cluster = Cluster::start(common, nodes)?;
    std::thread::sleep(SETTLE);
    let (cpu, memory) = (cluster.whole_cpu()?, cluster.memory()?);
    let start = Instant::now();
    let mut workers = open(common, sizes, &cluster)?;
    for worker in &mut workers {
        worker.opened()?.whole()?;
    }
    let opening_seconds = start.elapsed().as_secs_f64();
    std::thread::sleep(SETTLE);
    let count = sizes.connections as f64;
    let opening = cluster.whole_cpu()?.since(cpu);
    let memory = cluster.memory()?.since(memory);
    let quiet = cluster.percent_over(Duration::from_secs_f64(sizes.quiet_seconds))?;
    let generator_cpu = workers.iter().map(Worker::cpu).sum::<Result<f64, _>>()?;
    let saw = workers.into_iter().map(Worker::finish).collect::<Result<Vec<_>, _>>()?;
    let over_redis = cluster.redis.is_some();
    let stopped = cluster.stop()?;

    let per_connection = memory.nodes as f64 / count;
    let redis_per_connection = over_redis.then_some(memory.redis as f64 / count);
    let per_thousand = opening.per(count / 1000.0);
    let redis = |figure: f64| over_redis.then_some(figure);
    Ok(json!({
        "scenario": "idle", "connections": sizes.connections, "nodes": nodes, "roomSize": sizes.room_size,
        "openingSeconds": opening_seconds, "openingCpuSeconds": opening.nodes, "cpuSecondsPer1000Opened": per_thousand.nodes,
        "redisCpuSecondsPer1000Opened": redis(per_thousand.redis), "bytesPerConnection": per_connection,
        "redisBytesPerConnection": redis_per_connection, "quietSeconds": sizes.quiet_seconds,
        "quietCpuPercent": quiet.nodes, "redisQuietCpuPercent": redis(quiet.redis),
        "generatorCpuSeconds": generator_cpu, "workers": saw, "stopSeconds": stopped,
        "rows": [
            Row::new("S4", format!("memory per connection, {count} idle"), per_connection / 1024.0, "KiB", 2.5)
                .beyond(1.0)
                .redis(redis_per_connection.map(|bytes| bytes / 1024.0)),
            Row::new("S5", format!("CPU per 1,000 opened and joined, {count}"), per_thousand.nodes, "s", 0.11)
                .beyond(0.055)
                .redis(redis(per_thousand.redis)),
            Row::new("S10", format!("CPU with {count} idle, pings included"), quiet.nodes, "% of a core", 3.0)
                .beyond(1.0)
                .redis(redis(quiet.redis)),
        ],
    }))
}

/// Starts the workers, which open their connections at the same time.
fn open(common: &Common, sizes: &Idle, cluster: &Cluster) -> Result<Vec<Worker>, Failure> {
    let room_size = if sizes.room_size == 0 {
        sizes.connections
    } else {
        sizes.room_size
    };
    let per_node = sizes.connections.div_ceil(cluster.nodes.len()).max(1);
    let per_worker = per_node.div_ceil(per_node.div_ceil(sizes.per_process.max(1))).max(1);
    let mut workers = Vec::new();
    for first in (0..sizes.connections).step_by(per_worker) {
        let server = &cluster.nodes[(first / per_node).min(cluster.nodes.len() - 1)];
        let last = (first + per_worker).min(sizes.connections);
        workers.push(Worker::start(&Task {
            room_size: room_size.max(1),
            ..Task::new(common, server, workers.len(), first..last)
        })?);
    }
    Ok(workers)
}

//! As many connections as the machine's memory carries (S11), each authenticated, in its `user-` and its `client-` room and
//! in one room of all: who has how much memory, what they cost at rest, and how long a broadcast takes to reach them all.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cluster::{Cluster, Cpu};
use super::idle::SETTLE;
use crate::cli::{Common, Million};
use crate::clock;
use crate::error::{Doing, Failure};
use crate::http::Caller;
use crate::kernel::{self, Look};
use crate::limits;
use crate::machine;
use crate::payload;
use crate::process::private_bytes_of;
use crate::report::Row;
use crate::samples::Samples;
use crate::server::KEY;
use crate::worker::{Task, Worker, room};

/// How long nothing of a broadcast may come to a worker before what is missing counts as lost. Each has its turn only
/// after many others.
const PATIENCE: Duration = Duration::from_secs(60);

const GIB: f64 = (1_u64 << 30) as f64;

pub(super) fn run(common: &Common, sizes: &Million) -> Result<Value, Failure> {
    let mut common = common.clone();
    // A room that tells all its members who has come is another matter; --server-env can have it so.
    common.server_env.insert(0, "HALLWAY_PRESENCE_ROOMS=false".into());
    let before = Look::now()?;
    let mut crowd = Crowd::gather(&common, sizes)?;
    std::thread::sleep(SETTLE);
    let memory = Owners::look(&crowd, &before)?;
    let tables = limits::tables();
    let (generator, start) = (crowd.generator_cpu()?, Instant::now());
    let quiet = crowd
        .cluster
        .percent_over(Duration::from_secs_f64(sizes.quiet_seconds))?;
    let generator = (crowd.generator_cpu()? - generator) * 100.0 / start.elapsed().as_secs_f64();
    let rounds = (0..sizes.rounds)
        .map(|_| Round::publish(&common, &mut crowd))
        .collect::<Result<Vec<_>, _>>()?;
    let rows = rows(&crowd, &memory, quiet, &rounds);
    let (count, nodes, opening) = (crowd.count, crowd.cluster.nodes.len(), crowd.seconds);
    let stopped = crowd.stopped.clone();
    let saw = crowd.finish()?;
    Ok(json!({
        "scenario": "million", "asked": sizes.connections, "connections": count, "nodes": nodes,
        "stoppedBy": stopped, "marginBytes": sizes.margin_bytes(), "openingSeconds": opening,
        "memory": memory.report(count), "kernelTables": tables,
        "quietSeconds": sizes.quiet_seconds, "quietCpuPercent": quiet.report(), "generatorQuietCpuPercent": generator,
        "roomOfAll": rounds.iter().map(Round::report).collect::<Vec<_>>(), "workers": saw, "rows": rows,
    }))
}

/// The nodes, and the connections to them: a worker for each node.
struct Crowd {
    cluster: Cluster,
    workers: Vec<Worker>,
    /// Connections that are in their rooms.
    count: usize,
    /// Own memory of the nodes before they had connections, and of Redis before it had nodes.
    empty_nodes: u64,
    empty_redis: u64,
    /// Why there are not more.
    stopped: String,
    seconds: f64,
}

impl Crowd {
    /// Starts one node after another and fills it, so that what stops it is met by one alone.
    fn gather(common: &Common, sizes: &Million) -> Result<Self, Failure> {
        let per_node = sizes.per_node.clamp(1, machine::most_sockets().max(1));
        let cluster = Cluster::start(common, 0)?;
        let start = Instant::now();
        let mut crowd = Self {
            empty_redis: cluster.memory()?.redis,
            cluster,
            workers: Vec::new(),
            count: 0,
            empty_nodes: 0,
            stopped: String::new(),
            seconds: 0.0,
        };
        let mut stopped = None;
        while stopped.is_none() {
            stopped = crowd.fill_another(common, sizes, per_node)?;
            super::progress(&format!(
                "{} connections on {} nodes, {:.1} GiB available",
                crowd.count,
                crowd.cluster.nodes.len(),
                kernel::available()? as f64 / GIB
            ));
        }
        crowd.stopped = stopped.unwrap_or_default();
        crowd.seconds = start.elapsed().as_secs_f64();
        if crowd.count == 0 {
            return Err(Failure(format!("not one connection: {}", crowd.stopped)));
        }
        Ok(crowd)
    }

    /// One more node with its connections; why no further one is to follow, if so.
    fn fill_another(&mut self, common: &Common, sizes: &Million, per_node: usize) -> Result<Option<String>, Failure> {
        let first = self.count;
        let wanted = per_node.min(sizes.connections - first);
        if wanted == 0 {
            return Ok(Some("as many as were asked for".into()));
        }
        if kernel::available()? <= sizes.margin_bytes() {
            return Ok(Some("no more memory than the margin".into()));
        }
        let number = self.workers.len();
        let node = match self.cluster.grow(common) {
            Ok(node) => node,
            // What is there already is not lost for it.
            Err(why) if first > 0 => return Ok(Some(format!("no further node: {why}"))),
            Err(why) => return Err(why),
        };
        self.empty_nodes += node.process.private_bytes()?;
        let mut worker = Worker::start(&Task {
            margin: sizes.margin_bytes(),
            ..Task::new(common, node, number, first..first + wanted)
        })?;
        let opened = worker.opened()?;
        self.count += opened.ready;
        self.workers.push(worker);
        Ok(opened.stopped)
    }

    /// CPU seconds of the workers and of this process.
    fn generator_cpu(&self) -> Result<f64, Failure> {
        let workers = self.workers.iter().map(Worker::cpu).sum::<Result<f64, _>>()?;
        Ok(workers + crate::process::cpu_of(std::process::id())?)
    }

    /// Ends everything; what the workers saw.
    fn finish(self) -> Result<Vec<Value>, Failure> {
        let saw = self.workers.into_iter().map(Worker::finish).collect();
        self.cluster.stop()?;
        saw
    }
}

/// Who has how much memory, in bytes. What is shared by several (programs' own code) stands in none.
struct Owners {
    gateway: u64,
    redis: u64,
    generator: u64,
    /// Negative where others on the machine gave back more than all this takes.
    kernel: i64,
    /// Of the first two, what has come with the connections.
    grown_gateway: u64,
    grown_redis: u64,
    taken: i64,
    told: Value,
}

impl Owners {
    fn look(crowd: &Crowd, before: &Look) -> Result<Self, Failure> {
        let memory = crowd.cluster.memory()?;
        let workers = crowd
            .workers
            .iter()
            .map(Worker::private_bytes)
            .sum::<Result<u64, _>>()?;
        let generator = workers + private_bytes_of(std::process::id())?;
        let now = Look::now()?;
        let taken = now.taken_since(before);
        Ok(Self {
            gateway: memory.nodes,
            redis: memory.redis,
            generator,
            kernel: taken - (memory.nodes + memory.redis + generator) as i64,
            grown_gateway: memory.nodes.saturating_sub(crowd.empty_nodes),
            grown_redis: memory.redis.saturating_sub(crowd.empty_redis),
            taken,
            told: now.told_since(before),
        })
    }

    fn report(&self, count: usize) -> Value {
        let each = |bytes: f64| bytes / count.max(1) as f64;
        json!({
            "bytes": {
                "gateway": self.gateway, "redis": self.redis, "generator": self.generator, "kernel": self.kernel,
                "taken": self.taken,
            },
            "bytesPerConnection": {
                "gateway": each(self.grown_gateway as f64), "redis": each(self.grown_redis as f64),
                "generator": each(self.generator as f64), "kernel": each(self.kernel as f64), "taken": each(self.taken as f64),
            },
            "kernelTold": self.told,
            "how": {
                "gateway, redis, generator": "private resident memory, /proc/PID/smaps_rollup; each connection's share of \
                    the first two is of what they have more than when they were empty",
                "taken": "MemAvailable of /proc/meminfo before anything was started, less the same now",
                "kernel": "what was taken, less what the processes have",
                "kernelTold": "growth of fields of /proc/meminfo, and of mem in /proc/net/sockstat for tcpBuffers: parts \
                    of kernel, which has more than these",
            },
        })
    }
}

/// One broadcast to the room of all.
struct Round {
    delivered: u64,
    expected: u64,
    /// From before the call of the backend API to the hearing, of each socket.
    times: Samples,
    cpu: Cpu,
}

impl Round {
    fn publish(common: &Common, crowd: &mut Crowd) -> Result<Self, Failure> {
        let mut caller = Caller::dial(crowd.cluster.nodes[0].internal, KEY)?;
        for worker in &mut crowd.workers {
            worker.listen(PATIENCE)?;
        }
        let before = crowd.cluster.whole_cpu()?;
        let mut body = Vec::new();
        payload::arguments(&mut body, &room(0), clock::micros(), common.payload());
        let (status, answer) = caller.post("/api/v1/broadcast", &body)?;
        if status != 200 {
            let answer = String::from_utf8_lossy(&answer).into_owned();
            return Err(Failure(format!("HTTP {status}: {answer}"))).doing("the broadcast to all");
        }
        let mut round = Self {
            delivered: 0,
            expected: 0,
            times: Samples::new()?,
            cpu: before,
        };
        for worker in &mut crowd.workers {
            let heard = worker.heard()?;
            round.delivered += heard.delivered;
            round.expected += heard.expected;
            round.times.merge(&heard.times);
        }
        round.cpu = crowd.cluster.whole_cpu()?.since(before);
        Ok(round)
    }

    fn report(&self) -> Value {
        json!({
            "expected": self.expected, "delivered": self.delivered, "lastHeardMillis": self.times.max_millis(),
            "millis": self.times.report(), "cpuSeconds": self.cpu.report(),
        })
    }
}

fn rows(crowd: &Crowd, memory: &Owners, quiet: Cpu, rounds: &[Round]) -> Vec<Row> {
    let (count, nodes) = (crowd.count, crowd.cluster.nodes.len());
    let aside = |what: &str, figure: f64, unit: &str| Row::aside("S11", format!("{count}: {what}"), figure, unit);
    // The rest of it are the first refusals, whole.
    let by = crowd.stopped.split(": {").next().unwrap_or_default();
    let what = format!("connections on {nodes} nodes, stopped by: {by}");
    let mut rows = vec![
        Row::new("S11", what, count as f64, "", 500_000.0)
            .beyond(1_000_000.0)
            .at_least(),
        aside("memory of the gateway", memory.gateway as f64 / GIB, "GiB").redis(Some(memory.redis as f64 / GIB)),
        aside("memory of the kernel", memory.kernel as f64 / GIB, "GiB"),
        aside("memory of the generator", memory.generator as f64 / GIB, "GiB"),
        aside("CPU at rest, pings included", quiet.nodes, "% of a core").redis(Some(quiet.redis)),
    ];
    // The broadcast in the middle, when they are put in order by the time that each took.
    let mut by_time: Vec<&Round> = rounds.iter().collect();
    by_time.sort_by(|one, other| one.times.max_millis().total_cmp(&other.times.max_millis()));
    if let Some(round) = by_time.get(by_time.len() / 2) {
        let lost: u64 = rounds
            .iter()
            .map(|round| round.expected.saturating_sub(round.delivered))
            .sum();
        rows.push(aside(
            "a broadcast to all, until the last has it",
            round.times.max_millis(),
            "ms",
        ));
        rows.push(aside("CPU of it", round.cpu.nodes, "s").redis(Some(round.cpu.redis)));
        rows.push(Row::new(
            "S11",
            format!("{count}: deliveries lost"),
            lost as f64,
            "",
            0.0,
        ));
    }
    rows
}

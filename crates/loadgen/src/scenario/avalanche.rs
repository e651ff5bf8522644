//! A node is killed and all its clients come back at once (R3): with tickets, and with tokens beside it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cluster::{Cluster, Cpu};
use super::trickle::{Pace, Trickle, prime};
use crate::cli::{Avalanche, Common};
use crate::clock;
use crate::error::Failure;
use crate::fleet::{Crew, Plan, Saw};
use crate::report::Row;
use crate::server::KEY;

/// For what is done behind an opening to be done.
const SETTLE: Duration = Duration::from_secs(2);

/// From the announcement of the kill to the kill.
const NOTICE: Duration = Duration::from_millis(200);

/// Who is not back after this long does not come back.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn run(common: &Common, sizes: &Avalanche) -> Result<Value, Failure> {
    let by_ticket = (!sizes.no_ticket)
        .then(|| Storm::raise(common, sizes, true))
        .transpose()?;
    let by_token = Storm::raise(common, sizes, false)?;
    let first = by_ticket.as_ref().unwrap_or(&by_token);
    let mut rows = first.rows(sizes);
    let mut ratio = Value::Null;
    if let Some(by_ticket) = &by_ticket {
        let of = |figure: fn(&Storm) -> f64| figure(by_ticket) / figure(&by_token).max(1e-9);
        let cpu = of(|storm| storm.per_1000().nodes);
        ratio = json!({
            "nodesCpu": cpu, "redisCpu": of(|storm| storm.per_1000().redis),
            "allCaughtUp": of(Storm::all_caught_up), "p99CaughtUp": of(|storm| storm.saw.caught_up.millis_at(0.99)),
        });
        let what = "CPU of a return by ticket beside one by token".into();
        rows.push(Row::new("R3", what, cpu, "×", 1.0));
    }
    Ok(json!({
        "scenario": "avalanche", "clients": sizes.clients, "nodes": sizes.nodes, "rooms": sizes.rooms,
        "roomsEach": sizes.rooms_each, "broadcastsPerSecond": sizes.rate,
        "byTicket": by_ticket.map(|storm| storm.report()), "byToken": by_token.report(),
        "ticketOverToken": ratio, "rows": rows,
    }))
}

/// What one storm was like.
struct Storm {
    /// Clients of the node that was killed.
    fled: usize,
    /// Whether all of them came back.
    all_back: bool,
    killed_at: u64,
    /// CPU seconds per second before, and CPU seconds and seconds until all were back.
    idle: Cpu,
    cpu: Cpu,
    seconds: f64,
    generator: f64,
    published: Value,
    saw: Saw,
    stopped: Vec<Option<f64>>,
}

impl Storm {
    fn raise(common: &Common, sizes: &Avalanche, by_ticket: bool) -> Result<Self, Failure> {
        let mut cluster = Cluster::start_with_defaults(common, usize::from(sizes.nodes))?;
        let victim = cluster.nodes.len() - 1;
        let pace = Pace {
            // A backend that calls the killed node is another matter.
            nodes: cluster.nodes[..victim].iter().map(|node| node.internal).collect(),
            rooms: (0..sizes.rooms.max(1))
                .map(|number| format!("board-avalanche-{number}"))
                .collect(),
            every: Duration::from_secs_f64(1.0 / sizes.rate),
            count: None,
            payload: common.payload(),
            key: KEY.to_owned(),
            insists: false,
        };
        prime(&pace)?;
        let plan = Plan {
            by_ticket,
            rooms_each: sizes.rooms_each,
            ..cluster.plan(common, &sizes.crew, &pace.rooms, sizes.clients)
        };
        let mut crew = Crew::open(&plan, sizes.crew.per_process)?;
        let trickle = Trickle::start(pace.clone());
        std::thread::sleep(SETTLE);
        let killed_at = clock::micros() + (common.time() + NOTICE).as_micros() as u64;
        let (start, quiet) = (Instant::now(), cluster.cpu(victim)?);
        std::thread::sleep(common.time());
        let fled = crew.leave(victim, killed_at)?;
        std::thread::sleep(Duration::from_micros(killed_at.saturating_sub(clock::micros())));
        let (before, generator) = (cluster.cpu(victim)?, crew.cpu()?);
        let idle = before.since(quiet).per(start.elapsed().as_secs_f64());
        let start = Instant::now();
        cluster.kill_last();
        let all_back = crew.wait_for_return(PATIENCE)?;
        let (cpu, seconds) = (cluster.cpu(victim)?.since(before), start.elapsed().as_secs_f64());
        let generator = crew.cpu()? - generator;
        std::thread::sleep(common.time());
        let published = trickle.stop()?.report();
        let saw = crew.finish(&cluster.heads(&pace.rooms)?)?;
        Ok(Self {
            fled,
            all_back,
            killed_at,
            idle,
            cpu,
            seconds,
            generator,
            published,
            saw,
            stopped: cluster.stop()?,
        })
    }

    /// CPU seconds of the nodes that were left and of Redis per 1,000 clients that came back, beyond what they take
    /// without a storm.
    fn per_1000(&self) -> Cpu {
        let thousands = self.saw.returns().max(1) as f64 / 1000.0;
        self.cpu.beyond(self.idle, self.seconds).per(thousands)
    }

    /// Seconds from the kill until the last had caught up.
    fn all_caught_up(&self) -> f64 {
        self.saw.last_caught_up.saturating_sub(self.killed_at) as f64 / 1e6
    }

    fn all_back(&self) -> f64 {
        self.saw.last_back.saturating_sub(self.killed_at) as f64 / 1e6
    }

    fn report(&self) -> Value {
        json!({
            "fled": self.fled, "returned": self.saw.returns(), "allBack": self.all_back,
            "allBackSeconds": self.all_back(), "allCaughtUpSeconds": self.all_caught_up(),
            "run": self.saw.deliveries(), "comebacks": self.saw.comebacks(), "published": self.published,
            "idleCpuPerSecond": self.idle.report(), "stormSeconds": self.seconds,
            "stormCpuSeconds": self.cpu.report(), "cpuSecondsPer1000Returned": self.per_1000().report(),
            "generatorCpuSeconds": self.generator, "stopSeconds": self.stopped,
        })
    }

    fn rows(&self, sizes: &Avalanche) -> Vec<Row> {
        let what = |figure: &str| {
            format!(
                "one of {} nodes killed, {} clients: {figure}",
                sizes.nodes, sizes.clients
            )
        };
        let back = (self.fled as u64).saturating_sub(self.saw.away) as f64 * 100.0 / self.fled.max(1) as f64;
        let faults = self.saw.lost() + self.saw.doubled + self.saw.out_of_order;
        vec![
            Row::new("R3", what("back and caught up"), back, "%", 100.0).at_least(),
            Row::new("R3", what("lost, doubled or out of order"), faults as f64, "", 0.0),
        ]
    }
}

//! Clients on bad networks (R2): each is cut off again and again, at its own times, and comes back to another node.
//! After AnyCable's public "jitter" benchmark.

use std::time::Duration;

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::trickle::{Pace, Trickle, prime};
use crate::cli::{Common, Jitter};
use crate::clock;
use crate::error::Failure;
use crate::fleet::{Crew, Plan, Saw};
use crate::report::Row;
use crate::server::KEY;

pub(super) fn run(common: &Common, sizes: &Jitter) -> Result<Value, Failure> {
    let cluster = Cluster::start_with_defaults(common, sizes.nodes)?;
    let rooms: Vec<String> = (0..sizes.rooms.max(1))
        .map(|number| format!("board-jitter-{number}"))
        .collect();
    let count = sizes.broadcasts * rooms.len() as u64;
    let pace = Pace {
        nodes: cluster.nodes.iter().map(|node| node.internal).collect(),
        every: Duration::from_secs_f64(1.0 / (sizes.rate * rooms.len() as f64)),
        count: Some(count),
        payload: common.payload(),
        key: KEY.to_owned(),
        insists: false,
        rooms,
    };
    prime(&pace)?;
    let plan = Plan {
        by_ticket: !sizes.no_ticket,
        cycle: Duration::from_secs_f64(sizes.cycle_seconds),
        away: Duration::from_secs_f64(sizes.away_seconds),
        ..cluster.plan(common, &sizes.crew, &pace.rooms, sizes.clients)
    };
    let mut crew = Crew::open(&plan, sizes.crew.per_process)?;
    let before = cluster.cpu(sizes.nodes)?;
    let generator = crew.cpu()?;
    let from = clock::micros();
    let publishing = pace.every.as_micros() as u64 * count;
    crew.cut(from, from + publishing)?;
    let published = Trickle::start(pace.clone()).wait()?;
    let generator = crew.cpu()? - generator;
    let saw = crew.finish(&cluster.heads(&pace.rooms)?)?;
    let cpu = cluster.cpu(sizes.nodes)?.since(before);
    let stopped = cluster.stop()?;
    Ok(json!({
        "scenario": "jitter", "clients": sizes.clients, "nodes": sizes.nodes, "rooms": pace.rooms.len(),
        "broadcastsPerRoom": sizes.broadcasts, "cycleSeconds": sizes.cycle_seconds,
        "awaySeconds": sizes.away_seconds, "byTicket": !sizes.no_ticket,
        "published": published.report(), "run": saw.deliveries(), "comebacks": saw.comebacks(),
        "cpuSeconds": cpu.report(), "generatorCpuSeconds": generator, "stopSeconds": stopped,
        "rows": rows(sizes, &saw),
    }))
}

fn rows(sizes: &Jitter, saw: &Saw) -> Vec<Row> {
    let what = |figure: &str| {
        let (clients, away, cycle) = (sizes.clients, sizes.away_seconds, sizes.cycle_seconds);
        format!("{clients} clients cut off for {away} s every {cycle} s: {figure}")
    };
    let faults = saw.doubled + saw.out_of_order;
    let mut rows = vec![
        Row::new("R2", what("delivered"), saw.share(), "%", 100.0).at_least(),
        Row::new("R2", what("doubled or out of order"), faults as f64, "", 0.0),
    ];
    // Where nothing was replayed there is no time that it took.
    if saw.replay.count() > 0 {
        let seconds = saw.replay.millis_at(0.99) / 1000.0;
        rows.push(Row::new("R2", what("replay p99"), seconds, "s", 1.0));
    }
    rows
}

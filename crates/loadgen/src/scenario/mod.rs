//! The scenarios: each starts what it needs, measures, and answers with one JSON object.

mod avalanche;
mod cluster;
mod floor;
mod idle;
mod jitter;
mod latency;
mod peers;
mod rolling;
mod room;
mod rooms;
mod stage;
mod throughput;
mod trickle;

use std::io::Write;

use serde_json::{Value, json};

use crate::cli::{All, Avalanche, Common, CrewSizes, Floor, Idle, Jitter, Latency, Room, Rooms, Throughput, What};
use crate::error::Failure;

/// Runs what is asked for. Scenarios that cannot run here say so in their object.
pub(crate) fn run(common: &Common, what: &What) -> Result<Vec<Value>, Failure> {
    let steps = match what {
        What::All(all) => standard_set(all),
        one => vec![one.clone()],
    };
    steps.iter().map(|step| one(common, step)).collect()
}

fn one(common: &Common, what: &What) -> Result<Value, Failure> {
    progress(&format!("{what:?}"));
    match what {
        What::Floor(sizes) => floor::run(common, sizes),
        What::Room(sizes) => room::run(common, sizes),
        What::Rooms(sizes) => rooms::run(common, sizes),
        What::Idle(sizes) => idle::run(common, sizes),
        What::Latency(sizes) => latency::run(common, sizes),
        What::Throughput(sizes) => throughput::run(common, sizes),
        What::Jitter(sizes) => jitter::run(common, sizes),
        What::Avalanche(sizes) => avalanche::run(common, sizes),
        What::Rolling(sizes) => rolling::run(common, sizes),
        What::Peers(sizes) => peers::run(common, sizes),
        What::All(_) | What::Table { .. } | What::FloorWriter { .. } | What::Worker | What::FleetWorker => {
            Err(Failure::new("not a scenario"))
        }
    }
}

fn standard_set(all: &All) -> Vec<What> {
    let room = |receivers, under_way| {
        What::Room(Room {
            receivers,
            publishers: 1,
            under_way,
        })
    };
    vec![
        What::Floor(Floor {
            sockets: 1000,
            group: 0,
            under_way: 16,
        }),
        room(1000, 1),
        room(10_000, 1),
        room(1000, 16),
        What::Rooms(Rooms {
            rooms: 1000,
            room_size: 10,
            publishers: 8,
            under_way: 64,
        }),
        What::Idle(Idle {
            connections: all.connections,
            nodes: 1,
            room_size: 0,
            quiet_seconds: all.quiet_seconds,
            per_process: 19_000,
        }),
        What::Latency(Latency {
            rate: 200,
            receivers: 1,
        }),
        What::Throughput(Throughput {
            rooms: 64,
            publishers: 16,
            receivers: 0,
            under_way: 512,
        }),
        What::Jitter(Jitter {
            clients: 2000,
            nodes: 3,
            rooms: 10,
            broadcasts: 60,
            rate: 2.0,
            cycle_seconds: 15.0,
            away_seconds: 2.0,
            no_ticket: false,
            crew: CrewSizes::default(),
        }),
        What::Avalanche(Avalanche {
            clients: 6000,
            nodes: 3,
            rooms: 200,
            rooms_each: 1,
            rate: 40.0,
            no_ticket: false,
            crew: CrewSizes::default(),
        }),
    ]
}

/// Says how far a run has come: for people, so that a run without a terminal is no failure.
fn progress(what: &str) {
    let _ = writeln!(std::io::stderr(), "hallway-loadgen: {what}");
}

/// The object of a scenario that needs what is not here.
fn skipped(scenario: &str, why: &str) -> Value {
    progress(&format!("{scenario} SKIPPED: {why}"));
    json!({"scenario": scenario, "skipped": why})
}

//! Hallway and other servers side by side: the same rooms and payload, in rounds, each round in the other order.

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::idle::SETTLE;
use super::stage::{self, Floors, Sizes};
use crate::cli::{Common, Peers, ViaName};
use crate::error::Failure;
use crate::peers::{Subject, Version};
use crate::report::beside::{Beside, Case};
use crate::worker::{Task, Worker};

pub(super) fn run(common: &Common, sizes: &Peers) -> Result<Value, Failure> {
    if common.via != ViaName::Socket {
        return Err(Failure::new(
            "peers have no backend API in common: leave --via at socket",
        ));
    }
    let (subjects, skipped) = there(common, sizes);
    if subjects.is_empty() {
        return Ok(super::skipped("peers", "none of the servers is installed"));
    }
    let names = subjects
        .iter()
        .map(|(subject, versions)| (subject.name(), versions.clone()));
    let mut beside = Beside::new(names.collect(), skipped);
    for round in 0..sizes.rounds {
        let mut order: Vec<Subject> = subjects.iter().map(|(subject, _)| *subject).collect();
        // What the machine does meanwhile must not always hit the same one.
        if round % 2 == 1 {
            order.reverse();
        }
        for (case, stage) in broadcasts(sizes) {
            super::progress(&format!("round {}: {case}", round + 1));
            one_round(common, sizes, &order, beside.case(&case, "CPU s"), &stage)?;
        }
        super::progress(&format!("round {}: {} idle connections", round + 1, sizes.connections));
        for subject in &order {
            let idle = idle(common, sizes, *subject);
            let what = format!("memory per idle connection, {} of them", sizes.connections);
            let of = |figure: fn(&Idle) -> f64| idle.as_ref().map(figure).map_err(|why| Failure(why.0.clone()));
            beside
                .case(&what, "KiB")
                .note(subject.name(), of(|idle| idle.kibibytes));
            let what = "CPU to open 1,000 connections and join";
            beside
                .case(what, "s")
                .note(subject.name(), of(|idle| idle.cpu_per_thousand));
        }
    }
    let mut report = beside.report();
    report["scenario"] = json!("peers");
    report["rounds"] = json!(sizes.rounds);
    report["seconds"] = json!(common.seconds);
    Ok(report)
}

/// The subjects that are installed, with their versions, and why the others are not measured.
#[expect(clippy::type_complexity, reason = "two lists, taken apart at once")]
fn there(common: &Common, sizes: &Peers) -> (Vec<(Subject, Vec<Version>)>, Vec<(&'static str, String)>) {
    use clap::ValueEnum;
    let wanted = Subject::value_variants()
        .iter()
        .filter(|subject| sizes.subjects.is_empty() || sizes.subjects.contains(subject));
    let (mut there, mut skipped) = (Vec::new(), Vec::new());
    for subject in wanted {
        match subject.versions(common, &sizes.peers_dir) {
            Ok(versions) => there.push((*subject, versions)),
            Err(why) => {
                super::skipped(subject.name(), &why.0);
                skipped.push((subject.name(), why.0));
            }
        }
    }
    (there, skipped)
}

/// The cases that publish: what each is called, and its stage.
fn broadcasts(sizes: &Peers) -> Vec<(String, Sizes)> {
    let room = |readers, under_way| {
        let how = match under_way {
            1 => "one at a time".to_owned(),
            several => format!("{several} under way"),
        };
        let stage = Sizes {
            rooms: 1,
            readers,
            publishers: 1,
            publishers_share_rooms: true,
            under_way,
            rate: None,
        };
        (format!("one room of {readers}, {how}"), stage)
    };
    let small = Sizes {
        rooms: sizes.rooms,
        readers: sizes.room_size,
        publishers: sizes.publishers,
        publishers_share_rooms: false,
        under_way: sizes.full_rate,
        rate: None,
    };
    let what = format!(
        "{} rooms of {}, {} under way",
        sizes.rooms, sizes.room_size, sizes.full_rate
    );
    vec![
        room(sizes.room, 1),
        room(sizes.large_room, 1),
        (what, small),
        room(sizes.room, sizes.under_way),
    ]
}

/// Measures every subject once, between two floors. A subject that fails is noted, and the others go on.
fn one_round(common: &Common, sizes: &Peers, order: &[Subject], case: &mut Case, stage: &Sizes) -> Result<(), Failure> {
    let floors = Floors::before(common, stage.floor())?;
    let costs: Vec<_> = order
        .iter()
        .map(|subject| (*subject, broadcast(common, sizes, *subject, stage)))
        .collect();
    let (floor, floor_report) = floors.after(common)?;
    case.floor(floor, floor_report);
    for (subject, cost) in costs {
        match cost {
            Ok((cost, run)) => {
                case.note(subject.name(), Ok(cost));
                case.run(subject.name(), run);
            }
            Err(why) => case.note(subject.name(), Err(why)),
        }
    }
    Ok(())
}

/// CPU seconds per million deliveries of one subject, and its run.
fn broadcast(common: &Common, sizes: &Peers, subject: Subject, stage: &Sizes) -> Result<(f64, Value), Failure> {
    let measured = stage::measure_at(common, stage, cluster(common, sizes, subject)?)?;
    if measured.report["run"]["delivered"] == json!(0) {
        return Err(Failure(format!("nothing was delivered: {}", measured.report)));
    }
    Ok((measured.nodes, measured.report))
}

/// What connections cost that are only there.
struct Idle {
    kibibytes: f64,
    cpu_per_thousand: f64,
}

fn idle(common: &Common, sizes: &Peers, subject: Subject) -> Result<Idle, Failure> {
    let cluster = cluster(common, sizes, subject)?;
    std::thread::sleep(SETTLE);
    let (cpu, memory) = (cluster.whole_cpu()?, cluster.memory()?);
    let mut worker = Worker::start(&Task {
        room_size: sizes.connections.max(1),
        ..Task::new(common, &cluster.nodes[0], 0, 0..sizes.connections)
    })?;
    worker.opened()?.whole()?;
    std::thread::sleep(SETTLE);
    let cpu = cluster.whole_cpu()?.since(cpu).nodes;
    let memory = cluster.memory()?.since(memory).nodes;
    let saw = worker.finish()?;
    if saw["alive"] != json!(sizes.connections) {
        return Err(Failure(format!(
            "of {} connections not all stayed: {saw}",
            sizes.connections
        )));
    }
    let count = sizes.connections as f64;
    Ok(Idle {
        kibibytes: memory as f64 / 1024.0 / count,
        cpu_per_thousand: cpu * 1000.0 / count,
    })
}

/// One server, with a Redis of its own where that is the bus.
fn cluster(common: &Common, sizes: &Peers, subject: Subject) -> Result<Cluster, Failure> {
    let mut cluster = Cluster::start(common, 0)?;
    let redis = cluster.redis.as_ref().map(|redis| redis.address);
    cluster.nodes.push(subject.start(common, &sizes.peers_dir, redis)?);
    Ok(cluster)
}

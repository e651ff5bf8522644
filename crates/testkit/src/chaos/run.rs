//! All of it once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hallway_client::ResumeFrom;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::judge::{Log, Rules, judge};
use super::ledger::Ledger;
use super::listen::{Listeners, Seen};
use super::plan::{Fault, Plan};
use super::publish::{Api, publish_by_socket};
use super::report::{Counts, Report};
use super::world::World;
use crate::random::Random;

/// How long clients may take to be in their rooms, and to hear the last marker. Only a fault makes anyone wait so long.
const PATIENCE: Duration = Duration::from_secs(40);

/// What the seed does not decide.
#[derive(Debug, Clone)]
pub struct Options {
    /// The binary `hallway`.
    pub server_bin: PathBuf,
    /// Whether gaps that are told are well. `None`: only where the plan may lose history.
    pub tolerates_gaps: Option<bool>,
}

/// Carries out a plan, on a thread of the runtime's for what blocks: several runs do not wait for one another there.
///
/// # Errors
/// The servers could not be started, or something else outside of the gateway failed: nothing is known about it then.
pub async fn run(plan: Plan, options: Options) -> Result<Report, String> {
    let runtime = tokio::runtime::Handle::current();
    let run = tokio::task::spawn_blocking(move || runtime.block_on(run_here(plan, &options)));
    run.await.map_err(|why| why.to_string())
}

async fn run_here(plan: Plan, options: &Options) -> Report {
    let began = Instant::now();
    let logs = tempfile::Builder::new()
        .prefix(&format!("hallway-chaos-{}-", plan.seed))
        .tempdir()
        .expect("a temporary folder");
    let mut world = World::start(&plan, &options.server_bin, logs.path()).await;
    let ledger = Arc::new(Ledger::default());
    let start = Instant::now();
    let api = Api {
        nodes: world.internals().into(),
        ledger: Arc::clone(&ledger),
        start,
    };
    let rooms = plan.published();
    if plan.begins_full {
        publish_everywhere(&api, &rooms).await;
    }
    let listeners = Listeners::start(&plan, &world.urls(), start).await;
    if !listeners.wait_joined(&plan, PATIENCE).await {
        world.complaints.push("not every client could join".to_owned());
    }
    let first = Instant::now();
    let publishers = start_publishers(&plan, &api, &listeners, first + plan.time);
    carry_out(&plan, &mut world, &listeners, first).await;
    world.wait_healed().await;
    publishers.join_all().await;
    // What is missing must be noticed without a next number that would show it.
    let is_complete = plan.loses_history() || listeners.wait_marked(&ledger.last(), PATIENCE).await;
    if !is_complete {
        let why = "not everyone had heard everything before the last marker was published";
        world.complaints.push(why.to_owned());
    }
    let markers = publish_everywhere(&api, &rooms).await;
    if markers.len() < rooms.len() {
        world
            .complaints
            .push("the last marker was not accepted everywhere".to_owned());
    }
    // Who has not heard it is for the judge to say.
    listeners.wait_marked(&markers, PATIENCE).await;
    world.check_alive();
    let seen = listeners.finish().await;
    let complaints = std::mem::take(&mut world.complaints);
    let mut report = conclude(plan, options, &seen, &ledger, &markers, complaints);
    report.began = first.duration_since(start);
    report.took = began.elapsed();
    if !report.is_well() {
        report.logs = Some(keep(logs, &report));
    }
    report
}

/// One publish in every room, through the API. Returns where each was numbered.
async fn publish_everywhere(api: &Api, rooms: &BTreeSet<String>) -> BTreeMap<String, ResumeFrom> {
    let mut publishing = JoinSet::new();
    for (number, room) in rooms.iter().cloned().enumerate() {
        let api = api.clone();
        publishing.spawn(async move { api.publish(&room, number).await.map(|at| (room, at)) });
    }
    publishing.join_all().await.into_iter().flatten().collect()
}

fn start_publishers(plan: &Plan, api: &Api, listeners: &Listeners, until: Instant) -> JoinSet<()> {
    let mut publishers = JoinSet::new();
    for (number, publisher) in plan.publishers.iter().enumerate() {
        let random = Random::new(plan.seed, 100 + number as u64);
        let (api, room, period) = (api.clone(), publisher.room.clone(), plan.period);
        match publisher.client {
            None => publishers.spawn(api.publish_until(room, period, until, random)),
            Some(client) => {
                let handle = listeners.clients[client].handle.clone();
                publishers.spawn(publish_by_socket(handle, api, room, period, until, random))
            }
        };
    }
    publishers
}

/// Begins and ends the faults of a plan in their order, and waits until its time is over.
async fn carry_out(plan: &Plan, world: &mut World, listeners: &Listeners, first: Instant) {
    let mut moments: Vec<(Duration, bool, Fault)> = Vec::new();
    for planned in &plan.faults {
        moments.push((planned.from, true, planned.fault));
        moments.push((planned.to, false, planned.fault));
    }
    // Stable: a fault without duration begins before it ends.
    moments.sort_by_key(|(at, ..)| *at);
    let mut random = Random::new(plan.seed, 2);
    for (at, begins, fault) in moments {
        sleep_until(first + at).await;
        match (begins, fault) {
            (true, Fault::ClientsCut(percent)) => {
                for client in &listeners.clients {
                    if random.percent(percent) {
                        client.handle.drop_connection().await;
                    }
                }
            }
            (true, fault) => world.begin(fault).await,
            (false, fault) => world.end(fault).await,
        }
    }
    sleep_until(first + plan.time).await;
}

fn conclude(
    plan: Plan,
    options: &Options,
    seen: &[Seen],
    ledger: &Ledger,
    markers: &BTreeMap<String, ResumeFrom>,
    mut complaints: Vec<String>,
) -> Report {
    let mut counts = Counts::default();
    for (number, client) in seen.iter().enumerate() {
        counts.reconnects += client.connections.saturating_sub(1);
        counts.resumed += client.resumed;
        if let Some(why) = &client.ended {
            complaints.push(format!("client {number} does not come back: {why}"));
        }
    }
    let logs: Vec<Log> = seen.iter().map(|seen| seen.log.clone()).collect();
    let rules = Rules {
        loses_history: plan.loses_history(),
        tolerates_gaps: options.tolerates_gaps.unwrap_or(plan.loses_history()),
    };
    let judgement = judge(&logs, &ledger.lock(), markers, rules);
    Report {
        plan,
        judgement,
        complaints,
        counts,
        began: Duration::ZERO,
        took: Duration::ZERO,
        logs: None,
    }
}

/// Keeps the logs, with the whole report beside them.
fn keep(logs: tempfile::TempDir, report: &Report) -> PathBuf {
    let folder = logs.keep();
    let text = format!("{report}\n{}", report.details());
    write_beside(&folder, &text);
    folder
}

fn write_beside(folder: &Path, text: &str) {
    // The report is printed too; the file is for who comes later.
    let _ = std::fs::write(folder.join("report.txt"), text);
}

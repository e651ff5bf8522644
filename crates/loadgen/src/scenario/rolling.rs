//! All nodes of a cluster behind a load balancer are restarted one after another, while a backend publishes. The cluster
//! is one that others have started and know how to restart: `deploy/local/cluster`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::{Value, json};

use super::cluster;
use super::trickle::{Pace, Published, Trickle, prime};
use crate::cli::{Common, Rolling};
use crate::error::{Doing, Failure};
use crate::fleet::{Crew, Saw};
use crate::http::Caller;
use crate::report::Row;

/// How often is looked for whether all nodes are new.
const LOOK: Duration = Duration::from_millis(500);

pub(super) fn run(common: &Common, sizes: &Rolling) -> Result<Value, Failure> {
    let pace = Pace {
        nodes: sizes.nodes.clone(),
        rooms: (0..sizes.rooms.max(1))
            .map(|number| format!("board-rolling-{number}"))
            .collect(),
        every: Duration::from_secs_f64(1.0 / sizes.rate),
        count: None,
        payload: common.payload(),
        key: sizes.api_key.0.clone(),
        insists: true,
    };
    prime(&pace)?;
    let plan = cluster::plan(
        common,
        &sizes.crew,
        vec![sizes.balancer],
        &sizes.secret.0,
        &pace.rooms,
        sizes.clients,
    );
    let crew = Crew::open(&plan, sizes.crew.per_process)?;
    let trickle = Trickle::start(pace.clone());
    std::thread::sleep(common.time());
    let restart = restart_all(sizes)?;
    std::thread::sleep(common.time());
    let published = trickle.stop()?;
    let saw = crew.finish(&heads(sizes, &pace.rooms)?)?;
    Ok(json!({
        "scenario": "rolling", "clients": sizes.clients, "nodes": sizes.nodes.len(), "rooms": pace.rooms.len(),
        "broadcastsPerSecond": sizes.rate, "restartSeconds": restart.as_secs_f64(),
        "published": published.report(), "run": saw.deliveries(), "comebacks": saw.comebacks(),
        "rows": rows(sizes, &saw, &published),
    }))
}

/// Has every node restarted, and waits until each is another process than before.
fn restart_all(sizes: &Rolling) -> Result<Duration, Failure> {
    let before = running(sizes)?;
    if before.len() != sizes.nodes.len() {
        let (named, known) = (sizes.nodes.len(), before.len());
        return Err(Failure(format!(
            "{named} nodes were named, and the cluster has {known}"
        )));
    }
    let process = Pid::from_raw(sizes.cluster_pid).ok_or_else(|| Failure::new("no process has this number"))?;
    kill_process(process, Signal::HUP).doing("telling the cluster to restart its nodes")?;
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < sizes.longest_seconds {
        std::thread::sleep(LOOK);
        // While one is away another answers; that it lists too few is no end.
        let now = running(sizes).unwrap_or_default();
        let is_new = |(name, started): (&String, &Value)| now.get(name).is_some_and(|again| again != started);
        if before.iter().all(is_new) {
            return Ok(start.elapsed());
        }
    }
    Err(Failure::new("not all nodes were restarted in time"))
}

/// When each node was started, as the first that answers says.
fn running(sizes: &Rolling) -> Result<BTreeMap<String, Value>, Failure> {
    #[derive(Deserialize)]
    struct List {
        nodes: Vec<Node>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Node {
        node: String,
        started_at: Value,
    }
    let list = first_that_answers(sizes, |caller| {
        let (status, body) = caller.get("/api/v1/nodes")?;
        if status != 200 {
            return Err(Failure(format!("the list of nodes: HTTP {status}")));
        }
        serde_json::from_slice::<List>(&body).doing("the list of nodes")
    })?;
    Ok(list
        .nodes
        .into_iter()
        .map(|node| (node.node, node.started_at))
        .collect())
}

fn heads(sizes: &Rolling, rooms: &[String]) -> Result<Vec<crate::fleet::Head>, Failure> {
    let node = *sizes.nodes.first().ok_or_else(|| Failure::new("no node was named"))?;
    cluster::heads(node, &sizes.api_key.0, rooms)
}

fn first_that_answers<T>(sizes: &Rolling, ask: impl Fn(&mut Caller) -> Result<T, Failure>) -> Result<T, Failure> {
    let mut outcome = Err(Failure::new("no node was named"));
    for node in &sizes.nodes {
        outcome = Caller::dial(*node, &sizes.api_key.0).and_then(|mut caller| ask(&mut caller));
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn rows(sizes: &Rolling, saw: &Saw, published: &Published) -> Vec<Row> {
    let what = |figure: &str| format!("{} nodes restarted in turn: {figure}", sizes.nodes.len());
    let faults = saw.lost() + saw.doubled + saw.out_of_order;
    let share = saw.most_back() as f64 * 100.0 / sizes.clients.max(1) as f64;
    vec![
        Row::new("R5", what("lost, doubled or out of order"), faults as f64, "", 0.0),
        Row::new("R5", what("publishes that failed"), published.failed() as f64, "", 0.0),
        Row::new(
            "R5",
            what("clients that came back in one second, at most"),
            share,
            "%",
            10.0,
        ),
    ]
}

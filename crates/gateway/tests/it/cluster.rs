//! Three nodes over one real Redis: everything reaches everyone exactly once and in order, and what cannot be
//! proven is told.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hallway_client::{Client, Codec, Events, Incoming, Requests};
use hallway_testkit::{Checker, Cluster, Fault, RedisServer};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::broadcast;

fn over(redis: &RedisServer) -> String {
    // Probed often, so that the tests wait for little.
    format!(
        "[redis]\nurl = '{}'\ncommand_timeout = '1s'\nprobe_interval = '200ms'\nprobe_timeout = '1s'\n",
        redis.url()
    )
}

/// The same for a test that fills the machine: patient, so that only what is lost counts, not what is slow.
fn patiently_over(redis: &RedisServer) -> String {
    format!(
        "[redis]\nurl = '{}'\ncommand_timeout = '20s'\nprobe_timeout = '20s'\n",
        redis.url()
    )
}

/// What the cluster has accepted: per room, the last epoch and number.
#[derive(Default)]
struct Accepted(Mutex<HashMap<String, (String, u64, u64)>>);

impl Accepted {
    fn note(&self, room: &str, reply: &Value) {
        let epoch = reply["epoch"].as_str().expect("an epoch").to_owned();
        let seq = reply["seq"].as_u64().expect("a number");
        let mut rooms = self.0.lock();
        let place = rooms.entry(room.to_owned()).or_insert_with(|| (epoch.clone(), 0, 0));
        place.2 += 1;
        // Replies of several nodes come in any order.
        if place.0 != epoch || place.1 < seq {
            (place.0, place.1) = (epoch, seq);
        }
    }

    fn last(&self, room: &str) -> u64 {
        self.0.lock().get(room).map_or(0, |place| place.1)
    }
}

/// A subscriber that checks what it hears, until it has heard a last word in each of its rooms.
struct Subscriber {
    requests: Requests,
    rooms: Vec<String>,
    task: JoinHandle<Checker>,
}

async fn subscribe(cluster: &Cluster, number: usize, rooms: Vec<String>, drop_one: bool) -> Subscriber {
    let codec = if number.is_multiple_of(2) {
        Codec::Json
    } else {
        Codec::Msgpack
    };
    let (client, _) = cluster
        .try_connect(number % cluster.len(), &format!("u{number}"), codec)
        .await
        .expect("connected");
    let mut checker = Checker::default();
    for room in &rooms {
        let joined = client
            .request("rooms.join", json!({ "room": room }))
            .await
            .expect("joined");
        checker.joined(room, &joined["state"]);
    }
    let (requests, events) = client.split();
    let left = rooms.len();
    Subscriber {
        requests,
        rooms,
        task: tokio::spawn(listen(events, checker, left, drop_one)),
    }
}

async fn listen(mut events: Events, mut checker: Checker, mut left: usize, mut drop_one: bool) -> Checker {
    while left > 0 {
        match tokio::time::timeout(Duration::from_secs(120), events.next()).await {
            Ok(Some(Incoming::Broadcast(broadcast))) => {
                if drop_one && checker.heard == 50 {
                    drop_one = false;
                    continue;
                }
                checker.hear(&broadcast);
                left -= usize::from(broadcast.destination == "last");
            }
            other => panic!("a broadcast, not {other:?}"),
        }
    }
    checker
}

/// Publishes its share from its own rooms, a few at a time.
async fn publish(requests: Requests, rooms: Vec<String>, count: usize, accepted: Arc<Accepted>) {
    let mut number = 0;
    while number < count {
        let some = (number..count.min(number + 8)).map(|n| {
            let room = rooms[n % rooms.len()].clone();
            let (requests, accepted) = (requests.clone(), Arc::clone(&accepted));
            async move {
                let say = json!({"room": room, "destination": "update-task", "data": {"n": n}, "includeSelf": true});
                let reply = requests.request("rooms.broadcast", say).await.expect("accepted");
                accepted.note(&room, &reply);
            }
        });
        futures_util::future::join_all(some).await;
        number += 8;
    }
}

struct Load {
    clients: usize,
    rooms: usize,
    broadcasts: usize,
    drop_one: bool,
}

/// Runs a load over three nodes and returns what the checkers found, and how many deliveries they saw.
async fn run(load: &Load) -> (Vec<(String, Fault)>, u64) {
    let redis = RedisServer::start().await;
    let cluster = Cluster::start(3, &patiently_over(&redis)).await;
    let mut subscribers = Vec::new();
    for number in 0..load.clients {
        let rooms = (0..3)
            .map(|k| format!("board-{}", (number * 7 + k * 61) % load.rooms))
            .collect();
        subscribers.push(subscribe(&cluster, number, rooms, load.drop_one && number == 0).await);
    }
    let accepted = Arc::new(Accepted::default());
    let share = load.broadcasts / load.clients + 1;
    let publishers: Vec<_> = subscribers
        .iter()
        .map(|one| {
            tokio::spawn(publish(
                one.requests.clone(),
                one.rooms.clone(),
                share,
                Arc::clone(&accepted),
            ))
        })
        .collect();
    for publisher in publishers {
        publisher.await.expect("everything was accepted");
    }
    for room in 0..load.rooms {
        let room = format!("board-{room}");
        let last = json!({"room": room, "destination": "last", "data": null}).to_string();
        let (status, answer) = cluster.api(room.len() % 3, "POST", "/api/v1/broadcast", &last).await;
        assert_eq!(status, 200, "{answer}");
        accepted.note(&room, &answer["results"][0]);
    }
    let (mut faults, mut heard) = (Vec::new(), 0);
    for subscriber in subscribers {
        let mut checker = subscriber.task.await.expect("it heard the last words");
        checker.finish(|room| accepted.last(room));
        heard += checker.heard;
        assert_eq!(checker.resyncs, 0, "nothing was lost, so nothing was said to be");
        faults.extend(checker.faults);
    }
    let total: u64 = accepted.0.lock().values().map(|place| place.2).sum();
    assert!(total >= load.broadcasts as u64);
    (faults, heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_subscriber_hears_everything_once_and_in_order() {
    let load = Load {
        clients: 600,
        rooms: 200,
        broadcasts: 100_000,
        drop_one: false,
    };
    let (faults, heard) = run(&load).await;
    assert_eq!(faults, [], "of {heard} deliveries");
    assert!(heard > 600_000, "{heard} deliveries");
    println!(
        "{heard} deliveries of {} broadcasts, each once and in order",
        load.broadcasts
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_fails_when_a_message_is_dropped_on_purpose() {
    let load = Load {
        clients: 12,
        rooms: 4,
        broadcasts: 1000,
        drop_one: true,
    };
    let (faults, _) = run(&load).await;
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(matches!(faults[0].1, Fault::Order { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_killed_under_load_and_started_again() {
    let mut redis = RedisServer::start().await;
    let cluster = Cluster::start(3, &over(&redis)).await;
    let mut clients = Vec::new();
    let (heard, mut heard_by) = mpsc::channel(10_000);
    for number in 0..30 {
        let (client, _) = cluster.connect(number % 3, &format!("u{number}")).await;
        let joined = client
            .request("rooms.join", json!({"room": format!("board-{}", number % 5)}))
            .await
            .unwrap();
        let (requests, mut events) = client.split();
        let (heard, mut checker) = (heard.clone(), Checker::default());
        checker.joined(&format!("board-{}", number % 5), &joined["state"]);
        let task = tokio::spawn(async move {
            while let Some(incoming) = events.next().await {
                match incoming {
                    Incoming::Broadcast(broadcast) => {
                        checker.hear(&broadcast);
                        if broadcast.destination == "after" {
                            heard.send(number).await.expect("somebody counts");
                        }
                    }
                    other => panic!("the socket stays open, but {other:?}"),
                }
                assert_eq!(checker.faults, [], "client {number}");
            }
        });
        clients.push((requests, task));
    }
    let load = load_until_stopped(clients.iter().map(|(requests, _)| requests.clone()).collect());
    load.wait_for("ok").await;
    redis.kill().await;
    load.wait_for("unavailable").await;
    for number in 0..3 {
        cluster.wait_ready(number, false).await;
        let (status, _) = cluster.api(number, "GET", "/readyz", "").await;
        assert_eq!(status, 503);
        let say = json!({"room": "board-1", "destination": "d", "data": 1}).to_string();
        let (status, answer) = cluster.api(number, "POST", "/api/v1/broadcast", &say).await;
        assert_eq!((status, answer["error"]["code"].as_str()), (503, Some("unavailable")));
        assert!(answer["error"]["retryAfterMs"].as_u64().is_some());
    }
    redis.restart().await;
    for number in 0..3 {
        cluster.wait_ready(number, true).await;
    }
    load.stop().await;
    for room in 0..5 {
        let after = json!({"room": format!("board-{room}"), "destination": "after", "data": 1}).to_string();
        let (status, answer) = cluster.api(room % 3, "POST", "/api/v1/broadcast", &after).await;
        assert_eq!(status, 200, "{answer}");
    }
    let mut reached = std::collections::HashSet::new();
    while reached.len() < 30 {
        let number = tokio::time::timeout(Duration::from_secs(20), heard_by.recv()).await;
        reached.insert(
            number
                .unwrap_or_else(|_| panic!("only {} of 30 hear again", reached.len()))
                .unwrap(),
        );
    }
    for (_, task) in &clients {
        assert!(!task.is_finished(), "no socket was closed for it");
    }
    for number in 0..3 {
        assert_eq!(cluster.metric(number, "hallway_connections_closed_total").await, 0.0);
        assert!(cluster.metric(number, "hallway_gaps_total").await > 0.0, "noticed");
    }
}

/// Clients that publish one after another whatever is answered; the answers can be waited for.
struct Publishing {
    outcomes: tokio::sync::watch::Receiver<HashMap<String, u64>>,
    stop: tokio::sync::watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

fn load_until_stopped(clients: Vec<Requests>) -> Publishing {
    let (outcome, outcomes) = tokio::sync::watch::channel(HashMap::new());
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let outcome = Arc::new(outcome);
    let spawn = |(number, requests): (usize, Requests)| {
        let (outcome, stopped) = (Arc::clone(&outcome), stopped.clone());
        tokio::spawn(async move {
            while !*stopped.borrow() {
                let say = json!({"room": format!("board-{}", number % 5), "destination": "d", "data": 1, "includeSelf": true});
                let result = requests.request("rooms.broadcast", say).await;
                let label = result
                    .as_ref()
                    .map_or_else(|why| why.code().unwrap_or("other").to_owned(), |_| "ok".into());
                let failed = result.is_err();
                outcome.send_modify(|outcomes| *outcomes.entry(label).or_insert(0) += 1);
                if failed {
                    // As a client that was told `retryAfterMs`, but impatient.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        })
    };
    let tasks = clients.into_iter().enumerate().map(spawn).collect();
    Publishing { outcomes, stop, tasks }
}

impl Publishing {
    /// Waits for ten more of an outcome.
    async fn wait_for(&self, label: &str) {
        let mut outcomes = self.outcomes.clone();
        let before = outcomes.borrow().get(label).copied().unwrap_or(0);
        let wait = outcomes.wait_for(|outcomes| outcomes.get(label).copied().unwrap_or(0) >= before + 10);
        let done = tokio::time::timeout(Duration::from_secs(20), wait).await.is_ok();
        assert!(done, "{label} in {:?}", self.outcomes.borrow().clone());
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            task.await.expect("it ends");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_link_loses_nothing_that_history_has() {
    let redis = RedisServer::start().await;
    let cluster = Cluster::start(2, &over(&redis)).await;
    let (alice, _) = cluster.connect(0, "alice").await;
    let (mut bob, _) = cluster.connect(1, "bob").await;
    for client in [&alice, &bob] {
        client.request("rooms.join", json!({"room": "board-1"})).await.unwrap();
    }
    let mut next = 1;
    for _ in 0..5 {
        redis
            .cli(&["CLIENT", "KILL", "TYPE", "pubsub"])
            .await
            .expect("Redis answers");
        for _ in 0..20 {
            let say = json!({"room": "board-1", "destination": "d", "data": 1});
            // While its own link is away a node says so, and the client tries again.
            while let Err(why) = alice.request("rooms.broadcast", &say).await {
                assert_eq!(why.code(), Some("unavailable"), "{why}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        for _ in 0..20 {
            let heard = broadcast(&mut bob).await;
            assert_eq!((heard.destination.as_str(), heard.seq), ("d", Some(next)));
            next += 1;
        }
    }
    assert!(cluster.metric(1, "hallway_gaps_total").await >= 1.0);
    assert_eq!(cluster.metric(1, "hallway_resyncs_total").await, 0.0);
}

/// Puts a broadcast into a room's history without publishing it: as if what was published had been lost on its way.
const LOSE_ONE: &str = "local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', '1')[1]
    return redis.call('XADD', KEYS[1], string.match(last[1], '^%d+') .. '-*', unpack(last[2]))";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_quiet_room_has_missed_is_found() {
    let redis = RedisServer::start().await;
    let cluster = Cluster::start(2, &format!("{}\ncheck_interval = '1s'", over(&redis))).await;
    let (mut alice, _) = cluster.connect(0, "alice").await;
    let (mut bob, _) = cluster.connect(1, "bob").await;
    for client in [&alice, &bob] {
        client.request("rooms.join", json!({"room": "board-1"})).await.unwrap();
    }
    let body = json!({"room": "board-1-tasks", "destination": "d", "data": 7}).to_string();
    assert_eq!(cluster.api(0, "POST", "/api/v1/broadcast", &body).await.0, 200);
    for client in [&mut alice, &mut bob] {
        assert_eq!(broadcast(client).await.seq, Some(1));
    }
    redis.cli(&["EVAL", LOSE_ONE, "1", "{board-1-tasks}:h"]).await.unwrap();
    for client in [&mut alice, &mut bob] {
        let found = broadcast(client).await;
        assert_eq!(
            (found.room.as_str(), found.seq, found.data),
            ("board-1-tasks", Some(2), json!(7))
        );
    }
    for node in 0..2 {
        assert!(cluster.metric(node, "hallway_broadcasts_repaired_total").await >= 1.0);
        assert_eq!(cluster.metric(node, "hallway_resyncs_total").await, 0.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbering_that_was_lost_is_told() {
    let mut redis = RedisServer::start().await;
    let cluster = Cluster::start(2, &over(&redis)).await;
    let (alice, _) = cluster.connect(0, "alice").await;
    let (mut bob, _) = cluster.connect(1, "bob").await;
    for client in [&alice, &bob] {
        client.request("rooms.join", json!({"room": "board-1"})).await.unwrap();
    }
    let say = json!({"room": "board-1", "destination": "d", "data": 1});
    let before = alice.request("rooms.broadcast", &say).await.unwrap();
    assert_eq!(broadcast(&mut bob).await.seq, Some(1));
    redis.kill().await;
    cluster.wait_ready(0, false).await;
    cluster.wait_ready(1, false).await;
    redis.restart_empty().await;
    cluster.wait_ready(0, true).await;
    cluster.wait_ready(1, true).await;
    // Of the rooms in which nothing was, too: what they had since may be lost.
    let mut told = Vec::new();
    for _ in 0..4 {
        let resync = broadcast(&mut bob).await;
        assert_eq!((resync.destination.as_str(), resync.seq), ("room.resync", None));
        assert!(resync.data["position"]["seq"] == 0, "{:?}", resync.data);
        told.push(resync.room);
    }
    told.sort();
    assert_eq!(told, ["board-1", "board-1-sprints", "board-1-tasks", "user-bob"]);
    let after = alice.request("rooms.broadcast", &say).await.unwrap();
    assert_ne!(after["epoch"], before["epoch"]);
    let heard = broadcast(&mut bob).await;
    assert_eq!((heard.seq, heard.epoch.as_deref()), (Some(1), after["epoch"].as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_on_one_node_happens_on_all() {
    let redis = RedisServer::start().await;
    let cluster = Cluster::start(3, &over(&redis)).await;
    let mut alices = Vec::new();
    for number in 0..3 {
        alices.push(cluster.connect(number, "alice").await.0);
    }
    let (_, nodes) = nodes_of(&cluster).await;
    assert_eq!(nodes, 3);
    cluster.api(0, "PUT", "/api/v1/rooms/board-1/users/alice", "").await;
    let (_, room) = cluster.api(1, "GET", "/api/v1/rooms/board-1", "").await;
    assert_eq!(
        (&room["userCount"], &room["socketCount"]),
        (&json!(1), &json!(3)),
        "{room}"
    );
    let everywhere = async {
        loop {
            let (_, user) = cluster.api(2, "GET", "/api/v1/users/alice", "").await;
            if user["sockets"].as_array().is_some_and(|sockets| sockets.len() == 3) {
                return user;
            }
        }
    };
    let user = tokio::time::timeout(Duration::from_secs(20), everywhere)
        .await
        .expect("all are seen");
    let nodes: std::collections::BTreeSet<_> = user["sockets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|socket| socket["node"].as_str())
        .collect();
    assert_eq!(nodes.len(), 3, "{user}");
    let say = json!({"room": "board-1", "destination": "d", "data": 1}).to_string();
    cluster.api(2, "POST", "/api/v1/broadcast", &say).await;
    for alice in &mut alices {
        assert_eq!(broadcast(alice).await.room, "board-1");
    }
    cluster
        .api(0, "POST", "/api/v1/disconnect", &json!({"userId": "alice"}).to_string())
        .await;
    for alice in &mut alices {
        assert_eq!(crate::close_code(alice).await, 4403);
    }
}

/// Waits until every node has said that it is alive.
async fn nodes_of(cluster: &Cluster) -> (u16, usize) {
    loop {
        let (status, answer) = cluster.api(0, "GET", "/api/v1/nodes", "").await;
        let count = answer["nodes"].as_array().map_or(0, Vec::len);
        if count == cluster.len() {
            return (status, count);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_past_the_gateway_is_delivered_without_a_number() {
    let redis = RedisServer::start().await;
    let cluster = Cluster::start(1, &over(&redis)).await;
    let (mut bob, _): (Client, _) = cluster.try_connect(0, "bob", Codec::Msgpack).await.unwrap();
    bob.request("rooms.join", json!({"room": "board-1"})).await.unwrap();
    for bad in [
        "nonsense",
        "{",
        r#"{"data":1}"#,
        r#"{"destination":"d"}"#,
        r#"{"destination":"d","data":"\ud800"}"#,
    ] {
        redis.cli(&["PUBLISH", "board-1", bad]).await.expect("Redis answers");
    }
    redis
        .cli(&[
            "PUBLISH",
            "board-1",
            r#"{"destination":"update-board","data":{"id":7}}"#,
        ])
        .await
        .expect("Redis answers");
    let heard = broadcast(&mut bob).await;
    assert_eq!((heard.data, heard.seq, heard.ts), (json!({"id": 7}), None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_its_redis_starts_not_ready_and_comes_up() {
    let mut redis = RedisServer::start().await;
    redis.kill().await;
    let running = hallway_gateway::Node::start(hallway_testkit::config(&over(&redis)))
        .await
        .expect("it starts");
    assert!(!running.node().readiness.report().ready);
    redis.restart().await;
    let mut health = running.node().bus.health();
    let ready = health.wait_for(|health| health.ready);
    tokio::time::timeout(Duration::from_secs(20), ready)
        .await
        .expect("in time")
        .expect("it lives");
}

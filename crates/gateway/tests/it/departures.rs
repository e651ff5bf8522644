//! Nodes that send clients away while they stay up: drained by an operator, or shedding what is above the mean. Three
//! nodes, a load balancer, and clients that come back by themselves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hallway_client::{Event, Options, Session, SessionHandle, SessionOptions};
use hallway_testkit::{Balancer, Cluster, RedisServer, token};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);
/// The room that everyone is in, and its last word.
const ROOM: &str = "board-1";
const LAST: &str = "last";

fn over(redis: &RedisServer) -> String {
    // Patient: only what is lost counts, not what is slow.
    format!(
        "[redis]\nurl = '{}'\ncommand_timeout = '20s'\nprobe_timeout = '20s'\n",
        redis.url()
    )
}

/// What a client has heard, and when it came back.
#[derive(Default)]
struct Heard {
    numbers: Vec<u64>,
    returned: Vec<Instant>,
    resyncs: usize,
}

struct Crowd {
    clients: Vec<(SessionHandle, JoinHandle<Heard>)>,
    joined: Arc<Mutex<usize>>,
}

impl Crowd {
    /// So many clients behind the balancer, each in the room.
    async fn gather(count: usize, url: &str) -> Self {
        let mut crowd = Self {
            clients: Vec::new(),
            joined: Arc::default(),
        };
        for number in 0..count {
            let connect = Options::new("").token(token(&format!("u{number}"), &["board-*"]));
            let mut options = SessionOptions::new([url], connect);
            options.backoff_first = Duration::from_millis(20);
            options.backoff_most = Duration::from_millis(200);
            let session = Session::start(options);
            let handle = session.handle();
            handle.join(ROOM).await;
            let joined = Arc::clone(&crowd.joined);
            crowd.clients.push((handle, tokio::spawn(listen(session, joined))));
            until("a client is in", || *crowd.joined.lock() > number).await;
        }
        crowd
    }

    /// Waits until everyone has heard the last word, and checks that each heard all, once and in order.
    async fn check(self, last: u64) -> Vec<Instant> {
        let mut returned = Vec::new();
        for (number, (_, listening)) in self.clients.into_iter().enumerate() {
            let heard = tokio::time::timeout(PATIENCE, listening).await;
            let heard = heard.expect("the last word in time").unwrap();
            let all: Vec<u64> = (1..=last).collect();
            assert_eq!(heard.numbers, all, "client {number}");
            assert_eq!(heard.resyncs, 0, "client {number}");
            returned.extend(heard.returned);
        }
        returned.sort_unstable();
        returned
    }
}

async fn listen(mut session: Session, joined: Arc<Mutex<usize>>) -> Heard {
    let mut heard = Heard::default();
    let mut connections = 0;
    loop {
        match session.next().await {
            Some(Event::Broadcast(broadcast)) if broadcast.room == ROOM => {
                heard.numbers.push(broadcast.seq.expect("a number"));
                if broadcast.destination == LAST {
                    return heard;
                }
            }
            Some(Event::Double(broadcast)) if broadcast.room == ROOM => heard.numbers.extend(broadcast.seq),
            Some(Event::Joined { room, .. }) if room == ROOM => *joined.lock() += 1,
            Some(Event::Connected { .. }) => {
                connections += 1;
                if connections > 1 {
                    heard.returned.push(Instant::now());
                }
            }
            Some(Event::Resync { .. }) => heard.resyncs += 1,
            // The user's own room, and what happens in it.
            Some(Event::Joined { .. } | Event::Broadcast(_) | Event::Double(_)) => {}
            Some(Event::Disconnected { comes_back: true, .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("not in time: {what}"));
}

/// A backend that publishes one after the other, through this node, until it is told to stop.
struct Publisher {
    stop: tokio::sync::oneshot::Sender<()>,
    task: JoinHandle<u64>,
}

impl Publisher {
    fn start(cluster: &Arc<Cluster>, number: usize) -> Self {
        let (stop, mut stopped) = tokio::sync::oneshot::channel();
        let cluster = Arc::clone(cluster);
        let task = tokio::spawn(async move {
            loop {
                let is_last = stopped.try_recv().is_ok();
                let destination = if is_last { LAST } else { "d" };
                let body = json!({"room": ROOM, "destination": destination, "data": {}}).to_string();
                let (status, answer) = cluster.api(number, "POST", "/api/v1/broadcast", &body).await;
                assert_eq!(status, 200, "{answer}");
                if is_last {
                    return answer["results"][0]["seq"].as_u64().unwrap();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        Self { stop, task }
    }

    /// Says the last word; returns its number.
    async fn finish(self) -> u64 {
        self.stop.send(()).unwrap();
        self.task.await.unwrap()
    }
}

fn sockets(cluster: &Cluster, number: usize) -> usize {
    cluster.node(number).node().hub.socket_count()
}

fn name(cluster: &Cluster, number: usize) -> String {
    cluster.node(number).node().name.clone()
}

async fn balanced(cluster: &Cluster) -> Balancer {
    let balancer = Balancer::start().await;
    for number in 0..cluster.len() {
        let node = cluster.node(number);
        balancer.add(node.public_address(), node.internal_address());
    }
    balancer
}

/// Waits until a node hears of all the others, so that they are counted on.
async fn acquainted(cluster: &Cluster) {
    let all = async {
        while cluster.api(0, "GET", "/api/v1/nodes", "").await.1["nodes"]
            .as_array()
            .map_or(0, Vec::len)
            < cluster.len()
        {}
    };
    tokio::time::timeout(PATIENCE, all).await.expect("all nodes in time");
}

async fn post(cluster: &Cluster, number: usize, path: &str, body: Value) -> Value {
    let (status, answer) = cluster.api(number, "POST", path, &body.to_string()).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

/// The most that came back within any second.
fn most_in_a_second(returned: &[Instant]) -> usize {
    let within = |(place, first): (usize, &Instant)| {
        let later = returned[place..].iter();
        later
            .take_while(|at| at.duration_since(*first) < Duration::from_secs(1))
            .count()
    };
    returned.iter().enumerate().map(within).max().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_node_is_left_by_all_and_nothing_is_lost() {
    let redis = RedisServer::start().await;
    let cluster = Arc::new(Cluster::start(3, &over(&redis)).await);
    let balancer = balanced(&cluster).await;
    acquainted(&cluster).await;
    let crowd = Crowd::gather(60, &balancer.url()).await;
    let drained = sockets(&cluster, 1);
    assert!(drained > 10, "{drained}");
    let publisher = Publisher::start(&cluster, 0);
    let path = format!("/api/v1/nodes/{}/drain", name(&cluster, 1));
    // Another node is asked.
    let standing = post(&cluster, 0, &path, json!({"seconds": 20, "reason": "upgrade"})).await;
    assert_eq!(
        (&standing["draining"], &standing["ready"]),
        (&json!(true), &json!(false)),
        "{standing}"
    );
    let again = post(&cluster, 2, &path, json!({"seconds": 0})).await;
    assert!(
        again["seconds"].as_u64().unwrap() > 0,
        "the first order counts: {again}"
    );
    let refused = cluster.try_connect(1, "late", hallway_client::Codec::Json).await;
    let refused = refused.expect_err("it takes no new connections").to_string();
    assert!(refused.contains("503"), "{refused}");
    until("the node is empty", || sockets(&cluster, 1) == 0).await;
    assert_eq!(cluster.api(1, "GET", "/healthz", "").await.0, 200, "it stays up");
    let returned = crowd.check(publisher.finish().await).await;
    assert_eq!(returned.len(), drained, "each once, and nobody else");
    let most = most_in_a_second(&returned);
    assert!(most <= 6, "{most} of 60 clients in one second");

    let (status, standing) = cluster.api(2, "DELETE", &path, "").await;
    assert_eq!((status, &standing["ready"]), (200, &json!(true)), "{standing}");
    cluster.connect(1, "late").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_is_taken_back_sends_nobody_more_away() {
    let cluster = Cluster::alone("").await;
    let (mut client, _) = cluster.connect(0, "alice").await;
    let (second, _) = cluster.connect(0, "bob").await;
    let path = "/api/v1/nodes/self/drain";
    let standing = post(&cluster, 0, path, json!({"seconds": 3600, "reason": "no reason"})).await;
    assert_eq!(standing["connections"], 2, "{standing}");
    match crate::next(&mut client).await {
        Some(hallway_client::Incoming::Goodbye(goodbye)) => assert_eq!(goodbye.reason, "no reason"),
        other => panic!("{other:?}"),
    }
    // One of the two has its moment at once, the other in half an hour.
    until("one has gone", || sockets(&cluster, 0) == 1).await;
    let (_, standing) = cluster.api(0, "DELETE", path, "").await;
    assert_eq!(
        (&standing["leaving"], &standing["draining"]),
        (&json!(0), &json!(false)),
        "{standing}"
    );
    let (status, _) = cluster.api(0, "GET", "/readyz", "").await;
    assert_eq!((status, sockets(&cluster, 0)), (200, 1));
    drop(second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_node_gets_its_share_and_a_dry_run_changes_nothing() {
    let redis = RedisServer::start().await;
    let mut cluster = Cluster::start(2, &over(&redis)).await;
    let balancer = balanced(&cluster).await;
    let crowd = Crowd::gather(60, &balancer.url()).await;
    let third = cluster.add(&over(&redis)).await;
    let node = cluster.node(third);
    balancer.add(node.public_address(), node.internal_address());
    acquainted(&cluster).await;
    let cluster = Arc::new(cluster);
    let publisher = Publisher::start(&cluster, 0);

    let order = json!({"tolerance": 0.1, "seconds": 5, "dryRun": true});
    let plan = post(&cluster, 2, "/api/v1/rebalance", order).await;
    let sheds = |plan: &Value| -> u64 {
        let nodes = plan["nodes"].as_array().unwrap().iter();
        nodes.map(|node| node["sheds"].as_u64().unwrap()).sum()
    };
    assert_eq!((&plan["mean"], sheds(&plan)), (&json!(20.0), 20), "{plan}");
    let stats = cluster.api(0, "GET", "/api/v1/stats", "").await.1;
    assert!(
        stats["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|node| node["leaving"] == 0),
        "{stats}"
    );

    let order = json!({"tolerance": 0.1, "seconds": 5});
    let plan = post(&cluster, 2, "/api/v1/rebalance", order.clone()).await;
    assert_eq!(sheds(&plan), 20, "{plan}");
    let again = post(&cluster, 0, "/api/v1/rebalance", order.clone()).await;
    assert_eq!(sheds(&again), 0, "they are on their way: {again}");
    until("the third has its share", || sockets(&cluster, third) >= 20).await;
    until("all are there", || {
        (0..3).map(|number| sockets(&cluster, number)).sum::<usize>() == 60
    })
    .await;
    for number in 0..3 {
        let count = sockets(&cluster, number);
        assert!((18..=22).contains(&count), "node {number} has {count}");
    }
    let plan = post(&cluster, 1, "/api/v1/rebalance", order).await;
    assert_eq!((sheds(&plan), &plan["seconds"]), (0, &json!(0)), "{plan}");
    let returned = crowd.check(publisher.finish().await).await;
    assert_eq!(returned.len(), 20, "nobody else");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_while_it_sheds_loses_nothing() {
    let redis = RedisServer::start().await;
    let mut cluster = Cluster::start(2, &over(&redis)).await;
    let balancer = balanced(&cluster).await;
    let crowd = Crowd::gather(40, &balancer.url()).await;
    let third = cluster.add(&over(&redis)).await;
    let node = cluster.node(third);
    balancer.add(node.public_address(), node.internal_address());
    acquainted(&cluster).await;
    let plan = post(&cluster, 0, "/api/v1/rebalance", json!({"seconds": 3})).await;
    assert!(
        plan["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|node| node["sheds"].as_u64() > Some(0)),
        "{plan}"
    );
    until("it has begun", || sockets(&cluster, third) > 0).await;
    let dying = cluster.take(1);
    let hub = Arc::clone(&dying.node().hub);
    drop(dying);
    hub.sockets()
        .iter()
        .for_each(|socket| socket.abort(hallway_protocol::CloseCode::Normal));
    let cluster = Arc::new(cluster);
    let publisher = Publisher::start(&cluster, 0);
    until("all are elsewhere", || {
        sockets(&cluster, 0) + sockets(&cluster, 1) == 40
    })
    .await;
    let returned = crowd.check(publisher.finish().await).await;
    assert!(returned.len() >= 20, "{}", returned.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_said() {
    let cluster = Cluster::alone("").await;
    let bad = |body: &'static str| (400, body);
    for (path, (expected, body)) in [
        ("/api/v1/nodes/nobody/drain", (404, "{}")),
        ("/api/v1/nodes/self/drain", bad(r#"{"seconds":3601}"#)),
        ("/api/v1/nodes/self/drain", bad(r#"{"reason":""}"#)),
        ("/api/v1/rebalance", bad(r#"{"tolerance":-0.1}"#)),
        ("/api/v1/rebalance", bad(r#"{"seconds":3601}"#)),
    ] {
        let (status, answer) = cluster.api(0, "POST", path, body).await;
        assert_eq!(status, expected, "{path} {body}: {answer}");
    }
    assert_eq!(cluster.api(0, "GET", "/readyz", "").await.0, 200, "none of it was done");
    for query in [
        "limit=0",
        "limit=101",
        "sort=name",
        "kind=nothing",
        "windowMs=5001",
        "sort=traffic&windowMs=0",
    ] {
        let (status, answer) = cluster.api(0, "GET", &format!("/api/v1/rooms?{query}"), "").await;
        assert_eq!(status, 400, "{query}: {answer}");
    }
}

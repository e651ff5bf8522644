//! The operator's backend hears of everything, in order per user, whatever fails meanwhile.

mod backend;

use std::collections::BTreeMap;
use std::time::Duration;

use hallway_gateway::Node;
use hallway_gateway::hooks::{HookEvent, HookKind};
use hallway_protocol::{RoomName, UserId};
use hallway_testkit::{Cluster, RedisServer};
use serde_json::json;

use backend::{Backend, PREVIOUS, SECRET};

const PATIENCE: Duration = Duration::from_secs(90);

fn settings(backend: &Backend, more: &str) -> String {
    format!(
        "[webhook]\nsecret = '{SECRET}'\nprevious_secrets = ['{PREVIOUS}']\n\
         [hooks]\nurl = 'http://{}/hooks'\nretry_first = '20ms'\nretry_most = '100ms'\n{more}\n",
        backend.address
    )
}

const MESSAGES: &str = "events = ['message.offline']";

fn over(redis: &RedisServer) -> String {
    format!(
        "[redis]\nurl = '{}'\ncommand_timeout = '2s'\nprobe_interval = '200ms'\nprobe_timeout = '3s'\n",
        redis.url()
    )
}

fn message(user: &str, number: u64) -> HookEvent {
    HookEvent::MessageOffline {
        user_id: UserId::parse(user).unwrap(),
        room: RoomName::parse("board-42").unwrap(),
        message: json!(number),
    }
}

fn tell(node: &Node, user: &str, numbers: std::ops::Range<u64>) {
    for number in numbers {
        node.hooks.tell(message(user, number));
    }
}

fn dropped(node: &Node, reason: &str) -> u64 {
    node.metrics.hooks.dropped.with_label_values(&[reason]).get()
}

/// Looks again and again.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("not in time: {what}"));
}

async fn appended(node: &Node, count: u64) {
    until("events are written", || node.metrics.hooks.appended.get() >= count).await;
}

/// Which node tells the only partition.
async fn holder(cluster: &Cluster) -> usize {
    let mut found = None;
    until("a node tells", || {
        found = (0..cluster.len()).find(|number| {
            let node = cluster.node(*number).node();
            node.refresh_gauges();
            node.metrics.hooks.partitions.get() == 1
        });
        found.is_some()
    })
    .await;
    found.unwrap()
}

fn expected(users: &[&str], numbers: std::ops::Range<u64>) -> BTreeMap<String, Vec<u64>> {
    let numbers: Vec<u64> = numbers.collect();
    users.iter().map(|user| ((*user).to_owned(), numbers.clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_told_of() {
    let backend = Backend::start().await;
    let events = "events = ['client.connected', 'client.disconnected']";
    let cluster = Cluster::alone(&settings(&backend, events)).await;
    let node = cluster.node(0).node();
    assert!(node.hooks.wants(HookKind::ClientConnected) && !node.hooks.wants(HookKind::UserOnline));
    tell(node, "alice", 0..3);
    let (client, hello) = cluster.connect(0, "alice").await;
    backend.has(1).await;
    client.close().await;
    let told = backend.has(2).await;
    assert_eq!(told.len(), 2, "and nothing that is not wanted: {told:?}");
    let connected_at = &told[0].body["data"]["connectedAt"];
    assert!(connected_at.as_u64().unwrap() > 1_500_000_000_000);
    let data = json!({"clientId": hello.client_id, "userId": "alice", "node": node.name, "connectedAt": connected_at});
    assert_eq!(
        (&told[0].body["type"], &told[0].body["data"]),
        (&json!("client.connected"), &data)
    );
    let mut data = data;
    data["code"] = json!(1000);
    assert_eq!(
        (&told[1].body["type"], &told[1].body["data"]),
        (&json!("client.disconnected"), &data)
    );
    let time = told[1].body["timestamp"].as_str().unwrap();
    assert!(
        time.len() == 24 && time.starts_with("20") && time.ends_with('Z'),
        "{time}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_where_nobody_asked() {
    for hooks in [
        "",
        "[hooks]\nurl = 'http://127.0.0.1:1/'\n[webhook]\nsecret = 'a secret of at least 24 bytes'",
    ] {
        let cluster = Cluster::alone(hooks).await;
        let node = cluster.node(0).node();
        assert!(HookKind::ALL.iter().all(|kind| !node.hooks.wants(*kind)));
        tell(node, "alice", 0..3);
        assert_eq!(cluster.metric(0, "hallway_hooks_appended_total").await, 0.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn order_per_user_from_three_nodes() {
    let (redis, backend) = (RedisServer::start().await, Backend::start().await);
    let cluster = Cluster::start(3, &format!("{}{}", settings(&backend, MESSAGES), over(&redis))).await;
    let users: Vec<String> = (0..30).map(|number| format!("user-{number}")).collect();
    for number in 0..20 {
        for (place, user) in users.iter().enumerate() {
            let node = cluster.node(place % 3).node();
            node.hooks.tell(message(user, number));
        }
    }
    backend.has(600).await;
    // One who goes from node to node.
    for number in 0..9 {
        let node = cluster.node(number % 3).node();
        let before = node.metrics.hooks.appended.get();
        tell(node, "wanderer", number as u64..number as u64 + 1);
        appended(node, before + 1).await;
    }
    let told = backend.has(609).await;
    let mut all = expected(&users.iter().map(String::as_str).collect::<Vec<_>>(), 0..20);
    all.extend(expected(&["wanderer"], 0..9));
    assert_eq!(backend.by_user(), all);
    let lost_leases = told.len() - 609;
    assert!(lost_leases < 609, "doubles are the exception: {lost_leases}");
    until("nothing waits", || {
        (0..3).all(|number| {
            let node = cluster.node(number).node();
            node.refresh_gauges();
            node.metrics.hooks.waiting.get() == 0 && node.metrics.hooks.queued_bytes.get() == 0
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_was_away_hears_it_all() {
    let backend = Backend::absent();
    let cluster = Cluster::alone(&settings(&backend, &format!("{MESSAGES}\ntimeout = '300ms'"))).await;
    let node = cluster.node(0).node();
    let users = ["alice", "bob", "carol"];
    let tell_all = |numbers: std::ops::Range<u64>| users.iter().for_each(|user| tell(node, user, numbers.clone()));
    tell_all(0..10);
    let refused = node.metrics.hooks.calls.with_label_values(&["unreachable"]);
    until("calls are refused", || refused.get() > 3).await;
    node.refresh_gauges();
    assert!(node.metrics.hooks.lag.get() > 0);
    backend.listen().await;
    backend.has(30).await;
    backend.answers(|_| Some(500));
    tell_all(10..20);
    backend.is_called(5).await;
    backend.answers(|_| None);
    backend.is_called(5).await;
    tell_all(20..30);
    backend.answers(|_| Some(200));
    backend.has(90).await;
    assert_eq!(backend.by_user(), expected(&users, 0..30));
    for outcome in ["status", "timeout"] {
        assert!(
            node.metrics.hooks.calls.with_label_values(&[outcome]).get() > 0,
            "{outcome}"
        );
    }
    assert_eq!(cluster.metric(0, "hallway_hooks_dropped_total").await, 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_taken_is_dropped_and_counted() {
    let backend = Backend::start().await;
    let more = format!("{MESSAGES}\ngive_up_after = '200ms'\npartitions = 1");
    let cluster = Cluster::alone(&settings(&backend, &more)).await;
    let node = cluster.node(0).node();
    backend.answers(|body| match body["data"]["message"].as_u64() {
        Some(3) => Some(410),
        Some(5) => Some(400),
        _ => Some(200),
    });
    tell(node, "alice", 0..8);
    tell(node, "bob", 10..12);
    backend.has(8).await;
    let told = backend.by_user();
    assert_eq!(
        (&told["alice"][..], &told["bob"][..]),
        (&[0, 1, 2, 4, 6, 7][..], &[10, 11][..])
    );
    assert_eq!((dropped(node, "unwanted"), dropped(node, "given-up")), (1, 1));
    // A backend that is away loses nothing by it.
    backend.answers(|_| Some(503));
    tell(node, "alice", 20..22);
    backend.is_called(10).await;
    backend.answers(|_| Some(200));
    backend.has(10).await;
    assert_eq!(dropped(node, "given-up"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_node_goes_on_for_one_that_died() {
    let (redis, backend) = (RedisServer::start().await, Backend::start().await);
    let more = format!("{MESSAGES}\npartitions = 1\nlease = '1s'");
    let mut cluster = Cluster::start(3, &format!("{}{}", settings(&backend, &more), over(&redis))).await;
    let holding = holder(&cluster).await;
    let other = cluster.node((holding + 1) % 3).node();
    // So many are taken, then it hangs.
    backend.answers(|body| (body["data"]["message"].as_u64().unwrap() < 40).then_some(200));
    // In turns: who hangs holds up those who wait behind a batch.
    for number in 0..100 {
        for user in ["alice", "bob"] {
            tell(other, user, number..number + 1);
        }
    }
    appended(other, 200).await;
    backend.has(80).await;
    drop(cluster.take(holding));
    backend.answers(|_| Some(200));
    let told = backend.has(200).await;
    assert_eq!(backend.by_user(), expected(&["alice", "bob"], 0..100));
    assert!(told.len() <= 300, "at most a batch twice: {}", told.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_leaves_leaves_nothing_behind() {
    let (redis, backend) = (RedisServer::start().await, Backend::start().await);
    // Nobody waits for this lease to end.
    let more = format!("{MESSAGES}\npartitions = 1\nlease = '5m'");
    let text = format!("{}{}", settings(&backend, &more), over(&redis));
    let mut cluster = Cluster::start(1, &text).await;
    assert_eq!(holder(&cluster).await, 0);
    backend.answers(|_| Some(500));
    let leaving = cluster.take(0);
    tell(leaving.node(), "alice", 0..50);
    backend.is_called(1).await;
    leaving.drain().await;
    let cluster = Cluster::start(1, &text).await;
    backend.answers(|_| Some(200));
    backend.has(50).await;
    assert_eq!(backend.by_user(), expected(&["alice"], 0..50));
    drop(cluster);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_comes_back_has_it_all() {
    let (mut redis, backend) = (RedisServer::start_appendonly().await, Backend::start().await);
    let cluster = Cluster::start(2, &format!("{}{}", settings(&backend, MESSAGES), over(&redis))).await;
    let (one, other) = (cluster.node(0).node(), cluster.node(1).node());
    backend.answers(|_| Some(503));
    tell(one, "alice", 0..50);
    tell(other, "bob", 0..50);
    appended(one, 50).await;
    appended(other, 50).await;
    redis.kill().await;
    // What is told meanwhile waits on the node.
    tell(one, "alice", 50..100);
    tell(other, "bob", 50..100);
    until("a write fails", || one.metrics.hooks.append_failures.get() > 0).await;
    redis.restart().await;
    backend.answers(|_| Some(200));
    backend.has(200).await;
    assert_eq!(backend.by_user(), expected(&["alice", "bob"], 0..100));
    assert_eq!(cluster.metric(0, "hallway_hooks_dropped_total").await, 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_is_counted() {
    let (mut redis, backend) = (RedisServer::start_appendonly().await, Backend::start().await);
    let more = format!("{MESSAGES}\npartitions = 1\nkeep = 100\nqueue = '64KiB'");
    let cluster = Cluster::start(1, &format!("{}{}", settings(&backend, &more), over(&redis))).await;
    let node = cluster.node(0).node();
    backend.answers(|_| Some(503));
    for begin in (0..2000).step_by(100) {
        tell(node, "alice", begin..begin + 100);
        appended(node, begin + 100).await;
    }
    let pushed_out = dropped(node, "pushed-out");
    assert!((1500..=1900).contains(&pushed_out), "{pushed_out}");
    redis.kill().await;
    tell(node, "bob", 0..1000);
    let too_many = dropped(node, "queue-full");
    assert!((1..1000).contains(&too_many), "{too_many}");
    let large = json!("x".repeat(100_000));
    node.hooks.tell(HookEvent::MessageOffline {
        user_id: UserId::parse("bob").unwrap(),
        room: RoomName::parse("board-42").unwrap(),
        message: large,
    });
    assert_eq!(dropped(node, "too-large"), 1);
    redis.restart().await;
    appended(node, 2000 + 1000 - too_many).await;
    backend.answers(|_| Some(200));
    // The last that was taken note of comes last; what this node had read before it was pushed out may come too.
    let last = 999 - too_many;
    until("the last is told", || {
        backend.by_user().get("bob").is_some_and(|bob| bob.ends_with(&[last]))
    })
    .await;
    let told = backend.by_user();
    assert!(told.values().all(|numbers| numbers.is_sorted()));
    let all = 2000 + 1000 - too_many;
    let pushed_out = dropped(node, "pushed-out");
    let count = backend.count() as u64;
    assert!(
        (all - pushed_out..=all - pushed_out + 100).contains(&count),
        "{count} of {all}, {pushed_out} pushed out"
    );
}

//! Who is there: users over all their sockets, and rooms with the users in them, over the death of a node.

use std::collections::BTreeSet;
use std::time::Duration;

use hallway_client::{Broadcast, Client};
use hallway_store::People as _;
use hallway_testkit::{Cluster, RedisServer};
use serde_json::{Value, json};

use crate::broadcast;
use crate::messages::join;

const ROOM: &str = "board-1";

/// Nodes over a Redis, whose rooms show their people; `presence` are further settings of that.
fn over(redis: &RedisServer, presence: &str) -> String {
    format!(
        "[redis]\nurl = '{}'\nprobe_interval = '200ms'\n[presence]\nrooms = true\n{presence}\n",
        redis.url()
    )
}

async fn info(client: &Client) -> Value {
    let info = client.request("rooms.info", json!({ "room": ROOM })).await;
    info.expect("who is there")
}

/// What is heard up to a broadcast that is asked for, which is the last.
async fn heard_until(client: &mut Client, mut is_it: impl FnMut(&Broadcast) -> bool) -> Vec<Broadcast> {
    let mut heard = Vec::new();
    loop {
        heard.push(broadcast(client).await);
        if heard.last().is_some_and(&mut is_it) {
            return heard;
        }
    }
}

/// Says a last word in the room; what is heard up to it.
async fn heard_to_the_end(cluster: &Cluster, node: usize, client: &mut Client) -> Vec<Broadcast> {
    let say = json!({"room": ROOM, "destination": "marker", "data": 1}).to_string();
    assert_eq!(cluster.api(node, "POST", "/api/v1/broadcast", &say).await.0, 200);
    heard_until(client, |heard| heard.destination == "marker").await
}

/// What was told of a user: `destination` and, where there is one, the status.
fn told_of(heard: &[Broadcast], name: &str) -> Vec<String> {
    let of = heard.iter().filter(|one| one.data["userId"] == name);
    let words = of.map(|one| match one.data["status"].as_str() {
        Some(status) => format!("{} {} {status}", one.room, one.destination),
        None => format!("{} {}", one.room, one.destination),
    });
    words.collect()
}

/// Five sockets of one user on two nodes, opened and closed in some order: each thing is told once.
async fn five_sockets(cluster: &Cluster, closing: [usize; 5]) {
    let last = cluster.len() - 1;
    let (mut bob, _) = cluster.connect(last, "bob").await;
    join(&bob, ROOM).await;
    join(&bob, "presence-alice").await;
    let mut sockets = Vec::new();
    for number in 0..5 {
        let (socket, _) = cluster.connect(number % cluster.len().min(2), "alice").await;
        join(&socket, ROOM).await;
        sockets.push(Some(socket));
    }
    while info(&bob).await["socketCount"] != 6 {}
    let users = json!([
        {"userId": "alice", "status": "ONLINE", "sockets": 5},
        {"userId": "bob", "status": "ONLINE", "sockets": 1}
    ]);
    assert_eq!(info(&bob).await["users"], users);
    for (place, number) in closing.into_iter().enumerate() {
        if place == 4 {
            let chosen = sockets[number]
                .as_ref()
                .expect("the last")
                .request("presence.update", json!({"status": "IDLE"}));
            assert_eq!(chosen.await.expect("chosen"), json!({"status": "IDLE"}));
        }
        sockets[number].take().expect("not closed yet").close().await;
        while info(&bob).await["socketCount"] != 5 - place as u64 {}
    }
    let mut heard = Vec::new();
    let (mut has_left, mut is_off) = (false, false);
    while !(has_left && is_off) {
        let one = broadcast(&mut bob).await;
        has_left |= one.destination == "user-left";
        is_off |= one.data["status"] == "OFFLINE";
        heard.push(one);
    }
    heard.extend(heard_to_the_end(cluster, 0, &mut bob).await);
    let mut told = told_of(&heard, "alice");
    let room_first = told.iter().position(|one| one == "board-1 user-joined");
    assert!(room_first.is_some(), "{told:?}");
    told.sort();
    // Whether it is told in the room hangs on who is faster: the choice, or the close of the socket.
    told.retain(|one| one != "board-1 presence-updated IDLE");
    let expected = [
        "board-1 user-joined",
        "board-1 user-left",
        "presence-alice presence-updated IDLE",
        "presence-alice presence-updated OFFLINE",
        "presence-alice presence-updated ONLINE",
    ];
    assert_eq!(told, expected);
    assert_eq!(told_of(&heard, "bob"), ["board-1 user-joined"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_sockets_on_two_nodes_are_one_user() {
    let redis = RedisServer::start().await;
    let cluster = Cluster::start(3, &over(&redis, "grace = '300ms'")).await;
    five_sockets(&cluster, [2, 0, 4, 1, 3]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_sockets_on_one_embedded_node_are_one_user() {
    let cluster = Cluster::alone("[presence]\nrooms = true\ngrace = '300ms'").await;
    five_sockets(&cluster, [0, 4, 1, 3, 2]).await;
    let store = cluster.node(0).node().store.get().unwrap();
    let alice = hallway_protocol::UserId::parse("alice").unwrap();
    let stored = async {
        loop {
            let user = store.user(alice.clone()).await.unwrap();
            if let Some(user) = user.filter(|user| user.status.as_deref() == Some("OFFLINE")) {
                return user;
            }
        }
    };
    let user = tokio::time::timeout(Duration::from_secs(20), stored)
        .await
        .expect("stored");
    let (bob, _) = cluster.connect(0, "bob").await;
    let known = bob
        .request("presence.get", json!({"userIds": ["alice"]}))
        .await
        .unwrap();
    assert_eq!(known["users"][0]["lastSeenAt"].as_i64(), user.last_seen_at);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_tab_and_a_quick_reconnect_make_no_noise() {
    let redis = RedisServer::start().await;
    for settings in [
        over(&redis, "grace = '5m'"),
        "[presence]\nrooms = true\ngrace = '5m'".to_owned(),
    ] {
        let cluster = Cluster::start(if settings.contains("redis") { 2 } else { 1 }, &settings).await;
        let other = cluster.len() - 1;
        let (mut bob, _) = cluster.connect(other, "bob").await;
        join(&bob, ROOM).await;
        join(&bob, "presence-alice").await;
        let (first, _) = cluster.connect(0, "alice").await;
        join(&first, ROOM).await;
        let (second, _) = cluster.connect(other, "alice").await;
        join(&second, ROOM).await;
        while info(&bob).await["socketCount"] != 3 {}
        first.close().await;
        second.close().await;
        while info(&bob).await["socketCount"] != 1 {}
        let (again, _) = cluster.connect(0, "alice").await;
        join(&again, ROOM).await;
        assert_eq!(info(&again).await["userCount"], 2);
        let heard = heard_to_the_end(&cluster, 0, &mut bob).await;
        let mut told = told_of(&heard, "alice");
        told.sort();
        assert_eq!(told, ["board-1 user-joined", "presence-alice presence-updated ONLINE"]);
    }
}

/// Names of keys that never end, those of the node's own bookkeeping aside.
async fn endless(redis: &RedisServer) -> Vec<String> {
    let mut endless = Vec::new();
    for key in keys(redis).await {
        if redis.cli(&["TTL", &key]).await.unwrap() == "-1" && !key.contains("#lineage") {
            endless.push(key);
        }
    }
    endless
}

async fn keys(redis: &RedisServer) -> Vec<String> {
    let answer = redis.cli(&["KEYS", "*"]).await.unwrap();
    let lines = answer.lines().filter(|line| line.starts_with('{'));
    lines.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ghosts_of_a_killed_node_go_once() {
    let redis = RedisServer::start().await;
    let mut cluster = Cluster::start(3, &over(&redis, "life = '8s'\ngrace = '300ms'")).await;
    let (mut watchers, mut ghosts) = (Vec::new(), Vec::new());
    for node in [1, 2] {
        let (watcher, _) = cluster.connect(node, &format!("watcher{node}")).await;
        join(&watcher, ROOM).await;
        join(&watcher, "presence-ghost0").await;
        watchers.push(watcher);
    }
    for number in 0..10 {
        let (ghost, _) = cluster.connect(0, &format!("ghost{number}")).await;
        join(&ghost, ROOM).await;
        ghosts.push(ghost);
    }
    // One of them has a socket elsewhere too, and stays.
    let (stays, _) = cluster.connect(1, "ghost9").await;
    join(&stays, ROOM).await;
    while info(&watchers[0]).await["socketCount"] != 13 {}
    assert_eq!(endless(&redis).await, Vec::<String>::new());
    drop(cluster.take(0));
    for (place, watcher) in watchers.iter_mut().enumerate() {
        // In either order.
        let (mut left, mut off) = (0, 0);
        let mut heard = heard_until(watcher, |one| {
            left += usize::from(one.destination == "user-left");
            off += usize::from(one.data["status"] == "OFFLINE");
            left == 9 && off == 1
        })
        .await;
        heard.extend(heard_to_the_end(&cluster, place, watcher).await);
        for number in 0..9 {
            let told = told_of(&heard, &format!("ghost{number}"));
            let left = told.iter().filter(|one| *one == "board-1 user-left").count();
            assert_eq!(left, 1, "ghost{number}: {told:?}");
        }
        for name in ["ghost9", "watcher1", "watcher2"] {
            assert!(
                !told_of(&heard, name).iter().any(|one| one.ends_with("left")),
                "{name} stays"
            );
        }
        let off = heard.iter().filter(|one| one.data["status"] == "OFFLINE");
        let seen: Vec<u64> = off.filter_map(|one| one.data["lastSeenAt"].as_u64()).collect();
        assert!(seen.len() == 1 && seen[0] > 1_500_000_000_000, "{seen:?}");
        assert_eq!(info(watcher).await["userCount"], 3);
    }
    for client in watchers.into_iter().chain([stays]) {
        client.close().await;
    }
    let gone = async {
        // That the room was emptied, and not lost, is remembered for as long as its history.
        let is_presence = |key: &String| {
            [":p", ":a", ":o", ":c", ":n", ":l"]
                .iter()
                .any(|end| key.ends_with(end))
        };
        while keys(&redis).await.iter().any(is_presence) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone)
        .await
        .expect("nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_users_choose_is_shown() {
    let redis = RedisServer::start().await;
    let cluster = Cluster::start(2, &over(&redis, "")).await;
    let (mut bob, _) = cluster.connect(1, "bob").await;
    let (alice, _) = cluster.connect(0, "alice").await;
    join(&alice, ROOM).await;
    join(&bob, ROOM).await;
    join(&bob, "presence-alice").await;
    let update = json!({"isActive": false, "device": "phone"});
    alice.request("client.update", update).await.unwrap();
    for status in ["IDLE", "DND", "OFFLINE", "ONLINE"] {
        alice
            .request("presence.update", json!({ "status": status }))
            .await
            .unwrap();
        let mut rooms = BTreeSet::new();
        while rooms.len() < 2 {
            let heard = broadcast(&mut bob).await;
            if heard.destination == "presence-updated"
                && heard.data["status"] == status
                && heard.data["userId"] == "alice"
            {
                assert_eq!(heard.data["lastSeenAt"].is_u64(), status == "OFFLINE");
                assert!(rooms.insert(heard.room.clone()), "once in each");
            }
        }
        assert_eq!(rooms, BTreeSet::from([ROOM.to_owned(), "presence-alice".to_owned()]));
        assert_eq!(info(&bob).await["users"][0]["status"], status);
        let known = bob
            .request("presence.get", json!({"userIds": ["alice", "carol"]}))
            .await
            .unwrap();
        assert_eq!(known["users"][0]["status"], status);
        assert_eq!(
            known["users"][0]["devices"].as_array().unwrap().len(),
            usize::from(status != "OFFLINE")
        );
        let carol = json!({"userId": "carol", "status": "OFFLINE", "lastSeenAt": null, "devices": []});
        assert_eq!(known["users"][1], carol);
    }
    let phone = async {
        loop {
            let known = bob
                .request("presence.get", json!({"userIds": ["alice"]}))
                .await
                .unwrap();
            let device = &known["users"][0]["devices"][0];
            if device["device"] == "phone" && device["isActive"] == false {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), phone)
        .await
        .expect("the device is known");
    for (endpoint, args) in [
        ("presence.update", json!({"status": "AWAY"})),
        ("presence.get", json!({"userIds": []})),
        ("presence.get", json!({"userIds": ["a b"]})),
        ("rooms.info", json!({"room": ROOM, "limit": 0})),
    ] {
        let refused = bob.request(endpoint, &args).await.unwrap_err();
        assert_eq!(refused.code(), Some("bad-args"), "{endpoint} {args}");
    }
    let (_, user) = cluster.api(1, "GET", "/api/v1/users/alice", "").await;
    assert_eq!(user["sockets"][0]["address"], "127.0.0.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_room_hears_it_merged_and_is_read_in_pages() {
    let redis = RedisServer::start().await;
    let kinds = "[[kinds]]\nname = 'board'\npresence_merge_above = 2\npresence_merge_ms = 200";
    let cluster = Cluster::start(2, &over(&redis, kinds)).await;
    let (mut first, _) = cluster.connect(0, "u0").await;
    join(&first, ROOM).await;
    let mut others = Vec::new();
    for number in 1..8 {
        let (other, _) = cluster.connect(number % 2, &format!("u{number}")).await;
        join(&other, ROOM).await;
        others.push(other);
    }
    let heard = heard_until(&mut first, |one| one.data["userCount"] == 8).await;
    let mut named = BTreeSet::new();
    for one in &heard {
        let users = match one.destination.as_str() {
            "user-joined" => vec![one.data["userId"].clone()],
            _ => one.data["joined"].as_array().unwrap().clone(),
        };
        for user in users {
            assert!(named.insert(user.as_str().unwrap().to_owned()), "named once");
        }
    }
    assert_eq!(named.len(), 8);
    assert_eq!(heard.last().unwrap().destination, "members-updated");
    let mut seen = Vec::new();
    let mut after = Value::Null;
    loop {
        let args = json!({"room": ROOM, "after": after, "limit": 3});
        let page = first.request("rooms.info", args).await.unwrap();
        assert_eq!((&page["userCount"], &page["socketCount"]), (&json!(8), &json!(8)));
        seen.extend(
            page["users"]
                .as_array()
                .unwrap()
                .iter()
                .map(|user| user["userId"].clone()),
        );
        match &page["next"] {
            Value::Null => break,
            next => after = next.clone(),
        }
    }
    assert_eq!(
        seen,
        (0..8).map(|number| json!(format!("u{number}"))).collect::<Vec<_>>()
    );
    let (_, room) = cluster.api(1, "GET", "/api/v1/rooms/board-1?after=u5", "").await;
    assert_eq!(room["users"].as_array().unwrap().len(), 2, "{room}");
}

#[tokio::test(flavor = "multi_thread")]
async fn presence_comes_back_to_an_emptied_redis() {
    let mut redis = RedisServer::start().await;
    let cluster = Cluster::start(2, &over(&redis, "life = '6s'")).await;
    let (mut bob, _) = cluster.connect(1, "bob").await;
    let (alice, _) = cluster.connect(0, "alice").await;
    join(&bob, ROOM).await;
    join(&alice, ROOM).await;
    heard_until(&mut bob, |one| one.data["userId"] == "alice").await;
    redis.restart_empty().await;
    for node in 0..2 {
        cluster.wait_ready(node, true).await;
    }
    let back = async {
        loop {
            let info = bob.request("rooms.info", json!({ "room": ROOM })).await;
            if info.is_ok_and(|info| info["userCount"] == 2) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(40), back)
        .await
        .expect("by renewal");
    let heard = heard_to_the_end(&cluster, 0, &mut bob).await;
    assert_eq!(
        told_of(&heard, "alice"),
        Vec::<String>::new(),
        "nobody came, and nobody went"
    );
    alice
        .request("presence.update", json!({"status": "DND"}))
        .await
        .unwrap();
    heard_until(&mut bob, |one| one.data["status"] == "DND" && one.room == ROOM).await;
}

/// What it costs: run by hand, with `--ignored --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures, and takes more than a minute"]
async fn figures() {
    let redis = RedisServer::start().await;
    let cluster = Cluster::start(2, &over(&redis, "")).await;
    let commands = async || {
        let calls: u64 = redis.info("stats", "total_commands_processed").await.parse().unwrap();
        let scripts = redis.info("commandstats", "cmdstat_evalsha").await;
        let scripts = scripts
            .split(['=', ','])
            .nth(1)
            .map_or(0, |calls| calls.parse::<u64>().unwrap());
        (calls, scripts, redis.cpu_seconds())
    };
    let minute = async |what: &str| {
        let before = commands().await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        let after = commands().await;
        println!(
            "{what}: a minute at rest: {} commands in and out of scripts, {} scripts, {:.2} s of CPU",
            after.0 - before.0,
            after.1 - before.1,
            after.2 - before.2
        );
    };
    minute("empty").await;
    let memory = redis.info("memory", "used_memory").await.parse::<u64>().unwrap();
    let mut clients = Vec::new();
    for number in 0..1000 {
        clients.push(cluster.connect(number % 2, &format!("user{number}")).await.0);
    }
    let users = redis.info("memory", "used_memory").await.parse::<u64>().unwrap();
    println!("bytes in Redis for a user with a socket: {}", (users - memory) / 1000);
    minute("1,000 sockets").await;
    for (room, what) in [("public-x", "without"), ("board-x", "with")] {
        let before = commands().await;
        for client in &clients {
            join(client, room).await;
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
        let after = commands().await;
        println!(
            "1,000 joins of one room {what} presence: {} commands, {} scripts, {:.2} s of CPU",
            after.0 - before.0,
            after.1 - before.1,
            after.2 - before.2
        );
    }
    let rooms = redis.info("memory", "used_memory").await.parse::<u64>().unwrap();
    println!(
        "bytes in Redis for a socket in a room (its history included): {}",
        (rooms - users) / 1000
    );
    minute("1,000 sockets in a room").await;
}

//! Who writes: told once for a user, over all their sockets and nodes, and always ended.

use std::time::Duration;

use hallway_client::{Broadcast, Client};
use hallway_testkit::{Cluster, Proxy, Raw, RedisServer, token};
use serde_json::{Value, json};

use crate::broadcast;

const BOARD: &str = "board-1";

fn over(url: &str, more: &str) -> String {
    format!("[redis]\nurl = '{url}'\nprobe_interval = '200ms'\nprobe_timeout = '5s'\n{more}")
}

async fn in_room(cluster: &Cluster, node: usize, user: &str) -> Client {
    let (client, _) = cluster.connect(node, user).await;
    client.request("rooms.join", json!({ "room": BOARD })).await.unwrap();
    client
}

async fn say(client: &Client, endpoint: &str) {
    let reply = client.request(endpoint, json!({ "room": BOARD })).await.unwrap();
    assert_eq!(reply, json!({}));
}

/// A broadcast that everyone in the room hears, so that what should not come would have come before it.
async fn mark(client: &Client) {
    let words = json!({"room": BOARD, "destination": "mark", "data": null, "includeSelf": true});
    client.request("rooms.broadcast", words).await.unwrap();
}

fn typing(broadcast: &Broadcast) -> (&str, &Value) {
    assert_eq!((&*broadcast.room, broadcast.seq), (BOARD, None));
    (&broadcast.destination, &broadcast.data["userId"])
}

async fn hears(client: &mut Client, what: &str, user: &str) {
    let heard = broadcast(client).await;
    assert_eq!(typing(&heard), (what, &json!(user)));
}

async fn hears_mark(client: &mut Client) {
    assert_eq!(broadcast(client).await.destination, "mark");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_told_once_and_ends() {
    let cluster = Cluster::alone("").await;
    let mut alice = in_room(&cluster, 0, "alice").await;
    let mut bob = in_room(&cluster, 0, "bob").await;
    for _ in 0..3 {
        say(&alice, "typing.start").await;
    }
    say(&alice, "typing.stop").await;
    say(&alice, "typing.stop").await;
    mark(&alice).await;
    hears(&mut bob, "typing-started", "alice").await;
    hears(&mut bob, "typing-stopped", "alice").await;
    hears_mark(&mut bob).await;
    // Neither is told to the socket itself.
    hears_mark(&mut alice).await;
    // Leaving the room and closing the connection end it.
    say(&alice, "typing.start").await;
    alice.request("rooms.leave", json!({ "room": BOARD })).await.unwrap();
    hears(&mut bob, "typing-started", "alice").await;
    hears(&mut bob, "typing-stopped", "alice").await;
    alice.request("rooms.join", json!({ "room": BOARD })).await.unwrap();
    say(&alice, "typing.start").await;
    hears(&mut bob, "typing-started", "alice").await;
    alice.close().await;
    hears(&mut bob, "typing-stopped", "alice").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_by_itself() {
    let cluster = Cluster::alone("[typing]\nlife = '200ms'").await;
    let alice = in_room(&cluster, 0, "alice").await;
    let mut bob = in_room(&cluster, 0, "bob").await;
    for _ in 0..2 {
        say(&alice, "typing.start").await;
        hears(&mut bob, "typing-started", "alice").await;
        hears(&mut bob, "typing-stopped", "alice").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_where_and_by_whom_it_may() {
    let settings = "[auth]\nanonymous = true\n[[kinds]]\nname = 'group'\ntyping = false\n[[kinds]]\nname = 'public'\ntyping = true\npublish = 'in-room'";
    let cluster = Cluster::alone(settings).await;
    let (alice, _) = cluster.connect(0, "alice").await;
    for room in ["group-1", "presence-bob"] {
        alice.request("rooms.join", json!({ "room": room })).await.unwrap();
    }
    let options = hallway_client::Options::new(cluster.url(0));
    let (nobody, _) = Client::connect(options).await.unwrap();
    nobody.request("rooms.join", json!({"room": "public-x"})).await.unwrap();
    let cases = [
        (&alice, "board-1", "not-in-room"),
        (&alice, "board-1-tasks", "bad-args"),
        (&alice, "nope-1", "bad-args"),
        (&alice, "group-1", "forbidden"),
        (&alice, "presence-bob", "forbidden"),
        (&nobody, "public-x", "unauthenticated"),
    ];
    for (client, room, code) in cases {
        for endpoint in ["typing.start", "typing.stop"] {
            let why = client.request(endpoint, json!({ "room": room })).await.unwrap_err();
            assert_eq!(why.code(), Some(code), "{endpoint} {room}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_nodes_it_begins_with_the_first_socket_and_ends_with_the_last() {
    let redis = RedisServer::start().await;
    let cluster = Cluster::start(3, &over(&redis.url(), "[typing]\nlife = '1m'")).await;
    let mut listeners = Vec::new();
    for node in 0..3 {
        listeners.push(in_room(&cluster, node, &format!("listener{node}")).await);
    }
    let alice = [
        in_room(&cluster, 0, "alice").await,
        in_room(&cluster, 0, "alice").await,
        in_room(&cluster, 1, "alice").await,
    ];
    // Each step is over everywhere before the next. Who writes and what is broadcast come on different ways, so that either may
    // be heard first.
    let mut typed = vec![Vec::new(); listeners.len()];
    for (socket, what) in alice.iter().map(|one| (one, "typing.start")).chain(stops(&alice)) {
        say(socket, what).await;
        mark(socket).await;
        for (listener, typed) in listeners.iter_mut().zip(&mut typed) {
            hears_to_the_mark(listener, typed).await;
        }
    }
    assert!(
        typed.iter().all(|typed| !typed.contains(&"typing-stopped".to_owned())),
        "{typed:?}"
    );
    say(&alice[2], "typing.stop").await;
    for (listener, typed) in listeners.iter_mut().zip(&mut typed) {
        while typed.len() < 2 {
            let heard = broadcast(listener).await;
            assert_eq!(typing(&heard).1, "alice");
            typed.push(heard.destination);
        }
        assert_eq!(*typed, ["typing-started", "typing-stopped"]);
    }
}

/// All but the last of a user's sockets stop.
fn stops(sockets: &[Client; 3]) -> impl Iterator<Item = (&Client, &'static str)> {
    sockets[..2].iter().map(|one| (one, "typing.stop"))
}

/// Takes note of who writes, up to the next mark.
async fn hears_to_the_mark(listener: &mut Client, typed: &mut Vec<String>) {
    loop {
        let heard = broadcast(listener).await;
        if heard.destination == "mark" {
            return;
        }
        assert_eq!(typing(&heard).1, "alice");
        typed.push(heard.destination);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_takes_its_writers_along() {
    let redis = RedisServer::start().await;
    let proxy = Proxy::start(redis.port()).await;
    let life = "[typing]\nlife = '3s'";
    let cluster = Cluster::start(2, &over(&redis.url(), life)).await;
    let url = format!("redis://127.0.0.1:{}", proxy.port());
    let doomed = Cluster::start(1, &over(&url, life)).await;
    let mut listeners = [in_room(&cluster, 0, "bob").await, in_room(&cluster, 1, "carol").await];
    let alice = in_room(&doomed, 0, "alice").await;
    say(&alice, "typing.start").await;
    for listener in &mut listeners {
        hears(listener, "typing-started", "alice").await;
    }
    // From here on nothing of it gets through, as if it had been killed.
    proxy.refuse();
    proxy.cut();
    for listener in &mut listeners {
        hears(listener, "typing-stopped", "alice").await;
    }
    drop(doomed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_behind_does_without() {
    let cluster = Cluster::alone("[limits]\nping_interval = '60s'\npong_timeout = '60s'").await;
    let mut raw = Raw::deaf(cluster.node(0).public_address(), &token("slow", &["board-*"])).await;
    raw.text(r#"{"id":1,"endpoint":"rooms.join","args":{"room":"board-1"}}"#)
        .await;
    raw.answer().await.unwrap();
    let alice = in_room(&cluster, 0, "alice").await;
    let mut bob = in_room(&cluster, 0, "bob").await;
    let data = "y".repeat(20_000);
    let mut queued = 0.0;
    while queued < 40_000.0 {
        let words = json!({"room": BOARD, "destination": "d", "data": data});
        alice.request("rooms.broadcast", words).await.unwrap();
        assert_eq!(broadcast(&mut bob).await.destination, "d");
        queued = cluster.metric(0, "hallway_socket_queue_bytes").await;
    }
    say(&alice, "typing.start").await;
    say(&alice, "typing.stop").await;
    hears(&mut bob, "typing-started", "alice").await;
    hears(&mut bob, "typing-stopped", "alice").await;
    mark(&alice).await;
    hears_mark(&mut bob).await;
    assert_eq!(cluster.metric(0, "hallway_typing_dropped_total").await, 2.0);
    loop {
        let text = raw.answer().await.unwrap().text();
        assert!(!text.contains("typing-"), "{text}");
        if text.contains("\"mark\"") {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_cannot_say_what_nodes_say() {
    let redis = RedisServer::start().await;
    let cluster = Cluster::start(1, &over(&redis.url(), "")).await;
    let alice = in_room(&cluster, 0, "alice").await;
    let mut bob = in_room(&cluster, 0, "bob").await;
    let words = json!({"room": BOARD, "destination": "room.typing", "data": {}});
    let why = alice.request("rooms.broadcast", words).await.unwrap_err();
    assert_eq!(why.code(), Some("bad-args"));
    // Past the gateway it is an event like any other.
    let forged =
        r#"{"destination":"room.typing","data":{"user":"carol","node":7,"client":"0000000000000000","on":true}}"#;
    redis.cli(&["PUBLISH", BOARD, forged]).await.unwrap();
    assert_eq!(broadcast(&mut bob).await.destination, "room.typing");
    tokio::time::timeout(Duration::from_secs(20), async { mark(&alice).await })
        .await
        .unwrap();
    hears_mark(&mut bob).await;
}

//! Joining, leaving, and what a room's name means.

use hallway_client::Client;
use hallway_testkit::Cluster;
use serde_json::{Value, json};

use crate::broadcast;

async fn code(client: &Client, endpoint: &str, args: Value) -> String {
    match client.request(endpoint, args).await {
        Ok(data) => panic!("refused, not {data}"),
        Err(why) => why.code().unwrap_or_else(|| panic!("a code, not {why}")).to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn join_rules_hold() {
    let cluster = Cluster::alone("").await;
    let (alice, hello) = cluster.connect(0, "alice").await;
    for room in [
        "board-1",
        "org-1",
        "group-1",
        "pool",
        "presence-bob",
        "public-news",
        "chat-alice-bob",
    ] {
        let joined = alice.request("rooms.join", json!({ "room": room })).await.unwrap();
        let mut expected = json!({"room": room, "state": null, "recovered": false, "missed": []});
        if !["pool", "presence-bob", "public-news"].contains(&room) {
            // What to resume from in a room that numbers, and where nothing was said yet.
            let epoch = joined["position"]["epoch"].as_str().unwrap();
            expected["position"] = json!({"epoch": epoch, "seq": 0});
        }
        assert_eq!(joined, expected);
    }
    let own = format!("client-{}", hello.client_id);
    for room in [
        "user-bob",
        "user-alice",
        own.as_str(),
        "client-0000000000000000",
        "chat-bob-carol",
        "lobby-1",
    ] {
        assert_eq!(
            code(&alice, "rooms.join", json!({ "room": room })).await,
            "forbidden",
            "{room}"
        );
    }
    for room in [
        "",
        "board",
        "board-",
        "bored-1",
        "chat-bob-alice",
        "chat-a-b-c",
        "board-1-tasks",
        "b oard-1",
        "*",
    ] {
        assert_eq!(
            code(&alice, "rooms.join", json!({ "room": room })).await,
            "bad-args",
            "{room}"
        );
    }
    assert_eq!(
        code(&alice, "rooms.join", json!({ "room": "x".repeat(201) })).await,
        "bad-args"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_open_what_they_name() {
    let cluster = Cluster::alone("").await;
    let token = hallway_testkit::token("alice", &["board-7", "org-a*"]);
    let (alice, _) = Client::connect(hallway_client::Options::new(cluster.url(0)).token(token))
        .await
        .unwrap();
    for room in ["board-7", "org-acme"] {
        alice.request("rooms.join", json!({ "room": room })).await.unwrap();
    }
    for room in ["board-77", "board-8", "org-b", "group-1"] {
        assert_eq!(
            code(&alice, "rooms.join", json!({ "room": room })).await,
            "forbidden",
            "{room}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_says_where_the_numbering_stands() {
    let cluster = Cluster::alone("").await;
    let (alice, _) = cluster.connect(0, "alice").await;
    let (mut bob, _) = cluster.connect(0, "bob").await;
    let (mut carol, _) = cluster.connect(0, "carol").await;
    for client in [&alice, &carol] {
        client.request("rooms.join", json!({"room": "board-1"})).await.unwrap();
    }
    let say = json!({"room": "board-1", "destination": "update-board", "data": {"n": 1}});
    let first = alice.request("rooms.broadcast", &say).await.unwrap();
    assert_eq!(first["seq"], 1);
    // A reply says where the node stands, and it stands there once it has delivered.
    assert_eq!(broadcast(&mut carol).await.seq, Some(1));
    let joined = bob.request("rooms.join", json!({"room": "board-1"})).await.unwrap();
    let state = json!({"lastBroadcastTimestamp": first["ts"], "seq": 1, "epoch": first["epoch"]});
    assert_eq!(joined["state"], state);
    assert_eq!(
        bob.request("rooms.state", json!({"room": "board-1"})).await.unwrap(),
        state
    );
    alice.request("rooms.broadcast", &say).await.unwrap();
    assert_eq!(broadcast(&mut bob).await.seq, Some(2), "only what came after the join");
    assert_eq!(
        bob.request("getRoomState", json!({"room": "board-2"})).await.unwrap(),
        Value::Null
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_hears_no_more() {
    let cluster = Cluster::alone("").await;
    let (alice, _) = cluster.connect(0, "alice").await;
    let (mut bob, _) = cluster.connect(0, "bob").await;
    for client in [&alice, &bob] {
        client.request("addToRoom", json!({"room": "board-1"})).await.unwrap();
        client.request("rooms.join", json!({"room": "board-2"})).await.unwrap();
    }
    bob.request("removeFromRoom", json!({"room": "board-1"})).await.unwrap();
    assert_eq!(
        code(&bob, "rooms.leave", json!({"room": "board-1"})).await,
        "not-in-room"
    );
    assert_eq!(
        code(&bob, "rooms.leave", json!({"room": "user-bob"})).await,
        "forbidden"
    );
    for room in ["board-1", "board-2"] {
        let say = json!({"room": room, "destination": "update-board", "data": 1});
        alice.request("rooms.broadcast", say).await.unwrap();
    }
    assert_eq!(
        broadcast(&mut bob).await.room,
        "board-2",
        "the marker, and nothing before it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn included_rooms_are_heard_at_home() {
    let cluster = Cluster::alone("").await;
    let (alice, _) = cluster.connect(0, "alice").await;
    let (mut bob, _) = cluster.connect(0, "bob").await;
    alice.request("rooms.join", json!({"room": "board-1"})).await.unwrap();
    bob.request("rooms.join", json!({"room": "board-1"})).await.unwrap();
    for (room, seq) in [
        ("board-1-tasks", 1),
        ("board-1", 1),
        ("board-1-sprints", 1),
        ("board-1-tasks", 2),
    ] {
        let say = json!({"room": room, "destination": "update-task", "data": {}});
        alice.request("rooms.broadcast", say).await.unwrap();
        let heard = broadcast(&mut bob).await;
        assert_eq!(
            (heard.room.as_str(), heard.seq),
            (room, Some(seq)),
            "each line has its own numbers"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn info_counts_sockets_and_users() {
    let cluster = Cluster::alone("[presence]\nrooms = true").await;
    let (alice, _) = cluster.connect(0, "alice").await;
    let (other, _) = cluster.connect(0, "alice").await;
    let (bob, _) = cluster.connect(0, "bob").await;
    for client in [&alice, &other, &bob] {
        client.request("rooms.join", json!({"room": "board-1"})).await.unwrap();
    }
    let info = bob.request("rooms.info", json!({"room": "board-1"})).await.unwrap();
    let users = json!([
        {"userId": "alice", "status": "ONLINE", "sockets": 2},
        {"userId": "bob", "status": "ONLINE", "sockets": 1}
    ]);
    assert_eq!(
        info,
        json!({"room": "board-1", "users": users, "userCount": 2, "socketCount": 3})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_declares_kinds() {
    let kinds = "[[kinds]]\nname = 'order'\njoin = 'signed-in'\nincludes = ['-items']\n\
                 [[kinds]]\nname = 'board'\njoin = 'public'\nnumbered = false\n";
    let cluster = Cluster::alone(kinds).await;
    let (alice, _) = cluster.connect(0, "alice").await;
    let (mut bob, _) = cluster.connect(0, "bob").await;
    for client in [&alice, &bob] {
        client.request("rooms.join", json!({"room": "order-1"})).await.unwrap();
        client.request("rooms.join", json!({"room": "board-1"})).await.unwrap();
    }
    let say = |room: &str| json!({"room": room, "destination": "d", "data": null});
    assert_eq!(
        alice.request("rooms.broadcast", say("order-1-items")).await.unwrap()["seq"],
        1
    );
    assert_eq!(broadcast(&mut bob).await.room, "order-1-items");
    let unnumbered = alice.request("rooms.broadcast", say("board-1")).await.unwrap();
    assert_eq!(unnumbered.get("seq"), None);
    let heard = broadcast(&mut bob).await;
    assert_eq!((heard.seq, heard.epoch), (None, None));
    assert!(heard.ts.is_some());
}

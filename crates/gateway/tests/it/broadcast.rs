//! Publishing from a client.

use hallway_client::{Client, Codec};
use hallway_testkit::Cluster;
use serde_json::{Value, json};

use crate::broadcast;

async fn pair(cluster: &Cluster, codec: Codec) -> (Client, Client) {
    let (alice, _) = cluster.try_connect(0, "alice", codec).await.unwrap();
    let (bob, _) = cluster.try_connect(0, "bob", codec).await.unwrap();
    for client in [&alice, &bob] {
        client.request("rooms.join", json!({"room": "board-1"})).await.unwrap();
    }
    (alice, bob)
}

#[tokio::test(flavor = "multi_thread")]
async fn data_passes_through_untouched_in_both_codecs() {
    let cluster = Cluster::alone("").await;
    let data = json!({"text": "h\u{e9} \"quoted\" \u{1f600}", "n": [1, -2, 3.5, 18_446_744_073_709_551_615_u64], "x": null, "o": {}});
    for codec in [Codec::Json, Codec::Msgpack] {
        let (alice, mut bob) = pair(&cluster, codec).await;
        let say = json!({"room": "board-1", "destination": "weird \"event\"", "data": data});
        let numbers = alice.request("rooms.broadcast", say).await.unwrap();
        let heard = broadcast(&mut bob).await;
        assert_eq!(
            (heard.data, heard.destination.as_str()),
            (data.clone(), "weird \"event\"")
        );
        assert_eq!(json!({"seq": heard.seq, "epoch": heard.epoch, "ts": heard.ts}), numbers);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codecs_hear_each_other() {
    let cluster = Cluster::alone("").await;
    let (json_client, _) = cluster.try_connect(0, "alice", Codec::Json).await.unwrap();
    let (mut msgpack_client, _) = cluster.try_connect(0, "bob", Codec::Msgpack).await.unwrap();
    for client in [&json_client, &msgpack_client] {
        client.request("rooms.join", json!({"room": "board-1"})).await.unwrap();
    }
    let say = json!({"room": "board-1", "destination": "d", "data": {"a": [1, "b"]}});
    json_client.request("rooms.broadcast", say).await.unwrap();
    assert_eq!(broadcast(&mut msgpack_client).await.data, json!({"a": [1, "b"]}));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sender_hears_itself_only_when_asked() {
    let cluster = Cluster::alone("").await;
    let (mut alice, mut bob) = pair(&cluster, Codec::Json).await;
    let say = |n: u64, own: bool| json!({"room": "board-1", "destination": "d", "data": n, "includeSelf": own});
    alice.request("rooms.broadcast", say(1, false)).await.unwrap();
    alice.request("rooms.broadcast", say(2, true)).await.unwrap();
    assert_eq!(broadcast(&mut alice).await.data, 2);
    assert_eq!(broadcast(&mut bob).await.data, 1);
    assert_eq!(broadcast(&mut bob).await.data, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_broadcasts_keep_their_order() {
    let cluster = Cluster::alone("").await;
    let (alice, mut bob) = pair(&cluster, Codec::Json).await;
    for n in 0..500 {
        alice
            .send(
                "rooms.broadcast",
                json!({"room": "board-1", "destination": "d", "data": n}),
            )
            .await
            .unwrap();
    }
    for n in 0..500 {
        let heard = broadcast(&mut bob).await;
        assert_eq!((heard.data, heard.seq), (Value::from(n), Some(n + 1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_before_a_broadcast_counts_even_when_both_are_under_way() {
    let cluster = Cluster::alone("").await;
    let (alice, _) = cluster.connect(0, "alice").await;
    let join = alice.request("rooms.join", json!({"room": "board-9"}));
    let say = alice.request(
        "rooms.broadcast",
        json!({"room": "board-9", "destination": "d", "data": 1}),
    );
    let (joined, said) = tokio::join!(join, say);
    joined.unwrap();
    assert_eq!(said.unwrap()["seq"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_is_told_why() {
    let cluster = Cluster::alone("").await;
    let (alice, _) = cluster.connect(0, "alice").await;
    alice.request("rooms.join", json!({"room": "pool"})).await.unwrap();
    let say =
        |room: &str, destination: &str, data: Value| json!({"room": room, "destination": destination, "data": data});
    for (args, code, field) in [
        (say("board-1", "d", json!(1)), "not-in-room", None),
        (say("user-bob", "d", json!(1)), "forbidden", None),
        (say("pool", "d", json!(1)), "forbidden", None),
        (say("user-alice", "", json!(1)), "bad-args", Some("destination")),
        (
            say("user-alice", "room.resync", json!(1)),
            "bad-args",
            Some("destination"),
        ),
        (
            say("user-alice", &"x".repeat(201), json!(1)),
            "bad-args",
            Some("destination"),
        ),
        (
            json!({"room": "user-alice", "destination": "d"}),
            "bad-args",
            Some("data"),
        ),
        (
            json!({"room": "user-alice", "data": 1}),
            "bad-args",
            Some("destination"),
        ),
        (json!({"destination": "d", "data": 1}), "bad-args", Some("room")),
        (
            json!({"room": 7, "destination": "d", "data": 1}),
            "bad-args",
            Some("room"),
        ),
        (
            json!({"room": "user-alice", "destination": "d", "data": 1, "includeSelf": 1}),
            "bad-args",
            Some("includeSelf"),
        ),
    ] {
        match alice.request("rooms.broadcast", &args).await {
            Err(hallway_client::RequestError::Server(why)) => {
                assert_eq!((why.code.as_str(), why.field.as_deref()), (code, field), "{args}");
            }
            other => panic!("{args}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_what_was_said() {
    let cluster = Cluster::alone("").await;
    let (alice, _bob) = pair(&cluster, Codec::Json).await;
    for n in 1..=5 {
        let say = json!({"room": "board-1", "destination": "d", "data": {"n": n}});
        alice.request("rooms.broadcast", say).await.unwrap();
    }
    let page = alice
        .request("rooms.history", json!({"room": "board-1", "afterSeq": 2, "limit": 2}))
        .await
        .unwrap();
    let seqs: Vec<_> = page["broadcasts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["seq"].clone())
        .collect();
    assert_eq!(seqs, [3, 4]);
    assert_eq!(page["broadcasts"][0]["data"], json!({"n": 3}));
    assert_eq!(page["state"]["seq"], 5);
}

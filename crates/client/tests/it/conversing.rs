//! Requests, replies, events and the end.

use std::time::Duration;

use futures_util::SinkExt;
use hallway_client::{Client, Codec, Incoming, Options, RequestError};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::server::{Peer, serve};

/// Answers every request with its own arguments until the client goes.
async fn echo(mut peer: Peer) {
    peer.hello().await;
    while let Some(frame) = peer.hear().await {
        if let Some(id) = frame.get("id") {
            peer.say(json!({"reply": {"id": id, "data": frame["args"]}})).await;
        }
    }
}

#[tokio::test]
async fn replies_find_their_requests_in_any_order() {
    let url = serve(async |mut peer| {
        peer.hello().await;
        let mut ids: Vec<(Value, Value)> = Vec::new();
        for _ in 0..3 {
            let frame = peer.hear().await.unwrap();
            ids.push((frame["id"].clone(), frame["args"]["n"].clone()));
        }
        for (id, n) in ids.into_iter().rev() {
            peer.say(json!({"reply": {"id": id, "data": {"n": n}}})).await;
        }
        peer.hear().await;
    })
    .await;
    let (client, _) = Client::connect(Options::new(url)).await.unwrap();
    let other = client.requests();
    let (a, b, c) = tokio::join!(
        client.request("ping", json!({"n": 1})),
        other.request("ping", json!({"n": 2})),
        client.request("ping", json!({"n": 3})),
    );
    assert_eq!([a, b, c].map(|reply| reply.unwrap()["n"].as_u64().unwrap()), [1, 2, 3]);
}

#[tokio::test]
async fn both_codecs_carry_more_requests_than_a_batch_has() {
    for codec in Codec::ALL {
        let url = serve(echo).await;
        let mut options = Options::new(url).codec(codec);
        options.requests = 200;
        let (client, _) = Client::connect(options).await.unwrap();
        let (requests, _events) = client.split();
        let tasks: Vec<_> = (0..500)
            .map(|n| {
                let requests = requests.clone();
                tokio::spawn(async move { requests.request("x", json!({"n": n})).await.unwrap()["n"] == n })
            })
            .collect();
        for task in tasks {
            assert!(task.await.unwrap());
        }
    }
}

#[tokio::test]
async fn an_error_reply_keeps_its_fields() {
    let url = serve(async |mut peer| {
        peer.hello().await;
        let id = peer.hear().await.unwrap()["id"].clone();
        let error = json!({"code": "rate-limited", "message": "slowly", "retryAfterMs": 40, "hint": [1]});
        peer.say(json!({"reply": {"id": id, "error": error}})).await;
        peer.hear().await;
    })
    .await;
    let (client, _) = Client::connect(Options::new(url)).await.unwrap();
    match client.request("rooms.join", json!({"room": "board-1"})).await {
        Err(RequestError::Server(error)) => {
            assert_eq!((error.code.as_str(), error.retry_after_ms), ("rate-limited", Some(40)));
            assert_eq!(error.more["hint"], json!([1]));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn events_come_in_order_and_end_with_the_close() {
    let url = serve(async |mut peer| {
        peer.hello().await;
        peer.socket
            .send(Message::Ping(b"are you there".to_vec().into()))
            .await
            .unwrap();
        peer.say(
            json!({"broadcast": {"room": "board-1", "destination": "d", "data": {"a": 1}, "seq": 7, "epoch": "e",
            "ts": 9}}),
        )
        .await;
        peer.say(json!({"broadcast": {"room": "client-1", "destination": "d", "data": null, "ts": 9}}))
            .await;
        peer.say(json!({"goodbye": {"reason": "draining", "reconnectAfterMs": 12}}))
            .await;
        let frame = CloseFrame {
            code: 1012.into(),
            reason: "draining".into(),
        };
        peer.socket.send(Message::Close(Some(frame))).await.unwrap();
        peer.hear().await;
    })
    .await;
    let (mut client, _) = Client::connect(Options::new(url)).await.unwrap();
    let Some(Incoming::Broadcast(first)) = client.next().await else {
        panic!()
    };
    assert_eq!(
        (first.seq, first.epoch.as_deref(), first.ts),
        (Some(7), Some("e"), Some(9))
    );
    assert_eq!(first.data, json!({"a": 1}));
    let Some(Incoming::Broadcast(second)) = client.next().await else {
        panic!()
    };
    assert_eq!((second.seq, second.epoch), (None, None));
    let Some(Incoming::Goodbye(goodbye)) = client.next().await else {
        panic!()
    };
    assert_eq!(goodbye.reconnect_after_ms, 12);
    let Some(Incoming::Closed(closed)) = client.next().await else {
        panic!()
    };
    assert_eq!(closed.code, 1012);
    assert_eq!(client.next().await, None);
    match client.request("ping", json!({})).await {
        Err(RequestError::Closed(closed)) => assert_eq!(closed.code, 1012),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn events_that_are_not_taken_are_not_lost() {
    let url = serve(async |mut peer| {
        peer.hello().await;
        for seq in 1..=100 {
            peer.say(
                json!({"broadcast": {"room": "board-1", "destination": "d", "data": {}, "seq": seq, "epoch": "e"}}),
            )
            .await;
        }
        peer.hear().await;
    })
    .await;
    let mut options = Options::new(url);
    options.events = 2;
    let (mut client, _) = Client::connect(options).await.unwrap();
    for seq in 1..=100 {
        let Some(Incoming::Broadcast(broadcast)) = client.next().await else {
            panic!()
        };
        assert_eq!(broadcast.seq, Some(seq));
    }
}

#[tokio::test]
async fn a_reply_that_does_not_come_is_not_waited_for() {
    let url = serve(async |mut peer| {
        peer.hello().await;
        while peer.hear().await.is_some() {}
    })
    .await;
    let mut options = Options::new(url);
    options.request_timeout = Duration::from_millis(30);
    options.requests = 1;
    let (client, _) = Client::connect(options).await.unwrap();
    for _ in 0..3 {
        let error = client.request("ping", json!({})).await.unwrap_err();
        assert!(matches!(error, RequestError::Timeout), "{error}");
    }
}

#[tokio::test]
async fn a_lost_connection_fails_what_waits() {
    let url = serve(async |mut peer| {
        peer.hello().await;
        peer.hear().await;
    })
    .await;
    let (client, _) = Client::connect(Options::new(url)).await.unwrap();
    match client.request("ping", json!({})).await {
        Err(RequestError::Closed(closed)) => assert_eq!(closed.code, 1006),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn events_alone_keep_the_connection_and_nobody_does_not() {
    let (said, heard) = tokio::sync::oneshot::channel();
    let url = serve(async |mut peer| {
        peer.hello().await;
        assert_eq!(peer.hear().await.unwrap()["endpoint"], "typing.start");
        peer.say(json!({"broadcast": {"room": "board-1", "destination": "d", "data": {}}}))
            .await;
        assert!(peer.hear().await.is_none());
        let _ = said.send(());
    })
    .await;
    let (client, _) = Client::connect(Options::new(url)).await.unwrap();
    client.send("typing.start", json!({"room": "board-1"})).await.unwrap();
    let (requests, mut events) = client.split();
    drop(requests);
    assert!(matches!(events.next().await, Some(Incoming::Broadcast(_))));
    drop(events);
    heard.await.unwrap();
}

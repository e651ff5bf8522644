//! Credentials that are over: on every node, after a reconnect, and on a node that was away when it happened.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use hallway_client::{Client, Codec, ConnectError, FirstFrame, Incoming, Options};
use hallway_testkit::{Cluster, Proxy, RedisServer, token, token_at};
use serde_json::{Value, json};

use crate::{broadcast, close_code, next};

const REVOKED: u16 = 4410;

fn at_redis(port: u16) -> String {
    format!("[redis]\nurl = 'redis://127.0.0.1:{port}'")
}

async fn revoke(cluster: &Cluster, number: usize, user: &str) -> (u16, Value) {
    let body = json!({"userId": user, "revoke": true, "reason": "a new password"}).to_string();
    cluster.api(number, "POST", "/api/v1/disconnect", &body).await
}

/// A token that is issued when all revocations of before now are over.
fn later_token(user: &str) -> String {
    let now = || {
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_millis() as u64
    };
    let second = now() / 1000 + 1;
    token_at(user, &["board-*"], second * 1000, Duration::from_secs(60))
}

async fn with_first_frame(cluster: &Cluster, node: usize, frame: FirstFrame) -> Result<Client, ConnectError> {
    let options = Options::new(cluster.url(node)).first_frame(frame);
    Client::connect(options).await.map(|(client, _)| client)
}

/// Refused in the handshake, and with a first frame with the code for it.
async fn is_refused(cluster: &Cluster, node: usize, token: &str, ticket: &str) {
    let options = Options::new(cluster.url(node)).token(token);
    match Client::connect(options).await.map(drop) {
        Err(ConnectError::Refused { status: 401, body, .. }) => assert!(body.contains("unauthenticated"), "{body}"),
        // A node that has not read yet who is revoked learns it before it says hello.
        Err(ConnectError::Closed(closed)) => assert_eq!(closed.code, REVOKED),
        other => panic!("refused with 401, not {other:?}"),
    }
    let (token, ticket) = (token.to_owned(), ticket.to_owned());
    let rooms = BTreeMap::new();
    for frame in [FirstFrame::Connect { token }, FirstFrame::Resume { ticket, rooms }] {
        match with_first_frame(cluster, node, frame).await.map(drop) {
            Err(ConnectError::Closed(closed)) => assert_eq!(closed.code, REVOKED),
            other => panic!("closed with 4410, not {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_revoked_on_every_node() {
    let redis = RedisServer::start().await;
    let mut cluster = Cluster::start(3, &at_redis(redis.port())).await;
    let old = token("alice", &["board-*"]);
    let mut alices = Vec::new();
    let mut ticket = String::new();
    for node in [0, 1, 1] {
        let (client, hello) = Client::connect(Options::new(cluster.url(node)).token(&old))
            .await
            .unwrap();
        ticket = hello.resume_ticket.unwrap();
        alices.push(client);
    }
    let (mut bob, _) = cluster.connect(0, "bob").await;
    bob.request("rooms.join", json!({"room": "board-1"})).await.unwrap();
    assert_eq!(revoke(&cluster, 2, "alice").await, (200, json!({})));
    for client in &mut alices {
        assert_eq!(close_code(client).await, REVOKED);
    }
    for node in 0..3 {
        is_refused(&cluster, node, &old, &ticket).await;
    }
    // A node that begins later reads it.
    drop(cluster.take(2));
    let newcomer = Cluster::start(1, &at_redis(redis.port())).await;
    is_refused(&newcomer, 0, &old, &ticket).await;
    // Others, and newer tokens, are as good as before.
    let new = later_token("alice");
    let (alice, _) = Client::connect(Options::new(newcomer.url(0)).token(new)).await.unwrap();
    let args = json!({"room": "board-1", "destination": "d", "data": 1});
    alice.request("rooms.join", json!({"room": "board-1"})).await.unwrap();
    alice.request("rooms.broadcast", args).await.unwrap();
    assert_eq!(broadcast(&mut bob).await.data, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_revoked_is_refused() {
    let cluster = Cluster::alone("").await;
    let (alice, hello) = cluster.connect(0, "alice").await;
    let body = json!({"clientId": hello.client_id, "revoke": true}).to_string();
    let (status, answer) = cluster.api(0, "POST", "/api/v1/disconnect", &body).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("bad-args")));
    alice.request("ping", json!({})).await.unwrap();
    // Who was never here is revoked all the same.
    assert_eq!(revoke(&cluster, 0, "carol").await.0, 200);
    let carol = cluster.try_connect(0, "carol", Codec::Json).await;
    assert!(
        matches!(carol, Err(ConnectError::Refused { status: 401, .. })),
        "{carol:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anonymous_connection_cannot_become_who_is_revoked() {
    let cluster = Cluster::alone("[auth]\nanonymous = true").await;
    assert_eq!(revoke(&cluster, 0, "alice").await.0, 200);
    let token = token("alice", &[]);
    let connected = with_first_frame(&cluster, 0, FirstFrame::Connect { token }).await;
    let mut client = match connected {
        Ok(client) => client,
        Err(ConnectError::Closed(closed)) => return assert_eq!(closed.code, REVOKED),
        Err(other) => panic!("{other:?}"),
    };
    assert_eq!(close_code(&mut client).await, REVOKED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_cut_off_closes_before_it_delivers() {
    let redis = RedisServer::start().await;
    let way = Proxy::start(redis.port()).await;
    let far = Cluster::start(1, &at_redis(way.port())).await;
    let near = Cluster::start(1, &at_redis(redis.port())).await;
    let mut sockets = Vec::new();
    for user in ["alice", "bob"] {
        let (client, _) = far.connect(0, user).await;
        for room in ["board-1", "public-news"] {
            client.request("rooms.join", json!({"room": room})).await.unwrap();
        }
        sockets.push(client);
    }
    way.refuse();
    way.cut();
    far.wait_ready(0, false).await;
    // Whoever asks is answered although one node cannot be told.
    assert_eq!(revoke(&near, 0, "alice").await.0, 200);
    for room in ["board-1", "public-news", "user-alice", "user-bob"] {
        let body = json!({"room": room, "destination": "d", "data": room}).to_string();
        assert_eq!(near.api(0, "POST", "/api/v1/broadcast", &body).await.0, 200);
    }
    way.heal();
    match next(&mut sockets[0]).await {
        Some(Incoming::Closed(closed)) => assert_eq!(closed.code, REVOKED),
        other => panic!("nothing but the close, not {other:?}"),
    }
    let mut heard = [
        broadcast(&mut sockets[1]).await.room,
        broadcast(&mut sockets[1]).await.room,
    ];
    heard.sort();
    assert_eq!(heard, ["board-1", "user-bob"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_forgot_it_is_reminded() {
    let mut redis = RedisServer::start().await;
    let cluster = Cluster::start(1, &at_redis(redis.port())).await;
    let old = token("alice", &[]);
    let (alice, hello) = Client::connect(Options::new(cluster.url(0)).token(&old)).await.unwrap();
    let ticket = hello.resume_ticket.unwrap();
    drop(alice);
    assert_eq!(revoke(&cluster, 0, "alice").await.0, 200);
    redis.kill().await;
    cluster.wait_ready(0, false).await;
    redis.restart_empty().await;
    cluster.wait_ready(0, true).await;
    let remembers = async {
        while redis.cli(&["ZCARD", "{#revoked}"]).await.unwrap().trim() != "1" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), remembers)
        .await
        .expect("reminded");
    let newcomer = Cluster::start(1, &at_redis(redis.port())).await;
    is_refused(&newcomer, 0, &old, &ticket).await;
}

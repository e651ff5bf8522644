//! Who belongs to a room by the word of the database, over several nodes.

use std::time::Duration;

use hallway_client::{Client, Codec, Options};
use hallway_testkit::{Cluster, PostgresServer, Proxy, RedisServer, token};
use serde_json::{Value, json};

use crate::broadcast;

const ROOM: &str = "group-7";

/// Someone whose token opens no room.
async fn connect(cluster: &Cluster, node: usize, user: &str) -> Client {
    let options = Options::new(cluster.url(node)).token(token(user, &[]));
    Client::connect(options).await.expect("connected").0
}

async fn join(client: &Client, room: &str) -> Result<Value, String> {
    let joined = client.request("rooms.join", json!({"room": room})).await;
    joined.map_err(|why| why.code().unwrap_or("gone").to_owned())
}

async fn member(cluster: &Cluster, node: usize, method: &str, user: &str) {
    let path = format!("/api/v1/rooms/{ROOM}/users/{user}");
    assert_eq!(cluster.api(node, method, &path, "").await, (200, json!({})));
}

async fn say(cluster: &Cluster, data: &str) {
    let body = json!({"room": ROOM, "destination": "d", "data": data}).to_string();
    assert_eq!(cluster.api(0, "POST", "/api/v1/broadcast", &body).await.0, 200);
}

/// Waits until it is told that it was taken out of the room; hears nothing of the room meanwhile but what is allowed.
async fn is_put_out(client: &mut Client) {
    let told = broadcast(client).await;
    assert_eq!((told.room.as_str(), told.destination.as_str()), (ROOM, "room.left"));
    assert!(told.seq.is_none() && told.data["reason"].is_string());
}

fn settings(redis: u16, postgres: &PostgresServer, more: &str) -> String {
    let store = postgres.url();
    format!("[redis]\nurl = 'redis://127.0.0.1:{redis}'\n[store]\nurl = '{store}'\n[members]\n{more}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_membership_that_ends_ends_on_every_node() {
    let (redis, postgres) = (RedisServer::start().await, PostgresServer::start().await);
    let cluster = Cluster::start(3, &settings(redis.port(), &postgres, "review = '1h'")).await;
    let mut alices = Vec::new();
    for node in 0..3 {
        let client = connect(&cluster, node, "alice").await;
        assert_eq!(join(&client, ROOM).await, Err("forbidden".into()));
        alices.push(client);
    }
    let mut bob = connect(&cluster, 1, "bob").await;
    member(&cluster, 0, "PUT", "bob").await;
    // Who was refused a moment ago is let in at once, and is in already.
    member(&cluster, 2, "PUT", "alice").await;
    for client in &alices {
        assert!(join(client, ROOM).await.is_ok());
    }
    say(&cluster, "1").await;
    for client in alices.iter_mut().chain([&mut bob]) {
        assert_eq!(broadcast(client).await.data, json!("1"));
    }
    member(&cluster, 1, "DELETE", "alice").await;
    // The answer to the call means that it is so on all nodes.
    say(&cluster, "2").await;
    assert_eq!(broadcast(&mut bob).await.data, json!("2"));
    for client in &mut alices {
        is_put_out(client).await;
        assert_eq!(join(client, ROOM).await, Err("forbidden".into()));
        for endpoint in ["rooms.state", "rooms.history", "rooms.info"] {
            let refused = client.request(endpoint, json!({"room": ROOM})).await.unwrap_err();
            assert_eq!(refused.code(), Some("forbidden"), "{endpoint}");
        }
        let args = json!({"room": ROOM, "destination": "d", "data": 1});
        let refused = client.request("rooms.broadcast", args).await.unwrap_err();
        assert_eq!(refused.code(), Some("forbidden"));
        client.request("ping", json!({})).await.expect("only the room was left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stays_is_asked_about_again() {
    let (redis, postgres) = (RedisServer::start().await, PostgresServer::start().await);
    let more = "review = '1s'\nfresh = '0s'";
    let cluster = Cluster::start(2, &settings(redis.port(), &postgres, more)).await;
    member(&cluster, 0, "PUT", "alice").await;
    let mut alice = connect(&cluster, 1, "alice").await;
    join(&alice, ROOM).await.unwrap();
    // A token with the claim keeps its own socket in, whatever the table says.
    let claim = Options::new(cluster.url(1)).token(token("alice", &["group-*"]));
    let (mut by_claim, _) = Client::connect(claim).await.unwrap();
    join(&by_claim, ROOM).await.unwrap();
    postgres.sql("DELETE FROM hallway.memberships").await;
    is_put_out(&mut alice).await;
    say(&cluster, "1").await;
    assert_eq!(broadcast(&mut by_claim).await.data, json!("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_cut_off_looks_when_it_is_back() {
    let (redis, postgres) = (RedisServer::start().await, PostgresServer::start().await);
    let way = Proxy::start(redis.port()).await;
    let more = "review = '1h'\nfresh = '5m'";
    let far = Cluster::start(1, &settings(way.port(), &postgres, more)).await;
    let near = Cluster::start(1, &settings(redis.port(), &postgres, more)).await;
    member(&near, 0, "PUT", "alice").await;
    let mut alice = connect(&far, 0, "alice").await;
    join(&alice, ROOM).await.unwrap();
    way.refuse();
    way.cut();
    far.wait_ready(0, false).await;
    // It holds although one node cannot be told.
    member(&near, 0, "DELETE", "alice").await;
    way.heal();
    is_put_out(&mut alice).await;
    assert_eq!(join(&alice, ROOM).await, Err("forbidden".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_own_tables_are_asked() {
    let (redis, postgres) = (RedisServer::start().await, PostgresServer::start().await);
    let table = "CREATE TABLE team (room text, person text); INSERT INTO team VALUES ('group-7', 'alice')";
    postgres.sql(table).await;
    let more = "sql = 'SELECT 1 FROM team WHERE person = $1 AND room = $2'";
    let mut settings = settings(redis.port(), &postgres, more);
    settings.push_str("\n[[kinds]]\nname = 'org'\njoin = 'claims'");
    let cluster = Cluster::start(1, &settings).await;
    let (alice, bob) = (connect(&cluster, 0, "alice").await, connect(&cluster, 0, "bob").await);
    assert!(join(&alice, ROOM).await.is_ok());
    assert_eq!(join(&bob, ROOM).await, Err("forbidden".into()));
    assert_eq!(join(&alice, "group-8").await, Err("forbidden".into()));
    assert_eq!(join(&alice, "org-7").await, Err("forbidden".into()), "by claims only");
    // Names that would mean something in SQL mean nothing.
    for user in ["' OR 1=1 --", "alice'; DROP TABLE team; --", "$1", "\\'"] {
        let user: String = user.chars().filter(|c| !c.is_whitespace()).collect();
        let Ok(_) = hallway_protocol::UserId::parse(&user) else {
            continue;
        };
        let client = connect(&cluster, 0, &user).await;
        assert_eq!(join(&client, ROOM).await, Err("forbidden".into()), "{user}");
    }
    assert!(join(&alice, ROOM).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_database_away_nobody_new_is_let_in_and_nobody_is_put_out() {
    let (redis, mut postgres) = (RedisServer::start().await, PostgresServer::start().await);
    let more = "review = '1s'\nfresh = '0s'";
    let mut settings = settings(redis.port(), &postgres, more);
    settings = settings.replace("[store]\n", "[store]\ntimeout = '500ms'\nretry_interval = '50ms'\n");
    let cluster = Cluster::start(1, &settings).await;
    member(&cluster, 0, "PUT", "alice").await;
    let mut alice = connect(&cluster, 0, "alice").await;
    join(&alice, ROOM).await.unwrap();
    postgres.kill().await;
    let again = connect(&cluster, 0, "alice").await;
    assert_eq!(join(&again, ROOM).await, Err("unavailable".into()));
    let path = format!("/api/v1/rooms/{ROOM}/users/bob");
    assert_eq!(cluster.api(0, "PUT", &path, "").await.0, 503);
    say(&cluster, "1").await;
    assert_eq!(broadcast(&mut alice).await.data, json!("1"), "who is in stays");
    postgres.restart().await;
    let back = async {
        while join(&again, ROOM).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), back)
        .await
        .expect("it comes back by itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_database_keeps_members_too() {
    let cluster = Cluster::alone("").await;
    let alice = connect(&cluster, 0, "alice").await;
    assert_eq!(join(&alice, ROOM).await, Err("forbidden".into()));
    member(&cluster, 0, "PUT", "alice").await;
    assert!(join(&alice, ROOM).await.is_ok());
    let refused = cluster.try_connect(0, "bob", Codec::Msgpack).await.unwrap();
    assert!(join(&refused.0, ROOM).await.is_ok(), "the claim opens it");
}

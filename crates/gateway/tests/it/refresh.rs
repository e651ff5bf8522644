//! A token that runs out while its connection lives, and the newer one that comes in time.

use std::time::{Duration, SystemTime};

use hallway_client::{Client, Codec, Options};
use hallway_testkit::{Cluster, token, token_at};
use serde_json::{Value, json};

use crate::{broadcast, close_code};

fn now() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_millis() as u64
}

async fn connect(cluster: &Cluster, rooms: &[&str], life: u64, codec: Codec) -> Client {
    let token = token_at("alice", rooms, now(), Duration::from_secs(life));
    let options = Options::new(cluster.url(0)).token(token).codec(codec);
    Client::connect(options).await.unwrap().0
}

async fn refresh(client: &Client, token: &str) -> Result<Value, String> {
    let answer = client.request("auth.refresh", json!({"token": token})).await;
    answer.map_err(|why| why.code().unwrap_or("gone").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_warned_and_stays_with_a_newer_token() {
    let cluster = Cluster::alone("[auth]\nexpiry_warning = '1h'\nexpiry_grace = '1s'").await;
    for codec in [Codec::Json, Codec::Msgpack] {
        let mut alice = connect(&cluster, &["board-*"], 3, codec).await;
        let warned = broadcast(&mut alice).await;
        assert_eq!(warned.destination, "auth-expiring");
        assert!(warned.room.starts_with("client-") && warned.seq.is_none());
        let (expires, closes) = (&warned.data["expiresAt"], &warned.data["closesAt"]);
        assert_eq!(closes.as_u64().unwrap() - expires.as_u64().unwrap(), 1000);
        let answer = refresh(&alice, &token("alice", &["board-*"])).await.unwrap();
        assert!(answer["expiresAt"].as_u64() > expires.as_u64());
        assert!(answer["resumeTicket"].is_string());
        // It is warned of the newer one's end as well: of this one, an hour before it.
        assert_eq!(broadcast(&mut alice).await.data["expiresAt"], answer["expiresAt"]);
        tokio::time::sleep_until(tokio::time::Instant::now() + Duration::from_secs(5)).await;
        alice
            .request("ping", json!({}))
            .await
            .expect("it outlives the first token");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_time_of_grace_nothing_but_a_newer_token_is_taken() {
    let cluster = Cluster::alone("[auth]\nexpiry_warning = '0s'\nexpiry_grace = '10m'").await;
    let mut alice = connect(&cluster, &["board-*"], 1, Codec::Json).await;
    alice.request("rooms.join", json!({"room": "board-1"})).await.unwrap();
    assert_eq!(broadcast(&mut alice).await.destination, "auth-expiring");
    let say = json!({"room": "board-1", "destination": "d", "data": 1});
    let refused = alice.request("rooms.broadcast", &say).await.unwrap_err();
    assert_eq!(refused.code(), Some("unauthenticated"));
    alice.request("ping", json!({})).await.unwrap();
    let body = say.to_string();
    assert_eq!(cluster.api(0, "POST", "/api/v1/broadcast", &body).await.0, 200);
    assert_eq!(broadcast(&mut alice).await.data, json!(1), "it still hears");
    refresh(&alice, &token("alice", &["board-*"])).await.unwrap();
    alice.request("rooms.broadcast", &say).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_newer_token_changes_nothing() {
    let cluster = Cluster::alone("[auth]\nexpiry_warning = '0s'\nexpiry_grace = '0s'").await;
    let mut alice = connect(&cluster, &["board-*"], 3, Codec::Json).await;
    assert_eq!(refresh(&alice, "a.b.c").await, Err("unauthenticated".into()));
    assert_eq!(refresh(&alice, &token("bob", &[])).await, Err("forbidden".into()));
    let old = token_at("alice", &[], now() - 100_000, Duration::from_secs(50));
    assert_eq!(refresh(&alice, &old).await, Err("unauthenticated".into()));
    let body = json!({"userId": "alice", "revoke": true}).to_string();
    let other = Cluster::alone("[auth]\nanonymous = true").await;
    assert_eq!(other.api(0, "POST", "/api/v1/disconnect", &body).await.0, 200);
    let (anonymous, _) = Client::connect(Options::new(other.url(0))).await.unwrap();
    anonymous.request("ping", json!({})).await.unwrap();
    assert_eq!(
        refresh(&anonymous, &token("alice", &[])).await,
        Err("unauthenticated".into())
    );
    assert_eq!(close_code(&mut alice).await, 4401, "the first token's end is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_newer_token_does_not_open_is_left() {
    let cluster = Cluster::alone("").await;
    let mut alice = connect(&cluster, &["board-*", "org-1"], 600, Codec::Json).await;
    for room in ["board-1", "org-1", "public-news"] {
        alice.request("rooms.join", json!({"room": room})).await.unwrap();
    }
    refresh(&alice, &token("alice", &["org-*"])).await.unwrap();
    let left = broadcast(&mut alice).await;
    assert_eq!(
        (left.room.as_str(), left.destination.as_str()),
        ("board-1", "room.left")
    );
    for room in ["board-1", "org-1", "public-news"] {
        let body = json!({"room": room, "destination": "d", "data": room}).to_string();
        assert_eq!(cluster.api(0, "POST", "/api/v1/broadcast", &body).await.0, 200);
    }
    let heard = [broadcast(&mut alice).await.room, broadcast(&mut alice).await.room];
    assert!(
        heard.contains(&"org-1".into()) && heard.contains(&"public-news".into()),
        "{heard:?}"
    );
}

//! What a running node takes over of a new configuration, and that those who are there feel none of it.

use std::sync::Arc;
use std::time::Duration;

use hallway_client::{Client, Codec, ConnectError, Options};
use hallway_gateway::config::Config;
use hallway_testkit::{API_KEY, Cluster, Raw, config, http, token};
use serde_json::json;

const OTHER: &str = "another-secret-for-tests-of-32-bytes-or-more";

fn token_of(config: &Config, user: &str) -> String {
    let grant = hallway_auth::Grant {
        user: hallway_protocol::UserId::parse(user).unwrap(),
        name: None,
        rooms: vec![hallway_auth::RoomPattern::parse("board-*").unwrap()],
        issued_at: std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_millis() as u64,
        life: Duration::from_secs(3600),
    };
    config.auth.verifier().unwrap().mint(&grant).unwrap()
}

fn status(refused: ConnectError) -> u16 {
    match refused {
        ConnectError::Refused { status, .. } => status,
        other => panic!("refused, not {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_change_and_who_is_there_stays() {
    let cluster = Cluster::alone("").await;
    let (there, _) = cluster.connect(0, "alice").await;
    let other = config(&format!(
        "[auth]\njwt_secret = '{OTHER}'\n[api]\nkeys = ['another-key']"
    ));
    cluster.node(0).node().reload(&other).unwrap();

    there.request("ping", json!({})).await.expect("who is there stays");
    let old = cluster.try_connect(0, "bob", Codec::Json).await.unwrap_err();
    assert_eq!(status(old), 401);
    let new = Options::new(cluster.url(0)).token(token_of(&other, "bob"));
    Client::connect(new).await.expect("the new key counts");
    let internal = cluster.node(0).internal_address();
    for (key, expected) in [(API_KEY, 401), ("another-key", 200)] {
        let header = format!("Authorization: Bearer {key}\r\n");
        assert_eq!(
            http::call(internal, "GET", "/api/v1/nodes", &header, "").await.0,
            expected
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn origins_change() {
    let cluster = Cluster::alone("[auth]\norigins = ['https://old.example']").await;
    let address = cluster.node(0).public_address();
    let open = async |origin: &str| {
        let headers = format!("Authorization: Bearer {}\r\nOrigin: {origin}\r\n", token("alice", &[]));
        Raw::open(address, &headers)
            .await
            .map(drop)
            .map_err(|refused| refused.0)
    };
    assert_eq!(open("https://new.example").await, Err(403));
    let new = config("[auth]\norigins = ['https://new.example']");
    cluster.node(0).node().reload(&new).unwrap();
    assert_eq!(open("https://new.example").await, Ok(()));
    assert_eq!(open("https://old.example").await, Err(403));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_change_and_who_is_counted_stays_counted() {
    let cluster = Cluster::alone("[limits]\nsockets_per_address = 2\nrooms_per_socket = 256").await;
    let (first, _) = cluster.connect(0, "alice").await;
    let (_second, _) = cluster.connect(0, "bob").await;
    let third = cluster.try_connect(0, "carol", Codec::Json).await.unwrap_err();
    assert_eq!(status(third), 429);
    let join = async |room: String| first.request("rooms.join", json!({"room": room})).await;
    for number in 0..5 {
        join(format!("board-{number}")).await.unwrap();
    }

    let node = cluster.node(0).node();
    node.reload(&config("[limits]\nsockets_per_address = 3\nrooms_per_socket = 5"))
        .unwrap();
    assert_eq!(node.limits().open(), 2);
    let (_third, _) = cluster.connect(0, "carol").await;
    let fourth = cluster.try_connect(0, "dave", Codec::Json).await.unwrap_err();
    assert_eq!(status(fourth), 429, "the first two still count");
    assert!(
        join("board-5".into()).await.is_err(),
        "one that was there before has the new limit too"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_changes_nothing() {
    let cluster = Cluster::alone("").await;
    let node = cluster.node(0).node();
    let (access, limits) = (Arc::clone(&node.access()), Arc::clone(&node.limits()));
    let mut bad = config(&format!("[auth]\njwt_secret = '{OTHER}'\n[limits]\nconnections = 1"));
    // `check` refuses it earlier; this is for who does not ask.
    bad.api = hallway_settings::load::<hallway_gateway::config::Config>(&hallway_settings::Input {
        file: Some(("test.toml".into(), format!("[api]\nkeys = ['{}']", "k".repeat(100_000)))),
        ..Default::default()
    })
    .unwrap()
    .config
    .api;
    let why = node.reload(&bad).unwrap_err();
    assert!(why.contains("api.keys"), "{why}");
    assert!(Arc::ptr_eq(&access, &node.access()) && Arc::ptr_eq(&limits, &node.limits()));
    cluster.connect(0, "alice").await;
}

//! Pings, silence, idleness, and tokens that run out.

use std::time::{Duration, SystemTime};

use hallway_client::{Client, Options};
use hallway_testkit::{Cluster, Raw, token, token_at};
use serde_json::json;

use crate::close_code;

#[tokio::test(flavor = "multi_thread")]
async fn who_answers_no_ping_is_closed_with_4501() {
    let cluster = Cluster::alone("[limits]\nping_interval = '1s'\npong_timeout = '1s'").await;
    let mut raw = Raw::signed_in(cluster.node(0).public_address(), &token("silent", &[])).await;
    let (mut lively, _) = cluster.connect(0, "lively").await;
    assert_eq!(raw.frame().await.unwrap().opcode, 9, "a ping first");
    assert_eq!(raw.close_code().await, Some(4501));
    // The library answers pings; it is still there.
    lively.request("ping", json!({})).await.expect("it stays");
    drop(lively.next());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_for_long_is_closed() {
    let cluster = Cluster::alone("[limits]\nping_interval = '1s'\npong_timeout = '1s'\nidle_timeout = '2s'").await;
    let (mut idle, _) = cluster.connect(0, "idle").await;
    assert_eq!(close_code(&mut idle).await, 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_runs_out_closes_with_4401() {
    let cluster = Cluster::alone("").await;
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_millis() as u64;
    let token = token_at("alice", &[], now, Duration::from_secs(2));
    let (mut client, _) = Client::connect(Options::new(cluster.url(0)).token(token))
        .await
        .unwrap();
    assert_eq!(close_code(&mut client).await, 4401);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_says_of_itself_is_seen() {
    let cluster = Cluster::alone("node = 'n1'").await;
    let (client, hello) = cluster.connect(0, "alice").await;
    let update = json!({"isActive": false, "device": "phone"});
    assert_eq!(client.request("updateClient", update).await.unwrap(), json!({}));
    let seen = async {
        loop {
            let (_, user) = cluster.api(0, "GET", "/api/v1/users/alice", "").await;
            if user["sockets"][0]["device"] == "phone" {
                return user;
            }
        }
    };
    let user = tokio::time::timeout(Duration::from_secs(20), seen).await.expect("seen");
    let connected_at = &user["sockets"][0]["connectedAt"];
    assert!(connected_at.is_u64());
    let socket = json!({"clientId": hello.client_id, "node": "n1", "isActive": false, "device": "phone",
        "address": "127.0.0.1", "connectedAt": connected_at});
    assert_eq!(
        user,
        json!({"userId": "alice", "status": "ONLINE", "sockets": [socket]})
    );
    let long = json!({"device": "x".repeat(201)});
    assert_eq!(
        client.request("client.update", long).await.unwrap_err().code(),
        Some("bad-args")
    );
}

//! How many connections the cluster holds, told to anyone.

use hallway_client::{Client, Options};
use hallway_testkit::{Cluster, RedisServer};
use serde_json::json;

use crate::broadcast;

async fn join(client: &Client) {
    client
        .request("rooms.join", json!({"room": "public-stats"}))
        .await
        .unwrap();
}

/// Until it is told that there are so many.
async fn hears(client: &mut Client, connections: u64, nodes: u64) {
    loop {
        let heard = broadcast(client).await;
        assert_eq!((&*heard.destination, heard.seq), ("connection-count", None));
        if heard.data == json!({"connections": connections, "nodes": nodes}) {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_count_of_all_nodes_is_told_by_one_of_them() {
    let redis = RedisServer::start().await;
    let settings = format!(
        "[auth]\nanonymous = true\n[stats]\ninterval = '1s'\n[redis]\nurl = '{}'\n",
        redis.url()
    );
    let mut cluster = Cluster::start(3, &settings).await;
    let (nobody, _) = Client::connect(Options::new(cluster.url(0))).await.unwrap();
    let mut listeners = [nobody, cluster.connect(1, "bob").await.0];
    for listener in &listeners {
        join(listener).await;
    }
    let (alice, _) = cluster.connect(2, "alice").await;
    for listener in &mut listeners {
        hears(listener, 3, 3).await;
    }
    // Asked for, it is the same.
    loop {
        let count = alice.request("stats.get", json!({})).await.unwrap();
        if count == json!({"connections": 3, "nodes": 3}) {
            break;
        }
        tokio::task::yield_now().await;
    }
    // Whoever told it until now goes; another does it from then on.
    let [mut nobody, mut bob] = listeners;
    drop(nobody.request("rooms.leave", json!({"room": "public-stats"})).await);
    drop(alice);
    hears(&mut bob, 2, 3).await;
    join(&nobody).await;
    bob.request("rooms.leave", json!({"room": "public-stats"}))
        .await
        .unwrap();
    let leaving = cluster.take(2);
    leaving.drain().await;
    hears(&mut nobody, 2, 2).await;
    let keys = redis.cli(&["KEYS", "*lease*"]).await.unwrap();
    let key = keys.lines().find(|line| line.contains("lease")).unwrap();
    let life: i64 = redis.cli(&["PTTL", key]).await.unwrap().parse().unwrap();
    assert!(life > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lonely_node_counts_itself() {
    let cluster = Cluster::alone("[stats]\ninterval = '1s'").await;
    let (mut alice, _) = cluster.connect(0, "alice").await;
    let count = alice.request("stats.get", json!({})).await.unwrap();
    assert_eq!(count, json!({"connections": 1, "nodes": 1}));
    join(&alice).await;
    hears(&mut alice, 1, 1).await;
}

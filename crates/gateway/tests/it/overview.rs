//! What operators ask: the greatest rooms of all nodes, and how each node does.

use std::time::Duration;

use hallway_testkit::{Cluster, RedisServer};
use serde_json::json;

async fn three() -> (RedisServer, Cluster) {
    let redis = RedisServer::start().await;
    let settings = format!(
        "[redis]\nurl = '{}'\ncommand_timeout = '20s'\nprobe_timeout = '20s'\n",
        redis.url()
    );
    let cluster = Cluster::start(3, &settings).await;
    let all = async {
        while cluster.api(0, "GET", "/api/v1/nodes", "").await.1["nodes"]
            .as_array()
            .map_or(0, Vec::len)
            < 3
        {}
    };
    tokio::time::timeout(Duration::from_secs(20), all)
        .await
        .expect("in time");
    (redis, cluster)
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_counted_over_all_nodes() {
    let (_redis, cluster) = three().await;
    let mut clients = Vec::new();
    // board-0 is the greatest on no node, and the greatest of all.
    for (node, room) in [
        (0, "board-0"),
        (1, "board-0"),
        (2, "board-0"),
        (0, "board-1"),
        (0, "board-1"),
        (1, "group-1"),
    ] {
        let (client, _) = cluster.connect(node, &format!("u{}", clients.len())).await;
        client.request("rooms.join", json!({"room": room})).await.unwrap();
        clients.push(client);
    }
    let (_, answer) = cluster.api(2, "GET", "/api/v1/rooms?windowMs=0", "").await;
    let expected = json!([
        {"room": "board-0", "sockets": 3, "nodes": 3},
        {"room": "board-1", "sockets": 2, "nodes": 1},
        {"room": "group-1", "sockets": 1, "nodes": 1},
    ]);
    assert_eq!(
        (&answer["rooms"], &answer["silent"]),
        (&expected, &json!([])),
        "{answer}"
    );
    let (_, answer) = cluster
        .api(2, "GET", "/api/v1/rooms?windowMs=0&limit=1&kind=group", "")
        .await;
    assert_eq!(answer["rooms"], json!([{"room": "group-1", "sockets": 1, "nodes": 1}]));
    let (_, answer) = cluster
        .api(2, "GET", "/api/v1/rooms?windowMs=0&kind=user&limit=100", "")
        .await;
    assert_eq!(answer["rooms"].as_array().unwrap().len(), 6, "{answer}");

    let say = json!({"room": "group-1", "destination": "d", "data": 1}).to_string();
    let busy = async { while cluster.api(0, "POST", "/api/v1/broadcast", &say).await.0 == 200 {} };
    let (_, answer) = tokio::select! {
        () = busy => panic!("a publish failed"),
        answer = cluster.api(2, "GET", "/api/v1/rooms?sort=traffic&limit=2", "") => answer,
    };
    assert_eq!(answer["rooms"][0]["room"], "group-1", "{answer}");
    assert!(
        answer["rooms"][0]["broadcastsPerSecond"].as_f64().unwrap() > 0.0,
        "{answer}"
    );
    assert_eq!(answer["rooms"][1]["broadcastsPerSecond"], 0.0, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_node_says_how_it_does_and_a_lonely_one_says_so() {
    let (mut redis, cluster) = three().await;
    let (client, _) = cluster.connect(1, "alice").await;
    client.request("rooms.join", json!({"room": "board-1"})).await.unwrap();
    let say = json!({"room": "board-1", "destination": "d", "data": 1});
    client.request("rooms.broadcast", say).await.unwrap();
    client.close().await;
    let gone = async { while cluster.metric(1, "hallway_connections_closed_total").await < 1.0 {} };
    tokio::time::timeout(Duration::from_secs(20), gone)
        .await
        .expect("in time");
    let (_, answer) = cluster.api(0, "GET", "/api/v1/stats", "").await;
    assert_eq!((&answer["complete"], &answer["silent"]), (&json!(true), &json!([])));
    let nodes = answer["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 3, "{answer}");
    let name = &cluster.node(1).node().name;
    let one = nodes.iter().find(|node| node["node"] == name.as_str()).unwrap();
    let counted = &one["counted"];
    assert_eq!(
        (&counted["opened"], &counted["closed"]["1000"], &counted["published"]),
        (&json!(1), &json!(1), &json!(1)),
        "{one}"
    );
    let closes = counted["closed"].as_object().unwrap().values();
    assert_eq!(closes.filter_map(serde_json::Value::as_u64).sum::<u64>(), 1, "{one}");
    assert!(counted["heard"].as_u64() >= Some(1), "{one}");
    assert_eq!((&one["bus"]["up"], &one["ready"]), (&json!(true), &json!(true)));

    redis.kill().await;
    cluster.wait_ready(0, false).await;
    let (status, answer) = cluster.api(0, "GET", "/api/v1/stats", "").await;
    assert_eq!((status, &answer["complete"]), (200, &json!(false)), "{answer}");
    assert_eq!(answer["nodes"][0]["bus"]["up"], false, "{answer}");
    let (status, answer) = cluster.api(0, "POST", "/api/v1/nodes/self/drain", "{}").await;
    assert_eq!(
        (status, &answer["draining"]),
        (200, &json!(true)),
        "without the bus: {answer}"
    );
}

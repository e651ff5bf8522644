//! Sockets that do not read are closed with 4500, and no one else in the room feels it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use hallway_testkit::{Cluster, Raw, token};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::broadcast;

#[tokio::test(flavor = "multi_thread")]
async fn ten_that_never_read_cost_the_others_nothing() {
    const READERS: usize = 990;
    const MOST: u64 = 400;
    let cluster = Cluster::alone(
        "[limits]\nping_interval = '60s'\npong_timeout = '60s'\nsocket_queue = '256KiB'\nframe_size = '64KiB'",
    )
    .await;
    let address = cluster.node(0).public_address();
    let join = r#"{"id":1,"endpoint":"rooms.join","args":{"room":"board-1"}}"#;
    let mut deaf = Vec::new();
    for number in 0..10 {
        let mut raw = Raw::deaf(address, &token(&format!("deaf{number}"), &["board-*"])).await;
        raw.text(join).await;
        assert!(raw.answer().await.unwrap().text().contains("recovered"));
        deaf.push(raw);
    }
    let (publisher, _) = cluster.connect(0, "publisher").await;
    publisher
        .request("rooms.join", json!({"room": "board-1"}))
        .await
        .unwrap();
    let heard = Arc::new(Semaphore::new(0));
    let end = Arc::new(AtomicU64::new(u64::MAX));
    let mut readers = Vec::new();
    for number in 0..READERS {
        let mut raw = Raw::signed_in(address, &token(&format!("r{number}"), &["board-*"])).await;
        raw.text(join).await;
        assert!(raw.answer().await.unwrap().text().contains("recovered"));
        let (heard, end) = (Arc::clone(&heard), Arc::clone(&end));
        readers.push(tokio::spawn(async move {
            let mut seq = 0_u64;
            while seq < end.load(Relaxed) {
                let text = raw.answer().await.expect("the reader stays").text();
                seq += 1;
                assert!(
                    text.ends_with('}') && text.contains(&format!("\"seq\":{seq},")),
                    "in order, and whole"
                );
                heard.add_permits(1);
            }
            seq
        }));
    }
    // One at a time, so that only the deaf lag, until they are found out.
    let data = "x".repeat(30_000);
    let mut sent = 0;
    while cluster.metric(0, "hallway_slow_consumers_total").await < 10.0 && sent < MOST {
        sent += 1;
        let say = json!({"room": "board-1", "destination": "d", "data": data});
        publisher.request("rooms.broadcast", say).await.unwrap();
        heard.acquire_many(READERS as u32).await.unwrap().forget();
    }
    assert_eq!(cluster.metric(0, "hallway_slow_consumers_total").await, 10.0);
    end.store(sent + 1, Relaxed);
    publisher
        .request(
            "rooms.broadcast",
            json!({"room": "board-1", "destination": "d", "data": 0}),
        )
        .await
        .unwrap();
    for reader in readers {
        assert_eq!(reader.await.expect("it heard everything"), sent + 1);
    }
    // What waits is bounded: a begun buffer and a close frame for each of the ten.
    assert!(cluster.metric(0, "hallway_socket_queue_bytes").await <= 10.0 * 31_000.0);
    for mut raw in deaf {
        assert_eq!(raw.close_code().await, Some(4500), "told, once it reads");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_lags_and_reads_again_misses_nothing() {
    let cluster = Cluster::alone("").await;
    let mut raw = Raw::deaf(cluster.node(0).public_address(), &token("slow", &["board-*"])).await;
    raw.text(r#"{"id":1,"endpoint":"rooms.join","args":{"room":"board-1"}}"#)
        .await;
    raw.answer().await.unwrap();
    let (publisher, _) = cluster.connect(0, "publisher").await;
    let (mut witness, _) = cluster.connect(0, "witness").await;
    for client in [&publisher, &witness] {
        client.request("rooms.join", json!({"room": "board-1"})).await.unwrap();
    }
    let data = "y".repeat(20_000);
    let mut queued = 0.0;
    let mut sent = 0;
    while queued == 0.0 && sent < 1000 {
        publisher
            .request(
                "rooms.broadcast",
                json!({"room": "board-1", "destination": "d", "data": data}),
            )
            .await
            .unwrap();
        broadcast(&mut witness).await;
        sent += 1;
        queued = cluster.metric(0, "hallway_socket_queue_sockets").await;
    }
    assert!(queued > 0.0, "it lags");
    for seq in 1..=sent {
        let text = raw.answer().await.unwrap().text();
        assert!(text.contains(&format!("\"seq\":{seq},")), "{seq}");
    }
}

//! Taking leave.

use std::time::Duration;

use hallway_client::Incoming;
use hallway_testkit::{Cluster, Raw, token};
use serde_json::json;

use crate::next;

#[tokio::test(flavor = "multi_thread")]
async fn every_socket_is_told_its_own_moment_and_closed_with_1012() {
    let mut cluster = Cluster::alone("[shutdown]\ndrain = '1s'").await;
    let mut clients = Vec::new();
    for number in 0..20 {
        clients.push(cluster.connect(0, &format!("u{number}")).await.0);
    }
    let (public, internal) = (cluster.node(0).public_address(), cluster.node(0).internal_address());
    let running = cluster.take(0);
    let node = running.node().clone();
    let drained = tokio::spawn(running.drain());
    let mut moments = Vec::new();
    for client in &mut clients {
        match next(client).await {
            Some(Incoming::Goodbye(goodbye)) => {
                assert_eq!(goodbye.reason, "draining");
                moments.push(goodbye.reconnect_after_ms);
            }
            other => panic!("goodbye, not {other:?}"),
        }
        assert!(node.readiness.is_draining());
        let (status, _) = hallway_testkit::http::call(internal, "GET", "/readyz", "", "").await;
        assert_eq!(status, 503);
    }
    moments.sort_unstable();
    assert!(
        moments[0] < 200 && moments[19] > 800 && moments[19] <= 1000,
        "spread out: {moments:?}"
    );
    for client in &mut clients {
        assert_eq!(crate::close_code(client).await, 1012);
    }
    tokio::time::timeout(Duration::from_secs(10), drained)
        .await
        .expect("in time")
        .unwrap();
    assert!(
        tokio::net::TcpStream::connect(public).await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_is_finished() {
    let mut cluster = Cluster::alone("[shutdown]\ndrain = '10ms'").await;
    let mut raw = Raw::deaf(cluster.node(0).public_address(), &token("slow", &["board-*"])).await;
    raw.text(r#"{"id":1,"endpoint":"rooms.join","args":{"room":"board-1"}}"#)
        .await;
    raw.answer().await.unwrap();
    let (publisher, _) = cluster.connect(0, "publisher").await;
    publisher
        .request("rooms.join", json!({"room": "board-1"}))
        .await
        .unwrap();
    let data = "z".repeat(20_000);
    let mut sent = 0;
    while cluster.metric(0, "hallway_socket_queue_sockets").await == 0.0 {
        publisher
            .request(
                "rooms.broadcast",
                json!({"room": "board-1", "destination": "d", "data": data}),
            )
            .await
            .unwrap();
        sent += 1;
    }
    let drained = tokio::spawn(cluster.take(0).drain());
    let mut heard = 0;
    let mut code = None;
    while let Some(frame) = raw.answer().await {
        heard += usize::from(frame.text().starts_with(r#"{"broadcast""#));
        code = code.or(frame.close_code());
    }
    assert_eq!((heard, code), (sent, Some(1012)));
    drained.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_by_its_deadline() {
    let mut cluster =
        Cluster::alone("[shutdown]\ndrain = '1s'\ndeadline = '1s'\n[limits]\nclose_timeout = '60s'").await;
    let (publisher, _) = cluster.connect(0, "publisher").await;
    let mut deaf = Raw::signed_in(cluster.node(0).public_address(), &token("deaf", &[])).await;
    tokio::time::timeout(Duration::from_secs(5), cluster.take(0).drain())
        .await
        .expect("by the deadline");
    drop(publisher);
    assert_ne!(deaf.close_code().await, Some(1000));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_load_balancers_notice_it_still_takes_connections() {
    let mut cluster = Cluster::alone("[shutdown]\ndelay = '20s'\ndrain = '0s'\ndeadline = '60s'").await;
    let (public, internal) = (cluster.node(0).public_address(), cluster.node(0).internal_address());
    let drained = tokio::spawn(cluster.take(0).drain());
    let not_ready = async { while hallway_testkit::http::call(internal, "GET", "/readyz", "", "").await.0 != 503 {} };
    tokio::time::timeout(Duration::from_secs(10), not_ready)
        .await
        .expect("not ready");
    Raw::signed_in(public, &token("late", &[])).await;
    drained.abort();
}

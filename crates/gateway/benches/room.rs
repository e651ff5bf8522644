//! What a client's request costs on its way through a whole node and back, on loopback. `make bench-micro ARGS=room`

use criterion::Criterion;
use hallway_client::{Client, Incoming};
use hallway_testkit::Cluster;
use serde_json::json;
use tokio::runtime::Runtime;

/// Rooms that are opened in turn, so that what is kept of them does not grow with the time that this takes.
const ROOMS: u64 = 1000;

async fn ask(client: &Client, endpoint: &str, room: &str) {
    client.request(endpoint, json!({"room": room})).await.expect("done");
}

/// Publishes, and hears it.
async fn broadcast(speaker: &Client, hearer: &mut Client, room: &str) {
    let args = json!({"room": room, "destination": "update-task", "data": "x".repeat(126)});
    speaker.request("rooms.broadcast", args).await.expect("accepted");
    match hearer.next().await {
        Some(Incoming::Broadcast(heard)) => assert_eq!(heard.room.as_str(), room),
        other => panic!("not a broadcast: {other:?}"),
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let runtime = Runtime::new().expect("a runtime");
    let cluster = runtime.block_on(Cluster::alone(""));
    let (speaker, _) = runtime.block_on(cluster.connect(0, "u1"));
    let (mut hearer, _) = runtime.block_on(cluster.connect(0, "u2"));
    let mut group = criterion.benchmark_group("room");
    let mut number = 0;
    let mut fresh = || {
        number += 1;
        format!("board-{}", number % ROOMS)
    };
    group.bench_function("join and leave, nobody else there", |bencher| {
        bencher.iter(|| {
            let room = fresh();
            runtime.block_on(async {
                ask(&speaker, "rooms.join", &room).await;
                ask(&speaker, "rooms.leave", &room).await;
            });
        });
    });
    group.bench_function("two join, first broadcast, both leave", |bencher| {
        bencher.iter(|| {
            let room = fresh();
            runtime.block_on(async {
                ask(&speaker, "rooms.join", &room).await;
                ask(&hearer, "rooms.join", &room).await;
                broadcast(&speaker, &mut hearer, &room).await;
                ask(&speaker, "rooms.leave", &room).await;
                ask(&hearer, "rooms.leave", &room).await;
            });
        });
    });
    runtime.block_on(async {
        ask(&speaker, "rooms.join", "board-open").await;
        ask(&hearer, "rooms.join", "board-open").await;
    });
    group.bench_function("broadcast in an open room", |bencher| {
        bencher.iter(|| runtime.block_on(broadcast(&speaker, &mut hearer, "board-open")));
    });
    group.finish();
    criterion.final_summary();
}

//! What a room costs on the bus of a node that is alone, from opening to closing. `make bench-micro ARGS=subscribe`

#![allow(clippy::unwrap_used, reason = "what fails here is a mistake in the benchmark")]

use std::time::Duration;

use bytes::Bytes;
use criterion::Criterion;
use hallway_bus::memory::{self, MemoryBus};
use hallway_bus::{Bus, Event, Keep, Lanes, Message, Publish};
use hallway_protocol::RoomName;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

/// A room's rooms: those that a board includes are subscribed with it.
fn lines(number: u64) -> Vec<RoomName> {
    ["", "-tasks", "-sprints"]
        .map(|ending| RoomName::parse(&format!("board-{number}{ending}")).unwrap())
        .into()
}

fn request(room: &RoomName) -> Publish {
    Publish {
        room: room.clone(),
        message: Message {
            destination: "update-task".into(),
            data: Bytes::from(format!("\"{}\"", "x".repeat(126))),
            exclude: None,
            sent: None,
        },
        keep: Some(Keep {
            count: 500,
            bytes: 1 << 20,
            life: Duration::from_secs(60),
        }),
        idempotency_key: None,
    }
}

/// Opens a room, as a first join does: hears it, then asks where it stands.
async fn open(bus: &MemoryBus, lines: &[RoomName]) {
    bus.subscribe(lines.to_vec()).await.unwrap();
    bus.states(lines.to_vec()).await.unwrap();
}

/// Publishes, and takes it from the lane.
async fn publish(bus: &MemoryBus, lane: &mut mpsc::Receiver<Event>, room: &RoomName) {
    bus.publish(request(room)).await.unwrap();
    assert!(matches!(lane.recv().await, Some(Event::Heard(heard)) if heard.room == *room));
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let runtime: Runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (lanes, mut receivers) = Lanes::new(1, 1024);
    let (bus, _told) = memory::connect(lanes);
    let mut lane = receivers.remove(0);
    let mut group = criterion.benchmark_group("subscribe/embedded");
    let mut number = 0;
    group.bench_function("open and close a room", |bencher| {
        bencher.iter(|| {
            number += 1;
            let lines = lines(number % 1000);
            runtime.block_on(open(&bus, &lines));
            bus.unsubscribe(lines);
        });
    });
    // The first since the room was opened: rooms come round again, so that what is kept does not grow with the time that
    // the benchmark takes.
    group.bench_function("open, first broadcast, close", |bencher| {
        bencher.iter(|| {
            number += 1;
            let lines = lines(number % 1000);
            runtime.block_on(async {
                open(&bus, &lines).await;
                publish(&bus, &mut lane, &lines[0]).await;
            });
            bus.unsubscribe(lines);
        });
    });
    let room = lines(1_000_000).remove(0);
    runtime.block_on(open(&bus, std::slice::from_ref(&room)));
    group.bench_function("broadcast in an open room", |bencher| {
        bencher.iter(|| runtime.block_on(publish(&bus, &mut lane, &room)));
    });
    group.finish();
    criterion.final_summary();
}

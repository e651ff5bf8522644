//! One broadcast to N sockets: written to each, and queued for each.

use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput};
use hallway_hub::{Burst, Delivered};
use hallway_protocol::{Broadcast, Codec, Epoch, Position, RoomName};

use crate::crowd::Crowd;

/// Two descriptors each, and a process has 1,024 of them unless someone has asked for more. The last is more than a
/// fan-out does in one go.
const SIZES: [usize; 3] = [1, 20, 400];

pub(super) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hub/fan-out");
    // The clients read between two broadcasts, and that is not measured: it would take the default many times over.
    group.sample_size(20);
    for size in SIZES {
        group.throughput(Throughput::Elements(size as u64));
        for (name, codecs) in [("written", &Codec::ALL[..1]), ("written, both codecs", &Codec::ALL[..])] {
            let mut crowd = Crowd::gather(size, codecs);
            group.bench_function(BenchmarkId::new(name, size), |bencher| {
                bencher.iter_custom(|times| (0..times).map(|_| written(&mut crowd)).sum());
            });
        }
        let mut crowd = Crowd::gather(size, &[Codec::Json]);
        group.bench_function(BenchmarkId::new("queued", size), |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| queued(&mut crowd)).sum());
        });
    }
}

/// The frame's JSON text, ready to be sent: 128 bytes of data.
fn burst(room: &RoomName) -> Burst {
    let data = format!(r#""{}""#, "x".repeat(126));
    let broadcast = Broadcast {
        room,
        destination: "update-task",
        data: data.as_bytes(),
        position: Some(Position {
            epoch: Epoch(1_700_000_000_000),
            seq: 123_456,
        }),
        ts: Some(1_700_000_123_456),
    };
    let mut burst = Burst::default();
    burst.push(broadcast.to_json(), None, None);
    burst
}

/// Sends to the room; how long that took.
fn send(crowd: &Crowd) -> (Duration, Delivered) {
    let mut burst = burst(crowd.room.name());
    let start = Instant::now();
    let delivered = crowd.runtime.block_on(burst.send(&crowd.room.members()));
    (start.elapsed(), delivered)
}

fn written(crowd: &mut Crowd) -> Duration {
    let (took, delivered) = send(crowd);
    assert_eq!((delivered.frames, delivered.queued), (crowd.sockets.len() as u64, 0));
    crowd.read();
    took
}

/// As for sockets that have not said their first frame: everything waits behind it.
fn queued(crowd: &mut Crowd) -> Duration {
    for socket in &crowd.sockets {
        assert!(socket.hold());
    }
    let (took, delivered) = send(crowd);
    assert_eq!(delivered.queued, crowd.sockets.len() as u64);
    for socket in &crowd.sockets {
        socket.open(Bytes::new());
    }
    crowd.read();
    took
}

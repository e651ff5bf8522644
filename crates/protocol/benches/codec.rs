//! Reading a client's request and writing a broadcast, in both codecs. `make bench-micro ARGS=codec`

#![allow(clippy::unwrap_used, reason = "what fails here is a mistake in the benchmark")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use hallway_protocol::codec::{decode, json_to_msgpack};
use hallway_protocol::{Broadcast, Codec, Epoch, Position, RoomName};

/// 128 bytes of JSON, as all figures are given for.
fn data() -> String {
    let text = format!(
        r#"{{"taskId":4711,"column":"doing","done":false,"pad":"{}"}}"#,
        "x".repeat(74)
    );
    assert_eq!(text.len(), 128);
    text
}

fn request(codec: Codec) -> Vec<u8> {
    let text = format!(
        r#"{{"id":12,"endpoint":"rooms.broadcast","args":{{"room":"board-42","destination":"update-task","data":{}}}}}"#,
        data()
    );
    match codec {
        Codec::Json => text.into_bytes(),
        Codec::Msgpack => json_to_msgpack(text.as_bytes()).unwrap(),
    }
}

fn reading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec/decode request");
    for codec in Codec::ALL {
        let bytes = request(codec);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(codec.name()), |bencher| {
            bencher.iter(|| decode(codec, black_box(&bytes)).unwrap());
        });
    }
}

fn writing(criterion: &mut Criterion) {
    let room = RoomName::parse("board-42").unwrap();
    let data = data();
    let broadcast = Broadcast {
        room: &room,
        destination: "update-task",
        data: data.as_bytes(),
        position: Some(Position {
            epoch: Epoch(1_700_000_000_000),
            seq: 123_456,
        }),
        ts: Some(1_700_000_123_456),
    };
    let mut group = criterion.benchmark_group("codec/encode broadcast");
    for codec in Codec::ALL {
        group.bench_function(BenchmarkId::from_parameter(codec.name()), |bencher| {
            bencher.iter(|| {
                let text = black_box(&broadcast).to_json();
                match codec {
                    Codec::Json => text,
                    Codec::Msgpack => json_to_msgpack(&text).unwrap(),
                }
            });
        });
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    reading(&mut criterion);
    writing(&mut criterion);
    criterion.final_summary();
}

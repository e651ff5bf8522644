//! One broadcast as an event of Socket.IO, and the event of a client read. `make bench-micro ARGS=packet`

#![allow(clippy::unwrap_used, reason = "what fails here is a mistake in the benchmark")]

use std::hint::black_box;

use criterion::Criterion;
use hallway_socketio::packet::{self, Kind};
use hallway_socketio::{binary, engine};

const NAMESPACE: &str = "/lobby";

/// An event's name and its 128 bytes of JSON.
fn arguments() -> String {
    format!(
        r#"["update-task",{{"taskId":4711,"column":"doing","done":false,"pad":"{}"}}]"#,
        "x".repeat(74)
    )
}

/// As a node writes it: attachments looked for, the packet begun, the text behind it.
fn write(arguments: &str) -> String {
    let (text, attachments) = match binary::split(arguments) {
        Some((text, attachments)) => (text.into(), attachments.len()),
        None => (std::borrow::Cow::from(arguments), 0),
    };
    let mut out = packet::begin(Kind::Event, attachments, NAMESPACE, None);
    out.push_str(&text);
    out
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let arguments = arguments();
    let attached = arguments.replace("4711", r#"{"$binary":"aGFsbHdheQ=="}"#);
    let written = write(&arguments);
    let mut group = criterion.benchmark_group("packet");
    group.bench_function("encode broadcast", |bencher| {
        bencher.iter(|| write(black_box(&arguments)))
    });
    group.bench_function("encode broadcast with an attachment", |bencher| {
        bencher.iter(|| write(black_box(&attached)));
    });
    group.bench_function("decode event", |bencher| {
        bencher.iter(|| {
            let engine::Packet::Message(text) = engine::parse(black_box(&written)).unwrap() else {
                panic!("not a message")
            };
            let read = packet::parse(text, 0).unwrap();
            packet::event(read.data).unwrap().1.len()
        });
    });
    group.finish();
    criterion.final_summary();
}

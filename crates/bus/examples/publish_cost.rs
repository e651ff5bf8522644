//! What a broadcast costs Redis, beside a plain `PUBLISH` with one subscriber, and how many a node publishes in a
//! second. Starts a Redis of its own.
//!
//! `cargo run --release -p hallway-bus --example publish_cost`

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program to be read by the one who runs it"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fred::prelude::{Builder, ClientLike, Config, EventInterface, PubsubInterface};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hallway_bus::redis::{self, RedisBus, RedisOptions};
use hallway_bus::{Bus, Event, Keep, Lanes, Message, Publish, Sent};
use hallway_protocol::RoomName;
use hallway_testkit::RedisServer;
use tokio::sync::mpsc;

const ROOMS: usize = 64;

fn rooms() -> Vec<RoomName> {
    (0..ROOMS)
        .map(|number| RoomName::parse(&format!("board-{number}")).unwrap())
        .collect()
}

fn request(room: &RoomName, is_kept: bool) -> Publish {
    let message = Message {
        destination: "update-task".into(),
        data: Bytes::from(format!("\"{}\"", "x".repeat(126))),
        exclude: None,
        sent: Some(Sent {
            node: u64::MAX / 3,
            micros: 123_456_789,
            trace: None,
        }),
    };
    let keep = is_kept.then_some(Keep {
        count: 500,
        bytes: 1 << 20,
        life: Duration::from_secs(86_400),
    });
    Publish {
        room: room.clone(),
        message,
        keep,
        idempotency_key: None,
    }
}

/// Runs something that makes `count` broadcasts; prints and gives microseconds of Redis for each.
async fn measure(server: &RedisServer, what: &str, count: usize, work: impl Future<Output = ()>) -> f64 {
    let (cpu, started) = (server.cpu_seconds(), Instant::now());
    work.await;
    let took = started.elapsed().as_secs_f64();
    let each = (server.cpu_seconds() - cpu) * 1e6 / count as f64;
    println!(
        "{what:<44} {each:>7.2} us of Redis each {:>9.0} a second",
        count as f64 / took
    );
    each
}

/// Keeps so many under way until `count` are done.
async fn keep_under_way<F: Future>(count: usize, under_way: usize, mut make: impl FnMut(usize) -> F) {
    let mut calls = FuturesUnordered::new();
    for number in 0..count {
        if calls.len() >= under_way {
            calls.next().await;
        }
        calls.push(make(number));
    }
    while calls.next().await.is_some() {}
}

async fn plain(server: &RedisServer, count: usize, under_way: usize) -> f64 {
    let builder = || {
        let mut builder = Builder::from_config(Config::from_url(&server.url()).unwrap());
        builder.with_performance_config(|config| config.broadcast_channel_capacity = 1 << 17);
        builder
    };
    let (client, subscriber) = (builder().build().unwrap(), builder().build_subscriber_client().unwrap());
    client.init().await.unwrap();
    subscriber.init().await.unwrap();
    let mut messages = subscriber.message_rx();
    let channels: Vec<String> = rooms().iter().map(ToString::to_string).collect();
    subscriber.subscribe(channels.clone()).await.unwrap();
    tokio::spawn(async move { while messages.recv().await.is_ok() {} });
    let payload = Bytes::from("x".repeat(128));
    let work = keep_under_way(count, under_way, |number| {
        let (client, channel, payload) = (client.clone(), channels[number % ROOMS].clone(), payload.clone());
        async move { client.publish::<i64, _, _>(channel, payload).await.unwrap() }
    });
    let each = measure(server, &format!("PUBLISH, {under_way} under way"), count, work).await;
    let _ = (client.quit().await, subscriber.quit().await);
    each
}

async fn through_bus(server: &RedisServer, bus: &Arc<RedisBus>, is_kept: bool, count: usize, under_way: usize) -> f64 {
    let rooms = rooms();
    let name = if is_kept { "numbered and kept" } else { "not numbered" };
    let work = keep_under_way(count, under_way, |number| {
        let published = bus.publish(request(&rooms[number % ROOMS], is_kept));
        async move { published.await.unwrap() }
    });
    measure(server, &format!("{name}, {under_way} under way"), count, work).await
}

async fn drain(mut lane: mpsc::Receiver<Event>) {
    let mut events = Vec::new();
    while lane.recv_many(&mut events, 1024).await > 0 {
        events.clear();
    }
}

#[tokio::main]
async fn main() {
    let server = RedisServer::start().await;
    let (lanes, receivers) = Lanes::new(2, 65_536);
    let options = RedisOptions {
        url: server.url(),
        ..RedisOptions::default()
    };
    let (bus, _told) = redis::connect(options, lanes).await.unwrap();
    bus.subscribe(rooms()).await.unwrap();
    for lane in receivers {
        tokio::spawn(drain(lane));
    }
    through_bus(&server, &bus, true, 20_000, 512).await;
    bus.unsubscribe(rooms());
    for (under_way, count) in [(1, 20_000), (8, 60_000), (128, 200_000), (2048, 300_000)] {
        println!();
        let plain = plain(&server, count, under_way).await;
        bus.subscribe(rooms()).await.unwrap();
        for is_kept in [false, true] {
            let each = through_bus(&server, &bus, is_kept, count, under_way).await;
            println!("{:>56.2} x", each / plain);
        }
        bus.unsubscribe(rooms());
    }
    let usage: f64 = server
        .cli(&["MEMORY", "USAGE", "{board-1}:h", "SAMPLES", "0"])
        .await
        .unwrap()
        .parse()
        .unwrap();
    let length: f64 = server.cli(&["XLEN", "{board-1}:h"]).await.unwrap().parse().unwrap();
    println!(
        "\nhistory: {:.0} bytes a broadcast of 128 bytes ({length} kept)",
        usage / length
    );
    println!(
        "lagged: {}",
        bus.stats().lagged.load(std::sync::atomic::Ordering::Relaxed)
    );
}

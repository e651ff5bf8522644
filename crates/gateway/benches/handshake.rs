//! A connection to a whole node on loopback: upgrade with a token, hello, close. `make bench-micro ARGS=handshake`

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use criterion::{BenchmarkId, Criterion};
use hallway_client::{Client, Codec, Options};
use hallway_testkit::{Cluster, token};
use tokio::runtime::Runtime;

/// Source addresses that connections take in turn. The system has some 28,000 ports for each, and keeps one that was
/// closed for a minute.
const SOURCES: u32 = 200;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let runtime = Runtime::new().expect("a runtime");
    let cluster = runtime.block_on(Cluster::alone(""));
    let token = token("u1", &["board-*"]);
    let mut group = criterion.benchmark_group("handshake");
    let mut number = 0;
    for codec in Codec::ALL {
        group.bench_function(BenchmarkId::new("connect, hello, close", codec.name()), |bencher| {
            bencher.iter(|| {
                number += 1;
                let source = Ipv4Addr::from(u32::from(Ipv4Addr::LOCALHOST) + number % SOURCES);
                let mut options = Options::new(cluster.url(0)).token(&token).codec(codec);
                options.local_address = Some(IpAddr::V4(source));
                runtime.block_on(async {
                    let (client, hello) = Client::connect(options).await.expect("connected");
                    client.close().await;
                    black_box(hello);
                });
            });
        });
    }
    group.finish();
    criterion.final_summary();
}

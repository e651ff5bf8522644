//! Reading a token, as every handshake does. `make bench-micro ARGS=token`

#![allow(clippy::unwrap_used, reason = "what fails here is a mistake in the benchmark")]

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use hallway_auth::{Algorithm, Grant, JwtOptions, JwtVerifier, Key, RoomPattern, SigningKey};
use hallway_protocol::UserId;

/// 2023-11-14, in Unix milliseconds.
const NOW: u64 = 1_700_000_000_000;

fn verifier(secret: &str) -> JwtVerifier {
    JwtVerifier::new(JwtOptions {
        keys: vec![Key::of_secret(Algorithm::Hs256, secret).unwrap()],
        signing: Some(SigningKey::of_secret(Algorithm::Hs256, secret).unwrap()),
        ..JwtOptions::default()
    })
}

fn grant() -> Grant {
    Grant {
        user: UserId::parse("user-4711").unwrap(),
        name: Some("Ada Lovelace".to_owned()),
        rooms: vec![
            RoomPattern::parse("board-*").unwrap(),
            RoomPattern::parse("org-7").unwrap(),
        ],
        issued_at: NOW,
        life: Duration::from_secs(3600),
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let (ours, theirs) = (
        verifier("a secret of 32 bytes, or of more than that"),
        verifier("another secret of 32 bytes, or of even more"),
    );
    let (good, forged) = (ours.mint(&grant()).unwrap(), theirs.mint(&grant()).unwrap());
    let mut group = criterion.benchmark_group("token/HS256");
    group.bench_function("accepted", |bencher| {
        bencher.iter(|| ours.verify(black_box(&good), NOW).unwrap());
    });
    group.bench_function("refused", |bencher| {
        bencher.iter(|| ours.verify(black_box(&forged), NOW).unwrap_err());
    });
    group.finish();
    criterion.final_summary();
}

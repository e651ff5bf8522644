//! From a socket of one node to a socket of another, beside a bare Redis in the same run (S6).

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::stage::{Sizes, Stage};
use crate::cli::{Common, Latency};
use crate::error::{Doing, Failure};
use crate::redis::{PingPair, Redis};
use crate::report::Row;
use crate::server::Server;
use crate::swarm::Swarm;

pub(super) fn run(common: &Common, sizes: &Latency) -> Result<Value, Failure> {
    let redis = Redis::start(&common.redis_bin)?;
    let (one, other) = (
        Server::start(common, Some(redis.address))?,
        Server::start(common, Some(redis.address))?,
    );
    let stage = Sizes {
        rooms: 1,
        readers: sizes.receivers.max(1),
        publishers: 1,
        publishers_share_rooms: true,
        under_way: 64,
        rate: Some(sizes.rate.max(1)),
    };
    let mut stage = Stage::open(common, &stage, &other, &one)?;
    stage.warm_up()?;
    let mut pings = Pings::new(common, &redis, sizes.rate)?;
    stage.swarm.watch(&pings.pair.subscriber)?;
    stage.swarm.tally.samples = true;
    let driven = stage.drive(|swarm| pings.turn(swarm))?;
    let hallway = stage.swarm.tally.latency.clone();
    let trouble = stage.swarm.tally.trouble();
    drop(stage);
    let stopped = (one.stop()?, other.stop()?);
    let ratio = |quantile: f64| {
        hallway.value_at_quantile(quantile) as f64 / pings.latency.value_at_quantile(quantile).max(1) as f64
    };
    let what = |quantile: &str| format!("two nodes and Redis, {} broadcasts/s, {quantile}", sizes.rate);
    Ok(json!({
        "scenario": "latency", "rate": sizes.rate, "receivers": sizes.receivers, "run": driven.report(),
        "hallwayMicros": quantiles(&hallway), "redisPingMicros": quantiles(&pings.latency),
        "trouble": trouble, "stopSeconds": [stopped.0, stopped.1],
        "rows": [
            Row::new("S6", what("p50"), ratio(0.5), "× Redis ping", 1.5).beyond(1.2),
            Row::new("S6", what("p99"), ratio(0.99), "× Redis ping", 2.0),
        ],
    }))
}

/// Pings of the bare Redis, at the same rate as the broadcasts and between them.
struct Pings {
    pair: PingPair,
    latency: Histogram<u64>,
    every: Duration,
    due: Instant,
}

impl Pings {
    fn new(common: &Common, redis: &Redis, rate: u64) -> Result<Self, Failure> {
        let every = Duration::from_micros(1_000_000 / rate.max(1));
        Ok(Self {
            pair: PingPair::new(redis.address, common.payload())?,
            latency: Histogram::new_with_bounds(1, 60_000_000, 3).doing("histogram")?,
            every,
            due: Instant::now() + every / 2,
        })
    }

    /// Takes what came, sends what is due; returns when the next is.
    fn turn(&mut self, swarm: &mut Swarm) -> Result<Duration, Failure> {
        if std::mem::take(&mut swarm.foreign) {
            for micros in self.pair.receive() {
                self.latency.saturating_record(micros);
            }
        }
        let now = Instant::now();
        if now >= self.due {
            self.pair.send()?;
            self.due += self.every;
        }
        Ok(self.due.saturating_duration_since(now))
    }
}

fn quantiles(histogram: &Histogram<u64>) -> Value {
    let at = |quantile| histogram.value_at_quantile(quantile);
    json!({
        "samples": histogram.len(), "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p999": at(0.999),
        "max": histogram.max(),
    })
}

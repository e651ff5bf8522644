//! Acknowledged publishes of one node through Redis (S8), and what one costs Redis beside a plain `PUBLISH` (S7).

use std::time::Duration;

use serde_json::{Value, json};

use super::stage::{Sizes, Stage};
use crate::cli::{Common, Throughput};
use crate::error::Failure;
use crate::process::cpu_of;
use crate::redis::Redis;
use crate::report::Row;
use crate::server::Server;

pub(super) fn run(common: &Common, sizes: &Throughput) -> Result<Value, Failure> {
    let redis = Redis::start(&common.redis_bin)?;
    // As many at once as a node may well put into one write.
    let plain = redis.plain_publish_cost(common.payload(), 64, common.floor_time())?;
    let server = Server::start(common, Some(redis.address))?;
    let stage = Sizes {
        rooms: sizes.rooms,
        readers: sizes.receivers,
        publishers: sizes.publishers,
        publishers_share_rooms: false,
        under_way: sizes.under_way,
        rate: None,
    };
    let mut stage = Stage::open(common, &stage, &server, &server)?;
    stage.warm_up()?;
    let measured = || Ok::<_, Failure>([server.process.cpu()?, redis.process.cpu()?, cpu_of(std::process::id())?]);
    let before = measured()?;
    let driven = stage.drive(|_| Ok(Duration::MAX))?;
    let after = measured()?;
    let trouble = stage.swarm.tally.trouble();
    drop(stage);
    let stopped = server.stop()?;
    let [node, bus, own] = std::array::from_fn(|at| after[at] - before[at]);
    let accepted = driven.accepted.max(1) as f64;
    let rate = driven.accepted as f64 / driven.seconds;
    let micros = |cpu: f64| cpu * 1e6 / accepted;
    let what = format!(
        "{} publishers in {} rooms, {} under way",
        sizes.publishers, sizes.rooms, sizes.under_way
    );
    Ok(json!({
        "scenario": "throughput", "rooms": sizes.rooms, "publishers": sizes.publishers,
        "receiversPerRoom": sizes.receivers, "underWay": sizes.under_way, "run": driven.report(),
        "acceptedPerSecond": rate.round(),
        "cpuMicrosPerBroadcast": {"node": micros(node), "redis": micros(bus), "generator": micros(own)},
        "plainPublishRedisMicros": plain, "trouble": trouble, "stopSeconds": stopped,
        "rows": [
            Row::new("S8", what, rate, "/s", 60_000.0).at_least(),
            Row::new("S7", "Redis CPU beside a plain PUBLISH".into(), micros(bus) / plain, "×", 2.5).beyond(1.8),
        ],
    }))
}

//! What a delivery costs in a room of many beside a room of few (S9), in one run: few, many, and few again.

use serde_json::{Value, json};

use super::stage::{Sizes, measure};
use crate::cli::{Common, Growth};
use crate::error::Failure;
use crate::floor;
use crate::machine;
use crate::report::Row;

pub(super) fn run(common: &Common, sizes: &Growth) -> Result<Value, Failure> {
    let large = sizes.large.min(machine::most_sockets());
    let room_of = |readers| Sizes {
        rooms: 1,
        readers,
        publishers: 1,
        publishers_share_rooms: true,
        under_way: 1,
        rate: None,
    };
    let (small, large_room) = (room_of(sizes.small), room_of(large));
    let floor_of = |room: &Sizes| floor::measure(room.floor(), common.floor_time());
    let before = measure(common, &small)?;
    let many = measure(common, &large_room)?;
    let after = measure(common, &small)?;
    let floors = [floor_of(&small)?, floor_of(&large_room)?];
    // The machine may have become slower or faster meanwhile.
    let few = f64::midpoint(before.nodes, after.nodes);
    let times = many.nodes / few;
    // Redis is asked once for a broadcast, however many hear it: what it costs stands beside in the same unit.
    let redis = many.redis.map(|redis| redis / few);
    let what = format!("a delivery in a room of {large} beside one of {}", sizes.small);
    Ok(json!({
        "scenario": "growth", "receivers": [sizes.small, large, sizes.small],
        "runs": [before.report, many.report, after.report], "floors": floors.map(|floor| floor.report()),
        "rows": [
            Row::new("S9", what, times, "×", 1.3).redis(redis),
            Row::aside("S9", "the same of the floor".into(), floors[1].per_million / floors[0].per_million, "×"),
        ],
    }))
}

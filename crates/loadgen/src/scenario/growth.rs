//! What a delivery costs in a room of many beside a room of few (S9), in one run: few, many, and few again.

use serde_json::{Value, json};

use super::stage::{Sizes, measure};
use crate::cli::{Common, Growth};
use crate::error::Failure;
use crate::floor::{self, Shape};
use crate::machine;
use crate::report::Row;

/// Descriptors that a process has for other things than the sockets of the room.
const OTHERS: u64 = 500;

pub(super) fn run(common: &Common, sizes: &Growth) -> Result<Value, Failure> {
    let most = machine::lift_descriptor_limit().saturating_sub(OTHERS);
    let large = sizes.large.min(usize::try_from(most).unwrap_or(usize::MAX));
    let room_of = |readers| Sizes {
        rooms: 1,
        readers,
        publishers: 1,
        publishers_share_rooms: true,
        under_way: 1,
        rate: None,
    };
    let floor_of = |sockets| {
        let shape = Shape {
            sockets,
            group: sockets,
            coalesced: 1,
            under_way: 1,
        };
        floor::measure(shape, common.floor_time())
    };
    let before = measure(common, &room_of(sizes.small))?;
    let many = measure(common, &room_of(large))?;
    let after = measure(common, &room_of(sizes.small))?;
    let floors = [floor_of(sizes.small)?, floor_of(large)?];
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

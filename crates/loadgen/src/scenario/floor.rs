//! The floor alone.

use serde_json::{Value, json};

use crate::cli::{Common, Floor};
use crate::error::Failure;
use crate::floor::{Shape, measure};

pub(super) fn run(common: &Common, sizes: &Floor) -> Result<Value, Failure> {
    let one = Shape {
        sockets: sizes.sockets,
        group: if sizes.group == 0 { sizes.sockets } else { sizes.group },
        coalesced: 1,
        under_way: 1,
    };
    if !one.sockets.is_multiple_of(one.group) {
        return Err(Failure::new("the number of sockets must be a multiple of the group"));
    }
    let full = Shape {
        under_way: sizes.under_way,
        ..one
    };
    let coalesced = Shape {
        coalesced: usize::try_from(sizes.under_way).unwrap_or(1),
        ..one
    };
    let time = common.floor_time();
    Ok(json!({
        "scenario": "floor", "sockets": one.sockets, "group": one.group, "underWay": sizes.under_way,
        "oneAtATime": measure(one, time)?.report(),
        "fullRate": measure(full, time)?.report(),
        "coalesced": measure(coalesced, time)?.report(),
    }))
}

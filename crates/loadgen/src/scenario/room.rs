//! One room, one broadcast at a time or several under way (S1, S2).

use serde_json::{Value, json};

use super::stage::{Floors, Sizes, measure};
use crate::cli::{Common, Room};
use crate::error::Failure;
use crate::floor::Shape;
use crate::report::Row;

pub(super) fn run(common: &Common, sizes: &Room) -> Result<Value, Failure> {
    let stage = Sizes {
        rooms: 1,
        readers: sizes.receivers,
        publishers: sizes.publishers,
        publishers_share_rooms: true,
        under_way: sizes.under_way,
        rate: None,
    };
    let floors = Floors::before(common, stage.floor())?;
    let cost = measure(common, &stage)?;
    let (floor, floor_report) = floors.after(common)?;
    let multiple = cost.nodes / floor;
    let redis = cost.redis.map(|redis| redis / floor);
    let mut report = cost.report;
    let what = format!("one room of {}, {} under way", sizes.receivers, sizes.under_way);
    let row = match sizes.under_way {
        1 => Row::new("S1", what, multiple, "× floor", 1.25).beyond(1.1),
        _ => Row::new("S2", what, multiple, "× plain floor", 0.2).beyond(0.12),
    };
    report["scenario"] = json!("room");
    report["receivers"] = json!(sizes.receivers);
    report["underWay"] = json!(sizes.under_way);
    report["publishers"] = json!(sizes.publishers);
    report["floor"] = floor_report;
    report["multipleOfFloor"] = json!(multiple);
    report["rows"] = json!([row.redis(redis)]);
    if sizes.under_way > 1 {
        let coalesced = Shape {
            coalesced: usize::try_from(sizes.under_way).unwrap_or(1),
            under_way: 1,
            ..stage.floor()
        };
        report["coalescedFloor"] = crate::floor::measure(coalesced, common.floor_time())?.report();
    }
    Ok(report)
}

//! Many small rooms at full rate (S3).

use serde_json::{Value, json};

use super::stage::{Floors, Sizes, measure};
use crate::cli::{Common, Rooms};
use crate::error::Failure;
use crate::report::Row;

pub(super) fn run(common: &Common, sizes: &Rooms) -> Result<Value, Failure> {
    let stage = Sizes {
        rooms: sizes.rooms,
        readers: sizes.room_size,
        publishers: sizes.publishers,
        publishers_share_rooms: false,
        under_way: sizes.under_way,
        rate: None,
    };
    let floors = Floors::before(common, stage.floor())?;
    let cost = measure(common, &stage)?;
    let (floor, floor_report) = floors.after(common)?;
    let multiple = cost.nodes / floor;
    let redis = cost.redis.map(|redis| redis / floor);
    let mut report = cost.report;
    let what = format!(
        "{} rooms of {}, {} under way",
        sizes.rooms, sizes.room_size, sizes.under_way
    );
    report["scenario"] = json!("rooms");
    report["rooms"] = json!(sizes.rooms);
    report["roomSize"] = json!(sizes.room_size);
    report["underWay"] = json!(sizes.under_way);
    report["publishers"] = json!(sizes.publishers);
    report["floor"] = floor_report;
    report["multipleOfFloor"] = json!(multiple);
    report["rows"] = json!([Row::new("S3", what, multiple, "× floor", 1.25).beyond(1.1).redis(redis)]);
    Ok(report)
}

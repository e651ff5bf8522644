//! Reading where rooms stand and what is kept of them.

use fred::error::{Error, ErrorKind};
use fred::types::{Key, Value};
use hallway_protocol::{Epoch, Position, RoomName};

use super::envelope::read_position;
use super::lineage::Floors;
use super::link::Up;
use super::names::Names;
use super::script;
use super::script::{bytes_of, text_of};
use crate::{Heard, History, Message, RoomState};

/// Most rooms in one script call.
const ROOMS: usize = 256;

fn unreadable() -> Error {
    Error::new(ErrorKind::Parse, "the server's answer could not be read")
}

fn state_of(id: Value, ts: Value) -> Option<RoomState> {
    let position = read_position(&text_of(id)?)??;
    Some(RoomState {
        position,
        ts: text_of(ts)?.parse().ok()?,
    })
}

/// Where rooms stand. One whose epoch is over stands nowhere.
pub(super) async fn states(
    up: &Up,
    names: &Names,
    floors: &Floors,
    rooms: &[RoomName],
) -> Result<Vec<Option<RoomState>>, Error> {
    let mut states = Vec::with_capacity(rooms.len());
    for rooms in rooms.chunks(ROOMS) {
        let keys: Vec<Key> = rooms.iter().map(|room| names.stream(room).into()).collect();
        let mut answers = script::STATES
            .run_loading(&up.client, keys, Vec::new())
            .await?
            .into_array()
            .into_iter();
        for _ in rooms {
            let (Some(id), Some(ts)) = (answers.next(), answers.next()) else {
                return Err(unreadable());
            };
            states.push(state_of(id, ts).filter(|state| floors.holds(state.position.epoch)));
        }
    }
    Ok(states)
}

/// What is kept of a room.
pub(super) async fn history(
    up: &Up,
    names: &Names,
    floors: &Floors,
    room: RoomName,
    after: Option<Position>,
    limit: usize,
) -> Result<History, Error> {
    let (epoch, seq) = match after {
        // The server refuses the greatest number, and nothing comes after it anyway.
        Some(Position {
            epoch: Epoch(epoch),
            seq,
        }) => (epoch.to_string(), seq.min(u64::MAX - 1)),
        None => (String::new(), 0),
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let args = vec![epoch.into(), seq.to_string().into(), limit.into()];
    let keys = vec![Key::from(names.stream(&room))];
    let mut answer = script::HISTORY
        .run_loading(&up.client, keys, args)
        .await?
        .into_array()
        .into_iter();
    // The place of a room that was empty before the floor was raised proves nothing about what came before that.
    let judge = |state, broadcasts| {
        let mut history = History::of(state, after, broadcasts);
        history.complete &= after.is_none_or(|here| floors.holds(here.epoch));
        history
    };
    let (Some(id), Some(ts), Some(entries)) = (answer.next(), answer.next(), answer.next()) else {
        return Ok(judge(None, Vec::new()));
    };
    let state = state_of(id, ts).ok_or_else(unreadable)?;
    if !floors.holds(state.position.epoch) {
        return Ok(judge(None, Vec::new()));
    }
    let mut broadcasts: Vec<Heard> = Vec::new();
    for entry in entries.into_array() {
        let heard = read_entry(room.clone(), entry).ok_or_else(unreadable)?;
        broadcasts.push(heard);
    }
    Ok(judge(Some(state), broadcasts))
}

/// An entry is `[id, [t, time, m, message]]`.
fn read_entry(room: RoomName, entry: Value) -> Option<Heard> {
    let [id, fields] = <[Value; 2]>::try_from(entry.into_array()).ok()?;
    let [_, ts, _, message] = <[Value; 4]>::try_from(fields.into_array()).ok()?;
    let state = state_of(id, ts)?;
    let message = Message::decode(bytes_of(message)?).ok()?;
    Some(Heard {
        room,
        position: Some(state.position),
        ts: Some(state.ts),
        message,
    })
}

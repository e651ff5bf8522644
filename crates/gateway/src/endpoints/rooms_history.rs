//! `rooms.history`: a room's kept broadcasts.

use std::sync::Arc;

use hallway_protocol::endpoint::{RoomsHistory, State};
use hallway_protocol::{Error, Position, RoomName, limits};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Answer, Caller, Data};
use crate::node::Node;

/// Broadcasts in one answer unless asked for.
const PAGE: usize = 100;

/// A page of history.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    /// In the order of their numbers, from the oldest asked for.
    pub(crate) broadcasts: Vec<Data>,
    /// Where the room stands.
    pub(crate) state: Option<State>,
}

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: RoomsHistory) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Unordered(Box::pin(async move {
        super::resolve_for(&node, &caller, &args.room).await?;
        super::to_data(&read(&node, args.room, args.after_seq, args.limit).await?)
    }))
}

/// Reads a page.
pub(crate) async fn read(
    node: &Node,
    room: RoomName,
    after_seq: Option<u64>,
    limit: Option<usize>,
) -> Result<Page, Error> {
    let limit = limit.unwrap_or(PAGE);
    if !(1..=limits::HISTORY_PAGE).contains(&limit) {
        return Err(Error::bad_args("limit", "limit is 1 to 1000"));
    }
    if super::resolve(node, &room)?.kind.keep.is_none() {
        return Ok(Page {
            broadcasts: Vec::new(),
            state: None,
        });
    }
    let states = node
        .bus
        .states(vec![room.clone()])
        .await
        .map_err(crate::error::from_bus)?;
    let Some(state) = states.into_iter().next().flatten() else {
        return Ok(Page {
            broadcasts: Vec::new(),
            state: None,
        });
    };
    let after = after_seq.map(|seq| Position {
        epoch: state.position.epoch,
        seq,
    });
    let history = node
        .bus
        .history(room, after, limit)
        .await
        .map_err(crate::error::from_bus)?;
    let broadcasts = history.broadcasts.iter().map(object).collect::<Result<_, _>>()?;
    let state = history.state.unwrap_or(state);
    let state = State {
        last_broadcast_timestamp: state.ts,
        seq: state.position.seq,
        epoch: state.position.epoch,
    };
    Ok(Page {
        broadcasts,
        state: Some(state),
    })
}

pub(crate) fn object(heard: &hallway_bus::Heard) -> Result<Data, Error> {
    let mut out = Vec::new();
    heard.broadcast().write_object(&mut out);
    let text = String::from_utf8(out).unwrap_or_default();
    RawValue::from_string(text).map_err(|why| {
        tracing::error!(%why, room = %heard.room, "a kept broadcast is no JSON");
        Error::new(hallway_protocol::ErrorCode::Internal, "internal error")
    })
}

//! `rooms.state`: where a room's numbering stands, as the bus has it.

use std::sync::Arc;

use hallway_protocol::endpoint::{InRoom, State};
use hallway_protocol::{Error, RoomName};

use super::{Answer, Caller};
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: InRoom) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Unordered(Box::pin(async move {
        super::resolve_for(&node, &caller, &args.room).await?;
        super::to_data(&read(&node, args.room).await?)
    }))
}

/// Asks the bus.
pub(crate) async fn read(node: &Node, room: RoomName) -> Result<Option<State>, Error> {
    if super::resolve(node, &room)?.kind.keep.is_none() {
        return Ok(None);
    }
    let states = node.bus.states(vec![room]).await.map_err(crate::error::from_bus)?;
    Ok(states.into_iter().next().flatten().map(|state| State {
        last_broadcast_timestamp: state.ts,
        seq: state.position.seq,
        epoch: state.position.epoch,
    }))
}

//! `rooms.leave`: leaves a room. Broadcasts that were already on their way to the socket may still arrive.

use std::sync::Arc;

use hallway_protocol::endpoint::InRoom;
use hallway_protocol::{Error, ErrorCode};
use serde_json::json;

use super::{Answer, Caller};
use crate::leaving;
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: &InRoom) -> Answer {
    let room = match super::resolve(node, &args.room) {
        Ok(room) => room,
        Err(why) => return Answer::Now(Err(why)),
    };
    if room.kind.by_node {
        return Answer::Now(Err(Error::new(
            ErrorCode::Forbidden,
            "the node itself leaves rooms of this kind",
        )));
    }
    if room.line > 0 || !leaving::room(node, &room.home, &caller.socket) {
        return Answer::Now(Err(Error::new(ErrorCode::NotInRoom, format!("not in {}", args.room))));
    }
    Answer::now(Ok(json!({})))
}

//! `typing.stop`: the user does not write in a room any more.

use hallway_protocol::endpoint::InRoom;
use serde_json::json;

use super::{Answer, Caller, typing_start};
use crate::node::Node;

pub(super) fn handle(node: &Node, caller: &Caller, args: &InRoom) -> Answer {
    Answer::now(typing_start::check(node, caller, args).map(|_| {
        node.typing.ended(&args.room, &caller.socket);
        json!({})
    }))
}

//! `lobby.leave`: takes the user out of the lobby that they are in, and all their sockets out of its room.

use std::sync::Arc;

use hallway_protocol::{Error, ErrorCode};
use serde_json::json;

use super::{Answer, Caller};
use crate::node::Node;
use crate::{leaving, lobbies};

pub(super) fn handle(node: &Arc<Node>, caller: &Caller) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Ordered(Box::pin(async move {
        let nobody = || Error::new(ErrorCode::Unauthenticated, "lobbies need someone who is signed in");
        let user = caller.identity.user.clone().ok_or_else(nobody)?;
        let left = node.lobbies.leave(&user).await?;
        leaving::room(&node, &left.lobby.room(), &caller.socket);
        lobbies::left(&node, &left, Some(user));
        super::to_data(&json!({})).map(Some)
    }))
}

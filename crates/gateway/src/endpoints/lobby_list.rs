//! `lobby.list`: lobbies in pages, newest first.

use std::sync::Arc;

use hallway_protocol::lobby::LobbyList;

use super::{Answer, Caller, lobby_get};
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: LobbyList) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Unordered(Box::pin(async move {
        lobby_get::check_signed_in(&caller)?;
        super::to_data(&node.lobbies.list(args.cursor, args.limit).await?)
    }))
}

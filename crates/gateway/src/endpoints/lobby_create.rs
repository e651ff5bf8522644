//! `lobby.create`: makes a lobby, and brings the socket into its room.

use std::sync::Arc;

use hallway_protocol::lobby::LobbyCreate;

use super::{Answer, Caller};
use crate::lobbies;
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: LobbyCreate) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Ordered(Box::pin(async move {
        node.limits().check_one_more_room(&caller.socket)?;
        let lobby = node.lobbies.create(&caller, args).await?;
        lobbies::enter(&node, &caller, lobby.lobby_id).await.map(Some)
    }))
}

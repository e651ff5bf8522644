//! `lobby.join`: makes the user a member of a lobby, and brings the socket into its room. Who is a member already comes into
//! the room again.

use std::sync::Arc;

use hallway_protocol::lobby::LobbyJoin;

use super::{Answer, Caller};
use crate::lobbies;
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: LobbyJoin) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Ordered(Box::pin(async move {
        node.limits().check_rooms(&caller.socket, &args.lobby_id.room())?;
        let lobby = node.lobbies.join(&caller, args.lobby_id).await?;
        lobbies::enter(&node, &caller, lobby.lobby_id).await.map(Some)
    }))
}

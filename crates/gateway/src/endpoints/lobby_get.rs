//! `lobby.get`: a lobby, or the one that the user is in: so a page that was loaded anew finds it again.

use std::sync::Arc;

use hallway_protocol::lobby::LobbyGet;
use hallway_protocol::{Error, ErrorCode};

use super::{Answer, Caller};
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: LobbyGet) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Unordered(Box::pin(async move {
        check_signed_in(&caller)?;
        let lobby = match args.lobby_id {
            Some(id) => node.lobbies.get(id).await?,
            None => node.lobbies.own(&caller).await?,
        };
        super::to_data(&lobby)
    }))
}

/// Lobbies are shown to whoever could join one.
pub(super) fn check_signed_in(caller: &Caller) -> Result<(), Error> {
    match caller.identity.user {
        Some(_) => Ok(()),
        None => Err(Error::new(
            ErrorCode::Unauthenticated,
            "lobbies need someone who is signed in",
        )),
    }
}

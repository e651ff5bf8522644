//! A new member's socket into the lobby's room, and what it is told.

use hallway_hub::Joined;
use hallway_protocol::endpoint::State;
use hallway_protocol::{Error, ErrorCode, Lobby, LobbyId, RoomName};
use serde::Serialize;

use crate::endpoints::{Caller, Data, rooms_join, to_data};
use crate::membership::catch_up::Lines;
use crate::node::Node;

#[derive(Serialize)]
struct Reply {
    #[serde(flatten)]
    lobby: Lobby,
    /// Its room, which the socket is in now.
    room: RoomName,
    /// Where the room stands.
    state: Option<State>,
}

/// Lets a member's socket into the room, and answers with the lobby as it is after that: a broadcast with a later
/// `updatedAt` follows the answer, or came just before it.
pub(crate) async fn enter(node: &Node, caller: &Caller, id: LobbyId) -> Result<Data, Error> {
    let entered = into_room(node, caller, id).await;
    if entered.is_err() {
        // A member without a socket: the time of grace begins.
        node.lobbies.left_room(&id.room(), &caller.socket);
    }
    entered
}

async fn into_room(node: &Node, caller: &Caller, id: LobbyId) -> Result<Data, Error> {
    let room = id.room();
    let kind = crate::endpoints::resolve(node, &room)?.kind;
    let mut state = None;
    let joined = node
        .membership
        .join(kind, &room, &caller.socket, Lines::default(), |entered| {
            let own = entered.into_iter().next()?;
            state = rooms_join::state_of(own.track);
            None
        });
    match joined.await.map_err(crate::error::from_bus)? {
        Joined::Entered | Joined::Already => {}
        Joined::Gone | Joined::NotYet => return Err(Error::new(ErrorCode::Conflict, "the connection is closing")),
    }
    let lobby = node.lobbies.get(id).await;
    let is_member = |lobby: &Lobby| caller.socket.user().is_some_and(|user| lobby.has(user));
    match lobby {
        Ok(lobby) if is_member(&lobby) => to_data(&Reply { lobby, room, state }),
        other => {
            node.membership.leave(&room, &caller.socket);
            Err(other.err().unwrap_or_else(super::missing))
        }
    }
}

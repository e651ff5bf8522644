//! `rooms.join`: enters a room. The reply says where its numbering stands, and comes before the first
//! broadcast that follows: who joins at number n hears n + 1 and everything after it.

use std::sync::Arc;

use hallway_hub::{Joined, Track};
use hallway_protocol::endpoint::{RoomsJoin, State};
use hallway_protocol::{Error, ErrorCode, RoomName};
use serde::Serialize;

use super::{Answer, Caller};
use crate::connection::reply;
use crate::node::Node;

#[derive(Serialize)]
struct Entered<'a> {
    room: &'a RoomName,
    state: Option<State>,
    recovered: bool,
    missed: [(); 0],
}

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: RoomsJoin, id: Option<u64>) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Ordered(Box::pin(async move {
        let room = super::resolve_for(&node, &caller, &args.room)?;
        if room.line > 0 {
            let why = format!("{} is heard by whoever is in {}", args.room, room.home);
            return Err(Error::bad_args("room", why));
        }
        if room.kind.by_node {
            return Err(Error::new(
                ErrorCode::Forbidden,
                "the node itself joins rooms of this kind",
            ));
        }
        node.limits.check_rooms(&caller.socket, &room.home)?;
        let socket = Arc::clone(&caller.socket);
        let name = room.home.clone();
        let joined = node
            .membership
            .join(room.kind, &room.home, &caller.socket, move |track| {
                let entered = Entered {
                    room: &name,
                    state: state_of(track),
                    recovered: false,
                    missed: [],
                };
                let data = super::to_data(&entered).ok()?;
                id.map(|id| reply::data(socket.codec(), id, &data))
            })
            .await
            .map_err(crate::error::from_bus)?;
        match joined {
            Joined::Entered | Joined::Already => Ok(None),
            Joined::Gone => Err(Error::new(ErrorCode::Conflict, "the connection is closing")),
        }
    }))
}

/// Where a line stands, as clients see it.
pub(crate) fn state_of(track: Track) -> Option<State> {
    match track {
        Track::At(position, ts) => Some(State {
            last_broadcast_timestamp: ts,
            seq: position.seq,
            epoch: position.epoch,
        }),
        Track::Untracked | Track::Empty => None,
    }
}

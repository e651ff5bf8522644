//! `rooms.join`: enters a room. The reply says where its numbering stands, and comes before the first
//! broadcast that follows: who joins at number n hears n + 1 and everything after it. With `resume` it brings
//! what came between, or says that it cannot.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use hallway_hub::{Joined, Track};
use hallway_protocol::endpoint::{RoomsJoin, State};
use hallway_protocol::kind::JoinRule;
use hallway_protocol::{Entry, Error, ErrorCode, Kinds, Position, RoomName};
use serde::Serialize;

use super::{Answer, Caller, rooms_history};
use crate::authority::review;
use crate::connection::reply;
use crate::membership::catch_up::{Allowance, Entered, From, Lines, place_of};
use crate::node::Node;

#[derive(Serialize)]
struct Reply<'a> {
    room: &'a RoomName,
    #[serde(flatten)]
    entry: Entry,
    /// Only for who asked for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    includes: Option<BTreeMap<RoomName, Entry>>,
}

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: RoomsJoin, id: Option<u64>) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Ordered(Box::pin(async move {
        node.limits().check_rooms(&caller.socket, &args.room)?;
        let (socket, name) = (Arc::clone(&caller.socket), args.room.clone());
        let wants_included = args.includes.is_some();
        let wish = Wish {
            room: args.room,
            from: args.resume,
            included: args.includes.unwrap_or_default(),
        };
        let reply = |entry, included| {
            let includes = wants_included.then_some(included);
            let data = super::to_data(&Reply {
                room: &name,
                entry,
                includes,
            })
            .ok()?;
            id.map(|id| reply::data(socket.form(), id, &data))
        };
        let allowance = Allowance::new(node.limits().resume_bytes);
        enter(&node, &caller, &wish, &allowance, reply).await.map(|()| None)
    }))
}

/// A room to be in.
#[derive(Debug)]
pub(crate) struct Wish {
    /// The room.
    pub(crate) room: RoomName,
    /// The last broadcast of it that the client has.
    pub(crate) from: Option<Position>,
    /// The same for rooms that it includes.
    pub(crate) included: BTreeMap<RoomName, Option<Position>>,
}

/// Lets a caller into a room, if it may. `reply` is told how it came into it, and into those that it includes.
///
/// # Errors
/// Why it is not in it.
pub(crate) async fn enter(
    node: &Node,
    caller: &Caller,
    wish: &Wish,
    allowance: &Allowance,
    reply: impl FnOnce(Entry, BTreeMap<RoomName, Entry>) -> Option<Bytes> + Send,
) -> Result<(), Error> {
    let name = &wish.room;
    let room = super::resolve(node, name)?;
    let mut permit = node.authority.may_join(&room, name, caller).await?;
    if room.line > 0 {
        let why = format!("{name} is heard by whoever is in {}", room.home);
        return Err(Error::bad_args("room", why));
    }
    if room.kind.by_node {
        return Err(Error::new(
            ErrorCode::Forbidden,
            "the node itself joins rooms of this kind",
        ));
    }
    let names = Kinds::lines(room.kind, &room.home);
    let mut from = Lines::own(wish.from.map(|position| From::new(position, allowance)));
    for (included, position) in &wish.included {
        let line = names.iter().skip(1).position(|line| line == included);
        let line = line.ok_or_else(|| Error::bad_args("includes", format!("{name} does not include {included}")))?;
        if let Some(position) = position {
            from.push(line + 1, From::new(*position, allowance));
        }
    }
    let joined = node
        .membership
        .join(room.kind, &room.home, &caller.socket, from, |entered| {
            let mut entries = names.into_iter().zip(entered).map(|(name, entered)| {
                let entry = entry(node, entered);
                (name, entry)
            });
            let (_, own) = entries.next()?;
            reply(own, entries.collect())
        })
        .await
        .map_err(crate::error::from_bus)?;
    // What was changed while it entered was not known then, and whoever told it may not have seen the socket in the room.
    while !node.authority.holds(permit, &caller.identity, &room.home) {
        permit = match node.authority.may_join(&room, name, caller).await {
            Ok(permit) => permit,
            Err(why) => {
                review::put_out(node, &caller.socket, &room.home, &why.message);
                return Ok(());
            }
        };
    }
    if room.kind.join == JoinRule::Lobby {
        came_back(node, caller, &room.home).await;
    }
    match joined {
        Joined::Entered | Joined::Already => Ok(()),
        Joined::Gone | Joined::NotYet => Err(Error::new(ErrorCode::Conflict, "the connection is closing")),
    }
}

/// The lobby is told at once that its member is here again. Where that cannot be told now, the next round does it.
async fn came_back(node: &Node, caller: &Caller, home: &RoomName) {
    if let Some(user) = caller.socket.user()
        && let Ok(false) = node.lobbies.came_back(home, user).await
    {
        review::put_out(node, &caller.socket, home, "not a member of the lobby any more");
    }
}

/// How a socket came into a room, as clients see it.
pub(crate) fn entry(node: &Node, entered: Entered) -> Entry {
    node.metrics.delivery.caught_up.inc_by(entered.missed.len() as u64);
    let state = state_of(entered.track);
    Entry {
        position: match state {
            Some(_) => None,
            None => place_of(entered.track),
        },
        state,
        recovered: entered.recovered,
        // One that is no JSON was told of when it arrived, and delivered to nobody.
        missed: entered
            .missed
            .iter()
            .filter_map(|heard| rooms_history::object(heard).ok())
            .collect(),
    }
}

/// Where a line stands, as clients see it.
pub(crate) fn state_of(track: Track) -> Option<State> {
    match track {
        Track::At(position, ts) => Some(State {
            last_broadcast_timestamp: ts,
            seq: position.seq,
            epoch: position.epoch,
        }),
        Track::Untracked | Track::Empty(_) => None,
    }
}

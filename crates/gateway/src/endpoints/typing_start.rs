//! `typing.start`: the user writes something in a room. It ends by itself unless it is said again.

use hallway_protocol::endpoint::InRoom;
use hallway_protocol::kind::Room;
use hallway_protocol::{Error, ErrorCode};
use serde_json::json;

use super::{Answer, Caller, resolve};
use crate::node::Node;

pub(super) fn handle(node: &Node, caller: &Caller, args: &InRoom) -> Answer {
    let checked = check(node, caller, args).and_then(|room| match &caller.identity.user {
        Some(user) => node.authority.may_speak(&room, user),
        None => Ok(()),
    });
    Answer::now(checked.map(|()| {
        node.typing.started(&args.room, &caller.socket);
        json!({})
    }))
}

/// Who may tell a room that they write: whoever may publish there and is in it, where that is told at all.
pub(super) fn check<'n>(node: &'n Node, caller: &Caller, args: &InRoom) -> Result<Room<'n>, Error> {
    let name = &args.room;
    let room = resolve(node, name)?;
    if room.line > 0 {
        let why = format!("{name} is heard by whoever is in {}", room.home);
        return Err(Error::bad_args("room", why));
    }
    let line = node.hub.line(name);
    if !line.is_some_and(|line| line.room.contains(&caller.socket)) {
        return Err(Error::new(ErrorCode::NotInRoom, format!("not in {name}")));
    }
    if !room.kind.typing {
        let why = "nobody is told who writes in rooms of this kind";
        return Err(Error::new(ErrorCode::Forbidden, why));
    }
    crate::policy::may_publish(&room, name, &caller.identity)?;
    Ok(room)
}

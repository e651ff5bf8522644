//! What is said of a change, and where.

use bytes::Bytes;
use hallway_protocol::kind::{Kind, Owner};
use hallway_protocol::{Error, Event, RoomName};
use hallway_store::{Change, Message};
use serde::Serialize;
use serde_json::json;

use crate::endpoints::{resolve, to_data};
use crate::node::Node;

/// One broadcast.
pub(super) struct Said<'n> {
    pub(super) room: RoomName,
    pub(super) kind: &'n Kind,
    pub(super) event: Event,
    pub(super) data: Bytes,
}

/// A change as a metric's label.
pub(super) fn label(change: &Change) -> &'static str {
    match change {
        Change::Created => "created",
        Change::Edited => "edited",
        Change::Deleted => "deleted",
        Change::Reacted(_) => "reacted",
    }
}

/// All that is to be said of a change; first to the message's own room.
pub(super) fn of<'n>(node: &'n Node, change: &Change, message: &Message) -> Result<Vec<Said<'n>>, Error> {
    let room = resolve(node, &message.room)?;
    let (event, data) = match change {
        Change::Created => (Event::NewMessage, bytes(message)?),
        Change::Edited => (Event::MessageEdited, bytes(message)?),
        Change::Deleted => (Event::MessageDeleted, bytes(message)?),
        Change::Reacted(reacted) => {
            let known = message.reactions.iter().find(|it| it.reaction == reacted.reaction);
            // Not the whole message: one that many react to would be sent as often, with all of their names.
            let data = json!({
                "room": message.room,
                "messageId": message.id,
                "userId": reacted.user,
                "reaction": reacted.reaction,
                "on": reacted.on,
                "count": known.map_or(0, |it| it.count),
                "revision": message.revision,
            });
            (Event::MessageReaction, bytes(&data)?)
        }
    };
    let mut said = vec![Said {
        room: message.room.clone(),
        kind: room.kind,
        event,
        data,
    }];
    if let (Change::Created, Owner::Pair(a, b)) = (change, &room.owner) {
        let data = json!({"room": message.room, "messageId": message.id, "fromUserId": message.from_user_id});
        let data = bytes(&data)?;
        for user in [a, b].into_iter().filter(|&user| *user != message.from_user_id) {
            let room = RoomName::of_user(user);
            said.push(Said {
                kind: resolve(node, &room)?.kind,
                room,
                event: Event::ChatActivity,
                data: data.clone(),
            });
        }
    }
    Ok(said)
}

fn bytes<T: Serialize>(data: &T) -> Result<Bytes, Error> {
    let text: Box<str> = to_data(data)?.into();
    Ok(Bytes::from(text.into_string()))
}

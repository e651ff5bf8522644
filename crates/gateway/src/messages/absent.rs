//! The other user of a chat, if no socket of theirs is there: the backend is told of the message, and may push it.

use std::sync::Arc;

use hallway_protocol::UserId;
use hallway_protocol::kind::Owner;
use hallway_store::{Change, Message};

use crate::hooks::{HookEvent, HookKind};
use crate::node::Node;

/// Tells the backend of a new message that is broadcast, beside whatever the caller does next.
pub(super) fn tell(node: &Arc<Node>, change: &Change, message: &Message) {
    if !matches!(change, Change::Created) || !node.hooks.wants(HookKind::MessageOffline) {
        return;
    }
    let Ok(room) = node.kinds.resolve(&message.room) else {
        return;
    };
    let Owner::Pair(a, b) = room.owner else { return };
    let other = if a == message.from_user_id { b } else { a };
    tokio::spawn(tell_of(Arc::clone(node), other, message.clone()));
}

/// Where it is not known whether they are there, they count as absent: better a push too many than none.
async fn tell_of(node: Arc<Node>, user_id: UserId, message: Message) {
    let people = node.people.log().people(vec![user_id.clone()]).await;
    let is_here = people.is_ok_and(|people| people.iter().any(|person| !person.sockets.is_empty()));
    if is_here {
        return;
    }
    match serde_json::to_value(&message) {
        Ok(value) => node.hooks.tell(HookEvent::MessageOffline {
            user_id,
            room: message.room,
            message: value,
        }),
        Err(why) => tracing::error!(%why, "a message could not be written"),
    }
}

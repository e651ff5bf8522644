//! `messages.send`: stores a message, then tells the room. The sending socket has the reply instead of the broadcast.

use std::sync::Arc;

use hallway_protocol::endpoint::MessagesSend;
use hallway_protocol::{ClientId, Error, RoomName, UserId};
use hallway_store::{Change, Messages as _, NewMessage};

use super::{Answer, Caller};
use crate::error::from_store;
use crate::messages::rules;
use crate::messages::{Told, make};
use crate::node::Node;

/// In order: what one socket says one after another is stored one after another.
pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: MessagesSend) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Ordered(Box::pin(async move {
        let wish = Wish {
            content: args.content,
            kind: args.kind,
            reply_to_id: args.reply_to_id,
            client_message_id: args.client_message_id,
        };
        let (_, user) = rules::writable(&node, &caller, &args.room).await?;
        let message = wish.checked(args.room, user, false)?;
        let told = send(&node, message, Some(caller.socket.id())).await?;
        node.typing.ended(&told.message.room, &caller.socket);
        super::to_data(&told).map(Some)
    }))
}

/// What is to be said, unchecked.
pub(crate) struct Wish {
    pub(crate) content: String,
    pub(crate) kind: Option<String>,
    pub(crate) reply_to_id: Option<String>,
    pub(crate) client_message_id: Option<String>,
}

impl Wish {
    /// As a message of a user; the backend's may be of type `SYSTEM`.
    ///
    /// # Errors
    /// `bad-args`, `forbidden`.
    pub(crate) fn checked(self, room: RoomName, from_user: UserId, system: bool) -> Result<NewMessage, Error> {
        rules::check_content(&self.content)?;
        rules::check_client_message_id(self.client_message_id.as_deref())?;
        let answered = self.reply_to_id.as_deref();
        Ok(NewMessage {
            room,
            from_user,
            kind: rules::kind_of(self.kind.as_deref(), system)?,
            reply_to: answered.map(|id| rules::message_id("replyToId", id)).transpose()?,
            content: self.content,
            client_message_id: self.client_message_id,
        })
    }
}

/// Stores and broadcasts a checked message.
pub(crate) async fn send(node: &Arc<Node>, message: NewMessage, exclude: Option<ClientId>) -> Result<Told, Error> {
    let store = node.store.get().map_err(from_store)?;
    let stored = store.insert_message(message);
    let told = make(node, Change::Created, exclude, async move { stored.await.map(Some) });
    told.await?.ok_or_else(rules::no_message)
}

//! `messages.edit`: gives a message another content.

use std::sync::Arc;

use hallway_protocol::endpoint::MessagesEdit;
use hallway_store::{Change, Messages as _};

use super::{Answer, Caller};
use crate::error::from_store;
use crate::messages::{make, rules};
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: MessagesEdit) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Ordered(Box::pin(async move {
        let (room, user) = rules::writable(&node, &caller, &args.room).await?;
        let id = rules::message_id("messageId", &args.message_id)?;
        rules::check_content(&args.content)?;
        rules::may_change(&node, &room, &user, id).await?;
        let store = node.store.get().map_err(from_store)?;
        let edited = store.edit_message(args.room, id, args.content);
        let told = make(&node, Change::Edited, Some(caller.socket.id()), edited).await?;
        super::to_data(&told.ok_or_else(rules::no_message)?).map(Some)
    }))
}

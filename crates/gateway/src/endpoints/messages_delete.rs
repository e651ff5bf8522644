//! `messages.delete`: takes a message back; its place stays. Who is muted may do so, too.

use std::sync::Arc;

use hallway_protocol::endpoint::OfMessage;
use hallway_store::{Change, Messages as _};

use super::{Answer, Caller};
use crate::error::from_store;
use crate::messages::{make, rules};
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: OfMessage) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Ordered(Box::pin(async move {
        let room = rules::readable(&node, &caller, &args.room).await?;
        let user = rules::user_of(&caller, &args.room)?;
        let id = rules::message_id("messageId", &args.message_id)?;
        rules::may_change(&node, &room, &user, id).await?;
        let store = node.store.get().map_err(from_store)?;
        let deleted = store.delete_message(args.room, id);
        let told = make(&node, Change::Deleted, Some(caller.socket.id()), deleted).await?;
        super::to_data(&told.ok_or_else(rules::no_message)?).map(Some)
    }))
}

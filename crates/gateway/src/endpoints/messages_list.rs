//! `messages.list`: a page of a room's messages.

use std::sync::Arc;

use hallway_protocol::endpoint::MessagesList;

use super::{Answer, Caller};
use crate::messages::page::{self, Place};
use crate::messages::rules;
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: MessagesList) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Unordered(Box::pin(async move {
        rules::readable(&node, &caller, &args.room).await?;
        let place = Place {
            after: args.after.as_deref(),
            before: args.before.as_deref(),
            since: args.since,
        };
        super::to_data(&page::read(&node, args.room, place, args.limit).await?)
    }))
}

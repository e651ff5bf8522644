//! `messages.react`: gives a reaction to a message, or takes it back.

use std::sync::Arc;

use hallway_protocol::Error;
use hallway_protocol::endpoint::MessagesReact;
use hallway_store::{Change, Messages as _, REACTION_LEN, Reacted};

use super::{Answer, Caller};
use crate::error::from_store;
use crate::messages::{make, rules};
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: MessagesReact) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Ordered(Box::pin(async move {
        let (_, user) = rules::writable(&node, &caller, &args.room).await?;
        let id = rules::message_id("messageId", &args.message_id)?;
        check_reaction(&args.reaction)?;
        let reacted = Reacted {
            user,
            reaction: args.reaction,
            on: args.on,
        };
        let store = node.store.get().map_err(from_store)?;
        let stored = store.react(args.room, id, reacted.clone());
        let told = make(&node, Change::Reacted(reacted), Some(caller.socket.id()), stored).await?;
        super::to_data(&told.ok_or_else(rules::no_message)?).map(Some)
    }))
}

fn check_reaction(reaction: &str) -> Result<(), Error> {
    if reaction.is_empty() || reaction.len() > REACTION_LEN {
        let why = format!("reaction has 1 to {REACTION_LEN} bytes");
        return Err(Error::bad_args("reaction", why));
    }
    rules::check_text("reaction", reaction)
}

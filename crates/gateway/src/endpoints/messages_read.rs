//! `messages.read`: moves the user's read position, which only moves forward.

use std::sync::Arc;

use bytes::Bytes;
use hallway_protocol::endpoint::OfMessage;
use hallway_protocol::{Error, Event};
use hallway_store::Reads as _;
use serde_json::{Map, Value};

use super::rooms_broadcast::{Words, publish};
use super::{Answer, Caller};
use crate::error::from_store;
use crate::messages::rules;
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: OfMessage) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Unordered(Box::pin(async move {
        let result = read(&node, &caller, args).await;
        let outcome = match &result {
            Ok(true) => "ok",
            Ok(false) => "repeat",
            Err(why) => why.code.wire(),
        };
        node.metrics
            .messages
            .changes
            .with_label_values(&["read", outcome])
            .inc();
        result?;
        super::to_data(&Map::<String, Value>::new())
    }))
}

/// Whether it moved. That the others hear of it is not promised: the next position says all that this one did.
async fn read(node: &Arc<Node>, caller: &Caller, args: OfMessage) -> Result<bool, Error> {
    let room = rules::readable(node, caller, &args.room).await?;
    let user = rules::user_of(caller, &args.room)?;
    let id = rules::message_id("messageId", &args.message_id)?;
    let store = node.store.get().map_err(from_store)?;
    let read = store.mark_read(args.room.clone(), user, id).await.map_err(from_store)?;
    let read = read.ok_or_else(rules::no_message)?;
    if read.moved {
        let data: Box<str> = super::to_data(&read.position)?.into();
        let words = Words {
            destination: Event::MessageRead.wire().to_owned(),
            data: Bytes::from(data.into_string()),
            exclude: Some(caller.socket.id()),
            idempotency_key: None,
        };
        let _ = publish(node, room.kind, args.room, words).await;
    }
    Ok(read.moved)
}

//! `presence.update`: what a user shows, over all their sockets, until they choose otherwise.

use std::sync::Arc;

use hallway_protocol::endpoint::PresenceUpdate;
use serde_json::json;

use super::{Answer, Caller};
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: &PresenceUpdate) -> Answer {
    let (node, socket, status) = (Arc::clone(node), Arc::clone(&caller.socket), args.status);
    Answer::Ordered(Box::pin(async move {
        node.people.choose(&socket, status).await?;
        super::to_data(&json!({"status": status})).map(Some)
    }))
}

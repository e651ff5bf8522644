//! `ping`: the server's time, and a sign of life; for who asks, a new resume ticket, since they do not live long.

use serde::Serialize;

use hallway_protocol::endpoint::Ping;

use super::{Answer, Caller};
use crate::connection::admission::identity_of;
use crate::node::Node;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pong {
    server_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    resume_ticket: Option<String>,
}

pub(super) fn handle(node: &Node, caller: &Caller, args: &Ping) -> Answer {
    let server_time = crate::clock::unix_ms();
    let resume_ticket = args
        .ticket
        .then(|| {
            // The session may have been prolonged since.
            let now = identity_of(&caller.socket);
            let identity = now.as_ref().unwrap_or(&caller.identity);
            node.access().tickets.issue(identity, server_time)
        })
        .flatten();
    Answer::now(Ok(Pong {
        server_time,
        resume_ticket,
    }))
}

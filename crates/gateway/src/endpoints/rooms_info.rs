//! `rooms.info`: who is in a room, on all nodes.

use std::collections::BTreeMap;
use std::sync::Arc;

use hallway_protocol::endpoint::{InRoom, RoomUser};
use hallway_protocol::{Error, RoomName};
use serde::{Deserialize, Serialize};

use super::{Answer, Caller};
use crate::cluster::Request;
use crate::node::Node;

/// Who is in a room.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Info {
    pub(crate) room: RoomName,
    pub(crate) users: Vec<RoomUser>,
    pub(crate) user_count: u64,
    pub(crate) socket_count: u64,
}

/// One node's share of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Share {
    users: BTreeMap<String, u64>,
    anonymous: u64,
}

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: InRoom) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Unordered(Box::pin(async move {
        super::resolve_for(&node, &caller, &args.room).await?;
        super::to_data(&gather(&node, args.room).await?)
    }))
}

/// Asks every node.
pub(crate) async fn gather(node: &Node, room: RoomName) -> Result<Info, Error> {
    let shown = super::resolve(node, &room)?.kind.presence;
    let shares: Vec<Share> = node.cluster.ask(&Request::Room { room: room.clone() }).await?;
    let mut users: BTreeMap<String, u64> = BTreeMap::new();
    let mut socket_count = 0;
    for share in shares {
        socket_count += share.anonymous;
        for (user, sockets) in share.users {
            socket_count += sockets;
            *users.entry(user).or_default() += sockets;
        }
    }
    let user_count = users.len() as u64;
    let shown_users = if shown { users } else { BTreeMap::new() };
    let users = shown_users
        .into_iter()
        .map(|(user_id, sockets)| RoomUser {
            user_id,
            status: "ONLINE".into(),
            sockets,
        })
        .collect();
    Ok(Info {
        room,
        users,
        user_count,
        socket_count,
    })
}

/// This node's share.
pub(crate) fn share(node: &Node, room: &RoomName) -> Share {
    let mut share = Share::default();
    // An included room has the sockets of its home.
    let Some(line) = node.hub.line(room) else { return share };
    for chunk in line.room.members() {
        for socket in chunk.iter() {
            match socket.user() {
                Some(user) => *share.users.entry(user.to_string()).or_default() += 1,
                None => share.anonymous += 1,
            }
        }
    }
    share
}

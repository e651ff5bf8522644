//! `rooms.info`: who is in a room, on all nodes, in pages by user. A kind that shows no people has counts only, and for
//! those every node is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use hallway_protocol::endpoint::{RoomUser, RoomsInfo};
use hallway_protocol::{Error, RoomName, UserId, limits};
use serde::{Deserialize, Serialize};

use super::{Answer, Caller};
use crate::cluster::Request;
use crate::error::from_bus;
use crate::node::Node;

/// Users in one answer unless asked for.
const PAGE: usize = 100;

/// Who is in a room.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Info {
    pub(crate) room: RoomName,
    pub(crate) users: Vec<RoomUser>,
    pub(crate) user_count: u64,
    pub(crate) socket_count: u64,
    /// The user to ask on from, where there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<UserId>,
}

/// One node's share of a room's counts.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Share {
    users: BTreeMap<String, u64>,
    anonymous: u64,
}

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: RoomsInfo) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Unordered(Box::pin(async move {
        super::resolve_for(&node, &caller, &args.room).await?;
        super::to_data(&gather(&node, args).await?)
    }))
}

/// Reads a page.
pub(crate) async fn gather(node: &Node, args: RoomsInfo) -> Result<Info, Error> {
    let limit = args.limit.unwrap_or(PAGE);
    if !(1..=limits::ROSTER_PAGE).contains(&limit) {
        return Err(Error::bad_args("limit", "limit is 1 to 1000"));
    }
    let resolved = super::resolve(node, &args.room)?;
    if !resolved.kind.presence {
        return count(node, args.room).await;
    }
    // Who has just joined here is to find themselves.
    node.people.settled().await?;
    let log = node.people.log();
    let roster = log.roster(resolved.home, args.after, limit).await.map_err(from_bus)?;
    let ids: Vec<UserId> = roster.users.iter().map(|(user, _)| user.clone()).collect();
    let next = ids.last().filter(|_| roster.has_more).cloned();
    let people = log.people(ids).await.map_err(from_bus)?;
    let users = roster.users.into_iter().zip(people);
    let users = users.map(|((user_id, sockets), person)| RoomUser {
        user_id,
        status: person.standing.status,
        sockets,
    });
    Ok(Info {
        room: args.room,
        users: users.collect(),
        user_count: roster.user_count,
        socket_count: roster.socket_count,
        next,
    })
}

/// Asks every node for its counts.
async fn count(node: &Node, room: RoomName) -> Result<Info, Error> {
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
    Ok(Info {
        room,
        users: Vec::new(),
        user_count: users.len() as u64,
        socket_count,
        next: None,
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

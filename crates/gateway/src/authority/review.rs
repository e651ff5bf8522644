//! Looks again at who is in a room because someone said so. All of a node's sockets in such rooms are gone through once per
//! interval, evenly spread; a user and a room are asked about once, whatever number of sockets it concerns.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use hallway_hub::Socket;
use hallway_protocol::kind::JoinRule;
use hallway_protocol::{RoomName, UserId};
use tokio::sync::Notify;

use crate::connection::admission::identity_of;
use crate::endpoints::Caller;
use crate::leaving;
use crate::node::Node;
use crate::notice;
use crate::policy::{self, Verdict};

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(1);
/// Questions under way at once.
const AT_ONCE: usize = 16;
/// What a socket is told that is taken out of a room.
const ENDED: &str = "the membership has ended";

/// Asked for when changes may have been missed: then all are looked at soon.
#[derive(Debug, Default)]
pub struct Haste(Notify);

impl Haste {
    /// Changes may have been missed.
    pub fn wanted(&self) {
        self.0.notify_one();
    }
}

/// Goes through all that there are, once per `interval`. Runs until it is dropped.
pub async fn run(node: Arc<Node>, interval: Duration) {
    let mut tick = tokio::time::interval(ROUND);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let rounds = (interval.as_secs_f64() / ROUND.as_secs_f64()).ceil().max(1.0);
    let (mut ahead, mut share) = (VecDeque::new(), 0);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = node.review.0.notified() => {
                node.authority.forget_all();
                ahead = everyone(&node);
                share = ahead.len();
            }
        }
        if ahead.is_empty() {
            ahead = everyone(&node);
            share = (ahead.len() as f64 / rounds).ceil() as usize;
        }
        let now: Vec<_> = ahead.drain(..share.min(ahead.len())).collect();
        let looks = stream::iter(now).for_each_concurrent(AT_ONCE, |(user, room)| {
            let node = &node;
            async move { look(node, &user, &room).await }
        });
        looks.await;
    }
}

/// Who is in which room because someone said so.
fn everyone(node: &Node) -> VecDeque<(UserId, RoomName)> {
    let mut all = BTreeSet::new();
    node.hub.for_each_socket(|socket| {
        let Some(user) = socket.user() else { return };
        for room in socket.rooms() {
            if rule_of(node, room.name()).is_some_and(is_asked) {
                all.insert((user.clone(), room.name().clone()));
            }
        }
    });
    all.into_iter().collect()
}

fn rule_of(node: &Node, room: &RoomName) -> Option<JoinRule> {
    Some(node.kinds.resolve(room).ok()?.kind.join)
}

fn is_asked(rule: JoinRule) -> bool {
    matches!(rule, JoinRule::Members | JoinRule::Webhook)
}

/// Takes a user out of a room if they are no longer to be in it. Where nobody answers, they stay: nothing was changed as far
/// as anybody knows.
async fn look(node: &Node, user: &UserId, room: &RoomName) {
    let Some(rule) = rule_of(node, room) else { return };
    let Ok(decision) = node.authority.decide(rule, user, room).await else {
        return;
    };
    if decision.role.is_some() {
        return;
    }
    let sockets = node.hub.sockets_of(user).into_iter();
    // A token may open the room to one of them and not to another.
    let claims = |socket: &Arc<Socket>| identity_of(socket).is_some_and(|identity| identity.may_claim(room));
    let over = sockets.filter(|socket| rule != JoinRule::Members || !claims(socket));
    for socket in over {
        put_out(node, &socket, room, ENDED);
    }
}

/// Takes a socket out of a room, and tells it. False if it was not in.
pub fn put_out(node: &Node, socket: &Arc<Socket>, room: &RoomName, reason: &str) -> bool {
    let was_in = leaving::room(node, room, socket);
    if was_in {
        notice::left(socket, room, reason);
    }
    was_in
}

/// After a change of a caller's identity: leaves the rooms that it no longer opens.
pub async fn of_caller(node: &Node, caller: &Caller) {
    for room in caller.socket.rooms() {
        let name = room.name();
        let Ok(resolved) = node.kinds.resolve(name) else {
            continue;
        };
        let verdict = policy::verdict(&resolved, name, &caller.identity, caller.socket.id());
        let is_over = match verdict {
            Ok(Verdict::Granted) => false,
            Ok(Verdict::Ask(user)) => {
                let decision = node.authority.decide(resolved.kind.join, user, name).await;
                decision.is_ok_and(|decision| decision.role.is_none())
            }
            Err(_) => true,
        };
        if is_over {
            put_out(node, &caller.socket, name, "the new token does not open it");
        }
    }
}

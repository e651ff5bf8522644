//! Keeps the bus told whose sockets are in lobbies here, and looks at lobbies whose members may have vanished with a node.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use hallway_bus::InLobby;
use hallway_protocol::LobbyId;
use hallway_protocol::kind::JoinRule;
use rand::RngExt;
use tokio::time::MissedTickBehavior;

use super::{Lobbies, patiently};
use crate::authority::review;
use crate::node::Node;

/// Every member is renewed once in so many rounds, which take a third of their life.
const ROUNDS: u32 = 30;
/// Let go of with one question.
const BATCH: usize = 500;
/// Lobbies that are looked at with one question.
const LOOKED_AT: usize = 500;
/// Least time between two rounds, and most between two looks.
const LEAST: Duration = Duration::from_millis(50);
const MOST: Duration = Duration::from_secs(1);

/// Renews members and lets go of them. Runs until it is dropped; not twice at once.
pub async fn renew(node: Arc<Node>) {
    let lobbies = &node.lobbies;
    let mut left = lobbies.left.lock().await;
    let mut tick = tokio::time::interval((lobbies.terms.life / 3 / ROUNDS).max(LEAST));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let rounds = (lobbies.terms.life.div_duration_f64(3 * tick.period())).max(1.0);
    let (mut ahead, mut share) = (VecDeque::new(), 0);
    loop {
        let mut gone = Vec::new();
        let kept = tokio::select! {
            _ = tick.tick() => {
                if ahead.is_empty() {
                    ahead = everyone(lobbies);
                    share = (ahead.len() as f64 / rounds).ceil() as usize;
                    lobbies.metrics.lobbies.held.set(ahead.len() as i64);
                }
                let now: Vec<InLobby> = ahead.drain(..share.min(ahead.len())).collect();
                keep(&node, now).await
            }
            _ = left.recv_many(&mut gone, BATCH) => let_go(lobbies, gone).await,
        };
        if let Err(why) = kept {
            lobbies.metrics.lobbies.failed.inc();
            tracing::debug!(%why, "members of lobbies could not be kept");
        }
    }
}

/// Members with a socket in a lobby's room here.
fn everyone(lobbies: &Lobbies) -> VecDeque<InLobby> {
    let rooms = lobbies.hub.lines_where(|room| LobbyId::of_room(room).is_some());
    let mut all = VecDeque::new();
    for room in rooms {
        let (Some(lobby), Some(line)) = (LobbyId::of_room(&room), lobbies.hub.line(&room)) else {
            continue;
        };
        let mut users = HashSet::new();
        for chunk in line.room.members() {
            users.extend(chunk.iter().filter_map(|socket| socket.user().cloned()));
        }
        all.extend(users.into_iter().map(|user| InLobby { lobby, user }));
    }
    all
}

async fn keep(node: &Arc<Node>, some: Vec<InLobby>) -> Result<(), hallway_protocol::Error> {
    let lobbies = &node.lobbies;
    // Who has left since is not to be taken for someone who is there.
    let some: Vec<InLobby> = some
        .into_iter()
        .filter(|one| lobbies.holds(&one.lobby.room(), &one.user))
        .collect();
    if some.is_empty() {
        return Ok(());
    }
    let keep = lobbies.seams.life.keep_in_lobbies(some, lobbies.node, lobbies.terms);
    for one in patiently(keep).await? {
        put_out(node, &one);
    }
    Ok(())
}

/// Takes someone out of a lobby's room who is not its member: they were taken for vanished, or their node was not told.
/// Where the operator lets others in as well, they stay.
pub(super) fn put_out(node: &Node, one: &InLobby) {
    let room = one.lobby.room();
    let rule = node.kinds.get("lobby").map(|kind| kind.join);
    if rule != Some(JoinRule::Lobby) {
        return;
    }
    node.authority.forget(&one.user, &room);
    for socket in node.hub.sockets_of(&one.user) {
        review::put_out(node, &socket, &room, "not a member of the lobby any more");
    }
}

async fn let_go(lobbies: &Lobbies, mut some: Vec<InLobby>) -> Result<(), hallway_protocol::Error> {
    // Who has come back meanwhile is held again.
    some.retain(|one| !lobbies.holds(&one.lobby.room(), &one.user));
    if some.is_empty() {
        return Ok(());
    }
    patiently(lobbies.seams.life.let_go_in_lobbies(some, lobbies.node, lobbies.terms)).await
}

/// Looks for members who have vanished. Runs until it is dropped.
pub async fn sweep(node: Arc<Node>) {
    let lobbies = &node.lobbies;
    let calm = (lobbies.terms.life.min(lobbies.terms.grace) / 10).clamp(LEAST, MOST);
    loop {
        // Not all nodes at once.
        let rest = calm.mul_f64(rand::rng().random_range(0.5..1.5));
        tokio::time::sleep(rest).await;
        loop {
            let swept = patiently(lobbies.seams.life.sweep_lobbies(LOOKED_AT, lobbies.terms)).await;
            match swept {
                Ok(swept) => {
                    lobbies.metrics.lobbies.vanished.inc_by(swept.vanished as u64);
                    lobbies.metrics.lobbies.ended.inc_by(swept.ended as u64);
                    if swept.looked_at < LOOKED_AT {
                        break;
                    }
                }
                Err(why) => {
                    lobbies.metrics.lobbies.failed.inc();
                    tracing::debug!(%why, "could not look for who has vanished from lobbies");
                    break;
                }
            }
        }
    }
}

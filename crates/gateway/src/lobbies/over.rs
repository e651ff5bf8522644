//! Sockets out of a lobby's room, once its members are no members any more.

use std::sync::Arc;
use std::time::Duration;

use hallway_bus::Left;
use hallway_hub::{Room, Track};
use hallway_protocol::{Position, RoomName, UserId};

use crate::cluster::Request;
use crate::node::Node;

/// How long a room's sockets may take to hear the notice before they are taken out all the same.
const TO_HEAR: Duration = Duration::from_secs(2);

/// Tells all nodes that someone, or everyone, has left a lobby. Does not wait for them: a node that is not reached sees it in
/// its next round.
pub(crate) fn left(node: &Arc<Node>, left: &Left, user: Option<UserId>) {
    let request = Request::LeftLobby {
        room: left.lobby.room(),
        user,
        at: left.at,
    };
    let node = Arc::clone(node);
    drop(tokio::spawn(async move {
        if let Err(why) = node.cluster.ask::<u64>(&request).await {
            tracing::debug!(%why, "not every node knows yet that a lobby was left");
        }
    }));
}

/// Takes sockets of a user, or all, out of a lobby's room, as soon as they have heard why: no notice of its own is needed.
pub(crate) async fn put_out(node: Arc<Node>, room: RoomName, user: Option<UserId>, at: Option<Position>) {
    if let Some(user) = &user {
        node.authority.forget(user, &room);
    }
    let Some(line) = node.hub.line(&room) else { return };
    if let Some(at) = at {
        let _ = tokio::time::timeout(TO_HEAR, heard(&node, &line.room, at)).await;
    }
    for chunk in line.room.members() {
        for socket in chunk.iter() {
            if user.is_none() || socket.user() == user.as_ref() {
                node.membership.leave(&room, socket);
                node.typing.ended(&room, socket);
            }
        }
    }
}

async fn heard(node: &Node, room: &Room, at: Position) {
    let waiter = node.progress.waiter();
    loop {
        let mut progress = std::pin::pin!(waiter.next());
        progress.as_mut().enable();
        let is_there = match room.track(0) {
            Track::At(here, _) => (here.epoch, here.seq) >= (at.epoch, at.seq),
            // Nothing is numbered here, so nothing shows what was heard.
            Track::Untracked => true,
            Track::Empty(_) => false,
        };
        if is_there {
            return;
        }
        progress.await;
    }
}

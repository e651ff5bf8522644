//! Two users into their chat, on whichever nodes they are: for clients that know only whom they write to, and hear what is
//! said to them without having joined anything.

use hallway_protocol::kind::Owner;

use super::requests::Bring;
use crate::cluster::Request;
use crate::endpoints::Caller;
use crate::node::Node;

/// Brings all sockets of the caller and of the other user into their chat. Where a node does not answer, what is said is
/// said all the same: it is stored, and whoever was there comes back to it.
pub(super) async fn bring(node: &Node, caller: &Caller, bring: Bring) {
    let Bring { room, user } = bring;
    let Some(me) = caller.socket.user().cloned() else {
        return;
    };
    // Whether the room is theirs is the room's to say; another is refused when something is said there.
    let is_theirs = node.kinds.resolve(&room).is_ok_and(|resolved| match &resolved.owner {
        Owner::Pair(one, other) => (one == &me && other == &user) || (one == &user && other == &me),
        _ => false,
    });
    if !is_theirs {
        return;
    }
    let join = |user| {
        let request = Request::Join {
            room: room.clone(),
            user,
        };
        async move { node.cluster.ask::<usize>(&request).await }
    };
    let (mine, theirs) = tokio::join!(join(me), join(user));
    for why in [mine, theirs].into_iter().filter_map(Result::err) {
        tracing::debug!(%room, why = why.message, "not every node has brought its sockets into a chat");
    }
}

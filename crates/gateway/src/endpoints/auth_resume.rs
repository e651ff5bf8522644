//! `auth.resume` on a connection that is already admitted, as its first frame: a second hello answers it, with the rooms. An
//! anonymous connection gets its identity from it. One that has an identity, since browsers bring the cookie of a session by
//! themselves, keeps that; the ticket must be the same user's. (On a connection that is not yet admitted the first frame is
//! read in `connection/opening.rs`.)

use std::sync::Arc;

use futures_util::FutureExt;
use hallway_auth::Identity;
use hallway_hub::Socket;
use hallway_protocol::endpoint::AuthResume;
use hallway_protocol::{Error, ErrorCode};

use super::{Answer, Caller};
use crate::connection::admission::{Return, Wanted};
use crate::connection::{admission, reply};
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: AuthResume, id: Option<u64>) -> Answer {
    let (node, socket) = (Arc::clone(node), Arc::clone(&caller.socket));
    if caller.identity.user.is_some() {
        let identity = Arc::clone(&caller.identity);
        return match check_owner(&node, &identity, &args.ticket) {
            Ok(()) => Answer::Identified(come_back(node, socket, identity, args.rooms, id).boxed()),
            // As where the ticket is all that there is: the client comes back without it.
            Err(why) => Answer::Identified(async { Err(why) }.boxed()),
        };
    }
    let identity = match node.redeem(&args.ticket) {
        Ok(identity) => Arc::new(identity),
        Err(why) => return Answer::Now(Err(Error::new(ErrorCode::Unauthenticated, why.to_string()))),
    };
    if let Some(user) = &identity.user
        && let Err(why) = node.limits().check_user(&node.hub, user)
    {
        return Answer::Now(Err(why));
    }
    Answer::Identified(Box::pin(async move {
        admission::identify(&node, &socket, &identity).await?;
        come_back(node, socket, identity, args.rooms, id).await
    }))
}

/// A ticket brings rooms to its own user only.
fn check_owner(node: &Node, identity: &Identity, ticket: &str) -> Result<(), Error> {
    let unauthenticated = |why: &str| Error::new(ErrorCode::Unauthenticated, why);
    let owner = node.redeem(ticket).map_err(|why| unauthenticated(&why.to_string()))?;
    if owner.user != identity.user {
        return Err(unauthenticated("the resume ticket is another user's"));
    }
    node.revocations
        .check(&owner)
        .map_err(|why| unauthenticated(why.close().1))
}

async fn come_back(
    node: Arc<Node>,
    socket: Arc<Socket>,
    identity: Arc<Identity>,
    rooms: Wanted,
    id: Option<u64>,
) -> Result<Arc<Identity>, Error> {
    // What its rooms hear must not come before the hello with what they have missed.
    if !socket.hold() {
        return Err(Error::new(ErrorCode::Unavailable, "the connection is too slow").retry_after(1000));
    }
    let caller = Caller {
        socket: Arc::clone(&socket),
        identity,
    };
    let rooms = admission::enter_rooms(&node, &caller, Some(Return::with_ticket(rooms))).await?;
    socket.open(reply::hello(socket.form(), &admission::hello(&node, &caller, rooms)));
    if let Some(id) = id {
        let data = super::to_data(&serde_json::json!({}))?;
        socket.send(&reply::data(socket.form(), id, &data));
    }
    Ok(caller.identity)
}

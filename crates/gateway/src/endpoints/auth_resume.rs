//! `auth.resume` on a connection that is already admitted, which can only be an anonymous one: as its first frame it
//! gives the connection an identity and its rooms, and a second hello answers it. (On a connection that is not
//! yet admitted the first frame is read in `connection/opening.rs`.)

use std::sync::Arc;

use hallway_protocol::endpoint::AuthResume;
use hallway_protocol::{Error, ErrorCode};

use super::{Answer, Caller};
use crate::connection::{admission, reply};
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: AuthResume, id: Option<u64>) -> Answer {
    if caller.identity.user.is_some() {
        return Answer::Now(Err(Error::new(ErrorCode::Conflict, "this connection has an identity")));
    }
    let identity = match node.redeem(&args.ticket) {
        Ok(identity) => Arc::new(identity),
        Err(why) => return Answer::Now(Err(Error::new(ErrorCode::Unauthenticated, why.to_string()))),
    };
    if let Some(user) = &identity.user
        && let Err(why) = node.limits.check_user(&node.hub, user)
    {
        return Answer::Now(Err(why));
    }
    let (node, socket) = (Arc::clone(node), Arc::clone(&caller.socket));
    Answer::Identified(Box::pin(async move {
        admission::identify(&node, &socket, &identity).await?;
        // What its rooms hear must not come before the hello with what they have missed.
        if !socket.hold() {
            return Err(Error::new(ErrorCode::Unavailable, "the connection is too slow").retry_after(1000));
        }
        let caller = Caller {
            socket: Arc::clone(&socket),
            identity: Arc::clone(&identity),
        };
        let rooms = admission::enter_rooms(&node, &caller, Some(args.rooms)).await?;
        socket.open(reply::hello(socket.form(), &admission::hello(&node, &caller, rooms)));
        if let Some(id) = id {
            let data = super::to_data(&serde_json::json!({}))?;
            socket.send(&reply::data(socket.form(), id, &data));
        }
        Ok(identity)
    }))
}

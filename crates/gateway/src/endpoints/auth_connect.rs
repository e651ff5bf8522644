//! `auth.connect` on a connection that is already admitted, which can only be an anonymous one: as its first
//! frame it gives the connection an identity, and a second hello answers it. (On a connection that is not yet
//! admitted the first frame is read in `connection/opening.rs`.)

use std::sync::Arc;

use hallway_protocol::endpoint::AuthConnect;
use hallway_protocol::{Error, ErrorCode};

use super::{Answer, Caller};
use crate::connection::{admission, reply};
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: &AuthConnect, id: Option<u64>) -> Answer {
    if caller.identity.user.is_some() {
        return Answer::Now(Err(Error::new(ErrorCode::Conflict, "this connection has an identity")));
    }
    let identity = match node.authenticate(&args.token) {
        Ok(identity) => Arc::new(identity),
        Err(why) => return Answer::Now(Err(Error::new(ErrorCode::Unauthenticated, why.to_string()))),
    };
    let Some(user) = &identity.user else {
        return Answer::Now(Err(Error::new(ErrorCode::Unauthenticated, "the token names no user")));
    };
    if let Err(why) = node.limits().check_user(&node.hub, user) {
        return Answer::Now(Err(why));
    }
    let (node, socket) = (Arc::clone(node), Arc::clone(&caller.socket));
    Answer::Identified(Box::pin(async move {
        admission::identify(&node, &socket, &identity).await?;
        let caller = Caller {
            socket: Arc::clone(&socket),
            identity: Arc::clone(&identity),
        };
        let rooms = admission::enter_rooms(&node, &caller, None).await?;
        socket.send(&reply::hello(socket.codec(), &admission::hello(&node, &caller, rooms)));
        if let Some(id) = id {
            socket.send(&reply::data(
                socket.codec(),
                id,
                &super::to_data(&serde_json::json!({}))?,
            ));
        }
        Ok(identity)
    }))
}

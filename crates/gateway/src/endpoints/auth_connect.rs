//! `auth.connect` on a connection that is already admitted, which can only be an anonymous one: as its first
//! frame it gives the connection an identity, and a second hello answers it. (On a connection that is not yet
//! admitted the first frame is read in `connection/opening.rs`.)

use std::sync::Arc;

use hallway_auth::{Identity, TokenError};
use hallway_hub::Socket;
use hallway_protocol::endpoint::AuthConnect;
use hallway_protocol::{Error, ErrorCode};

use super::{Answer, Caller};
use crate::connection::{admission, reply};
use crate::error::from_token;
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: &AuthConnect, id: Option<u64>) -> Answer {
    if caller.identity.user.is_some() {
        return Answer::Now(Err(Error::new(ErrorCode::Conflict, "this connection has an identity")));
    }
    let (node, socket) = (Arc::clone(node), Arc::clone(&caller.socket));
    match node.authenticate_now(&args.token) {
        Ok(identity) => match check(&node, &identity) {
            Ok(()) => Answer::Identified(Box::pin(identify(node, socket, identity, id))),
            Err(why) => Answer::Now(Err(why)),
        },
        Err(TokenError::UnknownKey | TokenError::NoSession) => {
            let token = args.token.clone();
            Answer::Identified(Box::pin(async move {
                let identity = node.authenticate(&token).await.map_err(|why| from_token(&why))?;
                check(&node, &identity)?;
                identify(node, socket, identity, id).await
            }))
        }
        Err(why) => Answer::Now(Err(from_token(&why))),
    }
}

fn check(node: &Node, identity: &Identity) -> Result<(), Error> {
    match &identity.user {
        Some(user) => node.limits().check_user(&node.hub, user),
        None => Err(Error::new(ErrorCode::Unauthenticated, "the token names no user")),
    }
}

async fn identify(
    node: Arc<Node>,
    socket: Arc<Socket>,
    mut identity: Identity,
    id: Option<u64>,
) -> Result<Arc<Identity>, Error> {
    node.admission.ask(&mut identity).await?;
    let identity = Arc::new(identity);
    admission::identify(&node, &socket, &identity).await?;
    let caller = Caller {
        socket: Arc::clone(&socket),
        identity,
    };
    let rooms = admission::enter_rooms(&node, &caller, None).await?;
    socket.send(&reply::hello(socket.form(), &admission::hello(&node, &caller, rooms)));
    if let Some(id) = id {
        socket.send(&reply::data(
            socket.form(),
            id,
            &super::to_data(&serde_json::json!({}))?,
        ));
    }
    Ok(caller.identity)
}

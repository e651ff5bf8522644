//! `auth.refresh`: a newer token for the same user, so that the connection outlives the older one. What the new one no
//! longer opens is left.

use std::sync::Arc;

use hallway_auth::Identity;
use hallway_protocol::endpoint::{AuthRefresh, Refreshed};
use hallway_protocol::{Error, ErrorCode};

use super::{Answer, Caller, Data};
use crate::authority::review;
use crate::clock::unix_ms;
use crate::connection::admission;
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: AuthRefresh) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Refreshed(Box::pin(refresh(node, caller, args)))
}

async fn refresh(node: Arc<Node>, caller: Caller, args: AuthRefresh) -> Result<(Arc<Identity>, Data), Error> {
    if caller.identity.user.is_none() {
        let why = "this connection is anonymous: auth.connect, as the first frame, gives it an identity";
        return Err(Error::new(ErrorCode::Unauthenticated, why));
    }
    let mut identity = node
        .authenticate(&args.token)
        .await
        .map_err(|why| crate::error::from_token(&why))?;
    if identity.user != caller.identity.user {
        return Err(Error::new(ErrorCode::Forbidden, "the token is another user's"));
    }
    node.revocations
        .admit(&identity)
        .await
        .map_err(crate::error::from_revocation)?;
    // What admission said still holds.
    let mut attributes = caller.identity.attributes.clone();
    attributes.append(&mut identity.attributes);
    identity.attributes = attributes;
    identity.name = identity.name.or_else(|| caller.identity.name.clone());
    let identity = Arc::new(identity);
    caller.socket.set_badge(identity.clone());
    node.hub.authorize(&caller.socket, admission::authorization(&identity));
    let data = super::to_data(&Refreshed {
        expires_at: identity.expires_at,
        resume_ticket: node.access().tickets.issue(&identity, unix_ms()),
    })?;
    let caller = Caller {
        identity: Arc::clone(&identity),
        ..caller
    };
    review::of_caller(&node, &caller).await;
    Ok((identity, data))
}

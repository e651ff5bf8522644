//! A namespace of a connection: a socket of the hub over the connection's carrier.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use hallway_auth::{Identity, TokenError};
use hallway_hub::{Carried, Carrier, Link, Opcode, frame};
use hallway_protocol::{CloseCode, Codec, Error, ErrorCode};
use hallway_socketio::packet::{self, Kind};
use serde::Deserialize;

use super::recovery::{Brought, Recovery};
use crate::connection::admission;
use crate::connection::desk::Desk;
use crate::connection::not_let_in::{At, forget};
use crate::dialect::Voice;
use crate::hooks::Since;
use crate::node::Node;

/// Who connects, as the handshake said it.
pub(super) type Visitor = Result<Option<Identity>, TokenError>;

/// A namespace that the client is in.
pub(super) struct Space {
    pub(super) voice: Arc<Voice>,
    pub(super) desk: Desk,
    /// What the operator's backend was told of it.
    since: Since,
}

/// A namespace that the client is not let into.
pub(super) enum NotLetIn {
    /// The client is told, and stays away by itself.
    Refused(Error),
    /// The connection ends: the client comes back by itself.
    Later(CloseCode),
}

#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    token: Option<String>,
}

/// Lets a client into a namespace, with what it shows there (`auth`: `{token}`) or has shown in the handshake.
///
/// # Errors
/// See [`NotLetIn`].
pub(super) async fn enter(
    node: Arc<Node>,
    (carrier, address): (Arc<Carrier>, IpAddr),
    voice: Arc<Voice>,
    auth: String,
    visitor: Arc<Visitor>,
) -> Result<Space, NotLetIn> {
    let began = Instant::now();
    if admission::is_closing(&node) {
        return Err(NotLetIn::Later(CloseCode::Draining));
    }
    let identity = identify(&node, &auth, &visitor).await?;
    if voice.is_for_users() && identity.user.is_none() {
        count_refused(&node);
        let why = "this namespace is for who is signed in";
        return Err(NotLetIn::Refused(Error::new(ErrorCode::Unauthenticated, why)));
    }
    let farewell = packet::begin(Kind::Disconnect, 0, voice.namespace(), None);
    let farewell = frame::whole(Opcode::Text, farewell.as_bytes());
    let admit = async |identity, back| {
        let carried = Carried::new(
            Arc::clone(&carrier),
            Arc::clone(voice.form()),
            farewell.clone(),
            node.dialects.recovery,
        );
        let link = Link::Carried(Box::new(carried));
        // The codec is of no account: the link has its form.
        let admitted = admission::admit(&node, (link, address), Codec::Json, identity, back).await;
        admitted.map_err(|refused| not_let_in(&node, refused))
    };
    let brought = match node.dialects.recovery {
        true => Brought::read(&auth, &identity),
        false => None,
    };
    let mut recovered = None;
    if let Some(brought) = brought {
        let (caller, mut hello) = admit(identity.clone(), Some(brought.back())).await?;
        match brought.recovered(&mut hello, node.limits().queue / 2) {
            Some(recovery) => {
                count_returned(&node, "recovered");
                recovered = Some((caller, hello, recovery));
            }
            None => {
                count_returned(&node, "anew");
                // As if it had never been here: nothing was said yet, and what it heard meanwhile goes with it.
                caller.socket.abort(CloseCode::Normal);
                forget(&node, &caller.socket);
            }
        }
    }
    let (caller, hello, recovery) = match recovered {
        Some((caller, hello, recovery)) => (caller, hello, recovery),
        None => {
            let recovery = node.dialects.recovery.then(|| Recovery::begin(&identity));
            let (caller, hello) = admit(identity, None).await?;
            (caller, hello, recovery.unwrap_or_default())
        }
    };
    admission::count_admitted(&node, began);
    caller
        .socket
        .open_placed(|entered| recovery.first(voice.form(), &hello, entered));
    admission::count_open(&node, &caller.socket, true);
    let since = node.hooks.connected(&node.name, &caller.socket);
    let beginning = voice.beginning((&caller.identity, caller.socket.id()));
    let mut desk = Desk::new(node, caller);
    for ask in beginning {
        desk.take(Ok(ask));
    }
    Ok(Space { since, desk, voice })
}

fn not_let_in(node: &Node, refused: crate::connection::not_let_in::NotLetIn) -> NotLetIn {
    if let At::Inside(socket) = refused.at {
        socket.abort(refused.code);
        forget(node, &socket);
    }
    match refused.code {
        code if CloseCode::reconnects(code.wire()) => NotLetIn::Later(code),
        CloseCode::RateLimited => NotLetIn::Refused(Error::new(ErrorCode::RateLimited, refused.why)),
        CloseCode::Forbidden => NotLetIn::Refused(Error::new(ErrorCode::Forbidden, refused.why)),
        _ => NotLetIn::Refused(Error::new(ErrorCode::Unauthenticated, refused.why)),
    }
}

async fn identify(node: &Node, auth: &str, visitor: &Visitor) -> Result<Identity, NotLetIn> {
    let shown = serde_json::from_str::<Shown>(auth).ok().and_then(|shown| shown.token);
    let identity = match (shown, visitor) {
        (Some(token), _) => node.authenticate(&token).await,
        (None, Ok(Some(identity))) => Ok(identity.clone()),
        (None, Err(why)) => Err(why.clone()),
        (None, Ok(None)) if node.access().anonymous => Ok(Identity::anonymous()),
        (None, Ok(None)) => {
            count_refused(node);
            return Err(NotLetIn::Refused(Error::new(
                ErrorCode::Unauthenticated,
                "no token in auth",
            )));
        }
    };
    identity.map_err(|why| match why {
        why if why.is_temporary() => NotLetIn::Later(CloseCode::OverCapacity),
        why => {
            count_refused(node);
            NotLetIn::Refused(crate::error::from_token(&why))
        }
    })
}

fn count_returned(node: &Node, outcome: &str) {
    node.metrics.socketio.returned.with_label_values(&[outcome]).inc();
}

fn count_refused(node: &Node) {
    node.metrics
        .connections
        .handshakes
        .with_label_values(&["unauthenticated"])
        .inc();
}

/// What tells a client that it is not in a namespace: whole frames.
pub(super) fn refusal(namespace: &str, error: &Error) -> bytes::Bytes {
    let said = serde_json::json!({"message": error.message, "data": error});
    let text = packet::begin(Kind::ConnectError, 0, namespace, None) + &said.to_string();
    frame::whole(Opcode::Text, text.as_bytes())
}

impl Space {
    /// Takes the socket out of everything, for the end of the connection or of the namespace. Without a cause the client
    /// has vanished.
    pub(super) fn leave(mut self, node: &Node, cause: Option<CloseCode>) {
        let socket = Arc::clone(self.desk.socket());
        self.desk.give_up();
        match cause {
            Some(cause) if socket.close_code().is_none() => socket.abort(cause),
            _ => socket.vanished(),
        }
        // Before it leaves the hub: a node that takes its leave waits until nobody is there.
        node.hooks.disconnected(&node.name, &socket, self.since);
        forget(node, &socket);
        admission::count_open(node, &socket, false);
    }
}

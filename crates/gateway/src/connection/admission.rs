//! From a connection with an identity to a member of the hub: its own rooms, the hello, the session, and in
//! the end everything taken back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hallway_auth::Identity;
use hallway_hub::{Link, Socket};
use hallway_protocol::{ClientId, CloseCode, Codec, Error, Hello, RoomName};

use super::session::Session;
use super::{opening, reply};
use crate::endpoints::Caller;
use crate::limits::AddressPermit;
use crate::node::Node;
use crate::transport::websocket::{Inbound, Reader};

/// How long a refused connection may take to leave.
const LEAVE: Duration = Duration::from_secs(5);

/// A WebSocket after its handshake.
pub struct Upgraded {
    /// The transport.
    pub link: Link,
    /// The agreed codec.
    pub codec: Codec,
    /// Who it is, if the handshake brought a token or the anonymous are let in.
    pub identity: Option<Identity>,
    /// Bytes that came right behind the handshake.
    pub begun: Vec<u8>,
    /// Its share of its address's connections; given back when it ends.
    pub permit: AddressPermit,
    /// When the handshake began.
    pub since: Instant,
}

/// Runs a connection to its end.
pub async fn run(node: Arc<Node>, upgraded: Upgraded) {
    let Upgraded {
        link,
        codec,
        identity,
        begun,
        permit,
        since,
    } = upgraded;
    let mut reader = Reader::new(match identity {
        Some(_) => node.limits.frame_size,
        None => node.limits.unauthenticated_frame_size,
    });
    let mut inbound = Vec::new();
    if let Err(violation) = reader.push(&begun, &mut inbound) {
        return opening::refuse(&link, violation.code, violation.reason, LEAVE).await;
    }
    let brought = identity.is_some();
    let (identity, inbound) = match identity {
        Some(identity) => (identity, inbound),
        None => match authenticate(&node, &link, &mut reader, codec, inbound).await {
            Some(authenticated) => authenticated,
            None => return,
        },
    };
    if node.readiness.is_draining() {
        node.metrics
            .connections
            .handshakes
            .with_label_values(&["draining"])
            .inc();
        return opening::refuse(&link, CloseCode::Draining, CloseCode::Draining.reason(), LEAVE).await;
    }
    let began = if brought { since } else { Instant::now() };
    match admit(&node, link, codec, identity, began).await {
        Some(caller) => {
            // A task of its own, since what the handshake needed is not to stay with an idle connection.
            let session = Box::new(Session::new(Arc::clone(&node), caller, reader));
            tokio::spawn(live(node, session, inbound, permit));
        }
        None => drop(permit),
    }
}

async fn authenticate(
    node: &Node,
    link: &Link,
    reader: &mut Reader,
    codec: Codec,
    inbound: Vec<Inbound>,
) -> Option<(Identity, Vec<Inbound>)> {
    let opened = match opening::first_frame(link, reader, codec, inbound, node.limits.auth_timeout).await {
        Ok(opened) => opened?,
        Err(violation) => {
            let outcome = if violation.code == CloseCode::AuthTimeout {
                "auth-timeout"
            } else {
                "unauthenticated"
            };
            node.metrics.connections.handshakes.with_label_values(&[outcome]).inc();
            opening::refuse(link, violation.code, violation.reason, LEAVE).await;
            return None;
        }
    };
    match node.authenticate(&opened.token) {
        Ok(identity) => Some((identity, opened.rest)),
        Err(why) => {
            node.metrics
                .connections
                .handshakes
                .with_label_values(&["unauthenticated"])
                .inc();
            opening::refuse(link, CloseCode::Unauthenticated, &why.to_string(), LEAVE).await;
            None
        }
    }
}

/// Into the hub and its own rooms, then hello.
async fn admit(node: &Arc<Node>, link: Link, codec: Codec, identity: Identity, began: Instant) -> Option<Caller> {
    if let Some(user) = &identity.user
        && let Err(why) = node.limits.check_user(&node.hub, user)
    {
        node.metrics
            .connections
            .handshakes
            .with_label_values(&["too-many"])
            .inc();
        opening::refuse(&link, CloseCode::RateLimited, &why.message, LEAVE).await;
        return None;
    }
    let options = hallway_hub::Options {
        id: ClientId::from_bits(rand::random()),
        user: identity.user.clone(),
        codec,
        expires_at: identity.expires_at.map(|ms| ms / 1000),
    };
    let socket = node.hub.admit(options, link);
    let joined = own_rooms(node, &socket).await;
    let handshakes = &node.metrics.connections.handshakes;
    match joined {
        Ok(rooms) => {
            handshakes.with_label_values(&["ok"]).inc();
            node.metrics
                .connections
                .handshake_seconds
                .observe(began.elapsed().as_secs_f64());
            socket.send(&reply::hello(codec, &hello(node, &socket, &identity, rooms)));
            Some(Caller {
                socket,
                identity: Arc::new(identity),
            })
        }
        Err(_) => {
            // Without the bus it would be a member that hears nothing.
            handshakes.with_label_values(&["unavailable"]).inc();
            socket.close(CloseCode::OverCapacity, "the message bus is away");
            tokio::time::timeout(LEAVE, Reader::discard(socket.link())).await.ok();
            node.membership.remove(&socket);
            None
        }
    }
}

/// Joins a connection to its client's room and, with an identity, to its user's.
pub(crate) async fn own_rooms(node: &Node, socket: &Arc<Socket>) -> Result<Vec<RoomName>, Error> {
    let mut rooms = vec![RoomName::of_client(socket.id())];
    rooms.extend(socket.user().map(RoomName::of_user));
    let joins = rooms.iter().map(|room| async move {
        let kind = crate::endpoints::resolve(node, room)?.kind;
        node.membership
            .join(kind, room, socket, |_| None)
            .await
            .map_err(crate::error::from_bus)
    });
    futures_util::future::try_join_all(joins).await?;
    Ok(rooms)
}

pub(crate) fn hello(node: &Node, socket: &Socket, identity: &Identity, rooms: Vec<RoomName>) -> Hello {
    Hello {
        client_id: socket.id(),
        user_id: socket.user().cloned(),
        node: node.name.clone(),
        rooms,
        ping_interval_ms: node.limits.ping_interval.as_millis() as u64,
        server_time: crate::clock::unix_ms(),
        expires_at: identity.expires_at,
    }
}

async fn live(node: Arc<Node>, mut session: Box<Session>, inbound: Vec<Inbound>, permit: AddressPermit) {
    count_open(&node, session.socket(), true);
    session.run(inbound).await;
    let socket = session.socket();
    node.membership.remove(socket);
    count_open(&node, socket, false);
    drop(permit);
}

fn count_open(node: &Node, socket: &Socket, opened: bool) {
    let metrics = &node.metrics.connections;
    let labels = [socket.codec().name(), "websocket"];
    if opened {
        metrics.opened.with_label_values(&labels).inc();
        metrics.open.with_label_values(&labels).inc();
        let user = socket.user().map(|user| user.as_str());
        tracing::debug!(client = %socket.id(), user, codec = labels[0], "connection began");
    } else {
        let code = socket.close_code_wire().to_string();
        metrics.open.with_label_values(&labels).dec();
        metrics.closed.with_label_values(&[&code]).inc();
        tracing::debug!(client = %socket.id(), code, "connection ended");
    }
}

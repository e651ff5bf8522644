//! From a connection with an identity to a member of the hub: its own rooms, the hello, the session, and in
//! the end everything taken back.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use hallway_auth::{Identity, TokenError};
use hallway_hub::{Authorization, Link, Socket};
use hallway_protocol::{ClientId, CloseCode, Codec, Entry, Error, ErrorCode, Hello, Position, Resumed, RoomName};

use super::not_let_in::{At, LEAVE, NotLetIn, forget, turn_away};
use super::opening::Credentials;
use super::session::Session;
use super::{opening, reply, resume};
use crate::endpoints::{Caller, rooms_join};
use crate::limits::AddressPermit;
use crate::membership::catch_up::{Allowance, From, Lines};
use crate::metrics::losses;
use crate::node::Node;
use crate::revocation::NotAdmitted;
use crate::transport::websocket::{Inbound, Reader};

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
        Some(_) => node.limits().frame_size,
        None => node.limits().unauthenticated_frame_size,
    });
    let mut inbound = Vec::new();
    if let Err(violation) = reader.push(&begun, &mut inbound) {
        return opening::refuse(&link, violation.code, violation.reason, LEAVE).await;
    }
    let brought = identity.is_some();
    let (identity, resume, inbound) = match identity {
        Some(identity) => (identity, None, inbound),
        None => match authenticate(&node, &link, &mut reader, &permit, (codec, inbound)).await {
            Some(authenticated) => authenticated,
            None => return,
        },
    };
    if is_closing(&node) {
        return opening::refuse(&link, CloseCode::Draining, CloseCode::Draining.reason(), LEAVE).await;
    }
    let began = if brought { since } else { Instant::now() };
    let back = resume.map(Return::with_ticket);
    match admit(&node, (link, permit.address()), codec, identity, back).await {
        Ok((caller, hello)) => {
            count_admitted(&node, began);
            caller.socket.open(reply::hello(caller.socket.form(), &hello));
            // A task of its own, since what the handshake needed is not to stay with an idle connection.
            let session = Box::new(Session::new(Arc::clone(&node), caller, reader));
            tokio::spawn(live(node, session, inbound, permit));
        }
        Err(refused) => {
            turn_away(&node, refused).await;
            drop(permit);
        }
    }
}

async fn authenticate(
    node: &Node,
    link: &Link,
    reader: &mut Reader,
    permit: &AddressPermit,
    (codec, inbound): (Codec, Vec<Inbound>),
) -> Option<(Identity, Option<Wanted>, Vec<Inbound>)> {
    let count = |outcome| node.metrics.connections.handshakes.with_label_values(&[outcome]).inc();
    let timeout = node.limits().auth_timeout;
    let opened = match opening::first_frame(link, reader, codec, inbound, timeout).await {
        Ok(opened) => opened?,
        Err(violation) => {
            count(if violation.code == CloseCode::AuthTimeout {
                "auth-timeout"
            } else {
                "unauthenticated"
            });
            opening::refuse(link, violation.code, violation.reason, LEAVE).await;
            return None;
        }
    };
    let (identity, wanted) = match opened.credentials {
        Credentials::Token(token) => (node.authenticate(&token).await.map_err(refusal), None),
        Credentials::Ticket(args) => (
            node.redeem(&args.ticket)
                .map_err(|why| (CloseCode::Unauthenticated, why.to_string())),
            Some(args.rooms),
        ),
    };
    match identity {
        Ok(identity) => Some((identity, wanted, opened.rest)),
        Err((code, why)) => {
            if code == CloseCode::Unauthenticated {
                permit.failed_login();
            }
            count(if code == CloseCode::Unauthenticated {
                "unauthenticated"
            } else {
                "unavailable"
            });
            opening::refuse(link, code, &why, LEAVE).await;
            None
        }
    }
}

/// A token that nothing can be said about now may be shown again: the close that lets a client come back.
fn refusal(why: TokenError) -> (CloseCode, String) {
    let code = match why.is_temporary() {
        true => CloseCode::OverCapacity,
        false => CloseCode::Unauthenticated,
    };
    (code, why.to_string())
}

/// Into the hub and its rooms: what is left is to open the socket with the hello.
///
/// # Errors
/// It is not let in; it is counted already.
pub(crate) async fn admit(
    node: &Arc<Node>,
    (link, address): (Link, IpAddr),
    codec: Codec,
    mut identity: Identity,
    back: Option<Return>,
) -> Result<(Caller, Hello), NotLetIn> {
    let handshakes = &node.metrics.connections.handshakes;
    let one_more = identity
        .user
        .as_ref()
        .map(|user| node.limits().check_user(&node.hub, user));
    if let Some(Err(why)) = one_more {
        handshakes.with_label_values(&["too-many"]).inc();
        return Err(NotLetIn {
            code: CloseCode::RateLimited,
            why: why.message,
            at: At::Door(link),
        });
    }
    if !back.as_ref().is_some_and(|back| back.is_admitted)
        && let Err(why) = node.admission.ask(&mut identity).await
    {
        let (code, reason, outcome) = why.close();
        handshakes.with_label_values(&[outcome]).inc();
        return Err(NotLetIn {
            code,
            why: reason.to_owned(),
            at: At::Door(link),
        });
    }
    let identity = Arc::new(identity);
    let options = hallway_hub::Options {
        id: ClientId::from_bits(rand::random()),
        user: identity.user.clone(),
        codec,
        authorization: authorization(&identity),
        badge: Some(identity.clone()),
    };
    let socket = node.hub.admit(options, link);
    node.people.met(socket.id(), address);
    let caller = Caller {
        socket: Arc::clone(&socket),
        identity,
    };
    let not_kept = |outcome, code, why: &str| {
        handshakes.with_label_values(&[outcome]).inc();
        Err(NotLetIn {
            code,
            why: why.to_owned(),
            at: At::Inside(Arc::clone(&socket)),
        })
    };
    if let Err(why) = node.seats.take(&socket).await {
        let (outcome, code) = match why.code {
            ErrorCode::RateLimited => ("too-many", CloseCode::RateLimited),
            _ => ("unavailable", CloseCode::OverCapacity),
        };
        return not_kept(outcome, code, &why.message);
    }
    let entered = match node.revocations.admit(&caller.identity).await {
        Ok(()) => enter_rooms(node, &caller, back).await.ok(),
        Err(NotAdmitted::Unknown) => None,
        Err(why) => {
            let (code, reason) = why.close();
            return not_kept("revoked", code, reason);
        }
    };
    match entered {
        Some(rooms) => {
            let hello = hello(node, &caller, rooms);
            Ok((caller, hello))
        }
        None => {
            // Without the bus it would be a member that hears nothing.
            let (code, reason) = NotAdmitted::Unknown.close();
            not_kept("unavailable", code, reason)
        }
    }
}

/// Whether the node takes nobody any more; then one that came is counted as turned away.
pub(crate) fn is_closing(node: &Node) -> bool {
    let is_draining = node.readiness.is_draining();
    if is_draining {
        let handshakes = &node.metrics.connections.handshakes;
        handshakes.with_label_values(&["draining"]).inc();
    }
    is_draining
}

/// Counts one that is let in.
pub(crate) fn count_admitted(node: &Node, began: Instant) {
    let connections = &node.metrics.connections;
    connections.handshakes.with_label_values(&["ok"]).inc();
    connections.handshake_seconds.observe(began.elapsed().as_secs_f64());
}

/// Gives an anonymous connection its identity, where that has a user.
///
/// # Errors
/// It has one already; or its credentials are over, or that cannot be known.
pub(crate) async fn identify(node: &Node, socket: &Arc<Socket>, identity: &Arc<Identity>) -> Result<(), Error> {
    let Some(user) = identity.user.clone() else {
        return Ok(());
    };
    if !node.hub.identify(socket, user, authorization(identity)) {
        return Err(Error::new(ErrorCode::Conflict, "this connection has an identity"));
    }
    socket.set_badge(identity.clone());
    node.seats.take(socket).await?;
    let admitted = node.revocations.admit(identity).await;
    if let Err(why @ (NotAdmitted::Revoked | NotAdmitted::SessionOver)) = admitted {
        let (code, reason) = why.close();
        socket.close(code, reason);
    }
    admitted.map_err(crate::error::from_revocation)
}

/// Who a connection is, as it was admitted or has shown since.
pub(crate) fn identity_of(socket: &Socket) -> Option<Arc<Identity>> {
    socket.badge()?.downcast().ok()
}

/// From when to when an identity is good.
pub(crate) fn authorization(identity: &Identity) -> Authorization {
    Authorization {
        issued_at: identity.issued_at,
        expires_at: identity.expires_at.map(|ms| ms / 1000),
    }
}

/// The rooms that a client comes back for, each with the last broadcast that it has.
pub(crate) type Wanted = BTreeMap<String, Option<Position>>;

/// What a client comes back with.
pub(crate) struct Return {
    pub(crate) rooms: Wanted,
    /// Who it was, where what it published itself is not to be brought to it.
    pub(crate) was: Option<ClientId>,
    /// Whether it was admitted when what it shows was made.
    pub(crate) is_admitted: bool,
}

impl Return {
    /// With a ticket.
    pub(crate) fn with_ticket(rooms: Wanted) -> Self {
        Self {
            rooms,
            was: None,
            is_admitted: true,
        }
    }
}

/// What a connection is in when it is told hello.
pub(crate) struct Rooms {
    /// Those that the node itself joined it to, with its places in those that number.
    own: Vec<(RoomName, Option<Position>)>,
    /// What became of those it came back for.
    resumed: Option<BTreeMap<String, Resumed>>,
}

/// Joins a connection to its client's room and, with an identity, to its user's; and to the rooms that it comes back
/// for.
///
/// # Errors
/// It could not be joined to its own rooms. What goes wrong with the others is in their answers.
pub(crate) async fn enter_rooms(node: &Node, caller: &Caller, back: Option<Return>) -> Result<Rooms, Error> {
    let allowance = Allowance::new(node.limits().resume_bytes);
    let allowance = match back.as_ref().and_then(|back| back.was) {
        Some(was) => allowance.without(was),
        None => allowance,
    };
    let resuming = back.is_some();
    let mut wanted = back.map(|back| back.rooms).unwrap_or_default();
    let mut names = vec![RoomName::of_client(caller.socket.id())];
    names.extend(caller.socket.user().map(RoomName::of_user));
    let own = names.into_iter().map(|name| {
        let asked = wanted.remove(name.as_str());
        let from = Lines::own(asked.flatten().map(|position| From::new(position, &allowance)));
        async move {
            let entry = own_room(node, &caller.socket, &name, from).await?;
            Ok::<_, Error>((name, asked.is_some(), entry))
        }
    });
    let own = futures_util::future::try_join_all(own.collect::<Vec<_>>()).await?;
    let mut rooms = Rooms {
        own: Vec::with_capacity(own.len()),
        resumed: resuming.then(BTreeMap::new),
    };
    for (name, asked, entry) in own {
        let state = entry.state.map(|state| state.position());
        rooms.own.push((name.clone(), state.or(entry.position)));
        if let (true, Some(resumed)) = (asked, &mut rooms.resumed) {
            resumed.insert(name.to_string(), Resumed::In(entry));
        }
    }
    if let Some(resumed) = &mut rooms.resumed {
        resumed.extend(resume::rooms(node, caller, wanted, &allowance).await);
        resume::count(node, resumed);
    }
    node.people.arrived(&caller.socket);
    Ok(rooms)
}

async fn own_room(node: &Node, socket: &Arc<Socket>, name: &RoomName, from: Lines<From>) -> Result<Entry, Error> {
    let kind = crate::endpoints::resolve(node, name)?.kind;
    let mut entry = None;
    let joined = node.membership.join(kind, name, socket, from, |entered| {
        entry = entered.into_iter().next().map(|own| rooms_join::entry(node, own));
        None
    });
    joined.await.map_err(crate::error::from_bus)?;
    entry.ok_or_else(|| Error::new(ErrorCode::Conflict, "the connection is closing"))
}

/// The first frame.
pub(crate) fn hello(node: &Node, caller: &Caller, rooms: Rooms) -> Hello {
    let server_time = crate::clock::unix_ms();
    let positions = |(name, position): &(RoomName, Option<Position>)| position.map(|position| (name.clone(), position));
    Hello {
        client_id: caller.socket.id(),
        user_id: caller.socket.user().cloned(),
        node: node.name.clone(),
        positions: rooms.own.iter().filter_map(positions).collect(),
        rooms: rooms.own.into_iter().map(|(name, _)| name).collect(),
        ping_interval_ms: node.limits().ping_interval.as_millis() as u64,
        server_time,
        expires_at: caller.identity.expires_at,
        attributes: caller.identity.attributes.clone(),
        resume_ticket: node.access().tickets.issue(&caller.identity, server_time),
        resumed: rooms.resumed,
    }
}

async fn live(node: Arc<Node>, mut session: Box<Session>, inbound: Vec<Inbound>, permit: AddressPermit) {
    count_open(&node, session.socket(), true);
    let since = node.hooks.connected(&node.name, session.socket());
    session.run(inbound).await;
    let socket = session.socket();
    // Before it leaves the hub: a node that takes its leave waits until nobody is there.
    node.hooks.disconnected(&node.name, socket, since);
    forget(&node, socket);
    count_open(&node, socket, false);
    drop(permit);
}

pub(crate) fn count_open(node: &Node, socket: &Socket, opened: bool) {
    let metrics = &node.metrics.connections;
    let labels = [socket.form().name(), socket.link().transport()];
    if opened {
        metrics.opened.with_label_values(&labels).inc();
        metrics.open.with_label_values(&labels).inc();
        let user = socket.user().map(|user| user.as_str());
        tracing::debug!(client = %socket.id(), user, codec = labels[0], "connection began");
    } else {
        let wire = socket.close_code_wire();
        let open = || node.hub.socket_count() as u64;
        if losses::is_loss(wire) && node.metrics.losses.note(Instant::now(), open) {
            metrics.loss_bursts.inc();
        }
        let code = wire.to_string();
        metrics.open.with_label_values(&labels).dec();
        metrics.closed.with_label_values(&[&code]).inc();
        tracing::debug!(client = %socket.id(), code, "connection ended");
    }
}

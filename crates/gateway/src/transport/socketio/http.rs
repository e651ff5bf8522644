//! What a request to `/socket.io/` is answered: a session begun, packets brought and fetched, a WebSocket.

use std::sync::Arc;

use bytes::Bytes;
use hallway_hub::{Carrier, Opcode, frame};
use hallway_protocol::ClientId;
use hallway_socketio::Handshake;
use hallway_socketio::engine::{self, Packet};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, CACHE_CONTROL, CONTENT_TYPE,
    ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, request};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;

use super::polling::{self, Poll};
use super::session::{Beginning, Session};
use super::source::{Posted, Source};
use crate::node::Node;
use crate::transport::answers::Answer;
use crate::transport::handshake;
use crate::transport::listener::Arrival;
use crate::transport::upgrade::{place_among_connections, switching, take_back};
use crate::transport::websocket::{Inbound, Read, Reader};

/// Packets of one payload; the protocol's own server allows as many as fit.
const PACKETS: usize = 256;

/// Engine.IO's errors.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    Transport = 0,
    Session = 1,
    Method = 2,
    Request = 3,
    Origin = 4,
    Version = 5,
}

impl Wrong {
    const fn message(self) -> &'static str {
        match self {
            Self::Transport => "Transport unknown",
            Self::Session => "Session ID unknown",
            Self::Method => "Bad handshake method",
            Self::Request => "Bad request",
            Self::Origin => "Forbidden",
            Self::Version => "Unsupported protocol version",
        }
    }

    fn answer(self) -> Answer {
        let status = match self {
            Self::Origin => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        };
        let body = serde_json::json!({"code": self as u8, "message": self.message()});
        answer(status, "application/json", body.to_string().into())
    }
}

fn answer(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn payload(body: Vec<u8>) -> Answer {
    answer(StatusCode::OK, "text/plain; charset=UTF-8", body.into())
}

fn parameter<'r>(parts: &'r request::Parts, name: &str) -> Option<&'r str> {
    let pairs = parts.uri.query()?.split('&');
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// Answers a request. What is left of the arrival is for the requests that follow on the same connection.
pub(in crate::transport) async fn respond(arrival: &mut Option<Arrival>, request: Request<Incoming>) -> Answer {
    let Some(this) = arrival else {
        return Wrong::Request.answer();
    };
    let node = Arc::clone(&this.node);
    if handshake::check_origin(&node, request.headers()).is_err() {
        return Wrong::Origin.answer();
    }
    let cors = cors(request.headers());
    let mut answer = if request.method() == Method::OPTIONS {
        preflight(request.headers())
    } else {
        dispatch(arrival, &node, request).await
    };
    answer.headers_mut().extend(cors);
    answer
}

/// The origin is allowed by now. Credentials are, since sticky sessions of a load balancer are cookies.
fn cors(headers: &HeaderMap) -> HeaderMap {
    let mut answer = HeaderMap::new();
    if let Some(origin) = headers.get(ORIGIN) {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        answer.insert(VARY, HeaderValue::from_static("Origin"));
    }
    answer
}

fn preflight(headers: &HeaderMap) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let allow = answer.headers_mut();
    allow.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET,POST"));
    allow.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    if let Some(wanted) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        allow.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    answer
}

async fn dispatch(arrival: &mut Option<Arrival>, node: &Arc<Node>, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    if parameter(&parts, "EIO") != Some("4") {
        return Wrong::Version.answer();
    }
    let poll = match parameter(&parts, "sid") {
        Some(sid) => match node.polls.find(sid) {
            Some(poll) => Some(poll),
            None => return Wrong::Session.answer(),
        },
        None => None,
    };
    match (parameter(&parts, "transport"), poll, &parts.method) {
        (Some("websocket"), poll, &Method::GET) => websocket(arrival, parts, body, poll).await,
        (Some("polling"), None, &Method::GET) => begin(arrival, &parts).await,
        (Some("polling"), Some(poll), _) if poll.is_upgraded() => Wrong::Request.answer(),
        (Some("polling"), Some(poll), &Method::GET) => {
            settle(arrival);
            match poll.fetch().await {
                Some(packets) => payload(packets),
                None => {
                    poll.cut();
                    Wrong::Request.answer()
                }
            }
        }
        (Some("polling"), Some(poll), &Method::POST) => {
            settle(arrival);
            post(&poll, body).await
        }
        (Some("polling" | "websocket"), _, _) => Wrong::Method.answer(),
        _ => Wrong::Transport.answer(),
    }
}

/// A connection of a session that is known is no handshake any more: it gives up its place, and has time.
fn settle(arrival: &mut Option<Arrival>) {
    if let Some(arrival) = arrival {
        arrival.settle();
    }
}

fn handshake_packet(node: &Node, sid: &str, upgrades: &[&str]) -> String {
    let limits = node.limits();
    Handshake {
        sid,
        upgrades,
        ping_interval: limits.ping_interval.as_millis() as u64,
        ping_timeout: limits.pong_timeout.as_millis() as u64,
        max_payload: limits.frame_size as u64,
    }
    .packet()
}

/// A secret: whoever has it can speak for the session.
fn new_sid() -> String {
    format!(
        "{}{}",
        ClientId::from_bits(rand::random()),
        ClientId::from_bits(rand::random())
    )
}

async fn begin(arrival: &mut Option<Arrival>, parts: &request::Parts) -> Answer {
    let Some(this) = arrival else {
        return Wrong::Request.answer();
    };
    let node = Arc::clone(&this.node);
    let permit = match place_among_connections(this, &parts.headers) {
        Ok(permit) => permit,
        Err(answer) => return *answer,
    };
    let visitor = match handshake::visitor(&node, parts).await {
        Ok(visitor) => visitor,
        Err(_) => return Wrong::Request.answer(),
    };
    let sid = new_sid();
    let carrier = Carrier::new(None, node.limits().queue);
    let (listed, source) = polling::list(&node, sid.clone(), Arc::clone(&carrier));
    let first = handshake_packet(&node, &sid, &["websocket"]);
    let session = Box::new(Session::new(Beginning {
        source,
        place: None,
        node,
        carrier,
        visitor,
        permit,
    }));
    tokio::spawn(async move {
        session.run(Vec::new()).await;
        drop(listed);
    });
    payload(first.into_bytes())
}

async fn post(poll: &Poll, body: Incoming) -> Answer {
    let Some(_turn) = poll.begin_post() else {
        poll.cut();
        return Wrong::Request.answer();
    };
    let Ok(body) = Limited::new(body, poll.message_max()).collect().await else {
        poll.cut();
        return answer(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", Bytes::new());
    };
    let body = body.to_bytes();
    let packets = std::str::from_utf8(&body)
        .ok()
        .and_then(|text| engine::packets(text, PACKETS).ok());
    let whole = |packets: &Vec<&str>| packets.iter().all(|packet| engine::parse(packet).is_ok());
    let Some(packets) = packets.filter(whole) else {
        poll.cut();
        return Wrong::Request.answer();
    };
    let inbound = packets
        .into_iter()
        .map(|packet| Inbound::Text(packet.as_bytes().to_vec()))
        .collect();
    if poll.post(Posted::Packets(inbound)).await {
        answer(StatusCode::OK, "text/html", Bytes::from_static(b"ok"))
    } else {
        Wrong::Session.answer()
    }
}

async fn websocket(
    arrival: &mut Option<Arrival>,
    parts: request::Parts,
    body: Incoming,
    poll: Option<Arc<Poll>>,
) -> Answer {
    let Some(this) = arrival else {
        return Wrong::Request.answer();
    };
    let node = Arc::clone(&this.node);
    let Ok(accept_key) = handshake::check_upgrade(&parts.method, &parts.headers) else {
        return Wrong::Request.answer();
    };
    match poll {
        Some(poll) => {
            if !poll.may_upgrade() {
                return Wrong::Request.answer();
            }
            let Some(this) = arrival.take() else {
                return Wrong::Request.answer();
            };
            let request = Request::from_parts(parts, body);
            tokio::spawn(upgrade(this, poll, request));
        }
        None => {
            let permit = match place_among_connections(this, &parts.headers) {
                Ok(permit) => permit,
                Err(answer) => return *answer,
            };
            let visitor = match handshake::visitor(&node, &parts).await {
                Ok(visitor) => visitor,
                Err(_) => return Wrong::Request.answer(),
            };
            let Some(this) = arrival.take() else {
                return Wrong::Request.answer();
            };
            let request = Request::from_parts(parts, body);
            tokio::spawn(async move {
                let Some((link, begun)) = take_back(request).await else {
                    return;
                };
                let link = Arc::new(link);
                let carrier = Carrier::new(Some(Arc::clone(&link)), node.limits().queue);
                let first = handshake_packet(&node, &new_sid(), &[]);
                let mut reader = Reader::new(node.limits().unauthenticated_frame_size);
                let mut inbound = Vec::new();
                if carrier.send(&frame::whole(Opcode::Text, first.as_bytes())).is_err()
                    || reader.push(&begun, &mut inbound).is_err()
                {
                    return;
                }
                let session = Box::new(Session::new(Beginning {
                    source: Source::Link(link, reader),
                    place: this.place,
                    node,
                    carrier,
                    visitor,
                    permit,
                }));
                // A task of its own, since what the handshake needed is not to stay with an idle connection.
                tokio::spawn(session.run(inbound));
            });
        }
    }
    switching(&accept_key, None)
}

/// A WebSocket that takes the place of HTTP: the client tries it, the GET that waits is sent home, and the client says
/// that it is done.
async fn upgrade(arrival: Arrival, poll: Arc<Poll>, request: Request<Incoming>) {
    let node = &arrival.node;
    let Some((link, begun)) = take_back(request).await else {
        return;
    };
    let mut reader = Reader::new(node.limits().frame_size);
    let mut inbound = Vec::new();
    if reader.push(&begun, &mut inbound).is_err() {
        return;
    }
    let link = Arc::new(link);
    let probe = probe(&link, &mut reader, inbound, &poll);
    match tokio::time::timeout(node.limits().handshake_timeout, probe).await {
        Ok(Some(inbound)) => {
            poll.set_upgraded();
            poll.post(Posted::Upgraded(link, reader, inbound)).await;
        }
        // HTTP goes on.
        Ok(None) | Err(_) => poll.set_upgrading(false),
    }
}

/// Until the client has said that it is done; what came behind that is handed out.
async fn probe(
    link: &hallway_hub::Link,
    reader: &mut Reader,
    mut inbound: Vec<Inbound>,
    poll: &Poll,
) -> Option<Vec<Inbound>> {
    loop {
        let mut all = inbound.into_iter();
        while let Some(one) = all.next() {
            match one {
                Inbound::Text(text) => match engine::parse(std::str::from_utf8(&text).ok()?).ok()? {
                    Packet::Ping("probe") => {
                        let pong = frame::whole(Opcode::Text, b"3probe");
                        // A few bytes to a socket that was sent nothing: they fit.
                        link.try_write(&pong).ok().filter(|written| *written == pong.len())?;
                        poll.set_upgrading(true);
                    }
                    Packet::Upgrade => return Some(all.collect()),
                    Packet::Noop => {}
                    _ => return None,
                },
                Inbound::Pong => {}
                Inbound::Ping(_) | Inbound::Binary(_) | Inbound::Close(_) => return None,
            }
        }
        inbound = Vec::new();
        match reader.read(link, &mut inbound).await {
            Ok(Read::Some(Ok(()))) => {}
            Ok(Read::Some(Err(_)) | Read::End) | Err(_) => return None,
        }
    }
}

//! From a request to `/ws` to a WebSocket: who may have one, the answer, and the stream taken back from HTTP.

use hallway_hub::{Link, Tls};
use hallway_protocol::{Error, ErrorCode};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::answers::{Answer, error_answer, unavailable};
use super::client_address::client_address;
use super::handshake::{self, Accepted, Refused};
use super::listener::{Arrival, count};
use crate::connection::admission::{self, Upgraded};
use crate::limits::{AddressPermit, Limits};

/// A place among the connections of the node and of the client's address.
///
/// # Errors
/// The answer to send instead; it is counted already.
pub(super) fn place_among_connections(arrival: &Arrival, headers: &HeaderMap) -> Result<AddressPermit, Box<Answer>> {
    let node = &arrival.node;
    let address = client_address(&node.access(), arrival.peer, headers);
    let refused = |outcome: &str, answer: Answer| {
        tracing::debug!(%address, outcome, "refused");
        count(node, outcome);
        Err(Box::new(answer))
    };
    if node.readiness.is_draining() {
        return refused("draining", unavailable("the node is draining"));
    }
    let is_full = |limits: &Limits| limits.connections > 0 && limits.open() >= limits.connections;
    if is_full(&node.limits()) {
        return refused("full", unavailable("the node is full"));
    }
    let too_many = |what: &str, wait_ms: u64| {
        let error = Error::new(ErrorCode::RateLimited, what).retry_after(wait_ms);
        refused("too-many", error_answer(StatusCode::TOO_MANY_REQUESTS, &error))
    };
    let knock = node.limits().addresses.knock(address);
    if let Err(wait) = knock {
        return too_many("too many handshakes of one address", wait.as_millis() as u64 + 1);
    }
    let permit = node.limits().addresses.enter(address);
    permit.map_or_else(|| too_many("too many connections of one address", 1000), Ok)
}

/// Answers a request to `/ws`: an upgrade, or why there is none.
pub(super) async fn websocket(arrival: Arrival, request: Request<Incoming>) -> Answer {
    let node = &arrival.node;
    let permit = match place_among_connections(&arrival, request.headers()) {
        Ok(permit) => permit,
        Err(answer) => return *answer,
    };
    let (parts, body) = request.into_parts();
    match handshake::check(node, &parts).await {
        Ok(accepted) => {
            let subprotocol = accepted.answer_subprotocol.then(|| accepted.codec.subprotocol());
            let answer = switching(&accepted.accept_key, subprotocol);
            let request = Request::from_parts(parts, body);
            tokio::spawn(take_over(arrival, accepted, permit, request));
            answer
        }
        Err(Refused {
            status,
            error,
            outcome: label,
        }) => {
            tracing::debug!(outcome = label, why = error.message, "refused");
            count(node, label);
            if status == StatusCode::UNAUTHORIZED {
                permit.failed_login();
            }
            error_answer(status, &error)
        }
    }
}

/// RFC 6455 §4.2.2.
pub(super) fn switching(accept_key: &str, subprotocol: Option<&'static str>) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(key) = HeaderValue::from_str(accept_key) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, key);
    }
    if let Some(subprotocol) = subprotocol {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
    }
    answer
}

/// Takes the stream back from HTTP and hands it on.
async fn take_over(arrival: Arrival, accepted: Accepted, permit: AddressPermit, request: Request<Incoming>) {
    let Some((link, begun)) = take_back(request).await else {
        return;
    };
    let Arrival { node, since, place, .. } = arrival;
    let upgraded = Upgraded {
        link,
        codec: accepted.codec,
        identity: accepted.identity,
        begun,
        permit,
        since,
    };
    admission::run(node, upgraded).await;
    drop(place);
}

/// The stream after its upgrade, as a transport, and what was read of it beyond the request. Ends with the connection.
pub(super) async fn take_back(request: Request<Incoming>) -> Option<(Link, Vec<u8>)> {
    let upgraded = hyper::upgrade::on(request).await.ok()?;
    let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => return Some((Link::Tcp(parts.io.into_inner()), parts.read_buf.to_vec())),
        Err(upgraded) => upgraded,
    };
    let Ok(parts) = upgraded.downcast::<TokioIo<TlsStream<TcpStream>>>() else {
        tracing::error!("an upgraded connection is not the stream it was");
        return None;
    };
    let (stream, session) = parts.io.into_inner().into_inner();
    Some((Link::Tls(Box::new(Tls::new(stream, session))), parts.read_buf.to_vec()))
}

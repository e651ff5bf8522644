//! From a request to `/ws` to a WebSocket: who may have one, the answer, and the stream taken back from HTTP.

use hallway_hub::{Link, Tls};
use hallway_protocol::{Error, ErrorCode};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode};
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

/// Answers a request to `/ws`: an upgrade, or why there is none.
pub(super) async fn websocket(arrival: Arrival, request: Request<Incoming>) -> Answer {
    let node = &arrival.node;
    let address = client_address(&node.access(), arrival.peer, request.headers());
    let outcome = |outcome: &str| {
        tracing::debug!(%address, outcome, "refused");
        count(node, outcome);
    };
    if node.readiness.is_draining() {
        outcome("draining");
        return unavailable("the node is draining");
    }
    let is_full = |limits: &Limits| limits.connections > 0 && limits.open() >= limits.connections;
    if is_full(&node.limits()) {
        outcome("full");
        return unavailable("the node is full");
    }
    let knock = node.limits().addresses.knock(address);
    if let Err(wait) = knock {
        outcome("too-many");
        let error = Error::new(ErrorCode::RateLimited, "too many handshakes of one address");
        let wait = error.retry_after(wait.as_millis() as u64 + 1);
        return error_answer(StatusCode::TOO_MANY_REQUESTS, &wait);
    }
    let permit = node.limits().addresses.enter(address);
    let Some(permit) = permit else {
        outcome("too-many");
        let error = Error::new(ErrorCode::RateLimited, "too many connections of one address");
        return error_answer(StatusCode::TOO_MANY_REQUESTS, &error.retry_after(1000));
    };
    let (parts, body) = request.into_parts();
    match handshake::check(node, &parts).await {
        Ok(accepted) => {
            let answer = switching(&accepted);
            let request = Request::from_parts(parts, body);
            tokio::spawn(take_over(arrival, accepted, permit, request));
            answer
        }
        Err(Refused {
            status,
            error,
            outcome: label,
        }) => {
            outcome(label);
            if status == StatusCode::UNAUTHORIZED {
                permit.failed_login();
            }
            error_answer(status, &error)
        }
    }
}

/// RFC 6455 §4.2.2.
fn switching(accepted: &Accepted) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(key) = HeaderValue::from_str(&accepted.accept_key) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, key);
    }
    if accepted.answer_subprotocol {
        headers.insert(
            SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(accepted.codec.subprotocol()),
        );
    }
    answer
}

/// Takes the stream back from HTTP and hands it on.
async fn take_over(arrival: Arrival, accepted: Accepted, permit: AddressPermit, request: Request<Incoming>) {
    let Ok(upgraded) = hyper::upgrade::on(request).await else {
        return;
    };
    let Some((link, begun)) = take_back(upgraded) else {
        tracing::error!("an upgraded connection is not the stream it was");
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

/// The transport, and what was read of it beyond the request.
fn take_back(upgraded: hyper::upgrade::Upgraded) -> Option<(Link, Vec<u8>)> {
    let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => return Some((Link::Tcp(parts.io.into_inner()), parts.read_buf.to_vec())),
        Err(upgraded) => upgraded,
    };
    let parts = upgraded.downcast::<TokioIo<TlsStream<TcpStream>>>().ok()?;
    let (stream, session) = parts.io.into_inner().into_inner();
    Some((Link::Tls(Box::new(Tls::new(stream, session))), parts.read_buf.to_vec()))
}

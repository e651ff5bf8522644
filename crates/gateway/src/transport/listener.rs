//! The public listener. Each connection is a small HTTP server until it is upgraded; then the TCP stream is
//! taken back, so that nothing of HTTP stays with it.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hallway_hub::Link;
use hallway_protocol::{Error, ErrorCode};
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::handshake::{self, Accepted, Refused};
use crate::connection::admission::{self, Upgraded};
use crate::limits::AddressPermit;
use crate::node::Node;

/// How long a connection waits for its place among the handshakes before it is told that there is none (503). A node that
/// takes over another's clients gets through them in this time; who comes after a second would have to anyway.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many connections may wait, for each place there is; beyond these they are dropped.
const WAITING: usize = 8;
/// When a new connection should be tried again, in seconds.
const RETRY_SECONDS: &str = "1";

type Answer = Response<Full<Bytes>>;

/// A connection that is not upgraded yet.
struct Arrival {
    node: Arc<Node>,
    address: SocketAddr,
    since: Instant,
    /// Its place among the handshakes under way; nothing: there was none.
    place: Option<OwnedSemaphorePermit>,
}

/// Accepts until the token is cancelled.
pub async fn run(node: Arc<Node>, listener: TcpListener, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(node.limits.handshakes));
    let waiting = Arc::new(Semaphore::new(node.limits.handshakes.saturating_mul(WAITING)));
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(why) => {
                // Out of descriptors, most likely: those that end free some.
                tracing::warn!(%why, "accept failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(turn) = Arc::clone(&waiting).try_acquire_owned() else {
            node.metrics
                .connections
                .handshakes
                .with_label_values(&["dropped"])
                .inc();
            continue;
        };
        let (node, places) = (Arc::clone(&node), Arc::clone(&places));
        tokio::spawn(async move {
            let since = Instant::now();
            // In the order in which they came.
            let place = tokio::time::timeout(PATIENCE, places.acquire_owned()).await;
            let place = place.ok().and_then(Result::ok);
            // Who gets none keeps its turn until it is told.
            let turn = place.is_none().then_some(turn);
            let arrival = Arrival {
                node,
                address,
                since,
                place,
            };
            serve(arrival, stream).await;
            drop(turn);
        });
    }
}

async fn serve(arrival: Arrival, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let node = Arc::clone(&arrival.node);
    node.metrics.connections.handshakes_open.inc();
    let timeout = node.limits.handshake_timeout;
    let arrival = Arc::new(parking_lot::Mutex::new(Some(arrival)));
    let service = service_fn(|request| {
        let arrival = Arc::clone(&arrival);
        async move { Ok::<_, Infallible>(respond(&arrival, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeout)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // The whole of it is bounded too: a request that comes byte by byte does not stretch it.
    if tokio::time::timeout(timeout, connection).await.is_err() {
        node.metrics
            .connections
            .handshakes
            .with_label_values(&["timeout"])
            .inc();
    }
    node.metrics.connections.handshakes_open.dec();
}

async fn respond(arrival: &parking_lot::Mutex<Option<Arrival>>, request: Request<Incoming>) -> Answer {
    let taken = arrival.lock().take();
    let Some(mut this) = taken else {
        return not_found();
    };
    if this.place.is_none() {
        this.node
            .metrics
            .connections
            .handshakes
            .with_label_values(&["busy"])
            .inc();
        return unavailable("too many handshakes at once");
    }
    if request.uri().path() == "/ws" {
        return websocket(this, request).await;
    }
    let answer = crate::http::demo::respond(&this.node, request)
        .await
        .unwrap_or_else(not_found);
    // A page may be followed by other requests on the same connection.
    this.since = Instant::now();
    *arrival.lock() = Some(this);
    answer
}

async fn websocket(arrival: Arrival, request: Request<Incoming>) -> Answer {
    let node = &arrival.node;
    let outcome = |outcome: &str| node.metrics.connections.handshakes.with_label_values(&[outcome]).inc();
    if node.readiness.is_draining() {
        outcome("draining");
        return unavailable("the node is draining");
    }
    let full = node.limits.connections > 0 && node.limits.open.load(Ordering::Relaxed) >= node.limits.connections;
    if full {
        outcome("full");
        return unavailable("the node is full");
    }
    let Some(permit) = node
        .limits
        .addresses
        .enter(client_address(node, arrival.address.ip(), request.headers()))
    else {
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
            error_answer(status, &error)
        }
    }
}

/// The client's own address: what the nearest proxy that is not ours says it is, and the peer's where no proxy
/// of ours stands before it.
fn client_address(node: &Node, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let trusted = |address: IpAddr| node.access.trusted_proxies.iter().any(|proxy| proxy.contains(address));
    let forwarded = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut hops: Vec<IpAddr> = forwarded
        .flat_map(|value| value.split(','))
        .filter_map(|hop| hop.trim().parse().ok())
        .collect();
    let mut address = peer;
    // From the right: each hop was written by the one behind it, which must be ours to be believed.
    while trusted(address) {
        match hops.pop() {
            Some(hop) => address = hop,
            None => break,
        }
    }
    address
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

/// Takes the TCP stream back from HTTP and hands it on.
async fn take_over(arrival: Arrival, accepted: Accepted, permit: AddressPermit, request: Request<Incoming>) {
    let Ok(upgraded) = hyper::upgrade::on(request).await else {
        return;
    };
    let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else {
        tracing::error!("an upgraded connection is not the TCP stream it was");
        return;
    };
    let Arrival { node, since, place, .. } = arrival;
    let upgraded = Upgraded {
        link: Link::Tcp(parts.io.into_inner()),
        codec: accepted.codec,
        identity: accepted.identity,
        begun: parts.read_buf.to_vec(),
        permit,
        since,
    };
    admission::run(node, upgraded).await;
    drop(place);
}

fn not_found() -> Answer {
    error_answer(StatusCode::NOT_FOUND, &Error::new(ErrorCode::NotFound, "not here"))
}

fn unavailable(why: &str) -> Answer {
    error_answer(
        StatusCode::SERVICE_UNAVAILABLE,
        &Error::new(ErrorCode::Unavailable, why).retry_after(1000),
    )
}

/// An error as the backend API writes it.
pub(crate) fn error_answer(status: StatusCode, error: &Error) -> Answer {
    let body = serde_json::to_vec(&serde_json::json!({ "error": error })).unwrap_or_default();
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if error.retry_after_ms.is_some() {
        headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
    }
    answer
}

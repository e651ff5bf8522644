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
use super::socketio;
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

pub(super) type Answer = Response<Full<Bytes>>;

/// A connection that is not upgraded yet.
pub(super) struct Arrival {
    pub(super) node: Arc<Node>,
    address: SocketAddr,
    since: Instant,
    /// Its place among the handshakes under way; nothing: there was none.
    pub(super) place: Option<OwnedSemaphorePermit>,
    /// Whether it needs none any more.
    settled: bool,
    /// Until when the connection may be HTTP.
    until: Arc<parking_lot::Mutex<tokio::time::Instant>>,
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
                settled: false,
                until: Arc::new(parking_lot::Mutex::new(tokio::time::Instant::now())),
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
    let until = Arc::clone(&arrival.until);
    *until.lock() = tokio::time::Instant::now() + timeout;
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
    let in_time = tokio::select! {
        _ = connection => true,
        () = passed(&until) => false,
    };
    if !in_time {
        node.metrics
            .connections
            .handshakes
            .with_label_values(&["timeout"])
            .inc();
    }
    node.metrics.connections.handshakes_open.dec();
}

/// Waits until the time has passed, also where it is put off meanwhile.
async fn passed(until: &parking_lot::Mutex<tokio::time::Instant>) {
    loop {
        let then = *until.lock();
        if then <= tokio::time::Instant::now() {
            return;
        }
        tokio::time::sleep_until(then).await;
    }
}

impl Arrival {
    /// It belongs to a session that is known: it gives up its place, and may be HTTP until the session's next ping must
    /// have been answered.
    pub(super) fn settle(&mut self) {
        let limits = &self.node.limits;
        let patience = limits.ping_interval + limits.pong_timeout + limits.handshake_timeout;
        *self.until.lock() = tokio::time::Instant::now() + patience;
        self.place = None;
        self.settled = true;
    }
}

async fn respond(arrival: &parking_lot::Mutex<Option<Arrival>>, request: Request<Incoming>) -> Answer {
    let taken = arrival.lock().take();
    let Some(mut this) = taken else {
        return not_found();
    };
    if this.place.is_none() && !this.settled {
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
    if request.uri().path().trim_end_matches('/') == socketio::PATH {
        let mut left = Some(this);
        let answer = socketio::http::respond(&mut left, request).await;
        if let Some(this) = &mut left {
            this.since = Instant::now();
        }
        *arrival.lock() = left;
        return answer;
    }
    let answer = crate::http::demo::respond(&this.node, request)
        .await
        .unwrap_or_else(not_found);
    // A page may be followed by other requests on the same connection.
    this.since = Instant::now();
    *arrival.lock() = Some(this);
    answer
}

/// A place among the connections of the node and of the client's address.
///
/// # Errors
/// The answer to send instead.
pub(super) fn place_among_connections(arrival: &Arrival, headers: &HeaderMap) -> Result<AddressPermit, Box<Answer>> {
    let node = &arrival.node;
    let outcome = |outcome: &str| node.metrics.connections.handshakes.with_label_values(&[outcome]).inc();
    if node.readiness.is_draining() {
        outcome("draining");
        return Err(Box::new(unavailable("the node is draining")));
    }
    let full = node.limits.connections > 0 && node.limits.open.load(Ordering::Relaxed) >= node.limits.connections;
    if full {
        outcome("full");
        return Err(Box::new(unavailable("the node is full")));
    }
    let address = client_address(node, arrival.address.ip(), headers);
    node.limits.addresses.enter(address).ok_or_else(|| {
        outcome("too-many");
        let error = Error::new(ErrorCode::RateLimited, "too many connections of one address");
        Box::new(error_answer(StatusCode::TOO_MANY_REQUESTS, &error.retry_after(1000)))
    })
}

async fn websocket(arrival: Arrival, request: Request<Incoming>) -> Answer {
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
            node.metrics.connections.handshakes.with_label_values(&[label]).inc();
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

/// Takes the TCP stream back from HTTP, with what was read of it already.
pub(super) async fn take_back(request: Request<Incoming>) -> Option<(Link, Vec<u8>)> {
    let upgraded = hyper::upgrade::on(request).await.ok()?;
    let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else {
        tracing::error!("an upgraded connection is not the TCP stream it was");
        return None;
    };
    Some((Link::Tcp(parts.io.into_inner()), parts.read_buf.to_vec()))
}

/// Takes the TCP stream back from HTTP and hands it on.
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

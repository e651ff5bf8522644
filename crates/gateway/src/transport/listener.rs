//! The public listener. Each connection is a small HTTP server until it is upgraded; then the stream is
//! taken back, so that nothing of HTTP stays with it.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::answers::{Answer, not_found, unavailable};
use super::tls::NotAccepted;
use super::upgrade::websocket;
use super::{proxy_protocol, socketio};
use crate::node::Node;

/// How long a connection waits for its place among the handshakes before it is told that there is none (503). A node that
/// takes over another's clients gets through them in this time; who comes after a second would have to anyway.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many connections may wait, for each place there is; beyond these they are dropped.
const WAITING: usize = 8;
/// Most bytes that are read of who speaks something else than TLS, so that the answer reaches them.
const LEFTOVER: u64 = 16 * 1024;

/// A connection that is not upgraded yet.
pub(super) struct Arrival {
    pub(super) node: Arc<Node>,
    /// Whom it comes from: a client, or a proxy that has not said whose connection it is.
    pub(super) peer: IpAddr,
    pub(super) since: Instant,
    /// Its place among the handshakes under way; nothing: there was none.
    pub(super) place: Option<OwnedSemaphorePermit>,
    /// Whether it needs none any more.
    settled: bool,
    /// Until when it may be HTTP.
    until: Arc<Mutex<tokio::time::Instant>>,
}

impl Arrival {
    /// It belongs to a session that is known: it gives up its place, and may be HTTP until the session's next ping must
    /// have been answered.
    pub(super) fn settle(&mut self) {
        let limits = self.node.limits();
        let patience = limits.ping_interval + limits.pong_timeout + limits.handshake_timeout;
        *self.until.lock() = tokio::time::Instant::now() + patience;
        self.place = None;
        self.settled = true;
    }
}

/// Accepts until the token is cancelled.
pub async fn run(node: Arc<Node>, listener: TcpListener, stop: CancellationToken) {
    let most = node.limits().handshakes;
    let places = Arc::new(Semaphore::new(most));
    let waiting = Arc::new(Semaphore::new(most.saturating_mul(WAITING)));
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
            count(&node, "dropped");
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
                peer: address.ip().to_canonical(),
                since,
                place,
                settled: false,
                until: Arc::new(Mutex::new(tokio::time::Instant::now())),
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
    // The whole of it is bounded: a request that comes byte by byte does not stretch it.
    let timeout = node.limits().handshake_timeout;
    let until = Arc::clone(&arrival.until);
    *until.lock() = tokio::time::Instant::now() + timeout;
    tokio::select! {
        () = receive(arrival, stream, timeout) => {}
        () = passed(&until) => count(&node, "timeout"),
    }
    node.metrics.connections.handshakes_open.dec();
}

/// Waits until the time has passed, also where it is put off meanwhile.
async fn passed(until: &Mutex<tokio::time::Instant>) {
    loop {
        let then = *until.lock();
        if then <= tokio::time::Instant::now() {
            return;
        }
        tokio::time::sleep_until(then).await;
    }
}

/// What comes before HTTP: a proxy's word on whose connection it is, and TLS.
async fn receive(mut arrival: Arrival, mut stream: TcpStream, timeout: Duration) {
    let node = Arc::clone(&arrival.node);
    if says_whose_it_is(&node, arrival.peer) {
        match proxy_protocol::client_address(&mut stream, arrival.peer).await {
            Ok(address) => arrival.peer = address,
            Err(why) => {
                tracing::debug!(proxy = %arrival.peer, %why, "a trusted proxy sent no PROXY header");
                return count(&node, "proxy-header");
            }
        }
    }
    let Some(tls) = &node.listeners.public else {
        return http(arrival, stream, timeout).await;
    };
    if arrival.place.is_none() {
        // An answer would cost the handshake that there is no place for.
        return count(&node, "busy");
    }
    match tls.accept(stream).await {
        Ok(stream) => http(arrival, stream, timeout).await,
        Err(NotAccepted::Plain(stream)) => {
            count(&node, "not-tls");
            say_tls_is_needed(stream).await;
        }
        Err(NotAccepted::Failed(why)) => {
            tracing::debug!(peer = %arrival.peer, %why, "no TLS");
            count(&node, "tls");
        }
    }
}

fn says_whose_it_is(node: &Node, peer: IpAddr) -> bool {
    let access = node.access();
    access.proxy_protocol && access.trusts(peer)
}

/// For who has forgotten the `s` of `https` or `wss`.
async fn say_tls_is_needed(mut stream: TcpStream) {
    const ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\
        Content-Length: 21\r\n\r\nthis port speaks TLS\n";
    let _ = stream.write_all(ANSWER).await;
    // Closed with the request unread, the answer could be lost on its way.
    let _ = stream.shutdown().await;
    let _ = tokio::io::copy(&mut stream.take(LEFTOVER), &mut tokio::io::sink()).await;
}

async fn http<S>(arrival: Arrival, stream: S, timeout: Duration)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let arrival = Arc::new(Mutex::new(Some(arrival)));
    let service = service_fn(|request| {
        let arrival = Arc::clone(&arrival);
        async move {
            let mut answer = respond(&arrival, request).await;
            if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                crate::http::security::harden(answer.headers_mut());
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeout)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // An error is the client's, and the end of it.
    let _ = connection.await;
}

async fn respond(arrival: &Mutex<Option<Arrival>>, request: Request<Incoming>) -> Answer {
    let taken = arrival.lock().take();
    let Some(mut this) = taken else {
        return not_found();
    };
    if this.place.is_none() && !this.settled {
        count(&this.node, "busy");
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

pub(super) fn count(node: &Node, outcome: &str) {
    node.metrics.connections.handshakes.with_label_values(&[outcome]).inc();
}

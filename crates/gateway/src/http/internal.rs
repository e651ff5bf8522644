//! The internal listener: connections in, each a small HTTP server over TLS or without.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::node::Node;

/// Most connections at once. Backends keep a few each; beyond it the next waits in the kernel.
const CONNECTIONS: usize = 4096;
/// How long TLS's handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a connection may say nothing between requests, or take for a request's headers.
const QUIET: Duration = Duration::from_secs(75);

/// Serves until the token is cancelled, and what is under way then to its end.
pub(super) async fn run(node: Arc<Node>, router: Router, listener: TcpListener, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            // Those that have ended are forgotten.
            Some(_) = connections.join_next() => continue,
            next = next => next,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = connection(Arc::clone(&node), router.clone(), stream, stop.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(why) => {
                // Out of descriptors, most likely: those that end free some.
                tracing::warn!(%why, "accept failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(node: Arc<Node>, router: Router, stream: TcpStream, stop: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let Some(tls) = &node.listeners.internal else {
        return http(router, stream, stop).await;
    };
    // What is no TLS is closed: nobody types this listener's address into a browser.
    match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => http(router, stream, stop).await,
        Ok(Err(why)) => tracing::debug!(?why, "no TLS on the internal listener"),
        Err(_) => tracing::debug!("no TLS on the internal listener in time"),
    }
}

async fn http<S>(router: Router, stream: S, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(QUIET)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // An error is the client's, and the end of it.
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

//! HTTP beside the WebSockets: the internal listener ([`serve`]) with the backend API, metrics and health, and
//! the demo page of the public one.

pub mod api;
pub mod demo;
mod health;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::node::Node;

/// Everything on the internal listener.
pub fn router(node: Arc<Node>) -> Router {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .with_state(Arc::clone(&node))
        .merge(api::router(node))
}

/// Serves the internal listener until the token is cancelled, and what is under way then to its end.
pub async fn serve(node: Arc<Node>, listener: TcpListener, stop: CancellationToken) {
    let served = axum::serve(listener, router(node)).with_graceful_shutdown(async move { stop.cancelled().await });
    if let Err(why) = served.await {
        tracing::error!(%why, "the internal listener ended");
    }
}

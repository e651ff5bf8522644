//! HTTP beside the WebSockets: the internal listener ([`serve`]) with the backend API, metrics and health, and
//! the demo page of the public one. [`security`] is what all of them say to browsers.

pub mod api;
pub mod demo;
mod health;
mod internal;
pub(crate) mod security;

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
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
        .layer(axum::middleware::map_response(hardened))
}

async fn hardened(mut answer: Response) -> Response {
    security::harden(answer.headers_mut());
    answer
}

/// Serves the internal listener until the token is cancelled, and what is under way then to its end.
pub async fn serve(node: Arc<Node>, listener: TcpListener, stop: CancellationToken) {
    let router = router(Arc::clone(&node));
    internal::run(node, router, listener, stop).await;
}

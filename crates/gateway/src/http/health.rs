//! `/healthz`: the process lives. `/readyz`: it can do its job. `/metrics`: how it does.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::node::Node;

pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

pub(super) async fn readyz(State(node): State<Arc<Node>>) -> Response {
    let report = node.readiness.report();
    let status = if report.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(report)).into_response()
}

pub(super) async fn metrics(State(node): State<Arc<Node>>) -> Response {
    let process = Arc::clone(&node);
    // It reads files, and may count descriptors. What cannot be read keeps its value.
    let _ = tokio::task::spawn_blocking(move || process.metrics.process.refresh()).await;
    node.refresh_gauges();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], node.metrics.expose()).into_response()
}

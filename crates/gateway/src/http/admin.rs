//! The console, `/admin` on the internal listener: static files that ask the backend API, with a key that is typed in.
//! The files themselves say nothing about the node, so they need no key.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::StatusCode;

use super::pages::{self, File};

macro_rules! files {
    ($($path:literal: $file:literal,)+) => {
        [$(File { path: concat!("/admin", $path), text: include_str!(concat!("admin/", $file)) },)+]
    };
}

const FILES: [File; 11] = files! {
    "/": "index.html",
    "/admin.css": "admin.css",
    "/main.js": "main.js",
    "/page.js": "page.js",
    "/api.js": "api.js",
    "/figures.js": "figures.js",
    "/metrics.js": "metrics.js",
    "/chart.js": "chart.js",
    "/overview.js": "overview.js",
    "/room.js": "room.js",
    "/user.js": "user.js",
};

/// The console's routes.
pub(super) fn router() -> Router {
    Router::new()
        .route("/admin", get(|| async { Redirect::permanent("/admin/") }))
        .route("/admin/", get(file))
        .route("/admin/{file}", get(file))
}

async fn file(request: Request) -> Response {
    match pages::find(&FILES, request.uri().path()) {
        Some(answer) => answer.map(Body::new),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

//! The one HTTP client for what is outside: HTTP/1.1, over TLS where the URL says so, with the system's authorities.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Request, request};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// A client that keeps connections and follows no redirects. It has no timeout of its own: whoever asks sets one.
pub type HttpsClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// How long a connection is kept that nobody needs.
const IDLE: Duration = Duration::from_secs(30);

/// A client that keeps at most `idle` connections to each host.
///
/// # Errors
/// The system's authorities cannot be read.
pub fn client(idle: usize) -> std::io::Result<HttpsClient> {
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())?
        .https_or_http()
        .enable_http1()
        .build();
    Ok(Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(idle)
        .build(connector))
}

/// A call with a JSON body.
///
/// # Errors
/// What was put together before is no request.
pub fn json(request: request::Builder, body: Bytes) -> http::Result<Request<Full<Bytes>>> {
    request
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("hallway/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(body))
}

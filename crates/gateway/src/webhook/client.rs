//! The HTTP client with which backends are called, and how a call is made.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Request, request};
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// Calls backends; follows no redirects.
pub(crate) type Http = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client that keeps at most so many connections at rest.
///
/// # Errors
/// The system's authorities cannot be read.
pub(crate) fn new(connections: usize) -> io::Result<Http> {
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())?
        .https_or_http()
        .enable_http1()
        .build();
    Ok(Client::builder(TokioExecutor::new())
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(connections)
        .build(connector))
}

/// A call with a JSON body.
pub(crate) fn json(request: request::Builder, body: Bytes) -> http::Result<Request<Full<Bytes>>> {
    request
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("hallway/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(body))
}

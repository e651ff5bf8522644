//! Calls to the collector, with the HTTP client and the TLS that the rest of the node uses.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;

use crate::https::{self, HttpsClient};

/// Largest answer that is read.
const ANSWER: usize = 64 * 1024;

/// A collector of spans. It is called from a thread that has no runtime, so calls are made on the node's.
#[derive(Debug)]
pub(super) struct Collector {
    client: HttpsClient,
    runtime: Handle,
    timeout: Duration,
}

impl Collector {
    pub(super) fn new(timeout: Duration) -> std::io::Result<Self> {
        Ok(Self {
            client: https::client(1)?,
            runtime: Handle::current(),
            timeout,
        })
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (client, timeout) = (self.client.clone(), self.timeout);
        let exchange = async move {
            let response = client.request(request.map(Full::new)).await?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, ANSWER).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(head, body))
        };
        let call = self
            .runtime
            .spawn(async move { tokio::time::timeout(timeout, exchange).await });
        call.await??
    }
}

//! Questions to the operator's own backend over HTTP: signed, timed, bounded, and not asked of one that does not answer.

mod breaker;
pub(crate) mod client;
mod signature;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hallway_protocol::{Error, ErrorCode};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use breaker::Breaker;
use client::Http;
pub use signature::Signer;

use crate::metrics::Metrics;

/// Largest answer that is read.
const ANSWER: usize = 64 * 1024;
/// Questions that may wait for a connection, for each that may be under way.
const WAITING: usize = 16;

/// How to ask a backend.
#[derive(Debug, Clone)]
pub struct WebhookOptions {
    /// What it is asked about; the label of its metrics.
    pub name: &'static str,
    /// Where.
    pub url: Uri,
    /// How long one question may take, from its place in line to the last byte of the answer.
    pub timeout: Duration,
    /// Questions under way at once.
    pub concurrency: usize,
    /// So many failures in a row, and it is left alone for `pause`.
    pub failures: u32,
    /// Then one question is tried, and the others wait for how it goes.
    pub pause: Duration,
}

/// A backend that is asked.
pub struct Webhook {
    options: WebhookOptions,
    signer: Arc<Signer>,
    client: Http,
    places: Semaphore,
    waiting: Semaphore,
    breaker: Breaker,
    metrics: Arc<Metrics>,
}

/// Why there is no answer. For the log; clients learn only that it is away.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("too many questions wait")]
    Full,
    #[error("it is left alone for a while, since it failed")]
    Open,
    #[error("it did not answer in time")]
    Timeout,
    #[error("it could not be reached: {0}")]
    Unreachable(hyper_util::client::legacy::Error),
    #[error("it answered with HTTP {0}")]
    Status(StatusCode),
    #[error("its answer cannot be read: {0}")]
    Unreadable(String),
}

impl Failure {
    fn outcome(&self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Open => "open",
            Self::Timeout => "timeout",
            Self::Unreachable(_) => "unreachable",
            Self::Status(_) => "status",
            Self::Unreadable(_) => "unreadable",
        }
    }

    /// Whether it says something about the backend, and not about us.
    fn counts(&self) -> bool {
        !matches!(self, Self::Full | Self::Open)
    }
}

impl Webhook {
    /// A backend at a URL. Questions are signed by `signer`.
    pub fn new(options: WebhookOptions, signer: Arc<Signer>, metrics: Arc<Metrics>) -> std::io::Result<Self> {
        Ok(Self {
            client: client::new(options.concurrency)?,
            places: Semaphore::new(options.concurrency),
            waiting: Semaphore::new(options.concurrency * WAITING),
            breaker: Breaker::new(options.failures, options.pause),
            options,
            signer,
            metrics,
        })
    }

    /// Asks, and reads the answer of a `200`. A `403` is the answer that `refused` stands for. May be dropped at any time.
    ///
    /// # Errors
    /// `unavailable`: it gave no answer that means something.
    pub async fn ask<A: DeserializeOwned>(&self, question: &impl Serialize, refused: A) -> Result<A, Error> {
        let body = serde_json::to_vec(question).map_err(|_| Error::new(ErrorCode::Internal, "internal error"))?;
        let began = tokio::time::Instant::now();
        let answer = self.guarded(Bytes::from(body), refused).await;
        let (name, outcome) = (
            self.options.name,
            answer.as_ref().map_or_else(Failure::outcome, |_| "ok"),
        );
        self.metrics.webhooks.asked.with_label_values(&[name, outcome]).inc();
        self.metrics
            .webhooks
            .seconds
            .with_label_values(&[name])
            .observe(began.elapsed().as_secs_f64());
        answer.map_err(|why| {
            tracing::warn!(webhook = name, %why, "the backend gave no answer");
            let retry = self.options.pause.as_millis() as u64;
            Error::new(ErrorCode::Unavailable, "the backend is away").retry_after(retry)
        })
    }

    async fn guarded<A: DeserializeOwned>(&self, body: Bytes, refused: A) -> Result<A, Failure> {
        let Ok(_waiting) = self.waiting.try_acquire() else {
            return Err(Failure::Full);
        };
        let Some(attempt) = self.breaker.attempt() else {
            return Err(Failure::Open);
        };
        let exchange = tokio::time::timeout(self.options.timeout, self.exchange(body, refused));
        let answer = exchange.await.unwrap_or(Err(Failure::Timeout));
        match &answer {
            Err(why) if why.counts() => attempt.failed(),
            _ => attempt.succeeded(),
        }
        answer
    }

    async fn exchange<A: DeserializeOwned>(&self, body: Bytes, refused: A) -> Result<A, Failure> {
        let Ok(_place) = self.places.acquire().await else {
            return Err(Failure::Full);
        };
        let request = self.signer.sign(Request::post(self.options.url.clone()), &body);
        let request = client::json(request, body).map_err(|why| Failure::Unreadable(why.to_string()))?;
        let response = self.client.request(request).await.map_err(Failure::Unreachable)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::FORBIDDEN => return Ok(refused),
            status => return Err(Failure::Status(status)),
        }
        let body = Limited::new(response.into_body(), ANSWER).collect().await;
        let body = body.map_err(|why| Failure::Unreadable(why.to_string()))?;
        serde_json::from_slice(&body.to_bytes()).map_err(|why| Failure::Unreadable(why.to_string()))
    }
}

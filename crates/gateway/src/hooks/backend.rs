//! One call to the backend, and what its answer means.

use std::time::Duration;

use bytes::Bytes;
use hallway_bus::Entry;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};

use crate::clock::unix_ms;
use crate::webhook::Signer;
use crate::webhook::client::{Http, json};

/// Most of an answer that is read, so that its connection can be used again. What it says does not matter.
const ANSWER: usize = 64 * 1024;
/// Longest wait that a backend may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Who is told.
pub(super) struct Backend {
    pub(super) url: Uri,
    pub(super) client: Http,
    pub(super) signer: Signer,
    /// For one call, to the last byte of the answer.
    pub(super) timeout: Duration,
}

/// What became of a call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has the event.
    Taken,
    /// It does not want it: 410.
    Unwanted,
    /// It is to be called again.
    Failed(Failure),
}

/// Why it is to be called again.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// The label of the metric.
    pub(super) outcome: &'static str,
    /// For the log.
    pub(super) why: String,
    /// Whether the backend is not there, or asks for patience: that says nothing about the event.
    pub(super) is_away: bool,
    /// How long it asks to be left alone.
    pub(super) wait: Option<Duration>,
}

impl Answer {
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Unwanted => "unwanted",
            Self::Failed(failure) => failure.outcome,
        }
    }

    fn failed(outcome: &'static str, why: String, is_away: bool) -> Self {
        Self::Failed(Failure {
            outcome,
            why,
            is_away,
            wait: None,
        })
    }
}

impl Backend {
    /// Tells it. May be dropped at any time; it may have the event then.
    pub(super) async fn tell(&self, entry: &Entry) -> Answer {
        let called = tokio::time::timeout(self.timeout, self.call(&entry.id, entry.body.clone()));
        called
            .await
            .unwrap_or_else(|_| Answer::failed("timeout", "it did not answer in time".into(), false))
    }

    async fn call(&self, id: &str, body: Bytes) -> Answer {
        // The time is that of the call: a backend refuses one whose time is long ago, as it would a recorded one.
        let request = self
            .signer
            .sign_as(Request::post(self.url.clone()), &body, id, unix_ms() / 1000);
        let request = match json(request, body) {
            Ok(request) => request,
            Err(why) => return Answer::failed("status", format!("it cannot be called: {why}"), false),
        };
        let response = match self.client.request(request).await {
            Ok(response) => response,
            Err(why) => {
                let text = format!("it could not be reached: {why}");
                return Answer::failed("unreachable", text, why.is_connect());
            }
        };
        let (parts, body) = response.into_parts();
        // An event is taken when the status says so, also where the rest of the answer is lost.
        let _ = Limited::new(body, ANSWER).collect().await;
        judge(parts.status, &parts.headers)
    }
}

fn judge(status: StatusCode, headers: &HeaderMap) -> Answer {
    match status {
        status if status.is_success() => Answer::Taken,
        StatusCode::GONE => Answer::Unwanted,
        status => Answer::Failed(Failure {
            outcome: "status",
            why: format!("it answered with HTTP {}", status.as_u16()),
            // What a proxy says for a backend that is not there, and a backend that has too much to do.
            is_away: matches!(status.as_u16(), 429 | 502 | 503 | 504),
            wait: wait_of(headers),
        }),
    }
}

/// `Retry-After` in seconds (RFC 9110, 10.2.3); one with a date is passed over.
fn wait_of(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_status_means() {
        let none = HeaderMap::new();
        for status in [200, 201, 204] {
            assert_eq!(judge(StatusCode::from_u16(status).unwrap(), &none), Answer::Taken);
        }
        assert_eq!(judge(StatusCode::GONE, &none), Answer::Unwanted);
        let failure = |status, headers: &HeaderMap| match judge(StatusCode::from_u16(status).unwrap(), headers) {
            Answer::Failed(failure) => (failure.is_away, failure.wait),
            other => panic!("{other:?}"),
        };
        for status in [301, 400, 401, 403, 404, 413, 500] {
            assert_eq!(failure(status, &none), (false, None), "{status}");
        }
        let mut headers = HeaderMap::new();
        for (text, wait) in [("7", Some(7)), ("99999999", Some(3600)), ("soon", None)] {
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            for status in [429, 502, 503, 504] {
                assert_eq!(
                    failure(status, &headers),
                    (true, wait.map(Duration::from_secs)),
                    "{status}"
                );
            }
        }
    }
}

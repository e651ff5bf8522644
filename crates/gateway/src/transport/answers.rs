//! What the public listener answers where there is no WebSocket and no page: errors, as the backend API writes them.

use bytes::Bytes;
use hallway_protocol::{Error, ErrorCode};
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;

/// When a new connection should be tried again, in seconds.
const RETRY_SECONDS: &str = "1";

/// An answer of the public listener.
pub(crate) type Answer = Response<Full<Bytes>>;

pub(super) fn not_found() -> Answer {
    error_answer(StatusCode::NOT_FOUND, &Error::new(ErrorCode::NotFound, "not here"))
}

pub(super) fn unavailable(why: &str) -> Answer {
    error_answer(
        StatusCode::SERVICE_UNAVAILABLE,
        &Error::new(ErrorCode::Unavailable, why).retry_after(1000),
    )
}

/// An error as the backend API writes it.
pub(crate) fn error_answer(status: StatusCode, error: &Error) -> Answer {
    let body = serde_json::to_vec(&serde_json::json!({ "error": error })).unwrap_or_default();
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if error.retry_after_ms.is_some() {
        headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
    }
    answer
}

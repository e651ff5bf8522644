//! What can go wrong.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL, a header or a subprotocol cannot be used.
    #[error("cannot connect: {0}")]
    Options(String),
    /// The handshake was refused.
    #[error("the handshake was refused with HTTP {status}: {body}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Milliseconds from `Retry-After`, where it was given in seconds.
        retry_after_ms: Option<u64>,
        /// The body, as far as it came along with the head.
        body: String,
    },
    /// The handshake went through, but the server closed before its hello.
    #[error("closed before the hello: {0}")]
    Closed(Closed),
    /// No hello within `connect_timeout`.
    #[error("no hello within the time allowed")]
    Timeout,
    /// The connection failed, or what came was not the protocol.
    #[error("the connection failed: {0}")]
    Transport(String),
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code} {reason}")]
pub struct Closed {
    /// The close code; 1006 where none came.
    pub code: u16,
    /// The server's reason; with 1006 what failed.
    pub reason: String,
}

impl Closed {
    /// No close frame came.
    pub(crate) fn abnormal(reason: impl Into<String>) -> Self {
        Self {
            code: 1006,
            reason: reason.into(),
        }
    }
}

/// Why a request has no answer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The server answered with an error.
    #[error("{0}")]
    Server(ServerError),
    /// No reply within `request_timeout`. Whether it was done is not known.
    #[error("no reply within the time allowed")]
    Timeout,
    /// The connection ended first. Whether it was done is not known.
    #[error("the connection is closed: {0}")]
    Closed(Closed),
    /// There is no connection just now; nothing was sent. Of a [`crate::Session`] only.
    #[error("not connected")]
    Disconnected,
    /// The arguments cannot be written in the codec; nothing was sent.
    #[error("the arguments cannot be sent: {0}")]
    Args(String),
}

impl RequestError {
    /// The server's error code, if it is the server's error.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Server(error) => Some(&error.code),
            _ => None,
        }
    }
}

/// The error object of a reply.
#[derive(Debug, Clone, PartialEq, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{code}: {message}")]
pub struct ServerError {
    /// What a program branches on.
    pub code: String,
    /// For people.
    #[serde(default)]
    pub message: String,
    /// When to try again, counted from now.
    pub retry_after_ms: Option<u64>,
    /// With `bad-args`, the argument.
    pub field: Option<String>,
    /// Whatever else the object holds.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

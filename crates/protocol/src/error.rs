//! The catalogue of error codes, and the error object of replies and of the backend API.

use serde::{Deserialize, Serialize};

use crate::catalogue::catalogue;

catalogue! {
    /// Why a request was not done. Clients branch on it; the message beside it is for people.
    pub enum ErrorCode: &'static str {
        /// The frame could not be read: not an object of the protocol, or not of the agreed codec.
        BadFrame = "bad-frame",
        /// An argument is missing, unknown or of the wrong form; `field` names it.
        BadArgs = "bad-args",
        /// There is no such endpoint.
        UnknownEndpoint = "unknown-endpoint",
        /// The request needs someone who is signed in.
        Unauthenticated = "unauthenticated",
        /// This identity may not do that.
        Forbidden = "forbidden",
        /// There is no such thing.
        NotFound = "not-found",
        /// The request needs a socket that is in the room.
        NotInRoom = "not-in-room",
        /// It contradicts what is already there, such as one room too many on a socket.
        Conflict = "conflict",
        /// Larger than allowed.
        TooLarge = "too-large",
        /// Too much in too short a time; `retryAfterMs` says when to come again.
        RateLimited = "rate-limited",
        /// Redis or the database is away; nothing was promised; `retryAfterMs` says when to come again.
        Unavailable = "unavailable",
        /// A fault of the gateway's own.
        Internal = "internal",
    }
}

impl ErrorCode {
    /// The HTTP status that carries this code on the backend API.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::BadFrame | Self::BadArgs => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::UnknownEndpoint | Self::NotFound => 404,
            Self::NotInRoom | Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.wire())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.wire() == text)
            .ok_or_else(|| serde::de::Error::custom("not an error code"))
    }
}

/// An error as clients and backends see it. The message never carries internal text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{}: {message}", code.wire())]
pub struct Error {
    /// What a program branches on.
    pub code: ErrorCode,
    /// What a person reads.
    pub message: String,
    /// The argument that is wrong, with [`ErrorCode::BadArgs`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// When to come again, with [`ErrorCode::RateLimited`] and [`ErrorCode::Unavailable`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after_ms: Option<u64>,
    /// The lobby that the user is in already, with [`ErrorCode::Conflict`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lobby: Option<Box<crate::Lobby>>,
}

impl Error {
    /// An error with a code and a sentence.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
            retry_after_ms: None,
            lobby: None,
        }
    }

    /// A wrong argument, named.
    #[must_use]
    pub fn bad_args(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            ..Self::new(ErrorCode::BadArgs, message)
        }
    }

    /// The same error, with the time after which to come again.
    #[must_use]
    pub fn retry_after(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }
}

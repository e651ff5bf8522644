//! The one place where the errors of the parts become codes of the protocol. Internal text is logged, never
//! sent.

use hallway_auth::TokenError;
use hallway_bus::BusError;
use hallway_protocol::{Error, ErrorCode};
use hallway_store::StoreError;

use crate::revocation::NotAdmitted;

/// How long a client should wait for Redis, in milliseconds.
const RETRY_BUS: u64 = 1000;
/// How long for the source of keys, which at first is asked anew a second after a failure, and for that of sessions.
const RETRY_KEYS: u64 = 1000;
/// How long where only a queue was full.
const RETRY_BUSY: u64 = 100;

/// An error of the store.
#[must_use]
pub fn from_store(why: StoreError) -> Error {
    match why {
        StoreError::Busy => Error::new(ErrorCode::Unavailable, "too much is asked at once").retry_after(RETRY_BUSY),
        StoreError::Invalid(why) => Error::new(ErrorCode::BadArgs, why),
        StoreError::NotFound(what) => Error::new(ErrorCode::NotFound, format!("there is no such {what}")),
        StoreError::Conflict(why) => Error::new(ErrorCode::Conflict, why),
        StoreError::Unavailable { why, .. } => {
            tracing::debug!(why, "the database is away");
            Error::new(ErrorCode::Unavailable, "the database is away").retry_after(RETRY_BUS)
        }
        why @ (StoreError::Setting { .. } | StoreError::Refused(_)) => {
            tracing::error!(%why, "the database refused a question");
            Error::new(ErrorCode::Internal, "internal error")
        }
    }
}

/// Why someone is not let in.
#[must_use]
pub fn from_revocation(why: NotAdmitted) -> Error {
    match why {
        NotAdmitted::Revoked | NotAdmitted::SessionOver => Error::new(ErrorCode::Unauthenticated, why.close().1),
        NotAdmitted::Unknown => from_bus(BusError::Timeout),
    }
}

/// An error of the bus.
#[must_use]
pub fn from_bus(why: BusError) -> Error {
    match why {
        BusError::Busy => {
            Error::new(ErrorCode::Unavailable, "too much is being published at once").retry_after(RETRY_BUSY)
        }
        BusError::Rejected(why) => {
            tracing::error!(%why, "the bus refused a command");
            Error::new(ErrorCode::Internal, "internal error")
        }
        why => {
            tracing::debug!(%why, "the bus is away");
            Error::new(ErrorCode::Unavailable, "the message bus is away").retry_after(RETRY_BUS)
        }
    }
}

/// Why a token is refused; its words are made for clients.
#[must_use]
pub fn from_token(why: &TokenError) -> Error {
    match why.is_temporary() {
        true => Error::new(ErrorCode::Unavailable, why.to_string()).retry_after(RETRY_KEYS),
        false => Error::new(ErrorCode::Unauthenticated, why.to_string()),
    }
}

//! The stores, against the suite that all must pass; the one in Postgres, against faults; and questions to an operator's
//! tables.

#![allow(clippy::unwrap_used, reason = "tests; helpers among them are not recognized as such")]

mod faults;
mod postgres;
mod queries;
mod schema;
mod sqlite;

/// Longer than any call takes on a busy machine; for tests that are not about the time of a call.
const LONG: std::time::Duration = std::time::Duration::from_secs(60);

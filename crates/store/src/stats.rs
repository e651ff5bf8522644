//! Counts of a database, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start, and a few present sizes. Read them one by one; they are not a consistent snapshot.
#[derive(Debug, Default)]
pub struct Stats {
    /// Calls that were answered, with an error of the caller's or without.
    pub answered: AtomicU64,
    /// Calls that ended because the database was away or too slow.
    pub unavailable: AtomicU64,
    /// Calls that were turned away because too many waited.
    pub busy: AtomicU64,
    /// Connections that were made.
    pub connects: AtomicU64,
    /// Now: calls that wait for a connection.
    pub waiting: AtomicU64,
    /// Rows that another program wrote and that could not be read (a room or a user with an impossible name).
    pub malformed: AtomicU64,
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

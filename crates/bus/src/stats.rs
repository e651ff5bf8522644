//! Counts of a bus, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start, and a few present sizes. Read them one by one; they are not a consistent snapshot.
#[derive(Debug, Default)]
pub struct Stats {
    /// Now: rooms that are subscribed or wanted to be.
    pub subscriptions: AtomicU64,
    /// Now: publishes that wait to be sent.
    pub publish_queue: AtomicU64,
    /// Publishes that were acknowledged.
    pub published: AtomicU64,
    /// Publishes that were turned away because a queue was full.
    pub busy: AtomicU64,
    /// Messages on our channels that could not be read.
    pub malformed: AtomicU64,
    /// Words to this node that it did not take in time.
    pub told_dropped: AtomicU64,
    /// Times that a link was made anew.
    pub reconnects: AtomicU64,
    /// Messages that were dropped because the node did not take them in time.
    pub lagged: AtomicU64,
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

//! Whose credentials are over, remembered for all nodes, also for those that are away when it happens.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::BusError;

/// Credentials that are over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Whose: a name that the nodes agree on.
    pub subject: String,
    /// Those that were issued before this time are over, by the bus's clock in Unix milliseconds.
    pub before: u64,
}

/// The memory of what was revoked. A later revocation of a subject takes the place of an earlier one.
///
/// None of its futures waits longer than the bus's command timeout, and dropping one stops the waiting, never the work.
pub trait Revocations: Send + Sync + 'static {
    /// Revokes a subject's credentials of before now. Remembered for `life` after the last one, which must be longer
    /// than any credentials are good for.
    fn revoke(&self, subject: String, life: Duration) -> BoxFuture<'static, Result<Revocation, BusError>>;

    /// Brings back what this node remembers, where the bus may have forgotten it.
    fn restore(&self, known: Vec<Revocation>, life: Duration) -> BoxFuture<'static, Result<(), BusError>>;

    /// At most `limit` of those at `since` or later, the earliest first. One that is made later never comes before one
    /// that was read, unless it was restored.
    fn revoked(&self, since: u64, limit: usize) -> BoxFuture<'static, Result<Vec<Revocation>, BusError>>;
}

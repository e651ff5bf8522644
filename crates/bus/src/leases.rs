//! Who does what only one node is to do.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::BusError;

/// Work that is one node's at a time.
pub trait Leases: Send + Sync + 'static {
    /// Takes or keeps a piece of work for some time; whether it is this holder's. It ends by itself, so that another takes over
    /// from a holder that is gone.
    fn take_lease(&self, work: &'static str, holder: u64, life: Duration)
    -> BoxFuture<'static, Result<bool, BusError>>;
}

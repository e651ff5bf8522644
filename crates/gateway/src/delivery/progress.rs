//! Tells those who wait for this node to catch up that something was delivered. Costs a look at a counter while nobody
//! waits.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// What the lanes make, and joins may wait for.
#[derive(Debug, Default)]
pub struct Progress {
    waiters: AtomicUsize,
    made: Notify,
}

/// Someone who may wait for progress.
#[derive(Debug)]
pub struct Waiter<'p>(&'p Progress);

impl Progress {
    /// Something was delivered, or a room was put somewhere else. To be called after the room's track has changed.
    pub fn make(&self) {
        if self.waiters.load(Ordering::SeqCst) > 0 {
            self.made.notify_waiters();
        }
    }

    /// From now on progress is told.
    pub fn waiter(&self) -> Waiter<'_> {
        self.waiters.fetch_add(1, Ordering::SeqCst);
        Waiter(self)
    }
}

impl Waiter<'_> {
    /// Ready at the next progress. To be enabled before the track is looked at, so that none is missed.
    pub fn next(&self) -> Notified<'_> {
        self.0.made.notified()
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.waiters.fetch_sub(1, Ordering::SeqCst);
    }
}

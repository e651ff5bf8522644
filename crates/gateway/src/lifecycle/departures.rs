//! Who is being sent away, and why. There is one departure at a time: a stronger cause takes the place of a weaker
//! one, and otherwise the first counts, so that no client is told two moments by repeated calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Why clients are sent away, the stronger the further down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Others have room; the node goes on.
    Rebalance,
    /// An operator wants the node empty; it stays up.
    Drain,
    /// The process ends.
    Stop,
}

/// One departure. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Departure {
    cause: Cause,
    left: Arc<AtomicUsize>,
    ends: Instant,
    over: CancellationToken,
}

/// The departure of the moment, if there is one.
#[derive(Debug)]
pub struct Departures {
    current: Mutex<Option<Departure>>,
    /// Over how long clients are sent away where nobody says.
    pub usual: Duration,
}

impl Departures {
    /// None yet.
    #[must_use]
    pub fn new(usual: Duration) -> Self {
        Self {
            current: Mutex::new(None),
            usual,
        }
    }

    /// Begins one for so many clients, over `time`. `None`: one as strong is under way.
    #[must_use]
    pub fn begin(&self, cause: Cause, count: usize, time: Duration) -> Option<Departure> {
        let mut current = self.current.lock();
        if let Some(under_way) = current.as_ref().filter(|one| !one.over.is_cancelled()) {
            if under_way.cause >= cause {
                return None;
            }
            under_way.over.cancel();
        }
        let departure = Departure {
            cause,
            left: Arc::new(AtomicUsize::new(count)),
            ends: Instant::now() + time,
            over: CancellationToken::new(),
        };
        *current = Some(departure.clone());
        Some(departure)
    }

    /// Ends what is under way, unless the process ends. Clients that were told their moment and have not left stay.
    pub fn take_back(&self) {
        let mut current = self.current.lock();
        if let Some(departure) = current.take_if(|departure| departure.cause < Cause::Stop) {
            departure.over.cancel();
        }
    }

    /// How many have been told to go and are still to be closed, and the time within which that is done.
    #[must_use]
    pub fn leaving(&self) -> (usize, Duration) {
        let current = self.current.lock();
        let Some(departure) = current.as_ref().filter(|one| !one.over.is_cancelled()) else {
            return (0, Duration::ZERO);
        };
        let left = departure.left.load(Ordering::Relaxed);
        (left, departure.ends.saturating_duration_since(Instant::now()))
    }
}

impl Departure {
    /// Takes note of clients that were closed, or were gone before.
    pub fn gone(&self, count: usize) {
        self.left.fetch_sub(count, Ordering::Relaxed);
    }

    /// It is done: another of the same cause may begin.
    pub fn done(&self) {
        self.over.cancel();
    }

    /// Waits until it is done, or a stronger cause has taken its place. Cancel safe.
    pub async fn over(&self) {
        self.over.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stronger_cause_takes_over_and_a_repeat_changes_nothing() {
        let departures = Departures::new(Duration::from_secs(10));
        let begin = |cause, count| departures.begin(cause, count, Duration::from_secs(60));
        let shed = begin(Cause::Rebalance, 5).unwrap();
        assert!(begin(Cause::Rebalance, 7).is_none());
        assert_eq!(departures.leaving().0, 5);
        let drain = begin(Cause::Drain, 20).unwrap();
        shed.over().await;
        assert!(begin(Cause::Drain, 20).is_none() && begin(Cause::Rebalance, 1).is_none());
        drain.gone(3);
        assert_eq!(departures.leaving().0, 17);
        departures.take_back();
        drain.over().await;
        assert_eq!(departures.leaving(), (0, Duration::ZERO));
        begin(Cause::Rebalance, 5).unwrap().done();
        begin(Cause::Rebalance, 5).unwrap();
        let stop = begin(Cause::Stop, 5).unwrap();
        departures.take_back();
        assert!(!stop.over.is_cancelled(), "the end is not taken back");
    }
}

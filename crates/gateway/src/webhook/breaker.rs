//! A circuit breaker: a backend that fails again and again is left alone for a while, so that nobody waits for it in vain and
//! it has time to come back.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Counts failures in a row.
#[derive(Debug)]
pub(super) struct Breaker {
    most: u32,
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    failures: u32,
    /// Until when nobody asks; then one does.
    closed_at: Option<Instant>,
    /// Whether that one is under way.
    trying: bool,
}

/// Leave to ask. One that is dropped without a verdict, since whoever asked went away, counts as neither.
#[derive(Debug)]
pub(super) struct Attempt<'b> {
    breaker: &'b Breaker,
    is_trial: bool,
}

impl Breaker {
    pub(super) fn new(most: u32, pause: Duration) -> Self {
        Self {
            most,
            pause,
            state: Mutex::new(State {
                failures: 0,
                closed_at: None,
                trying: false,
            }),
        }
    }

    /// Leave to ask, unless it is to be left alone.
    pub(super) fn attempt(&self) -> Option<Attempt<'_>> {
        let mut state = self.state.lock();
        let is_trial = match state.closed_at {
            None => false,
            Some(at) if Instant::now() < at || state.trying => return None,
            Some(_) => true,
        };
        state.trying |= is_trial;
        Some(Attempt {
            breaker: self,
            is_trial,
        })
    }
}

impl Attempt<'_> {
    pub(super) fn succeeded(self) {
        let mut state = self.breaker.state.lock();
        state.failures = 0;
        if self.is_trial {
            state.closed_at = None;
        }
    }

    pub(super) fn failed(self) {
        let mut state = self.breaker.state.lock();
        state.failures = state.failures.saturating_add(1);
        if self.is_trial || state.failures >= self.breaker.most {
            state.closed_at = Some(Instant::now() + self.breaker.pause);
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.is_trial {
            self.breaker.state.lock().trying = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_and_closes_after_a_trial() {
        let pause = Duration::from_secs(5);
        let breaker = Breaker::new(3, pause);
        for _ in 0..2 {
            breaker.attempt().unwrap().failed();
        }
        breaker.attempt().unwrap().succeeded();
        for _ in 0..3 {
            breaker.attempt().unwrap().failed();
        }
        assert!(breaker.attempt().is_none(), "three in a row");
        tokio::time::advance(pause).await;
        let trial = breaker.attempt().unwrap();
        assert!(breaker.attempt().is_none(), "one at a time");
        trial.failed();
        assert!(breaker.attempt().is_none(), "for another while");
        tokio::time::advance(pause).await;
        drop(breaker.attempt().unwrap());
        breaker.attempt().unwrap().succeeded();
        let both = (breaker.attempt().is_some(), breaker.attempt().is_some());
        assert_eq!(both, (true, true));
    }
}

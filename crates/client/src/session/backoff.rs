//! When to come back: full jitter, so that clients that were lost together do not come back together.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Doubles the span out of which the wait is drawn, up to a bound.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    most: Duration,
    failures: u32,
    state: u64,
}

impl Backoff {
    /// The first wait is at most `first`, every wait at most `most`. The same seed gives the same waits.
    pub(super) fn new(first: Duration, most: Duration, seed: Option<u64>) -> Self {
        Self {
            first,
            most,
            failures: 0,
            state: seed.unwrap_or_else(|| RandomState::new().build_hasher().finish()),
        }
    }

    /// How long to wait now: anything between nothing and the span, which then doubles.
    pub(super) fn next(&mut self) -> Duration {
        let span = self.first.saturating_mul(1 << self.failures.min(20)).min(self.most);
        self.failures = self.failures.saturating_add(1);
        span.mul_f64(self.fraction())
    }

    /// A connection lasted for this long. One that ends at once is no success: a node that takes clients only to
    /// close them must not be asked at full speed.
    pub(super) fn lasted(&mut self, time: Duration) {
        if time >= self.most {
            self.failures = 0;
        }
    }

    /// From 0 to 1, by splitmix64: good enough to spread waits, and nothing more is asked of it.
    fn fraction(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_drawn_from_a_span_that_doubles_up_to_its_bound() {
        let (first, most) = (Duration::from_millis(100), Duration::from_millis(350));
        for seed in 0..200 {
            let mut backoff = Backoff::new(first, most, Some(seed));
            for span in [100, 200, 350, 350] {
                assert!(backoff.next() <= Duration::from_millis(span));
            }
            backoff.lasted(most / 2);
            assert_eq!(backoff.failures, 4);
            backoff.lasted(most);
            assert!(backoff.next() <= first);
        }
        let spread: Vec<_> = (0..200)
            .map(|seed| Backoff::new(first, most, Some(seed)).next())
            .collect();
        assert!(spread.iter().any(|wait| *wait < first / 10) && spread.iter().any(|wait| *wait > first * 9 / 10));
    }
}

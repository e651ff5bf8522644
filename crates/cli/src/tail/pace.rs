//! How long to wait before connecting again.

use std::time::Duration;

/// The first wait, and the longest that doubling leads to.
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(20);

/// Waits that double until a connection works, each cut by up to half at random, so that those who lost a node
/// together do not come back together. A wait that the server named counts once, as it is.
#[derive(Debug)]
pub(crate) struct Pace {
    doubling: Duration,
    named: Option<Duration>,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self {
            doubling: SHORTEST,
            named: None,
        }
    }

    /// A connection works.
    pub(crate) fn worked(&mut self) {
        *self = Self::new();
    }

    /// The server said when to come back.
    pub(crate) fn server_said(&mut self, millis: u64) {
        self.named = Some(Duration::from_millis(millis));
    }

    /// The next wait.
    pub(crate) fn next_wait(&mut self) -> Duration {
        if let Some(named) = self.named.take() {
            return named;
        }
        let wait = self.doubling;
        self.doubling = (wait * 2).min(LONGEST);
        wait.mul_f64(rand::random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_until_it_works() {
        let mut pace = Pace::new();
        for most in [500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000] {
            let wait = pace.next_wait().as_millis();
            assert!((most / 2..=most).contains(&wait), "{wait} {most}");
        }
        pace.server_said(70);
        assert_eq!(pace.next_wait(), Duration::from_millis(70));
        pace.worked();
        assert!(pace.next_wait() <= SHORTEST);
    }
}

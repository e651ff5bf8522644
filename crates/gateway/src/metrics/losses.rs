//! Many connections lost at once: what a proxy's reload looks like from a node, and what a rate over a scrape's
//! interval blurs.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// What is looked at together.
const WINDOW: Duration = Duration::from_secs(1);
/// Fewer than this are no burst, however few there were.
const LEAST: u64 = 20;
/// The part of those that were open, as one in so many.
const PART: u64 = 10;

/// Whether a connection that ended with this code was lost: it ended without a word, or did not answer.
#[must_use]
pub fn is_loss(code: u16) -> bool {
    matches!(code, 1006 | 4501)
}

/// Counts losses by the second.
#[derive(Debug, Default)]
pub struct Losses {
    window: Mutex<Option<Window>>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    /// Open when it began.
    open: u64,
    lost: u64,
}

impl Losses {
    /// Notes a loss; `open` tells how many connections there are, and is asked once in a second. True for the loss that
    /// makes this second a burst.
    pub fn note(&self, now: Instant, open: impl FnOnce() -> u64) -> bool {
        let mut window = self.window.lock();
        let window = match window.take() {
            Some(current) if now.saturating_duration_since(current.began) < WINDOW => window.insert(current),
            _ => window.insert(Window {
                began: now,
                open: open(),
                lost: 0,
            }),
        };
        window.lost += 1;
        window.lost == LEAST.max(window.open.div_ceil(PART))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bursts(losses: &Losses, at: Instant, open: u64, count: u64) -> usize {
        (0..count).filter(|_| losses.note(at, || open)).count()
    }

    #[test]
    fn a_burst_is_counted_once_and_a_trickle_never() {
        let (losses, start) = (Losses::default(), Instant::now());
        let second = |number| start + WINDOW * number;
        assert_eq!(bursts(&losses, second(0), 1000, 99), 0);
        assert_eq!(bursts(&losses, second(0), 1000, 1), 1, "a tenth");
        assert_eq!(bursts(&losses, second(0), 1000, 500), 0, "the same burst");
        assert_eq!(bursts(&losses, second(1), 400, 39), 0);
        assert_eq!(bursts(&losses, second(2), 400, 40), 1, "another second");
        assert_eq!(bursts(&losses, second(3), 10, 19), 0, "few are no burst");
    }

    #[test]
    fn a_close_that_was_said_is_no_loss() {
        assert!(is_loss(1006) && is_loss(4501));
        assert!(!is_loss(1000) && !is_loss(1001) && !is_loss(1012) && !is_loss(4500));
    }
}

//! How many frames a client may send: a token bucket, and an end to patience with those who do not stop.

use std::time::{Duration, Instant};

/// What to do with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Take it.
    Pass,
    /// Refuse it; the next may come after this time.
    Refuse(Duration),
    /// Close the connection: it goes on although refused.
    Close,
}

/// A bucket that fills by `per_second` up to `burst`.
#[derive(Debug)]
pub struct Bucket {
    tokens: f32,
    filled: Instant,
    /// Frames refused since the last that passed.
    refused: u32,
}

/// The measures of a bucket; the same for all connections.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// Frames a second in the long run; 0 is no limit.
    pub per_second: u32,
    /// Frames at once; refused frames in a row after which the connection is closed.
    pub burst: u32,
}

impl Bucket {
    /// A full one.
    #[must_use]
    pub fn full(rate: Rate, now: Instant) -> Self {
        Self {
            tokens: rate.burst as f32,
            filled: now,
            refused: 0,
        }
    }

    /// Asks for one frame.
    pub fn take(&mut self, rate: Rate, now: Instant) -> Verdict {
        if rate.per_second == 0 {
            return Verdict::Pass;
        }
        let since = now.saturating_duration_since(self.filled).as_secs_f32();
        self.tokens = (self.tokens + since * rate.per_second as f32).min(rate.burst.max(1) as f32);
        self.filled = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            self.refused = 0;
            return Verdict::Pass;
        }
        self.refused += 1;
        if self.refused > rate.burst.max(1) {
            return Verdict::Close;
        }
        Verdict::Refuse(Duration::from_secs_f32((1.0 - self.tokens) / rate.per_second as f32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_rate_then_patience_ends() {
        let rate = Rate {
            per_second: 10,
            burst: 3,
        };
        let start = Instant::now();
        let mut bucket = Bucket::full(rate, start);
        for _ in 0..3 {
            assert_eq!(bucket.take(rate, start), Verdict::Pass);
        }
        assert!(matches!(bucket.take(rate, start), Verdict::Refuse(wait) if wait.as_millis() == 100));
        assert_eq!(bucket.take(rate, start + Duration::from_millis(101)), Verdict::Pass);
        let later = start + Duration::from_millis(101);
        for _ in 0..3 {
            assert!(matches!(bucket.take(rate, later), Verdict::Refuse(_)));
        }
        assert_eq!(bucket.take(rate, later), Verdict::Close);
        assert_eq!(
            bucket.take(
                Rate {
                    per_second: 0,
                    burst: 0
                },
                later
            ),
            Verdict::Pass,
            "no limit"
        );
    }
}

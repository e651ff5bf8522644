//! Whether what one socket hears of one room is there once, and in order.

/// What a number means, given those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The next one.
    Next,
    /// Ahead of some that have not come yet.
    Skipping,
    /// One that had been skipped.
    Late,
    /// One that had come already.
    Double,
}

/// The numbers that a socket has heard.
#[derive(Debug, Default)]
pub(crate) struct Order {
    last: u64,
    /// Whether `last` stands for something; the first number of all is the next one, whatever it is.
    begun: bool,
    /// Skipped and not come yet. Empty unless something is wrong, then bounded by [`Order::MISSING`].
    missing: Vec<u64>,
}

impl Order {
    /// Skipped numbers that are remembered; what is skipped beyond them reads as `Double` if it comes.
    const MISSING: usize = 4096;

    /// Of a socket that is to hear what comes after `seq`.
    pub(crate) fn after(seq: u64) -> Self {
        Self {
            last: seq,
            begun: true,
            missing: Vec::new(),
        }
    }

    /// The highest number heard.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Goes on from `seq`, whatever came up to it; returns how many numbers that leaves out.
    pub(crate) fn pass_to(&mut self, seq: u64) -> u64 {
        let left_out = seq.saturating_sub(self.last);
        self.last = self.last.max(seq);
        left_out
    }

    pub(crate) fn hear(&mut self, seq: u64) -> Verdict {
        if !self.begun || seq == self.last + 1 {
            self.begun = true;
            self.last = seq;
            return Verdict::Next;
        }
        if seq > self.last {
            let room = Self::MISSING.saturating_sub(self.missing.len());
            self.missing.extend((self.last + 1..seq).take(room));
            self.last = seq;
            return Verdict::Skipping;
        }
        match self.missing.iter().position(|missing| *missing == seq) {
            Some(at) => {
                self.missing.swap_remove(at);
                Verdict::Late
            }
            None => Verdict::Double,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_gaps_and_latecomers_are_told_apart() {
        use Verdict::{Double, Late, Next, Skipping};
        let mut order = Order::default();
        let heard = [5, 6, 6, 9, 7, 7, 8, 10].map(|seq| order.hear(seq));
        assert_eq!(heard, [Next, Next, Double, Skipping, Late, Double, Late, Next]);
    }
}

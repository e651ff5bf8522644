//! Where one client stands in one room, over all its connections: every number once, and in order.

use crate::order::{Order, Verdict};

/// A client's place in the numbering of a room.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// Empty where nobody said; of an empty room not that of its first broadcast.
    epoch: String,
    /// The number that stood when the client first joined: it is to hear what comes after.
    first: u64,
    order: Order,
    /// Different numbers heard.
    heard: u64,
    /// Numbers that the gateway said it cannot give.
    told: u64,
}

/// What hearing a number meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// New: the next one, or one ahead of some that are missing.
    New,
    /// New, and behind one that came before it.
    Late,
    /// Heard already.
    Double,
    /// Of another numbering, which nobody told of; counting begins anew with it.
    OtherEpoch,
}

impl Place {
    /// The place of one who joined at `seq`.
    pub(super) fn joined(epoch: &str, seq: u64) -> Self {
        Self {
            epoch: epoch.to_owned(),
            first: seq,
            order: Order::after(seq),
            ..Self::default()
        }
    }

    /// From where to resume; `None` while there is nothing to resume from.
    pub(super) fn position(&self) -> Option<(&str, u64)> {
        (!self.epoch.is_empty()).then(|| (self.epoch.as_str(), self.order.last()))
    }

    /// Takes a broadcast's number.
    pub(super) fn hear(&mut self, epoch: &[u8], seq: u64) -> Step {
        if self.epoch.as_bytes() != epoch {
            let anew = self.is_begun();
            // Of the first numbering that begins in an empty room all was to be heard, from 1 on.
            let first = if anew { seq.saturating_sub(1) } else { 0 };
            *self = Self::joined(&String::from_utf8_lossy(epoch), first);
            if anew {
                self.order.hear(seq);
                self.heard = 1;
                return Step::OtherEpoch;
            }
        }
        let step = match self.order.hear(seq) {
            Verdict::Next | Verdict::Skipping => Step::New,
            Verdict::Late => Step::Late,
            Verdict::Double => return Step::Double,
        };
        self.heard += 1;
        step
    }

    /// Takes the gateway's word that what came up to `seq` cannot be had from it. Whether the numbering is another.
    pub(super) fn told(&mut self, epoch: &str, seq: u64) -> bool {
        if self.epoch != epoch {
            let anew = self.is_begun();
            *self = Self::joined(epoch, seq);
            return anew;
        }
        self.told += self.order.pass_to(seq);
        false
    }

    /// Whether everything up to `head` came or is known not to come.
    pub(super) fn is_at(&self, head: u64) -> bool {
        self.order.last() >= head && self.expected(head) <= self.heard + self.told
    }

    /// How many numbers it was to hear when the room stands at `head`.
    pub(super) fn expected(&self, head: u64) -> u64 {
        head.saturating_sub(self.first)
    }

    pub(super) fn heard(&self) -> u64 {
        self.heard
    }

    pub(super) fn told_lost(&self) -> u64 {
        self.told
    }

    /// Whether it is of this numbering.
    pub(super) fn is_of(&self, epoch: &str) -> bool {
        !self.is_begun() || self.epoch == epoch
    }

    /// Whether there was a broadcast. The place of an empty room is number 0, of any numbering that begins later.
    fn is_begun(&self) -> bool {
        self.order.last() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_counts_once_over_any_number_of_connections() {
        let mut place = Place::joined("a", 10);
        assert_eq!(place.position(), Some(("a", 10)));
        let steps = [11, 12, 12, 14, 13, 11].map(|seq| place.hear(b"a", seq));
        assert_eq!(
            steps,
            [Step::New, Step::New, Step::Double, Step::New, Step::Late, Step::Double]
        );
        assert_eq!((place.heard(), place.expected(14)), (4, 4));
        assert!(place.is_at(14) && !place.is_at(15));
    }

    #[test]
    fn what_is_skipped_is_lost_until_it_comes_or_is_told_of() {
        let mut place = Place::joined("a", 0);
        for seq in [1, 2, 5] {
            place.hear(b"a", seq);
        }
        assert!(!place.is_at(5));
        assert_eq!(place.expected(5) - place.heard(), 2);
        assert!(!place.told("a", 8));
        assert_eq!((place.told_lost(), place.expected(8) - place.heard()), (3, 5));
        assert_eq!(place.hear(b"a", 9), Step::New);
        // What was told to be missing and comes all the same was a double word of the gateway's.
        assert_eq!(place.hear(b"a", 7), Step::Double);
    }

    #[test]
    fn a_new_numbering_is_noticed_and_an_empty_room_has_one_from_its_first_broadcast() {
        assert_eq!(Place::joined("", 0).position(), None);
        let mut place = Place::joined("0", 0);
        assert_eq!(place.position(), Some(("0", 0)));
        assert!(place.is_of("a"));
        assert_eq!(place.hear(b"a", 2), Step::New);
        assert_eq!(place.expected(2) - place.heard(), 1, "the first was missed");
        assert_eq!(place.hear(b"b", 7), Step::OtherEpoch);
        assert_eq!((place.expected(7), place.heard()), (1, 1));
        assert!(place.told("c", 3));
        assert!(place.is_at(3) && place.is_of("c"));
    }
}

//! Ids of messages: sortable, and rising within a room.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A message's id: a UUID of version 7 (RFC 9562 §5.7), written as 36 characters. Text order is time order; within a
/// room, every id is greater than all that were given before, whichever node gave them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(u128);

/// Bits below the time that are free: 12 between version and variant, 62 behind them.
const FREE_BITS: u32 = 74;
const LOW_BITS: u32 = 62;
const LOW_MASK: u128 = (1 << LOW_BITS) - 1;

impl MessageId {
    /// Reads an id, or nothing if the text is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_form = text.len() == 36
            && text.bytes().enumerate().all(|(place, byte)| match place {
                8 | 13 | 18 | 23 => byte == b'-',
                14 => byte == b'7',
                19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
                _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            });
        if !is_form {
            return None;
        }
        let digits: String = text.chars().filter(|&char| char != '-').collect();
        u128::from_str_radix(&digits, 16).ok().map(Self)
    }

    /// When it was given, by the database's clock, in Unix milliseconds; later than that where a room's last id was from
    /// the future.
    #[must_use]
    pub fn millis(self) -> i64 {
        i64::try_from(self.0 >> 80).unwrap_or(i64::MAX)
    }

    /// What sorts before everything that was given at this time or later, and behind what was given before.
    #[must_use]
    pub fn just_before(millis: i64) -> Self {
        Self::compose(millis, 0)
    }

    /// The next id of a room whose last one is given.
    pub(crate) fn next(last: Option<Self>, millis: i64, random: u128) -> Self {
        // The uppermost free bit is left zero, so that an id can be counted up from any.
        let fresh = |millis| Self::compose(millis, 1 + (random & ((1 << (FREE_BITS - 1)) - 2)));
        match last {
            Some(last) if last.millis() >= millis => match last.free() + 1 {
                free if free < 1 << FREE_BITS => Self::compose(last.millis(), free),
                _ => fresh(last.millis() + 1),
            },
            _ => fresh(millis),
        }
    }

    fn compose(millis: i64, free: u128) -> Self {
        let millis = u128::from(millis.clamp(0, (1 << 48) - 1).unsigned_abs());
        let (high, low) = (free >> LOW_BITS, free & LOW_MASK);
        Self(millis << 80 | 7 << 76 | high << 64 | 0b10 << LOW_BITS | low)
    }

    fn free(self) -> u128 {
        (self.0 >> 64 & 0xfff) << LOW_BITS | self.0 & LOW_MASK
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:032x}", self.0);
        write!(
            f,
            "{}-{}-{}-{}-{}",
            &text[..8],
            &text[8..12],
            &text[12..16],
            &text[16..20],
            &text[20..]
        )
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for MessageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a message's id"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_123;

    #[test]
    fn ids_read_as_they_were_written() {
        let id = MessageId::next(None, NOW, u128::MAX);
        assert_eq!(MessageId::parse(&id.to_string()), Some(id));
        assert_eq!(id.millis(), NOW);
        assert_eq!(&id.to_string()[14..15], "7");
    }

    #[test]
    fn ids_rise_whatever_the_clock_does() {
        let mut last = MessageId::next(None, NOW, u128::MAX);
        for (millis, random) in [(NOW, 0), (NOW - 5000, 7), (NOW + 1, 0), (0, 0), (NOW + 2, u128::MAX)] {
            let next = MessageId::next(Some(last), millis, random);
            assert!(
                next > last && next.to_string() > last.to_string(),
                "{next} after {last}"
            );
            last = next;
        }
        let full = MessageId::compose(NOW, (1 << FREE_BITS) - 1);
        let next = MessageId::next(Some(full), NOW, 3);
        assert!(next > full);
        assert_eq!(next.millis(), NOW + 1);
    }

    #[test]
    fn a_time_lies_before_its_ids() {
        let id = MessageId::next(None, NOW, 0);
        assert!(MessageId::just_before(NOW) < id);
        assert!(MessageId::just_before(NOW + 1) > MessageId::next(None, NOW, u128::MAX));
    }

    #[test]
    fn other_texts_are_no_ids() {
        for text in [
            "",
            "x",
            "018bcfe5-687b-4fff-bfff-ffffffffffff",
            "018BCFE5-687b-7fff-bfff-ffffffffffff",
            "018bcfe5-687b-7fff-7fff-ffffffffffff",
            "018bcfe5_687b-7fff-bfff-ffffffffffff",
            "'; DROP TABLE messages; -- 123456789",
        ] {
            assert_eq!(MessageId::parse(text), None, "{text}");
        }
    }
}

//! Where a room's numbering stands.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One life of a room's numbering. It changes when the numbering was lost (expired, or Redis came back
/// empty), so that a number of an older life is never taken for one of this life. On the wire: base 36.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub u64);

impl Epoch {
    /// Reads an epoch as it stands on the wire, or nothing if the text is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let canonical = !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
        if !canonical {
            return None;
        }
        u64::from_str_radix(text, 36).ok().map(Self)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 13 digits of base 36 hold any u64.
        let mut text = [0_u8; 13];
        let mut start = text.len();
        let mut rest = self.0;
        loop {
            start -= 1;
            text[start] = b"0123456789abcdefghijklmnopqrstuvwxyz"[(rest % 36) as usize];
            rest /= 36;
            if rest == 0 {
                break;
            }
        }
        f.write_str(std::str::from_utf8(&text[start..]).unwrap_or_default())
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an epoch"))
    }
}

/// A numbered broadcast's place in its room. Within an epoch `seq` begins at 1 and rises by exactly 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The life of the numbering that `seq` belongs to.
    pub epoch: Epoch,
    /// The number.
    pub seq: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_reads_back_as_itself() {
        for value in [0, 1, 35, 36, 1_700_000_000_000, u64::MAX] {
            assert_eq!(Epoch::parse(&Epoch(value).to_string()), Some(Epoch(value)));
        }
        for text in ["", "K3V9", "+1", "k3v9 ", "zzzzzzzzzzzzzz"] {
            assert_eq!(Epoch::parse(text), None, "{text}");
        }
    }
}

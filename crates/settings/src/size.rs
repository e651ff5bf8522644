//! Amounts of memory: `64KiB`, `1MiB`.

use std::fmt;

use crate::value::{Form, Kind, Value, quote};

/// Units in bytes, largest first.
const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// The number of bytes, as lengths are counted. A size beyond what the machine can address is its largest.
    #[must_use]
    pub fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = UNITS
            .iter()
            .find(|(_, factor)| self.0 > 0 && self.0.is_multiple_of(*factor));
        match exact {
            Some((unit, factor)) => write!(f, "{}{unit}", self.0 / factor),
            None => f.write_str("0B"),
        }
    }
}

/// Units are powers of 1024 and say so; a number without a unit counts bytes.
impl Value for ByteSize {
    const KIND: Kind = Kind {
        forms: &[Form::Text, Form::Integer],
        ..Kind::text("SIZE", "a number of bytes or a size such as 512B, 64KiB, 1MiB or 1GiB")
    };

    fn parse(text: &str) -> Option<Self> {
        let end = text
            .bytes()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(text.len());
        // Everything before `end` is an ASCII digit, so it is a character boundary.
        let (number, unit) = text.split_at(end);
        let factor = match unit {
            "" => 1,
            unit => UNITS.iter().find(|(name, _)| *name == unit)?.1,
        };
        number.parse::<u64>().ok()?.checked_mul(factor).map(Self)
    }

    fn print(&self) -> String {
        quote(&self.to_string())
    }

    fn rank(&self) -> Option<u128> {
        Some(u128::from(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        for (text, bytes) in [
            ("0", 0),
            ("17", 17),
            ("512B", 512),
            ("64KiB", 65_536),
            ("1MiB", 1 << 20),
            ("2GiB", 2 << 30),
        ] {
            assert_eq!(ByteSize::parse(text), Some(ByteSize(bytes)), "{text}");
        }
        for text in [
            "",
            "KiB",
            "64KB",
            "64K",
            "64kib",
            "1.5MiB",
            "-1",
            "64 KiB",
            "99999999999GiB",
        ] {
            assert_eq!(ByteSize::parse(text), None, "{text}");
        }
        assert_eq!(ByteSize(65_536).to_string(), "64KiB");
        assert_eq!(ByteSize(1000).to_string(), "1000B");
    }
}

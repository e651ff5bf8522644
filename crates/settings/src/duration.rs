//! Lengths of time: `250ms`, `10s`, `1h30m`.

use std::time::Duration;

use crate::value::{Form, Kind, Value, quote};

/// Units in milliseconds, largest first.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// A zero may stand without a unit; every other number needs one, so that `30` is never mistaken.
impl Value for Duration {
    const KIND: Kind = Kind {
        forms: &[Form::Text, Form::Integer],
        ..Kind::text("DURATION", "a length of time such as 250ms, 10s, 5m, 1h or 7d")
    };

    fn parse(text: &str) -> Option<Self> {
        if text == "0" {
            return Some(Self::ZERO);
        }
        let mut rest = text;
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (number, after) = split(rest, |byte| byte.is_ascii_digit());
            let (unit, after) = split(after, |byte| byte.is_ascii_alphabetic());
            let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
            total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*factor)?)?;
            rest = after;
        }
        (!text.is_empty()).then(|| Self::from_millis(total))
    }

    fn print(&self) -> String {
        quote(&print_duration(*self))
    }

    fn rank(&self) -> Option<u128> {
        Some(self.as_millis())
    }
}

/// A length of time as a setting is written, in the largest unit that tells it exactly.
#[must_use]
pub fn print_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    let exact = UNITS
        .iter()
        .find(|(_, factor)| millis > 0 && millis.is_multiple_of(u128::from(*factor)));
    match exact {
        Some((unit, factor)) => format!("{}{unit}", millis / u128::from(*factor)),
        None => "0s".to_owned(),
    }
}

fn split(text: &str, belongs: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|byte| !belongs(byte)).unwrap_or(text.len());
    // `belongs` accepts ASCII only, so the position is a character boundary.
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        for (text, millis) in [
            ("0", 0),
            ("0s", 0),
            ("250ms", 250),
            ("10s", 10_000),
            ("1h30m", 5_400_000),
            ("7d", 604_800_000),
        ] {
            assert_eq!(Duration::parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "",
            "10",
            "s",
            "-1s",
            "1.5s",
            "1 s",
            "1S",
            "1w",
            "99999999999999999999d",
            "1s2",
            "é",
        ] {
            assert_eq!(Duration::parse(text), None, "{text}");
        }
    }

    #[test]
    fn durations_print_as_they_are_written() {
        for text in ["0s", "250ms", "90s", "5m", "1h", "7d"] {
            assert_eq!(print_duration(Duration::parse(text).unwrap()), text);
        }
    }
}

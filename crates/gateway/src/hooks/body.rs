//! The body of a call, as Standard Webhooks has it
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#payload-structure>):
//! `{"type":…,"timestamp":…,"data":…}`.

use bytes::Bytes;
use serde::Serialize;

use super::HookEvent;

#[derive(Serialize)]
struct Body<'e> {
    timestamp: String,
    #[serde(flatten)]
    event: &'e HookEvent,
}

/// What is said of an event that happened at a time, in Unix milliseconds.
pub(super) fn of(event: &HookEvent, at: u64) -> serde_json::Result<Bytes> {
    let timestamp = iso_8601(at);
    serde_json::to_vec(&Body { timestamp, event }).map(Bytes::from)
}

/// A time in Unix milliseconds as ISO 8601 has it, in UTC.
fn iso_8601(ms: u64) -> String {
    let (days, of_day) = (ms / 86_400_000, ms % 86_400_000);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60);
    let ms = ms % 1000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Year, month and day so many days after the first of January 1970. In years that begin in March leap days are at the
/// end, and the months' lengths are a line with slope 153 / 5 (Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms").
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use hallway_protocol::UserId;

    use super::*;

    #[test]
    fn times_are_written() {
        // From `date -u -d @…`.
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_000, "2024-02-29T23:59:59.000Z"),
            (1_735_689_600_007, "2025-01-01T00:00:00.007Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(iso_8601(ms), text);
        }
    }

    #[test]
    fn a_body_has_three_members() {
        let user_id = UserId::parse("alice").unwrap();
        let body = of(&HookEvent::UserOnline { user_id }, 0).unwrap();
        assert_eq!(
            body,
            r#"{"timestamp":"1970-01-01T00:00:00.000Z","type":"user.online","data":{"userId":"alice"}}"#
        );
    }
}

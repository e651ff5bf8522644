//! Times as databases write them.

/// Unix milliseconds of `2026-01-31T12:34:56.789+02:00` and its kin: a space for the `T`, no fraction, no seconds, `Z`,
/// `+02`, `+0200`, or no zone, which means UTC (as next-auth's adapters store it). Nothing for anything else.
pub(super) fn read(text: &str) -> Option<i64> {
    let (date, time) = text.trim().split_once(['T', ' '])?;
    let mut parts = date.splitn(3, '-');
    let (year, month, day) = (
        number(parts.next()?, 4)?,
        number(parts.next()?, 2)?,
        number(parts.next()?, 2)?,
    );
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let zone_at = time.find(['Z', 'z', '+', '-', ' ']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone_at);
    let mut parts = clock.splitn(3, ':');
    let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let (second, millis) = match parts.next() {
        None => (0, 0),
        Some(seconds) => match seconds.split_once('.') {
            None => (number(seconds, 2)?, 0),
            Some((whole, fraction)) => (number(whole, 2)?, thousandths(fraction)?),
        },
    };
    if hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset(zone.trim())?;
    Some(seconds * 1000 + millis)
}

/// A number of exactly so many digits.
fn number(text: &str, digits: usize) -> Option<i64> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn thousandths(fraction: &str) -> Option<i64> {
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{fraction:0<3}").get(..3)?.parse().ok()
}

/// Seconds east of Greenwich.
fn offset(zone: &str) -> Option<i64> {
    if zone.is_empty() {
        return Some(0);
    }
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => return Some(0),
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        2 => (number(digits, 2)?, 0),
        4 => (number(&digits[..2], 2)?, number(&digits[2..], 2)?),
        5 => {
            let (hours, minutes) = digits.split_once(':')?;
            (number(hours, 2)?, number(minutes, 2)?)
        }
        _ => return None,
    };
    Some(sign * (hours * 3600 + minutes * 60))
}

/// Days since 1970-01-01 in the Gregorian calendar, by counting years from March, so that a leap day is a year's last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 + day
        - 1
        - 719_468
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn the_ways_of_writing_a_time_are_known() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01 00:00:00", 0),
            ("2000-02-29T12:34:56.789", 951_827_696_789),
            ("2000-02-29T12:34:56.789+00:00", 951_827_696_789),
            ("2000-02-29T14:34:56.789123+02", 951_827_696_789),
            ("2000-02-29T08:04:56.789-0430", 951_827_696_789),
            ("2000-02-29 12:34", 951_827_640_000),
            ("1999-12-31 23:59:59.5", 946_684_799_500),
            ("2024-03-01T00:00:00.000Z", 1_709_251_200_000),
            ("1969-12-31T23:59:59Z", -1000),
        ] {
            assert_eq!(read(text), Some(millis), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_time() {
        for text in [
            "",
            "tomorrow",
            "2024-03-01",
            "2024-13-01T00:00:00",
            "2024-03-01T99:00:00",
            "2024-03-01T00:00:00+2",
            "2024-03-01T00:00:00.x",
            "24-03-01T00:00:00",
            "2024-03-01T00:00:00é",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}

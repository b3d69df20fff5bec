//! Moments as vendors write them: RFC 3339 text, and counts since an epoch.

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub i64);

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400;
/// Windows counts from 1601 in steps of 100 ns; the difference in seconds.
const WINDOWS_EPOCH: i64 = 11_644_473_600;

/// The unit an epoch count is in, told by its size: below 10¹¹ seconds, 10¹⁴ milliseconds, 10¹⁷ microseconds; above that
/// Windows file times, then nanoseconds. Small numbers are no times: they would all lie in 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// 100 ns since 1601.
    FileTime,
    /// Nanoseconds.
    Nanoseconds,
}

impl Unit {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Seconds => "epoch seconds",
            Self::Milliseconds => "epoch milliseconds",
            Self::Microseconds => "epoch microseconds",
            Self::FileTime => "Windows file time",
            Self::Nanoseconds => "epoch nanoseconds",
        }
    }
}

/// Reads a count since an epoch, written in digits and perhaps a fraction.
pub fn from_epoch(text: &str) -> Option<(Moment, Unit)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || whole.len() > 19 || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: i64 = whole.parse().ok()?;
    let moment = |micros: i64, unit| Some((Moment(micros), unit));
    match count {
        100_000_000..100_000_000_000 => moment(count * SECOND + fraction_micros(fraction), Unit::Seconds),
        100_000_000_000..100_000_000_000_000 => moment(count * 1_000 + fraction_micros(fraction) / 1_000, Unit::Milliseconds),
        100_000_000_000_000..100_000_000_000_000_000 => moment(count, Unit::Microseconds),
        // 1970 to 2500.
        116_444_736_000_000_000..284_000_000_000_000_000 => moment(count / 10 - WINDOWS_EPOCH * SECOND, Unit::FileTime),
        1_000_000_000_000_000_000.. => moment(count / 1_000, Unit::Nanoseconds),
        _ => None,
    }
}

fn fraction_micros(digits: &str) -> i64 {
    digits.bytes().chain(std::iter::repeat(b'0')).take(6).fold(0, |sum, digit| sum * 10 + i64::from(digit.wrapping_sub(b'0')))
}

/// Reads RFC 3339, also with a blank for the `T`. A time without an offset counts as UTC, as these vendors mean it.
pub fn from_text(text: &str) -> Option<Moment> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let clock = rest.strip_prefix(['T', 't', ' '])?;
    let [hour, minute, second] = numbers(clock.get(..8)?, ':', [2, 2, 2])?;
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut rest = clock.get(8..)?;
    let mut micros = 0;
    if let Some(tail) = rest.strip_prefix('.') {
        let end = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        micros = fraction_micros(tail.get(..end).filter(|digits| !digits.is_empty())?);
        rest = tail.get(end..)?;
    }
    let seconds = days_from_civil(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset_seconds(rest)?;
    Some(Moment(seconds * SECOND + micros))
}

fn offset_seconds(text: &str) -> Option<i64> {
    let (sign, rest) = match text.split_at_checked(1) {
        None | Some(("Z" | "z", "")) => return Some(0),
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        Some(_) => return None,
    };
    let [hours, minutes] = if rest.contains(':') {
        numbers(rest, ':', [2, 2])?
    } else {
        [rest.get(..2)?, rest.get(2..4).filter(|_| rest.len() == 4)?].map(|part| number(part).unwrap_or(-1))
    };
    ((0..24).contains(&hours) && (0..60).contains(&minutes)).then_some(sign * (hours * 3600 + minutes * 60))
}

fn numbers<const N: usize>(text: &str, between: char, lengths: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(between);
    let mut out = [0; N];
    for (slot, length) in out.iter_mut().zip(lengths) {
        *slot = number(parts.next().filter(|part| part.len() == length)?)?;
    }
    parts.next().is_none().then_some(out)
}

fn number(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar (eras of 400 years that begin in March).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

impl std::fmt::Display for Moment {
    /// RFC 3339 in UTC, with as many of milli- and microseconds as there are.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0.div_euclid(SECOND);
        let micros = self.0.rem_euclid(SECOND);
        let (year, month, day) = civil_from_days(seconds.div_euclid(DAY));
        let clock = seconds.rem_euclid(DAY);
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", clock / 3600, clock / 60 % 60, clock % 60)?;
        match micros {
            0 => {}
            _ if micros % 1_000 == 0 => write!(f, ".{:03}", micros / 1_000)?,
            _ => write!(f, ".{micros:06}")?,
        }
        f.write_str("Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(text: &str) -> Option<(String, Unit)> {
        from_epoch(text).map(|(moment, unit)| (moment.to_string(), unit))
    }

    #[test]
    fn counts_are_told_apart_by_size() {
        let some = |text: &str, unit| Some((text.to_owned(), unit));
        assert_eq!(epoch("1700000000"), some("2023-11-14T22:13:20Z", Unit::Seconds));
        assert_eq!(epoch("1700000000.25"), some("2023-11-14T22:13:20.250Z", Unit::Seconds));
        assert_eq!(epoch("1700000000123"), some("2023-11-14T22:13:20.123Z", Unit::Milliseconds));
        assert_eq!(epoch("1700000000123456"), some("2023-11-14T22:13:20.123456Z", Unit::Microseconds));
        assert_eq!(epoch("133444736000000000"), some("2023-11-14T22:13:20Z", Unit::FileTime));
        assert_eq!(epoch("1700000000123456789"), some("2023-11-14T22:13:20.123456Z", Unit::Nanoseconds));
        for text in ["", "5", "65535", "-1700000000", "1.7e9", "99999999", "99999999999999999999", "1700000000x", "."] {
            assert_eq!(epoch(text), None, "{text}");
        }
    }

    #[test]
    fn text_is_read_and_written_back() {
        for (text, utc) in [
            ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"),
            ("2024-01-01T01:30:00+02:00", "2023-12-31T23:30:00Z"),
            ("2024-01-01 01:30:00.5-0130", "2024-01-01T03:00:00.500Z"),
            ("1969-12-31T23:59:59.999999", "1969-12-31T23:59:59.999999Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ] {
            assert_eq!(from_text(text).map(|moment| moment.to_string()).as_deref(), Some(utc), "{text}");
        }
        for text in [
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00 later",
            "é024-01-01T00:00:00Z",
        ] {
            assert_eq!(from_text(text), None, "{text}");
        }
    }
}

//! Windows of time as the API takes them: whole seconds in UTC, at most a day long, at most seven days back.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The longest window of one listing.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How long content can be had.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How far from the edge of the week a window keeps: requests take their time.
const MARGIN: SignedDuration = SignedDuration::from_mins(1);

/// Reads a span such as `1 hour`, `30 minutes`, `7 days`, `10m`.
pub(super) fn span(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let seconds = match unit.trim().to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 604_800,
        _ => return None,
    };
    number.checked_mul(seconds).filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

/// A time as the API wants it: without a zone, in UTC.
pub(super) fn wire(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// The whole second at or before a time.
pub(super) fn floor(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second() - i64::from(time.subsec_nanosecond() < 0)).unwrap_or(time)
}

/// The whole second at or after a time.
pub(super) fn ceil(time: Timestamp) -> Timestamp {
    let whole = floor(time);
    if whole == time { time } else { whole + SignedDuration::from_secs(1) }
}

/// The oldest time for which content can be had.
pub(super) fn oldest(now: Timestamp) -> Timestamp {
    now - WEEK
}

/// The oldest time that is asked for.
pub(super) fn earliest(now: Timestamp) -> Timestamp {
    ceil(oldest(now) + MARGIN)
}

/// A window in whole seconds, cut into days: tiled without gap or overlap. Nothing where it is empty.
pub(super) fn days(from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let (mut start, end) = (floor(from), ceil(to));
    let mut days = Vec::new();
    while start < end {
        let next = (start + DAY).min(end);
        days.push((start, next));
        start = next;
    }
    days
}

/// Whether a window is longer than a day.
pub(super) fn over_a_day(from: Timestamp, to: Timestamp) -> bool {
    to.duration_since(from) > DAY
}

/// A day before a time.
pub(super) fn day_before(time: Timestamp) -> Timestamp {
    time - DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn spans_are_a_number_and_a_unit() {
        for (text, seconds) in [("10 minutes", 600), ("1 hour", 3_600), ("7 days", 604_800), ("30m", 1_800), ("2 Weeks", 1_209_600)] {
            assert_eq!(span(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "hour", "10", "0 days", "-1 hour", "5 fortnights", "99999999999999999999 days"] {
            assert_eq!(span(text), None, "{text}");
        }
    }

    #[test]
    fn a_window_is_tiled_into_days() {
        let (from, to) = (time("2026-03-01T00:00:00.5Z"), time("2026-03-03T02:00:00.1Z"));
        let all = days(from, to);
        assert_eq!(all.len(), 3);
        assert_eq!((all[0].0, all[2].1), (time("2026-03-01T00:00:00Z"), time("2026-03-03T02:00:01Z")));
        assert!(all.windows(2).all(|pair| pair[0].1 == pair[1].0));
        assert!(all.iter().all(|(from, to)| from < to && !over_a_day(*from, *to)));
        assert!(days(to, to).len() <= 1 && days(to, from).is_empty());
    }

    #[test]
    fn times_go_out_without_a_zone() {
        assert_eq!(wire(time("2026-03-01T07:08:09.9+02:00")), "2026-03-01T05:08:09");
    }
}

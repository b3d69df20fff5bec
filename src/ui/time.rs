//! Times as they are shown: short ages, UTC first.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::core::console::model::Model;
use crate::core::json::time::Moment;

/// How long ago: `now`, `12m`, `3h`, `5d`; ahead: `in 12m`.
pub fn age(then: Timestamp, now: Timestamp) -> String {
    let ago = now.duration_since(then);
    if ago < SignedDuration::ZERO { format!("in {}", span(-ago)) } else { span(ago) }
}

/// The same in words: `just now`, `12m ago`.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    match age(then, now) {
        age if age == "now" => "just now".into(),
        age => format!("{age} ago"),
    }
}

fn span(time: SignedDuration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => "now".into(),
        60..3600 => format!("{}m", seconds / 60),
        3600..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// How long something takes already: what hangs is told from what goes on by it.
pub fn lasted(time: SignedDuration) -> String {
    match time.as_secs().max(0) {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds => format!("{}m {:02}s", seconds / 60, seconds % 60),
    }
}

/// When an age or a clock will read otherwise next: the next whole minute, or, while something runs, the next whole second.
pub fn next_change(now: Timestamp, running: bool) -> Timestamp {
    let step = if running { 1 } else { 60 };
    Timestamp::from_second((now.as_second() / step + 1) * step).unwrap_or(now)
}

/// A moment with its zone: `2026-07-01 12:00:05 UTC`.
pub fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// How times are shown: the present, and whose clock.
#[derive(Clone, Debug)]
pub struct Clock {
    now: Timestamp,
    zone: TimeZone,
}

impl Clock {
    /// The console's clock.
    pub fn of(model: &Model) -> Self {
        Self { now: model.now, zone: model.zone() }
    }

    /// A moment of a document: when, and how long ago.
    pub fn pretty(&self, at: Moment) -> String {
        match Timestamp::from_microsecond(at.0) {
            Ok(time) => format!("{} ({})", moment(time, &self.zone), age(time, self.now)),
            Err(_) => at.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        let now: Timestamp = "2026-07-02T12:00:00Z".parse().unwrap();
        for (then, shown) in [
            ("2026-07-02T11:59:30Z", "now"),
            ("2026-07-02T11:30:00Z", "30m"),
            ("2026-07-01T12:00:00Z", "24h"),
            ("2026-06-25T12:00:00Z", "7d"),
            ("2026-07-02T12:10:00Z", "in 10m"),
        ] {
            assert_eq!(age(then.parse().unwrap(), now), shown);
        }
        assert_eq!([0, 59, 61].map(|seconds| lasted(SignedDuration::from_secs(seconds))), ["0s", "59s", "1m 01s"]);
        assert_eq!(moment(now, &TimeZone::UTC), "2026-07-02 12:00:00 UTC");
    }
}

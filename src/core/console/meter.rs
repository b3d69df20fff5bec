//! The key and time meter: what a decision costs the analyst's hand.

use jiff::Timestamp;

/// What was counted since the console was opened.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    /// When counting began.
    pub since: Timestamp,
    /// Keys in all.
    pub keys: u32,
    /// Keys since the last decision.
    pub current: u32,
    /// Keys typed into text fields since the last decision; they are notes, not navigation.
    pub typed: u32,
    /// One entry a decision: keys, events decided, milliseconds since the one before, disposition or kind.
    pub decisions: Vec<Decision>,
    last: Option<Timestamp>,
}

/// One decision and its cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What it was.
    pub what: String,
    /// How many events.
    pub events: u32,
    /// How many keys.
    pub keys: u32,
    /// How many of them were typed text.
    pub typed: u32,
    /// Milliseconds since the one before.
    pub millis: i64,
}

impl Meter {
    /// Counts from now on.
    pub fn new(now: Timestamp) -> Self {
        Self { since: now, ..Self::default() }
    }

    /// A key was pressed.
    pub fn key(&mut self, typed: bool) {
        self.keys += 1;
        self.current += 1;
        self.typed += u32::from(typed);
    }

    /// A decision was taken.
    pub fn decide(&mut self, now: Timestamp, what: &str, events: usize) {
        let since = self.last.unwrap_or(self.since);
        self.decisions.push(Decision {
            what: what.into(),
            events: u32::try_from(events).unwrap_or(u32::MAX),
            keys: std::mem::take(&mut self.current),
            typed: std::mem::take(&mut self.typed),
            millis: now.as_millisecond() - since.as_millisecond(),
        });
        self.last = Some(now);
    }

    /// The median number of keys for one event closed, over events (a decision over twelve counts twelve times), in hundredths.
    pub fn median_per_close(&self) -> Option<u32> {
        let mut each: Vec<u32> = Vec::new();
        for decision in self.decisions.iter().filter(|decision| decision.what.starts_with("closed") && decision.events > 0) {
            let hundredths = (decision.keys - decision.typed.min(decision.keys)) * 100 / decision.events;
            each.extend(std::iter::repeat_n(hundredths, decision.events as usize));
        }
        each.sort_unstable();
        each.get(each.len().checked_sub(1)? / 2).copied()
    }

    /// How many events were closed.
    pub fn closed(&self) -> u32 {
        self.decisions.iter().filter(|decision| decision.what.starts_with("closed")).map(|decision| decision.events).sum()
    }

    /// The meter as lines.
    pub fn lines(&self, now: Timestamp) -> Vec<String> {
        let minutes = (now.as_millisecond() - self.since.as_millisecond()) / 60_000;
        let mut lines = vec![
            format!("Keys in all           {}", self.keys),
            format!("Minutes               {minutes}"),
            format!("Events closed         {}", self.closed()),
            format!(
                "Keys a close, median  {}",
                self.median_per_close().map_or("none yet".into(), |hundredths| format!("{}.{:02}", hundredths / 100, hundredths % 100))
            ),
            String::new(),
            "Decisions, newest first: keys (typed text) · events · seconds · what".into(),
        ];
        lines.extend(self.decisions.iter().rev().map(|decision| {
            let seconds = decision.millis / 1000;
            format!("{:>5} ({:>3}) {:>5} {:>7}  {}", decision.keys, decision.typed, decision.events, seconds, decision.what)
        }));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_counts_events_and_leaves_notes_out() {
        let mut meter = Meter::default();
        for _ in 0..6 {
            meter.key(false);
        }
        meter.decide(Timestamp::UNIX_EPOCH, "closed benign", 12);
        for typed in [false, false, true, true, false] {
            meter.key(typed);
        }
        meter.decide(Timestamp::UNIX_EPOCH, "closed benign", 1);
        assert_eq!(meter.median_per_close(), Some(50));
        assert_eq!((meter.closed(), meter.keys, meter.decisions[1].keys), (13, 11, 5));
    }
}

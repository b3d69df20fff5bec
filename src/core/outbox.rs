//! The outbox: calls that were meant for a vendor who could not be reached. Each is a letter: it waits, is looked over, sent once, or
//! taken back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::mapping::{scalar, values_at};
use super::telling::Call;

/// Number of a letter.
pub type LetterId = i64;

/// Where a letter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It waits to be sent.
    Waiting,
    /// What it rests on has changed at the vendor; somebody has to look.
    Held,
    /// Somebody is sending it.
    Sending,
    /// The vendor has it.
    Sent,
    /// The vendor refused it.
    Refused,
    /// It was sent, or may have been, and got no answer. It is never sent again.
    Unknown,
    /// It was taken back.
    Cancelled,
}

impl Standing {
    /// Every standing with its name.
    pub const ALL: [(&'static str, Self); 7] = [
        ("waiting", Self::Waiting),
        ("held", Self::Held),
        ("sending", Self::Sending),
        ("sent", Self::Sent),
        ("refused", Self::Refused),
        ("unknown", Self::Unknown),
        ("cancelled", Self::Cancelled),
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, standing)| *standing == self).map_or("", |(name, _)| name)
    }

    /// The standing of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, standing)| *standing)
    }

    /// Whether it can still be sent or taken back.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Held)
    }
}

/// What a decision rested on: the watched values of an event's record, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The event.
    pub event: i64,
    /// The values.
    pub values: Vec<(String, String)>,
}

/// One value that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The event.
    pub event: i64,
    /// Where in its record.
    pub path: String,
    /// What the decision rested on.
    pub then: String,
    /// What the vendor says now.
    pub now: String,
}

/// A letter.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// Its number.
    pub id: LetterId,
    /// When it was put in.
    pub made_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// Who put it in.
    pub actor: String,
    /// The connection.
    pub connection: String,
    /// The command.
    pub command: String,
    /// What it is, for people.
    pub title: String,
    /// What the command is given; never a secret.
    pub arguments: Map<String, Value>,
    /// The events that it is about.
    pub events: Vec<i64>,
    /// What tells the vendor of a decision, where that is what it does.
    pub call: Option<Call>,
    /// What it rests on.
    pub seen: Vec<Seen>,
    /// Whether it cannot be undone.
    pub destructive: bool,
    /// Where it stands.
    pub standing: Standing,
    /// Why it is here, or what came of it.
    pub detail: String,
    /// What the vendor says otherwise now.
    pub differences: Vec<Difference>,
}

impl Letter {
    /// Whether somebody has to send it: it cannot be undone, or nobody can look whether it still fits.
    pub fn by_hand(&self) -> bool {
        self.destructive || self.blind().is_some()
    }

    /// What is to be said of a letter that rests on nothing that could be looked at again.
    pub fn blind(&self) -> Option<&'static str> {
        self.seen
            .is_empty()
            .then_some("How it is at the vendor now is not known: nothing was seen that could be compared with what it says now.")
    }
}

/// The watched values of a record. What is not there reads as nothing.
pub fn watch(record: &Value, paths: &[&str]) -> Vec<(String, String)> {
    let text = |path: &str| {
        let found = values_at(record, path).into_iter().map(|(_, value)| scalar(value).unwrap_or_else(|| value.to_string()));
        found.collect::<Vec<_>>().join(", ")
    };
    paths.iter().map(|path| ((*path).to_owned(), text(path))).collect()
}

/// What is not as it was seen.
pub fn differences(seen: &Seen, record: &Value) -> Vec<Difference> {
    let paths: Vec<&str> = seen.values.iter().map(|(path, _)| path.as_str()).collect();
    let pairs = seen.values.iter().zip(watch(record, &paths));
    let changed = pairs.filter(|((_, then), (_, now))| then != now);
    changed.map(|((path, then), (_, now))| Difference { event: seen.event, path: path.clone(), then: then.clone(), now }).collect()
}

impl Difference {
    /// It on one line.
    pub fn line(&self) -> String {
        let shown = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
        format!("event {}  {}: {} → {}", self.event, self.path.trim_start_matches('.'), shown(&self.then), shown(&self.now))
    }
}

/// The letters as the console shows them.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    /// The letters, the newest first.
    pub letters: Vec<Letter>,
    /// Which is selected.
    pub selected: Option<LetterId>,
}

impl Outbox {
    /// Takes up an answer; the selection stays on its letter.
    pub fn fill(&mut self, letters: Vec<Letter>) {
        self.letters = letters;
        if self.current().is_none() {
            self.selected = self.letters.first().map(|letter| letter.id);
        }
    }

    /// How many can still be sent.
    pub fn open(&self) -> usize {
        self.letters.iter().filter(|letter| letter.standing.is_open()).count()
    }

    /// The place of the selection.
    pub fn place(&self) -> usize {
        self.letters.iter().position(|letter| Some(letter.id) == self.selected).unwrap_or(0)
    }

    /// The selected letter.
    pub fn current(&self) -> Option<&Letter> {
        self.letters.iter().find(|letter| Some(letter.id) == self.selected)
    }

    /// Moves the selection.
    pub fn move_by(&mut self, rows: isize) {
        let place = self.place().saturating_add_signed(rows).min(self.letters.len().saturating_sub(1));
        self.selected = self.letters.get(place).map(|letter| letter.id);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_a_decision_rests_on_counts_as_a_difference() {
        let paths = [".status", ".assignedTo", ".notes[*].text"];
        let then = json!({"status": "OPEN", "updatedAt": 1, "notes": [{"text": "a"}]});
        let seen = Seen { event: 7, values: watch(&then, &paths) };
        assert_eq!(differences(&seen, &json!({"status": "OPEN", "updatedAt": 2, "notes": [{"text": "a"}]})), []);
        let now = json!({"status": "RESOLVED", "assignedTo": "bo", "notes": [{"text": "a"}, {"text": "b"}]});
        let lines: Vec<String> = differences(&seen, &now).iter().map(Difference::line).collect();
        assert_eq!(lines, ["event 7  status: OPEN → RESOLVED", "event 7  assignedTo: nothing → bo", "event 7  notes[*].text: a → a, b"]);
    }
}

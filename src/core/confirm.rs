//! Confirmation, scaled to the effect: what is reversible takes one key, what disrupts wants its scope typed, what cannot be undone wants the
//! name typed. Keys that were typed before the question could be read are dropped; Enter alone confirms nothing.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::catalogue::{Class, Given, Reach, Undo};
use super::keys::{Code, Key};
use super::line::Line;
use super::outbox::{Difference, LetterId};
use super::telling::Call;

/// A run that only waits to be confirmed.
#[derive(Clone, Debug, PartialEq)]
pub struct Ready {
    /// The connection.
    pub connection: String,
    /// The command's name.
    pub command: String,
    /// What it is, for people.
    pub title: String,
    /// What it is given.
    pub given: Vec<(String, Given)>,
    /// The same, checked, with secrets masked.
    pub arguments: Map<String, Value>,
    /// What it can do.
    pub class: Class,
    /// The events that it is about.
    pub events: Vec<i64>,
    /// A reading command, with its arguments, that brings the event as it is afterwards.
    pub reread: Option<(String, Map<String, Value>)>,
}

/// What a run is about, as far as the question shows it.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// What it acts on, by name.
    pub targets: Vec<String>,
    /// What these are: `host`.
    pub noun: &'static str,
    /// Where the connection belongs.
    pub environment: String,
    /// What takes it back, and under which condition.
    pub inverse: Option<String>,
    /// What else one should know: name and value.
    pub facts: Vec<(String, String)>,
    /// What is typed instead of the scope or the name, where something is to be typed.
    pub word: Option<String>,
}

/// What a question is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// To run a command.
    Run(Ready),
    /// To tell vendors what was decided.
    Tell(Vec<Call>),
    /// To send a letter of the outbox although the vendor says otherwise now, in these.
    Post(LetterId, Vec<Difference>),
    /// To leave although something runs.
    Quit,
}

impl Subject {
    /// What is typed for several targets that cannot be had back.
    fn word(&self) -> &str {
        match self {
            Self::Run(ready) => &ready.command,
            Self::Tell(_) => "tell",
            Self::Post(..) => "send",
            Self::Quit => "leave",
        }
    }
}

/// What answers the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// One key: `y`.
    Key,
    /// This text, typed.
    Text(String),
}

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirm {
    /// What it is about.
    pub subject: Subject,
    /// What is asked.
    pub title: String,
    /// What one should know before answering.
    pub lines: Vec<String>,
    /// What answers it.
    pub need: Need,
    /// What was typed.
    pub line: Line,
    /// From when on it can be answered.
    pub armed_at: Timestamp,
    /// How many keys were dropped because they came too early.
    pub dropped: u32,
    /// Whether the confirming button has the focus; at first "Cancel" has it.
    pub on_yes: bool,
    /// How far the effect reaches.
    pub reach: Reach,
}

/// What a key did to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing yet.
    Open,
    /// Confirmed.
    Yes,
    /// Given up.
    No,
}

impl Confirm {
    /// The question for a run. Targets are shown as they were resolved.
    pub fn for_run(ready: Ready, about: &About, armed_at: Timestamp) -> Self {
        let (class, title, connection) = (ready.class, ready.title.clone(), ready.connection.clone());
        Self::of(Subject::Run(ready), &title, &connection, class, about, armed_at)
    }

    /// The question about a subject that does so much.
    pub fn of(subject: Subject, title: &str, connection: &str, class: Class, about: &About, armed_at: Timestamp) -> Self {
        let About { targets, noun, environment, inverse, facts, word } = about;
        let count = targets.len();
        let plural = if count == 1 { (*noun).to_owned() } else { plural_of(noun) };
        let need = match class.reach {
            Reach::Disruptive | Reach::Irreversible if word.is_some() => Need::Text(word.clone().unwrap_or_default()),
            Reach::Note | Reach::Reversible => Need::Key,
            Reach::Disruptive => Need::Text(if count == 0 { "yes".into() } else { format!("{count} {plural}") }),
            Reach::Irreversible => Need::Text(match targets.as_slice() {
                [only] => only.clone(),
                _ => subject.word().to_owned(),
            }),
        };
        let place = if environment.is_empty() { String::new() } else { format!(" ({environment})") };
        let mut lines = vec![format!("Connection   {connection}{place}")];
        match targets.as_slice() {
            [] => {}
            [only] => lines.push(format!("Target       {only}")),
            several => {
                lines.push(format!("Targets      {count} {plural}"));
                lines.extend(several.iter().take(8).map(|target| format!("             {target}")));
                if count > 8 {
                    lines.push(format!("             and {} more", count - 8));
                }
            }
        }
        lines.extend(facts.iter().map(|(name, value)| format!("{name:<12} {value}")));
        lines.push(format!("Effect       {}", effect_words(class)));
        lines.push(format!("Way back     {}", undo_words(class, inverse.as_deref())));
        let title = format!("{title}?");
        let reach = class.reach;
        Self { subject, title, lines, need, line: Line::default(), armed_at, dropped: 0, on_yes: false, reach }
    }

    /// The question before leaving.
    pub fn quit(running: &[String], now: Timestamp) -> Self {
        let mut lines = vec!["These still run and would be cancelled here; a vendor may go on with what it accepted:".to_owned()];
        lines.extend(running.iter().map(|title| format!("  {title}")));
        Self {
            subject: Subject::Quit,
            title: "Leave nightdesk?".into(),
            lines,
            need: Need::Key,
            line: Line::default(),
            armed_at: now + SignedDuration::from_millis(300),
            dropped: 0,
            on_yes: false,
            reach: Reach::Reversible,
        }
    }

    /// Whether it can be answered by now.
    pub fn is_armed(&self, now: Timestamp) -> bool {
        now >= self.armed_at
    }

    /// Whether what is wanted was typed.
    pub fn is_typed(&self) -> bool {
        match &self.need {
            Need::Key => true,
            Need::Text(wanted) => self.line.text().trim().eq_ignore_ascii_case(wanted.trim()),
        }
    }

    /// Takes a key.
    pub fn input(&mut self, key: Key, now: Timestamp) -> Answer {
        if key.code == Code::Esc {
            return Answer::No;
        }
        if !self.is_armed(now) {
            self.dropped += 1;
            return Answer::Open;
        }
        match (&self.need, key.code) {
            (Need::Key, Code::Char('y')) if !key.ctrl && !key.alt => Answer::Yes,
            (Need::Key, Code::Char('n' | 'q')) => Answer::No,
            (Need::Key, Code::Tab | Code::BackTab | Code::Left | Code::Right) => {
                self.on_yes = !self.on_yes;
                Answer::Open
            }
            (Need::Key, Code::Enter) => {
                if self.on_yes {
                    Answer::Yes
                } else {
                    Answer::No
                }
            }
            (Need::Text(_), Code::Enter) => {
                if self.is_typed() {
                    Answer::Yes
                } else {
                    Answer::Open
                }
            }
            (Need::Text(_), _) => {
                self.line.input(key);
                Answer::Open
            }
            (Need::Key, _) => Answer::Open,
        }
    }
}

fn plural_of(noun: &str) -> String {
    if noun.ends_with('s') { format!("{noun}es") } else { format!("{noun}s") }
}

fn effect_words(class: Class) -> &'static str {
    match class.reach {
        Reach::Note => "adds to the record; nobody is disturbed",
        Reach::Reversible => "changes something that can be changed back",
        Reach::Disruptive => "interrupts somebody's work",
        Reach::Irreversible => "CANNOT BE UNDONE",
    }
}

fn undo_words(class: Class, inverse: Option<&str>) -> String {
    let kind = match class.undo {
        Undo::Exact => "exact",
        Undo::Conditional => "under a condition",
        Undo::Lossy => "with losses",
        Undo::None => "none",
    };
    match inverse {
        Some(inverse) => format!("{kind}: {inverse} (u offers it)"),
        None => kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::catalogue::Effect;

    const ARM: SignedDuration = SignedDuration::from_millis(800);

    fn ready(reach: Reach) -> Ready {
        Ready {
            connection: "eset".into(),
            command: "isolate".into(),
            title: "Isolate".into(),
            given: Vec::new(),
            arguments: Map::new(),
            class: Class::new(Effect::Write, reach, Undo::Exact),
            events: Vec::new(),
            reread: None,
        }
    }

    fn about(count: usize) -> About {
        let targets = ["ws-1".to_owned(), "ws-2".to_owned()].into_iter().take(count).collect();
        About { targets, noun: "host", environment: "Default".into(), ..About::default() }
    }

    fn type_in(confirm: &mut Confirm, text: &str, now: Timestamp) -> Answer {
        let mut last = Answer::Open;
        for c in text.chars() {
            last = confirm.input(if c == '\n' { Key::plain(Code::Enter) } else { Key::char(c) }, now);
        }
        last
    }

    #[test]
    fn the_effort_grows_with_the_effect() {
        let now = Timestamp::UNIX_EPOCH;
        let later = now + ARM;
        let ask = |reach, count| Confirm::for_run(ready(reach), &about(count), later);
        // (reach, targets, keys, answer)
        let cases = [
            (Reach::Reversible, 2, "y", Answer::Yes),
            (Reach::Reversible, 2, "\n", Answer::No),
            (Reach::Disruptive, 2, "y\n", Answer::Open),
            (Reach::Disruptive, 2, "\n", Answer::Open),
            (Reach::Disruptive, 2, "2 hosts\n", Answer::Yes),
            (Reach::Disruptive, 1, "1 host\n", Answer::Yes),
            (Reach::Disruptive, 1, "2 hosts\n", Answer::Open),
            (Reach::Irreversible, 1, "1 host\n", Answer::Open),
            (Reach::Irreversible, 1, "ws-1\n", Answer::Yes),
            (Reach::Irreversible, 2, "isolate\n", Answer::Yes),
        ];
        for (reach, count, keys, answer) in cases {
            assert_eq!(type_in(&mut ask(reach, count), keys, later), answer, "{reach:?} {count} {keys:?}");
        }
    }

    #[test]
    fn what_was_typed_ahead_confirms_nothing() {
        let now = Timestamp::UNIX_EPOCH;
        let mut confirm = Confirm::for_run(ready(Reach::Disruptive), &about(1), now + ARM);
        assert_eq!(type_in(&mut confirm, "1 host\n", now), Answer::Open);
        assert_eq!((confirm.dropped, confirm.line.text()), (7, String::new()));
        assert_eq!(confirm.input(Key::plain(Code::Esc), now), Answer::No, "giving up is always possible");
    }
}

//! Confirmation, scaled to the effect: what is reversible takes one key, what disrupts wants its scope typed, what cannot be undone wants the
//! name typed. Keys that were typed before the question could be read are dropped; Enter alone confirms nothing.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::keys::{Code, Key};
use super::line::Line;
use super::play::{Play, Sheet};
use super::scroll::Scroll;
use crate::core::catalogue::{Class, Effect, Given, Reach, Undo};
use crate::core::outbox::{Difference, LetterId};
use crate::core::playbook::{Fate, HERE, Planned};
use crate::core::target::Target;
use crate::core::telling::Call;

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
    /// What it acts on.
    pub targets: Vec<Target>,
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
    /// To run a playbook.
    Play(Box<Play>),
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
            Self::Play(play) => &play.run.playbook().name,
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
    /// What answers it as well: the id of what is asked for by name.
    pub also: Option<String>,
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
    /// How much of it was read: it is not answered before it was on the screen to its end.
    pub scroll: Scroll,
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
        let need = need_of(&subject, class.reach, about);
        let lines = lines_of(connection, class, about);
        let (title, reach, also) = (format!("{title}?"), class.reach, also(class.reach, about));
        Self { also, ..Self::asked(subject, title, lines, need, reach, armed_at) }
    }

    /// Says the same with names that have become known. What was typed stays, and so does what it is good for.
    pub fn retell(&mut self, about: &About) {
        if let Subject::Run(ready) = &self.subject {
            self.lines = lines_of(&ready.connection, ready.class, about);
            self.need = need_of(&self.subject, self.reach, about);
            self.also = also(self.reach, about);
        }
    }

    /// The same of a playbook.
    pub fn retell_play(&mut self, sheet: &Sheet) {
        let anew = Self::for_play(sheet, self.armed_at);
        (self.lines, self.need, self.also) = (anew.lines, anew.need, anew.also);
    }

    /// The question for a playbook: what its changing steps do, to what, and how each is taken back. What answers it is as for the step
    /// that reaches furthest.
    pub fn for_play(sheet: &Sheet, armed_at: Timestamp) -> Self {
        let playbook = sheet.play.run.playbook();
        let runs = sheet.steps.iter().filter(|step| step.fate == Fate::Run);
        let (changing, reading): (Vec<&Planned>, Vec<&Planned>) = runs.partition(|step| step.class.effect != Effect::Read);
        let reach = sheet.play.most.reach;
        let mut targets: Vec<String> = Vec::new();
        let mut noun = "target";
        for step in changing.iter().filter(|step| step.class.reach == reach && !step.targets.is_empty()) {
            noun = step.noun;
            targets.extend(step.targets.iter().filter(|target| !targets.contains(target)).cloned().collect::<Vec<_>>());
        }
        let named = |ids: &[String]| ids.iter().map(|id| sheet.target(id).to_string()).collect::<Vec<_>>();
        let mut lines = Vec::new();
        for step in &changing {
            let place = if step.connection == HERE { String::new() } else { format!(" on {} ({})", step.connection, step.environment) };
            lines.push(format!("{}: {}{place}", step.step, step.title));
            match step.targets.as_slice() {
                [] => {}
                few @ ([_] | [_, _] | [_, _, _]) => lines.push(format!("    {}", named(few).join(", "))),
                several => lines.push(format!(
                    "    {}: {} and {} more",
                    counted(several.len(), step.noun),
                    named(&several[..2]).join(", "),
                    several.len() - 2
                )),
            }
            if step.connection != HERE {
                lines.push(format!("    {}; way back {}", effect_words(step.class), undo_words(step.class, step.way_back.as_deref())));
            }
        }
        match reading.len() {
            0 => {}
            1 => lines.push("1 step only reads.".into()),
            several => lines.push(format!("{several} steps only read.")),
        }
        let only = if let [only] = targets.as_slice() { Some(sheet.target(only)) } else { None };
        let need = need(reach, targets.len(), only.as_ref().map(Target::called), noun, &playbook.name);
        let also = only.filter(|only| reach == Reach::Irreversible && only.name.is_some()).map(|only| only.id);
        let title = format!("Run playbook {}?", playbook.title);
        let subject = Subject::Play(Box::new(sheet.play.clone()));
        Self { also, ..Self::asked(subject, title, lines, need, reach, armed_at) }
    }

    /// The question before leaving.
    pub fn quit(running: &[String], now: Timestamp) -> Self {
        let mut lines = vec!["These still run and would be cancelled here; a vendor may go on with what it accepted:".to_owned()];
        lines.extend(running.iter().map(|title| format!("  {title}")));
        let armed_at = now + SignedDuration::from_millis(300);
        Self::asked(Subject::Quit, "Leave nightdesk?".into(), lines, Need::Key, Reach::Reversible, armed_at)
    }

    /// A question that nobody has looked at yet.
    fn asked(subject: Subject, title: String, lines: Vec<String>, need: Need, reach: Reach, armed_at: Timestamp) -> Self {
        Self {
            subject,
            title,
            lines,
            need,
            also: None,
            line: Line::default(),
            armed_at,
            dropped: 0,
            on_yes: false,
            reach,
            scroll: Scroll::default(),
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
            Need::Text(wanted) => {
                let typed = self.line.text();
                let is = |wanted: &str| typed.trim().eq_ignore_ascii_case(wanted.trim());
                is(wanted) || self.also.as_deref().is_some_and(is)
            }
        }
    }

    /// Takes a key.
    pub fn input(&mut self, key: Key, now: Timestamp) -> Answer {
        if key.code == Code::Esc {
            return Answer::No;
        }
        if self.scroll.input(key) {
            return Answer::Open;
        }
        if !self.is_armed(now) || self.scroll.left() > 0 {
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

fn need_of(subject: &Subject, reach: Reach, about: &About) -> Need {
    match (&about.word, reach) {
        (Some(word), Reach::Disruptive | Reach::Irreversible) => Need::Text(word.clone()),
        _ => {
            let only = if let [only] = about.targets.as_slice() { Some(only.called()) } else { None };
            need(reach, about.targets.len(), only, about.noun, subject.word())
        }
    }
}

/// The id of the one target that is asked for by name.
fn also(reach: Reach, about: &About) -> Option<String> {
    match about.targets.as_slice() {
        [only] if reach == Reach::Irreversible && only.name.is_some() && about.word.is_none() => Some(only.id.clone()),
        _ => None,
    }
}

/// What one should know before answering.
fn lines_of(connection: &str, class: Class, about: &About) -> Vec<String> {
    let About { targets, noun, environment, inverse, facts, word: _ } = about;
    let place = if environment.is_empty() { String::new() } else { format!(" ({environment})") };
    let mut lines = vec![format!("Connection   {connection}{place}")];
    match targets.as_slice() {
        [] => {}
        [only] => lines.push(format!("Target       {only}")),
        several => {
            lines.push(format!("Targets      {}", counted(several.len(), noun)));
            lines.extend(several.iter().take(8).map(|target| format!("             {target}")));
            if several.len() > 8 {
                lines.push(format!("             and {} more", several.len() - 8));
            }
        }
    }
    lines.extend(facts.iter().map(|(name, value)| format!("{name:<12} {value}")));
    lines.push(format!("Effect       {}", effect_words(class)));
    lines.push(format!("Way back     {}", undo_words(class, inverse.as_deref())));
    lines
}

/// What answers a question about so many targets, of which there may be just one of that name, and something that reaches so far.
fn need(reach: Reach, count: usize, only: Option<&str>, noun: &str, name: &str) -> Need {
    match (reach, count, only) {
        (Reach::Note | Reach::Reversible, ..) => Need::Key,
        (Reach::Disruptive, 0, _) => Need::Text("yes".into()),
        (Reach::Disruptive, count, _) => Need::Text(counted(count, noun)),
        (Reach::Irreversible, _, Some(only)) => Need::Text(only.to_owned()),
        (Reach::Irreversible, _, None) => Need::Text(name.to_owned()),
    }
}

/// `1 host`, `2 hosts`.
fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {}", plural_of(noun)) }
}

fn plural_of(noun: &str) -> String {
    if let Some(stem) = noun.strip_suffix('y') {
        return format!("{stem}ies");
    }
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
        Undo::None if class.reach <= Reach::Reversible => "by hand; nothing here offers it",
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
        let targets = ["ws-1", "ws-2"].into_iter().take(count).map(|id| Target::from(id.to_owned())).collect();
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

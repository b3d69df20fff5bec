//! The shift hand-over as the next shift's lead reads it: what is open, what was done at the vendors and whether it was seen to work or was
//! taken back, what was decided, what was not fetched, and the head of the record. Short: what is long is counted.

use jiff::Timestamp;
use serde::Serialize;

use super::event::{Disposition, Severity};
use super::outbox::Standing;
use super::outcome::UNKNOWN;
use super::text::{defanged, markdown_safe};

/// The most items that a line names.
const NAMED: usize = 3;

/// A hand-over.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Handover {
    /// When the shift began.
    pub from: Timestamp,
    /// When it ended.
    pub to: Timestamp,
    /// Who wrote it.
    pub by: String,
    /// What somebody has taken.
    pub in_progress: Open,
    /// What nobody has taken and is high or worse, the worst first.
    pub urgent: Open,
    /// The open cases.
    pub cases: Vec<OpenCase>,
    /// What waits to be sent, or of which it is not known whether it was.
    pub outbox: Vec<Waiting>,
    /// What was done at the vendors, in order of time.
    pub actions: Vec<Action>,
    /// How many events were closed as what, the most frequent first.
    pub closed: Vec<(String, usize)>,
    /// Those that were closed as true positives.
    pub found: Vec<Item>,
    /// What was not fetched.
    pub gaps: Vec<Gap>,
    /// The record.
    pub record: Record,
}

/// Open events: how many, and the first of them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Open {
    /// The query that finds them.
    pub query: &'static str,
    /// How many there are.
    pub count: usize,
    /// The first of them.
    pub first: Vec<Item>,
}

/// An event.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Item {
    /// Its number.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// Its severity.
    pub severity: Severity,
    /// The connection.
    pub connection: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Who has it.
    pub assignee: Option<String>,
    /// The last note on it.
    pub note: Option<String>,
}

/// An open case.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OpenCase {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub title: String,
    /// How many events it has.
    pub events: usize,
    /// How many of them are not closed.
    pub open: usize,
}

/// A letter of the outbox.
#[derive(Clone, Debug, Serialize)]
pub struct Waiting {
    /// Its number.
    pub id: i64,
    /// What it is.
    pub title: String,
    /// The connection.
    pub connection: String,
    /// Where it stands.
    pub standing: Standing,
    /// Why.
    pub detail: String,
}

/// Something done at a vendor.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Action {
    /// When.
    pub time: Timestamp,
    /// By whom.
    pub actor: String,
    /// What, for people.
    pub title: String,
    /// Where.
    pub connection: String,
    /// On which events.
    pub events: Vec<i64>,
    /// On what at the vendor.
    pub items: Vec<String>,
    /// What is known of how it ended; none where it began and its end is not known.
    pub state: Option<String>,
    /// Whether it can be taken back, or was.
    pub undo: Way,
}

/// The way back from an action.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// There is none, or nothing was done.
    #[default]
    None,
    /// A command takes it back, under a condition.
    Open {
        /// The command.
        command: String,
        /// The condition.
        condition: String,
    },
    /// It was taken back.
    Taken {
        /// When.
        at: Timestamp,
    },
}

/// What was not fetched.
#[derive(Clone, Debug, Serialize)]
pub struct Gap {
    /// The connection.
    pub connection: String,
    /// The event source; empty where it is all of the connection.
    pub source: String,
    /// From when; none where it is everything.
    pub from: Option<Timestamp>,
    /// Until when.
    pub to: Option<Timestamp>,
    /// Why, and what becomes of it.
    pub reason: String,
}

/// The record at the end of the shift.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Record {
    /// How many entries it has.
    pub entries: usize,
    /// Whether its chain is whole.
    pub whole: bool,
    /// Its head.
    pub head: Option<String>,
}

/// A verdict as the report counts it.
pub fn verdict(disposition: Option<Disposition>) -> String {
    disposition.map_or_else(|| "without a verdict".to_owned(), |verdict| verdict.as_str().replace('_', " "))
}

impl Action {
    /// Whether somebody has to look at it: nobody knows yet how it ended, or that it did.
    fn is_loose(&self) -> bool {
        self.state.as_deref().is_none_or(|state| state.contains("not yet observed") || state == UNKNOWN)
    }
}

impl Handover {
    /// It as Markdown, whose values are only text.
    pub fn markdown(&self) -> String {
        let mut out = format!(
            "# Hand-over\n\nShift from {} to {}, written by {}.\n\n{}\n",
            minute(self.from),
            minute(self.to),
            safe(&self.by),
            self.summary()
        );
        out.push_str("\n## Open\n\n");
        list(&mut out, "In progress", &self.in_progress);
        list(&mut out, "New, high or worse", &self.urgent);
        let case =
            |case: &OpenCase| format!("- {}: {} ({} of {} events open)\n", safe(&case.name), safe(&case.title), case.open, case.events);
        block(&mut out, "Cases", self.cases.iter().map(case));
        let letter = |one: &Waiting| {
            format!("- {} {} at {}: {} — {}\n", one.id, safe(&one.title), safe(&one.connection), one.standing.as_str(), safe(&one.detail))
        };
        block(&mut out, "Outbox", self.outbox.iter().map(letter));
        let loose = self.actions.iter().filter(|action| action.is_loose() && !matches!(action.undo, Way::Taken { .. }));
        block(&mut out, "To be looked at again", loose.map(action));
        section(&mut out, "Done at the vendors", "Nothing was changed.", self.actions.iter().map(action));
        section(
            &mut out,
            "Decided here",
            "Nothing was closed.",
            self.closed.iter().map(|(verdict, count)| format!("- {count} closed: {}\n", safe(verdict))),
        );
        block(&mut out, "True positives", self.found.iter().map(item));
        section(&mut out, "Not fetched", "No gaps are known.", self.gaps.iter().map(gap));
        let Record { entries, whole, head } = &self.record;
        let state = if *whole { "whole" } else { "NOT WHOLE: run nightdesk audit verify" };
        out.push_str(&format!("\n## Record\n\n{entries} entries, {state}, head `{}`\n", head.as_deref().unwrap_or("empty")));
        out
    }

    /// The whole of it in a line.
    fn summary(&self) -> String {
        let loose = self.actions.iter().filter(|action| action.is_loose()).count();
        let closed: usize = self.closed.iter().map(|(_, count)| count).sum();
        let mut parts = vec![
            format!("{} in progress", self.in_progress.count),
            format!("{} new of high or worse", self.urgent.count),
            format!("{closed} closed"),
            format!("{} done at vendors", self.actions.len()),
        ];
        parts.extend((loose > 0).then(|| format!("**{loose} to be looked at again**")));
        parts.extend((!self.outbox.is_empty()).then(|| format!("**{} in the outbox**", self.outbox.len())));
        parts.push(if self.gaps.is_empty() {
            "no gaps".to_owned()
        } else {
            format!("**{} not fetched**", count(self.gaps.len(), "range"))
        });
        parts.extend((!self.record.whole).then(|| "**the record is not whole**".to_owned()));
        format!("In short: {}.", parts.join(", "))
    }
}

fn safe(text: &str) -> String {
    markdown_safe(&defanged(text))
}

/// A time to the minute; a shift is not told in seconds.
fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn section(out: &mut String, title: &str, nothing: &str, lines: impl Iterator<Item = String>) {
    let lines: String = lines.collect();
    out.push_str(&format!("\n## {title}\n\n{}", if lines.is_empty() { format!("{nothing}\n") } else { lines }));
}

/// A part that is left out where it has nothing.
fn block(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: String = lines.collect();
    if !lines.is_empty() {
        out.push_str(&format!("\n**{title}**\n\n{lines}"));
    }
}

fn list(out: &mut String, heading: &str, open: &Open) {
    let gap = if out.ends_with("\n\n") { "" } else { "\n" };
    out.push_str(&format!("{gap}**{heading}**: {}\n", open.count));
    if open.count > 0 {
        out.push('\n');
        out.extend(open.first.iter().map(item));
    }
    let more = open.count.saturating_sub(open.first.len());
    if more > 0 {
        out.push_str(&format!("- and {more} more: `nightdesk events '{}'`\n", open.query));
    }
}

fn item(item: &Item) -> String {
    let who = item.assignee.as_deref().map(|who| format!(", {}", safe(who))).unwrap_or_default();
    let note = item.note.as_deref().map(|note| format!(" — {}", safe(note))).unwrap_or_default();
    let severity = item.severity.as_str();
    format!("- {} **{severity}** {} ({}, {}{who}){note}\n", item.id, safe(&item.title), safe(&item.connection), minute(item.occurred_at))
}

fn action(action: &Action) -> String {
    let named = |all: &[String]| {
        let more = all.len().saturating_sub(NAMED);
        let first = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        if more > 0 { format!("{first} and {more} more") } else { first }
    };
    let events: Vec<String> = action.events.iter().map(ToString::to_string).collect();
    let mut about = Vec::new();
    about.extend((!action.items.is_empty()).then(|| safe(&named(&action.items))));
    about.extend((!events.is_empty()).then(|| format!("event{} {}", if events.len() == 1 { "" } else { "s" }, named(&events))));
    let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join("; ")) };
    let state = action.state.as_deref().unwrap_or("it began and its end is not known: look before it is repeated");
    let undo = match &action.undo {
        Way::None => String::new(),
        Way::Open { command, condition } => format!("; way back: {command}, {condition}"),
        Way::Taken { at } => format!("; taken back at {}", minute(*at)),
    };
    format!(
        "- {} {}: **{}** at {}{about} — {}{}\n",
        minute(action.time),
        safe(&action.actor),
        safe(&action.title),
        safe(&action.connection),
        safe(state),
        safe(&undo)
    )
}

fn gap(gap: &Gap) -> String {
    let span = match (gap.from, gap.to) {
        (Some(from), Some(to)) => format!(" {} to {}:", minute(from), minute(to)),
        _ => String::new(),
    };
    let source = if gap.source.is_empty() { String::new() } else { format!(" {}", safe(&gap.source)) };
    format!("- {}{source}:{span} {}\n", safe(&gap.connection), safe(&gap.reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: &str =
        "=cmd|'/C calc'!A0 [x](javascript:alert(1)) <script>alert(1)</script> ![](http://e.example/p)\n```\n# x \u{202e}HTTPS://localhost";

    fn report() -> Handover {
        let item = Item { id: 7, title: EVIL.into(), severity: Severity::High, note: Some(EVIL.into()), ..Item::default() };
        let action = Action { title: "Isolate Endpoints".into(), connection: "eset-eu".into(), actor: "ana".into(), ..Action::default() };
        let way = Way::Open { command: "unisolate-endpoints".into(), condition: "once it has run".into() };
        Handover {
            by: "ana".into(),
            urgent: Open { query: "status:new severity:>=high", count: 9, first: vec![item.clone()] },
            cases: vec![OpenCase { name: "case-1".into(), title: EVIL.into(), events: 3, open: 1 }],
            outbox: vec![Waiting { id: 2, title: EVIL.into(), connection: "wiz".into(), standing: Standing::Waiting, detail: EVIL.into() }],
            actions: vec![
                Action {
                    state: Some("Accepted, not yet observed".into()),
                    events: vec![7],
                    items: vec!["a".into(); 5],
                    undo: way,
                    ..action.clone()
                },
                Action { state: None, items: vec![EVIL.into()], ..action.clone() },
                Action { state: Some("Observed: carried out".into()), undo: Way::Taken { at: Timestamp::UNIX_EPOCH }, ..action },
            ],
            closed: vec![("false positive".into(), 20)],
            found: vec![item],
            gaps: vec![Gap { connection: "wiz".into(), source: "Issues".into(), from: None, to: None, reason: EVIL.into() }],
            record: Record { entries: 4, whole: false, head: Some("ab".into()) },
            ..Handover::default()
        }
    }

    #[test]
    fn it_says_what_the_next_shift_asks() {
        let text = report().markdown();
        for part in [
            "In short: 0 in progress, 9 new of high or worse, 20 closed, 3 done at vendors, **2 to be looked at again**, **1 in the outbox**",
            "**New, high or worse**: 9\n\n- 7 **high** ",
            "- and 8 more: `nightdesk events 'status:new severity:>=high'`",
            "(1 of 3 events open)",
            "**To be looked at again**",
            "(a, a, a and 2 more; event 7) — Accepted, not yet observed; way back: unisolate-endpoints, once it has run",
            "its end is not known",
            "Observed: carried out; taken back at 1970-01-01 00:00 UTC",
            "- 20 closed: false positive",
            "NOT WHOLE",
            "head `ab`",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
        assert_eq!(text.matches("its end is not known").count(), 2, "listed as open and as done");
    }

    #[test]
    fn nothing_in_it_can_be_clicked_or_run() {
        let text = report().markdown();
        assert!(!text.to_lowercase().contains("http") && !text.contains("](j") && !text.contains('\u{202e}'), "{text}");
        assert!(!text.replace("\\<", "").contains('<') && !text.lines().any(|line| line.starts_with("```")), "{text}");
    }
}

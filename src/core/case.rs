//! Cases: events that belong together, and all that was done on them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::event::StoredEvent;
use super::export::{self, Format};
use super::listing::Listed;
use super::text::{defanged, markdown_safe};

/// A case as a list shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    /// Its name, by which it is called.
    pub name: String,
    /// What it is about.
    pub title: String,
    /// Whether it is open.
    pub open: bool,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// How many events it has.
    pub events: usize,
}

/// A file of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseFile {
    /// Where it lies.
    pub path: String,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was added.
    pub added_at: Timestamp,
}

/// A line of a case's timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub time: Timestamp,
    /// What kind of thing: an event, a revision, a note, the record.
    pub kind: &'static str,
    /// By whom; empty for a vendor.
    pub actor: String,
    /// What, in a line.
    pub text: String,
}

/// A command that was run on the events of a case, and how it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ran {
    /// Number of its entry in the record.
    pub seq: i64,
    /// When.
    pub time: Timestamp,
    /// By whom.
    pub actor: String,
    /// On which connection.
    pub connection: String,
    /// Which command.
    pub command: String,
    /// The state that it ended in; none where the record does not know.
    pub state: Option<String>,
    /// What it was about.
    pub items: Vec<String>,
    /// Its arguments, secrets masked.
    pub arguments: Value,
    /// What the record keeps of its outcome.
    pub outcome: Value,
}

impl Ran {
    /// How it ended, in words.
    pub fn ending(&self) -> &str {
        self.state.as_deref().unwrap_or("its end is unknown")
    }

    /// The whole of it as JSON.
    pub fn json(&self) -> Value {
        json!({
            "command": self.command, "connection": self.connection, "actor": self.actor, "time": self.time, "state": self.ending(),
            "items": self.items, "arguments": self.arguments, "outcome": self.outcome, "record": self.seq,
        })
    }
}

/// A case with all that belongs to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dossier {
    /// The case.
    pub case: Case,
    /// Its events, in order of time.
    pub events: Vec<Listed>,
    /// What happened: its events, what was done and written, in order of time.
    pub timeline: Vec<Moment>,
    /// What was run on its events, newest first.
    pub runs: Vec<Ran>,
    /// Its files.
    pub files: Vec<CaseFile>,
}

impl Dossier {
    /// The notes on it and on its events, in order of time.
    pub fn notes(&self) -> impl Iterator<Item = &Moment> {
        self.timeline.iter().filter(|moment| moment.kind == NOTE)
    }
}

/// What the timeline calls a note.
pub const NOTE: &str = "note";

/// A case in a format, ready to be written: in Markdown the whole of it, in the formats of events its events.
pub fn export(dossier: &Dossier, events: &[StoredEvent], format: Format) -> String {
    if format == Format::Markdown { markdown(dossier, events) } else { export::export(events, format) }
}

/// The format that a file's name asks for.
pub fn format_of(path: &str) -> Format {
    let path = path.to_lowercase();
    match path.rsplit('.').collect::<Vec<_>>().as_slice() {
        ["csv", ..] => Format::Csv,
        ["md" | "markdown", ..] => Format::Markdown,
        ["ocsf", ..] | ["jsonl" | "json", "ocsf", ..] => Format::Ocsf,
        _ => Format::Jsonl,
    }
}

fn markdown(dossier: &Dossier, events: &[StoredEvent]) -> String {
    let safe = |text: &str| markdown_safe(&defanged(text));
    let time = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let case = &dossier.case;
    let mut out = format!("# Case {}\n\n", safe(&case.name));
    if !case.title.is_empty() {
        out.push_str(&format!("{}\n\n", safe(&case.title)));
    }
    out.push_str(&format!("- **opened**: {}\n", time(case.opened_at)));
    match case.closed_at {
        Some(at) => out.push_str(&format!("- **closed**: {}\n", time(at))),
        None => out.push_str("- **state**: open\n"),
    }
    let line = |moment: &Moment| {
        let who = if moment.actor.is_empty() { String::new() } else { format!(" **{}**", safe(&moment.actor)) };
        format!("- {} {}{who}: {}\n", time(moment.time), moment.kind, safe(&moment.text))
    };
    let section = |out: &mut String, title: &str, lines: Vec<String>| {
        out.push_str(&format!("\n## {title}\n\n"));
        out.push_str(&if lines.is_empty() { "None.\n".to_owned() } else { lines.concat() });
    };
    section(&mut out, "Notes", dossier.notes().map(line).collect());
    let runs = dossier.runs.iter().rev().map(|ran| {
        let message = ran.outcome.get("message").and_then(Value::as_str).unwrap_or_default();
        let (command, place) = (safe(&ran.command), safe(&ran.connection));
        let ending = if message.is_empty() { ran.ending().to_owned() } else { format!("{}: {message}", ran.ending()) };
        format!("- {} **{}** {command} on {place} — {}\n", time(ran.time), safe(&ran.actor), safe(&ending))
    });
    section(&mut out, "What was run", runs.collect());
    let files =
        dossier.files.iter().map(|file| format!("- {} — {} bytes, SHA-256 `{}`\n", safe(&file.path), file.size, safe(&file.sha256)));
    section(&mut out, "Files", files.collect());
    section(&mut out, "Timeline", dossier.timeline.iter().map(line).collect());
    out.push('\n');
    // The events' own headings lie one level deeper here.
    for line in export::export(events, Format::Markdown).lines() {
        out.push_str(if line.starts_with("# ") || line.starts_with("## ") { "#" } else { "" });
        out.push_str(line);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_in_markdown_has_everything_and_no_markup_of_others() {
        let evil = "[x](https://evil.example) <b>";
        let moment = |kind, text: &str| Moment { time: Timestamp::UNIX_EPOCH, kind, actor: "ana".into(), text: text.into() };
        let dossier = Dossier {
            case: Case { name: "case-1".into(), title: evil.into(), open: true, ..Case::default() },
            timeline: vec![moment(NOTE, evil), moment("record", "isolate-endpoints on eset-eu: Successful")],
            runs: vec![Ran {
                seq: 4,
                time: Timestamp::UNIX_EPOCH,
                actor: "ana".into(),
                connection: "eset-eu".into(),
                command: "isolate-endpoints".into(),
                state: None,
                items: Vec::new(),
                arguments: json!({}),
                outcome: json!({"message": evil}),
            }],
            files: vec![CaseFile { path: "/q/a.zip".into(), sha256: "ab12".into(), size: 3, added_at: Timestamp::UNIX_EPOCH }],
            ..Dossier::default()
        };
        let text = export(&dossier, &[StoredEvent::default()], Format::Markdown);
        for part in ["# Case case-1", "## Notes", "its end is unknown", "SHA-256 `ab12`", "## Timeline", "\n## 1 events", "\n### 0"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("https://") && !text.replace("\\<", "").contains('<') && !text.contains("](h"), "{text}");
    }

    #[test]
    fn a_files_name_says_its_format() {
        for (path, format) in [
            ("case-1.md", Format::Markdown),
            ("x/CASE.CSV", Format::Csv),
            ("case.jsonl", Format::Jsonl),
            ("case.ocsf.jsonl", Format::Ocsf),
            ("case", Format::Jsonl),
        ] {
            assert_eq!(format_of(path), format, "{path}");
        }
    }
}

//! What is printed: JSON Lines or tables on stdout, talk on stderr. Vendor text goes through the sanitiser; a closed pipe is no error.

use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::Form;
use crate::core::text::visible;

/// Why some of the output could not be written, if so: a script must not take half a list for the whole.
static LOST: OnceLock<String> = OnceLock::new();

/// The widest that a column gets.
const WIDEST: usize = 60;

/// Where results go.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// How they are printed.
    pub form: Form,
    /// Whether JSON was asked for in so many words: then a page to read gives way to it too.
    pub json_asked: bool,
}

impl Output {
    /// In the form asked for, else the one that fits stdout.
    pub fn new(form: Option<Form>) -> Self {
        let fitting = if std::io::stdout().is_terminal() { Form::Table } else { Form::Json };
        Self { form: form.unwrap_or(fitting), json_asked: form == Some(Form::Json) }
    }

    /// Whether JSON is wanted.
    pub fn is_json(self) -> bool {
        self.form == Form::Json
    }

    /// One JSON object on a line.
    pub fn json(self, value: &Value) {
        self.bytes(format!("{value}\n").as_bytes());
    }

    /// One line of text, made visible.
    pub fn line(self, text: &str) {
        self.bytes(format!("{}\n", visible(text)).as_bytes());
    }

    /// Bytes as they are.
    pub fn bytes(self, bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            // Whoever reads may have seen enough.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                let _ = LOST.set(error.to_string());
            }
            _ => {}
        }
    }

    /// Objects as JSON Lines, or as a table of these columns (heading, member).
    pub fn rows(self, rows: &[Value], columns: &[(&str, &str)]) {
        if self.is_json() {
            rows.iter().for_each(|row| self.json(row));
            return;
        }
        let cells: Vec<Vec<String>> =
            rows.iter().map(|row| columns.iter().map(|(_, member)| cell(row.get(*member).unwrap_or(&Value::Null))).collect()).collect();
        let headings: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
        self.table(&headings, &cells);
    }

    /// A table whose columns are as wide as they need to be, within reason.
    pub fn table(self, headings: &[&str], rows: &[Vec<String>]) {
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|text| shorten(visible(text).as_ref())).collect()).collect();
        let widths: Vec<usize> = headings
            .iter()
            .enumerate()
            .map(|(at, heading)| {
                rows.iter().filter_map(|row| row.get(at)).map(|text| text.width()).chain([heading.width()]).max().unwrap_or(0)
            })
            .collect();
        self.cells(headings.iter().copied(), &widths);
        rows.iter().for_each(|row| self.cells(row.iter().map(String::as_str), &widths));
    }

    fn cells<'a>(self, cells: impl Iterator<Item = &'a str>, widths: &[usize]) {
        let mut line = String::new();
        for (text, width) in cells.zip(widths) {
            line.push_str(text);
            line.push_str(&" ".repeat(width.saturating_sub(text.width()) + 2));
        }
        self.bytes(format!("{}\n", line.trim_end()).as_bytes());
    }
}

/// The exit code of a call that would end with `code`: another one where its output was lost.
pub fn unless_lost(code: u8) -> u8 {
    match LOST.get() {
        Some(reason) => {
            complain(&format!("the output could not be written: {reason}"));
            code.max(1)
        }
        None => code,
    }
}

/// A value as a table's cell.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= WIDEST { text.to_owned() } else { text.chars().take(WIDEST - 1).chain(['…']).collect() }
}

/// Says something on stderr, made visible.
pub fn complain(text: &str) {
    let mut err = std::io::stderr().lock();
    for line in text.lines() {
        let _ = writeln!(err, "{}", visible(line));
    }
}

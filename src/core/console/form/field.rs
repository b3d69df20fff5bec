//! One field of a form: what it holds, what it takes, how keys edit it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tui_textarea::{CursorMove, TextArea};

use super::body::{self, Body};
use crate::core::catalogue::{Given, Parameter, Type};
use crate::core::console::keys::{Code, Key};
use crate::core::console::line::Line;
use crate::core::json::outline::{line_column, outline, place_of};
use crate::core::json::path::Part;
use crate::core::mapping::scalar;
use crate::core::secrecy::holds_secret;

/// What a field holds.
#[derive(Clone, Debug)]
pub enum Entry {
    /// One line.
    Line(Line),
    /// Several lines.
    Area(Box<TextArea<'static>>),
    /// The number of a choice.
    Choice(Option<usize>),
    /// Yes or no, or neither.
    Flag(Option<bool>),
}

/// One field.
#[derive(Clone, Debug)]
pub struct Field {
    /// What it is for.
    pub parameter: Parameter,
    /// What it holds.
    pub entry: Entry,
    /// Why it is not accepted.
    pub error: Option<String>,
    /// The text that it began with.
    pub(super) beginning: String,
    /// Where its value was taken from.
    pub origin: Option<String>,
    /// Names of values, from a pick list.
    pub names: BTreeMap<String, String>,
    /// Values whose names were asked for.
    pub sought: BTreeSet<String>,
    /// What makes it JSON that is checked as it is typed.
    pub body: Option<Box<Body>>,
    /// In a short form: where its value goes, and where the name of a picked value goes.
    pub into: Option<(String, Option<String>)>,
}

impl Field {
    pub(super) fn new(parameter: &Parameter) -> Self {
        let body = Body::of(parameter).map(Box::new);
        let entry = match &parameter.r#type {
            Type::Choice(choices) => {
                let default = parameter.default.as_ref().and_then(Value::as_str);
                Entry::Choice(choices.iter().position(|choice| Some(choice.label.as_str()) == default))
            }
            Type::Boolean => Entry::Flag(parameter.default.as_ref().and_then(Value::as_bool)),
            _ if let Some(body) = &body => {
                let default = parameter.default.as_ref().map(body::pretty);
                Entry::Area(Box::new(area(&default.unwrap_or_else(|| body.beginning.clone()))))
            }
            Type::Text { multiline: true, .. } | Type::Object { .. } | Type::Json { .. } => {
                Entry::Area(Box::new(area(&parameter.default.as_ref().map(plain).unwrap_or_default())))
            }
            _ => Entry::Line(Line::new(&parameter.default.as_ref().map(plain).unwrap_or_default())),
        };
        Self {
            parameter: parameter.clone(),
            entry,
            error: None,
            beginning: String::new(),
            origin: None,
            names: BTreeMap::new(),
            sought: BTreeSet::new(),
            body,
            into: None,
        }
    }

    /// What it holds, as text.
    pub fn text(&self) -> String {
        match &self.entry {
            Entry::Line(line) => line.text(),
            Entry::Area(area) => area.lines().join("\n"),
            Entry::Choice(at) => at.and_then(|at| self.choices().get(at).cloned()).unwrap_or_default(),
            Entry::Flag(flag) => flag.map(|flag| if flag { "true" } else { "false" }.to_owned()).unwrap_or_default(),
        }
    }

    /// Whether nothing was said in it: what it began with is nothing.
    pub fn is_blank(&self) -> bool {
        let text = self.text();
        self.body.as_ref().map_or_else(|| text.trim().is_empty(), |body| body.is_untouched(&text))
    }

    /// Takes what it holds for what it begins with: nobody typed it.
    pub(super) fn begin(&mut self) {
        self.beginning = self.text();
    }

    /// Whether somebody said something else in it than it began with.
    pub fn is_typed(&self) -> bool {
        self.text() != self.beginning
    }

    /// What of it may be kept: no secret.
    pub(super) fn kept(&self) -> Option<String> {
        if self.parameter.secret {
            return None;
        }
        let text = self.text();
        match &self.body {
            Some(body) => Some(body.without_secrets(&text)),
            None => (!holds_secret(&text)).then_some(text),
        }
    }

    /// The labels of its choices, also of the items of a list.
    pub fn choices(&self) -> Vec<String> {
        let of = match &self.parameter.r#type {
            Type::List { of, .. } => of,
            other => other,
        };
        if let Type::Choice(choices) = of { choices.iter().map(|choice| choice.label.clone()).collect() } else { Vec::new() }
    }

    /// Puts a text in.
    pub fn set(&mut self, text: &str) {
        self.entry = match (&self.entry, &self.parameter.r#type) {
            (Entry::Choice(_), _) => {
                Entry::Choice(self.choices().iter().position(|label| label.eq_ignore_ascii_case(text)).or_else(|| self.wire_position(text)))
            }
            (Entry::Flag(_), _) => Entry::Flag(text.parse().ok()),
            (Entry::Area(_), _) => Entry::Area(Box::new(area(text))),
            (Entry::Line(_), _) => Entry::Line(Line::new(text)),
        };
        self.changed();
    }

    /// Takes up that its text is another one now.
    fn changed(&mut self) {
        self.error = None;
        let Entry::Area(area) = &self.entry else { return };
        if let Some(body) = &mut self.body {
            let size = area.lines().iter().map(|line| line.len() + 1).sum();
            body.changed(|| area.lines().join("\n"), size);
        }
    }

    /// Where the cursor is in its text, in bytes.
    pub fn place(&self) -> usize {
        let Entry::Area(area) = &self.entry else { return 0 };
        let cursor = area.cursor();
        place_of(&self.text(), cursor.0, cursor.1)
    }

    /// Marks a part of its text, so that what is typed next replaces it.
    pub(super) fn select(&mut self, part: std::ops::Range<usize>) {
        let text = self.text();
        let Entry::Area(area) = &mut self.entry else { return };
        let jump = |place: usize| {
            let (line, column) = line_column(&text, place);
            let small = |number: usize| u16::try_from(number.saturating_sub(1)).unwrap_or(u16::MAX);
            CursorMove::Jump(small(line), small(column))
        };
        area.cancel_selection();
        area.move_cursor(jump(part.start));
        if !part.is_empty() {
            area.start_selection();
            area.move_cursor(jump(part.end));
        }
    }

    /// Goes to the next place that is still to be filled in; says whether there is one.
    pub fn next_open(&mut self) -> bool {
        let (text, place) = (self.text(), self.place());
        let Some(part) = self.body.as_ref().and_then(|body| body.next_open(&text, place)) else { return false };
        self.select(part);
        true
    }

    /// Writes everything out that may be in it; what is there stays.
    ///
    /// # Errors
    /// Why that cannot be done.
    pub fn write_out(&mut self) -> Result<(), String> {
        let text = self.text();
        let Some(body) = &self.body else { return Err("This field has no shape that could be written out.".into()) };
        let whole = body.whole(&text)?;
        self.set(&whole);
        self.select(0..0);
        self.next_open();
        Ok(())
    }

    /// Puts a choice in at a path of its JSON.
    ///
    /// # Errors
    /// Why that cannot be done.
    pub fn put(&mut self, path: &[Part], chosen: &str) -> Result<(), String> {
        let Some(body) = &self.body else { return Ok(()) };
        let (text, path) = body.put(&self.text(), path, chosen)?;
        let spots = outline(&text);
        let inner: Vec<_> = spots.iter().filter(|spot| spot.path.starts_with(&path)).cloned().collect();
        self.set(&text);
        // The first that is still to be said in what was put in, else its end.
        let Some(body) = &self.body else { return Ok(()) };
        let start = inner.first().map_or(0, |spot| spot.value.start);
        let end = inner.first().map_or(0, |spot| spot.value.end);
        let open = body.next_open(&text, start.saturating_sub(1)).filter(|part| part.start >= start && part.end <= end);
        self.select(open.unwrap_or(end..end));
        Ok(())
    }

    fn wire_position(&self, text: &str) -> Option<usize> {
        let Type::Choice(choices) = &self.parameter.r#type else { return None };
        choices.iter().position(|choice| plain(&choice.wire).eq_ignore_ascii_case(text))
    }

    /// Adds a value: to a list at its end, elsewhere in its place.
    pub fn add(&mut self, value: &str) {
        let is_list = matches!(self.parameter.r#type, Type::List { .. });
        let now = self.text();
        if is_list && !now.trim().is_empty() {
            let mut values = self.values();
            if !values.iter().any(|known| known == value) {
                values.push(value.to_owned());
            }
            self.set(&joined(&values));
        } else {
            self.set(value);
        }
    }

    /// The single values of a list, or the one value.
    pub fn values(&self) -> Vec<String> {
        let text = self.text();
        match &self.parameter.r#type {
            _ if text.trim().is_empty() => Vec::new(),
            Type::List { .. } => match serde_json::from_str::<Value>(&text) {
                Ok(Value::Array(items)) => items.iter().map(plain).collect(),
                _ => text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect(),
            },
            _ => vec![text],
        }
    }

    pub(super) fn given(&self) -> Option<(String, Given)> {
        let text = self.text();
        if let Some(body) = &self.body {
            // What is no JSON is told so by the validation.
            let value = body.value(&text).map_or_else(|_| Some(Given::Text(text)), |value| value.map(Given::Json));
            return value.map(|value| (self.parameter.name.clone(), value));
        }
        let given = match self.entry {
            Entry::Flag(flag) => Given::Json(Value::Bool(flag?)),
            _ if text.trim().is_empty() => return None,
            _ => Given::Text(text),
        };
        Some((self.parameter.name.clone(), given))
    }

    /// Its limits in words: `required · 1 to 1000`, and the key that picks from its list.
    pub fn rules(&self, pick: &str) -> String {
        let mut rules = Vec::new();
        if self.parameter.required {
            rules.push("required".to_owned());
        }
        rules.push(rules_of(&self.parameter.r#type));
        if self.body.is_none() && (self.parameter.pick.is_some() || !self.choices().is_empty()) {
            rules.push(format!("{pick} picks"));
        }
        if let Some(default) = &self.parameter.default {
            rules.push(format!("default {}", plain(default)));
        }
        rules.retain(|rule| !rule.is_empty());
        rules.join(" · ")
    }

    /// Takes a key of editing; says whether it was one.
    pub fn input(&mut self, key: Key) -> bool {
        let count = self.choices().len();
        let used = match &mut self.entry {
            Entry::Line(line) => line.input(key),
            Entry::Area(area) => match textarea_input(key) {
                Some(input) => area.input(input),
                None => false,
            },
            Entry::Choice(at) => match key.code {
                Code::Right | Code::Char(' ') => {
                    *at = Some(at.map_or(0, |at| (at + 1) % count.max(1)));
                    true
                }
                Code::Left => {
                    *at = Some(at.map_or(count.saturating_sub(1), |at| (at + count.saturating_sub(1)) % count.max(1)));
                    true
                }
                Code::Backspace | Code::Delete if !self.parameter.required => {
                    *at = None;
                    true
                }
                _ => false,
            },
            Entry::Flag(flag) => match key.code {
                Code::Right | Code::Left | Code::Char(' ') => {
                    *flag = Some(!flag.unwrap_or(false));
                    true
                }
                Code::Char('y') if !key.ctrl => {
                    *flag = Some(true);
                    true
                }
                Code::Char('n') if !key.ctrl => {
                    *flag = Some(false);
                    true
                }
                Code::Backspace | Code::Delete => {
                    *flag = None;
                    true
                }
                _ => false,
            },
        };
        if used {
            self.origin = None;
            self.changed();
        }
        used
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        match &mut self.entry {
            Entry::Line(line) => line.paste(text),
            Entry::Area(area) => {
                // Terminals send a lone carriage return where a line ends.
                let clean: String = text
                    .replace("\r\n", "\n")
                    .replace('\r', "\n")
                    .chars()
                    .filter(|c| *c == '\n' || *c == '\t' || !c.is_control())
                    .collect();
                area.insert_str(clean);
            }
            Entry::Choice(_) | Entry::Flag(_) => {}
        }
        self.changed();
    }
}

/// What is said of a value, part by part; what says nothing is left out.
fn listed<const PARTS: usize>(parts: [String; PARTS]) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn rules_of(r#type: &Type) -> String {
    let range = |minimum: Option<String>, maximum: Option<String>| match (minimum, maximum) {
        (Some(minimum), Some(maximum)) => format!("{minimum} to {maximum}"),
        (Some(minimum), None) => format!("at least {minimum}"),
        (None, Some(maximum)) => format!("at most {maximum}"),
        (None, None) => String::new(),
    };
    match r#type {
        Type::Text { max_chars: Some(most), .. } => format!("at most {most} characters"),
        Type::Text { .. } => String::new(),
        Type::Integer { minimum, maximum } => {
            listed(["whole number".into(), range(minimum.map(|n| n.to_string()), maximum.map(|n| n.to_string()))])
        }
        Type::Number { minimum, maximum } => {
            listed(["number".into(), range(minimum.map(|n| n.to_string()), maximum.map(|n| n.to_string()))])
        }
        Type::Boolean => "yes or no: y, n, space".into(),
        Type::Time(_) => "2026-07-01 12:00 (UTC), -24h, now".into(),
        Type::Choice(choices) => format!("one of {}: space", choices.len()),
        Type::List { of, minimum, maximum } => {
            let many = range((*minimum > 0).then(|| minimum.to_string()), maximum.map(|n| n.to_string()));
            let each = Some(rules_of(of)).filter(|rule| !rule.is_empty()).map(|rule| format!("each {rule}"));
            listed(["list a,b,c".into(), many, each.unwrap_or_default()])
        }
        Type::Object { .. } => "JSON object".into(),
        Type::Json { .. } => "JSON or text".into(),
    }
}

pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Array(items) => joined(&items.iter().map(plain).collect::<Vec<_>>()),
        other => scalar(other).unwrap_or_else(|| if other.is_null() { String::new() } else { other.to_string() }),
    }
}

fn joined(values: &[String]) -> String {
    if values.iter().any(|value| value.contains(',')) { Value::from(values.to_vec()).to_string() } else { values.join(", ") }
}

fn area(text: &str) -> TextArea<'static> {
    TextArea::new(text.lines().map(str::to_owned).collect())
}

fn textarea_input(key: Key) -> Option<tui_textarea::Input> {
    use tui_textarea::Key as K;
    let code = match key.code {
        Code::Char(c) => K::Char(c),
        Code::Enter => K::Enter,
        Code::Backspace => K::Backspace,
        Code::Delete => K::Delete,
        Code::Up => K::Up,
        Code::Down => K::Down,
        Code::Left => K::Left,
        Code::Right => K::Right,
        Code::Home => K::Home,
        Code::End => K::End,
        _ => return None,
    };
    Some(tui_textarea::Input { key: code, ctrl: key.ctrl, alt: key.alt, shift: key.shift })
}

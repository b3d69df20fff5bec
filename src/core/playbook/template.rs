//! Templates: texts with placeholders.
//!
//! `[Input.NAME]`, `${event.id}` (or `title`, `vendor`, `connection`, `type`, `severity`, `key`), `${event.$.json.path}`,
//! `${entity.KIND}`, `${steps.NAME.$.json.path}`, `${item}`, `${item.$.json.path}`. A placeholder that is the whole text stands for
//! its values as they are, and expands within a list; elsewhere it is written out. One that ends in `?` may find nothing.

use serde_json::{Map, Value};
use serde_json_path::JsonPath;

use crate::core::entity::{EntityKind, normalise};
use crate::core::event::StoredEvent;

/// What a placeholder names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    Input(String),
    Event(String),
    Entity(EntityKind),
    Step(String, String),
    Item(String),
    /// The answer of the last command; in forms only.
    Last(String),
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Place { shown: String, reference: Reference, optional: bool },
}

/// What placeholders are looked up in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub inputs: &'a Map<String, Value>,
    pub event: Option<&'a StoredEvent>,
    /// Results of steps by name; none yet for those that were not sent.
    pub steps: &'a [(String, Option<Value>)],
    pub item: Option<&'a Value>,
    /// The answer of the last command, in forms.
    pub last: Option<&'a Value>,
}

/// What a template came to.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub value: Value,
    /// Steps whose results it needs and that have none, as in a dry run.
    pub pending: Vec<String>,
}

/// Whether an argument takes an input as it is, or a list has it among its items.
pub fn takes_input(value: &Value, input: &str) -> bool {
    match value {
        Value::String(text) => [format!("[Input.{input}]"), format!("[Input.{input}?]")].contains(text),
        Value::Array(items) => items.iter().any(|item| item.is_string() && takes_input(item, input)),
        _ => false,
    }
}

/// The placeholders of a text.
pub(super) fn references(text: &str) -> Result<Vec<Reference>, String> {
    let (text, _) = comparison(text);
    let pieces = pieces(text)?;
    Ok(pieces
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Place { reference, .. } => Some(reference),
            Piece::Text(_) => None,
        })
        .collect())
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = [rest.find("${"), rest.find("[Input.")].into_iter().flatten().min() {
        let (before, from) = rest.split_at(at);
        if !before.is_empty() {
            pieces.push(Piece::Text(before.into()));
        }
        let close = if from.starts_with("${") { '}' } else { ']' };
        let end = from.find(close).ok_or_else(|| format!("{from} has no closing {close}"))?;
        let (place, after) = from.split_at(end + 1);
        pieces.push(placeholder(place)?);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.into()));
    }
    Ok(pieces)
}

fn placeholder(shown: &str) -> Result<Piece, String> {
    let inner = shown.trim_start_matches("${").trim_start_matches('[').trim_end_matches(['}', ']']);
    // A path may end in a bracket of its own.
    let inner = if shown.starts_with("${") { shown.trim_start_matches("${").trim_end_matches('}') } else { inner };
    let (inner, optional) = inner.strip_suffix('?').map_or((inner, false), |inner| (inner, true));
    let (space, name) = inner.split_once('.').unwrap_or((inner, ""));
    let path = |path: &str| match JsonPath::parse(path) {
        Ok(_) => Ok(path.to_owned()),
        Err(error) => Err(format!("{shown}: not a JSONPath: {error}")),
    };
    let reference = match space {
        "Input" => Reference::Input(name.into()),
        "event" if name.starts_with('$') => Reference::Event(path(name)?),
        "event" if matches!(name, "id" | "title" | "vendor" | "connection" | "type" | "severity" | "key") => Reference::Event(name.into()),
        "entity" => Reference::Entity(EntityKind::parse(name).ok_or_else(|| format!("{shown}: {name} is not a kind of entity"))?),
        "steps" => {
            let (step, way) = name.split_once('.').ok_or_else(|| format!("{shown}: a path from $ is missing"))?;
            Reference::Step(step.into(), path(way)?)
        }
        "last" => Reference::Last(path(name)?),
        "item" if name.is_empty() => Reference::Item("$".into()),
        "item" => Reference::Item(path(name)?),
        _ => {
            return Err(format!(
                "{shown} is no placeholder; there are [Input.NAME], ${{event.…}}, ${{entity.KIND}}, ${{steps.NAME.$…}}, ${{item}}"
            ));
        }
    };
    Ok(Piece::Place { shown: shown.into(), reference, optional })
}

/// Splits `TEMPLATE == text` and `TEMPLATE != text`.
fn comparison(text: &str) -> (&str, Option<(bool, &str)>) {
    // A path may compare too; what stands behind the last placeholder is ours.
    let from = text.rfind(['}', ']']).unwrap_or(0);
    let tail = text.get(from..).unwrap_or_default();
    for (sign, equal) in [("==", true), ("!=", false)] {
        if let Some(at) = tail.find(sign) {
            let (left, right) = (text.get(..from + at), text.get(from + at + 2..));
            return (left.unwrap_or_default().trim(), Some((equal, right.unwrap_or_default().trim())));
        }
    }
    (text, None)
}

impl Known<'_> {
    /// The values that a reference finds; `None` where they are not known yet.
    fn find(&self, reference: &Reference) -> Option<Vec<Value>> {
        Some(match reference {
            Reference::Input(name) => self.inputs.get(name).map_or_else(Vec::new, values),
            Reference::Event(what) => self.event.map_or_else(Vec::new, |event| of_event(event, what)),
            Reference::Entity(kind) => self.event.map_or_else(Vec::new, |event| entities(event, *kind)),
            Reference::Step(name, path) => match self.steps.iter().find(|(known, _)| known == name) {
                Some((_, None)) => return None,
                Some((_, Some(result))) => pick(result, path),
                None => Vec::new(),
            },
            Reference::Item(path) => self.item.map_or_else(Vec::new, |item| pick(item, path)),
            Reference::Last(path) => self.last.map_or_else(Vec::new, |answer| pick(answer, path)),
        })
    }

    /// Resolves every text in a value; `None` where all that was asked for may be, and is, missing.
    pub(super) fn resolve(&self, value: &Value) -> Result<Option<Resolved>, String> {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                let (mut all, mut pending) = (Vec::new(), Vec::new());
                for item in items {
                    if let Some(found) = self.resolve(item)? {
                        pending.extend(found.pending);
                        if item.is_string() { all.extend(values(&found.value)) } else { all.push(found.value) }
                    }
                }
                Ok(Some(Resolved { value: Value::Array(all), pending }))
            }
            Value::Object(members) => {
                let (mut all, mut pending) = (Map::new(), Vec::new());
                for (name, member) in members {
                    if let Some(found) = self.resolve(member)? {
                        pending.extend(found.pending);
                        all.insert(name.clone(), found.value);
                    }
                }
                Ok(Some(Resolved { value: Value::Object(all), pending }))
            }
            other => Ok(Some(Resolved { value: other.clone(), pending: Vec::new() })),
        }
    }

    fn text(&self, text: &str) -> Result<Option<Resolved>, String> {
        let pieces = pieces(text)?;
        let whole = pieces.len() == 1;
        let (mut written, mut pending) = (String::new(), Vec::new());
        for piece in pieces {
            let (shown, reference, optional) = match piece {
                Piece::Text(text) => {
                    written.push_str(&text);
                    continue;
                }
                Piece::Place { shown, reference, optional } => (shown, reference, optional),
            };
            let Some(mut found) = self.find(&reference) else {
                if let Reference::Step(name, _) = &reference {
                    pending.push(name.clone());
                }
                written.push_str(&shown);
                continue;
            };
            if found.is_empty() && !optional {
                return Err(self.nothing(&shown, &reference));
            }
            if whole {
                return Ok(match found.len() {
                    0 => None,
                    1 => found.pop().map(|value| Resolved { value, pending }),
                    _ => Some(Resolved { value: Value::Array(found), pending }),
                });
            }
            let texts: Vec<String> = found.iter().map(plain).collect();
            written.push_str(&texts.join(", "));
        }
        Ok(Some(Resolved { value: Value::from(written), pending }))
    }

    fn nothing(&self, shown: &str, reference: &Reference) -> String {
        match (reference, self.event) {
            (Reference::Input(name), _) => format!("Input {name} is not given; give it as {name}=VALUE."),
            (Reference::Event(_) | Reference::Entity(_), None) => format!("{shown} needs an event; name one with --event."),
            (Reference::Entity(kind), Some(event)) => format!("{shown}: event {} mentions no {}.", event.id, kind.as_str()),
            (Reference::Event(_), Some(event)) => format!("{shown}: event {} has no such value.", event.id),
            (Reference::Step(name, _), _) => format!("{shown}: the result of step {name} has no such value."),
            (Reference::Item(_), _) => format!("{shown}: the value has no such part."),
            (Reference::Last(_), _) if self.last.is_none() => format!("{shown}: nothing was run yet that could answer."),
            (Reference::Last(_), _) => format!("{shown}: the last answer has no such value."),
        }
    }

    /// Whether a condition holds; `None` where that is not known yet.
    pub(super) fn holds(&self, condition: &str) -> Result<Option<bool>, String> {
        let (text, compared) = comparison(condition);
        let mut found = Vec::new();
        for piece in pieces(text)? {
            match piece {
                Piece::Text(text) => found.push(Value::from(text)),
                Piece::Place { reference, .. } => match self.find(&reference) {
                    None => return Ok(None),
                    Some(values) => found.extend(values),
                },
            }
        }
        Ok(Some(match compared {
            Some((equal, with)) => found.iter().any(|value| plain(value).eq_ignore_ascii_case(with)) == equal,
            None => found.iter().any(|value| !matches!(value, Value::Null | Value::Bool(false)) && value.as_str() != Some("")),
        }))
    }
}

/// A form's text with the last command's answer in the place of `${last.$.path}`; nothing where it has no such placeholder.
///
/// # Errors
/// Why a placeholder cannot be filled.
pub fn from_last(text: &str, answer: Option<&Value>) -> Result<Option<Value>, String> {
    if !text.contains("${last.") {
        return Ok(None);
    }
    let known = Known { inputs: &Map::new(), event: None, steps: &[], item: None, last: answer };
    known.text(text).map(|found| found.map(|found| found.value))
}

fn values(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.clone(),
        other => vec![other.clone()],
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The values at a path; one list at it stands for its elements.
pub(super) fn pick(value: &Value, path: &str) -> Vec<Value> {
    let Ok(path) = JsonPath::parse(path) else { return Vec::new() };
    let found: Vec<&Value> = path.query(value).all();
    match found.as_slice() {
        [Value::Array(items)] => items.clone(),
        found => found.iter().filter(|value| !value.is_null()).map(|value| (*value).clone()).collect(),
    }
}

fn of_event(event: &StoredEvent, what: &str) -> Vec<Value> {
    let text = |text: &str| vec![Value::from(text)];
    match what {
        "id" => vec![Value::from(event.id)],
        "title" => text(&event.event.title),
        "vendor" => text(&event.vendor),
        "connection" => text(&event.connection),
        "type" => text(&event.event.event_type),
        "severity" => text(event.event.severity.as_str()),
        "key" => text(&event.event.key),
        path => pick(&event.event.raw, path),
    }
}

/// What an event mentions of a kind, each once however it is spelt.
pub(super) fn entities(event: &StoredEvent, kind: EntityKind) -> Vec<Value> {
    let mut seen: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for entity in event.event.entities.iter().filter(|entity| entity.kind == kind) {
        let same = normalise(kind, &entity.value);
        if !seen.contains(&same) {
            seen.push(same);
            found.push(Value::from(entity.value.as_str()));
        }
    }
    found
}

//! JSON under edit in a field: begun with a sketch of its schema, checked as it is typed, with help at the cursor. Placeholders are never
//! sent.

use serde_json::{Map, Value};

use crate::core::catalogue::{Parameter, Type};
use crate::core::console::chooser::Choice;
use crate::core::json::outline::{Spot, line_column, nearest, outline, spot_at};
use crate::core::json::path::{Part, write};
use crate::core::schema::{
    self, Complaint, Extent, WrittenOut, at, choices, complaints, has_secrets, is_placeholder, is_read_only, is_secret, kind, settle,
    sketch, takes,
};

/// The most bytes that are checked with every key; more is checked when typing pauses, away from the loop.
pub const AT_ONCE: usize = 32 * 1024;
/// How long typing has to pause before a large text is checked, in milliseconds.
pub const PAUSE: i64 = 400;

/// What is wrong at a place of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its line, from one.
    pub line: usize,
    /// Its column in characters, from one.
    pub column: usize,
    /// The place by its path, and what is wrong with it.
    pub text: String,
    /// Whether it is only not filled in yet.
    pub open: bool,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{} {}", self.line, self.column, self.text)
    }
}

/// What a text is checked against.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// The schema.
    pub schema: Value,
    /// Whether it must be given.
    pub required: bool,
    /// Whether other fields may give what it lacks at its top.
    pub shared: bool,
}

/// A text under edit.
#[derive(Clone, Debug)]
pub struct Body {
    /// What it is checked against.
    pub rules: std::sync::Arc<Rules>,
    /// What it began with; as long as it is that, nothing was typed.
    pub beginning: String,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// Counts its changes, so that a check that comes late is known to be of another text.
    pub revision: u64,
    /// Whether it has changed since it was checked.
    pub stale: bool,
    secrets: bool,
}

impl Body {
    /// The text of a parameter that takes JSON of a known shape; nothing for others.
    pub fn of(parameter: &Parameter) -> Option<Self> {
        let schema = schema_of(&parameter.r#type)?;
        let shared = parameter.place == "whole" && !parameter.required;
        let beginning = if shared || parameter.default.is_some() { String::new() } else { begun(&schema) };
        let secrets = has_secrets(&schema);
        let rules = std::sync::Arc::new(Rules { schema, required: parameter.required, shared });
        let mut body = Self { rules, beginning, faults: Vec::new(), revision: 0, stale: false, secrets };
        body.faults = faults(&body.beginning, &body.rules);
        Some(body)
    }

    /// Whether nothing was typed.
    pub fn is_untouched(&self, text: &str) -> bool {
        text.trim().is_empty() || text == self.beginning
    }

    /// Takes up a change of the text; a large one is only marked to be checked.
    pub fn changed(&mut self, text: impl FnOnce() -> String, size: usize) {
        self.revision += 1;
        self.stale = size > AT_ONCE;
        if !self.stale {
            self.faults = faults(&text(), &self.rules);
        }
    }

    /// What is sent of a text: without placeholders. Nothing where nothing was said.
    ///
    /// # Errors
    /// That it is not JSON.
    pub fn value(&self, text: &str) -> Result<Option<Value>, serde_json::Error> {
        if text.trim().is_empty() || (!self.rules.required && text == self.beginning) {
            return Ok(None);
        }
        let value = settle(&self.rules.schema, serde_json::from_str(text)?, self.rules.required);
        // An empty frame that nobody touched says nothing, unless it is to be said what it lacks.
        let empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
        let nothing = text == self.beginning
            && value.as_ref().is_some_and(|value| empty(value) && complaints(&WrittenOut, &self.rules.schema, value).is_empty());
        Ok(value.filter(|_| !nothing))
    }

    /// A text without the values of secret places, for what is kept.
    pub fn without_secrets(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for spot in self.secret_spots(text).iter().rev() {
            out.replace_range(spot.value.clone(), "\"<secret>\"");
        }
        out
    }

    /// A text with stars in the places of secret values, sign for sign.
    pub fn masked(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for spot in self.secret_spots(text).iter().rev() {
            let stars: String = text.get(spot.value.clone()).unwrap_or_default().chars().map(|c| if c == '\n' { c } else { '*' }).collect();
            out.replace_range(spot.value.clone(), &stars);
        }
        out
    }

    fn secret_spots(&self, text: &str) -> Vec<Spot> {
        if !self.secrets {
            return Vec::new();
        }
        let secret = |spot: &Spot| {
            let value = text.get(spot.value.clone()).unwrap_or_default();
            at(&self.rules.schema, &spot.path).is_some_and(|(schema, _)| is_secret(&schema)) && !matches!(value, "" | "\"<secret>\"")
        };
        outline(text).into_iter().filter(secret).collect()
    }

    /// What is known about the place at the cursor: its path, what it takes, whether it must be there, what it is for.
    pub fn help(&self, text: &str, place: usize) -> Option<String> {
        if text.len() > AT_ONCE {
            return None;
        }
        let spots = outline(text);
        let spot = spot_at(&spots, place)?;
        let (schema, required) = at(&self.rules.schema, &spot.path)?;
        let mut parts = vec![write(&spot.path)];
        parts.extend(schema["title"].as_str().map(str::to_owned));
        parts.push(takes(&schema));
        if required {
            parts.push("required".into());
        }
        let now = text.get(spot.value.clone()).and_then(|value| serde_json::from_str::<Value>(value).ok());
        let chosen = choices(&schema).into_iter().find(|(_, value)| now.as_ref() == Some(value));
        parts.extend(chosen.map(|(shown, _)| format!("now {shown}")));
        parts.extend(schema["description"].as_str().map(str::to_owned));
        Some(parts.join(" · "))
    }

    /// What can be chosen at the cursor: a value of the place, or a member that the object around it lacks.
    ///
    /// # Errors
    /// Why nothing can be chosen, as a sentence.
    pub fn offers(&self, text: &str, place: usize) -> Result<(Vec<Part>, Vec<Choice>), String> {
        let value: Value = if text.trim().is_empty() { Value::Object(Map::new()) } else { read(text)? };
        let spots = outline(text);
        let mut path = spot_at(&spots, place).map(|spot| spot.path.clone()).unwrap_or_default();
        let schema = at(&self.rules.schema, &path).map(|(schema, _)| schema).unwrap_or_default();
        let values = values_of(&schema);
        if !values.is_empty() {
            let choice = |(title, value): (String, Value)| Choice { id: value.to_string(), title, ..Choice::default() };
            return Ok((path, values.into_iter().map(choice).collect()));
        }
        loop {
            let schema = at(&self.rules.schema, &path).map(|(schema, _)| schema).unwrap_or_default();
            if let Some(Value::Object(there)) = value_at(&value, &path) {
                let missing = missing(&schema, there);
                if missing.is_empty() && path.is_empty() {
                    return Err("The object has every field that it can have.".into());
                }
                if !missing.is_empty() {
                    return Ok((path, missing));
                }
            }
            if let (Some(Value::Array(_)), Some(_)) = (value_at(&value, &path), schema.get("items")) {
                let (title, note) = ("one more entry".to_owned(), takes(&schema["items"]));
                return Ok((path, vec![Choice { id: "[]".into(), title, note, ..Choice::default() }]));
            }
            if path.pop().is_none() {
                return Err("Nothing is known that could be added here.".into());
            }
        }
    }

    /// The text with a choice put in at a path, and the path that it stands at then.
    ///
    /// # Errors
    /// Why it cannot be put in, as a sentence.
    pub fn put(&self, text: &str, path: &[Part], chosen: &str) -> Result<(String, Vec<Part>), String> {
        let mut value: Value = if text.trim().is_empty() { Value::Object(Map::new()) } else { read(text)? };
        let schema = at(&self.rules.schema, path).map(|(schema, _)| schema).unwrap_or_default();
        let place = value_at_mut(&mut value, path).ok_or("The place is not there any more.")?;
        let mut path = path.to_vec();
        match place {
            Value::Object(members) if values_of(&schema).is_empty() => {
                path.push(Part::Key(chosen.to_owned()));
                let inner = at(&self.rules.schema, &path).map(|(schema, _)| schema).unwrap_or_default();
                members.insert(chosen.to_owned(), sketch(&WrittenOut, &inner, Extent::Required));
            }
            Value::Array(items) => {
                path.push(Part::Index(items.len()));
                items.push(sketch(&WrittenOut, &schema["items"], Extent::Required));
            }
            other => *other = serde_json::from_str(chosen).unwrap_or_else(|_| Value::from(chosen)),
        }
        Ok((pretty(&value), path))
    }

    /// The text with everything in it that there may be; what is there stays.
    ///
    /// # Errors
    /// That it is not JSON, as a sentence.
    pub fn whole(&self, text: &str) -> Result<String, String> {
        let all = sketch(&WrittenOut, &self.rules.schema, Extent::All);
        let now = if text.trim().is_empty() { Value::Object(Map::new()) } else { read(text)? };
        Ok(pretty(&merged(all, now)))
    }

    /// The next place after the cursor that is still to be filled in: what is to be replaced there.
    pub fn next_open(&self, text: &str, place: usize) -> Option<std::ops::Range<usize>> {
        let open: Vec<Spot> = outline(text).into_iter().filter(|spot| self.is_open(text, spot)).collect();
        let next = open.iter().find(|spot| spot.value.start > place).or_else(|| open.first())?;
        Some(self.filling(&next.path, next.value.clone()))
    }

    /// What is replaced when a placeholder is filled in: what stands between the quotes, or these too where no text belongs there.
    pub fn filling(&self, path: &[Part], value: std::ops::Range<usize>) -> std::ops::Range<usize> {
        let schema = at(&self.rules.schema, path).map(|(schema, _)| schema).unwrap_or_default();
        if kind(&schema) == Some("string") && value.len() >= 2 { value.start + 1..value.end - 1 } else { value }
    }

    fn is_open(&self, text: &str, spot: &Spot) -> bool {
        let value = text.get(spot.value.clone()).filter(|value| value.starts_with("\"<"));
        let value = value.and_then(|value| serde_json::from_str::<Value>(value).ok());
        value.is_some_and(|value| at(&self.rules.schema, &spot.path).is_some_and(|(schema, _)| is_placeholder(&schema, &value)))
    }
}

/// The schema that a field of JSON is edited by.
fn schema_of(r#type: &Type) -> Option<Value> {
    match r#type {
        Type::Object { schema: Some(schema) } => Some(schema.clone()),
        Type::Json { schema: Some(schema) } => {
            let shaped = matches!(kind(schema), Some("object" | "array")) || schema::members(&WrittenOut, schema).is_some();
            shaped.then(|| schema.clone())
        }
        Type::List { of, minimum, maximum } => {
            let items = schema_of(of)?;
            let mut list = Map::from_iter([("type".to_owned(), "array".into()), ("items".to_owned(), items)]);
            if *minimum > 0 {
                list.insert("minItems".into(), (*minimum).into());
            }
            list.extend(maximum.map(|most| ("maxItems".to_owned(), most.into())));
            Some(Value::Object(list))
        }
        _ => None,
    }
}

fn begun(schema: &Value) -> String {
    pretty(&sketch(&WrittenOut, schema, Extent::Required))
}

/// JSON as it is edited.
pub fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn read(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("Mend the JSON first: line {}, column {}.", error.line(), error.column()))
}

/// What is wrong with a text, the gravest first.
pub fn faults(text: &str, rules: &Rules) -> Vec<Fault> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => {
            let said = error.to_string();
            let said = said.split(" at line ").next().unwrap_or_default().to_owned();
            return vec![Fault { line: error.line(), column: error.column().max(1), text: format!("not JSON: {said}"), open: false }];
        }
    };
    let settled = settle(&rules.schema, value, true).unwrap_or_else(|| Value::Object(Map::new()));
    let found = complaints(&WrittenOut, &rules.schema, &settled);
    let spots = outline(text);
    let shared = |complaint: &Complaint| rules.shared && complaint.missing && complaint.path.len() == 1;
    let mut faults: Vec<Fault> = found
        .into_iter()
        .filter(|complaint| !shared(complaint))
        .map(|complaint| {
            let (line, column) = line_column(text, nearest(&spots, &complaint.path).map_or(0, |spot| spot.value.start));
            Fault { line, column, text: complaint.to_string(), open: complaint.missing }
        })
        .collect();
    faults.sort_by_key(|fault| (fault.open, fault.line, fault.column));
    faults
}

/// The values that a place can have, where they are few.
fn values_of(schema: &Value) -> Vec<(String, Value)> {
    match choices(schema) {
        all if all.is_empty() && kind(schema) == Some("boolean") => vec![("true".into(), true.into()), ("false".into(), false.into())],
        all => all,
    }
}

/// The members that an object lacks, those first that must be there.
fn missing(schema: &Value, there: &Map<String, Value>) -> Vec<Choice> {
    let forms = ["oneOf", "anyOf"].iter().filter_map(|name| schema[*name].as_array()).flatten();
    let mut found: Vec<(bool, Choice)> = Vec::new();
    for form in std::iter::once(schema).chain(forms) {
        let Some((members, required)) = schema::members(&WrittenOut, form) else { continue };
        for (name, inner) in &members {
            let known = there.contains_key(name) || found.iter().any(|(_, choice)| choice.id == *name);
            if known || is_read_only(inner) {
                continue;
            }
            let needed = required.contains(name);
            let help = inner["description"].as_str().map(|help| format!(" · {help}")).unwrap_or_default();
            let hint = if needed { "required" } else { "" };
            let note = format!("{}{help}", takes(inner));
            found.push((needed, Choice { id: name.clone(), title: name.clone(), note, hint: hint.into(), ..Choice::default() }));
        }
    }
    found.sort_by_key(|(needed, _)| !needed);
    found.into_iter().map(|(_, choice)| choice).collect()
}

fn value_at<'a>(value: &'a Value, path: &[Part]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, part| match part {
        Part::Key(name) => value.get(name),
        Part::Index(index) => value.get(index),
    })
}

fn value_at_mut<'a>(value: &'a mut Value, path: &[Part]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, part| match part {
        Part::Key(name) => value.get_mut(name),
        Part::Index(index) => value.get_mut(index),
    })
}

/// A sketch with what is there in its places.
fn merged(sketch: Value, now: Value) -> Value {
    match (sketch, now) {
        (Value::Object(mut all), Value::Object(now)) => {
            for (name, value) in now {
                let value = match all.get_mut(&name).map(Value::take) {
                    Some(known) => merged(known, value),
                    None => value,
                };
                all.insert(name, value);
            }
            Value::Object(all)
        }
        (Value::Array(all), Value::Array(now)) if now.is_empty() => Value::Array(all),
        (_, now) => now,
    }
}

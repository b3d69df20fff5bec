//! One validation for the form and the command line: from what was given to checked arguments in canonical form.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::{Arguments, Command, OneOf, Parameter, TimeForm, Type};
use crate::core::json::path::Part;
use crate::core::nearest::meant;
use crate::core::schema::{Complaint, WrittenOut, complaints};

/// A value as it was given.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// Text from the command line or a field: read as the type says.
    Text(String),
    /// JSON from a parameter file, or from a form that knows its types.
    Json(Value),
}

/// Why a value, or the whole, is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The parameter to mend; empty where it is the whole.
    pub parameter: String,
    /// What is wrong and what is allowed.
    pub message: String,
    /// The status code that the document gives this error.
    pub status_code: Option<u16>,
}

impl Invalid {
    /// A complaint about a parameter.
    pub fn new(parameter: &str, message: impl Into<String>) -> Self {
        Self { parameter: parameter.into(), message: message.into(), status_code: None }
    }

    /// The same with the status code that the document gives it.
    #[must_use]
    pub fn status(mut self, code: u16) -> Self {
        self.status_code = Some(code);
        self
    }
}

/// Checks what was given for a command, fills in defaults and applies its rules. An empty text, list or null counts as not given; a
/// one-element list is accepted where one value is wanted.
///
/// # Errors
/// Every complaint, so that a form can show all at once: what is missing first, then what is wrong, and only then what does not fit
/// together.
pub fn validate(command: &Command, given: Vec<(String, Given)>, now: Timestamp) -> Result<Arguments, Vec<Invalid>> {
    let (mut missing, mut wrong) = (Vec::new(), Vec::new());
    let (mut values, mut as_given) = (Map::new(), Map::new());
    for (name, value) in given {
        if let Given::Text(text) | Given::Json(Value::String(text)) = &value
            && !text.is_empty()
        {
            as_given.insert(name.clone(), Value::from(text.trim()));
        }
        match named(&command.parameters, &name) {
            None => wrong.push(unknown(&name, &command.parameters)),
            Some(parameter) => match validate_value(parameter, value, now) {
                Ok(Some(value)) => {
                    values.insert(parameter.name.clone(), value);
                }
                Ok(None) => {}
                Err(complaint) => wrong.push(complaint),
            },
        }
    }
    // A body that is given whole holds its fields itself.
    let whole = values.contains_key("body");
    let is_wrong = |name: &str| wrong.iter().any(|complaint: &Invalid| complaint.parameter == name);
    let mut ordered = Map::new();
    for parameter in &command.parameters {
        let value = values.remove(&parameter.name).or_else(|| parameter.default.clone());
        match value {
            Some(value) => {
                ordered.insert(parameter.name.clone(), value);
            }
            None if whole && parameter.place == "body" => {}
            None if parameter.required && !is_wrong(&parameter.name) => {
                missing.push(Invalid::new(&parameter.name, format!("{} ({}) is required.", parameter.label, parameter.name)));
            }
            None => {}
        }
    }
    let lacking = |one: &&OneOf| !one.names.iter().any(|name| is_wrong(name) || ordered.get(name).is_some_and(holds_something));
    let none = |one: &OneOf| Invalid::new(one.names.first().map_or("", String::as_str), one.message.as_str());
    missing.extend(command.one_of.iter().filter(lacking).map(none));
    let with_status = |complaint: Invalid| Invalid { status_code: complaint.status_code.or(command.refusal), ..complaint };
    let complaints: Vec<_> = missing.into_iter().chain(wrong).map(with_status).collect();
    if !complaints.is_empty() {
        return Err(complaints);
    }
    let arguments = Arguments::new(ordered, command.parameters.clone(), now).with_given(as_given);
    let broken: Vec<_> = command.rules.iter().filter_map(|rule| rule(&arguments).err()).map(with_status).collect();
    if broken.is_empty() { Ok(arguments) } else { Err(broken) }
}

/// Whether a value is more than a list of blanks.
fn holds_something(value: &Value) -> bool {
    let blank = |item: &Value| item.as_str().is_some_and(|text| text.trim().is_empty());
    value.as_array().is_none_or(|items| !items.iter().all(blank))
}

/// The parameter of that name. One that is alone in bearing its name may be written with its place, too: `path.id`, `body.name`.
pub fn named<'a>(parameters: &'a [Parameter], name: &str) -> Option<&'a Parameter> {
    let placed = || {
        let (place, bare) = name.split_once('.')?;
        parameters.iter().find(|parameter| parameter.place == place && parameter.name == bare)
    };
    parameters.iter().find(|parameter| parameter.name == name).or_else(placed)
}

fn unknown(name: &str, parameters: &[Parameter]) -> Invalid {
    let known: Vec<_> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    let list = if known.is_empty() { "it takes none".to_owned() } else { format!("it takes {}", known.join(", ")) };
    let meant = meant(name, parameters.iter().map(|parameter| parameter.name.as_str()));
    Invalid::new(name, format!("There is no parameter {name}; {list}{meant}"))
}

/// Checks one value and brings it into canonical form; `None` where it counts as not given.
///
/// # Errors
/// What is wrong with it, and what is allowed.
pub fn validate_value(parameter: &Parameter, given: Given, now: Timestamp) -> Result<Option<Value>, Invalid> {
    let json = match given {
        // A list is taken as a text with commas too, whoever writes it.
        Given::Json(Value::String(text)) if matches!(parameter.r#type, Type::List { .. }) => read_text(parameter, text)?,
        Given::Json(value) => value,
        Given::Text(text) => read_text(parameter, text)?,
    };
    let nothing = match &json {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    if nothing {
        return Ok(None);
    }
    let value = check(parameter, &parameter.r#type, json, now)?;
    // A member of a body has the shape that its document gives it; the body as a whole is a rule of its command.
    let complaints = if parameter.place == "body" { misshapen(&parameter.r#type, &value) } else { Vec::new() };
    if complaints.is_empty() {
        return Ok(Some(value));
    }
    let said: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    Err(Invalid::new(&parameter.name, format!("{}: {}.", parameter.label, said.join("; "))))
}

/// What is wrong with the shape of JSON.
fn misshapen(r#type: &Type, value: &Value) -> Vec<Complaint> {
    match (r#type, value) {
        (Type::Object { schema: Some(schema) } | Type::Json { schema: Some(schema) }, value) => complaints(&WrittenOut, schema, value),
        (Type::List { of, .. }, Value::Array(items)) => {
            let of_item = |(at, item): (usize, &Value)| {
                let within = move |mut complaint: Complaint| {
                    complaint.path.insert(0, Part::Index(at));
                    complaint
                };
                misshapen(of, item).into_iter().map(within).collect::<Vec<_>>()
            };
            items.iter().enumerate().flat_map(of_item).collect()
        }
        _ => Vec::new(),
    }
}

/// Text as JSON, where the type calls for JSON.
fn read_text(parameter: &Parameter, text: String) -> Result<Value, Invalid> {
    let parse = |text: &str| serde_json::from_str::<Value>(text);
    Ok(match &parameter.r#type {
        _ if text.is_empty() => Value::Null,
        Type::Integer { .. } | Type::Number { .. } | Type::Boolean => parse(text.trim()).unwrap_or(Value::String(text)),
        Type::List { .. } if text.trim_start().starts_with('[') => {
            parse(&text).map_err(|error| Invalid::new(&parameter.name, format!("{} is not a JSON list: {error}.", parameter.label)))?
        }
        Type::List { .. } => text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect(),
        Type::Object { .. } => {
            parse(&text).map_err(|error| Invalid::new(&parameter.name, format!("{} is not a JSON object: {error}.", parameter.label)))?
        }
        Type::Json { .. } => parse(&text).unwrap_or(Value::String(text)),
        Type::Text { multiline: true, .. } => Value::String(text),
        Type::Text { .. } | Type::Time(_) | Type::Choice(_) => Value::String(only_one(&text).unwrap_or(text)),
    })
}

/// The one text of a list that has no other, since documents show an id as `["…"]` where they want one.
fn only_one(text: &str) -> Option<String> {
    if !text.starts_with('[') {
        return None;
    }
    let [one] = serde_json::from_str::<[String; 1]>(text).ok()?;
    Some(one)
}

fn check(parameter: &Parameter, r#type: &Type, value: Value, now: Timestamp) -> Result<Value, Invalid> {
    let label = &parameter.label;
    let wrong = |message: String| Err(Invalid::new(&parameter.name, message));
    // A one-element list where one value is wanted.
    let value = match (r#type, value) {
        (Type::List { .. } | Type::Json { .. }, value) => value,
        (_, Value::Array(mut items)) if items.len() == 1 => items.remove(0),
        (_, value) => value,
    };
    match r#type {
        Type::Text { max_chars, .. } => {
            let Some(text) = crate::core::mapping::scalar(&value) else { return wrong(format!("{label} must be a text.")) };
            let length = text.chars().count();
            match max_chars {
                Some(most) if length > *most => wrong(format!("{label} has {length} characters; at most {most} are allowed.")),
                _ => Ok(Value::String(text)),
            }
        }
        Type::Integer { minimum, maximum } => {
            let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
            let Some(number) = number else { return wrong(format!("{label} must be a whole number, not {}.", shown(&value))) };
            if minimum.is_some_and(|least| number < least) || maximum.is_some_and(|most| number > most) {
                return wrong(format!("{label} must be {}; {number} is not.", range(minimum.as_ref(), maximum.as_ref())));
            }
            Ok(Value::from(number))
        }
        Type::Number { minimum, maximum } => {
            let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
            let Some(number) = number else { return wrong(format!("{label} must be a number, not {}.", shown(&value))) };
            if minimum.is_some_and(|least| number < least) || maximum.is_some_and(|most| number > most) {
                return wrong(format!("{label} must be {}; {number} is not.", range(minimum.as_ref(), maximum.as_ref())));
            }
            Ok(if value.is_number() { value } else { Value::from(number) })
        }
        Type::Boolean => match &value {
            Value::Bool(_) => Ok(value),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
            other => wrong(format!("{label} must be true or false, not {}.", shown(other))),
        },
        Type::Time(form) => {
            let time = match &value {
                Value::Number(number) => number.as_i64().and_then(|number| match form {
                    TimeForm::EpochSeconds => Timestamp::from_second(number).ok(),
                    _ => Timestamp::from_millisecond(number).ok(),
                }),
                Value::String(text) => parse_time(text, now).or_else(|| match form {
                    TimeForm::EpochMillis => Timestamp::from_millisecond(text.trim().parse().ok()?).ok(),
                    TimeForm::EpochSeconds => Timestamp::from_second(text.trim().parse().ok()?).ok(),
                    TimeForm::Rfc3339 => None,
                }),
                _ => None,
            };
            match (time, form) {
                (None, _) => wrong(format!(
                    "{label} is not a time: {}. Give 2026-03-01T10:00:00Z, 2026-03-01 10:00 (UTC), -24h, -7d or now.",
                    shown(&value)
                )),
                (Some(time), TimeForm::Rfc3339) => Ok(Value::String(time.to_string())),
                (Some(time), TimeForm::EpochMillis) => Ok(Value::from(time.as_millisecond())),
                (Some(time), TimeForm::EpochSeconds) => Ok(Value::from(time.as_second())),
            }
        }
        Type::Choice(choices) => {
            let same = |known: &Value| match (known, &value) {
                (Value::String(a), Value::String(b)) => a.eq_ignore_ascii_case(b),
                (a, b) => a == b || shown(a) == shown(b),
            };
            // `3 SUSPENDED` is meant by 3, by SUSPENDED and by both.
            let name = |choice: &super::Choice| {
                let (number, name) = choice.label.split_once(' ')?;
                (choice.wire.is_number() && shown(&choice.wire) == number).then(|| Value::from(name))
            };
            let meant = |choice: &&super::Choice| {
                same(&Value::String(choice.label.clone())) || same(&choice.wire) || name(choice).is_some_and(|name| same(&name))
            };
            let found = choices.iter().find(meant);
            if let Some(choice) = found {
                return Ok(Value::String(choice.label.clone()));
            }
            let labels: Vec<_> = choices.iter().map(|choice| choice.label.as_str()).collect();
            wrong(format!("{label} must be one of {}; {} is not.", labels.join(", "), shown(&value)))
        }
        Type::List { of, minimum, maximum } => {
            let items = if let Value::Array(items) = value { items } else { vec![value] };
            if items.len() < *minimum {
                return wrong(format!("{label} needs at least {minimum}."));
            }
            if let Some(most) = maximum.filter(|most| items.len() > *most) {
                return wrong(format!("{label} has {} entries; at most {most} are allowed.", items.len()));
            }
            items.into_iter().map(|item| check(parameter, of, item, now)).collect()
        }
        Type::Object { .. } => {
            let value = match value {
                Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
                other => other,
            };
            if value.is_object() { Ok(value) } else { wrong(format!("{label} must be a JSON object.")) }
        }
        Type::Json { .. } => Ok(value),
    }
}

fn range<T: std::fmt::Display>(minimum: Option<&T>, maximum: Option<&T>) -> String {
    match (minimum, maximum) {
        (Some(least), Some(most)) => format!("from {least} to {most}"),
        (Some(least), None) => format!("{least} or more"),
        (None, Some(most)) => format!("{most} or less"),
        (None, None) => "a number".into(),
    }
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.chars().count() > 60 { text.chars().take(60).chain("…".chars()).collect() } else { text }
}

/// Reads a time: RFC 3339, `YYYY-MM-DD[ HH:MM[:SS]]` and `YYYY-MM-DDTHH:MM[:SS]` (UTC), `now`, `-24h`, `-7d`, `-30m`, `-2w`,
/// and `+24h` for what lies ahead.
pub fn parse_time(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("now") {
        return Some(now);
    }
    if let Some(ahead) = text.strip_prefix('+') {
        return now.checked_add(parse_span(ahead)?).ok();
    }
    if let Some(back) = text.strip_prefix('-') {
        return now.checked_sub(parse_span(back)?).ok();
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let civil = text.parse::<DateTime>().ok().or_else(|| text.parse::<Date>().ok().map(|date| date.at(0, 0, 0, 0)))?;
    // The last day that has a date ends after the last moment that has a number.
    Some(civil.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |zoned| zoned.timestamp()))
}

/// Reads a span such as `90s`, `30m`, `24h`, `7d`, `2w`.
pub fn parse_span(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().last()?;
    let number: i64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    number.checked_mul(seconds).map(SignedDuration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn command() -> Command {
        Command::new("Try It", "", |_, _, _| async { crate::core::outcome::Outcome::successful(Value::Null) })
            .parameter(Parameter::new("Issue ID(s)", Type::texts(1), "").required())
            .parameter(Parameter::new("Status", Type::choice(&[("Open", "OPEN"), ("In Progress", "IN_PROGRESS")]), ""))
            .parameter(Parameter::new("Count", Type::integer(1, 500), ""))
            .parameter(Parameter::new("Since", Type::Time(TimeForm::Rfc3339), ""))
            .parameter(Parameter::new("Flag", Type::Boolean, "").default(true))
    }

    fn run(given: &[(&str, &str)]) -> Result<Value, Vec<String>> {
        let now = "2026-03-01T00:00:00Z".parse().unwrap();
        let given = given.iter().map(|(name, text)| ((*name).to_owned(), Given::Text((*text).to_owned()))).collect();
        match validate(&command(), given, now) {
            Ok(arguments) => Ok(Value::from(arguments.values().clone())),
            Err(complaints) => Err(complaints.into_iter().map(|complaint| complaint.parameter).collect()),
        }
    }

    #[test]
    fn texts_become_canonical_values() {
        assert_eq!(
            run(&[("issue_ids", "a, b"), ("status", "IN_PROGRESS"), ("count", "7"), ("since", "-24h")]),
            Ok(json!({"issue_ids": ["a", "b"], "status": "In Progress", "count": 7, "since": "2026-02-28T00:00:00Z", "flag": true}))
        );
        assert_eq!(run(&[("issue_ids", "a"), ("status", "[\"Open\"]"), ("count", "[7]")]).unwrap()["status"], "Open");
        assert_eq!(run(&[("issue_ids", "[\"a\"]"), ("since", "2026-02-01 10:30")]).unwrap()["since"], json!("2026-02-01T10:30:00Z"));
    }

    #[test]
    fn what_is_missing_is_said_before_what_is_wrong_and_with_the_documents_status() {
        let mut command = Command::new("Try It", "", |_, _, _| async { crate::core::outcome::Outcome::successful(Value::Null) })
            .parameter(Parameter::new("Text", Type::Text { max_chars: Some(3), multiline: false }, "").required())
            .parameter(Parameter::new("Devices", Type::texts(0), ""))
            .parameter(Parameter::new("Groups", Type::texts(0), ""))
            .one_of(&["devices", "groups"], "Either or both.");
        command.refusal = Some(400);
        let said = |given: Value| {
            let given = given.as_object().unwrap().clone().into_iter().map(|(name, value)| (name, Given::Json(value))).collect();
            let complaints = validate(&command, given, Timestamp::UNIX_EPOCH).err().unwrap_or_default();
            assert!(complaints.iter().all(|complaint| complaint.status_code == Some(400)));
            complaints.into_iter().map(|complaint| complaint.parameter).collect::<Vec<_>>()
        };
        assert_eq!(said(json!({"text": "long", "devices": ["", " "]})), ["devices", "text"]);
        assert_eq!(said(json!({})), ["text", "devices"]);
        assert_eq!(said(json!({"text": "x", "devices": {"a": 1}})), ["devices"], "what is given wrongly is given");
        assert!(said(json!({"text": "x", "groups": ["g"]})).is_empty());
    }

    #[test]
    fn every_complaint_is_made_and_names_its_parameter() {
        assert_eq!(
            run(&[("status", "Closed"), ("count", "501"), ("nope", "1")]),
            Err(vec!["issue_ids".into(), "status".into(), "count".into(), "nope".into()])
        );
        assert_eq!(run(&[("issue_ids", "[]")]), Err(vec!["issue_ids".into()]));
        assert_eq!(run(&[("issue_ids", "a"), ("since", "+24h")]).unwrap()["since"], json!("2026-03-02T00:00:00Z"));
        assert_eq!(run(&[("issue_ids", "a"), ("since", "yesterday")]), Err(vec!["since".into()]));
    }
}

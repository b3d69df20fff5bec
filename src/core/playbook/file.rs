//! The file of a playbook: reading it, with complaints that name file, line and key, and writing one.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::template::{self, Reference};
use super::{Addressee, Playbook, Step};
use crate::core::catalogue::{Choice, Parameter, TimeForm, Type};
use crate::core::entity::EntityKind;

/// What is wrong with a playbook's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// The key at fault: `step look: arguments.user`.
    pub key: String,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        let between = if self.key.is_empty() { "" } else { ": " };
        write!(f, "{between}{}: {}", self.key, self.message)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    title: String,
    #[serde(default)]
    help: String,
    #[serde(default)]
    input: Vec<FileInput>,
    step: Vec<FileStep>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileInput {
    name: String,
    #[serde(default = "text")]
    r#type: String,
    #[serde(default)]
    help: String,
    #[serde(default)]
    required: bool,
    default: Option<toml::Value>,
    #[serde(default)]
    choices: Vec<String>,
    #[serde(default)]
    from: Vec<String>,
    #[serde(default)]
    secret: bool,
}

fn text() -> String {
    "text".into()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileStep {
    name: String,
    vendor: Option<String>,
    connection: Option<String>,
    command: String,
    when: Option<String>,
    for_each: Option<String>,
    #[serde(default)]
    continue_on_error: bool,
    #[serde(default)]
    arguments: toml::Table,
}

/// Reads a playbook.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(file: &str, text: &str) -> Result<Playbook, Vec<Problem>> {
    let read: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
        vec![Problem { file: file.into(), line, key: String::new(), message: error.message().into() }]
    })?;
    let mut reader = Reader { file, text, problems: Vec::new() };
    let inputs: Vec<Parameter> = read.input.into_iter().map(|input| reader.input(input)).collect();
    let steps: Vec<Step> = read.step.into_iter().map(|step| reader.step(step)).collect();
    let playbook = Playbook { name: read.name, title: read.title, help: read.help, inputs, steps };
    if !is_name(&playbook.name) {
        reader.complain(&playbook.name, "name", "a name has letters, digits, - and _ only");
    }
    reader.references(&playbook);
    if reader.problems.is_empty() { Ok(playbook) } else { Err(reader.problems) }
}

/// Whether a playbook, an input or a step can be called so.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// Complains about a key of what has this name; the line is the one that gives it the name.
    fn complain(&mut self, name: &str, key: &str, message: impl Into<String>) {
        let named = |line: &str| {
            let value = line.trim().strip_prefix("name").and_then(|rest| rest.trim_start().strip_prefix('='));
            value.is_some_and(|value| value.trim().trim_matches(['"', '\'']) == name)
        };
        let line = self.text.lines().position(named).map(|at| at + 1);
        self.problems.push(Problem { file: self.file.into(), line, key: key.into(), message: message.into() });
    }

    fn input(&mut self, input: FileInput) -> Parameter {
        let key = format!("input {}", input.name);
        if !is_name(&input.name) {
            self.complain(&input.name, &key, "a name has letters, digits, - and _ only");
        }
        let kind = match input.r#type.as_str() {
            "text" => Type::TEXT,
            "list" => Type::texts(usize::from(input.required)),
            "integer" => Type::Integer { minimum: None, maximum: None },
            "number" => Type::Number { minimum: None, maximum: None },
            "boolean" => Type::Boolean,
            "time" => Type::Time(TimeForm::Rfc3339),
            "json" => Type::Json { schema: None },
            "choice" if !input.choices.is_empty() => {
                Type::Choice(input.choices.iter().map(|label| Choice { label: label.clone(), wire: Value::from(label.as_str()) }).collect())
            }
            "choice" => {
                self.complain(&input.name, &format!("{key}: choices"), "a choice needs its choices");
                Type::TEXT
            }
            other => {
                let message = format!("{other} is no type; there are text, list, integer, number, boolean, time, choice, json");
                self.complain(&input.name, &format!("{key}: type"), message);
                Type::TEXT
            }
        };
        let mut parameter = Parameter::new(&input.name, kind, &input.help).named(&input.name);
        parameter.required = input.required;
        parameter.secret = input.secret;
        parameter.default = input.default.as_ref().map(json);
        for from in input.from {
            if from.starts_with('$') {
                parameter = parameter.prefill_path("", &from);
            } else if let Some(kind) = EntityKind::parse(&from) {
                parameter.prefill.push(kind);
            } else {
                self.complain(&input.name, &format!("{key}: from"), format!("{from} is neither a kind of entity nor a path from $"));
            }
        }
        parameter
    }

    fn step(&mut self, step: FileStep) -> Step {
        let key = format!("step {}", step.name);
        if !is_name(&step.name) {
            self.complain(&step.name, &key, "a name has letters, digits, - and _ only");
        }
        let to = match (step.vendor, step.connection) {
            (Some(vendor), None) => Addressee::Vendor(vendor),
            (None, Some(connection)) => Addressee::Connection(connection),
            _ => {
                self.complain(&step.name, &key, "say either vendor or connection");
                Addressee::Vendor(String::new())
            }
        };
        let arguments = step.arguments.iter().map(|(name, value)| (name.clone(), json(value))).collect();
        let (when, for_each, continue_on_error) = (step.when, step.for_each, step.continue_on_error);
        Step { name: step.name, to, command: step.command, arguments, when, for_each, continue_on_error }
    }

    /// Every placeholder must name something that is there by then.
    fn references(&mut self, playbook: &Playbook) {
        let mut earlier: Vec<&str> = Vec::new();
        for step in &playbook.steps {
            if earlier.contains(&step.name.as_str()) {
                self.complain(&step.name, &format!("step {}", step.name), "there is a step of that name already");
            }
            let arguments = step.arguments.iter().map(|(name, value)| (format!("arguments.{name}"), texts(value)));
            let when = step.when.iter().map(|text| ("when".to_owned(), vec![text.as_str()]));
            let each = step.for_each.iter().map(|text| ("for_each".to_owned(), vec![text.as_str()]));
            for (name, found) in when.chain(each).chain(arguments) {
                for text in found {
                    let key = format!("step {}: {name}", step.name);
                    match template::references(text) {
                        Err(message) => self.complain(&step.name, &key, message),
                        Ok(references) => {
                            for reference in references {
                                if let Some(message) = missing(&reference, playbook, &earlier, step) {
                                    self.complain(&step.name, &key, message);
                                }
                            }
                        }
                    }
                }
            }
            earlier.push(&step.name);
        }
    }
}

fn missing(reference: &Reference, playbook: &Playbook, earlier: &[&str], step: &Step) -> Option<String> {
    match reference {
        Reference::Input(name) if !playbook.inputs.iter().any(|input| input.name == *name) => Some(format!("there is no input {name}")),
        Reference::Step(name, _) if !earlier.contains(&name.as_str()) => Some(format!("there is no step {name} before this one")),
        Reference::Last(_) => Some("${last} is for forms; a playbook names the step: ${steps.NAME.$…}".into()),
        Reference::Item(_) if step.for_each.is_none() => Some("${item} needs for_each".into()),
        _ => None,
    }
}

/// All texts within a value.
pub(super) fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

fn json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(yes) => Value::from(*yes),
        toml::Value::Datetime(time) => Value::from(time.to_string()),
        toml::Value::Array(items) => items.iter().map(json).collect(),
        toml::Value::Table(members) => Value::Object(members.iter().map(|(name, value)| (name.clone(), json(value))).collect()),
    }
}

/// TOML knows no null; a null counts as not given anyway.
fn unjson(value: &Value) -> Option<toml::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(yes) => toml::Value::Boolean(*yes),
        Value::Number(number) => number.as_i64().map(toml::Value::Integer).or_else(|| number.as_f64().map(toml::Value::Float))?,
        Value::String(text) => toml::Value::String(text.clone()),
        Value::Array(items) => toml::Value::Array(items.iter().filter_map(unjson).collect()),
        Value::Object(members) => toml::Value::Table(table(members)),
    })
}

fn table(members: &Map<String, Value>) -> toml::Table {
    members.iter().filter_map(|(name, value)| Some((name.clone(), unjson(value)?))).collect()
}

/// Writes a playbook as its file.
pub fn to_toml(playbook: &Playbook) -> String {
    let text = |value: &str| toml::Value::String(value.into());
    let mut file = toml::Table::new();
    file.insert("name".into(), text(&playbook.name));
    file.insert("title".into(), text(&playbook.title));
    file.insert("help".into(), text(&playbook.help));
    let inputs: Vec<toml::Value> = playbook.inputs.iter().map(|input| toml::Value::Table(written_input(input))).collect();
    if !inputs.is_empty() {
        file.insert("input".into(), toml::Value::Array(inputs));
    }
    let steps = playbook.steps.iter().map(|step| toml::Value::Table(written_step(step))).collect();
    file.insert("step".into(), toml::Value::Array(steps));
    toml::to_string(&file).unwrap_or_default()
}

fn written_input(input: &Parameter) -> toml::Table {
    let mut written = toml::Table::new();
    let mut put = |name: &str, value: toml::Value| written.insert(name.into(), value);
    put("name", toml::Value::String(input.name.clone()));
    put("type", toml::Value::String(input.r#type.name().into()));
    put("help", toml::Value::String(input.help.clone()));
    if let Type::Choice(choices) = &input.r#type {
        put("choices", toml::Value::Array(choices.iter().map(|choice| toml::Value::String(choice.label.clone())).collect()));
    }
    if input.required {
        put("required", toml::Value::Boolean(true));
    }
    if input.secret {
        put("secret", toml::Value::Boolean(true));
    }
    if let Some(value) = input.default.as_ref().and_then(unjson) {
        put("default", value);
    }
    let paths = input.prefill_paths.iter().map(|(_, path)| path.clone());
    let from: Vec<toml::Value> = paths.chain(input.prefill.iter().map(|kind| kind.as_str().to_owned())).map(toml::Value::String).collect();
    if !from.is_empty() {
        put("from", toml::Value::Array(from));
    }
    written
}

fn written_step(step: &Step) -> toml::Table {
    let mut written = toml::Table::new();
    let mut put = |name: &str, value: &str| written.insert(name.into(), toml::Value::String(value.into()));
    put("name", &step.name);
    match &step.to {
        Addressee::Vendor(vendor) => put("vendor", vendor),
        Addressee::Connection(connection) => put("connection", connection),
    };
    put("command", &step.command);
    if let Some(when) = &step.when {
        put("when", when);
    }
    if let Some(each) = &step.for_each {
        put("for_each", each);
    }
    if step.continue_on_error {
        written.insert("continue_on_error".into(), toml::Value::Boolean(true));
    }
    if !step.arguments.is_empty() {
        written.insert("arguments".into(), toml::Value::Table(table(&step.arguments)));
    }
    written
}

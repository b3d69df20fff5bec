//! Operations as commands: names, parameters, effects, rules.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::call;
use super::document::{Document, Input, Operation};
use super::schema;
use crate::core::catalogue::{Arguments, Class, Command, Effect, Invalid, Parameter, Reach, Type, Undo};
use crate::core::json::path::Part;
use crate::core::mapping::scalar;
use crate::core::request::Method;
use crate::core::schema::{Extent, Refs, complaints, is_open, is_secret, make_secret, sketch};
use crate::core::secrecy::{is_credential, is_secret_header};
use crate::core::talk::Conversation;

/// Name of the parameter that gives the body whole.
pub const BODY: &str = "body";

/// What differs between a document of the user's own and a vendor whose API is described by one.
#[derive(Debug, Default)]
pub struct Profile {
    /// Whether a name that stands in several places is one parameter that fills all of them.
    pub one_name: bool,
    /// Members of bodies that are filled in where the schema has them: name and value.
    pub filled: Vec<(String, Value)>,
    /// Members of bodies that repeat the id in the path, where the schema has them.
    pub repeats: Vec<&'static str>,
    /// Member of answers that leads to the next page, and the query parameter that carries it there.
    pub continuation: Option<(String, String)>,
    /// Methods and paths that replace those of the document, by operation id.
    pub routes: std::collections::BTreeMap<String, (Method, String)>,
    /// What stands between the words of a path instead of `_`.
    pub separator: Option<&'static str>,
    /// Whether enums are sent as names instead of numbers.
    pub send_names: bool,
    /// Defaults of query parameters.
    pub defaults: Vec<(String, Value)>,
    /// Roots of operations that name a security scheme of their own: scheme and root.
    pub roots: Vec<(String, String)>,
}

impl Profile {
    /// A path with its words joined as this API joins them; places keep their names.
    pub fn restyled(&self, path: &str) -> String {
        let Some(separator) = self.separator else { return path.to_owned() };
        let word = |segment: &str| if segment.starts_with('{') { segment.to_owned() } else { segment.replace('_', separator) };
        path.split('/').map(word).collect::<Vec<_>>().join("/")
    }

    /// The root that an operation goes to.
    pub fn root_of(&self, operation: &Operation) -> &str {
        let scheme = |name: &str| operation.raw["security"].as_array().is_some_and(|all| all.iter().any(|one| one.get(name).is_some()));
        self.roots.iter().find(|(name, _)| scheme(name)).map_or(call::ROOT, |(_, root)| root)
    }
}

/// One operation with everything that carrying it out needs.
#[derive(Debug)]
pub struct Bound {
    /// The document, for the schemas that the operation refers to.
    pub document: Arc<Document>,
    /// The operation.
    pub operation: Operation,
    /// What the vendor adds.
    pub profile: Arc<Profile>,
    /// Which parameter fills which place: parameter name, place, name there.
    pub places: Vec<(String, String, String)>,
    /// Members of the body that have a parameter of their own, with their schemas.
    pub members: Map<String, Value>,
    /// What is secret, as place and name there.
    pub secrets: Vec<(String, String)>,
}

impl Bound {
    /// Whether what goes there is secret.
    pub fn hides(&self, place: &str, name: &str) -> bool {
        self.secrets.iter().any(|(known, inner)| known == place && inner == name)
    }
}

/// All operations of a document as commands.
pub fn all(document: &Arc<Document>, profile: &Arc<Profile>) -> Vec<Command> {
    let mut taken = HashSet::new();
    let operations = document.operations().into_iter();
    operations.map(|operation| command(document, profile, operation, &mut taken)).collect()
}

fn command(document: &Arc<Document>, profile: &Arc<Profile>, mut operation: Operation, taken: &mut HashSet<String>) -> Command {
    if let Some((method, path)) = profile.routes.get(&operation.id) {
        operation.method = *method;
        operation.path.clone_from(path);
    } else {
        operation.path = profile.restyled(&operation.path);
    }
    let members = operation.body.as_ref().and_then(|body| document.members(&body.schema)).unwrap_or_default();
    let (places, secrets) = (places(&operation, &members.0, profile), secret_inputs(document, &operation, &members.0));
    let bound = Arc::new(Bound {
        document: Arc::clone(document),
        profile: Arc::clone(profile),
        places,
        members: members.0.clone(),
        secrets,
        operation,
    });
    let operation = &bound.operation;
    let title = if operation.summary.is_empty() { spaced(&operation.id) } else { operation.summary.clone() };
    let help = if operation.description.is_empty() { title.clone() } else { operation.description.clone() };
    let running = Arc::clone(&bound);
    let mut command = Command::dynamic(
        title.trim_end_matches('.'),
        &help,
        Arc::new(move |talk, connection, arguments| {
            Conversation::new(&talk.clone(), call::carry_out(talk, Arc::clone(&running), connection, arguments))
        }),
    );
    command.name = free(&kebab(&operation.id), taken);
    if command.name != operation.id {
        command.aliases.push(operation.id.clone());
    }
    command.group.clone_from(&operation.tag);
    command.assumed = operation.raw["x-assumed-path"] == true && !profile.routes.contains_key(&operation.id);
    command.hidden = operation.raw["x-hidden"] == true;
    command.class = class(operation);
    if operation.raw["x-escalates"].is_array() {
        let (bound, class) = (Arc::clone(&bound), command.class);
        command = command.escalate(move |arguments| class_with(&bound, arguments).unwrap_or(class));
    }
    command.parameters = parameters(&bound, &members.1);
    let checked = Arc::clone(&bound);
    let climbing = Arc::clone(&bound);
    let foreign = ["parameters", "requestBody"].iter().find_map(|part| document.foreign(&bound.operation.raw[*part]));
    if let Some(reference) = foreign.map(str::to_owned) {
        // What it asks for is not known, and no document is fetched to find out.
        command = command.rule(move |_| {
            let why = format!("The document describes this operation by {reference}, which lies outside of it and is not fetched; bundle it into one file.");
            Err(Invalid::new("document", why))
        });
    }
    command.rule(move |arguments| check_path(&climbing, arguments)).rule(move |arguments| check_body(&checked, arguments))
}

/// Which parameter fills which place. A name in several places is one parameter where the profile says so, else `path.id`, `body.id`.
fn places(operation: &Operation, members: &Map<String, Value>, profile: &Profile) -> Vec<(String, String, String)> {
    let inputs = operation.inputs.iter().map(|input| (input.place.as_str(), input.name.as_str()));
    let all: Vec<(&str, &str)> = inputs.chain(members.keys().map(|name| (BODY, name.as_str()))).collect();
    let clashes = |name: &str| all.iter().filter(|(_, other)| *other == name).count() > 1 || (name == BODY && operation.body.is_some());
    let named = |place: &str, name: &str| {
        if !profile.one_name && clashes(name) { format!("{place}.{name}") } else { name.to_owned() }
    };
    all.iter().map(|(place, name)| (named(place, name), (*place).to_owned(), (*name).to_owned())).collect()
}

/// The inputs and fields of the request that are secret, as place and name: the document, or what they are called, says so.
fn secret_inputs(document: &Document, operation: &Operation, members: &Map<String, Value>) -> Vec<(String, String)> {
    let listed = operation.raw["x-secret-fields"]["request"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let listed: Vec<&str> = listed.filter(|path| !path.contains(['.', '['])).collect();
    let within = members.iter().filter(|(name, inner)| listed.contains(&name.as_str()) || is_secret(document.resolve(inner)));
    let named = |input: &Input| match input.place.as_str() {
        "header" => is_secret_header(&input.name),
        "cookie" => true,
        "query" => is_credential(&input.name),
        _ => false,
    };
    let secret = |input: &&Input| is_secret(document.resolve(&input.schema)) || listed.contains(&input.name.as_str()) || named(input);
    let inputs = operation.inputs.iter().filter(secret).map(|input| (input.place.clone(), input.name.clone()));
    inputs.chain(within.map(|(name, _)| (BODY.to_owned(), name.clone()))).collect()
}

fn parameters(bound: &Bound, required: &[String]) -> Vec<Parameter> {
    let (document, operation) = (&bound.document, &bound.operation);
    let mut all: Vec<Parameter> = Vec::new();
    for (parameter, place, name) in &bound.places {
        if all.iter().any(|known| known.name == *parameter) {
            continue;
        }
        let input = operation.inputs.iter().find(|input| input.place == *place && input.name == *name);
        let schema = input.map(|input| &input.schema).or_else(|| bound.members.get(name)).unwrap_or(&Value::Null);
        let resolved = document.resolve(schema);
        if input.is_none() && resolved["readOnly"] == true {
            continue;
        }
        let described = [&schema["description"], &resolved["description"]].into_iter().find_map(Value::as_str).unwrap_or_default();
        let help = input.map(|input| input.help.as_str()).filter(|help| !help.is_empty()).unwrap_or(described);
        let r#type = with_secrets(schema::type_of(document, schema), &bound.operation, name);
        let help = match &r#type {
            Type::Object { .. } => {
                format!("{help} Like {}", shortened(&sketch(document.as_ref(), schema, Extent::All))).trim_start().to_owned()
            }
            _ => help.to_owned(),
        };
        let mut made = Parameter::new(&spaced(name), r#type, &help).named(parameter);
        made.required = input.map_or_else(|| required.contains(name), |input| input.required);
        made.secret = bound.places.iter().any(|(other, place, name)| other == parameter && bound.hides(place, name));
        if let Some(known) = resolved["enum"].as_array().filter(|_| is_open(resolved)) {
            let known: Vec<String> = known.iter().filter_map(scalar).collect();
            let help = format!("{} One of {}, or the value's name.", made.help, known.join(", "));
            help.trim_start().clone_into(&mut made.help);
        }
        made.place.clone_from(place);
        if let Some(default) = input.and(resolved.get("default")).filter(|default| !default.is_null()) {
            made.default = canonical(&made.r#type, default);
        }
        if let Some((_, default)) = bound.profile.defaults.iter().find(|(known, _)| input.is_some() && known == name) {
            made.default = Some(default.clone());
        }
        all.push(made);
    }
    if let Some(body) = &operation.body {
        let skeleton = sketch(document.as_ref(), &body.schema, Extent::All);
        let r#type = if bound.members.is_empty() { schema::type_of(document, &body.schema) } else { whole(document, &body.schema) };
        let r#type = if is_json(&body.kind) { with_all_secrets(r#type, operation) } else { as_text(r#type, &bound.members) };
        let mut made = Parameter::new("Body", r#type, &format!("The whole body; single fields win over it. Like {}", shortened(&skeleton)));
        made.required = body.required && bound.members.is_empty();
        made.place = "whole".into();
        all.push(made);
    }
    all
}

/// The same for the whole body.
fn with_all_secrets(mut r#type: Type, operation: &Operation) -> Type {
    if let Type::Object { schema: Some(schema) } = &mut r#type {
        let listed = operation.raw["x-secret-fields"]["request"].as_array().into_iter().flatten().filter_map(Value::as_str);
        listed.for_each(|path| make_secret(schema, path));
    }
    r#type
}

fn whole(document: &Document, schema: &Value) -> Type {
    match schema::type_of(document, schema) {
        known @ Type::Object { .. } => known,
        Type::Json { schema } => Type::Json { schema },
        _ => Type::Object { schema: None },
    }
}

/// A body that is no JSON and has no fields is text.
fn as_text(r#type: Type, members: &Map<String, Value>) -> Type {
    if members.is_empty() { Type::Text { max_chars: None, multiline: true } } else { r#type }
}

/// Whether a content type is JSON.
pub fn is_json(kind: &str) -> bool {
    kind.starts_with("application/json") || kind.split(';').next().is_some_and(|kind| kind.ends_with("+json"))
}

fn shortened(skeleton: &Value) -> String {
    let text = skeleton.to_string();
    if text.chars().count() > 300 { text.chars().take(300).chain("…".chars()).collect() } else { text }
}

/// A default of the document as a parameter keeps it.
fn canonical(r#type: &Type, default: &Value) -> Option<Value> {
    match r#type {
        Type::Choice(choices) => choices.iter().find(|choice| choice.wire == *default).map(|choice| Value::from(choice.label.as_str())),
        Type::Time(_) | Type::Json { .. } => None,
        _ => Some(default.clone()),
    }
}

pub(super) fn class(operation: &Operation) -> Class {
    let effect = match operation.raw["x-effect"].as_str() {
        Some("read") => Effect::Read,
        Some("write") => Effect::Write,
        Some("destructive") => Effect::Destructive,
        _ if operation.method.is_safe() => Effect::Read,
        _ if operation.method == Method::Delete => Effect::Destructive,
        _ => Effect::Write,
    };
    match effect {
        Effect::Read => Class::READ,
        Effect::Write => Class::new(Effect::Write, Reach::Reversible, Undo::Lossy),
        Effect::Destructive => Class::IRREVERSIBLE,
    }
}

/// The gravest class that a met condition names (extension `x-escalates`): `note`, `disruptive` for what can be changed back, and
/// `destructive` for what cannot. Nothing where none is met.
fn class_with(bound: &Bound, arguments: &Arguments) -> Option<Class> {
    let body = call::body_of(bound, arguments).unwrap_or_default();
    let conditions = bound.operation.raw["x-escalates"].as_array().into_iter().flatten();
    let classes = conditions.filter(|condition| is_met(condition, &body)).map(|condition| match condition["to"].as_str() {
        Some("note") => Class::NOTE,
        Some("disruptive") => Class::new(Effect::Write, Reach::Disruptive, Undo::Lossy),
        _ => Class::IRREVERSIBLE,
    });
    classes.max_by_key(|class| (class.effect, class.reach))
}

fn is_met(condition: &Value, body: &Value) -> bool {
    let found = crate::core::mapping::values_at(body, condition["path"].as_str().unwrap_or_default());
    let empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    let same = |value: &Value, wanted: &Value| value == wanted || scalar(value) == scalar(wanted);
    let is_one_of = |wanted: &Vec<Value>| found.iter().any(|(_, value)| wanted.iter().any(|wanted| same(value, wanted)));
    let has_more = |most: u64| found.iter().any(|(_, value)| value.as_array().is_some_and(|items| items.len() as u64 > most));
    condition["always"] == true
        || (condition["present"] == true && found.iter().any(|(_, value)| !empty(value)))
        || condition["is"].as_array().is_some_and(is_one_of)
        || condition["more_than"].as_u64().is_some_and(has_more)
}

/// An id of dots would climb out of its path, encoded or not, and make the request another one.
fn check_path(bound: &Bound, arguments: &Arguments) -> Result<(), Invalid> {
    let places = bound.places.iter().filter(|(_, place, _)| place == "path");
    let bad = places.map(|(parameter, _, _)| parameter).find(|parameter| matches!(arguments.text(parameter), Some("." | "..")));
    bad.map_or(Ok(()), |parameter| Err(Invalid::new(parameter, format!("{parameter} must not be . or .., which would mean another path."))))
}

/// The body as a whole must satisfy its schema.
fn check_body(bound: &Bound, arguments: &Arguments) -> Result<(), Invalid> {
    let Some(payload) = &bound.operation.body else { return Ok(()) };
    if !is_json(&payload.kind) {
        return Ok(());
    }
    let Some(body) = call::body_of(bound, arguments) else { return Ok(()) };
    let complaints = complaints(bound.document.as_ref(), &payload.schema, &body);
    let Some(first) = complaints.first() else { return Ok(()) };
    let is_given = |member: &str| bound.places.iter().find(|(_, place, name)| place == BODY && name == member);
    let parameter = first.path.first().and_then(|part| if let Part::Key(name) = part { is_given(name) } else { None });
    let name = parameter.map_or(BODY, |(parameter, _, _)| parameter.as_str());
    let said: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    Err(Invalid::new(name, format!("The body does not fit: {}.", said.join("; "))))
}

/// The type of a member of the body, with what the document calls secret within it marked in its schema.
fn with_secrets(mut r#type: Type, operation: &Operation, name: &str) -> Type {
    let listed = operation.raw["x-secret-fields"]["request"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for path in listed {
        let after = path.strip_prefix(name);
        let Some(inner) = after.and_then(|rest| rest.strip_prefix('.').or_else(|| rest.strip_prefix("[]."))) else { continue };
        let of = if let Type::List { of, .. } = &mut r#type { of.as_mut() } else { &mut r#type };
        if let Type::Object { schema: Some(schema) } | Type::Json { schema: Some(schema) } = of {
            make_secret(schema, inner);
        }
    }
    r#type
}

fn free(name: &str, taken: &mut HashSet<String>) -> String {
    let mut free = name.to_owned();
    let mut number = 1;
    while !taken.insert(free.clone()) {
        number += 1;
        free = format!("{name}-{number}");
    }
    free
}

/// An id in kebab-case; humps begin words: `getPetById` becomes `get-pet-by-id`.
pub fn kebab(id: &str) -> String {
    let mut name = String::new();
    let mut before: Option<char> = None;
    for c in id.chars() {
        if c.is_alphanumeric() {
            if c.is_uppercase() && before.is_some_and(|before| before.is_lowercase() || before.is_ascii_digit()) {
                name.push('-');
            }
            name.extend(c.to_lowercase());
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
        before = Some(c);
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() { "operation".into() } else { name.into() }
}

fn spaced(name: &str) -> String {
    let words = kebab(name).replace('-', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

//! What the API looks like from outside, read from the API's document: routes, parameters, shapes. This is the simulator's own
//! reading; the client has another.

use serde_json::{Map, Value};

const DOCUMENT: &str = include_str!("../../../assets/vendors/lacework-edge.openapi.json");

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// Its id: `query_alerts`.
    pub id: String,
    /// Its method in upper case.
    pub method: String,
    /// Its path as the document writes it: `/alerts/{uuid}`.
    pub path: String,
    /// Heading: `alerts`.
    pub tag: String,
    /// Query parameters: name, whether it must be there, schema.
    pub query: Vec<(String, bool, Value)>,
    /// Schema of the body, where there is one.
    pub body: Option<Value>,
    /// Status and schema of a success.
    pub success: (u16, Option<Value>),
    /// Whether it changes anything.
    pub writes: bool,
}

/// The whole API.
#[derive(Debug)]
pub struct Surface {
    /// Every operation.
    pub operations: Vec<Operation>,
    schemas: Map<String, Value>,
}

impl Surface {
    /// Reads the document.
    ///
    /// # Errors
    /// When the document is not JSON.
    pub fn read() -> std::io::Result<Self> {
        let document: Value = serde_json::from_str(DOCUMENT)?;
        let paths = document["paths"].as_object().cloned().unwrap_or_default();
        let operations = paths.iter().flat_map(|(path, item)| {
            item.as_object().into_iter().flatten().map(move |(method, operation)| operation_of(path, method, operation))
        });
        let schemas = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
        Ok(Self { operations: operations.collect(), schemas })
    }

    /// The operation that a method and a path mean, and what stands in its places. Words may be joined by `_`, `-` or nothing.
    pub fn find(&self, method: &str, path: &str) -> Found<'_> {
        let mut seen_path = false;
        let mut best: Option<(&Operation, Vec<(String, String)>)> = None;
        for operation in &self.operations {
            let Some(places) = places(&operation.path, path) else { continue };
            seen_path = true;
            // A fixed word is a better match than a place.
            if operation.method == method && best.as_ref().is_none_or(|(_, known)| places.len() < known.len()) {
                best = Some((operation, places));
            }
        }
        match best {
            Some((operation, places)) => Found::Operation(operation, places),
            None if seen_path => Found::OtherMethod,
            None => Found::Nothing,
        }
    }

    /// A schema without `$ref` and without a lone `allOf` around it.
    pub fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let inner = schema["allOf"].as_array().filter(|all| all.len() == 1).map_or(schema, |all| &all[0]);
        match inner["$ref"].as_str().and_then(|name| self.schemas.get(name.rsplit('/').next()?)) {
            Some(target) => self.resolve(target),
            None => inner,
        }
    }

    /// A named schema.
    pub fn schema(&self, name: &str) -> &Value {
        self.schemas.get(name).unwrap_or(&Value::Null)
    }

    /// Checks a value that came in and brings it into the form that is kept: names of enums become their numbers, numbers in quotes
    /// become numbers.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn take(&self, schema: &Value, value: Value, place: &str) -> Result<Value, String> {
        let schema = self.resolve(schema);
        let wrong = |wanted: &str| Err(format!("{place} must be {wanted}"));
        match (schema["type"].as_str().unwrap_or_default(), value) {
            (_, Value::Null) => Ok(Value::Null),
            ("object", Value::Object(members)) => {
                let known = schema["properties"].as_object();
                let mut taken = Map::new();
                for (name, member) in members {
                    let inner = known.and_then(|known| known.get(&name)).or_else(|| schema.get("additionalProperties"));
                    let free = known.is_none_or(Map::is_empty) && schema.get("additionalProperties").is_none();
                    let at = format!("{place}.{name}");
                    match inner {
                        Some(inner) => taken.insert(name, self.take(inner, member, &at)?),
                        None if free => taken.insert(name, member),
                        None => return Err(format!("unknown field {at}")),
                    };
                }
                Ok(Value::Object(taken))
            }
            ("object", _) => wrong("an object"),
            ("array", Value::Array(items)) => items
                .into_iter()
                .enumerate()
                .map(|(at, item)| self.take(&schema["items"], item, &format!("{place}[{at}]")))
                .collect::<Result<Vec<_>, _>>()
                .map(Value::from),
            ("array", _) => wrong("a list"),
            ("integer", value) => integer(schema, value).map_or_else(|| wrong("a whole number or a known name"), Ok),
            ("number", Value::Number(number)) => Ok(Value::Number(number)),
            ("number", _) => wrong("a number"),
            ("boolean", Value::Bool(flag)) => Ok(Value::Bool(flag)),
            ("boolean", _) => wrong("true or false"),
            ("string", Value::String(text)) => Ok(Value::String(text)),
            ("string", _) => wrong("a text"),
            (_, value) => Ok(value),
        }
    }

    /// A value as it is answered: fields that are zero or empty are left out, and every second object has its 64-bit numbers in quotes.
    pub fn give(&self, schema: &Value, value: &Value) -> Value {
        let schema = self.resolve(schema);
        match value {
            Value::Object(members) => {
                let quoted = members.get("uuid").and_then(Value::as_str).and_then(|id| id.bytes().last()).is_some_and(|last| last % 2 == 0);
                let shown = members.iter().filter(|(_, member)| !is_zero(member)).map(|(name, member)| {
                    let inner = schema["properties"].get(name).or_else(|| schema.get("additionalProperties")).unwrap_or(&Value::Null);
                    let long = quoted && inner["type"] == "integer" && inner.get("x-unit").is_some();
                    let given = if long && member.is_number() { Value::from(member.to_string()) } else { self.give(inner, member) };
                    (name.clone(), given)
                });
                Value::Object(shown.collect())
            }
            Value::Array(items) => items.iter().map(|item| self.give(&schema["items"], item)).collect(),
            other => other.clone(),
        }
    }
}

/// What a method and a path mean.
pub enum Found<'a> {
    /// This operation, with what stands in its places.
    Operation(&'a Operation, Vec<(String, String)>),
    /// The path is known, the method is not.
    OtherMethod,
    /// Nothing.
    Nothing,
}

fn operation_of(path: &str, method: &str, operation: &Value) -> Operation {
    let query = operation["parameters"].as_array().into_iter().flatten().filter(|parameter| parameter["in"] == "query");
    let success = operation["responses"].as_object().into_iter().flatten().find(|(code, _)| code.starts_with('2'));
    let json = |at: &Value| at["content"]["application/json"].get("schema").cloned();
    Operation {
        id: text(&operation["operationId"]),
        method: method.to_uppercase(),
        path: path.into(),
        tag: text(&operation["tags"][0]),
        query: query.map(|parameter| (text(&parameter["name"]), parameter["required"] == true, parameter["schema"].clone())).collect(),
        body: json(&operation["requestBody"]),
        success: success.map_or((200, None), |(code, answer)| (code.parse().unwrap_or(200), json(answer))),
        writes: operation["x-effect"] != "read",
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn places(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let joined = |word: &str| word.replace(['_', '-'], "").to_lowercase();
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    if template.len() != path.len() {
        return None;
    }
    let mut found = Vec::new();
    for (wanted, given) in template.iter().zip(&path) {
        match wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) if !given.is_empty() => found.push((name.to_owned(), (*given).to_owned())),
            None if joined(wanted) == joined(given) => {}
            _ => return None,
        }
    }
    Some(found)
}

fn integer(schema: &Value, value: Value) -> Option<Value> {
    match value {
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(Value::Number(number)),
        Value::String(text) => {
            if let Ok(number) = text.parse::<i64>() {
                return Some(number.into());
            }
            if let Some(at) = ["INIT", "ACTIVE", "SUSPENDED", "DELETED"].iter().position(|known| *known == text) {
                return Some((at + 1).into());
            }
            let names = schema["x-enum-varnames"].as_array();
            match names.and_then(|names| names.iter().position(|name| *name == text.as_str())) {
                Some(at) => schema["enum"].get(at).or_else(|| schema["x-known-values"].get(at)).cloned(),
                // The vendor's own examples send names; not all of them are printed.
                None if names.is_none() && text.chars().all(|c| c.is_ascii_uppercase() || c == '_') && !text.is_empty() => {
                    Some(Value::String(text))
                }
                None => None,
            }
        }
        _ => None,
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

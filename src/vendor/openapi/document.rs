//! An OpenAPI document, read: its operations, with local `$ref`s followed when they are needed and never all at once, so that a
//! document that refers to itself is read as quickly as another.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value};

use crate::core::request::Method;
use crate::core::schema::{Refs, is_secret, kind, members};
use crate::core::secrecy::is_credential;

/// How many `$ref`s in a row are followed before they are taken for a circle.
const HOPS: usize = 32;

/// A document.
#[derive(Debug)]
pub struct Document {
    root: Value,
}

/// One operation of a document.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its id; made from method and path where the document gives none.
    pub id: String,
    /// Its method.
    pub method: Method,
    /// Its path with places: `/pets/{id}`.
    pub path: String,
    /// Its title.
    pub summary: String,
    /// What it does.
    pub description: String,
    /// Its first tag.
    pub tag: String,
    /// Parameters outside of the body.
    pub inputs: Vec<Input>,
    /// The body.
    pub body: Option<Payload>,
    /// The operation as it stands, for extension fields and answers.
    pub raw: Value,
}

/// One parameter outside of the body.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// `path`, `query`, `header` or `cookie`.
    pub place: String,
    /// Whether it must be given.
    pub required: bool,
    /// What it is for.
    pub help: String,
    /// Its schema.
    pub schema: Value,
    /// How lists and objects are written: `form`, `deepObject`, `spaceDelimited`, `pipeDelimited`, `simple`.
    pub style: String,
    /// Whether each entry of a list is a pair of its own.
    pub explode: bool,
}

/// A body.
#[derive(Clone, Debug)]
pub struct Payload {
    /// Content type.
    pub kind: String,
    /// Its schema.
    pub schema: Value,
    /// Whether it must be there.
    pub required: bool,
}

impl Document {
    /// Reads a document, JSON or YAML.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut root: Value = match serde_json::from_str(text) {
            Ok(root) => root,
            Err(error) if text.trim_start().starts_with('{') => return Err(format!("is not JSON: {error}")),
            // YAML 1.2: `no`, `on` and `y` are texts, which names and enums of APIs rely on.
            Err(_) => serde_saphyr::from_str_with_options(text, serde_saphyr::options! { strict_booleans: true }).map_err(|error| {
                let error: String = error.to_string().lines().next().unwrap_or_default().chars().take(200).collect();
                format!("is neither JSON nor YAML: {error}")
            })?,
        };
        let version = root["openapi"].as_str().map_or_else(|| root["openapi"].to_string(), str::to_owned);
        if !version.starts_with("3.0") && !version.starts_with("3.1") {
            let found = if root.get("swagger").is_some() { "a Swagger 2 document".into() } else { format!("openapi {version}") };
            return Err(format!("is not an OpenAPI 3.0 or 3.1 document (found {found})"));
        }
        if !root["paths"].is_object() {
            return Err("has no paths".into());
        }
        let paths = root["paths"].as_object().into_iter().flat_map(Map::values);
        let outside = paths.filter_map(|item| item["$ref"].as_str()).find(|reference| !reference.starts_with('#'));
        if let Some(reference) = outside {
            return Err(format!(
                "has a path that refers to {reference}, which lies outside of it; only references within it (#/…) are followed. Bundle it \
                 into one file first"
            ));
        }
        call_secret(&mut root);
        Ok(Self { root })
    }

    /// A document that was read and then changed.
    pub fn of(root: Value) -> Self {
        Self { root }
    }

    /// The document as it was read.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// The names of members that are secret, wherever its schemas have them.
    pub fn secret_fields(&self) -> Vec<String> {
        let (mut open, mut names) = (vec![&self.root], BTreeSet::new());
        while let Some(value) = open.pop() {
            let properties = value.get("properties").and_then(Value::as_object).into_iter().flatten();
            names.extend(properties.filter(|(_, inner)| is_secret(self.resolve(inner))).map(|(name, _)| name.clone()));
            match value {
                Value::Object(members) => open.extend(members.values()),
                Value::Array(items) => open.extend(items),
                _ => {}
            }
        }
        names.into_iter().collect()
    }

    /// The first `$ref` that leads out of the document from a part of it, over any number of others; what examples show is none.
    pub fn foreign<'a>(&'a self, part: &'a Value) -> Option<&'a str> {
        let (mut open, mut seen) = (vec![part], HashSet::new());
        while let Some(value) = open.pop() {
            match value {
                Value::Object(members) => {
                    if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                        if !reference.starts_with('#') {
                            return Some(reference);
                        }
                        if seen.insert(reference) {
                            open.push(self.resolve(value));
                        }
                    }
                    let inner = members.iter().filter(|(name, _)| !matches!(name.as_str(), "example" | "examples"));
                    open.extend(inner.map(|(_, value)| value));
                }
                Value::Array(items) => open.extend(items),
                _ => {}
            }
        }
        None
    }

    /// Every operation, in the document's order.
    pub fn operations(&self) -> Vec<Operation> {
        let paths = self.root["paths"].as_object().into_iter().flatten();
        paths
            .flat_map(|(path, item)| {
                let item = self.resolve(item);
                let methods = item.as_object().into_iter().flatten();
                methods.filter_map(move |(name, raw)| Some(self.operation(path, Method::parse(name)?, item, raw)))
            })
            .collect()
    }

    fn operation(&self, path: &str, method: Method, item: &Value, raw: &Value) -> Operation {
        let text = |name: &str| raw[name].as_str().unwrap_or_default().trim().to_owned();
        let id = match text("operationId") {
            id if id.is_empty() => format!("{} {}", method.as_str().to_lowercase(), path.replace(['{', '}'], "")),
            id => id,
        };
        let mut inputs: Vec<Input> = Vec::new();
        for parameter in [&item["parameters"], &raw["parameters"]].into_iter().filter_map(Value::as_array).flatten() {
            if let Some(input) = self.input(parameter) {
                // An operation's own parameter stands for the path's of the same name.
                inputs.retain(|known| (&known.name, &known.place) != (&input.name, &input.place));
                inputs.push(input);
            }
        }
        // A place that no parameter describes has to be filled all the same.
        for place in path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name) {
            if !inputs.iter().any(|input| input.place == "path" && input.name == place) {
                inputs.push(Input {
                    name: place.into(),
                    place: "path".into(),
                    required: true,
                    help: String::new(),
                    schema: serde_json::json!({"type": "string"}),
                    style: "simple".into(),
                    explode: false,
                });
            }
        }
        let tag = raw["tags"].as_array().and_then(|tags| tags.first()?.as_str()).unwrap_or_default().to_owned();
        let (summary, description) = (text("summary"), text("description"));
        let body = self.payload(&raw["requestBody"]);
        Operation { id, method, path: path.into(), summary, description, tag, inputs, body, raw: raw.clone() }
    }

    fn input(&self, parameter: &Value) -> Option<Input> {
        let parameter = self.resolve(parameter);
        let text = |name: &str| parameter[name].as_str().unwrap_or_default().to_owned();
        let (name, place) = (text("name"), text("in"));
        let reserved = ["accept", "content-type", "authorization"].iter().any(|known| name.eq_ignore_ascii_case(known));
        if name.is_empty() || (place == "header" && reserved) {
            return None;
        }
        let content = parameter["content"].as_object().and_then(|content| content.values().next()).map(|one| one["schema"].clone());
        let style = match text("style") {
            style if !style.is_empty() => style,
            _ if matches!(place.as_str(), "query" | "cookie") => "form".into(),
            _ => "simple".into(),
        };
        let explode = parameter["explode"].as_bool().unwrap_or(style == "form");
        let required = parameter["required"] == true || place == "path";
        let schema = parameter.get("schema").cloned().or(content).unwrap_or_default();
        Some(Input { name, place, required, help: text("description"), schema, style, explode })
    }

    fn payload(&self, body: &Value) -> Option<Payload> {
        let body = self.resolve(body);
        let content = body["content"].as_object().filter(|content| !content.is_empty())?;
        let json = |kind: &str| kind.starts_with("application/json") || kind.split(';').next().is_some_and(|kind| kind.ends_with("+json"));
        let best = content.iter().find(|(kind, _)| json(kind)).or_else(|| {
            let form = |kind: &str| kind.starts_with("application/x-www-form-urlencoded") || kind.starts_with("multipart/form-data");
            content.iter().find(|(kind, _)| form(kind)).or_else(|| content.iter().next())
        });
        let (kind, media) = best?;
        let kind = if kind == "*/*" { "application/json" } else { kind.as_str() };
        Some(Payload { kind: kind.into(), schema: media["schema"].clone(), required: body["required"] == true })
    }

    /// The members of an object's schema, with the names of those that must be there. Nothing where it is no object.
    pub fn members(&self, schema: &Value) -> Option<(Map<String, Value>, Vec<String>)> {
        members(self, schema)
    }
}

impl Refs for Document {
    /// Follows `$ref`s within the document. What leads nowhere or in a circle is taken as allowing anything.
    fn resolve<'a>(&'a self, mut value: &'a Value) -> &'a Value {
        for _ in 0..HOPS {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return value };
            match reference.strip_prefix('#').and_then(|pointer| self.root.pointer(&decoded(pointer))) {
                Some(target) => value = target,
                None => return &Value::Null,
            }
        }
        &Value::Null
    }
}

/// Gives the texts whose names mean credentials the format that makes them secret, so that all that follows from it need not be said of
/// names again.
fn call_secret(value: &mut Value) {
    let properties = value.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten();
    for (_, inner) in properties.filter(|(name, inner)| is_credential(name) && kind(inner) == Some("string")) {
        inner["format"] = "password".into();
    }
    match value {
        Value::Object(members) => members.values_mut().for_each(call_secret),
        Value::Array(items) => items.iter_mut().for_each(call_secret),
        _ => {}
    }
}

/// A JSON pointer in a URL's fragment, percent-decoded.
fn decoded(pointer: &str) -> String {
    if !pointer.contains('%') {
        return pointer.to_owned();
    }
    let text = pointer.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

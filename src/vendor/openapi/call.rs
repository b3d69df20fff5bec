//! One call: from arguments to a request, and from the reply to an outcome.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::commands::{BODY, Bound, is_json};
use super::document::Input;
use crate::core::catalogue::{Arguments, Effect};
use crate::core::connection::Connection;
use crate::core::mapping::scalar;
use crate::core::outcome::{Failure, Outcome, ReturnData};
use crate::core::request::{Body, Reply, Request, Template};
use crate::core::schema::Refs;
use crate::core::talk::Talk;

/// Name of the root.
pub const ROOT: &str = "api";
/// The most pages that one run follows.
const PAGES: usize = 200;

/// Carries an operation out.
pub async fn carry_out(talk: Talk, bound: Arc<Bound>, _: Arc<Connection>, arguments: Arguments) -> Outcome {
    let title = bound.operation.id.clone();
    let indicator = format!("{title} failed.");
    let (mut merged, mut before): (Option<Value>, Option<Value>) = (None, None);
    let mut token: Option<String> = None;
    for _ in 0..PAGES {
        let mut request = request(&bound, &arguments).purpose(title.clone());
        if let (Some((_, parameter)), Some(token)) = (&bound.profile.continuation, &token) {
            request = request.query(parameter, token.as_str());
        }
        let reply = match talk.send(request).await {
            Ok(reply) => reply,
            Err(trouble) => return partial(Outcome::failed(trouble.failure(&indicator)), merged),
        };
        if !reply.is_success() {
            return partial(failed(&reply, &indicator), merged);
        }
        let page = match content(&reply) {
            Ok(page) => page,
            Err(why) => {
                let failure = Failure::new(&indicator, why).status(reply.status);
                return partial(Outcome::failed(Failure { request_id: reply.request_id, ..failure }), merged);
            }
        };
        if let (Some(known), true) = (&merged, before.as_ref() == Some(&page)) {
            // A service that does not know the parameter answers the same page for ever.
            return succeeded(&title, &reply, known.clone());
        }
        let next =
            bound.profile.continuation.as_ref().and_then(|(member, _)| page.get(member)).and_then(scalar).filter(|next| !next.is_empty());
        let again = next.is_some() && next == token;
        let whole = merged.map_or_else(|| page.clone(), |all| joined(all, &page));
        if next.is_none() || again {
            return succeeded(&title, &reply, whole);
        }
        (merged, before, token) = (Some(whole), Some(page), next);
    }
    let failure = Failure::new(&indicator, format!("More than {PAGES} pages were answered; the rest was not asked for."));
    partial(Outcome::failed(failure), merged)
}

fn partial(mut outcome: Outcome, merged: Option<Value>) -> Outcome {
    if let Some(merged) = merged {
        outcome.return_data = ReturnData::PartiallySuccessful;
        outcome.raw_data = merged;
    }
    outcome
}

/// Two pages as one: lists are joined, everything else is the later page's.
fn joined(all: Value, page: &Value) -> Value {
    match (all, page) {
        (Value::Object(mut all), Value::Object(page)) => {
            for (name, value) in page {
                match (all.get_mut(name).and_then(Value::as_array_mut), value.as_array()) {
                    (Some(known), Some(more)) => known.extend(more.iter().cloned()),
                    _ => {
                        all.insert(name.clone(), value.clone());
                    }
                }
            }
            Value::Object(all)
        }
        (_, page) => page.clone(),
    }
}

/// The request of an operation.
pub fn request(bound: &Bound, arguments: &Arguments) -> Request {
    let operation = &bound.operation;
    let mut path = operation.path.clone();
    let mut cookies = String::new();
    let mut queries: Vec<(String, Template)> = Vec::new();
    let mut headers: Vec<(String, Template)> = Vec::new();
    for input in &operation.inputs {
        let Some(value) = value_for(bound, arguments, &input.place, &input.name) else { continue };
        let hides = bound.hides(&input.place, &input.name);
        let template = |text: String| if hides { Template::masked(text) } else { text.into() };
        match input.place.as_str() {
            "path" => path = path.replace(&format!("{{{}}}", input.name), &encoded(&flat(&value, ","))),
            "query" => queries.extend(pairs(input, &value).into_iter().map(|(name, value)| (name, template(value)))),
            "header" => headers.push((input.name.clone(), template(flat(&value, ",")))),
            // Writing to a string cannot fail.
            "cookie" => {
                let _ = write!(cookies, "{}{}={}", if cookies.is_empty() { "" } else { "; " }, input.name, flat(&value, ","));
            }
            _ => {}
        }
    }
    let mut request = Request::new(operation.method, bound.profile.root_of(operation), path);
    request.changes = super::commands::class(operation).effect != Effect::Read;
    request.query = queries;
    request.headers = headers;
    if !cookies.is_empty() {
        request.headers.push(("Cookie".into(), cookies.into()));
    }
    if !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept")) {
        request.headers.push(("Accept".into(), "application/json, */*;q=0.5".into()));
    }
    with_body(request, bound, arguments)
}

fn with_body(mut request: Request, bound: &Bound, arguments: &Arguments) -> Request {
    let Some(payload) = &bound.operation.body else { return request };
    let Some(body) = body_of(bound, arguments) else { return request };
    let kind = payload.kind.as_str();
    if is_json(kind) {
        if !kind.starts_with("application/json") {
            request = request.header("Content-Type", kind);
        }
        return request.json(body);
    }
    match &body {
        Value::Object(members) if kind.starts_with("application/x-www-form-urlencoded") => {
            for (name, value) in members {
                request = request.field(name, flat(value, ","));
            }
            request
        }
        Value::Object(members) if kind.starts_with("multipart/form-data") => {
            // Long and odd enough to stand in no field by chance.
            let boundary = format!("nightdesk-{:016x}-boundary", body.to_string().len().wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let mut text = String::new();
            for (name, value) in members {
                let name = name.replace(['"', '\r', '\n'], "_");
                let _ = write!(text, "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{}\r\n", flat(value, ","));
            }
            let _ = write!(text, "--{boundary}--\r\n");
            request.body = Body::Text(text);
            request.header("Content-Type", format!("multipart/form-data; boundary={boundary}"))
        }
        other => {
            request.body = Body::Text(other.as_str().map_or_else(|| other.to_string(), str::to_owned));
            request.header("Content-Type", kind)
        }
    }
}

/// The value of a place, in the vendor's spelling.
fn value_for(bound: &Bound, arguments: &Arguments, place: &str, name: &str) -> Option<Value> {
    let (parameter, _, _) = bound.places.iter().find(|(_, known, inner)| known == place && inner == name)?;
    arguments.wire(parameter)
}

/// The body: the whole one, single fields over it, and what the vendor wants repeated.
pub fn body_of(bound: &Bound, arguments: &Arguments) -> Option<Value> {
    bound.operation.body.as_ref()?;
    let given = arguments.get(BODY).filter(|_| !bound.places.iter().any(|(name, _, _)| name == BODY)).cloned();
    if bound.members.is_empty() {
        return given;
    }
    let mut body = match given {
        Some(Value::Object(members)) => members,
        Some(other) => return Some(other),
        None => Map::new(),
    };
    for (parameter, place, name) in &bound.places {
        if place == BODY
            && let Some(value) = arguments.wire(parameter)
        {
            body.insert(name.clone(), named(bound, name, value));
        }
    }
    let missing = |body: &Map<String, Value>, name: &str| bound.members.contains_key(name) && !body.contains_key(name);
    for (name, value) in &bound.profile.filled {
        if missing(&body, name) {
            body.insert(name.clone(), value.clone());
        }
    }
    let id = bound.operation.inputs.iter().find(|input| input.place == "path");
    let id = id.and_then(|input| value_for(bound, arguments, "path", &input.name));
    for name in &bound.profile.repeats {
        if let Some(id) = id.as_ref().filter(|_| missing(&body, name)) {
            body.insert((*name).into(), id.clone());
        }
    }
    let needed = bound.operation.body.as_ref().is_some_and(|payload| payload.required);
    (needed || !body.is_empty()).then_some(Value::Object(body))
}

/// A number of an enum as its name, where the profile sends names.
fn named(bound: &Bound, member: &str, value: Value) -> Value {
    if !bound.profile.send_names {
        return value;
    }
    let schema = bound.members.get(member).map_or(&Value::Null, |schema| bound.document.resolve(schema));
    let at = schema["enum"].as_array().and_then(|all| all.iter().position(|known| *known == value));
    at.and_then(|at| schema["x-enum-varnames"].get(at)).cloned().unwrap_or(value)
}

/// A query parameter as pairs, as its style says.
fn pairs(input: &Input, value: &Value) -> Vec<(String, String)> {
    let name = &input.name;
    match value {
        Value::Array(items) if input.explode => items.iter().map(|item| (name.clone(), flat(item, ","))).collect(),
        Value::Array(_) => {
            let between = match input.style.as_str() {
                "spaceDelimited" => " ",
                "pipeDelimited" => "|",
                _ => ",",
            };
            vec![(name.clone(), flat(value, between))]
        }
        Value::Object(members) if input.style == "deepObject" => {
            members.iter().map(|(member, value)| (format!("{name}[{member}]"), flat(value, ","))).collect()
        }
        Value::Object(members) if input.explode => members.iter().map(|(member, value)| (member.clone(), flat(value, ","))).collect(),
        other => vec![(name.clone(), flat(other, ","))],
    }
}

/// A value on one line: lists and objects as their entries, nested ones as JSON.
fn flat(value: &Value, between: &str) -> String {
    let one = |value: &Value| scalar(value).unwrap_or_else(|| value.to_string());
    match value {
        Value::Array(items) => items.iter().map(one).collect::<Vec<_>>().join(between),
        Value::Object(members) => members.iter().flat_map(|(name, value)| [name.clone(), one(value)]).collect::<Vec<_>>().join(between),
        Value::Null => String::new(),
        other => one(other),
    }
}

/// A path segment, percent-encoded.
pub fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes().fold(String::new(), |mut out, byte| {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// What a reply holds: JSON where it is JSON, else text; nothing where it is empty.
fn content(reply: &Reply) -> Result<Value, String> {
    if reply.body.is_empty() {
        return Ok(Value::Null);
    }
    let is_said = reply.header("content-type").is_some_and(is_json);
    match reply.json() {
        Ok(value) => Ok(value),
        Err(error) if is_said => Err(format!("The answer is not JSON, though it says so: {error}.")),
        Err(_) => Ok(Value::from(reply.text())),
    }
}

fn succeeded(title: &str, reply: &Reply, raw: Value) -> Outcome {
    let list = match &raw {
        Value::Array(items) => Some(items.len()),
        Value::Object(members) => {
            let mut lists = members.values().filter_map(Value::as_array);
            lists.next().filter(|_| lists.next().is_none()).map(Vec::len)
        }
        _ => None,
    };
    let mut outcome = Outcome::successful(raw).result("Status Code", reply.status);
    outcome.message = match list {
        Some(count) => format!("{title}: {count} found."),
        None => format!("{title} was carried out (HTTP {}).", reply.status),
    };
    if let Some(count) = list {
        outcome = outcome.result("Count", count);
    }
    outcome
}

/// A refusal, in the service's own words.
pub fn failed(reply: &Reply, indicator: &str) -> Outcome {
    let json = reply.json().unwrap_or_default();
    let places = [".message", ".error.message", ".error_description", ".detail", ".errors[0].message", ".error", ".title", ".errors[0]"];
    let said = places.iter().find_map(|path| crate::core::mapping::text_at(&json, path));
    let text: String = reply.text().trim().chars().take(500).collect();
    let message = match (said, text.is_empty()) {
        (Some(said), _) => said,
        (None, false) => text,
        (None, true) => format!("The service answered with HTTP {} and nothing else.", reply.status),
    };
    let mut failure = Failure::new(indicator, message).status(reply.status);
    failure.request_id.clone_from(&reply.request_id);
    failure.hint = match reply.status {
        401 => Some("Check the connection's credentials.".into()),
        403 => Some("The account's role does not allow this.".into()),
        404 | 405 => Some("Check the id; where the route is assumed, set it under routes.".into()),
        _ => None,
    };
    Outcome::failed(failure).raw(json)
}

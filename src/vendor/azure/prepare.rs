//! From the inputs of Execute HTTP Request to a request: address, headers, cookies, body.
//!
//! Everything is judged before anything is sent, a sign-in included. Seed 000, "Body payload construction" and "Action inputs";
//! `vendors/azure-api.md` §4, §5 and §9.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use url::Url;

use super::expected;
use super::placeholders::{self, Place};
use crate::core::catalogue::{Arguments, Invalid};
use crate::core::connection::Connection;
use crate::core::mapping::scalar;
use crate::core::origin;
use crate::core::request::{Body, Follow, Method, Request, Sink, Target, Template};

/// Everything that a run of Execute HTTP Request goes by.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The request, sent once or repeatedly.
    pub request: Request,
    /// What is waited for.
    pub expected: Option<Value>,
    /// Whether a status of 400 or more is a failure.
    pub fail: bool,
    /// Whether the body comes back as base64.
    pub base64: bool,
    /// The fields of the result.
    pub fields: Vec<String>,
    /// Where the body goes.
    pub save: Option<Sink>,
    /// Time between two looks.
    pub interval: Duration,
    /// How long is waited.
    pub patience: Duration,
}

/// Judges the inputs and makes the plan.
///
/// # Errors
/// The input to mend.
pub fn plan(connection: &Connection, arguments: &Arguments) -> Result<Plan, Invalid> {
    let empty = Map::new();
    let inputs = arguments.get("inputs").and_then(Value::as_object).unwrap_or(&empty);
    let method = Method::parse(arguments.text("method").unwrap_or("GET")).unwrap_or(Method::Get);
    let url = address(connection, arguments.text("url_path").unwrap_or_default(), inputs)?;
    let home = is_home(connection, &url);
    let mut request = Request::to(method, Target::Open(url.to_string()));
    for (name, value) in parameters(arguments, inputs)? {
        request = request.query(&name, value);
    }
    request.headers = headers(connection, arguments, inputs, home)?;
    let content_type =
        request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type")).and_then(|(_, value)| value.plain());
    request.body = body(arguments, inputs, content_type.as_deref())?;
    request.follow = if arguments.flag("follow_redirects") { Follow::Anywhere } else { Follow::No };
    let seconds =
        |name: &str, default: u64| Duration::from_secs(arguments.integer(name).and_then(|n| u64::try_from(n).ok()).unwrap_or(default));
    request.idle_timeout = Some(seconds("request_timeout", 120));
    request.purpose = format!("{} {}", method.as_str(), url.path());
    let expected = match arguments.get("expected_response_values").filter(|value| value.as_object().is_none_or(|object| !object.is_empty()))
    {
        None => None,
        Some(value) => {
            let filled = placeholders::fill_json(value, inputs)
                .map_err(|why| wrong("expected_response_values", "Expected Response Values", &why))?;
            expected::check(&filled).map_err(|why| wrong("expected_response_values", "Expected Response Values", &why))?;
            Some(filled)
        }
    };
    let save = arguments.flag("save_to_case_wall").then(|| Sink {
        password: arguments.flag("password_protect_zip"),
        legacy: arguments.flag("zip_legacy"),
        only_success: true,
    });
    if save.is_some() && expected.is_some() && !method.is_safe() {
        let text = "Save To Case Wall with Expected Response Values works for GET, HEAD and OPTIONS only: the file is fetched once the values are reached.";
        return Err(Invalid::new("save_to_case_wall", text));
    }
    Ok(Plan {
        request,
        expected,
        fail: arguments.flag("fail_on_4xx_5xx"),
        base64: arguments.flag("base64_output"),
        fields: arguments.texts("fields_to_return"),
        save,
        interval: seconds("poll_interval", 5).max(Duration::from_secs(1)),
        patience: seconds("poll_timeout", 600),
    })
}

fn wrong(name: &str, label: &str, why: &str) -> Invalid {
    let end = if why.ends_with('.') { "" } else { "." };
    let verb =
        if ["is ", "must ", "waits ", "lists ", "has ", "holds ", "names "].iter().any(|verb| why.starts_with(verb)) { " " } else { ": " };
    Invalid::new(name, format!("{label}{verb}{why}{end}"))
}

/// The absolute address. A path that begins with `/` lies below the Graph root.
fn address(connection: &Connection, text: &str, inputs: &Map<String, Value>) -> Result<Url, Invalid> {
    let bad = |why: &str| Err(wrong("url_path", "URL Path", why));
    let filled = placeholders::fill(text.trim(), inputs, Place::Url).map_err(|why| wrong("url_path", "URL Path", &why))?;
    if filled.chars().any(|c| c.is_control() || c == '\\') {
        return bad("must not hold control characters or backslashes");
    }
    let absolute = if filled.starts_with('/') {
        format!("{}{filled}", connection.text_or_empty("graph_api_root").trim_end_matches('/'))
    } else {
        filled
    };
    let url = match Url::parse(&absolute) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => url,
        _ => return bad("must be an absolute https:// address, or begin with / for the Microsoft Graph API Root"),
    };
    if url.fragment().is_some() {
        return bad("holds a #, which would cut the address off; write %23 for it (guest accounts have #EXT# in their names)");
    }
    match origin::judge(&url) {
        Err(why) if !is_home(connection, &url) => bad(why),
        _ if !url.username().is_empty() || url.password().is_some() => bad("must not hold a user name"),
        _ => Ok(url),
    }
}

/// Whether an address lies on a root that gets a token.
pub fn is_home(connection: &Connection, url: &Url) -> bool {
    super::sign_in::token_roots(connection).iter().any(|root| {
        Url::parse(&root.url).is_ok_and(|root| {
            (root.scheme(), root.host_str(), root.port_or_known_default()) == (url.scheme(), url.host_str(), url.port_or_known_default())
        })
    })
}

/// URL Params in order: a list repeats its name, null leaves it out.
fn parameters(arguments: &Arguments, inputs: &Map<String, Value>) -> Result<Vec<(String, String)>, Invalid> {
    let mut pairs = Vec::new();
    for (name, value) in filled(arguments, "url_params", "URL Params", inputs)? {
        match value {
            Value::Array(items) => pairs.extend(items.iter().map(|item| (name.clone(), plain(item)))),
            Value::Null => {}
            one => pairs.push((name, plain(&one))),
        }
    }
    Ok(pairs)
}

fn plain(value: &Value) -> String {
    scalar(value).unwrap_or_else(|| value.to_string())
}

fn filled(arguments: &Arguments, name: &str, label: &str, inputs: &Map<String, Value>) -> Result<Map<String, Value>, Invalid> {
    let Some(value) = arguments.get(name) else { return Ok(Map::new()) };
    match placeholders::fill_json(value, inputs).map_err(|why| wrong(name, label, &why))? {
        Value::Object(object) => Ok(object),
        _ => Err(wrong(name, label, "must be a JSON object")),
    }
}

fn headers(
    connection: &Connection,
    arguments: &Arguments,
    inputs: &Map<String, Value>,
    home: bool,
) -> Result<Vec<(String, Template)>, Invalid> {
    let bad = |why: String| Err(wrong("headers", "Headers", &why));
    let mut headers: Vec<(String, Template)> = Vec::new();
    for (name, value) in filled(arguments, "headers", "Headers", inputs)? {
        let name = name.trim().to_owned();
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || !name.chars().all(token) {
            return bad(format!("has the name \"{name}\", which no header can have"));
        }
        if ["content-length", "transfer-encoding", "host", "connection"].iter().any(|own| name.eq_ignore_ascii_case(own)) {
            return bad(format!("must not set {name}, which follows from the request"));
        }
        // Null takes a header away: a request to a root without its token, say.
        let text = match &value {
            Value::Null => String::new(),
            Value::Array(_) | Value::Object(_) => return bad(format!("must have a text for {name}")),
            one => plain(one).trim().to_owned(),
        };
        if text.chars().any(|c| c.is_control() && c != '\t') {
            return bad(format!("has a control character in the value of {name}"));
        }
        if home && !text.is_empty() && name.eq_ignore_ascii_case("authorization") && !connection.option_flag("allow_authorization_header") {
            return bad(
                "must not set Authorization for a root that gets its own token; set connection.options.allow_authorization_header to allow it"
                    .into(),
            );
        }
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
        headers.push((name, text.into()));
    }
    let cookies = filled(arguments, "cookie", "Cookie", inputs)?;
    if !cookies.is_empty() {
        let mut pairs = Vec::new();
        for (name, value) in cookies.into_iter().filter(|(_, value)| !value.is_null()) {
            let value = plain(&value);
            if name.is_empty()
                || name.contains(['=', ';', ' ', ','])
                || format!("{name}{value}").contains(|c: char| c == ';' || c.is_control())
            {
                return Err(wrong("cookie", "Cookie", &format!("has a sign in {name} that a cookie cannot hold")));
            }
            pairs.push(format!("{name}={value}"));
        }
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case("cookie"));
        headers.push(("Cookie".into(), pairs.join("; ").into()));
    }
    Ok(headers)
}

/// The body by its content type.
fn body(arguments: &Arguments, inputs: &Map<String, Value>, content_type: Option<&str>) -> Result<Body, Invalid> {
    let bad = |why: String| Err(wrong("body_payload", "Body Payload", &why));
    let Some(given) = arguments.get("body_payload") else { return Ok(Body::Empty) };
    let given = placeholders::fill_json(given, inputs).map_err(|why| wrong("body_payload", "Body Payload", &why))?;
    if arguments.flag("body_is_base64") {
        let text: String = given.as_str().unwrap_or_default().split_whitespace().collect();
        return match STANDARD.decode(&text) {
            Ok(bytes) if !bytes.is_empty() => Ok(Body::Bytes(Arc::from(bytes))),
            _ => bad("is not Base64, though body_is_base64 says so".into()),
        };
    }
    let media = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = media.is_empty() || media == "application/json" || media.ends_with("+json");
    // Text that holds JSON is meant as JSON where JSON is wanted.
    let parsed = match &given {
        Value::String(text) => serde_json::from_str::<Value>(text).ok(),
        other => Some(other.clone()),
    };
    match (media.as_str(), parsed) {
        ("application/x-www-form-urlencoded", Some(Value::Object(fields))) => Ok(form(&fields)),
        ("application/x-www-form-urlencoded", _) => match given {
            Value::String(text) => Ok(Body::Text(text)),
            _ => bad("must be a JSON object for a form (or text that is encoded already)".into()),
        },
        (_, Some(value)) if is_json => Ok(Body::Json(value)),
        _ if is_json => {
            let kind = if media.is_empty() { "no Content-Type is given" } else { "the Content-Type says so" };
            bad(format!("must be JSON, since {kind}; for XML or text give its Content-Type in Headers"))
        }
        _ => Ok(Body::Text(match given {
            Value::String(text) => text,
            other => other.to_string(),
        })),
    }
}

fn form(fields: &Map<String, Value>) -> Body {
    let pairs = fields.iter().flat_map(|(name, value)| match value {
        Value::Array(items) => items.iter().map(|item| (name.clone(), Template::from(plain(item)))).collect(),
        Value::Null => Vec::new(),
        one => vec![(name.clone(), Template::from(plain(one)))],
    });
    Body::Form(pairs.collect())
}

//! Lacework Edge: the API of one account on one port.
//!
//! It checks every call against its own reading of the API's document, keeps what was changed, and decides what the vendor leaves open
//! for the stricter side: unknown fields are refused, ids that stand in path and body must agree, locks are kept.

mod calls;
mod estate;
mod sample;
mod surface;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use self::calls::Call;
use self::estate::Estate;
use self::surface::{Found, Operation, Surface};
use super::world::Dice;
use super::{Connection, Fault, Shared, Vendor, fault, serve};

/// The account's name.
pub const ACCOUNT: &str = "northwind";
/// An API token that may do everything.
pub const ADMIN_TOKEN: &str = "le-demo-token-4vQ8s2";
/// An API token that may read only.
pub const READER_TOKEN: &str = "le-demo-reader-9Wk3x7";

/// How long a session lasts, in seconds.
const SESSION_LIFE: i64 = 3_600;
/// Where the API begins; printed in the vendor's guide.
const BASE: &str = "/api/v1";
/// Whether a call stands in the record. Lists do not: a console reads them on a clock, and the record would be its own subject.
fn is_recorded(operation: &Operation) -> bool {
    !operation.id.starts_with("query_") && operation.id != "token_login"
}

struct Session {
    admin: bool,
    expires: Timestamp,
}

struct State {
    shared: Arc<Shared>,
    surface: Surface,
    estate: Mutex<Estate>,
    sessions: Mutex<HashMap<String, Session>>,
    dice: Mutex<Dice>,
    met: Mutex<HashSet<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the vendor.
///
/// # Errors
/// When no loopback port can be bound, or the API's document cannot be read.
pub async fn start(shared: &Arc<Shared>) -> io::Result<Vendor> {
    let surface = Surface::read()?;
    let state = Arc::new(State {
        shared: Arc::clone(shared),
        estate: Mutex::new(Estate::new(&surface, shared)),
        surface,
        sessions: Mutex::default(),
        dice: Mutex::new(Dice::for_part(shared.world.seed, "lacework-sessions")),
        met: Mutex::default(),
    });
    let (signing, serving) = (Arc::clone(&state), state);
    let server = serve(|_| {
        let api = Router::new().fallback(async move |request: Request| {
            let (head, body) = request.into_parts();
            match axum::body::to_bytes(body, 4 << 20).await {
                Ok(body) => serving.answer(&head.method, &head.uri, &head.headers, &body),
                Err(_) => refuse(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"),
            }
        });
        // A sign-in carries a credential too, and must not be mistaken for a call of the session.
        let sign_in = async move |uri: Uri, headers: HeaderMap| signing.sign_in(&uri, &headers);
        Router::new()
            .route("/api/v1/token_login", axum::routing::get(sign_in.clone()))
            .route("/api/v1/tokenlogin", axum::routing::get(sign_in.clone()))
            .route("/api/v1/token-login", axum::routing::get(sign_in))
            .fallback_service(fault::layer(api, shared))
    })
    .await?;
    let root = format!("{}{BASE}", server.root);
    let connection = Connection {
        name: "lacework-demo",
        vendor: "lacework-edge",
        parameters: vec![("api_url", format!("\"{root}\"")), ("account", format!("\"{ACCOUNT}\""))],
        secrets: vec![("api_token", ADMIN_TOKEN.into())],
        // What the vendor does not print, this one knows of itself.
        extra: vec![
            "[connection.options]".into(),
            "enum.alert_status = { new = 1, in_progress = 2 }".into(),
            "enum.incident_status = { true_positive = 1, false_positive = 2, benign = 3, duplicate = 4, undetermined = 5 }".into(),
        ],
    };
    Ok(Vendor { endpoints: vec![("lacework.api".into(), root)], connection, servers: vec![server] })
}

fn refuse(status: StatusCode, message: &str) -> Response {
    answer(status, &json!({"message": message}))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn query_of(uri: &Uri) -> Vec<(String, String)> {
    url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

impl State {
    /// Exchanges an API token for a session.
    fn sign_in(&self, uri: &Uri, headers: &HeaderMap) -> Response {
        let account = query_of(uri).into_iter().find(|(name, _)| name == "account").map(|(_, value)| value);
        if account.as_deref() != Some(ACCOUNT) {
            return refuse(StatusCode::FORBIDDEN, "no such account");
        }
        let admin = match bearer(headers) {
            Some(ADMIN_TOKEN) => true,
            Some(READER_TOKEN) => false,
            _ => return refuse(StatusCode::FORBIDDEN, "the API token is not known, or suspended"),
        };
        let now = self.shared.clock.now();
        let digits = lock(&self.dice).hex(103);
        let (claims, signature) = digits.split_at(60);
        let token = format!("eyJhbGciOiJFUzI1NiJ9.{claims}.{signature}");
        let life = if self.shared.faults.has(Fault::ExpiredToken) { 0 } else { SESSION_LIFE };
        lock(&self.sessions).insert(token.clone(), Session { admin, expires: now + SignedDuration::from_secs(life) });
        let (user, _) = self.caller();
        let expires = now.as_second() + SESSION_LIFE;
        answer(
            StatusCode::OK,
            &json!({"token": token, "expire_time_sec": expires.to_string(), "ttl_sec": SESSION_LIFE, "user_uuid": user, "account_name": ACCOUNT,
                "user_role": if admin { 2 } else { 1 }, "status": 2, "create_time": now.as_millisecond().to_string()}),
        )
    }

    fn caller(&self) -> (String, String) {
        self.shared.world.people.first().map(|person| (person.id.clone(), person.name.clone())).unwrap_or_default()
    }

    fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Response {
        let now = self.shared.clock.now();
        let admin = match bearer(headers).and_then(|token| lock(&self.sessions).get(token).map(|session| (session.admin, session.expires)))
        {
            Some((admin, expires)) if expires > now => admin,
            Some(_) => return refuse(StatusCode::UNAUTHORIZED, "the session has ended"),
            None => return refuse(StatusCode::UNAUTHORIZED, "not logged in"),
        };
        let Some(path) = uri.path().strip_prefix(BASE) else { return refuse(StatusCode::NOT_FOUND, "no such path") };
        let path = percent_decoded(path);
        let (operation, places) = match self.surface.find(method.as_str(), &path) {
            Found::Operation(operation, places) => (operation, places),
            Found::OtherMethod => return refuse(StatusCode::METHOD_NOT_ALLOWED, "the method is not allowed here"),
            Found::Nothing => return refuse(StatusCode::NOT_FOUND, "no such path"),
        };
        let query = query_of(uri);
        let done = if operation.writes && !admin {
            Err((403, "the role does not allow this".to_owned()))
        } else {
            self.checked(operation, &places, &query, headers, body).and_then(|taken| {
                let call = Call { operation, places, query, body: taken, caller: self.caller(), now: now.as_millisecond(), met: &self.met };
                calls::carry_out(&self.surface, &mut lock(&self.estate), &self.shared, &call)
            })
        };
        let status = done.as_ref().map_or_else(|(status, _)| *status, |_| operation.success.0);
        if is_recorded(operation) {
            self.record(operation, &path, body, status, now);
        }
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        match done {
            Ok(Some(value)) => answer(status, &self.surface.give(operation.success.1.as_ref().unwrap_or(&Value::Null), &value)),
            Ok(None) => status.into_response(),
            Err((_, message)) => refuse(status, &message),
        }
    }

    /// Checks query and body; gives the body in the form that is kept.
    fn checked(
        &self,
        operation: &Operation,
        places: &[(String, String)],
        query: &[(String, String)],
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Value, (u16, String)> {
        let wrong = |message: String| Err((400, message));
        for (name, required, schema) in &operation.query {
            match query.iter().find(|(known, _)| known == name) {
                None if *required => return wrong(format!("query parameter {name} is required")),
                None => {}
                Some((_, value)) => check_text(schema, value).map_err(|why| (400, format!("query parameter {name} {why}")))?,
            }
        }
        let known = |name: &str| name == "continuation_token" || operation.query.iter().any(|(known, _, _)| known == name);
        if let Some((name, _)) = query.iter().find(|(name, _)| !known(name)) {
            return wrong(format!("unknown query parameter {name}"));
        }
        let Some(schema) = &operation.body else {
            return if body.is_empty() || body == b"{}" { Ok(Value::Null) } else { wrong("no body is expected".into()) };
        };
        if headers.get(header::CONTENT_TYPE).is_none_or(|kind| !kind.as_bytes().starts_with(b"application/json")) {
            return Err((415, "the body must be application/json".into()));
        }
        let given: Value = serde_json::from_slice(body).map_err(|error| (400, format!("the body is not JSON: {error}")))?;
        if !given.is_object() {
            return wrong("the body must be an object".into());
        }
        let account = given["account_name"].as_str().unwrap_or_default();
        if !account.is_empty() && account != ACCOUNT {
            return wrong("account_name must be empty or the session's account".into());
        }
        let taken = self.surface.take(schema, given, "body").map_err(|why| (400, why))?;
        let properties = &self.surface.resolve(schema)["properties"];
        for (_, id) in places {
            let own = ["uuid", "alert_uuid", "normalized_document_uuid"].into_iter().find(|name| properties.get(*name).is_some());
            if let Some(name) = own.filter(|name| taken[*name] != id.as_str()) {
                return wrong(format!("body.{name} must be the id of the path"));
            }
        }
        Ok(taken)
    }

    /// Writes a call into the record.
    fn record(&self, operation: &Operation, path: &str, body: &[u8], status: u16, now: Timestamp) {
        let op: String = operation
            .id
            .split('_')
            .map(|word| word.char_indices().map(|(at, c)| if at == 0 { c.to_ascii_uppercase() } else { c }).collect::<String>())
            .collect();
        let person = self.shared.world.people.first().cloned();
        let template = operation.path.replace('{', ":").replace('}', "");
        let trace = lock(&self.dice).uuid();
        let mut estate = lock(&self.estate);
        let event = json!({"uuid": estate.uuid(), "account_name": ACCOUNT, "auth_account_name": ACCOUNT, "auth_type": "api_token", "auth_role": 2,
            "auth_uuid": person.as_ref().map(|person| person.id.clone()), "user_display_name": person.as_ref().map(|person| person.name.clone()),
            "user_login": person.map(|person| person.mail), "client_ip": "127.0.0.1", "create_time": now.as_millisecond(), "op": op,
            "method": operation.method, "matched_path": format!("{BASE}{template}"), "path": format!("{BASE}{path}"), "protocol": "http",
            "proto_version": "HTTP/1.1", "request_body": String::from_utf8_lossy(body), "response_status": status,
            "response_status_text": estate::status_text(i64::from(status)), "trace": trace});
        estate.list_mut("AuditEvent").push(event);
    }
}

fn check_text(schema: &Value, text: &str) -> Result<(), String> {
    let known = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned) == text;
    match (schema["type"].as_str(), schema["enum"].as_array()) {
        (_, Some(all)) if !all.iter().any(known) => Err(format!("is none of {}", Value::from(all.clone()))),
        (Some("integer"), _) if text.parse::<i64>().is_err() => Err("must be a whole number".into()),
        (Some("boolean"), _) if !matches!(text, "true" | "false") => Err("must be true or false".into()),
        (Some("string"), _) if schema["x-unit"] == "epoch_ms" && text.parse::<i64>().is_err() => Err("must be milliseconds".into()),
        _ => Ok(()),
    }
}

fn percent_decoded(path: &str) -> String {
    // A form's `+` means a blank, a path's does not.
    let text = path.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

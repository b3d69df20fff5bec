//! What stands before every service: who asks, how often, and answers that come later (vendors/eset-connect.md §3 to §6).

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::query::Query;
use super::{Answered, Ask, State, auth, lock, route};
use crate::simulator::limit::too_many;

/// The most calls that one account may make in a second.
pub const CALLS_A_SECOND: usize = 10;
/// How long an answer waits to be collected.
const KEPT: SignedDuration = SignedDuration::from_mins(10);

/// An answer that waits to be collected.
pub struct Parked {
    /// The request that it answers: method, address and body. Only that request, sent again, gets it.
    request: String,
    answer: Answered,
    polls: usize,
    since: Timestamp,
}

/// An answer with a JSON body.
pub fn json(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// Gives an answer its id.
pub fn stamp(state: &State, answer: &mut Response) {
    let id = lock(&state.dice).uuid();
    if let Ok(id) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert("request-id", id);
    }
}

/// Answers a request to a service.
pub async fn service(state: &State, service: &'static str, request: Request) -> Response {
    admit(state, service, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn admit(state: &State, service: &'static str, request: Request) -> Result<Response, StatusCode> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 4 << 20).await.unwrap_or_default();
    let now = state.shared.clock.now();
    let account = auth::account(state, &head.headers, now)?;
    if too_many(lock(&state.calls).entry(account.0).or_default(), CALLS_A_SECOND, now) {
        return Err(StatusCode::TOO_MANY_REQUESTS);
    }
    let method = head.method.as_str();
    if method != "GET" && !account.2 {
        return Err(StatusCode::FORBIDDEN);
    }
    let identity = format!("{service} {method} {} {}", head.uri, String::from_utf8_lossy(&body));
    if let Some(id) = head.headers.get("response-id").and_then(|value| value.to_str().ok()) {
        return collect(state, id, &identity, now);
    }
    if !body.is_empty() && !is_json(&head.headers) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)? };
    let (path, verb) = split(head.uri.path());
    let query = Query::parse(head.uri.query().unwrap_or_default());
    let ask = Ask { method, path, verb, query: &query, body, now };
    let answer = route(state, service, &ask);
    if let Some(polls) = delay(state, service, &ask) {
        let id = lock(&state.dice).uuid();
        lock(&state.parked).insert(id.clone(), Parked { request: identity, answer, polls, since: now });
        return Ok(later(&id));
    }
    answer.map(|body| json(StatusCode::OK, &body))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Whether this answer comes later, and how often it is then asked for too early: so come the first list of policies and every fourth
/// new task, since a client that never meets a 202 cannot be judged by it.
fn delay(state: &State, service: &str, ask: &Ask<'_>) -> Option<usize> {
    let turn = |counter: &AtomicUsize| counter.fetch_add(1, Ordering::Relaxed);
    match (service, ask.method, ask.path.as_slice()) {
        ("policy", "GET", ["v2", "policies"]) => (turn(&state.lists) == 0).then_some(1),
        ("automation", "POST", ["v1", "device_tasks"]) => (turn(&state.creations) % 4 == 3).then_some(0),
        _ => None,
    }
}

/// The path's segments, and the verb behind its last colon.
fn split(path: &str) -> (Vec<&str>, &str) {
    let (path, verb) = match path.rsplit_once(':') {
        Some((path, verb)) if !verb.contains('/') => (path, verb),
        _ => (path, ""),
    };
    (path.trim_start_matches('/').split('/').collect(), verb)
}

fn later(id: &str) -> Response {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::ACCEPTED;
    if let Ok(id) = HeaderValue::from_str(id) {
        answer.headers_mut().insert("response-id", id);
    }
    answer
}

/// Hands out a parked answer: once, to the request that it belongs to.
fn collect(state: &State, id: &str, identity: &str, now: Timestamp) -> Result<Response, StatusCode> {
    let mut parked = lock(&state.parked);
    parked.retain(|_, parked| now.duration_since(parked.since) < KEPT);
    let waiting = parked.get_mut(id).filter(|parked| parked.request == identity).ok_or(StatusCode::NOT_FOUND)?;
    if waiting.polls > 0 {
        waiting.polls -= 1;
        return Ok(later(id));
    }
    let parked = parked.remove(id).ok_or(StatusCode::NOT_FOUND)?;
    parked.answer.map(|body| json(StatusCode::OK, &body))
}

//! Wiz: a token endpoint and a GraphQL endpoint, each on a port of its own as they are on hosts of their own in life.
//!
//! What is not certain about the real API is decided for the stricter side: no `Retry-After` with a 429, a page above the cap is
//! refused rather than clamped, `before` is exclusive like `after`.

mod api;
pub mod engine;
mod query;
mod render;
mod rules;
mod tenant;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use self::api::{Api, Call};
use self::engine::Engine;
use super::limit::too_many;
use super::world::Dice;
use super::{Connection, Fault, Shared, Vendor, fault, serve};

/// A service account of the simulated tenant: client id, secret, scopes.
pub type Account = (&'static str, &'static str, &'static [&'static str]);

/// The account that may do everything the connector needs.
pub const FULL: Account = (
    "wiz-demo-client",
    "wiz-demo-secret-7Jq2",
    &[
        "read:issues",
        "read:cloud_configuration",
        "read:vulnerabilities",
        "read:projects",
        "update:issues",
        "write:issue_due_at",
        "write:issue_status",
        "write:service_ticket",
        "write:issue_comments",
    ],
);
/// An account that may read issues and nothing else.
pub const ISSUES_ONLY: Account = ("wiz-demo-reader", "wiz-demo-reader-secret-9Kd1", &["read:issues"]);

const ACCOUNTS: [Account; 2] = [FULL, ISSUES_ONLY];
/// How long a token is good for, in seconds.
const TOKEN_LIFE: i64 = 86_400;
/// The most calls that one account may make in a second.
const CALLS_A_SECOND: usize = 10;

struct Token {
    account: Account,
    expires: Timestamp,
}

struct State {
    shared: Arc<Shared>,
    engine: Engine,
    api: Mutex<Api>,
    tokens: Mutex<HashMap<String, Token>>,
    calls: Mutex<HashMap<&'static str, VecDeque<Timestamp>>>,
    dice: Mutex<Dice>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the vendor.
///
/// # Errors
/// When no loopback port can be bound.
pub async fn start(shared: &Arc<Shared>) -> io::Result<Vendor> {
    let seed = shared.world.seed;
    let state = Arc::new(State {
        shared: Arc::clone(shared),
        engine: Engine::new()?,
        api: Mutex::new(Api::new(tenant::Tenant::new(&shared.world, shared.share(40)), seed)),
        tokens: Mutex::default(),
        calls: Mutex::default(),
        dice: Mutex::new(Dice::for_part(seed, "wiz-tokens")),
    });
    let signing = Arc::clone(&state);
    let auth = serve(|_| {
        Router::new().route("/oauth/token", post(async move |headers: HeaderMap, body: Bytes| sign_in(&signing, &headers, &body)))
    })
    .await?;
    let api = serve(|_| {
        let router = Router::new().route("/graphql", post(async move |headers: HeaderMap, body: Bytes| graphql(&state, &headers, &body)));
        fault::layer(router, shared)
    })
    .await?;
    let text = |value: &str| format!("\"{value}\"");
    let connection = Connection {
        name: "wiz-demo",
        vendor: "wiz",
        parameters: vec![
            ("api_endpoint_url", text(&api.root)),
            ("auth_url", text(&format!("{}/oauth/token", auth.root))),
            ("client_id", text(FULL.0)),
        ],
        secrets: vec![("client_secret", FULL.1.into())],
        extra: Vec::new(),
    };
    Ok(Vendor {
        endpoints: vec![("wiz.api".into(), api.root.clone()), ("wiz.auth".into(), format!("{}/oauth/token", auth.root))],
        connection,
        servers: vec![api, auth],
    })
}

fn is(headers: &HeaderMap, content_type: &str) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(content_type))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn sign_in(state: &State, headers: &HeaderMap, body: &[u8]) -> Response {
    let refused = |status: StatusCode, error: &str, why: &str| answer(status, &json!({"error": error, "error_description": why}));
    if !is(headers, "application/x-www-form-urlencoded") {
        return refused(StatusCode::BAD_REQUEST, "invalid_request", "the body must be a form");
    }
    let form: HashMap<_, _> = url::form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    if field("grant_type") != "client_credentials" {
        return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", "grant_type must be client_credentials");
    }
    if !matches!(field("audience"), "wiz-api" | "beyond-api") {
        return refused(StatusCode::FORBIDDEN, "access_denied", "Service not enabled within domain");
    }
    let Some(account) = ACCOUNTS.iter().find(|account| account.0 == field("client_id") && account.1 == field("client_secret")) else {
        return refused(StatusCode::UNAUTHORIZED, "access_denied", "Unauthorized");
    };
    let now = state.shared.clock.now();
    let signature = lock(&state.dice).hex(43);
    let claims = json!({"sub": account.0, "dc": "us1", "iat": now.as_second(), "exp": now.as_second() + TOKEN_LIFE});
    let token = format!("{}.{}.{signature}", BASE64.encode(r#"{"alg":"RS256","typ":"JWT"}"#), BASE64.encode(claims.to_string()));
    let life = if state.shared.faults.has(Fault::ExpiredToken) { 0 } else { TOKEN_LIFE };
    let expires = now + SignedDuration::from_secs(life);
    lock(&state.tokens).insert(token.clone(), Token { account: *account, expires });
    answer(StatusCode::OK, &json!({"access_token": token, "refresh_token": "", "token_type": "Bearer", "expires_in": TOKEN_LIFE}))
}

/// The account that a request's token belongs to, while it is good.
fn account(state: &State, headers: &HeaderMap, now: Timestamp) -> Option<Account> {
    let token = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    lock(&state.tokens).get(token).filter(|token| token.expires > now).map(|token| token.account)
}

fn graphql(state: &State, headers: &HeaderMap, body: &[u8]) -> Response {
    let now = state.shared.clock.now();
    let Some(account) = account(state, headers, now) else {
        return answer(StatusCode::UNAUTHORIZED, &json!({"message": "Unauthorized"}));
    };
    if !is(headers, "application/json") {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type").into_response();
    }
    if too_many(lock(&state.calls).entry(account.0).or_default(), CALLS_A_SECOND, now) {
        let error = json!({"message": "Rate limit exceeded", "extensions": {"code": "RATE_LIMIT_EXCEEDED"}});
        return answer(StatusCode::TOO_MANY_REQUESTS, &json!({"errors": [error]}));
    }
    let Ok(Value::Object(request)) = serde_json::from_slice(body) else {
        return (StatusCode::BAD_REQUEST, "Bad Request: the body is not a JSON object").into_response();
    };
    let Some(document) = request.get("query").and_then(Value::as_str) else {
        return (StatusCode::BAD_REQUEST, "Bad Request: query is missing").into_response();
    };
    let variables = match request.get("variables") {
        Some(Value::Object(variables)) => variables.clone(),
        None | Some(Value::Null) => Map::new(),
        Some(_) => return (StatusCode::BAD_REQUEST, "Bad Request: variables must be an object").into_response(),
    };
    let operation = request.get("operationName").and_then(Value::as_str);
    let call = Call { shared: &state.shared, now, scopes: account.2 };
    let response = state.engine.run(document, operation, &variables, &|field, arguments| lock(&state.api).resolve(field, arguments, &call));
    answer(StatusCode::OK, &response)
}

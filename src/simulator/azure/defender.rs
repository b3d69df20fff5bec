//! Defender for Endpoint: machines and what is done to them. An API of its own, with an audience of its own.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Answer, bad, body, error, missing, ok, seal};
use super::catalogue;
use super::graph::{Asked, Call, handle};
use super::tables::stamp;
use super::{Azure, DEFENDER_RESOURCE, odata, security};

pub(super) fn router(azure: &Arc<Azure>) -> Router {
    Router::new().fallback(serve).with_state(Arc::clone(azure))
}

async fn serve(State(azure): State<Arc<Azure>>, request: Request) -> Response {
    let (head, bytes) = request.into_parts();
    let answer = match (axum::body::to_bytes(bytes, 1 << 20).await, azure.authenticate(&head.headers, DEFENDER_RESOURCE)) {
        (Err(_), _) => error(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", "The request body is too large."),
        (_, Err(refusal)) => refusal,
        (Ok(bytes), Ok(token)) => {
            let root = azure.defender_root().to_owned();
            let asked =
                Asked { version: "", path: head.uri.path(), query: head.uri.query().unwrap_or_default(), method: &head.method, root };
            handle(&azure, catalogue::DEFENDER, &asked, head.headers.clone(), bytes, token)
        }
    };
    seal(&azure, &head.headers, answer).await
}

/// `POST …/isolate`
pub fn isolate(azure: &Azure, call: &Call) -> Answer {
    act(azure, call, "Isolate")
}

/// `POST …/unisolate`
pub fn unisolate(azure: &Azure, call: &Call) -> Answer {
    act(azure, call, "Unisolate")
}

fn act(azure: &Azure, call: &Call, kind: &str) -> Answer {
    let sent = call.json()?;
    let id = call.variable("mid").to_owned();
    if sent["Comment"].as_str().is_none_or(|text| text.trim().is_empty()) {
        return Err(bad("The Comment field is required."));
    }
    if kind == "Isolate" && !sent["IsolationType"].as_str().is_some_and(|kind| ["Full", "Selective", "UnManagedDevice"].contains(&kind)) {
        return Err(bad("The IsolationType field is invalid."));
    }
    let now = stamp(azure.shared.clock.now());
    let mut tables = azure.tables();
    let machine = tables.record("machines", &id).ok_or_else(|| missing(&id))?;
    let isolated = machine["_isolated"] == true;
    if isolated == (kind == "Isolate") {
        return Err(bad(&format!("ActiveRequestAlreadyExists: the machine is {}isolated.", if isolated { "" } else { "not " })));
    }
    machine["_isolated"] = json!(kind == "Isolate");
    let action = json!({
        "id": Uuid::new_v4().to_string(), "type": kind, "requestor": "nightdesk", "requestorComment": sent["Comment"], "status": "Pending", "machineId": id,
        "creationDateTimeUtc": now, "lastUpdateDateTimeUtc": now, "_looks": 0,
    });
    tables.table("machineActions").push(action.clone());
    Ok(body(StatusCode::CREATED, &odata::select(&action, None)))
}

/// `GET /api/machineactions/{id}`: pending, then in progress, then done.
pub fn action(azure: &Azure, call: &Call) -> Answer {
    let id = call.variable("actionId");
    let mut tables = azure.tables();
    let action = tables.record("machineActions", id).ok_or_else(|| security::not_found(id))?;
    let looks = action["_looks"].as_u64().unwrap_or(0) + 1;
    action["_looks"] = json!(looks);
    action["status"] = Value::from(match looks {
        1 => "Pending",
        2 => "InProgress",
        _ => "Succeeded",
    });
    Ok(ok(&odata::select(action, None)))
}

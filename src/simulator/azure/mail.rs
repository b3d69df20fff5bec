//! Mailboxes, message traces and files.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Answer, bad, bare, body, error, missing, ok, set};
use super::graph::Call;
use super::{Azure, odata};

/// `GET /users/{id}/mailboxSettings`
pub fn settings(azure: &Azure, call: &Call) -> Answer {
    azure.tables().record("users", call.variable("id")).ok_or_else(|| missing(call.variable("id")))?;
    Ok(ok(&json!({
        "timeZone": "W. Europe Standard Time", "language": {"locale": "en-GB"}, "automaticRepliesSetting": {"status": "disabled"}, "archiveFolder": "archive"
    })))
}

/// `GET …/messages/{mid}/$value`: the message as it came in.
pub fn source(azure: &Azure, call: &Call) -> Answer {
    let id = call.variable("mid");
    let mut tables = azure.tables();
    let message = tables.record("messages", id).ok_or_else(|| missing(id))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mime = format!(
        "From: <{}>\r\nSubject: {}\r\nMessage-ID: {}\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream; name=\"{}\"\r\n\r\nTVqQAAMAAAAEAAAA//8AALgAAAA=\r\n",
        text(&message["from"]["emailAddress"]["address"]),
        text(&message["subject"]),
        text(&message["internetMessageId"]),
        text(&message["_attachment"]),
    );
    let mut answer = Response::new(Body::from(mime));
    set(answer.headers_mut(), "content-type", "text/plain");
    Ok(answer)
}

/// `POST …/messages/{mid}/move`
pub fn relocate(azure: &Azure, call: &Call) -> Answer {
    let sent = call.json()?;
    let Some(folder) = sent["destinationId"].as_str() else { return Err(bad("The property 'destinationId' is required.")) };
    let id = call.variable("mid");
    let mut tables = azure.tables();
    let message = tables.record("messages", id).ok_or_else(|| missing(id))?;
    message["parentFolderId"] = json!(folder);
    Ok(body(StatusCode::CREATED, &odata::select(message, None)))
}

/// `GET …/getDetailsByRecipient(…)`
pub fn trace_details(azure: &Azure, call: &Call) -> Answer {
    let (id, recipient) = (call.variable("tid"), call.variable("r"));
    let mut tables = azure.tables();
    let trace = tables.record("messageTraces", id).ok_or_else(|| missing(id))?;
    if !trace["recipientAddress"].as_str().is_some_and(|have| have.eq_ignore_ascii_case(recipient)) {
        return Err(missing(recipient));
    }
    let hops = ["Receive", "Deliver"].map(|event| json!({"id": format!("{id}-{event}"), "messageId": trace["messageId"], "date": trace["receivedDateTime"], "event": event, "action": "", "detail": ""}));
    Ok(ok(&json!({"value": hops})))
}

/// `POST …/analyzedEmails/remediate`: accepted, and watched at the place that `Location` names.
pub fn purge(azure: &Azure, call: &Call) -> Answer {
    let sent = call.json()?;
    if sent["analyzedEmails"].as_array().is_none_or(Vec::is_empty) {
        return Err(bad("The property 'analyzedEmails' is required."));
    }
    Ok(accepted(azure))
}

/// `POST …/copy`: a long-running operation.
pub fn copy(azure: &Azure, call: &Call) -> Answer {
    let id = call.variable("i");
    azure.tables().record("driveItems", id).ok_or_else(|| missing(id))?;
    Ok(accepted(azure))
}

fn accepted(azure: &Azure) -> Response {
    let monitor = Uuid::new_v4().to_string();
    azure.tables().monitors.insert(monitor.clone(), 0);
    let mut answer = bare(StatusCode::ACCEPTED);
    set(answer.headers_mut(), "location", &format!("{}/monitor/{monitor}?sig={}", azure.content_root(), Uuid::new_v4().simple()));
    answer
}

/// `GET …/content`: a redirect to a pre-authenticated address on another host.
pub fn download(azure: &Azure, call: &Call) -> Answer {
    let id = call.variable("i");
    let mut tables = azure.tables();
    let item = tables.record("driveItems", id).ok_or_else(|| missing(id))?;
    if item["malware"].is_object() {
        return Err(error(StatusCode::FORBIDDEN, "malwareDetected", "Malware was detected in the item."));
    }
    let mut answer = bare(StatusCode::FOUND);
    set(answer.headers_mut(), "location", &format!("{}/download/{id}?tempauth={}", azure.content_root(), Uuid::new_v4().simple()));
    Ok(answer)
}

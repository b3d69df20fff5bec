//! Learn Routes: an account's audit events name the true methods and paths of whatever was called (vendors/lacework-edge.md §2). What they
//! teach is proposed as configuration, never applied.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Api, route_of};
use crate::core::catalogue::Arguments;
use crate::core::connection::Connection;
use crate::core::outcome::{Failure, Outcome};
use crate::core::request::Method;
use crate::core::talk::Talk;

const INDICATOR: &str = "Learn Routes failed.";

/// Reads audit events and compares.
pub async fn learn_routes(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    let api = match Api::of(&connection) {
        Ok(api) => api,
        Err(why) => return Outcome::failed(Failure::new(INDICATOR, why)),
    };
    let to = arguments.time("end_time").unwrap_or_else(|| arguments.now());
    let from = arguments.time("start_time").unwrap_or_else(|| to.saturating_sub(SignedDuration::from_hours(7 * 24)).unwrap_or(to));
    let query = [("start_time", from.as_millisecond().to_string()), ("end_time", to.as_millisecond().to_string())];
    let answer = match api.read(&talk, "query_audit_events", &query, INDICATOR).await {
        Ok(answer) => answer,
        Err(failure) => return Outcome::failed(failure),
    };
    let base = url::Url::parse(connection.text_or_empty("api_url")).map(|url| url.path().trim_end_matches('/').to_owned());
    let events = answer["audit_events"].as_array().cloned().unwrap_or_default();
    learned(&api, &base.unwrap_or_default(), &events)
}

/// What the events teach.
fn learned(api: &Api, base: &str, events: &[Value]) -> Outcome {
    let mut seen: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    for event in events {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        // A call that no route took in teaches nothing.
        if !text("matched_path").is_empty() && event["response_status"] != 404 && event["response_status"] != 405 {
            *seen.entry((text("op"), text("method").to_uppercase(), text("matched_path"))).or_default() += 1;
        }
    }
    let (mut proposals, mut confirmed, mut unmatched) = (Vec::new(), Vec::new(), Vec::new());
    for ((op, method, matched), count) in seen {
        let path = placed(matched.strip_prefix(base).unwrap_or(&matched));
        let route = format!("{method} {path}");
        let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        let operation = api.operations.iter().find(|operation| plain(&operation.id) == plain(&op));
        let Some(operation) = operation else {
            unmatched.push(json!({"op": op, "route": route, "seen": count}));
            continue;
        };
        let (own_method, own_path) = route_of(&api.profile, &api.operations, &operation.id);
        let entry = json!({"operation": operation.id, "route": route, "seen": count});
        if Method::parse(&method) == Some(own_method) && shape(&own_path) == shape(&path) {
            confirmed.push(entry);
        } else {
            proposals.push(entry);
        }
    }
    let line = |entry: &Value| format!("{} = {}", entry["operation"].as_str().unwrap_or_default(), entry["route"]);
    let lines: Vec<String> = proposals.iter().map(line).collect();
    let toml = if lines.is_empty() { String::new() } else { format!("[connection.parameters.routes]\n{}\n", lines.join("\n")) };
    let message = match proposals.len() {
        0 => format!("{} routes are confirmed; there is nothing to change.", confirmed.len()),
        count => format!("{} routes are confirmed; {count} differ. Proposed for connections.toml, not applied:\n{toml}", confirmed.len()),
    };
    let counts = (proposals.len(), confirmed.len());
    Outcome::successful(json!({"proposals": proposals, "confirmed": confirmed, "unmatched": unmatched, "toml": toml}))
        .result("Proposed", counts.0)
        .result("Confirmed", counts.1)
        .message(message)
}

/// A template with `:name` places as one with `{name}` places.
fn placed(path: &str) -> String {
    let place = |segment: &str| segment.strip_prefix(':').map_or_else(|| segment.to_owned(), |name| format!("{{{name}}}"));
    path.split('/').map(place).collect::<Vec<_>>().join("/")
}

/// A template without the names of its places.
fn shape(path: &str) -> String {
    path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment }).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_proposed_and_what_agrees_is_confirmed() {
        let connection = Connection { parameters: json!({"account": "a"}).as_object().unwrap().clone(), ..Connection::default() };
        let api = Api::of(&connection).unwrap();
        let event = |op: &str, method: &str, path: &str, status: u16| json!({"op": op, "method": method, "matched_path": path, "response_status": status});
        let events = [
            event("GetGroup", "GET", "/api/v1/groups/:group_uuid", 200),
            event("GetAlertHistory", "GET", "/api/v1/alerts/:uuid/history", 200),
            event("GetAlertHistory", "GET", "/api/v1/alerts/:uuid/history", 403),
            event("Unheard", "GET", "/api/v1/x", 200),
            event("QueryUsers", "GET", "/api/v1/none", 404),
        ];
        let outcome = learned(&api, "/api/v1", &events);
        let proposal = json!([{"operation": "get_alert_history", "route": "GET /alerts/{uuid}/history", "seen": 2}]);
        assert_eq!(outcome.raw_data["proposals"], proposal);
        assert_eq!(outcome.raw_data["confirmed"][0]["operation"], "get_group");
        assert_eq!(outcome.raw_data["unmatched"].as_array().unwrap().len(), 1);
        assert_eq!(outcome.raw_data["toml"], "[connection.parameters.routes]\nget_alert_history = \"GET /alerts/{uuid}/history\"\n");
    }
}

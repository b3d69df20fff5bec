//! What an analyst does with an alert and with a workflow run that waits for an answer (vendors/lacework-edge.md §7 and §8).

use serde_json::{Map, Value, json};

use super::events::moment;
use crate::core::catalogue::{Parameter, Quick, Type};
use crate::core::mapping::{scalar, text_at};

const ACT: &str = "perform-investigation-action";

/// The quick commands of a source.
pub fn of(source: &str) -> fn(&Value) -> Vec<Quick> {
    match source {
        "alerts" => alert,
        "workflow-runs" => run,
        _ => |_| Vec::new(),
    }
}

fn uuid(record: &Value) -> Map<String, Value> {
    record.get("uuid").map(|uuid| Map::from_iter([("uuid".to_owned(), uuid.clone())])).unwrap_or_default()
}

fn number(label: &str, help: &str) -> Parameter {
    Parameter::new(label, Type::Integer { minimum: None, maximum: None }, help)
}

fn text(label: &str, help: &str) -> Parameter {
    Parameter::new(label, Type::TEXT, help)
}

fn alert(record: &Value) -> Vec<Quick> {
    let at = |name: &str| record.get(name).cloned().unwrap_or_default();
    let now = |name: &str| scalar(&at(name)).map_or_else(String::new, |value| format!(" It is {value} now."));
    // Every action says which state of the alert it is meant for: somebody may have been faster.
    let act = |letter, title: &str| {
        Quick::new(letter, title, ACT)
            .value("uuid", at("uuid"))
            .value("alert_update_time", at("update_time"))
            .fact("Alert", text_at(record, ".description").or_else(|| text_at(record, ".event_type")))
            .reread("get-alert", uuid(record))
    };
    let workflow = text("Workflow", "The workflow to run; it may act at once.").required().pick(
        "query-workflows",
        "$.workflows[*].uuid",
        "$.workflows[*].name",
    );
    let owner =
        text("Owner", "Whose it is from now on: a user's id.").required().pick("query-users", "$.users[*].uuid", "$.users[*].display_name");
    let created = moment(record, "create_time").map(jiff::Timestamp::as_millisecond);
    let hour = 3_600_000;
    vec![
        Quick::new('h', "History", "get-alert-history").value("uuid", at("uuid")).short(),
        act('n', "Note").ask("action.note.note_text", text("Note", "Is kept in the alert's history.").required()),
        act('a', "Assign").ask("action.update_owner.owner_uuid", owner).named("action.update_owner.owner_display_name"),
        act('s', "Change status").ask(
            "action.alert_status_change.new_status",
            number("Status", &format!("Number of the new status; the vendor prints no names.{}", now("status"))).required(),
        ),
        act('c', "Close with a reason")
            .ask(
                "action.close_with_reason.incident_status",
                number(
                    "Reason",
                    &format!(
                        "Number of the incident status; the vendor prints no names.{} History shows those of others.",
                        now("incident_status")
                    ),
                )
                .required(),
            )
            .ask("action.close_with_reason.note_text", text("Note", "Why it is closed.").required()),
        act('w', "Run a workflow").ask("action.run_workflow.workflow_uuid", workflow).word("run"),
        Quick::new('p', "Promote the event behind it", "promote-event-to-alert")
            .value("event_id", at("uuid"))
            .value("start_time", created.map(|time| time - hour))
            .value("end_time", created.map(|time| time + hour))
            .value("bypass_notifications", true)
            .fact("Notifies", Some("nobody".into()))
            .short()
            .reread("get-alert", uuid(record)),
    ]
}

/// One quick command an answer, by its first letter; where the record lists none, those that a workflow has by default.
fn run(record: &Value) -> Vec<Quick> {
    let listed = record.get("answers").and_then(Value::as_array).filter(|answers| !answers.is_empty()).cloned();
    let answers = listed.unwrap_or_else(|| ["Approve", "Deny", "Unsure"].iter().map(|answer| json!({"answer": answer})).collect());
    let yes = |name: &str| record.get(name) == Some(&Value::Bool(true));
    let mut all: Vec<Quick> =
        vec![Quick::new('h', "Show the run as it is now", "get-workflow-run").value("uuid", record["uuid"].clone()).short()];
    for (index, answer) in answers.iter().enumerate() {
        let name = answer["answer"].as_str().unwrap_or_default();
        let free = |letter: &char| all.iter().all(|known| known.letter != *letter);
        let letters = name.to_lowercase();
        let Some(letter) = letters.chars().filter(char::is_ascii_alphabetic).chain('1'..='9').find(free) else { continue };
        let mut quick = Quick::new(letter, name, "answer-workflow-run")
            .value("uuid", record["uuid"].clone())
            .value("answer_index", index.to_string())
            .short()
            .word(name)
            .unless(reason(record))
            .reread("get-workflow-run", uuid(record));
        if yes("justification_required") {
            quick = quick.ask("justification", text("Justification", "Why; the run asks for it.").required());
        }
        if yes("token_required") {
            quick = quick.ask("token", number("Token", "One-time number of the run; it asks for it.").required().secret());
        }
        if record.get("mfa_details").is_some_and(|details| text_at(details, ".factor_id").is_some()) {
            quick = quick.ask("mfa_passcode", text("MFA passcode", "One-time code of yours, if you are asked for one.").secret());
        }
        all.push(facts(quick, record, answer));
    }
    all
}

/// Why a run cannot be answered, as far as the record tells.
fn reason(record: &Value) -> Option<&'static str> {
    if text_at(record, ".answer_index").is_some() {
        Some("it was answered already")
    } else if record.get("can_user_approve") == Some(&Value::Bool(false)) {
        Some("you are not among its approvers")
    } else {
        None
    }
}

/// What one should know before answering: answers act at once.
fn facts(quick: Quick, record: &Value, answer: &Value) -> Quick {
    let at = |path: &str| text_at(record, path);
    let app = at(".app_url").or_else(|| match (at(".app_host"), at(".app_port")) {
        (Some(host), Some(port)) => Some(format!("{host}:{port}")),
        (host, _) => host.or_else(|| at(".webapp")),
    });
    let place = ["city_name", "country"].iter().filter_map(|name| at(&format!(".client_geoip_location.geo_data.{name}")));
    let place = place.collect::<Vec<_>>().join(", ");
    let device = at(".device_details[0].display_name").or_else(|| at(".device_uuid"));
    let actions: Vec<String> = answer["actions"].as_array().into_iter().flatten().map(Value::to_string).collect();
    let does = if actions.is_empty() { "no action of its own is listed".to_owned() } else { actions.join(", ") };
    quick
        .fact("Workflow", at(".workflow_name"))
        .fact("Requester", at(".user_display_name").or_else(|| at(".user_uuid")))
        .fact("Wants", app)
        .fact("Because", at(".requestor_justification"))
        .fact("Device", device)
        .fact("From", at(".client_ip").map(|ip| if place.is_empty() { ip } else { format!("{ip} ({place})") }))
        .fact("Until", moment(record, "expire_time_sec").map(|time| time.to_string()))
        .fact("Does", Some(does))
}

/// The history of an alert as lines, oldest first: when, who, what.
pub fn timeline(answer: &Value) -> Vec<String> {
    let mut items: Vec<&Value> = answer["investigation_actions"].as_array().into_iter().flatten().collect();
    items.sort_by_key(|item| moment(item, "timestamp"));
    let line = |item: &&Value| {
        let when = moment(item, "timestamp").map_or_else(|| "–".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string());
        let who = text_at(item, ".actor_display_name").or_else(|| text_at(item, ".actor_uuid")).unwrap_or_else(|| "somebody".into());
        format!("{when}  {who}: {}", what(&item["action"]))
    };
    items.iter().map(line).collect()
}

fn what(action: &Value) -> String {
    let at = |path: &str| text_at(action, path);
    let kind = ["note", "close_with_reason", "update_owner", "alert_status_change", "run_workflow"]
        .into_iter()
        .find(|kind| action[*kind].is_object());
    match kind {
        Some("note") => format!("note: {}", at(".note.note_text").unwrap_or_default()),
        Some("close_with_reason") => {
            let reason = at(".close_with_reason.incident_status").unwrap_or_else(|| "unknown".into());
            format!("closed, reason {reason}: {}", at(".close_with_reason.note_text").unwrap_or_default())
        }
        Some("update_owner") => {
            let owner = at(".update_owner.owner_display_name").or_else(|| at(".update_owner.owner_uuid"));
            format!("assigned to {}", owner.unwrap_or_else(|| "nobody".into()))
        }
        Some("alert_status_change") => format!("status {}", at(".alert_status_change.new_status").unwrap_or_default()),
        Some(_) => format!("ran workflow {}", at(".run_workflow.workflow_uuid").unwrap_or_default()),
        None => format!("action {}", at(".action_type").unwrap_or_else(|| "unknown".into())),
    }
}

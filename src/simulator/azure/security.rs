//! Alerts, incidents, hunting and the unified audit log.

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Answer, bad, body, error, missing, ok};
use super::catalogue::List;
use super::graph::Call;
use super::tables::stamp;
use super::{Azure, odata};

const STATUS: &[&str] = &["new", "inProgress", "resolved"];
const INCIDENT_STATUS: &[&str] = &["active", "resolved", "inProgress", "redirected"];
const CLASSIFICATION: &[&str] = &["unknown", "falsePositive", "truePositive", "informationalExpectedActivity"];
const DETERMINATION: &[&str] = &[
    "unknown",
    "apt",
    "malware",
    "securityPersonnel",
    "securityTesting",
    "unwantedSoftware",
    "other",
    "multiStagedAttack",
    "compromisedUser",
    "phishing",
    "maliciousUserActivity",
    "clean",
    "insufficientData",
    "confirmedUserActivity",
    "lineOfBusinessApplication",
];

/// `PATCH /security/alerts_v2/{id}`
pub fn patch_alert(azure: &Azure, call: &Call) -> Answer {
    patch(azure, call, "alerts", "aid", STATUS)
}

/// `PATCH /security/incidents/{id}`
pub fn patch_incident(azure: &Azure, call: &Call) -> Answer {
    patch(azure, call, "incidents", "iid", INCIDENT_STATUS)
}

fn patch(azure: &Azure, call: &Call, table: &'static str, variable: &str, statuses: &[&str]) -> Answer {
    let change = call.json()?;
    let id = call.variable(variable);
    let now = stamp(azure.shared.clock.now());
    let mut tables = azure.tables();
    let record = tables.record(table, id).ok_or_else(|| missing(id))?;
    for (name, value) in change.as_object().into_iter().flatten() {
        let choices: &[&str] = match name.as_str() {
            "status" => statuses,
            "classification" => CLASSIFICATION,
            "determination" => DETERMINATION,
            "assignedTo" | "customTags" => &[],
            _ => return Err(bad(&format!("The property '{name}' cannot be updated."))),
        };
        if !choices.is_empty() && !value.as_str().is_some_and(|value| choices.contains(&value)) {
            return Err(bad(&format!("Requested value {value} was not found for '{name}'.")));
        }
    }
    for (name, value) in change.as_object().into_iter().flatten() {
        record[name] = value.clone();
    }
    record["lastUpdateDateTime"] = json!(now);
    if record["status"] == "resolved" && table == "alerts" {
        record["resolvedDateTime"] = json!(now);
    }
    Ok(ok(&odata::select(record, None)))
}

/// `POST /security/alerts_v2/{id}/comments`: the new comments come back.
pub fn comment(azure: &Azure, call: &Call) -> Answer {
    let sent = call.json()?;
    let id = call.variable("aid");
    let Some(text) = sent["comment"].as_str().filter(|text| !text.trim().is_empty()) else {
        return Err(bad("The property 'comment' is required."));
    };
    let now = stamp(azure.shared.clock.now());
    let mut tables = azure.tables();
    let alert = tables.record("alerts", id).ok_or_else(|| missing(id))?;
    let comment = json!({"comment": text, "createdByDisplayName": "nightdesk", "createdDateTime": now});
    if let Some(comments) = alert["comments"].as_array_mut() {
        comments.push(comment);
    }
    alert["lastUpdateDateTime"] = json!(now);
    Ok(ok(&json!({"value": alert["comments"]})))
}

/// `POST /security/runHuntingQuery`: enough of the query language for `Table | where Column == "value" | take N`.
pub fn hunt(azure: &Azure, call: &Call) -> Answer {
    let sent = call.json()?;
    let Some(query) = sent["Query"].as_str().or_else(|| sent["query"].as_str()).filter(|query| !query.trim().is_empty()) else {
        return Err(bad("Query must not be empty."));
    };
    let mut parts = query.split('|').map(str::trim);
    let table = parts.next().unwrap_or_default();
    let mut rows =
        hunting_rows(azure, table).ok_or_else(|| bad(&format!("Failed to resolve table or column expression named '{table}'.")))?;
    for part in parts {
        if let Some(condition) = part.strip_prefix("where ") {
            for one in condition.split(" and ") {
                let filter = condition_of(one).ok_or_else(|| bad(&format!("The query language of this simulation has no '{one}'.")))?;
                rows.retain(|row| filter(row));
            }
        } else if let Some(count) = part.strip_prefix("take ").or_else(|| part.strip_prefix("limit ")) {
            rows.truncate(count.trim().parse().map_err(|_| bad(&format!("'{count}' is no number of rows.")))?);
        }
    }
    let schema: Vec<Value> = rows
        .first()
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, _)| json!({"name": name, "type": if name == "Timestamp" { "DateTime" } else { "String" }}))
        .collect();
    Ok(ok(&json!({"schema": schema, "results": rows})))
}

fn hunting_rows(azure: &Azure, table: &str) -> Option<Vec<Value>> {
    let (source, columns): (&'static str, &[(&str, &str)]) = match table {
        "EmailEvents" => (
            "messageTraces",
            &[
                ("Timestamp", "/receivedDateTime"),
                ("SenderFromAddress", "/senderAddress"),
                ("RecipientEmailAddress", "/recipientAddress"),
                ("Subject", "/subject"),
                ("SenderIPv4", "/fromIP"),
                ("InternetMessageId", "/messageId"),
                ("DeliveryAction", "/status"),
            ],
        ),
        "IdentityLogonEvents" | "AADSignInEventsBeta" | "CloudAppEvents" => (
            "signIns",
            &[
                ("Timestamp", "/createdDateTime"),
                ("AccountUpn", "/userPrincipalName"),
                ("AccountObjectId", "/userId"),
                ("IPAddress", "/ipAddress"),
                ("DeviceName", "/deviceDetail/displayName"),
                ("Application", "/appDisplayName"),
                ("ActionType", "/clientAppUsed"),
            ],
        ),
        "DeviceNetworkEvents" | "DeviceInfo" => (
            "machines",
            &[("DeviceId", "/id"), ("DeviceName", "/computerDnsName"), ("LocalIP", "/lastIpAddress"), ("OSPlatform", "/osPlatform")],
        ),
        "AlertInfo" => (
            "alerts",
            &[
                ("Timestamp", "/createdDateTime"),
                ("AlertId", "/id"),
                ("Title", "/title"),
                ("Severity", "/severity"),
                ("Category", "/category"),
            ],
        ),
        _ => return None,
    };
    let rows = azure.tables().shown(source, None, false);
    Some(
        rows.iter()
            .map(|row| columns.iter().map(|(name, path)| ((*name).to_owned(), row.pointer(path).cloned().unwrap_or(Value::Null))).collect())
            .collect(),
    )
}

type Condition = Box<dyn Fn(&Value) -> bool>;

fn condition_of(text: &str) -> Option<Condition> {
    let (operator, apart) = ["==", "=~", " has ", " contains "]
        .iter()
        .find_map(|sign| text.split_once(sign).map(|parts| (*sign, parts)))
        .or_else(|| text.split_once('>').map(|parts| (">", parts)))?;
    let (column, want) = (apart.0.trim().to_owned(), apart.1.trim().trim_matches(['"', '\'']).to_owned());
    Some(Box::new(move |row| {
        let have = row[&column].as_str().unwrap_or_default();
        match operator {
            "==" => have == want,
            "=~" => have.eq_ignore_ascii_case(&want),
            // Times compared with `ago(…)`: the simulation's tables hold recent rows only.
            ">" => true,
            _ => have.to_lowercase().contains(&want.to_lowercase()),
        }
    }))
}

/// `POST /security/auditLog/queries`: opens a query that takes a few looks to finish.
pub fn open_audit_query(azure: &Azure, call: &Call) -> Answer {
    let sent = call.json()?;
    for name in ["filterStartDateTime", "filterEndDateTime"] {
        if sent[name].as_str().is_none_or(|at| at.parse::<jiff::Timestamp>().is_err()) {
            return Err(bad(&format!("The property '{name}' is required and must be a time.")));
        }
    }
    let mut query = sent;
    query["id"] = json!(Uuid::new_v4().to_string());
    query["status"] = json!("notStarted");
    query["_looks"] = json!(0);
    azure.tables().table("auditQueries").push(query.clone());
    Ok(body(StatusCode::CREATED, &odata::select(&query, None)))
}

/// `GET /security/auditLog/queries/{id}`: not started, then running, then done.
pub fn audit_query(azure: &Azure, call: &Call) -> Answer {
    let id = call.variable("qid");
    let mut tables = azure.tables();
    let query = tables.record("auditQueries", id).ok_or_else(|| missing(id))?;
    let looks = query["_looks"].as_u64().unwrap_or(0) + 1;
    query["_looks"] = json!(looks);
    query["status"] = json!(match looks {
        1 => "notStarted",
        2 => "running",
        _ => "succeeded",
    });
    Ok(ok(&odata::select(query, None)))
}

/// `GET …/records`: empty until the query is done.
pub fn audit_records(azure: &Azure, call: &Call) -> Answer {
    let id = call.variable("qid");
    let query = azure.tables().record("auditQueries", id).cloned().ok_or_else(|| missing(id))?;
    let list = List { table: "directoryAudits", of: None, page: 150, most: 1_000 };
    if query["status"] != "succeeded" {
        return azure.page(Vec::new(), list, call);
    }
    let at = |name: &str| query[name].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
    let (from, to) = (at("filterStartDateTime"), at("filterEndDateTime"));
    let people: Vec<&str> = query["userPrincipalNameFilters"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let records = azure
        .records("directoryAudits", call)
        .into_iter()
        .filter(|audit| {
            let when = audit["activityDateTime"].as_str().and_then(|at| at.parse().ok());
            let who = audit.pointer("/initiatedBy/user/userPrincipalName").and_then(Value::as_str).unwrap_or_default();
            when >= from && when <= to && (people.is_empty() || people.iter().any(|wanted| wanted.eq_ignore_ascii_case(who)))
        })
        .map(|audit| {
            let user = &audit["initiatedBy"]["user"];
            json!({
                "id": audit["id"], "createdDateTime": audit["activityDateTime"], "auditLogRecordType": "azureActiveDirectory", "operation": audit["activityDisplayName"],
                "userPrincipalName": user["userPrincipalName"], "clientIp": user["ipAddress"], "service": "AzureActiveDirectory", "auditData": audit["targetResources"],
            })
        })
        .collect();
    azure.page(records, list, call)
}

/// The error of a service that does not know an id.
pub fn not_found(id: &str) -> axum::response::Response {
    error(StatusCode::NOT_FOUND, "NotFound", &format!("The requested resource {id} was not found."))
}

//! What each call does. Most operations are alike (list, show, create, change); the others have a function of their own.

use serde_json::{Map, Value, json};

use super::ACCOUNT;
use super::estate::{Estate, KINDS, kind_schema, over};
use super::sample;
use super::surface::{Operation, Surface};
use crate::simulator::{Fault, Shared};

/// A call whose input has been checked.
pub struct Call<'a> {
    /// What is called.
    pub operation: &'a Operation,
    /// What stands in the path.
    pub places: Vec<(String, String)>,
    /// Query parameters.
    pub query: Vec<(String, String)>,
    /// Body, in the form that is kept.
    pub body: Value,
    /// Who calls: id and name.
    pub caller: (String, String),
    /// The time, in milliseconds.
    pub now: i64,
    /// How often lists of events were read before.
    pub walks: usize,
}

/// A refusal: status and message.
pub type Refusal = (u16, String);

impl Call<'_> {
    fn place(&self, name: &str) -> &str {
        self.places.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    fn id(&self) -> &str {
        self.places.first().map_or("", |(_, value)| value.as_str())
    }

    fn asked(&self, name: &str) -> &str {
        self.query.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    fn millis(&self, name: &str) -> Option<i64> {
        self.asked(name).parse().ok()
    }
}

/// Carries a call out; the answer's body, or nothing.
pub fn carry_out(surface: &Surface, estate: &mut Estate, shared: &Shared, call: &Call<'_>) -> Result<Option<Value>, Refusal> {
    let body = match call.operation.id.as_str() {
        "query_alerts" => {
            json!({"alerts": events(estate.list("Alert"), shared, call, |alert| wanted_alert(alert, call.asked("status_filter")))})
        }
        "query_audit_events" => json!({"audit_events": events(estate.list("AuditEvent"), shared, call, |_| true)}),
        "query_workflow_runs" => json!({"workflow_runs": events(estate.list("WorkflowRun"), shared, call, |run| wanted_run(run, call))}),
        "get_workflow_run" => found(estate, "WorkflowRun", call.id())?,
        "create_workflow_run" => create_run(surface, estate, shared, call),
        "answer_workflow_run" => answer_run(estate, call)?,
        "promote_event_to_alert" => promote(estate, call)?,
        "get_alert_history" => {
            found(estate, "Alert", call.id())?;
            let items = estate.history.iter().filter(|(alert, _)| alert == call.id()).map(|(_, item)| item.clone());
            json!({"investigation_actions": items.collect::<Vec<_>>()})
        }
        "perform_investigation_action" => act(estate, call, call.id(), &call.body)?,
        "perform_investigation_actions" => act_on_several(estate, call)?,
        "get_document_metadata" => document(estate, call.id())?.clone(),
        "revoke_document_access" | "revoke_document_sharing" => return revoke(estate, call),
        "delete_devices" => delete_devices(estate, call)?,
        "get_user_device" => user_device(estate, call)?,
        "query_user_devices" => {
            found(estate, "User", call.id())?;
            let own = estate.list("Device").iter().filter(|device| device["user_uuid"] == call.id());
            json!({"devices": own.cloned().collect::<Vec<_>>()})
        }
        "query_qs_view" => view(estate, call)?,
        "get_s3_bucket_policy" => {
            let bucket = call.body["s3_bucket_name"].as_str().unwrap_or_default();
            json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": format!("arn:aws:s3:::{bucket}/*")}]})
        }
        "validate_data_export_config" => {
            found(estate, "DataExportConfig", call.body["uuid"].as_str().unwrap_or_default())?;
            return Ok(None);
        }
        "validate_integration" => {
            found(estate, "Integration", call.body["uuid"].as_str().unwrap_or_default())?;
            json!({"status": "OK"})
        }
        "get_dataset_items" => dataset_items(surface, estate, shared, call)?,
        "query_tokens" => {
            let all = call.asked("get_all") == "true";
            let kept = estate.list("Token").iter().filter(|token| all || token["status"] == 2);
            json!({"tokens": kept.map(without_secret).collect::<Vec<_>>()})
        }
        "create_temporary_access_token" => {
            let name = json!({"name": "temporary", "user_uuid": call.body["user_uuid"]});
            create(surface, estate, shared, call, "Token", name)
        }
        _ => usual(surface, estate, shared, call)?,
    };
    Ok(Some(body))
}

fn found(estate: &Estate, kind: &str, id: &str) -> Result<Value, Refusal> {
    let object = estate.find(kind, id).cloned();
    object.ok_or_else(|| (404, format!("no {} {id}", kind.to_lowercase())))
}

fn without_secret(token: &Value) -> Value {
    over(token.clone(), json!({"secret": "", "secret_hash": ""}))
}

/// List, show, create or change: told by the operation's name.
fn usual(surface: &Surface, estate: &mut Estate, shared: &Shared, call: &Call<'_>) -> Result<Value, Refusal> {
    let kind = KINDS.iter().find(|(tag, _)| *tag == call.operation.tag).map_or("", |(_, kind)| *kind);
    let (verb, _) = call.operation.id.split_once('_').unwrap_or((&call.operation.id, ""));
    let focus = match verb {
        "create" | "register" => Some(create(surface, estate, shared, call, kind, own_values(surface, kind, &call.body))),
        "update" if kind.is_empty() => return Ok(sampled(surface, shared, call, Some(&call.body["onboarding"]))),
        "update" => Some(update(surface, estate, call, kind)?),
        "get" if !call.id().is_empty() => Some(found(estate, kind, call.id())?),
        _ => None,
    };
    Ok(shaped(surface, estate, shared, call, kind, focus.as_ref()))
}

/// An answer of the documented shape, around the object in focus.
fn shaped(surface: &Surface, estate: &Estate, shared: &Shared, call: &Call<'_>, kind: &str, focus: Option<&Value>) -> Value {
    let Some(schema) = &call.operation.success.1 else { return json!({}) };
    let named = |schema: &Value| schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()).map(str::to_owned);
    if let (Some(focus), true) = (focus, named(schema).as_deref() == Some(kind) || kind == "ClientConfig") {
        return focus.clone();
    }
    if named(schema).is_some() {
        return sampled(surface, shared, call, focus);
    }
    let Some(properties) = surface.resolve(schema)["properties"].as_object() else { return json!({}) };
    let mut answer = Map::new();
    for (name, inner) in properties {
        let value = match (named(&inner["items"]), named(inner)) {
            (Some(item), _) => estate.list(&item).iter().filter(|object| wanted(object, call)).cloned().collect(),
            (_, Some(item)) if item == kind && focus.is_some() => focus.cloned().unwrap_or_default(),
            (_, Some(item)) => estate.list(&item).first().cloned().unwrap_or_else(|| call.body[name].clone()),
            _ if name == "continuation_token" || name == "attributes_to_delete" => continue,
            _ => match focus.and_then(|focus| focus.get(name)) {
                Some(value) => value.clone(),
                None => sampled_part(surface, shared, call, inner),
            },
        };
        answer.insert(name.clone(), value);
    }
    Value::Object(answer)
}

fn sampled(surface: &Surface, shared: &Shared, call: &Call<'_>, own: Option<&Value>) -> Value {
    let schema = call.operation.success.1.clone().unwrap_or_default();
    let made = sampled_part(surface, shared, call, &schema);
    own.filter(|own| own.is_object()).map_or(made.clone(), |own| over(made, own.clone()))
}

fn sampled_part(surface: &Surface, shared: &Shared, call: &Call<'_>, schema: &Value) -> Value {
    // The same question has the same answer.
    let mut dice = crate::simulator::world::Dice::for_part(shared.world.seed, &call.operation.id);
    sample::value(surface, schema, &shared.world, shared.world.start.as_millisecond(), &mut dice)
}

/// Whether a listed object is asked for by `status`, `tag`, `datasource` or `prefix`.
fn wanted(object: &Value, call: &Call<'_>) -> bool {
    let one_of = |asked: &str, is: &dyn Fn(&str) -> bool| asked.is_empty() || asked.split(',').any(|one| is(one.trim()));
    let status = |name: &str| ["UNSPECIFIED", "INIT", "ACTIVE", "SUSPENDED", "DELETED"].iter().position(|known| *known == name);
    let tagged = |tag: &str| object["tags"].as_array().is_some_and(|tags| tags.iter().any(|known| known == tag));
    let deleted = object["status"] == 4 && call.asked("status").is_empty();
    !deleted
        && one_of(call.asked("status"), &|name| status(name).is_some_and(|at| object["status"] == at))
        && one_of(call.asked("tag"), &tagged)
        && one_of(call.asked("data_source"), &|source| source == plain(&object["data_source"]))
        && (call.asked("prefix").is_empty() || object["key"].as_str().is_some_and(|key| key.starts_with(call.asked("prefix"))))
}

/// The values of the object itself: they stand in the body, or in a member named like the object.
fn own_values(surface: &Surface, kind: &str, body: &Value) -> Value {
    let nested = ["access", "app", "card", "dashboard", "user", "policy", "device", "workflow_run"];
    let inner = nested.iter().find_map(|name| body.get(*name).filter(|inner| inner.is_object())).unwrap_or(body);
    let known = surface.resolve(kind_schema(surface, kind))["properties"].as_object();
    let own = inner.as_object().into_iter().flatten().filter(|(name, _)| known.is_some_and(|known| known.contains_key(*name)));
    Value::Object(own.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn create(surface: &Surface, estate: &mut Estate, shared: &Shared, call: &Call<'_>, kind: &str, own: Value) -> Value {
    let mut object = Map::new();
    let properties = surface.resolve(kind_schema(surface, kind))["properties"].as_object().cloned().unwrap_or_default();
    let uuid = estate.uuid();
    for (name, value) in [
        ("uuid", json!(uuid)),
        ("account_name", json!(ACCOUNT)),
        ("status", json!(2)),
        ("create_time", json!(call.now)),
        ("update_time", json!(call.now)),
        ("creator_uuid", json!(call.caller.0)),
        ("creator_display_name", json!(call.caller.1)),
        ("secret", json!(format!("le-{}", uuid.replace('-', "")))),
    ] {
        if properties.contains_key(name) {
            object.insert(name.into(), value);
        }
    }
    let mut object = over(Value::Object(object), own);
    object["account_name"] = ACCOUNT.into();
    if object["uuid"].as_str().is_none_or(str::is_empty) && properties.contains_key("uuid") {
        object["uuid"] = uuid.into();
    }
    estate.list_mut(kind).push(object.clone());
    tracing::trace!(kind, seed = shared.world.seed, "created");
    object
}

fn update(surface: &Surface, estate: &mut Estate, call: &Call<'_>, kind: &str) -> Result<Value, Refusal> {
    let own = own_values(surface, kind, &call.body);
    let expected = call.body["expected_update_time"].as_i64().filter(|time| *time > 0);
    let Some(object) = estate.find_mut(kind, call.id()) else { return Err((404, format!("no {} {}", kind.to_lowercase(), call.id()))) };
    if expected.is_some_and(|expected| object["update_time"].as_i64() != Some(expected)) {
        return Err((400, "expected_update_time does not match: somebody was faster".into()));
    }
    if let (Some(object), Value::Object(own)) = (object.as_object_mut(), own) {
        let kept = own.into_iter().filter(|(name, _)| !matches!(name.as_str(), "uuid" | "account_name" | "create_time" | "update_time"));
        object.extend(kept);
        for name in call.body["attributes_to_delete"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            object.remove(name);
        }
        object.insert("update_time".into(), call.now.into());
    }
    Ok(object.clone())
}

/// Lists of events: those of the window that are there already, with the faults that are on.
fn events(list: &[Value], shared: &Shared, call: &Call<'_>, keep: impl Fn(&Value) -> bool) -> Vec<Value> {
    let (from, to) = (call.millis("start_time").unwrap_or(i64::MIN), call.millis("end_time").unwrap_or(i64::MAX));
    let late = |n: usize, created: i64| {
        let recent = created > shared.world.start.as_millisecond() - 3_600_000;
        shared.faults.has(Fault::LateRecords) && n % 4 == 1 && recent && call.walks < 2
    };
    let mut shown = Vec::new();
    for (n, event) in list.iter().enumerate() {
        let created = event["create_time"].as_i64().unwrap_or(0);
        let changed = event["update_time"].as_i64().unwrap_or(created);
        let inside = |time: i64| time >= from && time <= to;
        if created > call.now || !(inside(created) || inside(changed)) || !keep(event) || late(n, created) {
            continue;
        }
        let mut event = event.clone();
        if shared.faults.has(Fault::HostileText) && n % 3 == 0 {
            hostile(&mut event);
        }
        if shared.faults.has(Fault::DuplicateRecords) && n % 5 == 0 {
            shown.push(event.clone());
        }
        shown.push(event);
    }
    shown
}

fn hostile(event: &mut Value) {
    for name in ["description", "workflow_name", "user_display_name", "op"] {
        if let Some(text) = event.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()) {
            event[name] = format!("\u{1b}[2J\u{1b}]52;c;aGk=\u{7}{text}\u{202e}\r\n=HYPERLINK(\"http://x\")\u{2028}").into();
        }
    }
}

fn wanted_alert(alert: &Value, filter: &str) -> bool {
    let status = alert["status"].as_i64().unwrap_or(0);
    // Without a filter: what is open. The scale is the simulator's own.
    if filter.is_empty() { status != 3 } else { filter.split(',').any(|one| one.trim() == status.to_string()) }
}

/// A value as a query parameter spells it.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn wanted_run(run: &Value, call: &Call<'_>) -> bool {
    let states = ["", "CREATED", "PENDING", "SUCCESS", "FAILURE", "UNSURE"];
    let wanted = call.asked("status");
    let same = |asked: &str, name: &str| call.asked(asked).is_empty() || plain(&run[name]) == call.asked(asked);
    let state = usize::try_from(run["status"].as_i64().unwrap_or(0)).unwrap_or(0);
    (wanted.is_empty() || states.get(state) == Some(&wanted))
        && ["workflow_uuid", "user_uuid", "app_protocol", "app_host", "app_port", "app_uuid"].iter().all(|name| same(name, name))
}

fn create_run(surface: &Surface, estate: &mut Estate, shared: &Shared, call: &Call<'_>) -> Value {
    let own = own_values(surface, "WorkflowRun", &call.body);
    let status = if call.body["execute_now"] == true { 3 } else { 2 };
    let own = over(own, json!({"status": status, "parent_uuid": call.body["parent_workflow_run_uuid"]}));
    create(surface, estate, shared, call, "WorkflowRun", own)
}

fn answer_run(estate: &mut Estate, call: &Call<'_>) -> Result<Value, Refusal> {
    let body = &call.body;
    let Some(run) = estate.find_mut("WorkflowRun", call.id()) else { return Err((404, format!("no workflow run {}", call.id()))) };
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    if run["status"] != 2 {
        return Err((400, "the workflow run was answered already".into()));
    }
    if run["can_user_approve"] != true {
        return Err((403, "the caller is not among the approvers".into()));
    }
    if run["justification_required"] == true && text("justification").is_empty() {
        return Err((400, "justification is required".into()));
    }
    if run["token_required"] == true && body["token"] != run["token"] {
        return Err((400, "the token is not that of this run".into()));
    }
    let answers = run["answers"].as_array().cloned().unwrap_or_default();
    let asked = text("answer_index");
    let at = answers.iter().position(|answer| answer["answer"] == asked.as_str()).or_else(|| asked.parse().ok());
    let Some(at) = at.filter(|at| *at < answers.len()) else { return Err((400, format!("answer_index {asked} is none of the answers"))) };
    let status = 3 + at.min(2);
    *run = over(
        run.clone(),
        json!({"status": status, "answer_index": at.to_string(), "approver_uuid": call.caller.0,
        "approver_display_name": call.caller.1, "approver_justification": text("justification"), "update_time": call.now}),
    );
    Ok(run.clone())
}

fn promote(estate: &mut Estate, call: &Call<'_>) -> Result<Value, Refusal> {
    let body = &call.body;
    let id = body["event_id"].as_str().unwrap_or_default().to_owned();
    if let Some(known) = estate.find("Alert", &id) {
        return Ok(known.clone());
    }
    let (from, to) = (body["start_time"].as_i64().unwrap_or(0), body["end_time"].as_i64().unwrap_or(0));
    let row = estate.rows.iter().find(|row| row["ROW_ID"] == id.as_str()).cloned();
    let row = row.filter(|row| row["TIMESTAMP"].as_i64().is_some_and(|time| time >= from && time <= to));
    let Some(row) = row else { return Err((400, format!("no event {id} between start_time and end_time"))) };
    let alert = json!({"uuid": id, "account_name": ACCOUNT, "event_type": row["EVENT_TYPE"], "create_time": call.now, "update_time": call.now,
        "status": 1, "severity": 2, "description": format!("Promoted: {}", row["EVENT_TYPE"].as_str().unwrap_or_default()),
        "related_entities": {"users_count": 1, "devices_count": 1}});
    estate.list_mut("Alert").push(alert.clone());
    Ok(alert)
}

/// One investigation action: exactly one kind, and the alert must be as the caller saw it last.
fn act(estate: &mut Estate, call: &Call<'_>, id: &str, body: &Value) -> Result<Value, Refusal> {
    let action = body["action"].clone();
    let kinds = ["alert_status_change", "close_with_reason", "note", "run_workflow", "update_owner"];
    let given: Vec<&str> = kinds.into_iter().filter(|kind| action[*kind].is_object()).collect();
    let [kind] = given.as_slice() else { return Err((400, "action must hold exactly one kind of action".into())) };
    let item_id = estate.uuid();
    let Some(alert) = estate.find_mut("Alert", id) else { return Err((404, format!("no alert {id}"))) };
    let seen = body["alert_update_time"].as_i64().filter(|time| *time > 0);
    if seen.is_some_and(|seen| alert["update_time"].as_i64() != Some(seen)) {
        return Err((400, "alert_update_time does not match: the alert was changed since".into()));
    }
    let inner = &action[*kind];
    // Times are a lock: two changes never share one.
    let now = call.now.max(alert["update_time"].as_i64().unwrap_or(0) + 1);
    let change = match *kind {
        "alert_status_change" => json!({"status": inner["new_status"]}),
        "close_with_reason" => json!({"status": 3, "incident_status": inner["incident_status"], "closed_time": now}),
        "update_owner" => {
            json!({"owner_uuid": inner["owner_uuid"], "owner_display_name": inner["owner_display_name"], "assignment_time": now})
        }
        _ => json!({}),
    };
    *alert = over(over(alert.clone(), change), json!({"update_time": now}));
    let (actor, name) = &call.caller;
    let number = kinds.iter().position(|known| known == kind).map_or(0, |at| at + 1);
    let item = json!({"uuid": item_id, "account_and_alert_uuid": format!("{ACCOUNT}/{id}"), "actor_uuid": actor, "actor_display_name": name,
        "timestamp": now, "action": over(action, json!({"action_type": number}))});
    estate.history.push((id.to_owned(), item.clone()));
    Ok(json!({"alert_uuid": id, "alert_update_time": now, "history_item": item}))
}

fn act_on_several(estate: &mut Estate, call: &Call<'_>) -> Result<Value, Refusal> {
    let items = call.body["investigation_actions"].as_array().cloned().unwrap_or_default();
    if items.is_empty() {
        return Err((400, "investigation_actions must not be empty".into()));
    }
    let mut responses = Vec::new();
    for item in &items {
        let id = item["alert_uuid"].as_str().unwrap_or_default();
        // What is left out was not done: partial failure has no documented form.
        responses.extend(act(estate, call, id, item).ok());
    }
    // In no particular order, as nothing promises one.
    responses.reverse();
    Ok(json!({"responses": responses}))
}

fn document<'a>(estate: &'a mut Estate, id: &str) -> Result<&'a mut Value, Refusal> {
    estate.documents.get_mut(id).ok_or_else(|| (404, format!("no document {id}")))
}

fn revoke(estate: &mut Estate, call: &Call<'_>) -> Result<Option<Value>, Refusal> {
    let body = &call.body;
    let metadata = document(estate, call.place("uuid"))?;
    if call.operation.id == "revoke_document_access" {
        let id = body["access_id"].as_str().unwrap_or_default();
        let Some(list) = metadata["external_access"].as_array_mut() else { return Err((400, "nothing is shared".into())) };
        let before = list.len();
        list.retain(|access| access["access_id"] != id);
        if list.len() == before {
            return Err((400, format!("no access {id}")));
        }
    } else {
        metadata["external_access"] = json!([]);
        if body["external_only"] != true {
            metadata["is_shared"] = json!(false);
        }
    }
    if metadata["external_access"].as_array().is_none_or(Vec::is_empty) {
        metadata["is_shared_externally"] = json!(false);
    }
    metadata["updated_time"] = call.now.into();
    Ok(None)
}

fn delete_devices(estate: &mut Estate, call: &Call<'_>) -> Result<Value, Refusal> {
    let asked = call.body["devices"].as_array().cloned().unwrap_or_default();
    let same = |device: &Value, wanted: &Value| device["uuid"] == wanted["uuid"] && device["user_uuid"] == wanted["user_uuid"];
    let mut last = None;
    for wanted in &asked {
        let known = estate.list("Device").iter().find(|device| same(device, wanted)).cloned();
        last = Some(known.ok_or_else(|| (400, format!("no device {} of user {}", wanted["uuid"], wanted["user_uuid"])))?);
    }
    estate.list_mut("Device").retain(|device| !asked.iter().any(|wanted| same(device, wanted)));
    // The document shows one device in the answer, however many are deleted.
    last.ok_or_else(|| (400, "devices must not be empty".into()))
}

fn user_device(estate: &Estate, call: &Call<'_>) -> Result<Value, Refusal> {
    let device = found(estate, "Device", call.id())?;
    match call.body["user_uuid"].as_str().filter(|user| !user.is_empty()) {
        Some(user) if device["user_uuid"] != user => Err((404, format!("no device {} of user {user}", call.id()))),
        _ => Ok(device),
    }
}

fn view(estate: &Estate, call: &Call<'_>) -> Result<Value, Refusal> {
    if !matches!(call.id(), "activity" | "access_log") {
        return Err((400, format!("no view {}", call.id())));
    }
    let (from, to) = (call.millis("start_time").unwrap_or(0), call.millis("end_time").unwrap_or(i64::MAX));
    let inside = |row: &&Value| row["TIMESTAMP"].as_i64().is_some_and(|time| time >= from && time <= to);
    Ok(json!({"rows": estate.rows.iter().filter(inside).cloned().collect::<Vec<_>>()}))
}

fn dataset_items(surface: &Surface, estate: &Estate, shared: &Shared, call: &Call<'_>) -> Result<Value, Refusal> {
    let dataset = found(estate, "CustomerDataset", call.id())?;
    let schema = surface.schema("CustomerDatasetItem");
    let item =
        |n: usize| over(sampled_part(surface, shared, call, schema), json!({"item_id": format!("item-{n}"), "dataset_uuid": call.id()}));
    let page = call.asked("continuation_token").parse::<usize>().unwrap_or(0);
    let items: Vec<Value> = (page * 3..page * 3 + 3).map(item).collect();
    let next = if page == 0 { json!("1") } else { Value::Null };
    Ok(json!({"dataset": dataset, "customer_dataset_items": items, "continuation_token": next}))
}

//! Lacework Edge: every operation comes from the API's document in `assets/`, through the OpenAPI generator, with no code of its own.
//!
//! The vendor prints no methods, no paths and no host (vendors/lacework-edge.md §2): routes are derived and marked as assumed, and a
//! connection can replace each of them.

mod events;
mod fetch;
mod learn;
mod quick;
#[cfg(test)]
mod tests;
mod write_back;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value, json};

use super::openapi::call::{self, ROOT};
use super::openapi::commands::{Profile, all};
use super::openapi::document::{Document, Operation};
use crate::core::catalogue::{Arguments, Auth, Command, Entry, Invalid, Inverse, Parameter, Pick, Root, Source, TimeForm, Type, Vendor};
use crate::core::connection::Connection;
use crate::core::mapping::scalar;
use crate::core::outcome::{Failure, Outcome, ReturnData};
use crate::core::request::{Follow, Method, Piece, Reply, Request, Template};
use crate::core::sign_in::{SignIn, Token};
use crate::core::talk::Talk;

/// The catalogue entry.
pub const VENDOR: Vendor = Vendor { id: "lacework-edge", title: "Lacework Edge", parameters, options, open };

const DOCUMENT: &str = include_str!("../../../assets/vendors/lacework-edge.openapi.json");
/// Root of the calls that carry the API token itself.
const LOGIN: &str = "login";
/// Calls a second; the vendor names no limit, so the client keeps one (vendors/lacework-edge.md §10).
const CALLS_A_SECOND: f64 = 8.0;

fn parameters() -> Vec<Parameter> {
    let styles = Type::choice(&[("snake", "snake"), ("flat", "flat"), ("kebab", "kebab")]);
    vec![
        Parameter::new("API URL", Type::TEXT, "Root of the API with its base path: https://HOST/api/v1. The vendor prints no host.")
            .required(),
        Parameter::new("Account", Type::TEXT, "Name of the account; fills every account_name.").required(),
        Parameter::new("API token", Type::TEXT, "Secret of an API token without a ttl; one with a ttl can be used once only.")
            .required()
            .secret(),
        Parameter::new("Path style", styles, "How words of a path are joined: alert_configs, alertconfigs or alert-configs.")
            .default("snake"),
        Parameter::new(
            "Routes",
            Type::Object { schema: None },
            "Routes that replace the assumed ones: query_alerts = \"GET /alerts\". The command learn-routes proposes some.",
        ),
    ]
}

fn options() -> Vec<Parameter> {
    vec![
        Parameter::new("auth_header", Type::TEXT, "Header that carries both tokens; assumed.").default("Authorization"),
        Parameter::new("auth_prefix", Type::TEXT, "What stands before a token there; assumed.").default("Bearer "),
        Parameter::new("session_cookie", Type::TEXT, "Cookie that carries the session instead of that header; by default none does."),
        Parameter::new("continuation_parameter", Type::TEXT, "Query parameter that asks for the next page; assumed.")
            .default("continuation_token"),
        Parameter::new("enum_form", Type::choice(&[("number", "number"), ("name", "name")]), "How statuses are sent.").default("number"),
        Parameter::new(
            "enum.alert_severity",
            Type::Object { schema: None },
            "Names for the numbers of an alert's severity, which the vendor does not print: 3 = \"high\".",
        )
        .named("enum.alert_severity")
        .default(json!({})),
        names(write_back::STATUS, "Numbers of an alert's status by our statuses: { new = 1, in_progress = 2 }."),
        names(
            write_back::INCIDENT_STATUS,
            "Numbers of the incident status that an alert is closed with, by disposition: { false_positive = 2 }.",
        ),
        Parameter::new("workflow_run_statuses", Type::texts(0), "States of workflow runs that wait for an answer.")
            .default(json!(["PENDING"])),
    ]
}

/// A table of numbers that the vendor does not print.
fn names(option: &str, help: &str) -> Parameter {
    Parameter::new(option, Type::Object { schema: None }, help).named(option).default(json!({}))
}

/// The document, read once.
fn document() -> Result<Arc<Document>, String> {
    static READ: OnceLock<Result<Arc<Document>, String>> = OnceLock::new();
    let read = || {
        let mut root = Document::read(DOCUMENT)?.root().clone();
        open_names(&mut root);
        Ok(Arc::new(Document::of(root)))
    };
    READ.get_or_init(read).clone()
}

/// Numbers whose names the vendor does not print are taken by name too: its own examples send them (`"role": "ROLE_USER"`,
/// vendors/lacework-edge.md §1).
fn open_names(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let known = ["x-enum-varnames", "x-unit"].iter().any(|name| members.contains_key(*name));
            if !known && members.get("type").is_some_and(|name| name == "integer") {
                members.insert("x-names".into(), Value::Bool(true));
            }
            members.values_mut().for_each(open_names);
        }
        Value::Array(items) => items.iter_mut().for_each(open_names),
        _ => {}
    }
}

fn open(connection: &Connection) -> Result<Entry, Vec<Invalid>> {
    let document = document().map_err(|why| vec![Invalid::new("", format!("The API's document {why}."))])?;
    let mut complaints = Vec::new();
    let base = super::openapi::address(connection.text_or_empty("api_url"))
        .map_err(|why| complaints.push(Invalid::new("api_url", format!("API URL {why}."))));
    let operations = document.operations();
    let routes = routes(connection, &operations).map_err(|more| complaints.extend(more));
    let (Ok(base), Ok(routes)) = (base, routes) else { return Err(complaints) };
    let profile = Arc::new(profile(connection, routes));
    let url = base.as_str().trim_end_matches('/').to_owned();
    let mut commands = all(&document, &profile);
    let secrets: Arc<[String]> = secret_fields(&operations).into();
    for command in &mut commands {
        let operation = operations.iter().find(|operation| command.name == operation.id.replace('_', "-"));
        if let Some(operation) = operation {
            enrich(command, operation, &operations);
        }
        tell(command, &secrets);
    }
    commands.extend([fetch_event(), learn_routes(), test_connection()]);
    let header = |piece| (header_name(connection), Template::from(prefix(connection)).then(piece));
    let (name, value) = header(Piece::Secret("api_token".into()));
    let login = Root { name: LOGIN.into(), url: url.clone(), auth: Auth::Header(name, value) };
    Ok(Entry {
        commands,
        sources: events::KINDS
            .iter()
            .map(|kind| {
                let source = Source::new(kind.name, kind.name, kind.mapping(), fetch::OVERLAP, fetch::fetch_source);
                source
                    .write_back(write_back::of(kind.name, connection))
                    .status_words(write_back::words(kind.name, connection))
                    .quick(quick::of(kind.name))
            })
            .collect(),
        roots: vec![Root { name: ROOT.into(), url, auth: Auth::SignIn(Box::new(sign_in(connection, &profile, &operations))) }, login],
        rate: Some(CALLS_A_SECOND),
        test: "test-connection".into(),
        secret_fields: secret_fields(&operations),
        ..Entry::default()
    })
}

fn header_name(connection: &Connection) -> String {
    connection.option_text("auth_header").unwrap_or("Authorization").to_owned()
}

fn prefix(connection: &Connection) -> String {
    connection.option_text("auth_prefix").unwrap_or("Bearer ").to_owned()
}

fn profile(connection: &Connection, routes: BTreeMap<String, (Method, String)>) -> Profile {
    let account = Value::from(connection.text_or_empty("account"));
    Profile {
        one_name: true,
        filled: vec![("account_name".into(), account.clone())],
        repeats: vec!["uuid", "alert_uuid", "normalized_document_uuid"],
        // Marked as required, though an empty text is assumed to mean "any" (vendors/lacework-edge.md §7, §8).
        defaults: vec![
            ("account".into(), account),
            ("appid".into(), "".into()),
            ("userid".into(), "".into()),
            ("status_filter".into(), "".into()),
            ("resolveDisplayNames".into(), "true".into()),
        ],
        continuation: Some((
            "continuation_token".into(),
            connection.option_text("continuation_parameter").unwrap_or("continuation_token").into(),
        )),
        routes,
        separator: match connection.text("path_style") {
            Some("flat") => Some(""),
            Some("kebab") => Some("-"),
            _ => None,
        },
        send_names: connection.option_text("enum_form") == Some("name"),
        roots: vec![("apiToken".into(), LOGIN.into())],
    }
}

/// The routes of the configuration, checked.
fn routes(connection: &Connection, operations: &[Operation]) -> Result<BTreeMap<String, (Method, String)>, Vec<Invalid>> {
    let given = connection.parameters.get("routes").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut routes = BTreeMap::new();
    let mut complaints = Vec::new();
    for (name, route) in given {
        match operations
            .iter()
            .find(|operation| operation.id == name.replace('-', "_"))
            .map(|operation| (operation, one_route(operation, &route)))
        {
            Some((operation, Ok(route))) => {
                routes.insert(operation.id.clone(), route);
            }
            Some((_, Err(why))) => complaints.push(Invalid::new("routes", format!("The route of {name} {why}."))),
            None => complaints.push(Invalid::new("routes", format!("routes names {name}, which is no operation."))),
        }
    }
    if complaints.is_empty() { Ok(routes) } else { Err(complaints) }
}

/// A route such as `PUT /alerts/{uuid}`; places are told by their order, whatever their names.
fn one_route(operation: &Operation, route: &Value) -> Result<(Method, String), String> {
    let text = route.as_str().unwrap_or_default();
    let wanted = "must be a method and a path, such as \"GET /alerts/{uuid}\"";
    let (method, path) = text.trim().split_once(' ').ok_or(wanted)?;
    let method = Method::parse(method).ok_or(wanted)?;
    let path = path.trim();
    if !path.starts_with('/') || path.contains(['?', '#', ' ']) || path.contains("//") {
        return Err(wanted.into());
    }
    let mut names = operation.inputs.iter().filter(|input| input.place == "path").map(|input| input.name.as_str());
    let segments = path.split('/').map(|segment| {
        let is_place = segment.starts_with(':') || (segment.starts_with('{') && segment.ends_with('}'));
        if !is_place {
            return Ok(segment.to_owned());
        }
        names.next().map(|name| format!("{{{name}}}")).ok_or_else(|| "has more places than the operation has ids".to_owned())
    });
    let segments: Result<Vec<String>, String> = segments.collect();
    Ok((method, segments?.join("/")))
}

fn sign_in(connection: &Connection, profile: &Profile, operations: &[Operation]) -> SignIn {
    let (method, path) = route_of(profile, operations, "token_login");
    let mut request = Request::new(method, LOGIN, path)
        .query("account", connection.text_or_empty("account"))
        .header(&header_name(connection), Template::from(prefix(connection)).then(Piece::Secret("api_token".into())))
        .purpose("sign-in")
        .reads();
    request.follow = Follow::No;
    let attach = match connection.option_text("session_cookie").map(str::trim).filter(|name| !name.is_empty()) {
        Some(cookie) => ("Cookie".into(), format!("{cookie}=")),
        None => (header_name(connection), prefix(connection)),
    };
    SignIn { read: read_session, attach, ..SignIn::oauth("session", Some(request)) }
}

/// The route that an operation has on this connection.
fn route_of(profile: &Profile, operations: &[Operation], id: &str) -> (Method, String) {
    let own = profile.routes.get(id).cloned();
    let documented = || {
        let operation = operations.iter().find(|operation| operation.id == id);
        operation.map(|operation| (operation.method, profile.restyled(&operation.path)))
    };
    own.or_else(documented).unwrap_or((Method::Get, String::new()))
}

/// Reads a session (vendors/lacework-edge.md §3); numbers may be texts.
fn read_session(reply: &Reply) -> Result<Token, Failure> {
    const INDICATOR: &str = "Sign-in failed.";
    if !reply.is_success() {
        let failure = call::failed(reply, INDICATOR).errors.pop().unwrap_or_default();
        let hint = Some("Check api_url, account and api_token, and whether the token is suspended or was made with a ttl.".into());
        return Err(Failure { message: format!("Lacework Edge refused the API token: {}", failure.message), hint, ..failure });
    }
    let session = reply.json().unwrap_or_default();
    let number = |name: &str| scalar(session.get(name)?)?.parse::<i64>().ok().filter(|number| *number > 0);
    match session["token"].as_str().filter(|token| !token.is_empty()) {
        Some(token) => {
            Ok(Token { access: token.into(), expires_in: number("ttl_sec"), expires_at: number("expire_time_sec"), refresh: None })
        }
        None => Err(Failure::new(INDICATOR, "The sign-in was answered without a session token.").status(reply.status)),
    }
}

/// The names of fields that the document calls secret in any answer or request.
fn secret_fields(operations: &[Operation]) -> Vec<String> {
    let mut names: Vec<String> = operations
        .iter()
        .flat_map(|operation| ["request", "response"].map(|side| &operation.raw["x-secret-fields"][side]))
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(|path| path.as_str()?.rsplit('.').next().map(|name| name.trim_end_matches("[]").to_owned()))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// What a reading command says beside its answer: a history is told line by line; an alert or a run is the event that it is, which is
/// stored, so that the queue shows it as it is now.
fn tell(command: &mut Command, secrets: &Arc<[String]>) {
    let kind = match command.name.as_str() {
        "get-alert" => events::find("alerts"),
        "get-workflow-run" => events::find("workflow-runs"),
        "get-alert-history" => None,
        _ => return,
    };
    let (read, secrets) = (Arc::clone(&command.handler), Arc::clone(secrets));
    command.handler = Arc::new(move |talk, connection, arguments| {
        let (now, of, secrets) = (talk.now(), Arc::clone(&connection), Arc::clone(&secrets));
        read(talk, connection, arguments).map(move |mut outcome| {
            match kind {
                _ if outcome.return_data == ReturnData::Failed => {}
                Some(kind) if outcome.raw_data["uuid"].is_string() => {
                    outcome.events.push(kind.event(&kind.mapping(), outcome.raw_data.clone(), &of, &secrets, now));
                }
                Some(_) => {}
                None => outcome.message = [vec![outcome.message], quick::timeline(&outcome.raw_data)].concat().join("\n"),
            }
            outcome
        })
    });
}

/// What the document cannot say: what fills an id from an event, where a list to pick from is, what takes a suspension back.
fn enrich(command: &mut Command, operation: &Operation, operations: &[Operation]) {
    let from_events: &[(&str, &str, &str)] = &[
        ("alerts", "alerts", "$.uuid"),
        ("workflow_runs", "workflow-runs", "$.uuid"),
        ("audit_events", "audit-events", "$.uuid"),
        ("users", "workflow-runs", "$.user_uuid"),
        ("users", "audit-events", "$.auth_uuid"),
        ("devices", "workflow-runs", "$.device_uuid"),
        ("workflows", "workflow-runs", "$.workflow_uuid"),
    ];
    let list = operations
        .iter()
        .find(|known| known.tag == operation.tag && known.id.starts_with("query_") && !known.inputs.iter().any(|input| input.required));
    for parameter in &mut command.parameters {
        if parameter.place == "path" {
            let own = from_events.iter().filter(|(tag, _, _)| *tag == operation.tag);
            parameter.prefill_paths.extend(own.map(|(_, event, path)| ((*event).to_owned(), (*path).to_owned())));
            parameter.pick = list.and_then(|list| pick(list, &parameter.name));
        }
        match parameter.name.as_str() {
            "alert_update_time" => parameter.prefill_paths.push(("alerts".into(), "$.update_time".into())),
            "alert_uuid" => parameter.prefill_paths.push(("alerts".into(), "$.uuid".into())),
            "user_uuid" => parameter.prefill_paths.push(("workflow-runs".into(), "$.user_uuid".into())),
            _ => {}
        }
    }
    if matches!(operation.id.as_str(), "update_user" | "update_token" | "update_policy") {
        command.inverse = Some(Inverse {
            command: command.name.clone(),
            arguments: reactivated,
            condition: "where it was active before it was suspended".into(),
        });
    }
}

fn pick(list: &Operation, name: &str) -> Option<Pick> {
    let schema = &list.raw["responses"]["200"]["content"]["application/json"]["schema"]["properties"];
    let (member, _) = schema.as_object()?.iter().find(|(_, inner)| inner["items"].get("$ref").is_some())?;
    let label = if member == "users" { "display_name" } else { "name" };
    Some(Pick::new(&list.id.replace('_', "-"), &format!("$.{member}[*].{name}"), &format!("$.{member}[*].{label}")))
}

/// What makes a suspended object active again.
fn reactivated(arguments: &Arguments, _: &Outcome) -> Option<Map<String, Value>> {
    let suspended = |value: &Value| scalar(value).is_some_and(|text| text.starts_with('3') || text == "SUSPENDED");
    let uuid = arguments.get("uuid")?.clone();
    let mut back = Map::from_iter([("uuid".to_owned(), uuid)]);
    if arguments.get("status").is_some_and(suspended) {
        back.insert("status".into(), "2".into());
        return Some(back);
    }
    let nested =
        ["user", "policy"].into_iter().find(|name| arguments.get(name).and_then(|inner| inner.get("status")).is_some_and(suspended))?;
    back.insert(nested.into(), json!({"status": 2}));
    Some(back)
}

fn fetch_event() -> Command {
    let kinds: Vec<(&str, &str)> = events::KINDS.iter().map(|kind| (kind.name, kind.name)).collect();
    Command::new("Fetch Event", "Brings alerts, audit events or workflow runs that wait for an answer, newest first.", fetch::fetch_event)
        .parameter(Parameter::new("Event Type", Type::choice(&kinds), "What to bring.").default("alerts"))
        .parameter(Parameter::new("Start Time", Type::Time(TimeForm::Rfc3339), "Start; by default 24 hours before the end."))
        .parameter(Parameter::new("End Time", Type::Time(TimeForm::Rfc3339), "End; by default now."))
        .parameter(Parameter::new("Number of Event(s) Fetched", Type::integer(1, 10_000), "The most events to return; by default all."))
        .key_field("EventIDs", "$.events[*].uuid")
        .count("Events Count")
}

fn learn_routes() -> Command {
    Command::new(
        "Learn Routes",
        "Reads the account's audit events, which name true methods and paths, and proposes lines for routes. It changes nothing.",
        learn::learn_routes,
    )
    .parameter(Parameter::new("Start Time", Type::Time(TimeForm::Rfc3339), "How far back to read; by default 7 days."))
    .parameter(Parameter::new("End Time", Type::Time(TimeForm::Rfc3339), "End; by default now."))
}

fn test_connection() -> Command {
    Command::new("Test Connection", "Signs in and lists groups, whose route is one of the few that the vendor prints.", test)
}

async fn test(talk: Talk, connection: Arc<Connection>, _: Arguments) -> Outcome {
    const INDICATOR: &str = "Test Connection failed.";
    match Api::of(&connection) {
        Err(why) => Outcome::failed(Failure::new(INDICATOR, why)),
        Ok(api) => match api.read(&talk, "query_groups", &[], INDICATOR).await {
            Ok(_) => Outcome::successful(Value::Null).message("Successful: signed in, and groups can be read."),
            Err(failure) => Outcome::failed(failure),
        },
    }
}

/// The connection's reads that are not commands of the document.
struct Api {
    profile: Profile,
    operations: Vec<Operation>,
}

impl Api {
    fn of(connection: &Connection) -> Result<Self, String> {
        let operations = document()?.operations();
        let routes = routes(connection, &operations)
            .map_err(|complaints| complaints.into_iter().next().map(|complaint| complaint.message).unwrap_or_default())?;
        Ok(Self { profile: profile(connection, routes), operations })
    }

    async fn read(&self, talk: &Talk, id: &str, query: &[(&str, String)], indicator: &str) -> Result<Value, Failure> {
        let (method, path) = route_of(&self.profile, &self.operations, id);
        let mut request = Request::new(method, ROOT, path).purpose(id).reads();
        for (name, value) in query {
            request = request.query(name, value.as_str());
        }
        let reply = talk.send(request).await.map_err(|trouble| trouble.failure(indicator))?;
        if !reply.is_success() {
            return Err(call::failed(&reply, indicator).errors.pop().unwrap_or_default());
        }
        reply.json().map_err(|error| Failure::new(indicator, format!("The answer is not JSON: {error}.")).status(reply.status))
    }
}

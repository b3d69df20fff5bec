//! Ready-made requests to Graph and Defender, read from `assets/vendors/azure/templates.toml`: each becomes a command that builds on
//! Execute HTTP Request (`vendors/azure-api.md` §10).

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::answer::FIELDS;
use super::execute::{FAILED, LAMENT, carry_out, failed};
use super::placeholders::encode;
use super::prepare::Plan;
use super::sign_in::{defender_root, token_roots};
use crate::core::catalogue::{Arguments, Choice, Class, Command, Effect, Inverse, Parameter, Reach, TimeForm, Type, Undo, parse_time};
use crate::core::connection::Connection;
use crate::core::entity::EntityKind;
use crate::core::mapping::{scalar, text_at};
use crate::core::outcome::{Failure, Follow, Outcome, ReturnData};
use crate::core::request::{Body, Follow as Redirects, Method, Request, Sink, Target};
use crate::core::talk::{Conversation, Talk};

/// The heading under which they are listed.
pub const GROUP: &str = "Graph templates";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    parameter: BTreeMap<String, Input>,
    template: Vec<Template>,
}

/// A parameter that several templates share.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    label: String,
    help: String,
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    choices: Vec<String>,
    default: Option<Value>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    multiline: bool,
    #[serde(default)]
    prefill: Vec<String>,
    #[serde(default)]
    paths: Vec<(String, String)>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Use {
    Name(String),
    Own { name: String, default: Value },
    Maybe { name: String, optional: bool },
}

/// One ready-made request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    id: String,
    name: String,
    title: String,
    help: String,
    #[serde(default)]
    root: String,
    #[serde(default)]
    method: String,
    path: String,
    #[serde(default)]
    query: Vec<(String, String)>,
    body: Option<Value>,
    permission: String,
    #[serde(default)]
    class: String,
    #[serde(default)]
    undo: String,
    inverse: Option<String>,
    #[serde(default)]
    save: bool,
    expected: Option<Value>,
    parameters: Vec<Use>,
    /// The template that is carried out afterwards, where its own parameters were all given.
    then: Option<String>,
}

static FILE: LazyLock<Result<File, String>> =
    LazyLock::new(|| toml::from_str(include_str!("../../../assets/vendors/azure/templates.toml")).map_err(|error| error.to_string()));

/// The commands of all templates.
pub fn commands() -> Vec<Command> {
    // A test keeps the file readable; an unreadable one would leave the document's own commands in place.
    let Ok(file) = FILE.as_ref() else { return Vec::new() };
    file.template.iter().map(|template| command(file, template)).collect()
}

fn command(file: &File, template: &Template) -> Command {
    let ours = Arc::new(template.clone());
    let mut command = Command::dynamic(
        &template.title,
        &format!("{} [{} {}]", template.help, method(template).as_str(), template.path),
        Arc::new(move |talk, connection, arguments| {
            let template = Arc::clone(&ours);
            Conversation::new(&talk.clone(), async move {
                match plan(&template, &connection, &arguments) {
                    Ok(plan) => {
                        let outcome = observe(&template, carry_out(&talk, &connection, &plan).await);
                        follow_up(&template, &talk, &connection, &arguments, outcome).await
                    }
                    Err(failure) => failed(failure, Value::Null),
                }
            })
        }),
    )
    .named(&template.name)
    .permission(&template.permission)
    .indicator(FAILED)
    .lament(LAMENT)
    .class(class(template));
    command.group = GROUP.into();
    for used in &template.parameters {
        let name = used.name();
        if let Some(input) = file.parameter.get(name) {
            let mut parameter = parameter(name, input, if let Use::Own { default, .. } = used { Some(default) } else { None });
            parameter.required &= !matches!(used, Use::Maybe { optional: true, .. });
            command = command.parameter(parameter);
        }
    }
    if let Some(inverse) = &template.inverse {
        let condition = if template.undo == "exact" { String::new() } else { "while nothing else has changed it".into() };
        command = command.inverse(Inverse { command: inverse.clone(), arguments: undoing, condition });
    }
    command
}

/// What comes after a template's own request, once that succeeded. Where it fails, what was done before it stands.
async fn follow_up(template: &Template, talk: &Talk, connection: &Connection, arguments: &Arguments, mut outcome: Outcome) -> Outcome {
    let next =
        FILE.as_ref().ok().zip(template.then.as_ref()).and_then(|(file, name)| file.template.iter().find(|known| known.name == *name));
    let Some(next) =
        next.filter(|next| outcome.return_data == ReturnData::Successful && next.parameters.iter().all(|used| arguments.has(used.name())))
    else {
        return outcome;
    };
    let after = match plan(next, connection, arguments) {
        Ok(plan) => carry_out(talk, connection, &plan).await,
        Err(failure) => failed(failure, Value::Null),
    };
    if after.return_data == ReturnData::Failed {
        let item = template.parameters.first().and_then(|used| arguments.get(used.name())).and_then(scalar);
        outcome.return_data = ReturnData::PartiallySuccessful;
        outcome.errors.extend(after.errors.into_iter().map(|failure| {
            let message = format!("{} was done, but not {}: {}", template.title, next.title.to_lowercase(), failure.message);
            Failure { message, item: item.clone(), ..failure }
        }));
    }
    outcome
}

impl Use {
    fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::Own { name, .. } | Self::Maybe { name, .. } => name,
        }
    }
}

fn parameter(name: &str, input: &Input, own: Option<&Value>) -> Parameter {
    let r#type = match input.r#type.as_str() {
        _ if !input.choices.is_empty() => {
            Type::Choice(input.choices.iter().map(|label| Choice { label: label.clone(), wire: Value::from(label.as_str()) }).collect())
        }
        "integer" => Type::Integer { minimum: Some(1), maximum: None },
        "boolean" => Type::Boolean,
        "time" => Type::Time(TimeForm::Rfc3339),
        "list" => Type::texts(usize::from(!input.optional)),
        _ => Type::Text { max_chars: None, multiline: input.multiline },
    };
    let mut parameter = Parameter::new(&input.label, r#type, &input.help).named(name);
    parameter.default = own.or(input.default.as_ref()).cloned();
    parameter.required = !input.optional && parameter.default.is_none();
    parameter.prefill = input.prefill.iter().filter_map(|kind| EntityKind::parse(kind)).collect();
    parameter.prefill_paths.clone_from(&input.paths);
    parameter
}

fn method(template: &Template) -> Method {
    Method::parse(&template.method).unwrap_or(Method::Get)
}

fn class(template: &Template) -> Class {
    let undo = match template.undo.as_str() {
        "exact" => Undo::Exact,
        "conditional" => Undo::Conditional,
        "lossy" => Undo::Lossy,
        _ => Undo::None,
    };
    match template.class.as_str() {
        "" | "read" => Class::READ,
        "note" => Class::NOTE,
        "destructive" => Class::IRREVERSIBLE,
        "disruptive" => Class::new(Effect::Write, Reach::Disruptive, undo),
        _ => Class::new(Effect::Write, Reach::Reversible, undo),
    }
}

/// The arguments that take a template's request back: the same target, the opposite wish.
fn undoing(arguments: &Arguments, outcome: &Outcome) -> Option<Map<String, Value>> {
    if outcome.return_data == ReturnData::Failed {
        return None;
    }
    let kept = ["user", "user_ids", "service_principal_id", "machine_id", "comment"];
    let mut undo: Map<String, Value> = kept.iter().filter_map(|name| Some(((*name).to_owned(), arguments.get(name)?.clone()))).collect();
    if arguments.has("account_enabled") {
        undo.insert("account_enabled".into(), Value::Bool(!arguments.flag("account_enabled")));
    }
    Some(undo)
}

/// Times in the seconds that OData takes.
fn value_of(arguments: &Arguments, name: &str) -> Option<Value> {
    let value = arguments.get(name)?;
    let is_time = matches!(FILE.as_ref().ok()?.parameter.get(name)?.r#type.as_str(), "time");
    // A default is taken as it stands in the file: relative.
    match value.as_str().filter(|_| is_time).and_then(|text| parse_time(text, arguments.now())) {
        Some(time) => Some(Value::from(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())),
        None => Some(value.clone()),
    }
}

/// Puts values into the places of a text.
fn fill(text: &str, arguments: &Arguments, write: fn(&str) -> String) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        match after.split_once('}') {
            Some((name, tail)) => {
                let value = value_of(arguments, name).map(|value| scalar(&value).unwrap_or_else(|| value.to_string())).unwrap_or_default();
                filled.push_str(&write(&value));
                rest = tail;
            }
            None => rest = after,
        }
    }
    filled.push_str(rest);
    filled
}

/// Puts values into a body. A member whose whole text is an unfilled place is left out.
fn fill_body(body: &Value, arguments: &Arguments) -> Option<Value> {
    Some(match body {
        Value::String(text) => match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(name) => value_of(arguments, name)?,
            None => Value::String(fill(text, arguments, str::to_owned)),
        },
        Value::Array(items) => items.iter().filter_map(|item| fill_body(item, arguments)).collect(),
        Value::Object(object) => {
            Value::Object(object.iter().filter_map(|(name, inner)| Some((name.clone(), fill_body(inner, arguments)?))).collect())
        }
        plain => plain.clone(),
    })
}

fn plan(template: &Template, connection: &Connection, arguments: &Arguments) -> Result<Plan, Failure> {
    let root = match template.root.as_str() {
        "defender" => defender_root(connection).ok_or_else(|| {
            let text = "the connection has no root for Defender for Endpoint.";
            Failure::new(FAILED, text)
                .hint("Add { url = \"https://api.securitycenter.microsoft.com\" } to allowed_roots and consent to its permissions.")
        })?,
        _ => token_roots(connection).swap_remove(0),
    };
    // In an OData string a quote is doubled; in a path it is doubled before it is encoded.
    let path = fill(&template.path, arguments, |value| encode(&value.replace('\'', "''")));
    let mut request = Request::to(method(template), Target::Open(format!("{}{path}", root.url.trim_end_matches('/'))));
    for (name, value) in &template.query {
        let switched = if template.id == "T04" && name == "$filter" {
            connection.option_text("non_interactive_filter").map(|filter| format!("{filter} and userId eq '{{user_id}}'"))
        } else {
            None
        };
        let value = switched.as_deref().unwrap_or(value);
        request = request.query(name, fill(value, arguments, |value| value.replace('\'', "''")));
    }
    if let Some(mut body) = template.body.as_ref().and_then(|body| fill_body(body, arguments)) {
        if template.id == "T41"
            && let Some(kind) = connection.option_text("alert_comment_type")
        {
            body["@odata.type"] = Value::from(kind);
        }
        request.body = Body::Json(body);
        // Text beyond ASCII in a hunting query wants the charset said.
        request = request.header("Content-Type", "application/json; charset=utf-8");
    }
    request = request.header("Accept", "application/json").purpose(template.title.clone());
    if class(template).effect == Effect::Read {
        request.changes = false;
    }
    request.follow = Redirects::Anywhere;
    request.idle_timeout = Some(Duration::from_mins(2));
    Ok(Plan {
        request,
        expected: template.expected.clone(),
        fail: true,
        base64: false,
        fields: FIELDS.iter().map(ToString::to_string).collect(),
        save: template.save.then_some(Sink { password: true, legacy: false, only_success: true }),
        interval: Duration::from_secs(5),
        patience: Duration::from_mins(10),
    })
}

/// A machine action is accepted first and carried out later: how to see what became of it.
fn observe(template: &Template, mut outcome: Outcome) -> Outcome {
    let action = text_at(&outcome.raw_data, "$.response_data.id").filter(|_| matches!(template.id.as_str(), "T45" | "T47"));
    if let (Some(action), ReturnData::Successful) = (action, outcome.return_data) {
        let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        outcome.follow = Some(Follow {
            title: template.title.clone(),
            command: "defender-machine-action".into(),
            arguments: Map::from_iter([("action_id".to_owned(), Value::from(action))]),
            state: "$.response_data.status".into(),
            done: texts(&["Succeeded"]),
            failed: texts(&["Failed", "TimeOut", "Cancelled"]),
            ended: None,
            least: 1,
            expires_at: None,
        });
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::core::catalogue::{Given, validate};

    #[test]
    fn all_rows_are_there_and_every_place_has_its_parameter() {
        let file = FILE.as_ref().unwrap();
        let ids: BTreeSet<_> = file.template.iter().map(|template| template.id.clone()).collect();
        assert_eq!(ids, (1..=49).map(|n| format!("T{n:02}")).collect());
        let names: BTreeSet<_> = file.template.iter().map(|template| template.name.clone()).collect();
        assert_eq!(names.len(), file.template.len(), "no name twice");
        for template in &file.template {
            let mut text = format!("{} {:?} {}", template.path, template.query, template.body.clone().unwrap_or_default());
            if let Some(next) = file.template.iter().find(|known| template.then.as_ref() == Some(&known.name)) {
                text.push_str(&next.body.clone().unwrap_or_default().to_string());
            }
            for used in &template.parameters {
                let name = used.name();
                assert!(file.parameter.contains_key(name), "{}: {name}", template.name);
                assert!(text.contains(&format!("{{{name}}}")), "{} does not use {name}", template.name);
                text = text.replace(&format!("{{{name}}}"), "");
            }
            let open = text
                .split('{')
                .skip(1)
                .filter(|rest| rest.split_once('}').is_some_and(|(name, _)| file.parameter.contains_key(name)))
                .count();
            assert_eq!(open, 0, "{}: {text}", template.name);
            assert!(method(template).is_safe() || !template.class.is_empty(), "{} changes something and says nothing", template.name);
            if let Some(inverse) = &template.inverse {
                assert!(names.contains(inverse), "{inverse}");
            }
        }
    }

    fn connection() -> Connection {
        let parameters = json!({"graph_api_root": "https://graph.example", "scopes": ["s"]});
        Connection { parameters: parameters.as_object().cloned().unwrap_or_default(), ..Connection::default() }
    }

    fn planned(name: &str, given: &[(&str, &str)]) -> Plan {
        let file = FILE.as_ref().unwrap();
        let template = file.template.iter().find(|template| template.name == name).unwrap();
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), Given::Text((*value).to_owned()))).collect();
        let now = "2030-03-02T08:15:00.123456789Z".parse().unwrap();
        let arguments = validate(&command(file, template), given, now).unwrap();
        plan(template, &connection(), &arguments).unwrap()
    }

    #[test]
    fn values_cannot_leave_their_place() {
        let plan = planned("graph-sign-ins-of-user", &[("user_principal_name", "o'neil@x.example"), ("from", "-1h")]);
        let (name, value) = &plan.request.query[0];
        assert_eq!(name, "$filter");
        assert_eq!(value.plain().unwrap(), "userPrincipalName eq 'o''neil@x.example' and createdDateTime ge 2030-03-02T07:15:00Z");
        let plan = planned("graph-inbox-rules", &[("user", "bob_ext.com#EXT#@t.example/../x")]);
        let Target::Open(url) = plan.request.target else { panic!("an address") };
        assert_eq!(url, "https://graph.example/v1.0/users/bob_ext.com%23EXT%23%40t.example%2F..%2Fx/mailFolders/inbox/messageRules");
    }

    #[test]
    fn bodies_keep_types_and_leave_out_what_is_not_given() {
        let plan = planned("graph-set-account-enabled", &[("user", "u"), ("account_enabled", "false")]);
        assert_eq!(plan.request.body, Body::Json(json!({"accountEnabled": false})));
        let plan = planned("graph-update-alert", &[("alert_id", "a"), ("alert_status", "resolved")]);
        assert_eq!(plan.request.body, Body::Json(json!({"status": "resolved"})));
        let plan = planned("graph-confirm-compromised", &[("user_ids", "a,b")]);
        assert_eq!(plan.request.body, Body::Json(json!({"userIds": ["a", "b"]})));
        assert!(plan.request.changes);
        assert!(!planned("graph-hunt-mail", &[]).request.changes, "a query by POST changes nothing");
    }
}

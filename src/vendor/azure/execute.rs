//! Execute HTTP Request: once, or repeatedly until the answer has the expected values (seed 000).

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::answer::{self, FIELDS};
use super::expected;
use super::prepare::{Plan, plan};
use crate::core::catalogue::{Arguments, Class, Command, Effect, Parameter, Reach, Type, Undo};
use crate::core::connection::Connection;
use crate::core::outcome::{Failure, Outcome, ReturnData};
use crate::core::request::{Answer, Method, Reply, Trouble};
use crate::core::talk::{Conversation, Talk};

/// What the document says when it worked.
pub const DONE: &str = "Successfully executed API request.";
const WAITING: &str = "Successfully executed API request. Waiting for expected response values.";
pub const FAILED: &str = "Failed to execute API request.";
/// What its output message begins with when it failed.
pub const LAMENT: &str = "Failed to execute API request. Error: ";

/// The command for one connection.
pub fn command(connection: &Connection) -> Command {
    let (for_rule, for_run) = (connection.clone(), Arc::new(connection.clone()));
    let help = "Sends any HTTP request. Requests to the Microsoft Graph API Root and to allowed_roots carry the root's token; others carry \
                none. With Expected Response Values the request is repeated until the answer has them.";
    let mut command = Command::dynamic(
        "Execute HTTP Request",
        help,
        Arc::new(move |talk, _, arguments| {
            let connection = Arc::clone(&for_run);
            Conversation::new(&talk.clone(), async move { run(talk, &connection, &arguments).await })
        }),
    )
    .permission("Depends on the request: what the called API demands.")
    .indicator(FAILED)
    .lament(LAMENT)
    .escalate(class)
    .rule(move |arguments| plan(&for_rule, arguments).map(|_| ()));
    for parameter in parameters() {
        command = command.parameter(parameter);
    }
    command
}

/// Reading changes nothing; DELETE loses data; any change that is repeated has to be confirmed.
pub fn class(arguments: &Arguments) -> Class {
    let repeats = arguments.get("expected_response_values").and_then(Value::as_object).is_some_and(|object| !object.is_empty());
    match Method::parse(arguments.text("method").unwrap_or("GET")) {
        Some(Method::Delete) => Class::IRREVERSIBLE,
        Some(method) if method.is_safe() => Class::READ,
        _ if repeats => Class::new(Effect::Destructive, Reach::Disruptive, Undo::None),
        _ => Class::new(Effect::Write, Reach::Reversible, Undo::None),
    }
}

fn parameters() -> Vec<Parameter> {
    let object = || Type::Object { schema: None };
    let methods: Vec<(&str, &str)> = Method::ALL.iter().map(|(name, _)| (*name, *name)).collect();
    let fields: Vec<(&str, &str)> = FIELDS.iter().map(|name| (*name, *name)).collect();
    let all: Vec<Value> = FIELDS.iter().map(|name| Value::from(*name)).collect();
    vec![
        Parameter::new("Method", Type::choice(&methods), "The HTTP method.").default("GET"),
        Parameter::new("URL Path", Type::TEXT, "The address, query included; what begins with / lies below the Microsoft Graph API Root.")
            .required(),
        Parameter::new(
            "URL Params",
            object(),
            "Query parameters as a JSON object, appended to those in URL Path. A list repeats its name.",
        )
        .placed("query"),
        Parameter::new(
            "Headers",
            object(),
            "Headers as a JSON object. Content-Type decides how the body is built; null takes a header away.",
        ),
        Parameter::new("Cookie", object(), "Cookies as a JSON object; they replace a Cookie header.").secret(),
        Parameter::new("Body Payload", Type::Json { schema: None }, "The body: JSON (also for a form, by Content-Type), XML or text."),
        Parameter::new(
            "Expected Response Values",
            object(),
            "Repeats the request until the answer has these values: a field and its value, or a list of values any of which will do.",
        ),
        Parameter::new("Save To Case Wall", Type::Boolean, "Saves the response body as a file in a ZIP archive.").default(false),
        Parameter::new("Password Protect Zip", Type::Boolean, "Encrypts that archive with the password \"infected\", against accidents.")
            .default(true),
        Parameter::new("Follow Redirects", Type::Boolean, "Follows redirects to their end; another host gets neither token nor cookies.")
            .default(true),
        Parameter::new("Fail on 4xx/5xx", Type::Boolean, "Fails when the status is 400 or more.").default(true),
        Parameter::new("Base64 Output", Type::Boolean, "Gives the body as Base64, of at most 15 MB.").default(false),
        Parameter::new(
            "Fields To Return",
            Type::List { of: Box::new(Type::choice(&fields)), minimum: 1, maximum: None },
            "The fields of the result.",
        )
        .default(Value::Array(all)),
        Parameter::new("Request Timeout", Type::integer(1, 86_400), "Seconds to wait for the server to send data.").default(120),
        Parameter::new("Poll Interval", Type::integer(1, 86_400), "Seconds between two requests while waiting for expected values.")
            .default(5),
        Parameter::new("Poll Timeout", Type::integer(1, 1_209_600), "Seconds after which waiting for expected values ends.").default(600),
        Parameter::new("Body Is Base64", Type::Boolean, "Body Payload is Base64; its bytes are sent.").default(false),
        Parameter::new("Zip Legacy", Type::Boolean, "Encrypts the archive with ZipCrypto, which old programs open and anybody can break.")
            .default(false),
        Parameter::new("Inputs", object(), "Values for the places [Input.name] in URL Path, URL Params, Headers, Cookie and Body Payload."),
    ]
}

async fn run(talk: Talk, connection: &Connection, arguments: &Arguments) -> Outcome {
    match plan(connection, arguments) {
        Ok(plan) => carry_out(&talk, connection, &plan).await,
        Err(invalid) => failed(Failure::new(FAILED, invalid.message), Value::Null),
    }
}

/// Carries a plan out.
pub async fn carry_out(talk: &Talk, connection: &Connection, plan: &Plan) -> Outcome {
    match &plan.expected {
        None => once(talk, connection, plan).await,
        Some(expected) => until(talk, connection, plan, expected).await,
    }
}

async fn once(talk: &Talk, connection: &Connection, plan: &Plan) -> Outcome {
    let mut request = plan.request.clone();
    request.sink.clone_from(&plan.save);
    let answer = talk.send(request).await;
    judge(connection, plan, answer)
}

/// Repeats the request until the values are there. A 429, 503 or 504 counts as "not yet".
async fn until(talk: &Talk, connection: &Connection, plan: &Plan, expected: &Value) -> Outcome {
    let mut waited = Duration::ZERO;
    let mut looks = 0;
    let mut last: Option<(Reply, String)> = None;
    loop {
        looks += 1;
        let mut request = plan.request.clone();
        // No single answer is waited for longer than the whole.
        let left = plan.patience.saturating_sub(waited.max(talk.elapsed())).max(Duration::from_secs(1));
        request.idle_timeout = request.idle_timeout.map(|limit| limit.min(left));
        let answer = talk.send(request).await;
        if talk.planning() {
            return Outcome::successful(Value::Null);
        }
        let reply = match answer {
            Ok(reply) => reply,
            Err(trouble) => {
                // What was seen before the time ran out is kept.
                let Some((reply, seen)) = last else { return judge(connection, plan, Err(trouble)) };
                let mut failure = trouble.failure(FAILED);
                failure.message = format!("{} The expected response values were not reached; last seen: {seen}.", failure.message);
                return failed(failure, raw(connection, plan, &reply).unwrap_or_default());
            }
        };
        let slow_down = matches!(reply.status, 429 | 503 | 504);
        if reply.status >= 400 && !slow_down {
            return judge(connection, plan, Ok(reply));
        }
        let data = answer::parsed(&reply);
        if reply.status < 400 && expected::met(&data, expected) {
            return match plan.save {
                Some(_) => once(talk, connection, plan).await,
                None => judge(connection, plan, Ok(reply)),
            };
        }
        let seen = match &data {
            _ if slow_down => answer::reason(&reply),
            Value::String(_) => "the body is not JSON".to_owned(),
            data => expected::observed(data, expected),
        };
        let pause = if slow_down { retry_after(&reply).unwrap_or(plan.interval).max(plan.interval) } else { plan.interval };
        waited = waited.max(talk.elapsed());
        if waited + pause > plan.patience {
            let text = format!(
                "the expected response values were not reached within {} s and {looks} requests; last seen: {seen}.",
                plan.patience.as_secs()
            );
            let mut failure = Failure::new(FAILED, text).hint("Look again later, or give it more time with poll_timeout.");
            failure.status_code = Some(reply.status);
            failure.request_id.clone_from(&reply.request_id);
            return failed(failure, raw(connection, plan, &reply).unwrap_or_default());
        }
        talk.progress(format!("{WAITING} Request {looks}: {seen}."), looks, None).await;
        last = Some((reply, seen));
        talk.wait(pause).await;
        waited += pause;
    }
}

fn retry_after(reply: &Reply) -> Option<Duration> {
    // A day is longer than any polling.
    reply.header("retry-after")?.trim().parse().ok().map(|seconds: u64| Duration::from_secs(seconds.min(86_400)))
}

/// The JSON result of an answer.
fn raw(connection: &Connection, plan: &Plan, reply: &Reply) -> Result<Value, String> {
    let data = match &reply.attachment {
        // What went into the archive is not shown beside it.
        Some(_) => Value::Null,
        None if plan.base64 => answer::base64(reply, limit(connection))?,
        None => answer::parsed(reply),
    };
    let mut result = answer::result(reply, data, &plan.fields);
    if reply.attachment.is_some()
        && let Some(guess) = result.get_mut("apparent_encoding")
    {
        *guess = Value::Null;
    }
    Ok(result)
}

/// "The encoded string can't exceed 15 MB"; what a megabyte is, is a switch.
fn limit(connection: &Connection) -> usize {
    let megabyte = connection.option("base64_megabyte").and_then(Value::as_u64).and_then(|bytes| usize::try_from(bytes).ok());
    15 * megabyte.unwrap_or(1 << 20)
}

/// The outcome of one answer.
fn judge(connection: &Connection, plan: &Plan, answer: Answer) -> Outcome {
    let reply = match answer {
        Ok(reply) => reply,
        Err(Trouble::Planned) => return Outcome::successful(Value::Null),
        Err(trouble) => return failed(trouble.failure(FAILED), Value::Null),
    };
    let raw = match raw(connection, plan, &reply) {
        Ok(raw) => raw,
        Err(why) => return failed(Failure::new(FAILED, why).status(reply.status), Value::Null),
    };
    if reply.status < 400 {
        return succeeded(DONE.to_owned(), raw, true, &reply);
    }
    if !plan.fail {
        let message = format!(
            "Successfully executed API request, but the status code {} was returned. Please check the request or try again later.",
            reply.status
        );
        return succeeded(message, raw, connection.option_flag("error_status_is_success"), &reply);
    }
    let mut failure = Failure::new(FAILED, answer::reason(&reply)).status(reply.status);
    failure.request_id.clone_from(&reply.request_id);
    failure.hint = answer::hint(&reply).map(str::to_owned);
    failed(failure, raw)
}

fn succeeded(message: String, raw: Value, is_success: bool, reply: &Reply) -> Outcome {
    let mut outcome = Outcome::successful(raw).message(message).result("is_success", is_success);
    if let Some(attachment) = &reply.attachment {
        let password = if attachment.encrypted { "; password: infected" } else { "" };
        outcome.message = format!("{}\nSaved {} bytes as {}{password}.", outcome.message, attachment.size, attachment.path);
        outcome.attachments.push(attachment.clone());
    }
    outcome
}

/// A failure in the document's words; what came back is kept.
pub fn failed(failure: Failure, raw: Value) -> Outcome {
    let mut outcome = Outcome::new(ReturnData::Failed).raw(raw).result("is_success", false);
    outcome.message = format!("{LAMENT}{}", failure.message);
    outcome.errors.push(failure);
    outcome
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::catalogue::{Given, validate};
    use crate::core::request::Request;
    use crate::core::talk::{Input, Step};

    fn started(given: Value) -> Conversation {
        let Value::Object(parameters) = json!({"graph_api_root": "https://graph.example", "scopes": ["s"]}) else { panic!("an object") };
        let connection = Connection { parameters, ..Connection::default() };
        let Value::Object(given) = given else { panic!("an object") };
        let given = given.into_iter().map(|(name, value)| (name, Given::Json(value))).collect();
        let command = command(&connection);
        let arguments = validate(&command, given, jiff::Timestamp::UNIX_EPOCH).unwrap();
        command.start(Talk::new(arguments.now(), false), Arc::new(connection), arguments)
    }

    fn running() -> Input {
        Input::Answers(vec![Ok(Reply { status: 200, body: Arc::from(&b"{\"state\":\"running\"}"[..]), ..Reply::default() })])
    }

    fn sent(step: Step<Outcome>) -> Request {
        let Step::Send(mut requests) = step else { panic!("a request, not {step:?}") };
        requests.remove(0)
    }

    #[test]
    fn the_time_that_answers_take_counts_as_waiting() {
        let mut talk = started(json!({"url_path": "/x", "poll_timeout": 100, "expected_response_values": {"state": "finished"}}));
        assert_eq!(sent(talk.resume(Input::Start)).idle_timeout, Some(Duration::from_secs(100)), "no answer is waited for longer");
        talk.tell_elapsed(Duration::from_secs(60));
        assert!(matches!(talk.resume(running()), Step::Progress { .. }));
        assert!(matches!(talk.resume(Input::Done), Step::Wait(time) if time == Duration::from_secs(5)));
        talk.tell_elapsed(Duration::from_secs(70));
        assert_eq!(sent(talk.resume(Input::Done)).idle_timeout, Some(Duration::from_secs(30)));
        talk.tell_elapsed(Duration::from_secs(99));
        let Step::Done(outcome) = talk.resume(running()) else { panic!("the end") };
        assert!(outcome.message.contains("within 100 s and 2 requests"), "{}", outcome.message);
    }

    #[test]
    fn what_was_seen_before_the_time_ran_out_is_kept() {
        let mut talk = started(json!({"url_path": "/x", "expected_response_values": {"state": "finished"}}));
        talk.resume(Input::Start);
        talk.resume(running());
        talk.resume(Input::Done);
        talk.resume(Input::Done);
        let late = Err(Trouble::TimedOut("No answer in time.".into()));
        let Step::Done(outcome) = talk.resume(Input::Answers(vec![late])) else { panic!("the end") };
        assert_eq!(outcome.raw_data["response_data"]["state"], "running");
        assert!(
            outcome.message.ends_with("No answer in time. The expected response values were not reached; last seen: state = \"running\".")
        );
    }

    #[test]
    fn the_effect_follows_the_method_and_the_repeating() {
        let class = |given: Value| {
            let Value::Object(values) = given else { panic!("an object") };
            class(&Arguments::new(values, Vec::new(), jiff::Timestamp::UNIX_EPOCH)).effect
        };
        for (given, effect) in [
            (json!({}), Effect::Read),
            (json!({"method": "HEAD"}), Effect::Read),
            (json!({"method": "POST"}), Effect::Write),
            (json!({"method": "PATCH"}), Effect::Write),
            (json!({"method": "DELETE"}), Effect::Destructive),
            (json!({"method": "GET", "expected_response_values": {"a": 1}}), Effect::Read),
            (json!({"method": "POST", "expected_response_values": {"a": 1}}), Effect::Destructive),
            (json!({"method": "POST", "expected_response_values": {}}), Effect::Write),
        ] {
            assert_eq!(class(given.clone()), effect, "{given}");
        }
    }
}

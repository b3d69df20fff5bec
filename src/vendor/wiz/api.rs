//! One GraphQL call: its request, its answer, and what went wrong in words and numbers.
//!
//! GraphQL errors normally come with HTTP 200, at times beside partial data, so `errors` is looked at first, always
//! (vendors/wiz.md §5).

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::core::mapping::scalar;
use crate::core::outcome::Failure;
use crate::core::request::{Answer, Reply, Request, Trouble};
use crate::core::talk::Talk;

/// Root of the GraphQL endpoint.
pub const API: &str = "api";
/// The most characters of an answer's own words that are kept.
const WORDS: usize = 2_000;
/// Waits before a call that the API turned down for its rate, inside an answer that is otherwise fine, is made again.
const PAUSES: [u64; 3] = [1, 2, 4];

/// A document and its effect.
#[derive(Clone, Copy, Debug)]
pub struct Document {
    /// The GraphQL source.
    pub text: &'static str,
    /// Whether it is a mutation.
    pub changes: bool,
}

/// The documents of this connector.
impl Document {
    /// Issues, page by page.
    pub const ISSUES: Self = Self::query(include_str!("../../../assets/vendors/wiz/issues.graphql"));
    /// Cloud configuration findings, page by page.
    pub const CONFIGURATION_FINDINGS: Self = Self::query(include_str!("../../../assets/vendors/wiz/configuration_findings.graphql"));
    /// Vulnerability findings, page by page.
    pub const VULNERABILITY_FINDINGS: Self = Self::query(include_str!("../../../assets/vendors/wiz/vulnerability_findings.graphql"));
    /// Projects, page by page.
    pub const PROJECTS: Self = Self::query(include_str!("../../../assets/vendors/wiz/projects.graphql"));
    /// The smallest look at the issues.
    pub const TEST_CONNECTION: Self = Self::query(include_str!("../../../assets/vendors/wiz/test_connection.graphql"));
    /// Changes one issue.
    pub const UPDATE_ISSUE: Self = Self::mutation(include_str!("../../../assets/vendors/wiz/update_issue.graphql"));
    /// Adds a note to one issue.
    pub const CREATE_ISSUE_NOTE: Self = Self::mutation(include_str!("../../../assets/vendors/wiz/create_issue_note.graphql"));

    const fn query(text: &'static str) -> Self {
        Self { text, changes: false }
    }

    const fn mutation(text: &'static str) -> Self {
        Self { text, changes: true }
    }

    /// The request that carries it.
    pub fn request(self, variables: &Value, purpose: impl Into<String>) -> Request {
        let mut request = Request::post(API, "/graphql").json(json!({"query": self.text, "variables": variables})).purpose(purpose);
        request.changes = self.changes;
        request
    }
}

/// What a call came to: its `data`, or the failure with the answer as it was.
pub type Called = Result<Value, Refused>;

/// A call that failed.
#[derive(Clone, Debug)]
pub struct Refused {
    /// In the words of a failure.
    pub failure: Failure,
    /// The first error's code, empty where the API gave none.
    pub code: String,
    /// The whole answer, where it was JSON.
    pub raw: Value,
    /// Whether there is no use in going on with other items: no way in, or no way at all.
    pub fatal: bool,
}

impl Refused {
    /// A failure of our own making: an answer that makes no sense.
    pub fn nonsense(indicator: &str, message: impl Into<String>, raw: Value) -> Self {
        Self { failure: Failure::new(indicator, message), code: String::new(), raw, fatal: false }
    }
}

/// Makes a call. A rate limit that is reported inside an HTTP 200 is waited out, since nothing was carried out then.
pub async fn call(talk: &Talk, indicator: &str, document: Document, variables: Value, purpose: &str) -> Called {
    let mut pauses = PAUSES.iter();
    loop {
        let answer = talk.send(document.request(&variables, purpose)).await;
        let limited = matches!(&answer, Ok(reply) if reply.status == 200);
        match read(indicator, document, answer) {
            Err(refused) if limited && refused.failure.status_code == Some(429) => match pauses.next() {
                Some(seconds) => talk.wait(Duration::from_secs(*seconds)).await,
                None => return Err(refused),
            },
            other => return other,
        }
    }
}

/// Reads an answer.
pub fn read(indicator: &str, document: Document, answer: Answer) -> Called {
    let reply = match answer {
        Ok(reply) => reply,
        Err(trouble) => return Err(unanswered(indicator, document, &trouble)),
    };
    let json = reply.json().ok();
    let errors = json.as_ref().and_then(|json| json.get("errors")).and_then(Value::as_array).filter(|errors| !errors.is_empty());
    if let Some(errors) = errors {
        let mut refused = from_errors(indicator, errors);
        refused.raw = json.clone().unwrap_or_default();
        if !reply.is_success() {
            refused.failure.status_code = Some(reply.status);
            refused.fatal |= is_fatal(reply.status);
        }
        refused.failure.request_id.clone_from(&reply.request_id);
        return Err(refused);
    }
    if !reply.is_success() {
        return Err(from_status(indicator, &reply, json.unwrap_or_default()));
    }
    match json {
        Some(Value::Object(mut object)) => match object.get_mut("data") {
            Some(data @ Value::Object(_)) => Ok(data.take()),
            _ => Err(Refused::nonsense(indicator, "Wiz answered without data and without an error.", Value::Object(object))),
        },
        other => {
            let words = words(&reply);
            let what = if words.is_empty() {
                "Wiz answered with nothing.".into()
            } else {
                format!("Wiz answered with no GraphQL response: {words}")
            };
            let mut refused = Refused::nonsense(indicator, what, other.unwrap_or_default());
            refused.failure.status_code = Some(reply.status);
            refused.failure.request_id.clone_from(&reply.request_id);
            refused.failure.hint = Some("Check that api_endpoint_url is the API endpoint URL of your tenant's settings.".into());
            Err(refused)
        }
    }
}

/// No answer at all.
fn unanswered(indicator: &str, document: Document, trouble: &Trouble) -> Refused {
    let mut failure = trouble.failure(indicator);
    let lost = matches!(trouble, Trouble::TimedOut(_) | Trouble::Transport(_) | Trouble::TooLarge(_));
    if document.changes && lost {
        failure.hint = Some("Whether Wiz carried it out is not known; look at the issue before you repeat it.".into());
    }
    let fatal = matches!(trouble, Trouble::SignIn(_) | Trouble::Cancelled | Trouble::Refused(_) | Trouble::Unreached(_));
    Refused { failure, code: String::new(), raw: Value::Null, fatal }
}

fn is_fatal(status: u16) -> bool {
    matches!(status, 401 | 403)
}

fn from_status(indicator: &str, reply: &Reply, json: Value) -> Refused {
    let own = ["message", "error_description", "error"].iter().find_map(|key| scalar(json.get(key)?));
    let words = own.unwrap_or_else(|| words(reply));
    let message = if words.is_empty() { format!("Wiz answered with HTTP {}.", reply.status) } else { words };
    let mut failure = Failure::new(indicator, message).status(reply.status);
    failure.request_id.clone_from(&reply.request_id);
    failure.hint = match reply.status {
        401 => Some("The service account's token is not accepted; check client_id, client_secret, auth_url and audience.".into()),
        403 => Some("The service account, or the way to it, is not allowed; check its permissions in Wiz.".into()),
        404 => Some("Nothing answers at that address; check api_endpoint_url.".into()),
        429 => Some("Wiz allows 10 calls a second for one service account; try again later.".into()),
        _ => None,
    };
    Refused { failure, code: String::new(), raw: json, fatal: is_fatal(reply.status) }
}

/// GraphQL errors as one failure: their distinct messages, the code as a status, and the scopes that are missing by name.
fn from_errors(indicator: &str, errors: &[Value]) -> Refused {
    let mut messages: Vec<String> = Vec::new();
    for error in errors {
        let message = error.get("message").and_then(Value::as_str).map_or_else(|| error.to_string(), str::to_owned);
        if !messages.contains(&message) {
            messages.push(message);
        }
    }
    let extension = |name: &str| errors.iter().find_map(|error| error.get("extensions")?.get(name));
    let code = extension("code").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut message = messages.join("\n");
    let limited = message.to_ascii_lowercase().contains("rate limit") || code.contains("RATE_LIMIT") || code == "TOO_MANY_REQUESTS";
    let status = match code.as_str() {
        _ if limited => 429,
        "UNAUTHORIZED" | "FORBIDDEN" | "LICENSE_MISSING" => 403,
        "UNAUTHENTICATED" => 401,
        "NOT_FOUND" => 404,
        "INTERNAL" | "INTERNAL_SERVER_ERROR" => 500,
        _ => 400,
    };
    let mut hint = None;
    for (name, what) in [("requiredScopes", "Required scopes"), ("requiredFeatures", "Required features")] {
        if let Some(list) = extension(name).map(listed).filter(|list| !list.is_empty()) {
            message = format!("{message}\n{what}: {list}.");
            hint = Some(format!("Give the service account {list} in Wiz under Settings > Service Accounts."));
        }
    }
    if let Some(list) = extension("effectiveScopes").map(listed).filter(|list| !list.is_empty()) {
        message = format!("{message} It has: {list}.");
    }
    let mut failure = Failure::new(indicator, message).status(status);
    failure.hint = hint;
    Refused { failure, fatal: is_fatal(status), code, raw: Value::Null }
}

fn listed(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().filter_map(scalar).collect::<Vec<_>>().join(", "),
        other => scalar(other).unwrap_or_default(),
    }
}

fn words(reply: &Reply) -> String {
    reply.text().trim().chars().take(WORDS).collect()
}

/// An object out of pairs, leaving out what is not given.
pub fn object(pairs: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Map<String, Value> {
    pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> Refused {
        let reply = Reply { status, body: body.as_bytes().into(), ..Reply::default() };
        read("Fetch Event failed.", Document::ISSUES, Ok(reply)).unwrap_err()
    }

    #[test]
    fn errors_beside_data_are_errors_and_their_codes_become_statuses() {
        for (code, status) in [("NOT_FOUND", 404), ("UNAUTHORIZED", 403), ("BAD_USER_INPUT", 400), ("GRAPHQL_VALIDATION_FAILED", 400)] {
            let body = json!({"data": {"issues": {"nodes": []}}, "errors": [{"message": "no", "extensions": {"code": code}}]});
            assert_eq!(refused(200, &body.to_string()).failure.status_code, Some(status), "{code}");
        }
        let body = r#"{"data":null,"errors":[{"message":"API rate limit exceeded"}]}"#;
        assert_eq!(refused(200, body).failure.status_code, Some(429));
    }

    #[test]
    fn messages_come_once_each_and_a_missing_scope_is_named() {
        let body = r#"{"errors":[{"message":"a"},{"message":"a"},{"message":"b","extensions":{"code":"UNAUTHORIZED",
            "requiredScopes":["read:projects"],"effectiveScopes":["read:issues"]}}]}"#;
        let failure = refused(200, body).failure;
        assert_eq!(failure.message, "a\nb\nRequired scopes: read:projects. It has: read:issues.");
        assert!(failure.hint.unwrap().contains("read:projects"));
    }

    #[test]
    fn what_is_no_answer_is_never_nothing_found() {
        for body in ["", "null", "[]", "{}", r#"{"data":null}"#, r#"{"data":[]}"#, "<html>Sign in</html>", "{\"data\":{\"iss"] {
            assert!(!refused(200, body).failure.message.is_empty(), "{body}");
        }
        assert!(refused(200, "<html>Sign in</html>").failure.message.contains("Sign in"));
        let failure = refused(503, "upstream down").failure;
        assert_eq!((failure.status_code, failure.message.as_str()), (Some(503), "upstream down"));
        assert_eq!(refused(404, "").failure.message, "Wiz answered with HTTP 404.");
    }
}

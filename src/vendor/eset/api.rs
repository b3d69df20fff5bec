//! Calls: the 202 mechanism, paging, and errors in the document's words.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::core::connection::Connection;
use crate::core::outcome::Failure;
use crate::core::request::{Answer, Reply, Request, Trouble};
use crate::core::rows::take_rows;
use crate::core::talk::Talk;

/// Sends a request and collects its answer, however long that takes to be ready (vendors/eset-connect.md §4).
///
/// Collecting repeats the identical request with the header `response-id`; the vendor does not carry it out again. Without an id a
/// changing request is never repeated.
pub async fn call(talk: &Talk, connection: &Connection, request: Request) -> Answer {
    let seconds = |name: &str, default: u64| connection.option(name).and_then(Value::as_u64).unwrap_or(default);
    let mut pause = seconds("poll.initial", 2);
    let total = seconds("poll.total", 150);
    let mut waited = 0;
    let mut id: Option<String> = None;
    let mut restarted = false;
    loop {
        let mut asked = request.clone();
        if let Some(id) = &id {
            asked = asked.header("response-id", id.as_str());
        }
        let reply = talk.send(asked).await?;
        match reply.status {
            202 => {
                let newest = reply.header("response-id").map(str::to_owned);
                id = newest.or(id);
                if id.is_none() && request.changes {
                    return Err(Trouble::Transport("ESET accepted the request without saying where its answer will be; the outcome is unknown. Look before you repeat it.".into()));
                }
                if waited >= total {
                    return Err(Trouble::TimedOut(format!(
                        "ESET had no answer ready within {total} s; the outcome is unknown. Look before you repeat it."
                    )));
                }
                talk.wait(Duration::from_secs(pause)).await;
                waited += pause;
                pause = (pause * 3 / 2).max(pause + 1).min(seconds("poll.max", 10));
            }
            // The cache entry is gone, not the resource.
            404 if id.is_some() && request.changes => {
                return Err(Trouble::Transport(
                    "ESET no longer holds the answer of this request; the outcome is unknown. Look before you repeat it.".into(),
                ));
            }
            404 if id.is_some() && !restarted => {
                restarted = true;
                id = None;
            }
            _ => return Ok(reply),
        }
    }
}

/// A call whose answer is JSON; an empty body is an empty object.
pub async fn json(talk: &Talk, connection: &Connection, request: Request) -> Result<Value, Refused> {
    let reply = call(talk, connection, request).await.map_err(Refused::Trouble)?;
    if !reply.is_success() {
        return Err(Refused::Reply(reply));
    }
    if reply.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    reply.json().map_err(|error| Refused::Trouble(Trouble::Transport(format!("ESET answered with something that is not JSON ({error})."))))
}

/// One page of a list.
pub struct ListPage {
    /// Its rows.
    pub rows: Vec<Value>,
    /// The token of the next page; empty on the last one.
    pub next: String,
    rest: Map<String, Value>,
}

/// Asks for a page of a list. An answer that holds no list is none.
pub async fn page(talk: &Talk, connection: &Connection, request: Request, member: &str) -> Result<ListPage, Refused> {
    let wrong = |what: String| Refused::Trouble(Trouble::Transport(format!("ESET's answer makes no sense: {what}.")));
    let reply = call(talk, connection, request).await.map_err(Refused::Trouble)?;
    if !reply.is_success() {
        return Err(Refused::Reply(reply));
    }
    let Value::Object(mut rest) = reply.json().map_err(|error| wrong(format!("it is not JSON ({error})")))? else {
        return Err(wrong("it is no JSON object".into()));
    };
    let rows = take_rows(&mut rest, member).map_err(wrong)?;
    let next = rest.remove("nextPageToken").and_then(|next| next.as_str().map(str::to_owned)).unwrap_or_default();
    Ok(ListPage { rows, next, rest })
}

/// All pages of a list, merged under its member. `enough` is asked after each page whether that many rows do.
pub async fn pages(
    talk: &Talk,
    connection: &Connection,
    request: Request,
    member: &str,
    mut enough: impl FnMut(&[Value]) -> bool,
) -> Result<Value, Refused> {
    let limit = connection.option("max_pages").and_then(Value::as_u64).unwrap_or(10_000);
    let mut merged = Map::new();
    let (mut rows, mut seen) = (Vec::new(), HashSet::new());
    let mut token = String::new();
    for _ in 0..limit {
        let asked = if token.is_empty() { request.clone() } else { request.clone().query("pageToken", token.as_str()) };
        let ListPage { rows: more, next, rest } = page(talk, connection, asked, member).await?;
        // A list that shifts between two pages repeats rows; each is had once. Rows that differ are others, even under one uuid: a
        // device stands in each of its groups.
        rows.extend(more.into_iter().filter(|row| seen.insert(row.to_string())));
        for (name, value) in rest {
            merged.entry(name).or_insert(value);
        }
        if next.is_empty() || enough(&rows) {
            let mut whole = Map::new();
            whole.insert(member.to_owned(), Value::Array(rows));
            whole.append(&mut merged);
            return Ok(Value::Object(whole));
        }
        if next == token {
            return Err(Refused::Trouble(Trouble::Transport(
                "ESET gave the same page token twice; the list cannot be read to its end.".into(),
            )));
        }
        token = next;
    }
    Err(Refused::Trouble(Trouble::TooLarge(format!("The list has more than {limit} pages; that is the limit (option max_pages)."))))
}

/// Why a call brought nothing.
#[derive(Clone, Debug)]
pub enum Refused {
    /// ESET said no.
    Reply(Reply),
    /// There was no answer.
    Trouble(Trouble),
}

impl Refused {
    /// Whether this is a dry run.
    pub fn is_planned(&self) -> bool {
        matches!(self, Self::Trouble(Trouble::Planned))
    }

    /// Whether going on with the next item makes no sense: no credentials, no more calls.
    pub fn stops(&self) -> bool {
        match self {
            Self::Reply(reply) => matches!(reply.status, 401 | 429),
            Self::Trouble(trouble) => matches!(trouble, Trouble::SignIn(_) | Trouble::Unreached(_) | Trouble::Cancelled | Trouble::Planned),
        }
    }

    /// The HTTP status, where there was an answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Reply(reply) => Some(reply.status),
            Self::Trouble(_) => None,
        }
    }

    /// As a failure in the document's words (§11): `canned` is the document's own text for this command.
    pub fn failure(&self, connection: &Connection, command: &str, canned: Option<String>) -> Failure {
        let indicator = indicator(command);
        let reply = match self {
            Self::Trouble(trouble) => return unanswered(trouble, &indicator, command),
            Self::Reply(reply) => reply,
        };
        let said = vendor_text(reply);
        let from_seed = connection.option_text("errors.status") != Some("vendor");
        let mut failure = match (canned, reply.status) {
            (Some(canned), 400 | 404) => {
                let code = if from_seed { 400 } else { reply.status };
                let mut failure = Failure::new(indicator, canned).status(code);
                failure.hint =
                    Some(format!("ESET answered HTTP {}{}.", reply.status, said.map(|text| format!(": {text}")).unwrap_or_default()));
                failure
            }
            (canned, status) => Failure::new(indicator, said.or(canned).unwrap_or_else(|| reason(status))).status(status),
        };
        if failure.hint.is_none() {
            failure.hint = hint(reply.status).map(str::to_owned);
        }
        failure.request_id.clone_from(&reply.request_id);
        failure
    }
}

/// A request that got no answer. Where the credentials were refused, the test says so in the document's words, and why in the hint.
fn unanswered(trouble: &Trouble, indicator: &str, command: &str) -> Failure {
    let mut failure = trouble.failure(indicator);
    if command == "Test Connection" && matches!(trouble, Trouble::SignIn(_)) && failure.status_code == Some(400) {
        let why = std::mem::replace(&mut failure.message, super::devices::TEST_TEXT.into());
        failure.hint = Some(format!("{why} {}", failure.hint.unwrap_or_default()).trim().to_owned());
    }
    failure
}

/// The document's failure indicator of a command.
pub fn indicator(command: &str) -> String {
    if command == "Test Connection" {
        "Test Connection failed. Failed to check the connector.".into()
    } else {
        format!("{command} failed.")
    }
}

fn hint(status: u16) -> Option<&'static str> {
    Some(match status {
        401 => "The token was refused twice; check the API user.",
        403 => {
            "The API user may lack the right for this: Read for lists, Write for everything else. ESET also answers 403 to input it does not like."
        }
        429 => "ESET takes ten calls a second for an account; wait and try again.",
        500 => "For Run Command an empty 500 often means that the tenant demands approval or a second factor for it.",
        502 | 504 => "If this was a change, ESET may have made it all the same; look before you repeat it.",
        503 => "ESET is under maintenance; try again later.",
        _ => return None,
    })
}

/// ESET's own words: `message` of an rpcStatus, an OAuth error, or the text itself (§6).
pub fn vendor_text(reply: &Reply) -> Option<String> {
    let text = reply.text();
    let text = text.trim();
    let from_json = serde_json::from_str::<Value>(text).ok().and_then(|json| {
        ["message", "error_description", "error"].iter().find_map(|name| json.get(*name).and_then(Value::as_str).map(str::to_owned))
    });
    from_json.filter(|text| !text.is_empty()).or_else(|| {
        if text.is_empty() || text.starts_with('{') {
            return None;
        }
        let mut inside = false;
        let plain: String = text
            .chars()
            .filter(|c| {
                match c {
                    '<' => inside = true,
                    '>' => {
                        inside = false;
                        return false;
                    }
                    _ => {}
                }
                !inside && !c.is_control()
            })
            .take(500)
            .collect();
        Some(plain.trim().to_owned()).filter(|text| !text.is_empty())
    })
}

/// The reason phrase of a status, with its full stop.
fn reason(status: u16) -> String {
    let phrase = match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        412 => "Precondition Failed",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        other => return format!("HTTP {other}."),
    };
    format!("{phrase}.")
}

/// A piece of a path, percent-encoded.
pub fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Rows of a page, as asked for.
pub fn page_size(connection: &Connection) -> String {
    connection.option("page_size").and_then(Value::as_u64).unwrap_or(1_000).min(1_000).to_string()
}

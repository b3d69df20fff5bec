//! The commands beside Fetch Event: comments, projects, updates, the connection's test.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::api::{Called, Document, Refused, call, object};
use super::list::{List, Stopped, WHOLE};
use crate::core::catalogue::{Arguments, Invalid};
use crate::core::connection::Connection;
use crate::core::outcome::{Failure, Fate, Outcome, ReturnData};
use crate::core::request::Trouble;
use crate::core::talk::Talk;

/// Projects; they come in smaller pages than the rest (vendors/wiz.md §2).
fn projects_list(connection: &Connection) -> List {
    let page = connection.option(super::PROJECTS_PAGE).and_then(Value::as_u64).and_then(|page| usize::try_from(page).ok());
    List { document: Document::PROJECTS, root: "projects", title: "projects", page: page.unwrap_or(100) }
}

/// What came of a command over several issues.
#[derive(Default)]
struct Each {
    /// The answers of those that were done, as the document shows them.
    results: Vec<Value>,
    /// Their ids.
    ids: Vec<String>,
    failures: Vec<Failure>,
}

/// Issue IDs, each once.
fn issue_ids(arguments: &Arguments) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for id in arguments.texts("issue_ids") {
        let id = id.trim().to_owned();
        if !id.is_empty() && !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// Makes one call for each issue: the API takes one issue at a time. `found` is where the answer holds what was made or changed.
async fn each(talk: &Talk, indicator: &str, document: Document, ids: Vec<String>, found: &str, variables: impl Fn(&str) -> Value) -> Each {
    let mut each = Each::default();
    let total = ids.len();
    let mut ids = ids.into_iter();
    while let Some(id) = ids.next() {
        let purpose = format!("issue {id}");
        let called = call(talk, indicator, document, variables(&id), &purpose).await;
        let called =
            called.and_then(|data| if data.pointer(found).is_some_and(Value::is_object) { Ok(data) } else { Err(silent(indicator, data)) });
        match called {
            Ok(data) => {
                each.results.push(json!({"data": data}));
                each.ids.push(id);
            }
            // A dry run notes them all.
            Err(_) if talk.planning() => {}
            Err(refused) => {
                let give_up = refused.fatal.then(|| refused.failure.clone());
                let end = id.clone();
                each.failures.push(refused.failure.item(id));
                if let Some(why) = give_up {
                    let message = format!("Not sent, since it ended at {end}: {}", why.message);
                    // Whatever became of that one, of these nothing left.
                    let fate = if why.fate == Fate::Unsent { Fate::Unsent } else { Fate::Plain };
                    let unsent = ids.by_ref().map(|id| Failure { message: message.clone(), fate, ..why.clone() }.item(id));
                    each.failures.extend(unsent);
                }
            }
        }
        if total > 1 {
            talk.progress(format!("{} of {total} issues", each.ids.len() + each.failures.len()), each.ids.len(), Some(total)).await;
        }
    }
    each
}

fn silent(indicator: &str, data: Value) -> Refused {
    Refused::nonsense(indicator, "Wiz answered without an error, but without the issue's data too.", data)
}

impl Each {
    fn outcome(self, state: ReturnData, done: &str) -> Outcome {
        let count = self.ids.len();
        let message = match (count, self.failures.len()) {
            (count, 0) => format!("{done} {count} of {count} issues."),
            (0, 1) => self.failures.first().map(|failure| failure.message.clone()).unwrap_or_default(),
            (count, failed) => format!("{done} {count} of {} issues; {failed} failed.", count + failed),
        };
        Outcome::new(state)
            .raw(json!({"Results": self.results}))
            .key_field("IssueIDs", self.ids)
            .result("Issues Count", count)
            .message(message)
            .errors(self.failures)
    }
}

/// Add Issue Comments. The document knows two states only: it failed when it failed for one of them.
pub async fn add_issue_comments(talk: Talk, _: Arc<Connection>, arguments: Arguments) -> Outcome {
    const INDICATOR: &str = "Add Issue Comments failed.";
    let text = arguments.text("note_text").unwrap_or_default();
    let variables = |id: &str| json!({"input": {"issueId": id, "text": text}});
    let done = each(&talk, INDICATOR, Document::CREATE_ISSUE_NOTE, issue_ids(&arguments), "/createIssueNote/issueNote", variables).await;
    let state = if done.failures.is_empty() { ReturnData::Successful } else { ReturnData::Failed };
    done.outcome(state, "Commented on")
}

/// Reject Reason and Note go with the status Rejected only, and something must be changed (seed 001, Update Issues).
pub fn check_update(arguments: &Arguments) -> Result<(), Invalid> {
    let rejected = arguments.text("status") == Some("Rejected");
    if arguments.has("reject_reason") && !rejected {
        return Err(Invalid::new("reject_reason", "Reject Reason can only be used when Status is set to Rejected."));
    }
    if arguments.has("note") && !rejected {
        let message = "Note can only be used when Status is set to Rejected; for all other situations use Add Issue Comments.";
        return Err(Invalid::new("note", message));
    }
    if !["status", "due_time"].iter().any(|name| arguments.has(name)) {
        return Err(Invalid::new("status", "There is nothing to update: give Status or Due Time."));
    }
    Ok(())
}

/// Update Issues.
pub async fn update_issues(talk: Talk, _: Arc<Connection>, arguments: Arguments) -> Outcome {
    const INDICATOR: &str = "Update Issues failed.";
    let patch = object([
        ("status", arguments.wire("status")),
        ("resolutionReason", arguments.wire("reject_reason")),
        ("dueAt", arguments.get("due_time").cloned()),
        ("note", arguments.get("note").cloned()),
    ]);
    let variables = |id: &str| json!({"issueId": id, "patch": patch});
    let done = each(&talk, INDICATOR, Document::UPDATE_ISSUE, issue_ids(&arguments), "/updateIssue/issue", variables).await;
    let status = |result: &Value| result.pointer("/data/updateIssue/issue/status").cloned().unwrap_or_default();
    let statuses: Vec<Value> = done.results.iter().map(status).collect();
    let state = ReturnData::of(done.ids.len(), done.failures.len());
    done.outcome(state, "Updated").key_field("IssueStatuses", statuses)
}

/// The update that reopens what was updated.
pub fn reopen(arguments: &Arguments, outcome: &Outcome) -> Option<Map<String, Value>> {
    let changed = matches!(arguments.text("status"), Some("Rejected" | "In Progress"));
    let ids = outcome.key_fields.get("IssueIDs").filter(|ids| ids.as_array().is_some_and(|ids| !ids.is_empty()))?;
    changed.then(|| Map::from_iter([("issue_ids".to_owned(), ids.clone()), ("status".to_owned(), Value::from("Open"))]))
}

/// List Projects. The API filters by one impact at a time: High and Medium are two lists.
pub async fn list_projects(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    const INDICATOR: &str = "List Projects failed.";
    let impacts = match arguments.wire("impact") {
        None => vec![None],
        Some(Value::Array(all)) => all.into_iter().map(Some).collect(),
        Some(one) => vec![Some(one)],
    };
    let list = projects_list(&connection);
    let mut nodes: Vec<Value> = Vec::new();
    for (number, impact) in impacts.into_iter().enumerate() {
        let archived = connection.option_flag("include_archived_projects").then_some(Value::Bool(true));
        let filter = object([("search", arguments.get("project_name").cloned()), ("impact", impact), ("includeArchived", archived)]);
        if talk.planning() {
            // Each list is planned with two requests.
            list.plan(&talk, &filter, 2 * number + 1);
            continue;
        }
        match list.walk(&talk, INDICATOR, &filter, WHOLE).await {
            Ok(walk) => {
                for node in walk.nodes {
                    if node.get("id").is_none_or(|id| !nodes.iter().any(|known| known.get("id") == Some(id))) {
                        nodes.push(node);
                    }
                }
            }
            Err(Stopped::Failed(refused)) => return projects(ReturnData::Failed, &[]).fail(*refused),
            Err(Stopped::TooMany(_)) => {
                let message = format!("There are more than {WHOLE} projects, which is the most that Wiz gives for sure; narrow by name.");
                return projects(ReturnData::Failed, &[]).fail(Refused::nonsense(INDICATOR, message, Value::Null));
            }
        }
    }
    projects(ReturnData::Successful, &nodes)
}

fn projects(state: ReturnData, nodes: &[Value]) -> Outcome {
    let values = |name: &str| nodes.iter().map(|node| node.get(name).cloned().unwrap_or_default()).collect::<Vec<_>>();
    let count = nodes.len();
    Outcome::new(state)
        .key_field("ProjectIDs", values("id"))
        .key_field("ProjectNames", values("name"))
        .result("Projects Count", count)
        .message(format!("{count} projects."))
        .raw(json!({"data": {"projects": {"nodes": nodes}}}))
}

trait Fail {
    /// The same with what went wrong.
    fn fail(self, refused: Refused) -> Outcome;
}

impl Fail for Outcome {
    fn fail(mut self, refused: Refused) -> Outcome {
        self.message.clone_from(&refused.failure.message);
        self.raw_data = refused.raw;
        self.errors.push(refused.failure);
        self
    }
}

/// What is said when the test fails.
pub const TEST_FAILED: &str = "Test Connection failed. Failed to check the connector.";

/// Test Connection: a sign-in and a look at one issue.
pub async fn test_connection(talk: Talk, _: Arc<Connection>, _: Arguments) -> Outcome {
    let called: Called = call(&talk, TEST_FAILED, Document::TEST_CONNECTION, json!({"first": 1}), "one issue").await;
    let called = called.and_then(|data| {
        if data.pointer("/issues/nodes").is_some_and(Value::is_array) {
            return Ok(data);
        }
        Err(Refused::nonsense(TEST_FAILED, "Wiz answered without a list of issues.", data))
    });
    match called {
        Ok(data) => Outcome::successful(json!({"data": data})).message("The connection works."),
        Err(refused) => {
            let planned = talk.planning() && refused.failure.message == Trouble::Planned.message();
            let state = if planned { ReturnData::Successful } else { ReturnData::Failed };
            Outcome::new(state).fail(refused)
        }
    }
}

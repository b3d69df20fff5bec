//! The root fields: who may ask for them, what they answer, what they change.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::engine::Refusal;
use super::query::{Order, Query, listed};
use super::render::{Scene, project, project_id, rule_id};
use super::rules::{PROJECTS, RULES, WEAKNESSES};
use super::tenant::{Facts, Issue, Note, Tenant};
use crate::simulator::world::Dice;
use crate::simulator::{Fault, Shared};

/// The most characters of a note.
const NOTE_CAP: usize = 1_400;
/// The reasons that an issue may be rejected for.
const REJECT_REASONS: [&str; 3] = ["FALSE_POSITIVE", "EXCEPTION", "WONT_FIX"];

/// The tenant with what happened to it.
#[derive(Debug)]
pub struct Api {
    tenant: Tenant,
    /// How often each list was walked from its start.
    walks: HashMap<&'static str, usize>,
    dice: Dice,
}

/// One call: when, by whom, in which world.
pub struct Call<'a> {
    /// What the simulators share.
    pub shared: &'a Shared,
    /// When.
    pub now: Timestamp,
    /// What the service account may do.
    pub scopes: &'a [&'a str],
}

impl Call<'_> {
    fn needs(&self, required: &[&str]) -> Result<(), Refusal> {
        if required.iter().any(|scope| self.scopes.contains(scope)) {
            return Ok(());
        }
        Err(Refusal {
            message: "access denied, at least one of the required scopes is missing".into(),
            extensions: json!({"code": "UNAUTHORIZED", "effectiveScopes": self.scopes, "requiredScopes": required}),
        })
    }

    fn scene(&self) -> Scene<'_> {
        Scene { world: &self.shared.world, hostile: self.shared.faults.has(Fault::HostileText) }
    }

    fn duplicates(&self) -> bool {
        self.shared.faults.has(Fault::DuplicateRecords)
    }
}

impl Api {
    /// An API over a tenant.
    pub fn new(tenant: Tenant, seed: u64) -> Self {
        Self { tenant, walks: HashMap::new(), dice: Dice::for_part(seed, "wiz-notes") }
    }

    /// Answers a root field.
    pub fn resolve(&mut self, field: &str, arguments: &Map<String, Value>, call: &Call<'_>) -> Result<Value, Refusal> {
        let query = Query::new(arguments, call.now);
        match field {
            "issuesV2" | "issues" => {
                call.needs(&["read:issues"])?;
                self.issues(&query, call)
            }
            "issue" => {
                call.needs(&["read:issues"])?;
                let id = arguments.get("id").and_then(Value::as_str).unwrap_or_default();
                let found = self.tenant.issues.iter().find(|issue| issue.facts.id == id);
                found.map(|issue| call.scene().issue(issue)).ok_or_else(|| Refusal::bad_input("id must be a valid service issue id"))
            }
            "configurationFindings" => {
                call.needs(&["read:cloud_configuration"])?;
                self.findings(&query, call)
            }
            "vulnerabilityFindings" => {
                call.needs(&["read:vulnerabilities"])?;
                self.vulnerabilities(&query, call)
            }
            "projects" => {
                call.needs(&["read:projects"])?;
                projects(&query)
            }
            "updateIssue" => self.update_issue(arguments, call),
            "createIssueNote" => self.create_note(arguments, call),
            "deleteIssueNote" => Err(Refusal::bad_input("Only the user who created the note, can delete it.")),
            other => Err(Refusal::new("INTERNAL", format!("{other} is not simulated"))),
        }
    }

    /// Whether this walk over a list sees what is indexed late: every walk but the first does.
    fn sees_late(&mut self, list: &'static str, query: &Query<'_>, call: &Call<'_>) -> bool {
        let walks = self.walks.entry(list).or_default();
        // A look at a handful is no walk.
        if query.after().is_none() && query.first().is_some_and(|first| first > 5) {
            *walks += 1;
        }
        !call.shared.faults.has(Fault::LateRecords) || *walks > 1
    }

    fn issues(&mut self, query: &Query<'_>, call: &Call<'_>) -> Result<Value, Refusal> {
        let late = self.sees_late("issues", query, call);
        let (changed, created, resolved, due) =
            (query.date("statusChangedAt")?, query.date("createdAt")?, query.date("resolvedAt")?, query.date("dueAt")?);
        let scene = call.scene();
        let wanted = |issue: &Issue| {
            let projects = || issue.projects.iter().flatten().any(|at| listed(query.filter("project"), &project_id(*at)));
            known(&issue.facts, call.now, late)
                && query.lists("id", &issue.facts.id)
                && query.lists("status", &issue.status)
                && query.lists("severity", issue.severity)
                && query.lists("type", issue.kind)
                && (!query.has("project") || projects())
                && (!query.has("sourceControl") || issue.rule.is_some_and(|at| query.lists("sourceControl", &rule_id(at))))
                && query.filter("resolutionReason").is_none_or(|list| listed(Some(list), issue.reason.as_deref().unwrap_or("-")))
                && query.flag("hasNote", issue.notes.as_ref().is_some_and(|notes| !notes.is_empty()))
                && changed(issue.changed)
                && created(Some(issue.created))
                && resolved(issue.resolved)
                && due(issue.due)
                && searched(query, issue)
                && related(query, &scene, issue)
        };
        // With that filter the results come in its order, whatever was asked for.
        let order = match (query.has("statusChangedAt"), query.order()) {
            (true, _) => Order { field: "StatusChangedAt", descending: false },
            (_, Some(("SEVERITY" | "SEVERITY_EXPLOITABLE", descending))) => Order { field: "Severity", descending },
            (_, Some(("STATUS_CHANGED_AT", descending))) => Order { field: "StatusChangedAt", descending },
            (_, Some((_, descending))) => Order { field: "CreatedAt", descending },
            (_, None) => Order { field: "CreatedAt", descending: true },
        };
        let key = |issue: &Issue| match order.field {
            "Severity" => rank(issue.severity),
            "StatusChangedAt" => issue.changed.map_or(0, Timestamp::as_microsecond),
            _ => issue.created.as_microsecond(),
        };
        let all = self.tenant.issues.iter().filter(|issue| wanted(issue));
        let all = all.map(|issue| (key(issue), issue.facts.id.as_str(), issue)).collect();
        query.page(all, order, call.duplicates(), |issue| scene.issue(issue))
    }

    fn findings(&mut self, query: &Query<'_>, call: &Call<'_>) -> Result<Value, Refusal> {
        let late = self.sees_late("findings", query, call);
        let (first_seen, analyzed, updated) = (query.date("firstSeenAt")?, query.date("analyzedAt")?, query.date("updatedAt")?);
        let scene = call.scene();
        let rules = query.filter("rule").and_then(|rule| rule.get("id"));
        let platforms = query.filter("resource").and_then(|resource| resource.get("cloudPlatform"));
        let order = match query.order() {
            Some((_, descending)) => Order { field: "Severity", descending },
            None => Order { field: "AnalyzedAt", descending: true },
        };
        let all = self
            .tenant
            .findings
            .iter()
            .filter(|finding| {
                known(&finding.facts, call.now, late)
                    && query.lists("status", finding.status)
                    && query.lists("severity", finding.severity)
                    && query.lists("result", finding.result)
                    && listed(rules, &rule_id(finding.rule))
                    && first_seen(Some(finding.first_seen))
                    && analyzed(Some(finding.analyzed))
                    && updated(Some(finding.updated))
                    && (platforms.is_none() || listed(platforms, text(&scene.finding(finding), "/resource/cloudPlatform")))
            })
            .map(|finding| {
                let key = if order.field == "Severity" { rank(finding.severity) } else { finding.analyzed.as_microsecond() };
                (key, finding.facts.id.as_str(), finding)
            })
            .collect();
        query.page(all, order, call.duplicates(), |finding| scene.finding(finding))
    }

    fn vulnerabilities(&mut self, query: &Query<'_>, call: &Call<'_>) -> Result<Value, Refusal> {
        let late = self.sees_late("vulnerabilities", query, call);
        let (updated, first_seen) = (query.date("updatedAt")?, query.date("firstSeenAt")?);
        let scene = call.scene();
        let order = Order { field: "CreatedAt", descending: query.order().is_none_or(|(_, descending)| descending) };
        let all = self
            .tenant
            .vulnerabilities
            .iter()
            .filter(|one| {
                let Some(weakness) = WEAKNESSES.get(one.weakness) else { return false };
                let platforms = query.filter("cloudPlatforms");
                let asset = || scene.vulnerability(one);
                known(&one.facts, call.now, late)
                    && query.lists("id", &one.facts.id)
                    && query.lists("status", one.status)
                    && query.lists("severity", weakness.severity)
                    && query.lists("vendorSeverity", weakness.severity)
                    && query.lists("vulnerabilityExternalId", weakness.cve)
                    && query.lists("detectionMethod", "PACKAGE")
                    && query.flag("hasFix", !weakness.fixed.is_empty())
                    && query.flag("hasExploit", weakness.exploit)
                    && query.flag("hasCisaKevExploit", weakness.exploit && weakness.score > 9.0)
                    && updated(Some(one.updated))
                    && first_seen(Some(one.first))
                    && (!query.has("assetType") || query.lists("assetType", text(&asset(), "/vulnerableAsset/type")))
                    && (platforms.is_none() || listed(platforms, text(&asset(), "/vulnerableAsset/cloudPlatform")))
                    && named(query.filter("assetName"), || text(&asset(), "/vulnerableAsset/name").to_owned())
            })
            .map(|one| (one.first.as_microsecond(), one.facts.id.as_str(), one))
            .collect();
        query.page(all, order, call.duplicates(), |one| scene.vulnerability(one))
    }

    fn update_issue(&mut self, arguments: &Map<String, Value>, call: &Call<'_>) -> Result<Value, Refusal> {
        let input = arguments.get("input").cloned().unwrap_or_default();
        let given = |part: &str, key: &str| input.get(part).and_then(|part| part.get(key)).cloned();
        let patch = |key: &str| given("patch", key).filter(|value| !value.is_null());
        let texts = |key: &str| patch(key).and_then(|value| value.as_str().map(str::to_owned));
        let (status, note, reason) = (texts("status"), texts("note"), texts("resolutionReason"));
        let due = match patch("dueAt").or_else(|| given("override", "dueAt")) {
            None => None,
            Some(Value::Null) => Some(None),
            Some(value) => Some(Some(moment(&value)?)),
        };
        for (asked, scope) in [
            (status.is_some() || reason.is_some(), "write:issue_status"),
            (due.is_some(), "write:issue_due_at"),
            (note.is_some(), "write:issue_comments"),
        ] {
            if asked {
                call.needs(&["update:issues", scope])?;
            }
        }
        let id = input.get("id").and_then(Value::as_str).unwrap_or_default();
        self.lose(id, call);
        let dice = &mut self.dice;
        let issue = find(&mut self.tenant.issues, id, "updateIssue")?;
        match (status.as_deref(), &reason) {
            (Some("RESOLVED"), _) if issue.kind != "THREAT_DETECTION" => {
                return Err(Refusal::bad_input("only threat detection issues can be resolved manually"));
            }
            (Some("REJECTED"), None) => return Err(Refusal::bad_input("resolutionReason is required to reject an issue")),
            (Some("REJECTED"), Some(reason)) if !REJECT_REASONS.contains(&reason.as_str()) => {
                return Err(Refusal::bad_input(format!("{reason} is not a reason to reject an issue")));
            }
            (Some("OPEN" | "IN_PROGRESS") | None, Some(_)) => {
                return Err(Refusal::bad_input("resolutionReason goes with the status REJECTED or RESOLVED"));
            }
            _ => {}
        }
        if note.as_ref().is_some_and(|note| note.chars().count() > NOTE_CAP) {
            return Err(Refusal::bad_input(format!("note must have at most {NOTE_CAP} characters")));
        }
        if let Some(status) = status {
            if status != issue.status {
                issue.changed = Some(call.now);
            }
            issue.resolved = matches!(status.as_str(), "REJECTED" | "RESOLVED").then_some(call.now);
            issue.reason = reason;
            issue.status = status;
        }
        if let Some(text) = note {
            issue.note = Some(text.clone());
            issue.notes.get_or_insert_default().push(Note { id: dice.uuid(), created: call.now, text, author: None });
        }
        if let Some(due) = due {
            issue.due = due;
        }
        issue.updated = call.now;
        Ok(json!({"issue": call.scene().issue(issue)}))
    }

    /// With the fault `deleted-records` an issue is gone by now: one in two, always the same.
    fn lose(&mut self, id: &str, call: &Call<'_>) {
        if call.shared.faults.has(Fault::DeletedRecords) && id.bytes().map(usize::from).sum::<usize>() % 2 == 0 {
            self.tenant.issues.retain(|issue| issue.facts.id != id);
        }
    }

    fn create_note(&mut self, arguments: &Map<String, Value>, call: &Call<'_>) -> Result<Value, Refusal> {
        call.needs(&["write:issue_comments", "update:issues"])?;
        let input = arguments.get("input").cloned().unwrap_or_default();
        let value = |key: &str| input.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (id, text) = (value("issueId"), value("text"));
        if text.is_empty() || text.chars().count() > NOTE_CAP {
            return Err(Refusal::bad_input(format!("text must have between 1 and {NOTE_CAP} characters")));
        }
        self.lose(&id, call);
        let issue = find(&mut self.tenant.issues, &id, "createIssueNote")?;
        // Notes carry nanoseconds, unlike everything else.
        let nanos = i32::try_from(self.dice.below(1_000)).unwrap_or(1);
        let created = call.now + jiff::SignedDuration::from_nanos(i64::from(nanos));
        let note = Note { id: self.dice.uuid(), created, text, author: None };
        issue.updated = call.now;
        issue.notes.get_or_insert_default().push(note.clone());
        Ok(json!({"issueNote": call.scene().note(&note)}))
    }
}

fn projects(query: &Query<'_>) -> Result<Value, Refusal> {
    let search = query.filter("search").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let archived = query.filter("includeArchived").and_then(Value::as_bool).unwrap_or(false);
    let order = Order { field: "Name", descending: false };
    let ids: Vec<String> = (0..PROJECTS.len()).map(project_id).collect();
    let all = PROJECTS
        .iter()
        .enumerate()
        .filter(|(_, (name, _, impact, folder, old))| {
            name.to_lowercase().contains(&search)
                && (archived || !old)
                && query.filter("impact").and_then(Value::as_str).is_none_or(|wanted| wanted == *impact)
                && query.flag("isFolder", *folder)
        })
        .filter_map(|(at, _)| Some((i64::try_from(at).ok()?, ids.get(at)?.as_str(), at)))
        .collect();
    query.page(all, order, false, |at| project(*at))
}

/// Whether the API knows a record by now.
fn known(facts: &Facts, now: Timestamp, late: bool) -> bool {
    facts.visible_from <= now && (late || !facts.late)
}

fn searched(query: &Query<'_>, issue: &Issue) -> bool {
    let Some(term) = query.filter("search").and_then(Value::as_str) else { return true };
    let name = issue.rule.and_then(|at| RULES.get(at)).map_or("", |rule| rule.name);
    issue.facts.id == term || name.to_lowercase().contains(&term.to_lowercase())
}

fn related(query: &Query<'_>, scene: &Scene<'_>, issue: &Issue) -> bool {
    let Some(filter) = query.filter("relatedEntity") else { return true };
    let record = scene.issue(issue);
    [("id", "id"), ("ids", "id"), ("type", "type"), ("status", "status"), ("region", "region"), ("nativeType", "nativeType")]
        .iter()
        .chain(&[("cloudPlatform", "cloudPlatform")])
        .all(|(key, field)| {
            let list = filter.get(key).filter(|value| !value.is_null());
            list.is_none() || listed(list, text(&record, &format!("/entitySnapshot/{field}")))
        })
}

fn named(filter: Option<&Value>, name: impl Fn() -> String) -> bool {
    let Some(filter) = filter else { return true };
    let name = name().to_lowercase();
    let list = |key: &str| filter.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let any = |key: &str, test: fn(&str, &str) -> bool| {
        let wanted = list(key);
        wanted.is_empty() || wanted.iter().filter_map(Value::as_str).any(|one| test(&name, &one.to_lowercase()))
    };
    any("equals", |a, b| a == b)
        && any("contains", |a, b| a.contains(b))
        && any("startsWith", |a, b| a.starts_with(b))
        && any("endsWith", |a, b| a.ends_with(b))
        && !list("notEquals").iter().filter_map(Value::as_str).any(|one| one.eq_ignore_ascii_case(&name))
}

fn find<'a>(issues: &'a mut [Issue], id: &str, field: &str) -> Result<&'a mut Issue, Refusal> {
    if Uuid::parse_str(id).is_err() {
        return Err(Refusal::bad_input("id must be a valid service issue id"));
    }
    issues.iter_mut().find(|issue| issue.facts.id == id).ok_or_else(|| Refusal {
        message: "Resource not found".into(),
        extensions: json!({"code": "NOT_FOUND", "exception": {"message": "Resource not found", "path": [field]}}),
    })
}

fn moment(value: &Value) -> Result<Timestamp, Refusal> {
    let time = value.as_str().and_then(|text| text.parse().ok());
    time.ok_or_else(|| Refusal::bad_input(format!("not an RFC 3339 date-time: {value}")))
}

fn text<'a>(record: &'a Value, pointer: &str) -> &'a str {
    record.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn rank(severity: &str) -> i64 {
    match severity {
        "NONE" => 0,
        "INFORMATIONAL" => 1,
        "LOW" => 2,
        "MEDIUM" => 3,
        "HIGH" => 4,
        "CRITICAL" => 5,
        _ => -1,
    }
}

//! Wiz: issues, cloud configuration findings and vulnerability findings of a tenant, over its GraphQL API.
//!
//! Commands, parameters, wordings and field mappings are those of the source document (seed 001); what it leaves open about the API comes
//! from vendors/wiz.md.

mod api;
mod commands;
mod events;
mod fetch;
mod list;
#[cfg(test)]
mod tests;
mod write_back;

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use self::events::{EventType, TYPES};
use crate::core::catalogue::{
    Auth, Choice, Class, Command, Effect, Entry, Invalid, Inverse, Parameter, Quick, Reach, Root, Source, TimeForm, Type, Undo, Vendor,
};
use crate::core::connection::Connection;
use crate::core::origin::is_here;
use crate::core::outcome::Failure;
use crate::core::request::{Follow, Reply, Request, Template};
use crate::core::sign_in::{SignIn, Token, read_oauth};

/// The catalogue entry.
pub const VENDOR: Vendor = Vendor { id: "wiz", title: "Wiz", parameters, options, open };

/// The most calls a second; Wiz allows ten for a service account, and counts in a window that slides.
const CALLS_A_SECOND: i64 = 9;
/// Switch of the most projects of a page, which is not certain (vendors/wiz.md §2).
const PROJECTS_PAGE: &str = "projects_page_size";
/// Switch of the lowest severity of configuration findings, which is not certain (vendors/wiz.md §4).
const LOWEST: &str = "configuration_findings_lowest_severity";
/// The most characters of a note; the API refuses more.
const NOTE: usize = 1_400;
/// How far an increment goes back: records are indexed some time after the moment that they carry.
const OVERLAP: Duration = Duration::from_hours(2);
/// Scopes of the commands that change issues, as the document prints them.
const WRITE_SCOPES: &str = "update:write:issue_due_at, write:issue_status, write:service_ticket, write:issue_comments";
/// What is said of an address that is none (seed 001, Error Sample Data).
const BAD_ENDPOINT: &str = "API endpoint URL is not valid in format.";

fn parameters() -> Vec<Parameter> {
    vec![
        Parameter::new(
            "API endpoint URL",
            Type::TEXT,
            "The Wiz API Endpoint URL, from Profile > User Settings > Tenant: https://api.us1.app.wiz.io.",
        )
        .required(),
        Parameter::new("Client ID", Type::TEXT, "Client ID of the service account.").required(),
        Parameter::new("Client Secret", Type::TEXT, "Client secret of the service account; Wiz shows it once.").required().secret(),
        Parameter::new(
            "Auth URL",
            Type::TEXT,
            "Where tokens come from; by default that of the API host's environment (https://auth.app.wiz.io/oauth/token).",
        ),
        Parameter::new("Audience", Type::TEXT, "Audience of the token: wiz-api, or beyond-api for the older sign-in at auth.wiz.io."),
    ]
}

fn options() -> Vec<Parameter> {
    vec![
        Parameter::new("include_archived_projects", Type::Boolean, "Whether List Projects brings archived projects as well.")
            .default(false),
        Parameter::new(PROJECTS_PAGE, Type::integer(1, 500), "Projects asked for in a page; what Wiz takes at most is not certain.")
            .default(100),
        Parameter::new(
            LOWEST,
            Type::choice(&[("INFORMATIONAL", "INFORMATIONAL"), ("NONE", "NONE")]),
            "How the API calls the lowest severity of configuration findings in a filter.",
        )
        .default("INFORMATIONAL"),
        Parameter::new("rate_per_second", Type::integer(1, 100), "Calls a second, for all commands of the connection together.")
            .default(CALLS_A_SECOND),
    ]
}

fn open(connection: &Connection) -> Result<Entry, Vec<Invalid>> {
    let mut complaints = Vec::new();
    let api = endpoint(connection.text_or_empty("api_endpoint_url"))
        .map_err(|why| complaints.push(Invalid::new("api_endpoint_url", format!("{BAD_ENDPOINT}{why}")).status(400)));
    let auth = match (connection.text("auth_url"), &api) {
        (Some(given), _) => auth_url(given).map_err(|why| Invalid::new("auth_url", format!("Auth URL is not valid in format.{why}"))),
        (None, Ok(api)) => default_auth_url(api).ok_or_else(|| {
            let host = api.host_str().unwrap_or_default();
            Invalid::new("auth_url", format!("Where tokens for {host} come from is not known; give auth_url."))
        }),
        (None, Err(())) => return Err(complaints),
    };
    let auth = auth.map_err(|complaint| complaints.push(complaint));
    let (Ok(api), Ok(auth)) = (api, auth) else { return Err(complaints) };
    let audience = connection.text("audience").unwrap_or_else(|| default_audience(&auth));
    let base = api.as_str().trim_end_matches('/').to_owned();
    Ok(Entry {
        commands: commands(),
        sources: TYPES.iter().map(source).collect(),
        roots: vec![
            Root { name: api::API.into(), url: base, auth: Auth::SignIn(Box::new(sign_in(connection, audience))) },
            Root { name: "auth".into(), url: auth.into(), auth: Auth::None },
        ],
        #[expect(clippy::cast_precision_loss, reason = "a rate is a small number")]
        rate: Some(connection.option("rate_per_second").and_then(Value::as_i64).unwrap_or(CALLS_A_SECOND) as f64),
        test: "test-connection".into(),
        ..Entry::default()
    })
}

fn source(kind: &EventType) -> Source {
    Source::new(kind.name, kind.name, kind.mapping(), OVERLAP, fetch::fetch_source)
        .write_back(write_back::of(kind.name))
        .quick(quick(kind.name))
}

/// What is offered on the events of a type: only issues can be changed.
fn quick(event_type: &str) -> fn(&Value) -> Vec<Quick> {
    if event_type != "Issues" {
        return |_| Vec::new();
    }
    |_| {
        vec![
            Quick::new('c', "Comment", "add-issue-comments"),
            Quick::new('s', "Change status or due time", "update-issues"),
            Quick::new('p', "Set to In Progress", "update-issues").value("status", "In Progress"),
            Quick::new('r', "Reject with a reason", "update-issues").value("status", "Rejected"),
        ]
    }
}

/// Reads the API's address; with or without `/graphql` at its end.
fn endpoint(text: &str) -> Result<Url, String> {
    let mut url = checked(text)?;
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(path.strip_suffix("/graphql").unwrap_or(&path));
    Ok(url)
}

/// Reads a sign-in address; with or without `https://` and the path.
fn auth_url(text: &str) -> Result<Url, String> {
    let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let mut url = checked(&text)?;
    if url.path() == "/" {
        url.set_path("/oauth/token");
    }
    Ok(url)
}

/// A URL that credentials may go to: https, or plain http on this machine. The error goes on after a sentence.
fn checked(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|_| String::new())?;
    match url.scheme() {
        _ if url.host().is_none() => Err(String::new()),
        _ if !url.username().is_empty() || url.password().is_some() => Err(" It must not hold a user name or password.".into()),
        _ if url.query().is_some() || url.fragment().is_some() => Err(" It must end with its path.".into()),
        "https" => Ok(url),
        "http" if is_here(&url) => Ok(url),
        "http" => Err(" Plain http is allowed on 127.0.0.1, [::1] and localhost only.".into()),
        _ => Err(String::new()),
    }
}

/// The sign-in address of the API host's environment (vendors/wiz.md §1).
fn default_auth_url(api: &Url) -> Option<Url> {
    let host = api.host_str()?;
    let known = ["app.wiz.io", "app.wiz.us", "gov.wiz.io", "gov.wiz.us", "test.wiz.io"];
    let environment = known.iter().find(|known| host.strip_suffix(**known).is_some_and(|rest| rest.ends_with('.')))?;
    Url::parse(&format!("https://auth.{environment}/oauth/token")).ok()
}

/// The audience that a sign-in address wants.
fn default_audience(auth: &Url) -> &'static str {
    match auth.host_str() {
        Some("auth.wiz.io" | "auth0.gov.wiz.io" | "auth0.test.wiz.io") => "beyond-api",
        _ => "wiz-api",
    }
}

fn sign_in(connection: &Connection, audience: &str) -> SignIn {
    let mut request = Request::post("auth", "")
        .field("grant_type", "client_credentials")
        .field("audience", audience)
        .field("client_id", connection.text_or_empty("client_id"))
        .field("client_secret", Template::secret("client_secret"))
        .purpose("sign-in")
        .reads();
    request.follow = Follow::No;
    SignIn { read: read_token, ..SignIn::oauth(audience, Some(request)) }
}

fn read_token(reply: &Reply) -> Result<Token, Failure> {
    read_oauth(reply).map_err(|failure| Failure {
        message: format!("Wiz refused the sign-in: {}", failure.message),
        hint: Some("Check client_id, client_secret, auth_url and audience of the connection.".into()),
        ..failure
    })
}

fn choices(all: &[(&str, Value)]) -> Type {
    Type::Choice(all.iter().map(|(label, wire)| Choice { label: (*label).into(), wire: wire.clone() }).collect())
}

fn issue_ids(help: &str) -> Parameter {
    Parameter::new("Issue IDs", Type::texts(1), help).required().prefill_path("Issues", "$.id").pick(
        "fetch-event",
        "$.data.nodes[*].id",
        "$.data.nodes[*].sourceRule.name",
    )
}

fn commands() -> Vec<Command> {
    let mut all = vec![add_issue_comments(), fetch_event(), list_projects(), update_issues(), test_connection()];
    all.iter_mut().for_each(|command| command.refusal = Some(400));
    all
}

fn add_issue_comments() -> Command {
    Command::new("Add Issue Comments", "Adds a comment to the specified issues.", commands::add_issue_comments)
        .permission(WRITE_SCOPES)
        .class(Class::NOTE)
        .parameter(issue_ids("The IDs of the issues to comment on; Fetch Event lists them."))
        .parameter(
            Parameter::new(
                "Note Text",
                Type::Text { max_chars: Some(NOTE), multiline: true },
                "The text of the comment, of at most 1,400 characters.",
            )
            .required(),
        )
        .key_field("IssueIDs", "$.Results[*].data.createIssueNote.issueNote.id")
        .count("Issues Count")
}

fn fetch_event() -> Command {
    let event_types: Vec<(&str, &str)> = TYPES.iter().map(|kind| (kind.name, kind.type_name)).collect();
    let severities = choices(&[
        ("Critical", json!("CRITICAL")),
        ("Critical and High", json!(["CRITICAL", "HIGH"])),
        ("Critical, High and Medium", json!(["CRITICAL", "HIGH", "MEDIUM"])),
        ("Critical, High, Medium and Low", json!(["CRITICAL", "HIGH", "MEDIUM", "LOW"])),
        ("High", json!("HIGH")),
        ("Medium", json!("MEDIUM")),
        ("Low", json!("LOW")),
        ("Informational", json!("INFORMATIONAL")),
    ]);
    let statuses = Type::List {
        of: Box::new(Type::choice(&[("OPEN", "OPEN"), ("IN_PROGRESS", "IN_PROGRESS"), ("RESOLVED", "RESOLVED"), ("REJECTED", "REJECTED")])),
        minimum: 0,
        maximum: None,
    };
    Command::new(
        "Fetch Event",
        "Brings Wiz issues, cloud configuration findings or vulnerability findings, newest first by the time that the event type goes by.",
        fetch::fetch_event,
    )
    .permission("Issues: read:issues; Cloud Configuration Findings: read:cloud_configuration; Vulnerability Findings: read:vulnerabilities")
    .parameter(Parameter::new("Event Type", Type::choice(&event_types), "What to bring.").default("Issues"))
    .parameter(Parameter::new(
        "Start Time",
        Type::Time(TimeForm::Rfc3339),
        "Start of the time range: issues modified, configuration findings first seen, vulnerability findings updated after it. By default \
         24 hours before End Time.",
    ))
    .parameter(Parameter::new("End Time", Type::Time(TimeForm::Rfc3339), "End of the time range. By default now."))
    .parameter(Parameter::new(
        "Number of Event(s) Fetched",
        Type::integer(1, 500),
        "The most events to return, the newest of all that match. By default all of them.",
    ))
    .parameter(Parameter::new(
        "Issue Statuses",
        statuses,
        "Returns events in these statuses; IN_PROGRESS is for issues only. By default in all.",
    ))
    .parameter(Parameter::new("Severity", severities, "Returns events of exactly these severities. By default of all."))
    .parameter(Parameter::new(
        "Additional Filters",
        Type::Object { schema: None },
        "Further filters of the API, such as {\"type\": [\"TOXIC_COMBINATION\"]}; they win over the parameters above.",
    ))
    .rule(fetch::check_window)
    .rule(fetch::check_statuses)
    .key_field("EventIDs", "$.data.nodes[*].id")
    .key_field("Statuses", "$.data.nodes[*].status")
    .count("Events Count")
}

fn list_projects() -> Command {
    let impacts =
        choices(&[("High", json!("HBI")), ("High and Medium", json!(["HBI", "MBI"])), ("Medium", json!("MBI")), ("Low", json!("LBI"))]);
    Command::new("List Projects", "Returns a list of the Wiz projects in the tenant.", commands::list_projects)
        .permission("read:projects")
        .parameter(Parameter::new("Project Name", Type::TEXT, "Filters projects by their name. By default all are returned."))
        .parameter(Parameter::new("Impact", impacts, "Filters projects by business impact. By default all are returned."))
        .key_field("ProjectIDs", "$.data.projects.nodes[*].id")
        .key_field("ProjectNames", "$.data.projects.nodes[*].name")
        .count("Projects Count")
}

fn update_issues() -> Command {
    Command::new("Update Issues", "Updates Status, Due Time or Note of the specified issues.", commands::update_issues)
        .permission(WRITE_SCOPES)
        .class(Class::new(Effect::Write, Reach::Reversible, Undo::Lossy))
        .parameter(issue_ids("The IDs of the issues to update; Fetch Event lists them."))
        .parameter(Parameter::new(
            "Status",
            Type::choice(&[("Open", "OPEN"), ("In Progress", "IN_PROGRESS"), ("Rejected", "REJECTED")]),
            "The new status. RESOLVED cannot be set by hand: Wiz sets it during its scan cycle.",
        ))
        .parameter(Parameter::new(
            "Reject Reason",
            Type::choice(&[("False Positive", "FALSE_POSITIVE"), ("Exception", "EXCEPTION"), ("Won't Fix", "WONT_FIX")]),
            "Why they are rejected; only when Status is Rejected.",
        ))
        .parameter(Parameter::new(
            "Due Time",
            Type::Time(TimeForm::Rfc3339),
            "By when they are expected to be resolved, such as 2007-12-03T10:15:30Z.",
        ))
        .parameter(Parameter::new(
            "Note",
            Type::Text { max_chars: Some(NOTE), multiline: true },
            "A note on the issues; only when Status is Rejected. Otherwise use Add Issue Comments.",
        ))
        .rule(commands::check_update)
        .key_field("IssueIDs", "$.Results[*].data.updateIssue.issue.id")
        .key_field("IssueStatuses", "$.Results[*].data.updateIssue.issue.status")
        .count("Issues Count")
        .inverse(Inverse {
            command: "update-issues".into(),
            arguments: commands::reopen,
            condition: "puts the issues back to Open; a status, due time or note that they had before does not come back".into(),
        })
}

fn test_connection() -> Command {
    Command::new("Test Connection", "Checks that the connection works: signs in and looks at one issue.", commands::test_connection)
        .permission("read:issues")
        .indicator(commands::TEST_FAILED)
}

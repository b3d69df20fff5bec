//! Microsoft Management Activity: the unified audit log of a Microsoft 365 tenant.
//!
//! Commands, parameters, wordings and context paths are those of the source document (seed 003); what it leaves open about the API comes
//! from vendors/microsoft-management-activity.md.

mod commands;
mod content;
mod events;
mod feed;
mod fetch;
mod list_content;
mod record_types;
mod sign_in;
#[cfg(test)]
mod tests;
mod times;

use std::time::Duration;

use serde_json::Value;

use crate::core::catalogue::{
    Class, Command, Effect, Entry, Guided, Invalid, Inverse, Parameter, Reach, Source, TimeForm, Type, Undo, Vendor,
};
use crate::core::connection::Connection;
use crate::core::entity::EntityKind;

/// The catalogue entry.
pub const VENDOR: Vendor = Vendor { id: "management-activity", title: "Microsoft Management Activity", parameters, options, open };

/// The five content types; the service knows no others.
pub(crate) const CONTENT_TYPES: [&str; 5] =
    ["Audit.AzureActiveDirectory", "Audit.Exchange", "Audit.SharePoint", "Audit.General", "DLP.All"];

/// How long content can be had.
const RETENTION: Duration = Duration::from_hours(7 * 24);
/// The permission that every call needs.
const PERMISSION: &str = "ActivityFeed.Read (for DLP.All also ActivityFeed.ReadDlp)";

/// A content type in the service's own spelling.
fn content_type(text: &str) -> Option<&'static str> {
    CONTENT_TYPES.into_iter().find(|known| known.eq_ignore_ascii_case(text.trim()))
}

fn parameters() -> Vec<Parameter> {
    let text = |label: &str, name: &str, help: &str| Parameter::new(label, Type::TEXT, help).named(name);
    let flag = |label: &str, name: &str, help: &str| Parameter::new(label, Type::Boolean, help).named(name).default(false);
    let list = |label: &str, name: &str, help: &str| Parameter::new(label, Type::texts(0), help).named(name);
    vec![
        text("Base URL", "base_url", "The host URL; other clouds have others (https://manage-gcc.office.com/api/v1.0/).")
            .default("https://manage.office.com/api/v1.0/"),
        text("Application ID or Client ID", "client_id", "The app registration ID. Required unless a managed identity is used."),
        text("Key or Client Secret", "client_secret", "The app registration secret.").secret(),
        text("Token or Tenant ID", "tenant_id", "The tenant ID. Required unless a managed identity is used."),
        text(
            "Certificate Thumbprint",
            "certificate_thumbprint",
            "Used for certificate authentication as it appears in the \"Certificates & secrets\" page of the app.",
        ),
        text("Private Key", "private_key", "Used for certificate authentication. The private key of the registered certificate (PEM).")
            .secret(),
        flag("Use a self-deployed Azure application", "self_deployed", "Whether to use a self-deployed application."),
        text("Application redirect URI (for self-deployed mode)", "redirect_uri", "The app registration redirect URI."),
        text(
            "The authentication code you got for the service",
            "auth_code",
            "The AUTH_CODE of the address that generate-login-url leads to, without code= and session_state. It works once.",
        )
        .secret(),
        flag(
            "Use Azure Managed Identities",
            "managed_identity",
            "Only on an Azure VM: signs in with the identity of the Client ID below, or with the System Assigned Managed Identity.",
        ),
        text(
            "Azure Managed Identities Client ID",
            "managed_identity_client_id",
            "The Managed Identities client ID for authentication, only on an Azure VM.",
        ),
        flag("Trust any certificate (not secure)", "insecure", "Whether to trust any certificate. If set to true, is not secure."),
        flag("Use system proxy settings", "proxy", "Whether to use system proxy settings."),
        text("First fetch time range", "first_fetch", "<number> <time unit>, for example 1 hour, 30 minutes; at most 7 days.")
            .default("10 minutes"),
        Parameter::new("Timeout", Type::integer(0, 3_600), "The default timeout (in seconds) for API calls.").default(15),
        list("Content types to fetch", "content_types", "The content types to fetch. By default those with an enabled subscription."),
        list("Record types to fetch", "record_types", "Numbers or names of the record types to fetch. By default all."),
        list("Workloads to fetch", "workloads", "The workloads to fetch. By default all."),
        list("Operations to fetch", "operations", "The operations to fetch. By default all."),
        text("Login URL", "login_url", "Where tokens come from.").default(sign_in::LOGIN_URL),
        text("IMDS URL", "imds_url", "Root or full address of the metadata service that managed identities get their tokens from."),
    ]
}

fn options() -> Vec<Parameter> {
    let number = |name: &str, minimum: i64, maximum: i64, default: i64, help: &str| {
        Parameter::new(name, Type::integer(minimum, maximum), help).default(default)
    };
    vec![
        Parameter::new(
            "publisher_identifier",
            Type::TEXT,
            "GUID that names the caller to the service's throttle. By default the tenant's.",
        ),
        Parameter::new(
            "token_endpoint",
            Type::choice(&[("v1", "v1"), ("v2", "v2")]),
            "Which generation of Entra's token endpoint is used.",
        )
        .default("v1"),
        number("overlap_minutes", 0, 1_440, 120, "How far an increment goes back behind the last one; records turn up late."),
        number("max_pages", 1, 100_000, 1_000, "The most pages of one content listing that are followed."),
    ]
}

fn open(connection: &Connection) -> Result<Entry, Vec<Invalid>> {
    let mut complaints = Vec::new();
    let roots = sign_in::roots(connection).map_err(|mut all| complaints.append(&mut all)).unwrap_or_default();
    let first_fetch = times::span(connection.text("first_fetch").unwrap_or("10 minutes"));
    match first_fetch {
        None => {
            let text = "is not a span of time; write <number> <time unit>, for example 1 hour, 30 minutes";
            complaints.push(Invalid::new("first_fetch", format!("{} {text}.", connection.text_or_empty("first_fetch"))));
        }
        Some(span) if span > RETENTION => {
            complaints.push(Invalid::new("first_fetch", "first fetch time delta should not be over one week."));
        }
        Some(_) => {}
    }
    for name in connection.texts("content_types").iter().filter(|name| content_type(name).is_none()) {
        let text = format!("{name} is not a content type; there are {}.", CONTENT_TYPES.join(", "));
        complaints.push(Invalid::new("content_types", text));
    }
    for name in record_filter(connection).iter().filter(|name| record_types::parse(name).is_none()) {
        complaints.push(Invalid::new("record_types", record_types::unknown(name)));
    }
    if !complaints.is_empty() {
        return Err(complaints);
    }
    Ok(Entry {
        commands: commands(connection),
        sources: sources(connection, first_fetch),
        roots,
        test: "test-connection".into(),
        // What a policy found (card numbers, say) is not for a queue, an index or an export.
        secret_fields: vec!["DetectedValues".into()],
        // None, or 0, is what the document names by default.
        timeout: connection.integer("timeout").and_then(seconds).or(Some(Duration::from_secs(15))),
        guided: sign_in::is_guided(connection).then(|| Guided {
            link: "generate-login-url".into(),
            shown: commands::LOGIN_URL.into(),
            answer: "use-authorization-code".into(),
            parameter: "authorization_code".into(),
        }),
        ..Entry::default()
    })
}

/// Seconds as a time to wait; none at all means that nothing is said.
fn seconds(count: i64) -> Option<Duration> {
    u64::try_from(count).ok().filter(|count| *count > 0).map(Duration::from_secs)
}

/// The record types of the connection; a number in a TOML array counts as well.
fn record_filter(connection: &Connection) -> Vec<String> {
    match connection.parameters.get("record_types") {
        Some(Value::Array(items)) => items.iter().filter_map(crate::core::mapping::scalar).collect(),
        _ => connection.texts("record_types"),
    }
}

fn sources(connection: &Connection, first_fetch: Option<Duration>) -> Vec<Source> {
    let configured: Vec<_> = connection.texts("content_types").iter().filter_map(|name| content_type(name)).collect();
    let minutes = connection.option("overlap_minutes").and_then(Value::as_u64).unwrap_or(120);
    CONTENT_TYPES
        .into_iter()
        .map(|name| {
            let mut source = Source::new(name, name, events::mapping(), Duration::from_mins(minutes), fetch::fetch_source);
            source.first_fetch = first_fetch;
            source.retention = Some(RETENTION);
            source.by_default = configured.is_empty() || configured.contains(&name);
            source
        })
        .collect()
}

fn content_type_type() -> Type {
    Type::choice(&CONTENT_TYPES.map(|name| (name, name)))
}

fn commands(connection: &Connection) -> Vec<Command> {
    vec![
        start_subscription(),
        stop_subscription(),
        Command::new("List Subscriptions", "Lists the content types you are currently subscribed to.", commands::list_subscriptions)
            .permission(PERMISSION),
        list_content(),
        commands::generate_login_url(connection),
        commands::use_authorization_code(),
        Command::new("Auth Reset", "Wipes every token of the connection, so that the authentication begins anew.", commands::auth_reset)
            .class(Class::new(Effect::Write, Reach::Note, Undo::None)),
        fetch_event(),
        Command::new(
            "Test Connection",
            "Checks that the connection works: signs in and lists the subscriptions.",
            commands::test_connection,
        )
        .permission(PERMISSION),
    ]
}

fn content_type_parameter(help: &str) -> Parameter {
    Parameter::new("content_type", content_type_type(), help).required()
}

fn start_subscription() -> Command {
    Command::new("Start Subscription", "Starts a subscription to a given content type.", commands::start_subscription)
        .permission(PERMISSION)
        .class(Class::new(Effect::Write, Reach::Reversible, Undo::Lossy))
        .parameter(content_type_parameter("The content type to subscribe to."))
        .inverse(Inverse {
            command: "stop-subscription".into(),
            arguments: commands::same_content_type,
            condition: "what comes in until it is started again is never retrievable".into(),
        })
}

fn stop_subscription() -> Command {
    Command::new(
        "Stop Subscription",
        "Stops a subscription to a given content type. What comes in until it is started again can never be retrieved.",
        commands::stop_subscription,
    )
    .permission(PERMISSION)
    .class(Class::new(Effect::Destructive, Reach::Irreversible, Undo::Lossy))
    .parameter(content_type_parameter("The content type to unsubscribe from.").pick(
        "list-subscriptions",
        "$[*].contentType",
        "$[*].status",
    ))
    .inverse(Inverse {
        command: "start-subscription".into(),
        arguments: commands::same_content_type,
        condition: "what came in between stays lost".into(),
    })
}

/// Start, end and the three filters, which two commands share.
fn window_and_filters(command: Command) -> Command {
    command
        .parameter(Parameter::new(
            "start_time",
            Type::Time(TimeForm::Rfc3339),
            "The earliest time to get content from (when it became available), at most 7 days ago. Needs end_time. By default 24 hours ago.",
        ))
        .parameter(Parameter::new(
            "end_time",
            Type::Time(TimeForm::Rfc3339),
            "The latest time to get content from. Needs start_time. By default now.",
        ))
        .parameter(Parameter::new(
            "record_types_filter",
            Type::texts(0),
            "Numbers or names of the record types to bring, such as 29 or MailSubmission. By default all.",
        ))
        .parameter(Parameter::new("workloads_filter", Type::texts(0), "The workloads to bring. By default all."))
        .parameter(
            Parameter::new("operations_filter", Type::texts(0), "The operations to bring. By default all.")
                .prefill_path("", "$.Operation"),
        )
        .rule(list_content::check_times)
        .rule(list_content::check_record_types)
}

fn list_content() -> Command {
    let command = Command::new("List Content", "Returns all content of a specific content type.", list_content::list_content)
        .permission(PERMISSION)
        .parameter(content_type_parameter("The content type for which to receive content."));
    window_and_filters(command).rule(list_content::check_day).parameter(Parameter::new(
        "timeout",
        Type::integer(0, 3_600),
        "The timeout (in seconds) for each content requesting HTTP call. By default the connection's.",
    ))
}

fn fetch_event() -> Command {
    let types = Type::List { of: Box::new(content_type_type()), minimum: 0, maximum: None };
    let command = Command::new(
        "Fetch Event",
        "Brings records of content types into the queue. Fetching over a longer time is cut into days by itself.",
        list_content::fetch_event,
    )
    .permission(PERMISSION)
    .parameter(
        Parameter::new("content_types", types, "The content types to bring. By default those of the connection, else the enabled ones.")
            .prefill(&[] as &[EntityKind]),
    )
    .key_field("EventIDs", "$[*].Id")
    .count("Events Count");
    window_and_filters(command).parameter(Parameter::new(
        "number_of_events_fetched",
        Type::integer(1, 100_000),
        "The most events to return, the oldest first. By default all of them.",
    ))
}

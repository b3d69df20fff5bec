//! ESET PROTECT Cloud, over the ESET Connect REST API: devices, client tasks, policies and detections.
//!
//! Commands, parameters, wordings and the field mapping are those of the source document (seed 002); what it leaves open about the API
//! comes from vendors/eset-connect.md.

mod api;
mod detections;
mod devices;
mod policies;
mod runs;
mod tasks;
#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::core::catalogue::{Auth, Command, Entry, Invalid, Parameter, Retry, Root, Type, Vendor};
use crate::core::connection::Connection;
use crate::core::outcome::Failure;
use crate::core::request::{Follow, Reply, Request, Template};
use crate::core::sign_in::{Refresh, SignIn, Token, read_oauth};

/// The catalogue entry.
pub const VENDOR: Vendor = Vendor { id: "eset-protect-cloud", title: "ESET PROTECT Cloud", parameters, options, open };

/// Services by the name of their root, with the word in their host (vendors/eset-connect.md §1).
const SERVICES: [(&str, &str); 5] = [
    ("auth", "business-account.iam"),
    ("device", "device-management"),
    ("automation", "automation"),
    ("policy", "policy-management"),
    ("incident", "incident-management"),
];

/// Regions as they are given, with the prefix of their hosts. Japan's is `jpn`.
const REGIONS: [(&str, &str); 11] = [
    ("EU", "eu"),
    ("DE", "de"),
    ("US", "us"),
    ("CA", "ca"),
    ("JPN", "jpn"),
    ("JP", "jpn"),
    ("JAPAN", "jpn"),
    ("GERMANY", "de"),
    ("CANADA", "ca"),
    ("EUROPE", "eu"),
    ("USA", "us"),
];

/// Said where neither devices nor groups are given (seed 002, Error Sample Data).
pub(super) const EITHER: &str = "Either or both Device UUIDs parameter and Device Group UUIDs parameter should have values.";

fn parameters() -> Vec<Parameter> {
    vec![
        Parameter::new("Region", Type::choice(&REGIONS), "Where the account lies: EU, DE, US, CA or JPN.").required(),
        Parameter::new("Username", Type::TEXT, "Mail address of the API user (not a console login).").required(),
        Parameter::new("Password", Type::TEXT, "Password of the API user.").required().secret(),
        Parameter::new(
            "Endpoints",
            Type::Object { schema: None },
            "Base URLs that replace the region's: { auth, device, automation, policy, incident }.",
        ),
    ]
}

fn options() -> Vec<Parameter> {
    let text = |name: &str, help: &str, default: &str| Parameter::new(name, Type::TEXT, help).named(name).default(default);
    let number =
        |name: &str, help: &str, default: i64| Parameter::new(name, Type::integer(1, 1_000_000), help).named(name).default(default);
    let flag = |name: &str, help: &str, default: bool| Parameter::new(name, Type::Boolean, help).named(name).default(default);
    let choice = |name: &str, all: &[&str], help: &str| {
        let all: Vec<(&str, &str)> = all.iter().map(|one| (*one, *one)).collect();
        Parameter::new(name, Type::choice(&all), help).named(name).default(all.first().map_or("", |(first, _)| *first))
    };
    vec![
        text("integration_header", "Value of the header 3rd-integration.", "nightdesk"),
        number("rate_per_second", "Calls a second, for all commands of the connection together.", 8),
        number("refresh_margin_s", "Seconds before its expiry at which a token is renewed.", 60),
        number("poll.initial", "Seconds until a pending answer is asked for again.", 2),
        number("poll.max", "The longest pause between two looks, in seconds.", 10),
        number("poll.total", "Seconds after which a pending answer is given up.", 150),
        number("retry.max", "How often one request is tried at most; all tries together end within 15 s.", 4),
        number("retry.cap_s", "The longest pause before a request is tried again, in seconds.", 30),
        number("page_size", "Rows of a page.", 1_000),
        number("max_pages", "Pages after which a list is given up.", 10_000),
        flag("fetch.end_inclusive", "Whether End Time belongs to the window, as the document says.", true),
        choice("scan.empty_targets", &["all", "omit", "empty"], "What is sent for no scan targets."),
        number("expire.default_months", "Calendar months until a task expires that was given no Expire Time.", 6),
        choice("targets.update_mode", &["union", "add"], "How Add Endpoints To Task changes targets; add sends new ones only."),
        number("details.batch_size", "Devices asked for in one call.", 50),
        choice("errors.status", &["seed", "vendor"], "Status code of canned errors; seed is 400."),
        choice("detections.api", &["v1", "v2"], "Version of the detections API; v2 is for Cloud Office Security."),
    ]
}

fn open(connection: &Connection) -> Result<Entry, Vec<Invalid>> {
    let region = connection.text_or_empty("region").trim().to_uppercase();
    let overrides = connection.parameters.get("endpoints").and_then(Value::as_object);
    let all_given = overrides.is_some_and(|given| SERVICES.iter().all(|(name, _)| given.contains_key(*name)));
    let prefix = REGIONS.iter().find(|(known, _)| *known == region).map(|(_, prefix)| *prefix);
    let mut complaints = Vec::new();
    if prefix.is_none() && !all_given {
        complaints.push(Invalid::new("region", format!("\"{region}\" is not a region; there are EU, DE, US, CA and JPN.")).status(400));
    }
    if let Some(unknown) = overrides.and_then(|given| given.keys().find(|key| SERVICES.iter().all(|(name, _)| name != key))) {
        complaints
            .push(Invalid::new("endpoints", format!("{unknown} is not a service; there are auth, device, automation, policy, incident.")));
    }
    let mut roots = Vec::new();
    for (name, word) in SERVICES {
        let url = match overrides.and_then(|given| given.get(name)).and_then(Value::as_str) {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("https://{}.{word}.eset.systems", prefix.unwrap_or("eu")),
        };
        match url::Url::parse(&url).map_err(|_| "is not a URL").and_then(|url| crate::core::origin::judge(&url)) {
            Ok(()) => roots.push(Root { name: name.into(), url, auth: Auth::None }),
            Err(reason) => complaints.push(Invalid::new("endpoints", format!("{name} {reason}."))),
        }
    }
    if !complaints.is_empty() {
        return Err(complaints);
    }
    let number =
        |name: &str, default: u32| connection.option(name).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()).unwrap_or(default);
    let sign_in = sign_in(connection);
    for root in roots.iter_mut().skip(1) {
        root.auth = Auth::SignIn(Box::new(sign_in.clone()));
    }
    Ok(Entry {
        commands: commands(),
        sources: vec![detections::source()],
        roots,
        #[expect(clippy::cast_precision_loss, reason = "a rate is a small number")]
        rate: connection.option("rate_per_second").and_then(Value::as_i64).map(|rate| rate as f64),
        test: "test-connection".into(),
        secret_fields: vec!["deviceToken".into()],
        headers: vec![("3rd-integration".into(), connection.option_text("integration_header").unwrap_or("nightdesk").into())],
        retry: Retry { tries: number("retry.max", 4), pause: Duration::from_secs(number("retry.cap_s", 30).into()) },
        // ESET may hold an answer for 50 s before it says that it is pending (vendors/eset-connect.md §4).
        timeout: Some(Duration::from_secs(60)),
        ..Entry::default()
    })
}

/// Password grant, then refresh grants with rotation; a dead refresh token is healed by a new password grant (§2).
fn sign_in(connection: &Connection) -> SignIn {
    let token = || {
        // By its root, which has no credentials: all services may lie on one host.
        let mut request = Request::post("auth", "/oauth/token").reads();
        request.follow = Follow::No;
        request
    };
    let grant = token()
        .field("grant_type", "password")
        .field("username", connection.text_or_empty("username"))
        .field("password", Template::secret("password"))
        .purpose("sign in");
    let refresh = token()
        .field("grant_type", "refresh_token")
        .field("refresh_token", Template::refresh_token("refresh_token"))
        .purpose("renew the sign-in");
    let mut sign_in = SignIn::oauth("eset", Some(grant));
    sign_in.refresh = Some(Refresh { request: refresh, parameter: None, fall_back: true });
    sign_in.read = read_token;
    sign_in.collect = Some("response-id".into());
    sign_in.margin =
        connection.option("refresh_margin_s").and_then(Value::as_u64).and_then(|margin| u32::try_from(margin).ok()).unwrap_or(60);
    sign_in
}

fn read_token(reply: &Reply) -> Result<Token, Failure> {
    let mut token = read_oauth(reply).map_err(|mut failure| {
        if matches!(reply.status, 400 | 401 | 403) {
            let said = api::vendor_text(reply).map(|text| format!(" ({text})")).unwrap_or_default();
            failure.message = format!("ESET refused the credentials{said}.");
            failure.hint = Some("Check username and password of the API user, and that Integrations is switched on for it.".into());
        }
        failure
    })?;
    token.expires_in = token.expires_in.or(Some(600));
    Ok(token)
}

/// The commands, in the order of the document.
fn commands() -> Vec<Command> {
    let mut all = vec![tasks::add_endpoints(), policies::assign(), policies::delete(), detections::command()];
    all.extend(devices::commands());
    all.extend([
        tasks::isolate(),
        devices::list_groups(),
        runs::list_tasks(),
        policies::list(),
        policies::list_assignments(),
        runs::history(),
    ]);
    all.extend(tasks::others());
    all.extend([runs::update_trigger(), devices::test_connection()]);
    all.iter_mut().for_each(|command| command.refusal = Some(400));
    all.sort_by_key(|command| ORDER.iter().position(|name| *name == command.name));
    all
}

/// Order of the commands in the document.
const ORDER: [&str; 21] = [
    "add-endpoints-to-task",
    "assign-policy-to-endpoints",
    "delete-policy-assignments",
    "fetch-event",
    "get-device-group-endpoints",
    "get-endpoint-details",
    "isolate-endpoints",
    "list-device-groups",
    "list-device-tasks",
    "list-policies",
    "list-policy-assignments",
    "list-task-history",
    "on-demand-scan",
    "run-command",
    "shutdown-or-reboots-endpoints",
    "stop-managing-endpoints",
    "uninstall-third-party-av-software",
    "unisolate-endpoints",
    "update-operating-system",
    "update-task-trigger",
    "test-connection",
];

/// Where the expiry of a task lies that was given none: so many calendar months ahead, clamped at the month's end (§9).
pub(super) fn default_expiry(connection: &Connection, now: Timestamp) -> Timestamp {
    let months = connection.option("expire.default_months").and_then(Value::as_i64).unwrap_or(6);
    now.to_zoned(jiff::tz::TimeZone::UTC).checked_add(jiff::Span::new().months(months)).map_or(now, |zoned| zoned.timestamp())
}

/// A moment as ESET writes it: whole seconds, `Z`.
pub(super) fn wire_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The manual trigger that lasts until then.
pub(super) fn trigger(expire: Timestamp) -> Value {
    json!([{"manual": {"expireTime": wire_time(expire)}}])
}

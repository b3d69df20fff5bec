//! The routes of Graph and Defender, what each needs and what it does: the one place where a path is named.
//!
//! Permissions are the least privileged ones of `vendors/azure-api.md` §10; a wider one that contains it is accepted too.

use std::collections::BTreeSet;

use super::answer::Answer;
use super::graph::Call;
use super::{Azure, defender, directory, mail, security};

/// A list that lies in a table.
#[derive(Clone, Copy, Debug)]
pub struct List {
    /// The table.
    pub table: &'static str,
    /// The path's variable and the records' hidden field that must match it.
    pub of: Option<(&'static str, &'static str)>,
    /// Records a page when the client does not say.
    pub page: usize,
    /// The most that `$top` may ask for.
    pub most: usize,
}

/// What a route does.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// Lists records.
    List(List),
    /// Shows the record whose id is the last variable.
    Get(&'static str),
    /// Takes the record away.
    Delete(&'static str),
    /// Anything else.
    Do(fn(&Azure, &Call) -> Answer),
}

/// One route.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, with `{name}` for variables, also inside a segment.
    pub path: &'static str,
    /// What an application needs, any one of them; empty when no application may.
    pub app: &'static str,
    /// What a user's token needs, any one of them.
    pub user: &'static str,
    /// What it does.
    pub act: Act,
}

const fn route(method: &'static str, path: &'static str, need: &'static str, act: Act) -> Route {
    Route { method, path, app: need, user: need, act }
}

const fn split(method: &'static str, path: &'static str, app: &'static str, user: &'static str, act: Act) -> Route {
    Route { method, path, app, user, act }
}

const fn list(table: &'static str) -> Act {
    Act::List(List { table, of: None, page: 100, most: 999 })
}

const fn paged(table: &'static str, page: usize, most: usize) -> Act {
    Act::List(List { table, of: None, page, most })
}

const fn of(table: &'static str, variable: &'static str, field: &'static str) -> Act {
    Act::List(List { table, of: Some((variable, field)), page: 100, most: 999 })
}

/// Graph, without the version in front: both versions have the same routes here.
pub const GRAPH: &[Route] = &[
    route("GET", "/organization", "Organization.Read.All Directory.Read.All User.Read", list("organization")),
    split("GET", "/me", "", "User.Read", Act::Do(directory::me)),
    route("GET", "/users", "User.Read.All Directory.Read.All", list("users")),
    route("GET", "/users/{id}", "User.Read.All Directory.Read.All", Act::Do(directory::user)),
    route("PATCH", "/users/{id}", "User.EnableDisableAccount.All User.ReadWrite.All", Act::Do(directory::patch_user)),
    route("POST", "/users/{id}/revokeSignInSessions", "User.RevokeSessions.All User.ReadWrite.All", Act::Do(directory::revoke)),
    route("GET", "/users/{id}/authentication/methods", "UserAuthenticationMethod.Read.All", of("methods", "id", "_user")),
    split("GET", "/users/{id}/transitiveMemberOf/microsoft.graph.directoryRole", "User.Read.All", "User.Read", of("roles", "id", "_user")),
    route("GET", "/users/{id}/oauth2PermissionGrants", "Directory.Read.All", of("grants", "id", "principalId")),
    split("GET", "/users/{id}/registeredDevices", "User.Read.All", "User.Read", of("devices", "id", "_user")),
    route("GET", "/devices", "Device.Read.All", list("devices")),
    route("GET", "/oauth2PermissionGrants", "Directory.Read.All", list("grants")),
    route("DELETE", "/oauth2PermissionGrants/{gid}", "DelegatedPermissionGrant.ReadWrite.All", Act::Delete("grants")),
    route("GET", "/applications", "Application.Read.All", list("applications")),
    route("GET", "/servicePrincipals", "Application.Read.All", list("servicePrincipals")),
    route("GET", "/servicePrincipals/{spId}", "Application.Read.All", Act::Get("servicePrincipals")),
    route("GET", "/servicePrincipals/{spId}/appRoleAssignments", "Application.Read.All", of("appRoles", "spId", "principalId")),
    route("PATCH", "/servicePrincipals/{spId}", "Application.ReadWrite.All", Act::Do(directory::patch_principal)),
    route("GET", "/identity/conditionalAccess/policies", "Policy.Read.All", list("policies")),
    route("GET", "/identity/conditionalAccess/namedLocations", "Policy.Read.All", list("namedLocations")),
    route("GET", "/reports/authenticationMethods/userRegistrationDetails", "AuditLog.Read.All", list("registrations")),
    route("GET", "/auditLogs/signIns", "AuditLog.Read.All", paged("signIns", 1_000, 1_000)),
    route("GET", "/auditLogs/signIns/{sid}", "AuditLog.Read.All", Act::Get("signIns")),
    route("GET", "/auditLogs/directoryAudits", "AuditLog.Read.All", paged("directoryAudits", 1_000, 1_000)),
    route("GET", "/identityProtection/riskyUsers", "IdentityRiskyUser.Read.All", paged("riskyUsers", 100, 500)),
    route("GET", "/identityProtection/riskyUsers/{id}/history", "IdentityRiskyUser.Read.All", of("riskHistory", "id", "userId")),
    route("GET", "/identityProtection/riskDetections", "IdentityRiskEvent.Read.All", paged("riskDetections", 100, 500)),
    route(
        "POST",
        "/identityProtection/riskyUsers/confirmCompromised",
        "IdentityRiskyUser.ReadWrite.All",
        Act::Do(directory::confirm_compromised),
    ),
    route("POST", "/identityProtection/riskyUsers/dismiss", "IdentityRiskyUser.ReadWrite.All", Act::Do(directory::dismiss_risk)),
    route("GET", "/users/{id}/mailFolders/inbox/messageRules", "MailboxSettings.Read", of("messageRules", "id", "_user")),
    route("DELETE", "/users/{id}/mailFolders/inbox/messageRules/{ruleId}", "MailboxSettings.ReadWrite", Act::Delete("messageRules")),
    route("GET", "/users/{id}/mailboxSettings", "MailboxSettings.Read", Act::Do(mail::settings)),
    split("GET", "/users/{id}/messages", "Mail.ReadBasic.All Mail.Read", "Mail.ReadBasic Mail.Read", of("messages", "id", "_user")),
    route("GET", "/users/{id}/messages/{mid}", "Mail.Read", Act::Get("messages")),
    route("GET", "/users/{id}/messages/{mid}/$value", "Mail.Read", Act::Do(mail::source)),
    route("POST", "/users/{id}/messages/{mid}/move", "Mail.ReadWrite", Act::Do(mail::relocate)),
    route("GET", "/admin/exchange/tracing/messageTraces", "ExchangeMessageTrace.Read.All", paged("messageTraces", 1_000, 5_000)),
    route(
        "GET",
        "/admin/exchange/tracing/messageTraces/{tid}/getDetailsByRecipient(recipientAddress='{r}')",
        "ExchangeMessageTrace.Read.All",
        Act::Do(mail::trace_details),
    ),
    route("POST", "/security/runHuntingQuery", "ThreatHunting.Read.All", Act::Do(security::hunt)),
    route("POST", "/security/auditLog/queries", "AuditLogsQuery.Read.All", Act::Do(security::open_audit_query)),
    route("GET", "/security/auditLog/queries", "AuditLogsQuery.Read.All", list("auditQueries")),
    route("GET", "/security/auditLog/queries/{qid}", "AuditLogsQuery.Read.All", Act::Do(security::audit_query)),
    route("GET", "/security/auditLog/queries/{qid}/records", "AuditLogsQuery.Read.All", Act::Do(security::audit_records)),
    split(
        "GET",
        "/teams/{tid}/channels/{cid}/messages",
        "ChannelMessage.Read.Group",
        "ChannelMessage.Read.All",
        of("channelMessages", "cid", "_channel"),
    ),
    split("GET", "/users/{id}/chats/getAllMessages", "Chat.Read.All", "", of("chats", "id", "_user")),
    split("GET", "/users/{id}/drive/root/children", "Files.Read.All", "Files.Read", of("driveItems", "id", "_user")),
    split("GET", "/drives/{d}/items/{i}/permissions", "Files.Read.All", "Files.Read", of("itemPermissions", "i", "_item")),
    split("DELETE", "/drives/{d}/items/{i}/permissions/{p}", "Files.ReadWrite.All", "Files.ReadWrite", Act::Delete("itemPermissions")),
    split("GET", "/drives/{d}/items/{i}/content", "Files.Read.All", "Files.Read", Act::Do(mail::download)),
    split("POST", "/drives/{d}/items/{i}/copy", "Files.ReadWrite.All", "Files.ReadWrite", Act::Do(mail::copy)),
    route("GET", "/security/alerts_v2", "SecurityAlert.Read.All", paged("alerts", 500, 1_000)),
    route("GET", "/security/alerts_v2/{aid}", "SecurityAlert.Read.All", Act::Get("alerts")),
    route("PATCH", "/security/alerts_v2/{aid}", "SecurityAlert.ReadWrite.All", Act::Do(security::patch_alert)),
    route("POST", "/security/alerts_v2/{aid}/comments", "SecurityAlert.ReadWrite.All", Act::Do(security::comment)),
    route("GET", "/security/incidents", "SecurityIncident.Read.All", paged("incidents", 50, 50)),
    route("GET", "/security/incidents/{iid}", "SecurityIncident.Read.All", Act::Get("incidents")),
    route("PATCH", "/security/incidents/{iid}", "SecurityIncident.ReadWrite.All", Act::Do(security::patch_incident)),
    split("POST", "/security/collaboration/analyzedEmails/remediate", "SecurityAnalyzedMessage.ReadWrite.All", "", Act::Do(mail::purge)),
];

/// Defender for Endpoint, below `/api`.
pub const DEFENDER: &[Route] = &[
    route("GET", "/api/machines", "Machine.Read.All Machine.Read", list("machines")),
    route("GET", "/api/machines/{mid}", "Machine.Read.All Machine.Read", Act::Get("machines")),
    route("POST", "/api/machines/{mid}/isolate", "Machine.Isolate", Act::Do(defender::isolate)),
    route("POST", "/api/machines/{mid}/unisolate", "Machine.Isolate", Act::Do(defender::unisolate)),
    route("GET", "/api/machineactions", "Machine.Read.All Machine.Read", list("machineActions")),
    route("GET", "/api/machineactions/{actionId}", "Machine.Read.All Machine.Read", Act::Do(defender::action)),
];

/// Every permission that some route asks for.
pub fn every_permission() -> BTreeSet<String> {
    GRAPH
        .iter()
        .chain(DEFENDER)
        .flat_map(|route| route.app.split(' ').chain(route.user.split(' ')))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether what was granted covers what is needed: itself, or the writing form of the same right.
pub fn covers(granted: &BTreeSet<String>, needed: &str) -> bool {
    granted.contains(needed) || granted.contains(&needed.replace(".Read.", ".ReadWrite.")) || {
        needed.ends_with(".Read") && granted.contains(&format!("{needed}Write"))
    }
}

/// The variables of a path that fits, percent-decoding done by the caller.
pub fn fit(pattern: &str, path: &[String]) -> Option<Vec<(&'static str, String)>> {
    let pattern: Vec<&str> = pattern.trim_start_matches('/').split('/').collect();
    if pattern.len() != path.len() {
        return None;
    }
    let mut variables = Vec::new();
    for (want, have) in pattern.iter().zip(path) {
        match want.split_once('{').and_then(|(front, rest)| rest.split_once('}').map(|(name, back)| (front, name, back))) {
            None if want == have => {}
            None => return None,
            Some((front, name, back)) => {
                let value = have.strip_prefix(front)?.strip_suffix(back)?;
                variables.push((known(name)?, value.to_owned()));
            }
        }
    }
    Some(variables)
}

/// The names that variables have in the tables above.
fn known(name: &str) -> Option<&'static str> {
    const NAMES: [&str; 17] =
        ["id", "gid", "spId", "sid", "ruleId", "mid", "tid", "r", "qid", "cid", "d", "i", "p", "aid", "iid", "actionId", "x"];
    NAMES.iter().find(|known| **known == name).copied()
}

//! Users, their sessions and risk, and applications.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::answer::{Answer, bad, bare, missing, ok};
use super::graph::Call;
use super::tables::stamp;
use super::{Azure, odata};

/// `GET /me`
pub fn me(azure: &Azure, call: &Call) -> Answer {
    let id = call.token.user.clone().unwrap_or_default();
    show_user(azure, call, &id)
}

/// `GET /users/{id}`
pub fn user(azure: &Azure, call: &Call) -> Answer {
    show_user(azure, call, call.variable("id"))
}

fn show_user(azure: &Azure, call: &Call, id: &str) -> Answer {
    let mut tables = azure.tables();
    let user = tables.record("users", id).ok_or_else(|| missing(id))?;
    Ok(ok(&odata::select(user, call.option("$select"))))
}

/// `PATCH /users/{id}`
pub fn patch_user(azure: &Azure, call: &Call) -> Answer {
    patch(azure, call, "users", "id", &["accountEnabled", "displayName", "department", "jobTitle"])
}

/// `PATCH /servicePrincipals/{id}`
pub fn patch_principal(azure: &Azure, call: &Call) -> Answer {
    patch(azure, call, "servicePrincipals", "spId", &["accountEnabled", "displayName", "notes"])
}

fn patch(azure: &Azure, call: &Call, table: &'static str, variable: &str, fields: &[&str]) -> Answer {
    let change = call.json()?;
    let id = call.variable(variable);
    let mut tables = azure.tables();
    let record = tables.record(table, id).ok_or_else(|| missing(id))?;
    for (name, value) in change.as_object().into_iter().flatten() {
        if !fields.contains(&name.as_str()) {
            return Err(bad(&format!("Invalid property '{name}'.")));
        }
        if name == "accountEnabled" && !value.is_boolean() {
            return Err(bad("Invalid value specified for property 'accountEnabled' of resource 'User'."));
        }
        record[name] = value.clone();
    }
    Ok(bare(StatusCode::NO_CONTENT))
}

/// `POST /users/{id}/revokeSignInSessions`: the refresh tokens of the user really end.
pub fn revoke(azure: &Azure, call: &Call) -> Answer {
    let id = call.variable("id").to_owned();
    let now = azure.shared.clock.now();
    let known = azure.tables().record("users", &id).map(|user| user["signInSessionsValidFromDateTime"] = json!(stamp(now)));
    known.ok_or_else(|| missing(&id))?;
    azure.login().revoke(&id, now);
    Ok(ok(&json!({"@odata.context": format!("{}{}/$metadata#Edm.Boolean", call.root, call.version), "value": true})))
}

/// `POST …/confirmCompromised`
pub fn confirm_compromised(azure: &Azure, call: &Call) -> Answer {
    judge(azure, call, "high", "confirmedCompromised", "adminConfirmedUserCompromised")
}

/// `POST …/dismiss`
pub fn dismiss_risk(azure: &Azure, call: &Call) -> Answer {
    judge(azure, call, "none", "dismissed", "adminDismissedAllRiskForUser")
}

fn judge(azure: &Azure, call: &Call, level: &str, state: &str, detail: &str) -> Answer {
    let body = call.json()?;
    let ids: Vec<String> = body["userIds"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    if ids.is_empty() || ids.len() > 60 {
        return Err(bad("userIds must hold between 1 and 60 ids."));
    }
    let now = stamp(azure.shared.clock.now());
    let mut tables = azure.tables();
    if let Some(unknown) = ids.iter().find(|id| tables.user_id(id).is_none()) {
        return Err(missing(unknown));
    }
    for id in ids {
        let name = tables.record("users", &id).map(|user| user["userPrincipalName"].clone()).unwrap_or_default();
        let change = json!({"id": id, "userPrincipalName": name, "riskLevel": level, "riskState": state, "riskDetail": detail, "riskLastUpdatedDateTime": now});
        match tables.record("riskyUsers", &id) {
            Some(risky) => change.as_object().into_iter().flatten().for_each(|(name, value)| risky[name] = value.clone()),
            None => tables.table("riskyUsers").push(change.clone()),
        }
        let mut entry = change;
        entry["userId"] = json!(id);
        entry["id"] = json!(format!("{id}{now}"));
        tables.table("riskHistory").push(entry);
    }
    Ok(bare(StatusCode::NO_CONTENT))
}

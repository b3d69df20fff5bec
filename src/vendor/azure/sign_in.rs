//! The roots of a connection and how a token for each is had (`vendors/azure-api.md` §2 and §9).

use std::collections::BTreeSet;

use serde_json::Value;
use url::Url;

use super::placeholders::encode;
use crate::core::catalogue::{Auth, Invalid, Root};
use crate::core::connection::Connection;
use crate::core::origin;
use crate::core::outcome::Failure;
use crate::core::request::{Reply, Request, Template};
use crate::core::sign_in::{Refresh, SignIn, Token, read_oauth};

/// Name of the sign-in service's root.
pub const LOGIN: &str = "login";
/// Name of the Graph root, and of the slot of its token.
pub const GRAPH: &str = "graph";
/// What Entra calls Defender for Endpoint.
pub const DEFENDER: &str = "https://api.securitycenter.microsoft.com";

/// A root that gets a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRoot {
    /// Its name, which is its token's slot as well.
    pub name: String,
    /// Its address.
    pub url: String,
    /// Its scopes, joined as they are sent.
    pub scopes: String,
}

/// The Graph root and the further roots of the connection.
pub fn token_roots(connection: &Connection) -> Vec<TokenRoot> {
    let mut roots = vec![TokenRoot {
        name: GRAPH.into(),
        url: connection.text_or_empty("graph_api_root").to_owned(),
        scopes: connection.texts("scopes").join(" "),
    }];
    if let Some(Value::Array(allowed)) = connection.parameters.get("allowed_roots") {
        for (n, entry) in allowed.iter().enumerate() {
            let url = entry.as_str().or_else(|| entry.get("url")?.as_str()).unwrap_or_default().trim().to_owned();
            let scopes = match entry.get("scopes") {
                Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
                Some(Value::String(text)) => list(text).join(" "),
                _ => format!("{}/.default", url.trim_end_matches('/')),
            };
            roots.push(TokenRoot { name: format!("allowed-{}", n + 1), url, scopes });
        }
    }
    roots
}

/// The root of Defender for Endpoint, if the connection has one: known by its address or by its scope.
pub fn defender_root(connection: &Connection) -> Option<TokenRoot> {
    let scope = connection.option_text("defender_scope").unwrap_or_default().trim_end_matches("/.default").to_owned();
    let is_defender = |root: &TokenRoot| root.url.starts_with(DEFENDER) || (!scope.is_empty() && root.scopes.contains(&scope));
    token_roots(connection).into_iter().filter(|root| root.name != GRAPH).find(is_defender)
}

/// A comma list: trimmed, blanks dropped.
pub fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// Every root of the connection.
///
/// # Errors
/// The parameter at fault.
pub fn roots(connection: &Connection) -> Result<Vec<Root>, Vec<Invalid>> {
    let mut complaints = Vec::new();
    for name in ["login_api_root", "graph_api_root", "test_url"] {
        if let Err(why) = judge(connection.text_or_empty(name)) {
            complaints.push(Invalid::new(name, why));
        }
    }
    if connection.texts("scopes").is_empty() {
        complaints.push(Invalid::new("scopes", "must name at least one scope, such as https://graph.microsoft.com/.default"));
    }
    let mut seen = BTreeSet::new();
    for root in token_roots(connection) {
        if root.name == GRAPH {
            continue;
        }
        if let Err(why) = judge(&root.url) {
            complaints.push(Invalid::new("allowed_roots", format!("{}: {why}", root.url)));
        }
        if !seen.insert(root.url.clone()) {
            complaints.push(Invalid::new("allowed_roots", format!("{} is listed twice", root.url)));
        }
    }
    if !complaints.is_empty() {
        return Err(complaints);
    }
    let mut roots = vec![Root { name: LOGIN.into(), url: connection.text_or_empty("login_api_root").into(), auth: Auth::None }];
    for root in token_roots(connection) {
        let auth = Auth::SignIn(Box::new(sign_in(connection, &root)));
        roots.push(Root { name: root.name, url: root.url, auth });
    }
    // The Graph root last: of two roots on one host the later wins.
    if roots.len() > 2 {
        let graph = roots.remove(1);
        roots.push(graph);
    }
    Ok(roots)
}

fn judge(text: &str) -> Result<(), String> {
    let url = Url::parse(text).map_err(|error| format!("\"{text}\" is not an absolute address ({error})"))?;
    if url.host().is_none() {
        return Err(format!("\"{text}\" names no host"));
    }
    match url.scheme() {
        "https" => {}
        "http" if origin::is_here(&url) => {}
        _ => return Err(format!("\"{text}\" must be https; plain http is for 127.0.0.1, [::1] and localhost only")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("the address of {} must not hold a user name", url.host_str().unwrap_or_default()));
    }
    Ok(())
}

/// The path of a sign-in endpoint.
pub fn endpoint(connection: &Connection, name: &str) -> String {
    format!("/{}/oauth2/v2.0/{name}", encode(connection.text_or_empty("tenant_id")))
}

fn sign_in(connection: &Connection, root: &TokenRoot) -> SignIn {
    let client = |grant: &str| {
        Request::post(LOGIN, endpoint(connection, "token"))
            .field("client_id", connection.text_or_empty("client_id"))
            .field("client_secret", Template::secret("client_secret"))
            .purpose(format!("token for {} ({grant})", root.url))
    };
    let mut scopes = root.scopes.clone();
    if connection.option_flag("delegated_offline_access") {
        scopes.push_str(" offline_access");
    }
    let refresh = client("refresh_token")
        .field("refresh_token", Template::refresh_token("refresh_token"))
        .field("grant_type", "refresh_token")
        .field("scope", scopes);
    let grant = client("client_credentials").field("grant_type", "client_credentials").field("scope", root.scopes.clone()).reads();
    let mut sign_in = SignIn::oauth(&root.name, Some(grant));
    // A refused refresh never turns into the application's own, other, permissions.
    sign_in.refresh = Some(Refresh { request: refresh, parameter: Some("refresh_token".into()), fall_back: false });
    sign_in.read = read_token;
    // Entra takes a new token for every call as a loop (AADSTS50196): tokens are kept until five minutes before their end.
    sign_in.margin = 300;
    sign_in
}

/// Reads a token answer; refusals get what to do next.
///
/// # Errors
/// Entra's own words.
fn read_token(reply: &Reply) -> Result<Token, Failure> {
    read_oauth(reply).map_err(|mut failure| {
        // Trace ids and times fill three more lines of the description.
        let first = failure.message.lines().next().unwrap_or_default().trim().to_owned();
        failure.hint = hint(&first).map(str::to_owned);
        failure.message = first;
        if failure.request_id.is_none() {
            failure.request_id = reply.json().ok().and_then(|json| json.get("trace_id")?.as_str().map(str::to_owned));
        }
        failure
    })
}

/// What to do about a refused sign-in, by Entra's number.
pub fn hint(message: &str) -> Option<&'static str> {
    let number: String = message.split_once("AADSTS")?.1.chars().take_while(char::is_ascii_digit).collect();
    Some(match number.as_str() {
        "7000215" | "70002" => "Check Client Secret: its value is wanted, not its id.",
        "7000222" => "The client secret has expired: make a new one in Entra and configure it.",
        "700016" | "700011" => "Check Client ID and Tenant ID: the application is not known in this tenant.",
        "90002" => "Check Tenant ID.",
        "1002012" | "70011" => "Check Scopes: an application asks for one resource and /.default.",
        "500011" | "50001" => "Check Scopes and Microsoft Graph API Root: they must belong to the same cloud.",
        "700082" | "700084" | "70008" | "50173" | "70043" | "70000" | "9002313" | "50076" | "50079" | "65001" => {
            "A fresh sign-in is needed: run get-authorization, open the link, and give the address you end at to generate-token."
        }
        "50057" => "The user's account is disabled.",
        "54005" => "A code works once: run get-authorization again.",
        "50011" | "500112" => "Redirect URL must be registered in Entra, letter for letter.",
        "50196" => "Entra takes the many sign-ins for a loop: wait some minutes.",
        _ => return None,
    })
}

/// The token request for an authorization code (Generate Token).
pub fn by_code(connection: &Connection, code: &str, verifier: Option<&str>) -> Request {
    let request = Request::post(LOGIN, endpoint(connection, "token"))
        .field("client_id", connection.text_or_empty("client_id"))
        .field("client_secret", Template::secret("client_secret"))
        .field("grant_type", "authorization_code")
        .field("code", Template::masked(code))
        .field("redirect_uri", connection.text_or_empty("redirect_url"))
        .purpose("refresh token for the authorization code");
    match (verifier, request) {
        (None, request) => request,
        (Some(verifier), request) => request.field("code_verifier", Template::masked(verifier)),
    }
}

//! Get Authorization and Generate Token: the two halves of a delegated sign-in (seed 000; `vendors/azure-api.md` §2.3–2.5).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use super::sign_in::{by_code, endpoint, hint, token_roots};
use crate::core::catalogue::{Arguments, Class, Command, Guided, Invalid, Parameter, Type};
use crate::core::connection::Connection;
use crate::core::outcome::{Failure, Outcome, ReturnData};
use crate::core::pasted::{Pasted, pasted};
use crate::core::request::{Reply, Trouble};
use crate::core::talk::Talk;
use std::sync::Arc;

/// Where the vault remembers what was put into the last consent address.
const PENDING: &str = "azure-authorization";
/// Where the vault remembers marks of the codes that were sent, the latest first.
const USED: &str = "azure-used-codes";
/// How many of them: a code dies by itself within minutes.
const USED_KEPT: usize = 16;
/// Line of the result that holds the address.
const LINK: &str = "Authorization URL";
/// How long Entra keeps a code.
const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);
/// What the document says when there is no address, and when there is no token.
const NO_ADDRESS: &str = "Failed to generate the authorization URL!";
const NO_TOKEN: &str = "Failed to get the refresh token!";
const NO_CODE: &str =
    "Failed to generate a token because the authorization URL that you provided is incorrect. The 'code' parameter is missing.";

/// Get Authorization.
pub fn get_authorization(connection: &Connection) -> Command {
    let connection = connection.clone();
    let help = "Makes the address at which a user signs in and consents. Open it in a browser, then give the address you end at to Generate Token.";
    let scopes = "Permissions to ask for. Without offline_access no refresh token comes back.";
    Command::new("Get Authorization", help, address)
        .indicator(NO_ADDRESS)
        .lament(&format!("{NO_ADDRESS} Error is "))
        .parameter(Parameter::new("Oauth Scopes", Type::texts(1), scopes).required().default(json!(["user.read", "offline_access"])))
        .rule(move |_| redirect(&connection).map(|_| ()))
}

/// Generate Token.
pub fn generate_token() -> Command {
    let help = "Exchanges the address that Get Authorization's link led to for a refresh token, and keeps it for the connection.";
    let label = "The whole address the browser ended at; an unreachable page at http://localhost is as it should be.";
    Command::new("Generate Token", help, exchange)
        .indicator(NO_TOKEN)
        .lament(&format!("{NO_TOKEN} Error is "))
        .class(Class::NOTE)
        .parameter(Parameter::new("Authorization URL", Type::TEXT, label).required().secret())
        .rule(|arguments| match pasted(arguments.text("authorization_url").unwrap_or_default()) {
            Pasted::Nothing => Err(Invalid::new("authorization_url", NO_CODE)),
            _ => Ok(()),
        })
}

/// Both together, as the console leads through them.
pub fn guided() -> Guided {
    Guided { link: "get-authorization".into(), shown: LINK.into(), answer: "generate-token".into(), parameter: "authorization_url".into() }
}

/// Where the code arrives.
fn redirect(connection: &Connection) -> Result<&str, Invalid> {
    match connection.text_or_empty("redirect_url") {
        "" => Err(Invalid::new("redirect_url", "Redirect URL is not configured")),
        redirect => Ok(redirect),
    }
}

async fn address(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    let mut scopes: Vec<String> = Vec::new();
    for scope in arguments.texts("oauth_scopes") {
        for scope in scope.split_whitespace() {
            if !scopes.iter().any(|known| known == scope) {
                scopes.push(scope.to_owned());
            }
        }
    }
    let redirect = match redirect(&connection) {
        Ok(redirect) => redirect,
        Err(invalid) => return refused(NO_ADDRESS, &invalid.message, None),
    };
    let (state, verifier) = (talk.random(32).await, talk.random(48).await);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    let query: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", connection.text_or_empty("client_id"))
        .append_pair("redirect_uri", redirect)
        .append_pair("response_type", "code")
        .append_pair("response_mode", "query")
        .append_pair("scope", &scopes.join(" "))
        .append_pair("state", &state)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .finish();
    let pending = json!({"state": state, "verifier": verifier, "at": talk.now().to_string()});
    talk.remember(PENDING, Some(&pending.to_string())).await;
    let root = connection.text_or_empty("login_api_root").trim_end_matches('/');
    let url = format!("{root}{}?{query}", endpoint(&connection, "authorize"));
    let mut message = format!("Authorization URL generated successfully.\nBrowse to this authorization link: {url}");
    if !scopes.iter().any(|scope| scope.eq_ignore_ascii_case("offline_access")) {
        message.push_str("\nWithout offline_access among the scopes no refresh token will come back.");
    }
    Outcome::new(ReturnData::Successful).message(message).result(LINK, url).result("is_success", true)
}

async fn exchange(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    let (code, state) = match pasted(arguments.text("authorization_url").unwrap_or_default()) {
        Pasted::Code { code, state } => (code, state),
        Pasted::Refused(reason) => return failed(&reason, None),
        Pasted::AdminConsent => {
            return failed(
                "the administrator's consent was given, but it brings no code; sign in with the link of Get Authorization",
                None,
            );
        }
        Pasted::Nothing => return Outcome::failed(Failure::new(NO_TOKEN, NO_CODE)).result("is_success", false),
    };
    let pending = if talk.planning() { None } else { recall(&talk).await };
    if let (Some(pending), Some(state)) = (&pending, &state)
        && pending.state != *state
    {
        let text = "the address is not the answer to the last link of Get Authorization (its state differs); nothing was sent";
        return failed(text, None);
    }
    let verifier = pending.as_ref().map(|pending| pending.verifier.as_str());
    let mut request = by_code(&connection, &code, verifier);
    // A code works once; after anything but a plain refusal a second try could only be told so.
    request.retry = false;
    let used = if talk.planning() { String::new() } else { talk.recall(USED).await.unwrap_or_default() };
    let mark = URL_SAFE_NO_PAD.encode(Sha256::digest(&code));
    if used.split(' ').any(|known| known == mark) {
        return failed("the code in this address was used already, and a code works once; begin again with Get Authorization", None);
    }
    if !talk.planning() {
        let kept: Vec<&str> = std::iter::once(mark.as_str()).chain(used.split_whitespace()).take(USED_KEPT).collect();
        talk.remember(USED, Some(&kept.join(" "))).await;
    }
    let answer = talk.send(request).await;
    if matches!(&answer, Err(Trouble::Unreached(_) | Trouble::Refused(_))) || answer.as_ref().is_ok_and(|reply| reply.status == 429) {
        // It was not sent, or not looked at.
        talk.remember(USED, Some(used.as_str()).filter(|used| !used.is_empty())).await;
    }
    let reply = match answer {
        Ok(reply) => reply,
        Err(Trouble::Planned) => return Outcome::successful(Value::Null),
        Err(trouble) => return failed(&trouble.message(), None),
    };
    if !reply.is_success() {
        return failed(&first_line(&super::answer::reason(&reply)), Some(&reply));
    }
    talk.remember(PENDING, None).await;
    let answer = reply.json().unwrap_or_default();
    let Some(token) = answer.get("refresh_token").and_then(Value::as_str).filter(|token| !token.is_empty()) else {
        let text = "Unable to generate the refresh token with the provided authorization URL.";
        let failure =
            Failure::new(NO_TOKEN, text).status(reply.status).hint("Ask for offline_access in Oauth Scopes of Get Authorization.");
        let mut outcome = Outcome::failed(failure).result("is_success", false);
        outcome.message = format!("{NO_TOKEN} Error is {text}");
        return outcome;
    };
    // One sign-in serves every root: a refresh token is bound to user and client, not to a resource.
    for root in token_roots(&connection) {
        if let Err(reason) = talk.keep_refresh_token(&root.name, token).await {
            return failed(&format!("the token was received but cannot be kept: {reason}"), None);
        }
    }
    let good = answer.get("expires_in").and_then(|seconds| seconds.as_i64().or_else(|| seconds.as_str()?.parse().ok()));
    let until = good.and_then(|seconds| talk.now().checked_add(SignedDuration::from_secs(seconds)).ok());
    let until =
        until.map(|time| format!("Its first access token is good until {} UTC. ", time.strftime("%Y-%m-%d %H:%M"))).unwrap_or_default();
    let message = format!(
        "Successfully fetched the refresh token: ***\nIt is kept for the connection {} and used from now on.\n{until}It is renewed by itself \
         as long as it is used once in 90 days; an administrator, a new password or a rule of the tenant can end it earlier.",
        connection.name
    );
    Outcome::new(ReturnData::Successful).message(message).result("Refresh Token", "***").result("is_success", true)
}

struct Pending {
    state: String,
    verifier: String,
}

/// What was put into the last consent address, while a code for it can still live.
async fn recall(talk: &Talk) -> Option<Pending> {
    let value: Value = serde_json::from_str(&talk.recall(PENDING).await?).ok()?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let at: Timestamp = text("at")?.parse().ok()?;
    // The user may take a while before signing in: Entra's ten minutes begin then.
    let fresh = talk.now().duration_since(at) < CODE_LIFE * 6;
    Some(Pending { state: text("state")?, verifier: text("verifier")? }).filter(|_| fresh)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

fn failed(reason: &str, reply: Option<&Reply>) -> Outcome {
    refused(NO_TOKEN, reason, reply)
}

fn refused(indicator: &str, reason: &str, reply: Option<&Reply>) -> Outcome {
    let mut failure = Failure::new(indicator, reason);
    failure.status_code = reply.map(|reply| reply.status);
    failure.request_id = reply.and_then(|reply| reply.request_id.clone());
    failure.hint = hint(reason).map(str::to_owned);
    let mut outcome = Outcome::failed(failure).result("is_success", false);
    outcome.message = format!("{indicator} Error is {reason}");
    outcome
}

//! The commands that are not about content: subscriptions, sign-in, the test.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::feed::{Feed, Refused};
use super::sign_in;
use crate::core::catalogue::{Arguments, Class, Command, Invalid, Parameter, Type};
use crate::core::connection::Connection;
use crate::core::outcome::{Failure, Outcome, ReturnData};
use crate::core::pasted::{Pasted, pasted};
use crate::core::request::{Method, Trouble};
use crate::core::sign_in::read_oauth;
use crate::core::talk::Talk;

/// Line of the result that holds the address to sign in at.
pub(super) const LOGIN_URL: &str = "Login URL";
const CODE_FAILED: &str = "Use Authorization Code failed.";
const NO_CODE: &str = "There is no authorization code in it: paste the whole address that the browser ended at, or the code behind code=.";

/// Start Subscription. One that is enabled already is no failure.
pub(super) async fn start_subscription(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    let feed = Feed { talk: &talk, connection: &connection, indicator: "Start Subscription failed.", timeout: None };
    let content_type = arguments.text("content_type").unwrap_or_default();
    let request = feed.call(Method::Post, "/subscriptions/start").query("contentType", content_type).purpose("start the subscription");
    match feed.ask(request).await {
        Ok(reply) => {
            let shown = arguments.as_given("content_type").unwrap_or(content_type);
            changed(content_type, true, reply.json().unwrap_or_default())
                .message(format!("Successfully started subscription to content type: {shown}"))
        }
        Err(refused) if refused.code == "AF20024" => Outcome::successful(
            json!({"error": {"code": refused.code, "message": refused.failure.message.trim_start_matches("AF20024: ")}}),
        )
        .message("The subscription is already enabled."),
        Err(refused) => Outcome::failed(refused.failure),
    }
}

/// Stop Subscription.
pub(super) async fn stop_subscription(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    let feed = Feed { talk: &talk, connection: &connection, indicator: "Stop Subscription failed.", timeout: None };
    let content_type = arguments.text("content_type").unwrap_or_default();
    let request = feed.call(Method::Post, "/subscriptions/stop").query("contentType", content_type).purpose("stop the subscription");
    match feed.ask(request).await {
        Ok(reply) => {
            let shown = arguments.as_given("content_type").unwrap_or(content_type);
            changed(content_type, false, reply.json().unwrap_or_default())
                .message(format!("Successfully stopped subscription to content type: {shown}"))
        }
        Err(refused) => Outcome::failed(refused.failure),
    }
}

fn changed(content_type: &str, enabled: bool, raw: Value) -> Outcome {
    let mut outcome = Outcome::successful(raw);
    outcome.context = Some(json!({"MicrosoftManagement": {"Subscription": {"ContentType": content_type, "Enabled": enabled}}}));
    outcome
}

/// The arguments of starting or stopping the same content type.
pub(super) fn same_content_type(arguments: &Arguments, _: &Outcome) -> Option<Map<String, Value>> {
    Some(Map::from_iter([("content_type".to_owned(), arguments.get("content_type")?.clone())]))
}

/// All subscriptions, and the content types of those that are enabled.
pub(super) async fn subscriptions(feed: &Feed<'_>) -> Result<(Vec<Value>, Vec<String>), Refused> {
    let reply = feed.ask(feed.call(Method::Get, "/subscriptions/list").purpose("list the subscriptions")).await?;
    let all = feed.list(&reply, "The list of subscriptions")?;
    let enabled = all
        .iter()
        .filter(|entry| entry.get("status").and_then(Value::as_str).is_some_and(|status| status.eq_ignore_ascii_case("enabled")))
        .filter_map(|entry| entry.get("contentType")?.as_str().map(str::to_owned))
        .collect();
    Ok((all, enabled))
}

/// List Subscriptions: the enabled ones; all of them are in the raw data.
pub(super) async fn list_subscriptions(talk: Talk, connection: Arc<Connection>, _: Arguments) -> Outcome {
    let feed = Feed { talk: &talk, connection: &connection, indicator: "List Subscriptions failed.", timeout: None };
    match subscriptions(&feed).await {
        Ok((all, enabled)) => {
            let context: Vec<Value> = enabled.iter().map(|name| json!({"ContentType": name, "Enabled": true})).collect();
            let mut outcome = Outcome::successful(Value::from(all))
                .message(format!("Current Subscriptions\n{}", enabled.join("\n")).trim_end().to_owned())
                .result("Subscriptions", enabled.len());
            outcome.context = Some(json!({"MicrosoftManagement": {"Subscription": context}}));
            outcome
        }
        Err(refused) => Outcome::failed(refused.failure),
    }
}

/// Generate Login URL. A connection that has nowhere for the code to arrive at is refused.
pub(super) fn generate_login_url(connection: &Connection) -> Command {
    let connection = connection.clone();
    let help = "Generates the login URL used for the authorization code flow. Nothing is sent.";
    Command::new("Generate Login URL", help, show_login_url).rule(move |_| login_url(&connection).map(|_| ()))
}

fn login_url(connection: &Connection) -> Result<String, Invalid> {
    sign_in::login_url(connection).ok_or_else(|| {
        let text = "The connection has no redirect_uri, at which the authorization code arrives. Configure redirect_uri as it is registered \
                    for the application.";
        Invalid::new("redirect_uri", text)
    })
}

async fn show_login_url(_: Talk, connection: Arc<Connection>, _: Arguments) -> Outcome {
    let url = match login_url(&connection) {
        Ok(url) => url,
        Err(invalid) => return Outcome::failed(Failure::new("Generate Login URL failed.", invalid.message)),
    };
    let message = format!(
        "Authorization instructions\n\
         1. Click on the login URL to sign in and grant Cortex XSOAR permissions for your Azure Service Management. You will be \
         automatically redirected to a link with the following structure: REDIRECT_URI?code=AUTH_CODE&session_state=SESSION_STATE\n\
         2. Copy the AUTH_CODE (without the code= prefix, and the session_state parameter) and paste it in your instance configuration \
         under the Authorization code parameter.\n\
         Login URL: {url}"
    );
    Outcome::successful(json!({"login_url": url})).message(message).result(LOGIN_URL, url)
}

/// Use Authorization Code: the second half of the sign-in in the console.
pub(super) fn use_authorization_code() -> Command {
    let help = "Exchanges the authorization code that Generate Login URL leads to for a refresh token, and keeps it for the connection.";
    let what = "The whole address that the browser ended at, or the bare code of it. It works once.";
    Command::new("Use Authorization Code", help, take_code)
        .class(Class::NOTE)
        .parameter(Parameter::new("Authorization Code", Type::TEXT, what).required().secret())
        .rule(|arguments| match pasted(arguments.text("authorization_code").unwrap_or_default()) {
            Pasted::Nothing => Err(Invalid::new("authorization_code", NO_CODE)),
            _ => Ok(()),
        })
}

async fn take_code(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    let fail = |failure: Failure| Outcome::failed(failure);
    let code = match pasted(arguments.text("authorization_code").unwrap_or_default()) {
        Pasted::Code { code, .. } => code,
        Pasted::Refused(reason) => {
            let text = format!("Entra refused the sign-in ({reason}); begin again with Generate Login URL.");
            return fail(Failure::new(CODE_FAILED, text));
        }
        Pasted::AdminConsent => {
            let text = "The administrator's consent was given, but it brings no code; sign in with the link of Generate Login URL.";
            return fail(Failure::new(CODE_FAILED, text));
        }
        Pasted::Nothing => return fail(Failure::new(CODE_FAILED, NO_CODE)),
    };
    let Some(request) = sign_in::by_code(&connection, &code) else {
        return fail(Failure::new(CODE_FAILED, "The connection's base_url or login_url is not an address."));
    };
    let reply = match talk.send(request).await {
        Ok(reply) => reply,
        Err(Trouble::Planned) => return Outcome::successful(Value::Null),
        Err(trouble) => return fail(trouble.failure(CODE_FAILED)),
    };
    let token = match read_oauth(&reply) {
        Ok(token) => token,
        Err(failure) => return fail(Failure { failure_indicator: CODE_FAILED.into(), ..sign_in::refused(&reply, failure) }),
    };
    let Some(refresh) = token.refresh else {
        return fail(Failure::new(CODE_FAILED, "The answer holds no refresh token, so that nothing could be kept.").status(reply.status));
    };
    match talk.keep_refresh_token(sign_in::SLOT, &refresh).await {
        Ok(()) => Outcome::new(ReturnData::Successful).result("Refresh Token", "***").message(format!(
            "The refresh token is kept for the connection {} and used from now on. Auth Reset wipes it; the connection then signs in with the \
             application's own rights again.",
            connection.name
        )),
        Err(reason) => fail(Failure::new(CODE_FAILED, format!("The token was received but cannot be kept: {reason}"))),
    }
}

/// Auth Reset: wipes every token of the connection.
pub(super) async fn auth_reset(talk: Talk, _: Arc<Connection>, _: Arguments) -> Outcome {
    talk.forget_tokens().await;
    Outcome::successful(Value::Null).message(
        "Authorization was reset successfully. Please regenerate the credentials, and then click **Test** to validate the credentials and \
         connection.",
    )
}

/// Test Connection: a sign-in and a harmless call, so that token, permission and tenant are all tried.
pub(super) async fn test_connection(talk: Talk, connection: Arc<Connection>, _: Arguments) -> Outcome {
    let feed = Feed { talk: &talk, connection: &connection, indicator: "Test Connection failed.", timeout: None };
    match subscriptions(&feed).await {
        Ok((all, enabled)) => {
            let message = if enabled.is_empty() {
                "ok: signed in; no subscription is enabled. Start one with start-subscription.".to_owned()
            } else {
                format!("ok: signed in; subscribed to {}.", enabled.join(", "))
            };
            let mut outcome = Outcome::new(ReturnData::Successful).raw(Value::from(all));
            outcome.message = message;
            outcome
        }
        Err(refused) => Outcome::failed(refused.failure),
    }
}

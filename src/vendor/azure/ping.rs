//! Ping: whether the sign-in works and the test URL answers (seed 000).

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::answer;
use super::prepare::is_home;
use crate::core::catalogue::{Arguments, Command};
use crate::core::connection::Connection;
use crate::core::outcome::{Failure, Outcome};
use crate::core::request::{Follow, Method, Request, Target, Trouble};
use crate::core::talk::Talk;

const FAILED: &str = "Failed to test connectivity.";

/// The command.
pub fn command() -> Command {
    let help = "Gets a token and the Test URL with it. An answer of 400 or more is a failure.";
    let command = Command::new("Ping", help, run).alias("test-connection").permission("Whatever the Test URL demands.");
    command.indicator(FAILED).lament(&format!("{FAILED} "))
}

async fn run(talk: Talk, connection: Arc<Connection>, _arguments: Arguments) -> Outcome {
    let test_url = connection.text_or_empty("test_url").to_owned();
    let mut request = Request::to(Method::Get, Target::Open(test_url.clone()));
    request.follow = Follow::Anywhere;
    request.idle_timeout = Some(Duration::from_secs(30));
    request.purpose = "Test URL".into();
    let raw = json!({"endpoint": test_url});
    let failed = |failure: Failure| {
        let mut outcome = Outcome::failed(failure.clone()).raw(raw.clone()).result("is_success", false);
        outcome.message = format!("{FAILED} {}", failure.message);
        outcome
    };
    match talk.send(request).await {
        Err(Trouble::Planned) => Outcome::successful(Value::Null),
        Err(trouble) => failed(trouble.failure(FAILED)),
        Ok(reply) if reply.status >= 400 => {
            let mut failure = Failure::new(FAILED, answer::reason(&reply)).status(reply.status);
            failure.request_id.clone_from(&reply.request_id);
            failure.hint = answer::hint(&reply).map(str::to_owned);
            failed(failure)
        }
        Ok(_) => {
            let at_home = Url::parse(&test_url).is_ok_and(|url| is_home(&connection, &url));
            let mode = match (at_home, connection.has("refresh_token")) {
                (false, _) => "none: the Test URL lies on no root that gets a token",
                (true, true) => "delegated",
                (true, false) => "application, unless a token of Generate Token is kept",
            };
            Outcome::successful(raw.clone())
                .message("Successfully connected to the Azure API.")
                .result("Permissions", mode)
                .result("is_success", true)
        }
    }
}

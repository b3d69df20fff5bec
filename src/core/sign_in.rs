//! How a token is obtained: data that the runtime acts on, under one lock a connection, with the vault as its cache.

use super::outcome::Failure;
use super::request::{Reply, Request};

/// A way to get a token for a root. Two roots with the same slot share one token.
#[derive(Clone)]
pub struct SignIn {
    /// The token's place in the connection's part of the vault (`graph`, the scope, the audience).
    pub slot: String,
    /// Grant with a refresh token; used first while one is known (in the vault, or as the secret parameter named here).
    pub refresh: Option<Refresh>,
    /// Grant with a configured authorization code, used once in the code's life.
    pub code: Option<Code>,
    /// The primary grant: client credentials, password, managed identity, token login.
    pub grant: Option<Request>,
    /// How the answer is read.
    pub read: fn(&Reply) -> Result<Token, Failure>,
    /// How the token is attached to a request: header name, and what stands before the token (`Bearer `).
    pub attach: (String, String),
    /// Seconds before its expiry at which a token is renewed (at most half its life).
    pub margin: u32,
    /// Header that collects an answer which was not ready (a 202 that carried it), where the vendor has one.
    pub collect: Option<String>,
    /// What is said when there is no way to sign in (no grant, no code, no refresh token).
    pub missing: Failure,
}

impl SignIn {
    /// The grant that a delegated sign-in lives by; one that can fall back on its own primary grant is not delegated.
    pub fn delegation(&self) -> Option<&Refresh> {
        self.refresh.as_ref().filter(|refresh| !refresh.fall_back)
    }
}

/// Grant with a refresh token.
#[derive(Clone, Debug)]
pub struct Refresh {
    /// The token request; holds [`super::request::Piece::RefreshToken`].
    pub request: Request,
    /// Secret parameter that may hold the first refresh token.
    pub parameter: Option<String>,
    /// Whether a refused refresh falls back on the primary grant.
    pub fall_back: bool,
}

/// Grant with an authorization code that somebody brought from a browser.
#[derive(Clone, Debug)]
pub struct Code {
    /// Secret parameter that holds it.
    pub parameter: String,
    /// The token request; holds the secret.
    pub request: Request,
    /// What is wrong with a code that is none; such a one is not sent.
    pub malformed: fn(&str) -> Option<Failure>,
}

/// A token as an answer gave it. No printable form: it has no `Debug` that shows it.
#[derive(Clone, Default)]
pub struct Token {
    /// The access token.
    pub access: String,
    /// Seconds it is good for, from now.
    pub expires_in: Option<i64>,
    /// When it ends, in seconds since 1970, where the answer says so instead.
    pub expires_at: Option<i64>,
    /// The refresh token that replaces the old one.
    pub refresh: Option<String>,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").field("slot", &self.slot).finish_non_exhaustive()
    }
}

impl SignIn {
    /// A sign-in with the usual `Authorization: Bearer` and OAuth answer.
    pub fn oauth(slot: &str, grant: Option<Request>) -> Self {
        Self {
            slot: slot.into(),
            refresh: None,
            code: None,
            grant,
            read: read_oauth,
            attach: ("Authorization".into(), "Bearer ".into()),
            margin: 60,
            collect: None,
            missing: Failure::new("Sign-in failed.", "The connection has no way to sign in."),
        }
    }
}

/// Reads an OAuth token answer (RFC 6749 §5); numbers may be strings.
///
/// # Errors
/// The answer's own words: `error` and `error_description`, else its text.
pub fn read_oauth(reply: &Reply) -> Result<Token, Failure> {
    let json = reply.json().unwrap_or_default();
    let text = |name: &str| json.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    let number = |name: &str| {
        let value = json.get(name)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    };
    let mut failure = Failure::new("Sign-in failed.", "").status(reply.status);
    failure.request_id.clone_from(&reply.request_id);
    if !reply.is_success() {
        failure.message = match (text("error"), text("error_description")) {
            (Some(error), Some(description)) => format!("{error}: {description}"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => {
                let body = reply.text();
                let body: String = body.trim().chars().take(500).collect();
                if body.is_empty() { format!("The sign-in was answered with HTTP {}.", reply.status) } else { body }
            }
        };
        return Err(failure);
    }
    let Some(access) = text("access_token").filter(|token| !token.is_empty()) else {
        failure.message = "The sign-in was answered without an access token.".into();
        return Err(failure);
    };
    Ok(Token {
        access,
        expires_in: number("expires_in"),
        expires_at: None,
        refresh: text("refresh_token").filter(|token| !token.is_empty()),
    })
}

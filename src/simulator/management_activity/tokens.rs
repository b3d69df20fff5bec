//! Access tokens: made, and read back.
//!
//! They are real JSON web tokens, signed with a key that only this process knows. A client cannot tell them from Entra's;
//! it could only not verify the signature, which clients of an API do not do anyway.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::hmac;
use serde_json::{Value, json};

use super::super::{Fault, Shared};

/// Seconds that a token lasts, as Entra says it.
pub(super) const LIFETIME: i64 = 3599;

/// The audience under which the real service is known.
const REAL_AUDIENCE: &str = "https://manage.office.com";

#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) shared: Arc<Shared>,
    key: hmac::Key,
    audience: Mutex<String>,
}

/// What a token is to say about its bearer.
#[derive(Debug)]
pub(super) enum Bearer<'a> {
    /// An application by itself.
    Application { client: &'a str, permissions: &'a [&'a str] },
    /// An application in the name of somebody.
    Delegated { client: &'a str, user: &'a str, permissions: &'a [&'a str] },
}

impl Tokens {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, format!("{}{}", shared.world.tenant, shared.world.seed).as_bytes());
        Self { shared, key, audience: Mutex::default() }
    }

    /// Tells which origin the feed listens on, which is an audience of its own.
    pub(super) fn serve_audience(&self, root: &str) {
        root.clone_into(&mut self.audience.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether tokens for this audience are accepted by the feed.
    pub(super) fn is_feed(&self, audience: &str) -> bool {
        let audience = audience.trim_end_matches('/');
        audience == REAL_AUDIENCE || audience == *self.audience.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the directory knows such a resource at all; for Graph one gets a token, which the feed then refuses.
    pub(super) fn knows(&self, audience: &str) -> bool {
        self.is_feed(audience) || audience.trim_end_matches('/') == "https://graph.microsoft.com"
    }

    /// Makes a token. With the fault `expired-token` it has run out already.
    pub(super) fn issue(&self, audience: &str, bearer: &Bearer<'_>) -> String {
        let now = self.shared.clock.now().as_second();
        let lifetime = if self.shared.faults.has(Fault::ExpiredToken) { -1 } else { LIFETIME };
        let tenant = &self.shared.world.tenant;
        let mut claims = json!({
            "aud": audience, "iss": format!("https://sts.windows.net/{tenant}/"), "iat": now, "nbf": now - 300,
            "exp": now + lifetime, "tid": tenant, "ver": "1.0", "uti": uuid::Uuid::new_v4().simple().to_string(),
        });
        match bearer {
            Bearer::Application { client, permissions } => {
                claims["appid"] = json!(client);
                claims["idtyp"] = json!("app");
                claims["roles"] = json!(permissions);
            }
            Bearer::Delegated { client, user, permissions } => {
                claims["appid"] = json!(client);
                claims["upn"] = json!(user);
                claims["unique_name"] = json!(user);
                claims["scp"] = json!(permissions.join(" "));
            }
        }
        let head = json!({"typ": "JWT", "alg": "HS256", "kid": "simulator"});
        let signed = format!("{}.{}", encode(&head), encode(&claims));
        let signature = hmac::sign(&self.key, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Reads a token back; nothing where it is not one of ours or has run out.
    pub(super) fn read(&self, token: &str, now: Timestamp) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        hmac::verify(&self.key, signed.as_bytes(), &signature).ok()?;
        let claims = decode(signed.split_once('.')?.1)?;
        (claims["exp"].as_i64()? > now.as_second()).then_some(claims)
    }
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A base64url part of a token as JSON.
pub(super) fn decode(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

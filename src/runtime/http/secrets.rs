//! The secrets of one connection, resolved once a process and known to the redactor from then on.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

use crate::config::SecretRef;
use crate::core::request::{Piece, Template};
use crate::secrets::{Redactor, Vault, resolve};

/// The one secret that has several lines: PEM.
const MANY_LINES: &str = "private_key";

/// A connection's secret parameters by name.
#[derive(Default)]
pub struct Secrets {
    values: BTreeMap<String, SecretString>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl Secrets {
    /// Resolves all secrets of a connection. Blocks while programs run.
    ///
    /// # Errors
    /// The parameter whose secret cannot be had, and why.
    pub fn resolve(places: &BTreeMap<String, SecretRef>, vault: &Vault, redactor: &Redactor) -> Result<Self, (String, String)> {
        let mut values = BTreeMap::new();
        for (name, place) in places {
            let value = resolve(place, vault).map_err(|reason| (name.clone(), reason))?;
            redactor.add(value.expose_secret());
            // More than was meant would be sent: a password store's notes, or what somebody slipped in behind a line break.
            if name != MANY_LINES && value.expose_secret().contains(['\n', '\r']) {
                return Err((name.clone(), format!("{place} holds several lines; let it give the secret alone")));
            }
            // A key's lines turn up one by one where it is echoed.
            if value.expose_secret().contains('\n') {
                value
                    .expose_secret()
                    .lines()
                    .filter(|line| !line.starts_with("-----") && line.len() > 16)
                    .for_each(|line| redactor.add(line));
            }
            values.insert(name.clone(), value);
        }
        Ok(Self { values })
    }

    /// A secret's value; only what is sent may hold it.
    pub fn expose(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(ExposeSecret::expose_secret)
    }

    /// A template with its secrets put in. `refresh` is the refresh token to use.
    ///
    /// # Errors
    /// The name of a secret that is not configured, or why an assertion cannot be signed.
    pub fn fill(&self, template: &Template, refresh: Option<&str>, now: jiff::Timestamp) -> Result<String, String> {
        let mut text = String::new();
        for piece in &template.0 {
            match piece {
                Piece::Text(plain) | Piece::Masked(plain) => text.push_str(plain),
                Piece::Secret(name) => text.push_str(self.expose(name).ok_or_else(|| format!("the connection has no {name}"))?),
                Piece::RefreshToken(name) => {
                    text.push_str(refresh.or_else(|| self.expose(name)).ok_or_else(|| format!("the connection has no {name}"))?);
                }
                Piece::Assertion { client_id, thumbprint, private_key, audience } => {
                    let key = self.expose(private_key).ok_or_else(|| format!("the connection has no {private_key}"))?;
                    text.push_str(&super::assertion::sign(client_id, thumbprint, key, audience, now)?);
                }
            }
        }
        Ok(text)
    }
}

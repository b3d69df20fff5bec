//! Connections, opened: configuration, entry, and the way out, made when it is first needed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::http::Door;
use super::http::secrets::Secrets;
use crate::config::{Configured, SecretRef};
use crate::core::catalogue::{Auth, Entry, Invalid, Vendor};
use crate::core::connection::Connection;
use crate::secrets::{Redactor, Vault};

/// One connection, ready to be used.
#[derive(Debug)]
pub struct Opened {
    /// Its vendor.
    pub vendor: Vendor,
    /// As configured.
    pub connection: Arc<Connection>,
    /// What it can do.
    pub entry: Arc<Entry>,
    places: BTreeMap<String, SecretRef>,
    door: OnceCell<Arc<Door>>,
}

impl Opened {
    /// Opens a configured connection. Nothing is sent, and no secret is looked up yet.
    ///
    /// # Errors
    /// What its vendor has to complain of.
    pub fn new(configured: Configured, vendor: Vendor) -> Result<Self, Vec<Invalid>> {
        let connection = Arc::new(configured.connection);
        let entry = Arc::new((vendor.open)(&connection)?);
        Ok(Self { vendor, connection, entry, places: configured.secrets, door: OnceCell::new() })
    }

    /// Whether a secret is configured, which need not mean that it can be had.
    pub fn names_secret(&self, parameter: &str) -> bool {
        self.places.contains_key(parameter)
    }

    /// The connection's way out. Secrets are looked up here, once a process.
    ///
    /// # Errors
    /// Which secret cannot be had, and why; or why no connection can be made at all.
    pub async fn door(&self, vault: &Vault, lock_dir: &std::path::Path, redactor: &Redactor) -> Result<Arc<Door>, Invalid> {
        let made = self.door.get_or_try_init(|| async {
            let (places, vault, redactor) = (self.places.clone(), vault.clone(), redactor.clone());
            let (connection, entry): (_, _) = (Arc::clone(&self.connection), Arc::clone(&self.entry));
            let lock_dir: PathBuf = lock_dir.to_owned();
            let made = tokio::task::spawn_blocking(move || {
                // Tokens that the vault keeps are masked from the first line on.
                let tokens = vault.token_values().map(|tokens| tokens.iter().for_each(|token| redactor.add(token)));
                let secrets = Secrets::resolve(&places, &vault, &redactor).map_err(|(name, reason)| {
                    Invalid::new(&name, format!("The secret {name} of {} cannot be had: {reason}.", connection.name))
                })?;
                // Who signs in reads and keeps tokens there.
                if let Err(reason) = tokens
                    && entry.roots.iter().any(|root| matches!(root.auth, Auth::SignIn(_)))
                {
                    return Err(Invalid::new("", format!("The tokens of {} cannot be had: {reason}.", connection.name)));
                }
                Door::new(connection, entry, secrets, vault, lock_dir, redactor).map(Arc::new).map_err(|reason| Invalid::new("", reason))
            });
            made.await.map_err(|error| Invalid::new("", format!("the connection could not be opened: {error}")))?
        });
        made.await.cloned()
    }
}

//! Tokens: cached in the vault, renewed by one process at a time.
//!
//! A renewal holds an OS lock of its connection around read, grant and write, and reads again after waiting: of a hundred processes that
//! find a token expired, one asks for a new one. A refresh token that was rotated replaces the old one before the lock is given back.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::secrets::Secrets;
use super::{Door, Scope, http_date};
use crate::core::connection::Connection;
use crate::core::outcome::{Failure, Fate};
use crate::core::request::{Answer, Body, Follow, Piece, Request, Template, Trouble};
use crate::core::sign_in::{Code, SignIn, Token};
use crate::secrets::{Redactor, Vault, vault};

/// How long is waited before an answer that was not ready is asked for again.
const COLLECT: Duration = Duration::from_secs(2);

/// Seconds by which a token may seem to outlive its time: clocks are set a little now and then.
const CLOCK_SLACK: i64 = 60;

/// The tokens of one connection.
#[derive(Debug)]
pub struct Tokens {
    connection: Arc<Connection>,
    secrets: Arc<Secrets>,
    vault: Vault,
    lock_dir: PathBuf,
    redactor: Redactor,
    /// One renewal at a time within this process; the OS lock is for the others.
    single: tokio::sync::Mutex<()>,
}

impl Tokens {
    /// The tokens of a connection. Lock files go into `lock_dir`.
    pub fn new(connection: Arc<Connection>, secrets: Arc<Secrets>, vault: Vault, lock_dir: PathBuf, redactor: Redactor) -> Self {
        Self { connection, secrets, vault, lock_dir, redactor, single: tokio::sync::Mutex::default() }
    }

    /// A token that is good now; another than `rejected`.
    pub(super) async fn token(&self, door: &Door, sign_in: &SignIn, rejected: Option<&str>, scope: &Scope) -> Result<String, Trouble> {
        let fingerprint = self.fingerprint(sign_in);
        if let Some(token) = self.cached(sign_in, &fingerprint, rejected).await? {
            return Ok(token);
        }
        let _single = self.single.lock().await;
        let _lock = self.lock().await?;
        if let Some(token) = self.cached(sign_in, &fingerprint, rejected).await? {
            return Ok(token);
        }
        let token = self.grant(door, sign_in, &fingerprint, scope).await?;
        Ok(token)
    }

    /// Renews with the refresh token now, whatever the access token's age: the renewal job.
    ///
    /// # Errors
    /// Why it was not renewed; the old token is still kept.
    pub async fn renew(&self, door: &Door, sign_in: &SignIn, scope: &Scope) -> Result<(), Trouble> {
        let fingerprint = self.fingerprint(sign_in);
        let _single = self.single.lock().await;
        let _lock = self.lock().await?;
        self.grant(door, sign_in, &fingerprint, scope).await.map(|_| ())
    }

    /// Whether a sign-in lives by a refresh token that somebody obtained, and one is known, in the vault or the configuration.
    pub async fn is_delegated(&self, sign_in: &SignIn) -> bool {
        let Some(refresh) = sign_in.delegation() else { return false };
        let configured = refresh.parameter.as_deref().is_some_and(|name| self.secrets.expose(name).is_some());
        configured || self.stored(sign_in, &self.fingerprint(sign_in)).await.ok().flatten().is_some_and(|token| token.refresh.is_some())
    }

    /// Keeps a refresh token that the analyst obtained.
    ///
    /// # Errors
    /// When the vault cannot keep it.
    pub async fn keep(&self, sign_in: &SignIn, token: &str) -> Result<(), String> {
        self.redactor.add(token);
        let (fingerprint, source) = (self.fingerprint(sign_in), self.source(sign_in));
        let token = token.to_owned();
        self.in_vault(sign_in, move |vault, connection, slot| {
            vault.change_token(connection, &fingerprint, slot, |stored| {
                stored.access.clear();
                stored.expires_at = 0;
                stored.refresh = Some(token);
                stored.derived_from = Some(source);
                stored.renewed_at = Timestamp::now().as_second();
            })
        })
        .await
    }

    /// Wipes every token of the connection.
    ///
    /// # Errors
    /// When the vault cannot be written.
    pub async fn forget(&self) -> Result<(), String> {
        let (vault, name) = (self.vault.clone(), self.connection.name.clone());
        blocking(move || vault.forget(&name)).await
    }

    /// A small private value of the connection.
    pub async fn recall(&self, name: &str) -> Option<String> {
        let (vault, connection, name) = (self.vault.clone(), self.connection.name.clone(), name.to_owned());
        blocking(move || vault.value(&connection, &name)).await.ok().flatten()
    }

    /// Keeps or removes a small private value of the connection.
    ///
    /// # Errors
    /// When the vault cannot be written.
    pub async fn remember(&self, name: &str, value: Option<&str>) -> Result<(), String> {
        let (vault, connection, name, value) =
            (self.vault.clone(), self.connection.name.clone(), name.to_owned(), value.map(str::to_owned));
        blocking(move || vault.set_value(&connection, &name, value.as_deref())).await
    }

    async fn cached(&self, sign_in: &SignIn, fingerprint: &str, rejected: Option<&str>) -> Result<Option<String>, Trouble> {
        let Some(stored) = self.stored(sign_in, fingerprint).await? else { return Ok(None) };
        self.redactor.add(&stored.access);
        if let Some(refresh) = &stored.refresh {
            self.redactor.add(refresh);
        }
        // A refresh token or code that was configured anew wins over what the vault derived from the old one.
        let source = self.source(sign_in);
        let superseded = !source.is_empty() && stored.derived_from.as_deref().is_some_and(|from| from != source);
        let margin = i64::from(sign_in.margin).min(stored.lifetime / 2);
        let left = stored.expires_at.saturating_sub(Timestamp::now().as_second());
        // One that would live longer than it was given for was kept by a clock that has been set back since.
        let good = !stored.access.is_empty() && left > margin && left <= stored.lifetime.saturating_add(CLOCK_SLACK);
        Ok((good && !superseded && rejected != Some(stored.access.as_str())).then_some(stored.access))
    }

    /// Asks for a token: by refresh token, by code, or by the primary grant, whichever there is.
    async fn grant(&self, door: &Door, sign_in: &SignIn, fingerprint: &str, scope: &Scope) -> Result<String, Trouble> {
        let stored = self.stored(sign_in, fingerprint).await?.unwrap_or_default();
        let source = self.source(sign_in);
        if let Some(refresh) = &sign_in.refresh {
            let configured = refresh.parameter.as_deref().and_then(|name| self.secrets.expose(name));
            let own = stored.refresh.as_deref().filter(|_| source.is_empty() || stored.derived_from.as_deref() == Some(source.as_str()));
            if let Some(token) = own.or(configured) {
                match self.ask(door, &refresh.request, Some(token), sign_in, scope).await {
                    Ok(token) => return self.keep_token(sign_in, fingerprint, &source, token).await,
                    Err(Trouble::SignIn(failure))
                        if refresh.fall_back && matches!(failure.status_code, Some(400 | 401 | 403)) && sign_in.grant.is_some() => {}
                    Err(trouble) => return Err(trouble),
                }
            }
        }
        if let Some(Code { parameter, request, malformed }) = &sign_in.code
            && let Some(code) = self.secrets.expose(parameter)
        {
            if let Some(failure) = malformed(code) {
                return Err(Trouble::SignIn(failure));
            }
            let (vault, name, mark) = (self.vault.clone(), self.connection.name.clone(), digest(code));
            if blocking(move || vault.use_code(&name, &mark)).await.map_err(Trouble::Refused)? {
                let text = "The configured authorization code was used already; codes work once. Sign in again and configure the new one.";
                return Err(Trouble::SignIn(Failure::new("Sign-in failed.", text).status(401)));
            }
            let token = self.ask(door, request, None, sign_in, scope).await?;
            return self.keep_token(sign_in, fingerprint, &source, token).await;
        }
        let Some(request) = &sign_in.grant else { return Err(Trouble::SignIn(sign_in.missing.clone())) };
        let token = self.ask(door, request, None, sign_in, scope).await?;
        self.keep_token(sign_in, fingerprint, &source, token).await
    }

    async fn ask(&self, door: &Door, request: &Request, refresh: Option<&str>, sign_in: &SignIn, scope: &Scope) -> Result<Token, Trouble> {
        let mut request = request.clone();
        // Token requests follow no redirect, and are never repeated blindly: a refresh token may be good for one use.
        request.follow = Follow::No;
        request.changes = refresh.is_some() || request.changes;
        if let Some(token) = refresh {
            self.redactor.add(token);
            for template in templates(&mut request) {
                for piece in &mut template.0 {
                    if matches!(piece, Piece::RefreshToken(_)) {
                        *piece = Piece::Masked(token.to_owned());
                    }
                }
            }
        }
        let reply = collected(door, &request, sign_in.collect.as_deref(), scope).await?;
        let mut token = (sign_in.read)(&reply).map_err(|mut failure| {
            failure.message = self.redactor.text(&failure.message);
            Trouble::SignIn(failure)
        })?;
        // How long it lives is told by the clock of its issuer, which need not be ours.
        token.expires_in =
            token.expires_in.or_else(|| Some(token.expires_at?.saturating_sub(http_date(reply.header("date")?)?.as_second())));
        self.redactor.add(&token.access);
        if let Some(refresh) = &token.refresh {
            self.redactor.add(refresh);
        }
        Ok(token)
    }

    async fn keep_token(&self, sign_in: &SignIn, fingerprint: &str, source: &str, token: Token) -> Result<String, Trouble> {
        let now = Timestamp::now().as_second();
        let lifetime = token.expires_in.or_else(|| Some(token.expires_at?.saturating_sub(now))).unwrap_or(600).max(0);
        let (access, fingerprint, source) = (token.access.clone(), fingerprint.to_owned(), source.to_owned());
        let kept = self
            .in_vault(sign_in, move |vault, connection, slot| {
                vault.change_token(connection, &fingerprint, slot, |stored| {
                    stored.access = token.access;
                    stored.expires_at = now.saturating_add(lifetime);
                    stored.lifetime = lifetime;
                    // An answer without a refresh token never wipes the one we have.
                    if token.refresh.is_some() {
                        stored.refresh = token.refresh;
                        stored.renewed_at = now;
                    }
                    stored.derived_from = Some(source);
                })
            })
            .await;
        if let Err(reason) = kept {
            tracing::warn!(%reason, connection = %self.connection.name, "a token could not be kept");
        }
        Ok(access)
    }

    async fn stored(&self, sign_in: &SignIn, fingerprint: &str) -> Result<Option<vault::StoredToken>, Trouble> {
        let fingerprint = fingerprint.to_owned();
        self.in_vault(sign_in, move |vault, connection, slot| vault.token(connection, &fingerprint, slot)).await.map_err(Trouble::Refused)
    }

    async fn in_vault<T: Send + 'static>(
        &self,
        sign_in: &SignIn,
        work: impl FnOnce(&Vault, &str, &str) -> Result<T, vault::VaultError> + Send + 'static,
    ) -> Result<T, String> {
        let (vault, connection, slot) = (self.vault.clone(), self.connection.name.clone(), sign_in.slot.clone());
        blocking(move || work(&vault, &connection, &slot)).await
    }

    async fn lock(&self) -> Result<std::fs::File, Trouble> {
        let (dir, name) = (self.lock_dir.clone(), self.connection.name.clone());
        let locked = tokio::task::spawn_blocking(move || {
            crate::config::files::private_dir(&dir)?;
            vault::lock(&dir.join(format!("{name}.sign-in.lock")))
        })
        .await;
        match locked {
            Ok(Ok(file)) => Ok(file),
            Ok(Err(error)) => Err(Trouble::Refused(format!("The sign-in's lock cannot be had: {error}."))),
            Err(error) => Err(Trouble::Refused(format!("The sign-in's lock cannot be had: {error}."))),
        }
    }

    /// What the sign-in's parameters are, without telling them: tokens of other parameters are never used.
    fn fingerprint(&self, sign_in: &SignIn) -> String {
        let mut digest = Sha256::new();
        digest.update(sign_in.slot.as_bytes());
        let requests = sign_in
            .grant
            .iter()
            .chain(sign_in.refresh.iter().map(|refresh| &refresh.request))
            .chain(sign_in.code.iter().map(|code| &code.request));
        for request in requests {
            let mut request = request.clone();
            digest.update(format!("{:?}{:?}", request.method, request.target).as_bytes());
            for template in templates(&mut request) {
                for piece in &template.0 {
                    match piece {
                        Piece::Text(text) | Piece::Masked(text) => digest.update(text.as_bytes()),
                        // The code is what a token is derived from, not whom it is for.
                        Piece::Secret(name) if sign_in.code.as_ref().is_none_or(|code| code.parameter != *name) => {
                            digest.update(self.secrets.expose(name).unwrap_or_default().as_bytes());
                        }
                        Piece::Secret(_) | Piece::RefreshToken(_) => {}
                        Piece::Assertion { client_id, thumbprint, .. } => digest.update(format!("{client_id}{thumbprint}").as_bytes()),
                    }
                    digest.update([0]);
                }
            }
        }
        hex(&digest.finalize())
    }

    /// Fingerprint of the configured refresh token or code; empty where neither is configured.
    fn source(&self, sign_in: &SignIn) -> String {
        let refresh = sign_in.refresh.as_ref().and_then(|refresh| refresh.parameter.as_deref());
        let code = sign_in.code.as_ref().map(|code| code.parameter.as_str());
        refresh.into_iter().chain(code).find_map(|name| self.secrets.expose(name)).map(digest).unwrap_or_default()
    }
}

/// Asks, and asks again for an answer that is not ready, with the id that it goes by. The deadline of the run ends it.
async fn collected(door: &Door, request: &Request, header: Option<&str>, scope: &Scope) -> Answer {
    let mut id: Option<String> = None;
    loop {
        let asked = match (header, &id) {
            (Some(header), Some(id)) => request.clone().header(header, id.as_str()),
            _ => request.clone(),
        };
        let reply = Box::pin(door.sign_in(&asked, scope)).await?;
        id = header.and_then(|header| reply.header(header)).map(str::to_owned).or(id);
        if reply.status != 202 || id.is_none() {
            return Ok(reply);
        }
        tokio::time::sleep(COLLECT).await;
    }
}

impl Door {
    /// Sends a token request: bare, with no redirect, again only where nothing was carried out.
    pub(super) async fn sign_in(&self, request: &Request, scope: &Scope) -> Answer {
        let failed = |text: &str| Failure::new("Sign-in failed.", format!("The sign-in could not be made. {text}"));
        self.tries(request, scope).await.map_err(|trouble| match trouble {
            Trouble::Unreached(text) | Trouble::Transport(text) | Trouble::TimedOut(text) => {
                // The request that wanted the token was not sent.
                Trouble::SignIn(Failure { fate: Fate::Unsent, ..failed(&text) })
            }
            Trouble::Refused(text) => Trouble::SignIn(failed(&text)),
            other => other,
        })
    }
}

fn templates(request: &mut Request) -> Vec<&mut Template> {
    let fields = if let Body::Form(fields) = &mut request.body { fields.as_mut_slice() } else { &mut [] };
    request.query.iter_mut().chain(request.headers.iter_mut()).chain(fields.iter_mut()).map(|(_, template)| template).collect()
}

/// A fingerprint of a secret.
fn digest(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// Bytes as hexadecimal text.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, vault::VaultError> + Send + 'static) -> Result<T, String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(error) => Err(format!("the vault's task ended: {error}")),
    }
}

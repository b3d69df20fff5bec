//! The vault: one encrypted file for the analyst's own secrets and for what the program must keep (tokens, a sign-in's state).
//!
//! The file is a JSON head line with the salt and the nonce, then AES-256-GCM over JSON. It is read, changed and written whole under an
//! OS lock, so that any number of processes share it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::num::NonZeroU32;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::pbkdf2;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::config::{Settings, files};

/// Rounds of key stretching; a generated key does not need them, a typed one does.
const ROUNDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(59_999);

/// A token as the vault keeps it.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct StoredToken {
    /// The access token; empty where only a refresh token is kept.
    pub access: String,
    /// When it ends, in seconds since 1970.
    pub expires_at: i64,
    /// How long it was good for when it was given, in seconds.
    pub lifetime: i64,
    /// The refresh token that came with it.
    pub refresh: Option<String>,
    /// Fingerprint of the configured refresh token or code that it was derived from.
    pub derived_from: Option<String>,
    /// When the refresh token was last renewed, in seconds since 1970.
    pub renewed_at: i64,
}

/// What the file holds.
#[derive(Default, Serialize, Deserialize)]
struct Content {
    /// The analyst's own secrets by name.
    #[serde(default)]
    secrets: BTreeMap<String, String>,
    /// Tokens by connection, fingerprint of its sign-in parameters, and slot.
    #[serde(default)]
    tokens: BTreeMap<String, BTreeMap<String, BTreeMap<String, StoredToken>>>,
    /// Small private values by connection and name.
    #[serde(default)]
    values: BTreeMap<String, BTreeMap<String, String>>,
    /// Fingerprints of authorization codes that were sent, by connection.
    #[serde(default)]
    used_codes: BTreeMap<String, Vec<String>>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    salt: String,
    nonce: String,
}

/// Why the vault cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// No key could be had.
    #[error("the vault's key cannot be had: {0}")]
    Key(String),
    /// The file cannot be read or written.
    #[error("the vault {} cannot be used: {error}", .0.display(), error = .1)]
    File(PathBuf, io::Error),
    /// The key does not open it, or it is damaged.
    #[error("the vault {} cannot be opened with this key; is NIGHTDESK_VAULT_KEY the one it was made with?", .0.display())]
    Sealed(PathBuf),
}

/// The encrypted vault, or a memory one where no key can be had.
#[derive(Clone)]
pub struct Vault {
    shared: Arc<Shared>,
}

struct Shared {
    file: PathBuf,
    key: Result<Vec<u8>, String>,
    /// The derived key of the salt last seen: stretching is slow on purpose.
    derived: Mutex<Option<(String, [u8; 32])>>,
    /// What is kept where there is no key.
    memory: Mutex<Content>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("file", &self.shared.file).finish_non_exhaustive()
    }
}

impl Vault {
    /// The vault of a data directory. Its key is `NIGHTDESK_VAULT_KEY`, else what `vault.key_command` prints, else the keyring's, else
    /// `<config-dir>/vault.key`, made on first use.
    pub fn new(data_dir: &Path, config_dir: &Path, settings: &Settings) -> Self {
        let key = key(config_dir, settings);
        Self { shared: Arc::new(Shared { file: data_dir.join("vault"), key, derived: Mutex::default(), memory: Mutex::default() }) }
    }

    /// Why nothing is kept beyond this process, if so.
    pub fn notice(&self) -> Option<String> {
        let reason = self.shared.key.as_ref().err()?;
        Some(format!("The vault has no key ({reason}): tokens stay in memory and are gone when nightdesk ends."))
    }

    /// One of the analyst's own secrets.
    ///
    /// # Errors
    /// When the vault cannot be opened.
    pub fn secret(&self, name: &str) -> Result<Option<String>, VaultError> {
        self.own(|secrets| secrets.get(name).cloned())
    }

    /// Names of the analyst's own secrets.
    ///
    /// # Errors
    /// When the vault cannot be opened.
    pub fn names(&self) -> Result<Vec<String>, VaultError> {
        self.own(|secrets| secrets.keys().cloned().collect())
    }

    /// Looks at the analyst's own secrets. Unlike tokens, which can be had anew, they are in the file or nowhere: a vault without a key is
    /// not an empty one.
    fn own<T>(&self, look: impl FnOnce(&BTreeMap<String, String>) -> T) -> Result<T, VaultError> {
        match &self.shared.key {
            Err(reason) if self.shared.file.exists() => Err(VaultError::Key(reason.clone())),
            _ => self.read(|content| look(&content.secrets)),
        }
    }

    /// Sets one of the analyst's own secrets, or removes it with `None`; says whether it was there.
    ///
    /// # Errors
    /// When the vault cannot be opened or written, or has no key.
    pub fn set_secret(&self, name: &str, value: Option<&str>) -> Result<bool, VaultError> {
        if let Err(reason) = &self.shared.key {
            return Err(VaultError::Key(reason.clone()));
        }
        self.change(|content| match value {
            Some(value) => content.secrets.insert(name.to_owned(), value.to_owned()).is_some(),
            None => content.secrets.remove(name).is_some(),
        })
    }

    /// A connection's token in a slot, for these sign-in parameters.
    ///
    /// # Errors
    /// When the vault cannot be opened.
    pub fn token(&self, connection: &str, fingerprint: &str, slot: &str) -> Result<Option<StoredToken>, VaultError> {
        self.read(|content| content.tokens.get(connection)?.get(fingerprint)?.get(slot).cloned())
    }

    /// Every token value that is kept, so that all can be masked.
    ///
    /// # Errors
    /// When the vault cannot be opened.
    pub fn token_values(&self) -> Result<Vec<String>, VaultError> {
        self.read(|content| {
            let tokens = content.tokens.values().flat_map(BTreeMap::values).flat_map(BTreeMap::values);
            tokens
                .flat_map(|token| [Some(token.access.clone()), token.refresh.clone()])
                .flatten()
                .filter(|value| !value.is_empty())
                .collect()
        })
    }

    /// Changes a connection's token in a slot. The vault is locked from reading to writing.
    ///
    /// # Errors
    /// When the vault cannot be opened or written.
    pub fn change_token(
        &self,
        connection: &str,
        fingerprint: &str,
        slot: &str,
        change: impl FnOnce(&mut StoredToken),
    ) -> Result<(), VaultError> {
        self.change(|content| {
            let of_connection = content.tokens.entry(connection.into()).or_default();
            change(of_connection.entry(fingerprint.into()).or_default().entry(slot.into()).or_default());
        })
    }

    /// Wipes every token and private value of a connection.
    ///
    /// # Errors
    /// When the vault cannot be opened or written.
    pub fn forget(&self, connection: &str) -> Result<(), VaultError> {
        self.change(|content| {
            content.tokens.remove(connection);
            content.values.remove(connection);
        })
    }

    /// Whether this authorization code was sent before; notes that it is sent now.
    ///
    /// # Errors
    /// When the vault cannot be opened or written.
    pub fn use_code(&self, connection: &str, fingerprint: &str) -> Result<bool, VaultError> {
        self.change(|content| {
            let used = content.used_codes.entry(connection.into()).or_default();
            let known = used.iter().any(|one| one == fingerprint);
            if !known {
                used.push(fingerprint.to_owned());
            }
            known
        })
    }

    /// A small private value of a connection.
    ///
    /// # Errors
    /// When the vault cannot be opened.
    pub fn value(&self, connection: &str, name: &str) -> Result<Option<String>, VaultError> {
        self.read(|content| content.values.get(connection)?.get(name).cloned())
    }

    /// Sets or removes a small private value of a connection.
    ///
    /// # Errors
    /// When the vault cannot be opened or written.
    pub fn set_value(&self, connection: &str, name: &str, value: Option<&str>) -> Result<(), VaultError> {
        self.change(|content| {
            let values = content.values.entry(connection.into()).or_default();
            match value {
                Some(value) => values.insert(name.into(), value.into()),
                None => values.remove(name),
            };
        })
    }

    fn read<T>(&self, look: impl FnOnce(&Content) -> T) -> Result<T, VaultError> {
        if self.shared.key.is_err() {
            return Ok(look(&self.shared.memory.lock().unwrap_or_else(PoisonError::into_inner)));
        }
        Ok(look(&self.open()?))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Content) -> T) -> Result<T, VaultError> {
        if self.shared.key.is_err() {
            return Ok(change(&mut self.shared.memory.lock().unwrap_or_else(PoisonError::into_inner)));
        }
        let fail = |error| VaultError::File(self.shared.file.clone(), error);
        let dir = self.shared.file.parent().unwrap_or(Path::new("."));
        files::private_dir(dir).map_err(fail)?;
        let _lock = lock(&dir.join("vault.lock")).map_err(fail)?;
        let mut content = self.open()?;
        let result = change(&mut content);
        self.seal(&content)?;
        Ok(result)
    }

    fn open(&self) -> Result<Content, VaultError> {
        let bytes = match std::fs::read(&self.shared.file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Content::default()),
            Err(error) => return Err(VaultError::File(self.shared.file.clone(), error)),
        };
        let sealed = || VaultError::Sealed(self.shared.file.clone());
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(sealed)?;
        let (head, body) = bytes.split_at(end);
        let head: Head = serde_json::from_slice(head).map_err(|_| sealed())?;
        let nonce: [u8; NONCE_LEN] = STANDARD.decode(&head.nonce).ok().and_then(|nonce| nonce.try_into().ok()).ok_or_else(sealed)?;
        let mut body = body.get(1..).unwrap_or_default().to_vec();
        let plain = self
            .cipher(&head.salt)?
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(head.salt.as_bytes()), &mut body)
            .map_err(|_| sealed())?;
        serde_json::from_slice(plain).map_err(|_| sealed())
    }

    fn seal(&self, content: &Content) -> Result<(), VaultError> {
        let salt = match self.shared.derived.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some((salt, _)) => salt.clone(),
            None => STANDARD.encode(random::<16>()),
        };
        let nonce = random::<NONCE_LEN>();
        let sealed = || VaultError::Sealed(self.shared.file.clone());
        let mut body = serde_json::to_vec(content).map_err(|_| sealed())?;
        self.cipher(&salt)?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(salt.as_bytes()), &mut body)
            .map_err(|_| sealed())?;
        let head = Head { salt, nonce: STANDARD.encode(nonce) };
        let mut bytes = serde_json::to_vec(&head).map_err(|_| sealed())?;
        bytes.push(b'\n');
        bytes.append(&mut body);
        files::write_private(&self.shared.file, &bytes).map_err(|error| VaultError::File(self.shared.file.clone(), error))
    }

    fn cipher(&self, salt: &str) -> Result<LessSafeKey, VaultError> {
        let mut derived = self.shared.derived.lock().unwrap_or_else(PoisonError::into_inner);
        let known = derived.as_ref().filter(|(of, _)| of == salt).map(|(_, key)| *key);
        let key = if let Some(key) = known {
            key
        } else {
            let secret = self.shared.key.as_ref().map_err(|reason| VaultError::Key(reason.clone()))?;
            let mut key = [0; 32];
            pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, salt.as_bytes(), secret, &mut key);
            *derived = Some((salt.to_owned(), key));
            key
        };
        UnboundKey::new(&AES_256_GCM, &key).map(LessSafeKey::new).map_err(|_| VaultError::Sealed(self.shared.file.clone()))
    }
}

/// Takes an exclusive OS lock; it is given back when the file is closed. Blocks.
///
/// # Errors
/// When the lock file cannot be opened or locked.
pub fn lock(file: &Path) -> io::Result<File> {
    let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(file)?;
    loop {
        match flock(&opened, FlockOperation::LockExclusive) {
            Ok(()) => return Ok(opened),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Takes an exclusive OS lock if nobody has it.
///
/// # Errors
/// When the lock file cannot be opened.
pub fn try_lock(file: &Path) -> io::Result<Option<File>> {
    let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(file)?;
    match flock(&opened, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(opened)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Random bytes from the operating system.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without randomness there is no safe way on; the operating system has it from boot on.
    if getrandom::fill(&mut bytes).is_err() {
        std::process::abort();
    }
    bytes
}

fn key(config_dir: &Path, settings: &Settings) -> Result<Vec<u8>, String> {
    if let Ok(key) = std::env::var("NIGHTDESK_VAULT_KEY")
        && !key.is_empty()
    {
        return Ok(key.into_bytes());
    }
    if let Some(argv) = &settings.vault.key_command {
        let key = super::run(argv)?;
        let key = key.trim_end_matches(['\n', '\r']);
        return if key.is_empty() { Err("vault.key_command printed nothing".into()) } else { Ok(key.as_bytes().to_vec()) };
    }
    #[cfg(feature = "keyring")]
    if let Ok(key) = super::keyring("vault-key") {
        return Ok(key.into_bytes());
    }
    let file = config_dir.join("vault.key");
    let cannot = |error: io::Error| format!("{}: {error}", file.display());
    files::private_dir(config_dir).map_err(cannot)?;
    let _lock = lock(&config_dir.join("vault.key.lock")).map_err(cannot)?;
    match std::fs::read(&file) {
        Ok(key) if !key.is_empty() => {
            files::check_private(&file).map_err(|complaint| format!("{} {complaint}", file.display()))?;
            Ok(key)
        }
        Ok(_) => Err(format!("{} is empty", file.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = STANDARD.encode(random::<32>()).into_bytes();
            files::write_private(&file, &key).map_err(cannot)?;
            Ok(key)
        }
        Err(error) => Err(cannot(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(dir: &Path) -> Vault {
        Vault::new(&dir.join("data"), &dir.join("config"), &Settings::default())
    }

    #[test]
    fn what_is_kept_is_found_again_and_stands_nowhere_in_clear() {
        let dir = tempfile::tempdir().unwrap();
        vault(dir.path()).set_secret("wiz", Some("canary-4711")).unwrap();
        vault(dir.path()).change_token("c", "f", "s", |token| token.access = "canary-4712".into()).unwrap();
        assert_eq!(vault(dir.path()).secret("wiz").unwrap().as_deref(), Some("canary-4711"));
        assert_eq!(vault(dir.path()).token("c", "f", "s").unwrap().unwrap().access, "canary-4712");
        assert!(vault(dir.path()).token("c", "g", "s").unwrap().is_none(), "other parameters, other tokens");
        let bytes = std::fs::read(dir.path().join("data/vault")).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("canary"));
        files::check_private(&dir.path().join("data/vault")).unwrap();
        files::check_private(&dir.path().join("config/vault.key")).unwrap();
    }

    #[test]
    fn a_wrong_key_is_said_to_be_one() {
        let dir = tempfile::tempdir().unwrap();
        vault(dir.path()).set_secret("a", Some("b")).unwrap();
        files::write_private(&dir.path().join("config/vault.key"), b"another").unwrap();
        assert!(matches!(vault(dir.path()).secret("a"), Err(VaultError::Sealed(_))));
    }

    #[test]
    fn a_code_is_used_once() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!vault(dir.path()).use_code("c", "x").unwrap());
        assert!(vault(dir.path()).use_code("c", "x").unwrap());
    }
}

//! Configuration: where things are, `connections.toml` and `settings.toml`. Every error names file, line, key and the mend.

pub mod connections;
pub mod edit;
pub mod files;
pub mod settings;
pub mod views;

use std::fmt;
use std::path::{Path, PathBuf};

pub use connections::{Configured, Connections, Misconfigured, SecretRef};
pub use settings::Settings;

/// Where configuration and data lie.
#[derive(Clone, Debug)]
pub struct Paths {
    /// Folder of `connections.toml`, `settings.toml`, `views.toml` and `playbooks/`.
    pub config_dir: PathBuf,
    /// Folder of the store, the vault, the logs and the quarantine.
    pub data_dir: PathBuf,
}

impl Paths {
    /// The folders asked for, else the platform's own.
    pub fn new(config_dir: Option<PathBuf>, data_dir: Option<PathBuf>) -> Self {
        let own = directories::ProjectDirs::from("", "", "nightdesk");
        let fallback = |name: &str| std::env::temp_dir().join(format!("nightdesk-{name}"));
        Self {
            config_dir: config_dir.or_else(|| own.as_ref().map(|dirs| dirs.config_dir().to_owned())).unwrap_or_else(|| fallback("config")),
            data_dir: data_dir.or_else(|| own.as_ref().map(|dirs| dirs.data_dir().to_owned())).unwrap_or_else(|| fallback("data")),
        }
    }

    /// The connections file.
    pub fn connections(&self) -> PathBuf {
        self.config_dir.join("connections.toml")
    }

    /// The settings file.
    pub fn settings(&self) -> PathBuf {
        self.config_dir.join("settings.toml")
    }

    /// The file of the saved views.
    pub fn views(&self) -> PathBuf {
        self.config_dir.join("views.toml")
    }

    /// The folder that attachments go to by default.
    pub fn quarantine(&self) -> PathBuf {
        self.data_dir.join("quarantine")
    }

    /// The log file.
    pub fn log(&self) -> PathBuf {
        self.data_dir.join("nightdesk.log")
    }
}

/// What is wrong with the configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The key, as `connection.parameters.client_id`.
    pub key: Option<String>,
    /// What is wrong and how to mend it.
    pub message: String,
    /// The status code that a source document gives this error.
    pub status_code: Option<u16>,
}

impl Problem {
    /// A problem of a whole file.
    pub fn of(file: PathBuf, message: impl Into<String>) -> Self {
        Self { file, line: None, key: None, message: message.into(), status_code: None }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(key) = &self.key {
            write!(f, ": {key}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for Problem {}

/// A text file with its lines, so that a byte offset becomes a line.
#[derive(Clone, Debug)]
pub(crate) struct Source<'a> {
    file: &'a Path,
    text: &'a str,
}

impl<'a> Source<'a> {
    pub(crate) fn new(file: &'a Path, text: &'a str) -> Self {
        Self { file, text }
    }

    pub(crate) fn line(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }

    pub(crate) fn problem(&self, offset: Option<usize>, key: &str, message: impl Into<String>) -> Problem {
        Problem {
            file: self.file.to_owned(),
            line: offset.map(|offset| self.line(offset)),
            key: (!key.is_empty()).then(|| key.to_owned()),
            message: message.into(),
            status_code: None,
        }
    }
}

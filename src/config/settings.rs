//! `settings.toml`: how the console looks and behaves.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::{Paths, Problem, Source};
use crate::core::console::model::Tell;

/// The settings; everything has a default.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Name of a built-in theme, or of a file in `<config-dir>/themes`.
    pub theme: Option<String>,
    /// Whether only ASCII is drawn.
    pub ascii: bool,
    /// Whether the mouse is listened to.
    pub mouse: bool,
    /// Whether an alarm rings the terminal's bell.
    pub bell: bool,
    /// Whether nothing that changes anything may be run from the console.
    pub read_only: bool,
    /// Milliseconds before a confirmation can be given.
    pub arm_delay_ms: u64,
    /// A program that takes the clipboard's text on its standard input.
    pub clipboard_command: Option<Vec<String>>,
    /// Keys by action id; an empty list takes an action's keys away.
    pub keys: BTreeMap<String, Vec<String>>,
    /// The vault's settings.
    pub vault: VaultSettings,
    /// Closing notes to pick from.
    pub note_templates: Vec<String>,
    /// Whether the vendor is told of decisions made in the console: ask, always or never.
    pub write_back: Tell,
    /// Whether the demo's and the console's jobs run while the console is open.
    pub jobs: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: None,
            ascii: false,
            mouse: false,
            bell: false,
            read_only: false,
            arm_delay_ms: 800,
            clipboard_command: None,
            keys: BTreeMap::new(),
            vault: VaultSettings::default(),
            note_templates: Vec::new(),
            write_back: Tell::Ask,
            jobs: true,
        }
    }
}

/// The vault's settings.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VaultSettings {
    /// A program that prints the vault's key.
    pub key_command: Option<Vec<String>>,
}

/// Reads the settings file; one that is not there is all defaults.
///
/// # Errors
/// What is wrong with it, and where.
pub fn load(paths: &Paths) -> Result<Settings, Problem> {
    let file = paths.settings();
    match std::fs::read_to_string(&file) {
        Ok(text) => parse(&file, &text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Settings::default()),
        Err(error) => Err(Problem::of(file, format!("cannot be read: {error}"))),
    }
}

/// Reads the text of a settings file.
///
/// # Errors
/// What is wrong with it, and where.
pub fn parse(file: &Path, text: &str) -> Result<Settings, Problem> {
    toml::from_str(text)
        .map_err(|error| Source::new(file, text).problem(error.span().map(|span| span.start), "", error.message().trim().to_owned()))
}

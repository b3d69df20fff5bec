//! `nightdesk config`: where things are, and whether they are right.

use clap::Subcommand;
use serde_json::json;

use super::WRONG_CALL;
use super::context::Context;
use super::output::complain;
use crate::runtime::console;
use crate::runtime::playbook::library;

/// Verbs of `nightdesk config`.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Print where configuration and data lie
    Path,
    /// Say whether the configuration is right
    Check,
}

impl Config {
    pub(super) fn carry_out(&self, context: &Context) -> u8 {
        let paths = &context.paths;
        match self {
            Self::Path => {
                let row = json!({
                    "config_dir": paths.config_dir, "data_dir": paths.data_dir, "connections": paths.connections(), "settings": paths.settings(), "views": paths.views(),
                    "quarantine": paths.quarantine(), "log": paths.log(),
                });
                if context.output.is_json() {
                    context.output.json(&row);
                } else {
                    for (name, path) in row.as_object().into_iter().flatten() {
                        context.output.line(&format!("{name:<12} {}", path.as_str().unwrap_or_default()));
                    }
                }
                0
            }
            Self::Check => {
                let (settings, connections, views) = (context.settings(), context.connections(), context.views());
                let mut code = 0;
                for cannot in [settings.as_ref().err(), connections.as_ref().err(), views.as_ref().err()].into_iter().flatten() {
                    code = cannot.say();
                }
                for conflict in settings.ok().and_then(|settings| console::keymap(&settings).err()).into_iter().flatten() {
                    complain(&format!("{}: keys: {conflict}", paths.settings().display()));
                    code = WRONG_CALL;
                }
                for problem in library(&paths.config_dir).1 {
                    complain(&problem.to_string());
                    code = WRONG_CALL;
                }
                let (names, warnings) =
                    connections.as_ref().map(|read| (super::connections::names(read), read.warnings.len())).unwrap_or_default();
                let row = json!({"ok": code == 0, "connections": names, "warnings": warnings});
                context.output.rows(&[row], &[("OK", "ok"), ("CONNECTIONS", "connections"), ("WARNINGS", "warnings")]);
                code
            }
        }
    }
}

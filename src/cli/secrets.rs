//! `nightdesk secrets`: the analyst's own secrets in the encrypted vault.

use clap::Subcommand;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::context::{Context, read_secret};
use super::output::complain;
use super::{WRONG_CALL, named};

/// Verbs of `nightdesk secrets`.
#[derive(Debug, Subcommand)]
pub enum Secrets {
    /// Set a secret; the value comes from stdin or a prompt
    Set {
        /// Its name
        #[arg(value_parser = named)]
        name: String,
    },
    /// List the names
    List,
    /// Remove a secret
    Remove {
        /// Its name
        name: String,
    },
}

impl Secrets {
    pub(super) fn carry_out(self, context: &Context) -> u8 {
        let vault = match context.vault() {
            Ok(vault) => vault,
            Err(cannot) => return cannot.say(),
        };
        let done = match &self {
            Self::Set { name } => read_secret(&format!("value of {name}"))
                .and_then(|value| vault.set_secret(name, Some(value.expose_secret())).map(|_| ()).map_err(|error| error.to_string())),
            Self::List => vault.names().map_err(|error| error.to_string()).map(|names| {
                let rows: Vec<Value> = names.into_iter().map(|name| json!({"name": name})).collect();
                context.output.rows(&rows, &[("NAME", "name")]);
            }),
            Self::Remove { name } => match vault.set_secret(name, None) {
                Ok(true) => Ok(()),
                Ok(false) => Err(format!("the vault holds no {name}")),
                Err(error) => Err(error.to_string()),
            },
        };
        match done {
            Ok(()) => 0,
            Err(reason) => {
                complain(&reason);
                WRONG_CALL
            }
        }
    }
}

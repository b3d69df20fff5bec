//! `nightdesk keys`: every action of the console, where it works, its keys as configured.

use clap::Args;

use super::WRONG_CALL;
use super::context::Context;
use super::output::complain;
use crate::config::settings;
use crate::core::console::action;
use crate::runtime::console;

/// Arguments of `nightdesk keys`.
#[derive(Debug, Args)]
pub struct Keys {
    /// Print the reference of the default keys as a page (assets/keys.md)
    #[arg(long)]
    reference: bool,
}

impl Keys {
    pub(super) fn carry_out(&self, context: &Context) -> u8 {
        let vendors = crate::vendor::all();
        let entries: Vec<_> = vendors.iter().filter_map(|vendor| Some((vendor.id, vendor.sample()?))).collect();
        if self.reference {
            context.output.bytes(action::reference(&entries).as_bytes());
            return 0;
        }
        let settings = match settings::load(&context.paths) {
            Ok(settings) => settings,
            Err(problem) => {
                complain(&problem.to_string());
                return WRONG_CALL;
            }
        };
        match console::keymap(&settings) {
            Ok(keymap) => {
                let columns = [("ACTION", "action"), ("WHERE", "contexts"), ("KEYS", "keys"), ("DOES", "help")];
                context.output.rows(&action::lines(&keymap, &entries), &columns);
                0
            }
            Err(complaints) => {
                complaints.iter().for_each(|complaint| complain(complaint));
                WRONG_CALL
            }
        }
    }
}

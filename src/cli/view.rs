//! `nightdesk view FILE`: a JSON document in the console's explorer; it needs no connection and no store.

use std::io::IsTerminal;

use clap::Args;

use super::WRONG_CALL;
use super::context::Context;
use super::output::complain;
use crate::core::console::effect::Source;
use crate::runtime::{console, document, terminal};

#[derive(Debug, Args)]
pub(super) struct View {
    /// A file of JSON or JSON Lines; `-` reads what is piped in
    #[arg(value_name = "FILE|-")]
    file: String,
}

impl View {
    fn source(self) -> Result<Source, String> {
        if !std::io::stdout().is_terminal() || !terminal::has_keys() {
            return Err("view needs a terminal; in a pipe, jq does what it does".into());
        }
        if self.file != "-" {
            return document::look(&self.file).map(|_| Source::File(self.file));
        }
        if std::io::stdin().is_terminal() {
            return Err("nothing is piped in; name a file, or pipe a document into: nightdesk view -".into());
        }
        Ok(Source::Input)
    }

    pub(super) async fn carry_out(self, context: &Context) -> u8 {
        let source = match self.source() {
            Ok(source) => source,
            Err(reason) => {
                complain(&reason);
                return WRONG_CALL;
            }
        };
        let settings = match context.settings() {
            Ok(settings) => settings,
            Err(cannot) => return cannot.say(),
        };
        match console::view(&context.paths.config_dir, &settings, source).await {
            Ok(()) => 0,
            Err(reason) => {
                complain(&reason);
                1
            }
        }
    }
}

//! `nightdesk audit`: the record, and whether its chain is whole.

use clap::Subcommand;
use serde_json::{Value, json};

use super::context::Context;
use super::output::complain;
use super::rows;

/// Verbs of `nightdesk audit`.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// List the record, newest first
    List {
        /// The most entries to print
        #[arg(long, value_parser = rows, allow_negative_numbers = true)]
        limit: Option<usize>,
        /// How many of the newest to leave out
        #[arg(long, default_value_t = 0, value_parser = rows, allow_negative_numbers = true)]
        offset: usize,
    },
    /// Check the hash chain; 0 only where it is whole
    Verify,
}

impl Audit {
    pub(super) async fn carry_out(self, context: &Context) -> u8 {
        let store = match context.store() {
            Ok(store) => store,
            Err(cannot) => return cannot.say(),
        };
        match self {
            Self::List { limit, offset } => match store.audit_list(limit, offset).await {
                Ok(entries) => {
                    let rows: Vec<Value> = entries.iter().map(|entry| json!(entry)).collect();
                    let columns = [
                        ("SEQ", "seq"),
                        ("TIME", "time"),
                        ("ACTOR", "actor"),
                        ("CONNECTION", "connection"),
                        ("COMMAND", "command"),
                        ("EFFECT", "effect"),
                        ("STATE", "state"),
                        ("ITEMS", "items"),
                    ];
                    context.output.rows(&rows, &columns);
                    0
                }
                Err(error) => {
                    complain(&error.to_string());
                    1
                }
            },
            Self::Verify => match store.audit_verify().await {
                Ok(verdict) => {
                    let bad = verdict.first_bad.as_ref();
                    let row = json!({
                        "ok": verdict.ok, "entries": verdict.entries, "head": verdict.head,
                        "first_bad": bad.map(|(seq, _)| seq), "reason": bad.map(|(_, reason)| reason),
                    });
                    context.output.rows(
                        &[row],
                        &[("OK", "ok"), ("ENTRIES", "entries"), ("HEAD", "head"), ("FIRST BAD", "first_bad"), ("REASON", "reason")],
                    );
                    u8::from(!verdict.ok)
                }
                Err(error) => {
                    complain(&error.to_string());
                    1
                }
            },
        }
    }
}

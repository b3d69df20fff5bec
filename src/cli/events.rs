//! `nightdesk events`: stored events that match a query.

use clap::Args;
use jiff::Timestamp;
use serde_json::Value;

use super::WRONG_CALL;
use super::context::Context;
use super::output::complain;
use crate::core::export::line;
use crate::core::query::Query;

/// Arguments of `nightdesk events`.
#[derive(Debug, Args)]
pub struct Events {
    /// The query, such as: severity:>=high status:new -vendor:wiz
    query: Vec<String>,
    /// The most events to print
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// How many of the newest to leave out
    #[arg(long, default_value_t = 0)]
    offset: usize,
}

const COLUMNS: [(&str, &str); 7] = [
    ("ID", "id"),
    ("SEVERITY", "severity"),
    ("STATUS", "status"),
    ("OCCURRED", "occurred_at"),
    ("CONNECTION", "connection"),
    ("TYPE", "event_type"),
    ("TITLE", "title"),
];

impl Events {
    pub(super) async fn carry_out(self, context: &Context) -> u8 {
        let text = self.query.join(" ");
        let query = match Query::parse(&text) {
            Ok(query) => query,
            Err(error) => {
                complain(&format!("{text}\n{}^\n{error}", " ".repeat(error.column.saturating_sub(1))));
                return WRONG_CALL;
            }
        };
        let store = match context.store() {
            Ok(store) => store,
            Err(cannot) => return cannot.say(),
        };
        match store.events(&query, Some(self.limit), self.offset, Timestamp::now()).await {
            Ok(events) => {
                let rows: Vec<Value> = events.iter().map(line).collect();
                context.output.rows(&rows, &COLUMNS);
                0
            }
            Err(error) => {
                complain(&error.to_string());
                1
            }
        }
    }
}

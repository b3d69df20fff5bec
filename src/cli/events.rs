//! `nightdesk events`: stored events that match a query.

use clap::Args;
use jiff::Timestamp;

use super::context::Context;
use super::output::complain;
use super::{WRONG_CALL, rows};
use crate::core::console::views::{self, Saved};
use crate::core::export::line;
use crate::core::listing::Order;
use crate::core::query::Query;
use crate::runtime::run::actor;
use crate::runtime::store::{Store, StoreError};

/// Arguments of `nightdesk events`.
#[derive(Debug, Args)]
pub struct Events {
    /// The query, such as: severity:>=high status:new -vendor:wiz
    query: Vec<String>,
    /// A saved view, in its own order; the query narrows it further
    #[arg(long, value_name = "NAME")]
    view: Option<String>,
    /// The most events to print
    #[arg(long, default_value_t = 100, value_parser = rows, allow_negative_numbers = true)]
    limit: usize,
    /// How many of the newest to leave out
    #[arg(long, default_value_t = 0, value_parser = rows, allow_negative_numbers = true)]
    offset: usize,
}

/// Whole events that are held at a time, however many are printed.
const CHUNK: usize = 500;

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
        let view = match self.view(context) {
            Ok(view) => view,
            Err(code) => return code,
        };
        let text = views::narrowed(&view.clone().unwrap_or_default(), &self.query.join(" "));
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
        match self.print(context, &store, &query, view.map(|view| view.order)).await {
            Ok(()) => 0,
            Err(error) => {
                complain(&error.to_string());
                1
            }
        }
    }

    /// The view that was asked for.
    fn view(&self, context: &Context) -> Result<Option<Saved>, u8> {
        let Some(name) = &self.view else { return Ok(None) };
        let all = views::all(&context.views().map_err(|cannot| cannot.say())?, &actor());
        let found = all.iter().find(|view| view.name.eq_ignore_ascii_case(name)).cloned();
        if found.is_none() {
            let known: Vec<&str> = all.iter().map(|view| view.name.as_str()).collect();
            complain(&format!("there is no view {name}; there are: {}", known.join("; ")));
        }
        found.map(Some).ok_or(WRONG_CALL)
    }

    async fn print(&self, context: &Context, store: &Store, query: &Query, order: Option<Order>) -> Result<(), StoreError> {
        let (limit, now) = (Some(self.limit), Timestamp::now());
        let ids = match order {
            None => store.event_ids(query, limit, self.offset, now).await?,
            Some(order) => store.rows(query, order, limit, self.offset, now).await?.into_iter().map(|row| row.id).collect(),
        };
        let mut rows = Vec::new();
        for ids in ids.chunks(CHUNK) {
            for event in store.events_of(ids.to_vec()).await? {
                let mut row = line(&event);
                if context.output.is_json() {
                    context.output.json(&row);
                } else {
                    // A table is printed when it is known how wide it is; until then only what it shows is kept.
                    if let Some(row) = row.as_object_mut() {
                        row.retain(|name, _| COLUMNS.iter().any(|(_, member)| member == name));
                    }
                    rows.push(row);
                }
            }
        }
        if !context.output.is_json() {
            context.output.rows(&rows, &COLUMNS);
        }
        Ok(())
    }
}

//! Lists to pick from, and names of ids, read from the vendor: the commands that the catalogue names for them, run one after another.

use std::collections::BTreeMap;
use std::pin::Pin;

use tokio_util::sync::CancellationToken;

use super::run::{RunOptions, Runner};
use crate::core::catalogue::Pick;
use crate::core::lookup::{Asked, Named, Supply, called, given, name_of, rows};
use crate::core::outcome::ReturnData;

type Looking<'a> = Pin<Box<dyn Future<Output = Result<Named, String>> + Send + 'a>>;

/// The values of a list with their names.
///
/// # Errors
/// Why the list could not be had.
pub fn look<'a>(runner: &'a Runner, connection: &'a str, pick: &'a Pick, asked: &'a Asked, cancel: &'a CancellationToken) -> Looking<'a> {
    Box::pin(async move {
        let mut arguments = Vec::new();
        for (parameter, feeds) in &pick.given {
            let values = match asked.supply(feeds) {
                None => continue,
                Some(Supply::Known(values)) => values,
                Some(Supply::List(list, name)) => called(look(runner, connection, list, asked, cancel).await?, name),
            };
            arguments.push(given(parameter, values));
        }
        let options = RunOptions { cancel: cancel.clone(), ..RunOptions::default() };
        let outcome = runner.run(connection, &pick.command, arguments, options).await.outcome;
        if outcome.return_data == ReturnData::Failed {
            let first = outcome.errors.into_iter().next();
            return Err(first.map_or(outcome.message, |failure| failure.message));
        }
        let mut found = rows(&outcome.raw_data, pick);
        for (at, label) in pick.labels.iter().enumerate() {
            let Some(names) = &label.names else { continue };
            let ids: Vec<String> = found.iter().filter_map(|(_, parts)| parts.get(at)?.clone()).collect();
            // A row whose parts have no names to be had is called by their ids.
            let names =
                look(runner, connection, names, &Asked { values: distinct(ids), ..asked.clone() }, cancel).await.unwrap_or_default();
            let names: BTreeMap<String, String> = names.into_iter().filter(|(_, name)| !name.is_empty()).collect();
            for part in found.iter_mut().filter_map(|(_, parts)| parts.get_mut(at)?.as_mut()) {
                if let Some(name) = names.get(part) {
                    part.clone_from(name);
                }
            }
        }
        Ok(found.into_iter().map(|(value, parts)| (value, name_of(&parts))).collect())
    })
}

fn distinct(mut ids: Vec<String>) -> Vec<String> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

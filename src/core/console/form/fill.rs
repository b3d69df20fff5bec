//! The fields of a form, filled from events.

use serde_json::{Map, Value};

use super::field::{Field, plain};
use crate::core::catalogue::{Given, Parameter};
use crate::core::event::StoredEvent;
use crate::core::fill::filled;

/// Fields for parameters, filled from events; what nothing fills gets what its parameter proposes.
pub(super) fn fields_of(parameters: &[Parameter], vendor: &str, events: &[StoredEvent]) -> Vec<Field> {
    let mut fields: Vec<Field> = parameters.iter().map(Field::new).collect();
    for field in &mut fields {
        if let Some((value, origin)) = filled(&field.parameter, vendor, events) {
            field.set(&plain(&value));
            field.origin = Some(origin);
        } else if let Some(proposal) =
            field.parameter.proposal.clone().filter(|text| field.is_blank() && (!events.is_empty() || !text.contains("{title}")))
        {
            let title = events.first().map_or("", |stored| stored.event.title.as_str());
            field.set(proposal.replace("{title}", title).trim());
            field.origin = Some("proposed".into());
        }
        field.begin();
    }
    fields
}

/// What fields were filled from: events by their numbers, an answer by what it gave.
pub(super) fn source_of(events: &[StoredEvent], fields: &[Field]) -> String {
    let mut ids: Vec<i64> = events.iter().map(|event| event.id).filter(|id| *id != 0).collect();
    ids.sort_unstable();
    let numbers = ids.iter().map(i64::to_string);
    let answers = events.iter().any(|event| event.id == 0);
    let given = fields.iter().filter(|field| answers && field.origin.is_some()).map(Field::text);
    numbers.chain(given).collect::<Vec<_>>().join(",")
}

pub(super) fn given_of(values: Map<String, Value>) -> Vec<(String, Given)> {
    values.into_iter().map(|(name, value)| (name, Given::Json(value))).collect()
}

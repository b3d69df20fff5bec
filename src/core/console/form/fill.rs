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
    }
    fields
}

pub(super) fn given_of(values: Map<String, Value>) -> Vec<(String, Given)> {
    values.into_iter().map(|(name, value)| (name, Given::Json(value))).collect()
}

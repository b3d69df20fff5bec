//! What must not be seen is masked wherever it turns up: in outcomes, in failures, in what is stored.

use super::opened::Opened;
use super::run::Runner;
use crate::core::catalogue::Arguments;
use crate::core::entity;
use crate::core::event::Event;
use crate::core::outcome::{Failure, Outcome};
use crate::secrets::redact::mask_fields;

impl Runner {
    /// Learns the secrets among a command's arguments: a server may echo them.
    pub(super) fn learn(&self, arguments: &Arguments) {
        arguments.secrets().iter().for_each(|secret| self.redactor().add(secret));
    }

    /// Masks the connection's own secrets and tokens wherever they turn up in an outcome.
    pub(super) fn mask(&self, outcome: &mut Outcome) {
        let redactor = self.redactor();
        redactor.json(&mut outcome.raw_data);
        if let Some(context) = &mut outcome.context {
            redactor.json(context);
        }
        outcome.key_fields.values_mut().for_each(|value| redactor.json(value));
        outcome.result.iter_mut().for_each(|item| redactor.json(&mut item.value));
        outcome.message = redactor.text(&outcome.message);
        outcome.errors.iter_mut().for_each(|failure| self.mask_failure(failure));
    }

    /// Masks known secrets in a failure; a server may echo them anywhere, in a request id too.
    pub(super) fn mask_failure(&self, failure: &mut Failure) {
        let texts = [&mut failure.item, &mut failure.request_id, &mut failure.hint].into_iter().flatten();
        for text in texts.chain([&mut failure.message, &mut failure.failure_indicator]) {
            *text = self.redactor().text(text);
        }
    }

    /// Makes an event fit to be kept: secret fields and known secrets masked.
    pub(super) fn clean(&self, opened: &Opened, event: &mut Event) {
        let redactor = self.redactor();
        mask_fields(&mut event.raw, &opened.entry.secret_fields);
        redactor.json(&mut event.raw);
        event.fields.values_mut().for_each(|value| {
            mask_fields(value, &opened.entry.secret_fields);
            redactor.json(value);
        });
        event.title = redactor.text(&event.title);
        event.entities.retain(|entity| !redactor.holds(&entity.value));
        for found in entity::extract(&event.raw) {
            if !event.entities.iter().any(|known| known.kind == found.kind && known.value == found.value) {
                event.entities.push(found);
            }
        }
    }
}

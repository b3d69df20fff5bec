//! What an analyst decides, as the store takes it.

use jiff::Timestamp;

use super::store::{Decision, Store, StoreError};
use crate::core::effect::Change;
use crate::core::event::Status;

/// Records a decision about events.
///
/// # Errors
/// When the store fails.
pub async fn decide(store: &Store, actor: &str, ids: Vec<i64>, change: &Change) -> Result<(), StoreError> {
    let now = Timestamp::now();
    let mut decision = Decision { actor: actor.to_owned(), ..Decision::default() };
    match change {
        Change::Close(disposition, note) => {
            decision.status = Some(Status::Closed);
            decision.disposition = Some(Some(*disposition));
            decision.note = (!note.is_empty()).then(|| note.clone());
        }
        Change::Take => {
            decision.status = Some(Status::InProgress);
            decision.assignee = Some(Some(actor.to_owned()));
        }
        Change::Reopen => {
            decision.status = Some(Status::New);
            decision.disposition = Some(None);
            decision.assignee = Some(None);
        }
        Change::Note(text) => decision.note = Some(text.clone()),
        Change::Case(name) => return store.case_add(name, ids, actor, now).await.map(|_| ()),
    }
    store.decide(ids, decision, now).await.map(|_| ())
}

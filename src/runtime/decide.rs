//! Decisions on events, recorded lot by lot.

use jiff::Timestamp;

use super::store::{Decision, Store, Was};
use crate::core::event::{Disposition, Status};
use crate::core::triage::{Before, Change};

/// Decisions that are recorded together; others who write need not wait longer than for one such lot.
const LOT: usize = 1_000;

/// How events were for which something was recorded, and why it was not for all.
pub(super) type Recorded = (Vec<Before>, Option<String>);

pub(super) async fn decide(store: &Store, actor: &str, ids: &[i64], change: &Change) -> Recorded {
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
        Change::Case(name) => {
            for lot in ids.chunks(LOT) {
                if let Err(error) = store.case_add(name, lot.to_vec(), actor, Timestamp::now()).await {
                    return (Vec::new(), Some(error.to_string()));
                }
            }
            return (Vec::new(), None);
        }
    }
    record(store, ids, &decision).await
}

pub(super) async fn restore(store: &Store, actor: &str, before: &[Before]) -> Recorded {
    let mut alike: Vec<(Status, Option<Disposition>, Vec<i64>)> = Vec::new();
    for (id, status, disposition) in before {
        match alike.iter_mut().find(|(known, verdict, _)| known == status && verdict == disposition) {
            Some((_, _, ids)) => ids.push(*id),
            None => alike.push((*status, *disposition, vec![*id])),
        }
    }
    let mut all = Vec::new();
    for (status, disposition, ids) in alike {
        let assignee = (status == Status::New).then_some(None);
        let decision = Decision { actor: actor.to_owned(), status: Some(status), disposition: Some(disposition), assignee, note: None };
        let (done, fault) = record(store, &ids, &decision).await;
        all.extend(done);
        if fault.is_some() {
            return (all, fault);
        }
    }
    (all, None)
}

/// Records a decision lot by lot.
async fn record(store: &Store, ids: &[i64], decision: &Decision) -> Recorded {
    let mut before = Vec::new();
    for lot in ids.chunks(LOT) {
        match store.decide(lot.to_vec(), decision.clone(), Timestamp::now()).await {
            Ok(was) => before.extend(was.into_iter().map(|Was { id, status, disposition, .. }| (id, status, disposition))),
            Err(error) => return (before, Some(error.to_string())),
        }
    }
    (before, None)
}

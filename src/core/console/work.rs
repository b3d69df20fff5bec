//! What takes long on a large document, as plain data: done off the loop in steps, taken up when it is done, and stopped when nobody wants
//! it any more.

use std::sync::{Arc, Weak};

use crate::core::json::{Document, Find, Sort, Table, Tree};

/// Documents up to so many bytes are worked on at once: the loop does not notice.
pub const AT_ONCE: usize = 1024 * 1024;
/// Bytes that are searched between two looks at whether anybody still wants it.
const STEP: usize = 4 * 1024 * 1024;

/// Held by whoever waits for an answer. Letting go of it is how one says that it is not wanted any more.
#[derive(Clone, Debug, Default)]
pub struct Claim(Arc<()>);

impl Claim {
    /// What goes with the work and comes back with the answer.
    pub fn ticket(&self) -> Ticket {
        Ticket(Arc::downgrade(&self.0))
    }

    /// Whether an answer with this ticket is the one waited for.
    pub fn is_for(&self, ticket: &Ticket) -> bool {
        std::ptr::eq(Arc::as_ptr(&self.0), ticket.0.as_ptr())
    }
}

/// Names the claim that an answer is for.
#[derive(Clone, Debug)]
pub struct Ticket(Weak<()>);

impl Ticket {
    /// Whether somebody still waits for the answer.
    pub fn is_wanted(&self) -> bool {
        self.0.strong_count() > 0
    }
}

impl PartialEq for Ticket {
    fn eq(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Job {
    /// Search; with `go`, the cursor goes to the first hit.
    Find {
        /// The search, as far as it is.
        find: Find,
        /// Whether the cursor moves.
        go: bool,
    },
    /// Sort the rows of a table.
    Arrange(Box<Table>, Sort),
    /// Open so many levels of a tree.
    Unfold(Tree, usize),
}

impl Job {
    /// What is going on, for the foot of the document.
    pub fn doing(&self) -> &'static str {
        match self {
            Self::Find { .. } => "searching",
            Self::Arrange(..) => "sorting",
            Self::Unfold(..) => "unfolding",
        }
    }
}

/// A job on a document.
#[derive(Clone, Debug)]
pub struct Work {
    /// Whom it is for.
    pub ticket: Ticket,
    /// The document.
    pub document: Document,
    /// What is to be done, or was.
    pub job: Job,
}

impl PartialEq for Work {
    fn eq(&self, other: &Self) -> bool {
        self.ticket == other.ticket
    }
}

impl Work {
    /// Goes on for a while; says how many percent are done, or nothing when all is.
    pub fn step(&mut self) -> Option<usize> {
        match &mut self.job {
            Job::Find { find, .. } => {
                if !find.advance(STEP) {
                    let all = self.document.bytes().len().max(1);
                    return Some(all.saturating_sub(find.left()) * 100 / all);
                }
            }
            Job::Arrange(table, sort) => {
                table.arrange(&self.document, Some(sort.clone()), None);
            }
            Job::Unfold(tree, levels) => {
                tree.to_depth(&self.document, *levels);
            }
        }
        None
    }
}

/// What has come of a document that is being read.
#[derive(Clone, Debug)]
pub enum Arrived {
    /// Its beginning, or more of it.
    Head(Document),
    /// How far it is.
    Progress(String),
    /// All of it.
    Whole(Document),
    /// It cannot be read.
    Failed(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_knows_its_claim_and_whether_it_is_still_held() {
        let (claim, other) = (Claim::default(), Claim::default());
        let ticket = claim.ticket();
        assert!(claim.is_for(&ticket) && !other.is_for(&ticket));
        assert!(ticket.is_wanted() && ticket == claim.ticket() && ticket != other.ticket());
        drop(claim);
        assert!(!ticket.is_wanted());
    }
}

//! The event on show: its tabs, and all that is known about it.

use jiff::Timestamp;

use super::explorer::{Explorer, Face};
use crate::core::entity::Entity;
use crate::core::event::StoredEvent;
use crate::core::same_file::SameFile;

/// A side of the event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// What matters at a glance.
    #[default]
    Summary,
    /// The document's mapped fields.
    Fields,
    /// What it mentions, and how often any vendor did.
    Entities,
    /// The record as a tree.
    Tree,
    /// A list of the record as a table.
    Table,
    /// The record as text.
    Raw,
    /// What became of it here.
    History,
}

impl Tab {
    /// Every tab with its title.
    pub const ALL: [(&'static str, Self); 7] = [
        ("Summary", Self::Summary),
        ("Fields", Self::Fields),
        ("Entities", Self::Entities),
        ("Tree", Self::Tree),
        ("Table", Self::Table),
        ("Raw", Self::Raw),
        ("History", Self::History),
    ];

    /// The face of the document that it shows, if it shows one.
    pub fn face(self) -> Option<Face> {
        match self {
            Self::Tree => Some(Face::Tree),
            Self::Table => Some(Face::Table),
            Self::Raw => Some(Face::Raw),
            _ => None,
        }
    }

    /// The tab beside it.
    #[must_use]
    pub fn beside(self, forward: bool) -> Self {
        let count = Self::ALL.len();
        let at = Self::ALL.iter().position(|(_, tab)| *tab == self).unwrap_or(0);
        let at = if forward { (at + 1) % count } else { (at + count - 1) % count };
        Self::ALL.get(at).map_or(Self::Summary, |(_, tab)| *tab)
    }
}

/// An entity, and what is known about it beyond this event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The entity.
    pub entity: Entity,
    /// How many events mention it.
    pub events: usize,
    /// Of how many vendors.
    pub vendors: usize,
    /// When it was first seen.
    pub first: Option<Timestamp>,
    /// When it was last seen.
    pub last: Option<Timestamp>,
    /// For a hash: what else names that file.
    pub same_file: SameFile,
}

/// An event with all that is known about it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The event.
    pub event: StoredEvent,
    /// Its record.
    pub explorer: Explorer,
    /// How the same was closed before.
    pub precedent: Vec<String>,
    /// How many events are like it.
    pub alike: usize,
    /// What it mentions.
    pub entities: Vec<Known>,
    /// What became of it here: revisions, decisions, notes, runs; the newest first.
    pub history: Vec<Past>,
}

/// Something that became of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// What, in a line.
    pub text: String,
    /// The revision that came in then, from 1.
    pub revision: Option<u32>,
}

/// The event pane.
#[derive(Clone, Debug, Default)]
pub struct Detail {
    /// The event that is wanted.
    pub wanted: Option<i64>,
    /// The event on show.
    pub shown: Option<Box<Shown>>,
    /// Why it cannot be shown.
    pub fault: Option<String>,
    /// The side on show.
    pub tab: Tab,
    /// Selected line of a side that is text.
    pub line: usize,
    /// First line on the screen.
    pub first: usize,
}

impl Detail {
    /// The face of the document on show.
    pub fn face(&self) -> Option<Face> {
        self.tab.face()
    }

    /// Goes to another side.
    pub fn turn(&mut self, tab: Tab) {
        self.tab = tab;
        self.line = 0;
        self.first = 0;
        if tab == Tab::Table
            && let Some(shown) = &mut self.shown
        {
            shown.explorer.show_table();
        }
    }

    /// The selected revision, on the side that lists them.
    pub fn revision(&self) -> Option<u32> {
        let shown = self.shown.as_ref()?;
        (self.tab == Tab::History).then(|| shown.history.get(self.line).and_then(|past| past.revision)).flatten()
    }

    /// How many lines can be selected on this side, where they can.
    pub fn lines(&self) -> Option<usize> {
        let shown = self.shown.as_ref()?;
        match self.tab {
            Tab::Entities => Some(shown.entities.len()),
            Tab::Fields => Some(shown.event.event.fields.len()),
            Tab::History => Some(shown.history.len()),
            _ => None,
        }
    }

    /// Scrolls so that the selected line can be seen on so many rows.
    pub fn follow(&mut self, height: usize) {
        if self.lines().is_some() {
            self.first = self.first.min(self.line).max((self.line + 1).saturating_sub(height.max(1)));
        }
    }

    /// The selected entity, on the side that lists them.
    pub fn entity(&self) -> Option<&Entity> {
        let shown = self.shown.as_ref()?;
        (self.tab == Tab::Entities).then(|| shown.entities.get(self.line).map(|known| &known.entity)).flatten()
    }
}

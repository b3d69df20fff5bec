//! Documents on top of what they were taken from: a decoded value, what a path picks, what a revision changed.

use super::ask;
use super::effect::Effect;
use super::explorer::{Begun, Explorer, Face};
use super::layer::{Layer, Page};
use super::model::{Model, Pane};
use super::notice::Tone;
use super::opening;
use super::work::{Arrived, Claim, Ticket, Work};
use crate::core::json::{Decoded, Document};

/// A document on top of what it was taken from.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What it is.
    pub title: String,
    /// The document.
    pub explorer: Explorer,
    /// The face on show.
    pub face: Face,
    /// Where it comes from and how far it is, if it comes from outside.
    pub coming: Option<Coming>,
}

/// A document from outside, on show while it is still being read.
#[derive(Clone, Debug)]
pub struct Coming {
    /// The file, or `-` for what is piped in.
    pub name: String,
    /// How far the reading is; nothing once it has ended.
    pub progress: Option<String>,
    /// Why it cannot be read, or not to its end.
    pub fault: Option<String>,
    /// What the reading is for: it stops when nobody shows the document any more.
    pub claim: Claim,
}

impl Reading {
    /// A document that shows a face first.
    pub fn new(title: impl Into<String>, document: Document, face: Face) -> Self {
        let mut reading = Self { title: title.into(), explorer: Explorer::new(document), face: Face::Tree, coming: None };
        reading.show(face);
        reading
    }

    /// A document of values of another, named by their paths in that.
    pub fn by_path(title: impl Into<String>, document: Document, face: Face) -> Self {
        let mut reading = Self::new(title, document, face);
        reading.explorer.by_path = true;
        reading
    }

    /// A document that is still to be read.
    pub fn from_outside(name: &str) -> Self {
        let title = if name == "-" { "standard input" } else { name };
        let coming = Coming { name: name.into(), progress: Some("reading".into()), fault: None, claim: Claim::default() };
        Self { coming: Some(coming), ..Self::new(title, Document::parse(Vec::new()), Face::Tree) }
    }

    /// Takes up what has come of it, where it is meant for this one; gives back work that it makes for the world.
    pub fn take(&mut self, ticket: &Ticket, arrived: &Arrived) -> Option<Box<Work>> {
        let coming = self.coming.as_mut().filter(|coming| coming.claim.is_for(ticket))?;
        let document = match arrived {
            Arrived::Progress(text) => {
                coming.progress = Some(text.clone());
                return None;
            }
            Arrived::Failed(message) => {
                (coming.progress, coming.fault) = (None, Some(message.clone()));
                return None;
            }
            Arrived::Head(document) => document,
            Arrived::Whole(document) => {
                coming.progress = None;
                document
            }
        };
        let begun = self.explorer.go_on(document.clone());
        self.show(self.face);
        match begun {
            Begun::Away(work) => Some(work),
            Begun::Done(_) => None,
        }
    }

    /// Shows a face.
    pub fn show(&mut self, face: Face) {
        self.face = face;
        if face == Face::Table {
            self.explorer.show_table();
        }
    }

    /// Goes to the face beside this.
    pub fn turn(&mut self, forward: bool) {
        let count = Face::ALL.len();
        let at = Face::ALL.iter().position(|(_, face)| *face == self.face).unwrap_or(0);
        let at = if forward { (at + 1) % count } else { (at + count - 1) % count };
        self.show(Face::ALL.get(at).map_or(Face::Tree, |(_, face)| *face));
    }
}

fn open(model: &mut Model, title: String, document: Document) -> Vec<Effect> {
    model.layers.push(Layer::Document(Box::new(Reading::new(title, document, Face::Tree))));
    Vec::new()
}

/// Opens the value under the cursor decoded.
pub fn decode(model: &mut Model) -> Vec<Effect> {
    let Some((face, explorer)) = model.explorer_mut() else { return Vec::new() };
    let found = explorer.selected(face).and_then(|node| explorer.path_text(face).zip(explorer.document.decoded(node)));
    match found {
        Some((path, (what, Decoded::Document(document)))) => open(model, format!("{path}: {what}"), document),
        Some((path, (what, Decoded::Text(text)))) => {
            model.layers.push(Layer::Page(Page::of_text(format!("{path}: {what}"), text)));
            Vec::new()
        }
        None => {
            model.tell(Tone::Info, "This value is neither Base64 of text nor JSON in a string.");
            Vec::new()
        }
    }
}

/// Opens the selected row of a table as a document.
pub fn open_row(model: &mut Model) -> Vec<Effect> {
    let Some((_, explorer)) = model.explorer_mut() else { return Vec::new() };
    let Some(node) = explorer.selected_row_node() else { return Vec::new() };
    let (path, bytes) = (explorer.document.path(node), explorer.document.raw(node).to_vec());
    open(model, path, Document::parse(bytes))
}

/// Asks for what a path picks.
pub fn select(model: &mut Model, path: String) -> Vec<Effect> {
    let Some((_, explorer)) = model.explorer_mut() else { return Vec::new() };
    let extract = Effect::Extract(explorer.document.clone(), path.clone());
    opening::ask(model, path, extract)
}

/// Asks for what a revision of the event on show changed: the selected one in the history, else the last.
pub fn changes(model: &mut Model) -> Vec<Effect> {
    let Some(shown) = &model.detail.shown else { return Vec::new() };
    let last = shown.event.revisions;
    let chosen = model.detail.revision().unwrap_or(last);
    if last < 2 {
        model.tell(Tone::Info, "The vendor sent this event once; there is nothing to compare.");
        return Vec::new();
    }
    if chosen < 2 {
        model.tell(Tone::Info, "This is the event as it first came; choose a later revision.");
        return Vec::new();
    }
    let changes = Effect::Changes(shown.event.id, chosen);
    opening::ask(model, "Changes", changes)
}

/// A document that was asked for.
pub fn opened(model: &mut Model, result: Result<Box<Reading>, String>) -> Vec<Effect> {
    match result {
        Ok(reading) => model.layers.push(Layer::Document(reading)),
        Err(message) => model.tell(Tone::Warning, message),
    }
    Vec::new()
}

/// Shows the list nearest to the cursor as a table.
pub fn show_table(model: &mut Model) {
    match model.layers.last_mut() {
        Some(Layer::Document(reading)) => reading.show(Face::Table),
        Some(Layer::Outcome(view)) => {
            view.side = super::layer::Side::Table;
            if let Some(explorer) = &mut view.explorer {
                explorer.show_table();
            }
        }
        None if model.focus == Pane::Record => model.detail.turn(super::detail::Tab::Table),
        _ => {}
    }
}

/// Asks for the path that picks values.
pub fn ask_path(model: &mut Model) -> Vec<Effect> {
    ask::prompt(model, super::layer::Asks::Path, "$.")
}

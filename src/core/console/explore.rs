//! What one does with a JSON document on show, wherever it is shown.

use super::action::Action;
use super::cases;
use super::detail::Tab;
use super::effect::{Effect, Source};
use super::explorer::{Begun, Found};
use super::layer::{Layer, Side};
use super::model::Model;
use super::notice::Tone;
use super::reading::{self, Reading};
use super::work::{Arrived, Ticket, Work};

/// Opens a document from outside.
pub fn open(model: &mut Model, source: Source) -> Vec<Effect> {
    let reading = Reading::from_outside(match &source {
        Source::File(path) => path,
        Source::Input => "-",
    });
    let ticket = reading.coming.as_ref().map(|coming| coming.claim.ticket());
    model.layers.push(Layer::Document(Box::new(reading)));
    ticket.map(|ticket| Effect::Read(ticket, source)).into_iter().collect()
}

/// What has come of a document that is being read.
pub fn read(model: &mut Model, ticket: &Ticket, arrived: &Arrived) -> Vec<Effect> {
    let work = model.layers.iter_mut().find_map(|layer| match layer {
        Layer::Document(reading) => reading.take(ticket, arrived),
        _ => None,
    });
    work.map(Effect::Work).into_iter().collect()
}

/// Work on a document goes on.
pub fn working(model: &mut Model, ticket: &Ticket, percent: usize) -> Vec<Effect> {
    let pending = model.explorers_mut().find(|explorer| explorer.waits_for(ticket)).and_then(|explorer| explorer.pending.as_mut());
    if let Some(pending) = pending {
        pending.percent = percent;
    }
    Vec::new()
}

/// Work on a document is done.
pub fn worked(model: &mut Model, work: Work) -> Vec<Effect> {
    let found = model.explorers_mut().find(|explorer| explorer.waits_for(&work.ticket)).and_then(|explorer| explorer.finish(work));
    tell(model, found)
}

/// Gives up what is being done to the document under the keys, if something is.
pub fn stop(model: &mut Model) -> bool {
    let Some(pending) = model.explorer_mut().and_then(|(_, explorer)| explorer.pending.take()) else { return false };
    model.tell(Tone::Info, format!("stopped {}", pending.doing));
    true
}

fn begun(model: &mut Model, begun: Begun) -> Vec<Effect> {
    match begun {
        Begun::Done(found) => tell(model, found),
        Begun::Away(work) => vec![Effect::Work(work)],
    }
}

/// Tells what was found.
fn tell(model: &mut Model, found: Option<Found>) -> Vec<Effect> {
    match found {
        Some(Found { text, count: 0 }) => model.tell(Tone::Warning, format!("{text:?} is not in here")),
        Some(Found { count, .. }) => model.tell(Tone::Info, format!("{count} found; n and N go on")),
        None => {}
    }
    Vec::new()
}

/// Searches in what is on show.
pub fn find(model: &mut Model, text: &str) -> Vec<Effect> {
    match model.layers.last_mut() {
        Some(Layer::Page(page)) => {
            text.clone_into(&mut page.needle);
            let count = usize::from(page.next_hit(true));
            return tell(model, Some(Found { text: text.into(), count }));
        }
        // A search on a side that is not the document goes to the tree.
        Some(Layer::Outcome(view)) if view.side.face().is_none() => view.side = Side::Raw,
        None if model.detail.face().is_none() => model.detail.turn(Tab::Tree),
        _ => {}
    }
    match model.explorer_mut().map(|(face, explorer)| explorer.search(face, text)) {
        Some(search) => begun(model, search),
        None => Vec::new(),
    }
}

/// Goes to the next or previous place that was searched for.
pub fn find_next(model: &mut Model, forward: bool) -> Vec<Effect> {
    if let Some(Layer::Page(page)) = model.layers.last_mut() {
        page.next_hit(forward);
        return Vec::new();
    }
    if let Some((number, total)) = model.explorer_mut().and_then(|(face, explorer)| explorer.next_hit(face, forward)) {
        model.tell(Tone::Info, format!("{number} of {total}"));
    }
    Vec::new()
}

/// Goes to the side beside the one on show.
pub fn turn(model: &mut Model, forward: bool) -> Vec<Effect> {
    match model.layers.last_mut() {
        Some(Layer::Outcome(view)) => view.turn(forward),
        Some(Layer::Document(reading)) => reading.turn(forward),
        Some(Layer::Case(_)) => cases::turn(model, forward),
        None => model.detail.turn(model.detail.tab.beside(forward)),
        Some(_) => {}
    }
    Vec::new()
}

/// Folds, unfolds, sorts and hides.
pub fn perform(model: &mut Model, action: Action) -> Vec<Effect> {
    if action == Action::ViewTable {
        reading::show_table(model);
        return Vec::new();
    }
    let Some((face, explorer)) = model.explorer_mut() else { return Vec::new() };
    let document = explorer.document.clone();
    match action {
        Action::SortColumn => {
            let done = explorer.sort_column();
            return begun(model, done);
        }
        Action::Depth1 | Action::Depth2 | Action::Depth3 => {
            let levels = if action == Action::Depth1 { 1 } else { 2 + usize::from(action == Action::Depth3) };
            let done = explorer.unfold(levels);
            return begun(model, done);
        }
        Action::Expand => explorer.expand(face),
        Action::Collapse => explorer.collapse(face),
        Action::UnfoldAll => explorer.tree.open_all(&document),
        Action::FoldAll => explorer.tree.shut_all(&document),
        Action::HideColumn => explorer.hide_column(),
        _ => explorer.show_columns(),
    }
    Vec::new()
}

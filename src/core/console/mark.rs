//! Marks and groups that reach beyond the rows that are here: the store says which events are meant.

use super::act;
use super::action::Action;
use super::effect::Effect;
use super::model::Model;
use super::notice::Tone;
use super::queue::Item;
use super::run;
use crate::core::listing::{Grouping, Listed, Tally, View, Which};

/// Marks, or takes marks away.
pub fn perform(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Mark => match (&model.queue.selected, model.queue.grouping) {
            (Some(Item::Group(name)), Some(grouping)) => {
                let which = Which::Group(grouping, name.clone());
                return ask(model, which, None);
            }
            _ => {
                model.queue.toggle_mark();
                return act::move_by(model, 1);
            }
        },
        Action::MarkRange => model.queue.mark_range(),
        Action::MarkAlike => {
            let which = match (&model.queue.selected, model.queue.grouping) {
                (Some(Item::Group(name)), Some(grouping)) => Which::Group(grouping, name.clone()),
                (Some(Item::Event(id)), _) => Which::Like(*id),
                _ => return Vec::new(),
            };
            return ask(model, which, None);
        }
        Action::MarkAll => return ask(model, Which::All, None),
        _ => model.queue.marks.clear(),
    }
    Vec::new()
}

/// Asks the store which events are meant; what is pressed meanwhile waits, and so does an action that is for them.
pub fn ask(model: &mut Model, which: Which, then: Option<Action>) -> Vec<Effect> {
    model.queue.marking = true;
    vec![Effect::Mark { view: model.queue.view.clone(), which, then }]
}

/// The store says which events are meant.
pub fn marked(model: &mut Model, view: &View, which: &Which, then: Option<Action>, result: Result<Vec<i64>, String>) -> Vec<Effect> {
    model.queue.marking = false;
    let early = std::mem::take(&mut model.early);
    // Another view is another list: its marks are not these.
    if model.queue.view != *view {
        return run::replay(model, early);
    }
    let mut effects = match result {
        Err(message) => {
            model.tell(Tone::Error, format!("Nothing was marked: {message}"));
            return Vec::new();
        }
        Ok(ids) => {
            let count = model.queue.mark(which, ids);
            let alike = if matches!(which, Which::Like(_)) { " alike" } else { "" };
            model.tell(Tone::Info, if count == 0 { "Marks taken away".into() } else { format!("marked {count}{alike}") });
            then.map(|action| act::perform(model, action)).unwrap_or_default()
        }
    };
    effects.extend(run::replay(model, early));
    effects
}

/// Folds or unfolds the group of the selection.
pub fn fold(model: &mut Model) -> Vec<Effect> {
    let queue = &mut model.queue;
    let place = queue.place();
    let above = queue.items().iter().take(place + 1).rev().find_map(|item| match item {
        Item::Group(name) => Some(name.clone()),
        Item::Event(_) => None,
    });
    let Some(name) = above else { return Vec::new() };
    if !queue.unfolded.remove(&name) {
        queue.unfolded.insert(name.clone());
    }
    queue.moved = true;
    queue.selected = Some(Item::Group(name.clone()));
    queue.arrange();
    if queue.unfolded.contains(&name) { members(model, Some(&name)) } else { Vec::new() }
}

/// Asks for the rows of unfolded groups (or of one) of which not all are here.
pub fn members(model: &Model, only: Option<&str>) -> Vec<Effect> {
    let queue = &model.queue;
    let Some(grouping) = queue.grouping else { return Vec::new() };
    let wanted = queue.unfolded.iter().filter(|name| only.is_none_or(|only| only == *name) && queue.is_half(name));
    let ask = |name: &String| Effect::Members { generation: queue.generation, view: queue.view.clone(), grouping, group: name.clone() };
    wanted.map(ask).collect()
}

/// Rows of a group.
pub fn filled(model: &mut Model, generation: u64, group: &str, result: Result<Vec<Listed>, String>) -> Vec<Effect> {
    // A newer list asks anew.
    if generation == model.queue.generation {
        match result {
            Ok(rows) => model.queue.fill_group(group, rows),
            Err(message) => model.tell(Tone::Error, message),
        }
    }
    Vec::new()
}

/// Has everything counted that the view finds, unless that is under way: then once more after it.
pub fn count(model: &mut Model) -> Vec<Effect> {
    let queue = &mut model.queue;
    let wanted = (queue.view.clone(), queue.grouping);
    if queue.counting.as_ref() == Some(&wanted) {
        queue.recount = true;
        return Vec::new();
    }
    queue.counting = Some(wanted);
    queue.recount = false;
    vec![Effect::Tally(queue.view.clone(), queue.grouping)]
}

/// Everything was counted.
pub fn tallied(model: &mut Model, view: View, grouping: Option<Grouping>, result: Result<Tally, String>) -> Vec<Effect> {
    if model.queue.counting != Some((view, grouping)) {
        return Vec::new();
    }
    model.queue.counting = None;
    match result {
        Ok(tally) => model.queue.count_up(tally),
        Err(message) => model.tell(Tone::Error, format!("The events could not be counted: {message}")),
    }
    let mut effects = members(model, None);
    if std::mem::take(&mut model.queue.recount) {
        effects.extend(count(model));
    }
    effects
}

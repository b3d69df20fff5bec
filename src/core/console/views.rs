//! Saved views: a query with its order and grouping, under a name. The analyst's own, and those that come with the program.

use super::act;
use super::chooser::{Choice, Chooser, Purpose};
use super::effect::Effect;
use super::layer::{Asks, Layer, Prompt};
use super::model::{Model, OPEN, Pane};
use super::notice::Tone;
use crate::core::listing::{Column, Grouping, Order, View};
use crate::core::query::quoted;

/// A view of the queue under a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Its name.
    pub name: String,
    /// The query; empty shows everything.
    pub query: String,
    /// The order.
    pub order: Order,
    /// How it is grouped.
    pub grouping: Option<Grouping>,
}

impl Saved {
    /// What is said about it beside its name.
    fn note(&self) -> String {
        let mut parts = vec![if self.query.is_empty() { "everything".to_owned() } else { self.query.clone() }];
        if self.order != Order::default() {
            let turned = if self.order.descending == self.order.column.descends() { "" } else { ", turned round" };
            parts.push(format!("by {}{turned}", self.order.column.as_str()));
        }
        parts.extend(self.grouping.map(|grouping| format!("grouped by {}", grouping.as_str())));
        parts.join(" · ")
    }
}

/// The views that come with the program.
pub fn shipped(analyst: &str) -> Vec<Saved> {
    let view = |name: &str, query: &str| Saved { name: name.into(), query: query.into(), ..Saved::default() };
    let worst_first = Order { column: Column::Severity, descending: true };
    vec![
        view("Open", OPEN),
        view("My shift", &format!("assignee:={} -status:closed", quoted(analyst))),
        Saved { order: worst_first, ..view("Unassigned, high and critical", "severity:>=high assignee:=\"\" -status:closed") },
        Saved { order: worst_first, ..view("High and critical, open", "severity:>=high -status:closed") },
        Saved { grouping: Some(Grouping::Rule), ..view("Open, by rule", OPEN) },
        view("In progress", "status:in_progress"),
        view("Last 24 hours", "age:<24h"),
        view("Everything", ""),
    ]
}

/// Every view: the analyst's own, then those that come with the program and have no namesake.
pub fn all(own: &[Saved], analyst: &str) -> Vec<Saved> {
    let mut views = own.to_vec();
    let known = |name: &str| own.iter().any(|view| view.name.eq_ignore_ascii_case(name));
    views.extend(shipped(analyst).into_iter().filter(|view| !known(&view.name)));
    views
}

/// The views as choices.
pub fn choices(model: &Model) -> Vec<Choice> {
    let choice = |view: Saved| Choice { id: format!("v:{}", view.name), note: view.note(), title: view.name, ..Choice::default() };
    all(&model.setup.views, &model.setup.analyst).into_iter().map(choice).collect()
}

/// Opens the list of views; how many events each has is asked for.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let chooser = Chooser::new(Purpose::View, "Views", choices(model));
    model.layers.push(Layer::Chooser(Box::new(chooser)));
    let views = all(&model.setup.views, &model.setup.analyst);
    vec![Effect::Count(views.into_iter().map(|view| (view.name, view.query)).collect())]
}

/// How many events the views have.
pub fn counted(model: &mut Model, counts: &[(String, usize)]) -> Vec<Effect> {
    if let Some(Layer::Chooser(chooser)) = model.layers.last_mut()
        && matches!(chooser.purpose, Purpose::View)
    {
        for choice in &mut chooser.choices {
            let count = counts.iter().find(|(name, _)| choice.id.strip_prefix("v:") == Some(name)).map(|(_, count)| count);
            choice.hint = count.map(usize::to_string).unwrap_or_default();
        }
    }
    Vec::new()
}

/// Goes to a view by name.
pub fn go(model: &mut Model, name: &str) -> Vec<Effect> {
    let Some(view) = all(&model.setup.views, &model.setup.analyst).into_iter().find(|view| view.name == name) else { return Vec::new() };
    model.focus = Pane::Queue;
    let effects = act::go(model, View { query: view.query, title: view.name, order: view.order });
    model.queue.group(view.grouping);
    effects
}

/// Asks under which name the present view is to be saved.
pub fn ask_name(model: &mut Model) -> Vec<Effect> {
    let title = &model.queue.view.title;
    let known = model.setup.views.iter().any(|view| view.name == *title);
    let prompt = Prompt::new(Asks::View, if known { title } else { "" });
    model.layers.push(Layer::Prompt(Box::new(prompt)));
    Vec::new()
}

/// Saves the present view under a name.
pub fn save(model: &mut Model, name: String) -> Vec<Effect> {
    if name.is_empty() {
        return Vec::new();
    }
    let View { query, order, .. } = model.queue.view.clone();
    vec![Effect::KeepView(Saved { name, query, order, grouping: model.queue.grouping })]
}

/// Opens the list of the analyst's own views, of which one is to be removed.
pub fn ask_which(model: &mut Model) -> Vec<Effect> {
    let own = model.setup.views.iter().map(|view| view.name.clone()).collect::<Vec<_>>();
    let choices = choices(model).into_iter().filter(|choice| own.contains(&choice.title)).collect();
    model.layers.push(Layer::Chooser(Box::new(Chooser::new(Purpose::ForgetView, "Remove which view", choices))));
    Vec::new()
}

/// The views were written, or not.
pub fn written(model: &mut Model, result: Result<(Vec<Saved>, String), String>) -> Vec<Effect> {
    match result {
        Ok((views, done)) => {
            model.setup.views = views;
            model.tell(Tone::Done, done);
        }
        Err(message) => model.tell(Tone::Error, message),
    }
    Vec::new()
}

/// The query of a view together with what else is asked for.
pub fn narrowed(view: &Saved, more: &str) -> String {
    match (view.query.trim(), more.trim()) {
        (query, "") => query.to_owned(),
        ("", more) => more.to_owned(),
        (query, more) => format!("({query}) ({more})"),
    }
}

//! Saved views: chosen, saved, removed.

use crate::core::console::effect::Effect;
use crate::core::console::layer::Layer;
use crate::core::console::model::OPEN;
use crate::core::console::queue::Item;
use crate::core::console::session::Session;
use crate::core::console::views::{self, Saved};
use crate::core::listing::{Column, Grouping, Order};

#[test]
fn a_view_is_chosen_by_name_and_says_how_many_events_it_has() {
    let mut session = Session::new();
    session.press("g v");
    let Some(Layer::Chooser(chooser)) = session.model.layers.last() else { panic!("no list") };
    let hint = |name: &str| chooser.choices.iter().find(|choice| choice.title == name).unwrap().hint.clone();
    assert_eq!((hint("Open").as_str(), hint("Everything").as_str()), ("12", "12"));
    session.text("night").press("enter");
    assert_eq!((session.model.queue.view.query.as_str(), session.model.queue.view.title.as_str()), ("age:<12h", "Night"));
    session.press("esc");
    assert_eq!(session.model.queue.view.query, OPEN, "one goes back from a view as from a pivot");
}

#[test]
fn a_view_brings_its_order_and_its_groups_folded() {
    let mut session = Session::new();
    session.press("g v").text("by rule").press("enter");
    assert_eq!(session.model.queue.grouping, Some(Grouping::Rule));
    assert!(!session.model.queue.items().is_empty());
    assert!(session.model.queue.items().iter().all(|item| matches!(item, Item::Group(_))), "{:?}", session.model.queue.items());
    session.press("g v").text("unassigned").press("enter");
    assert_eq!(session.model.queue.grouping, None);
    assert_eq!(session.model.queue.view.order, Order { column: Column::Severity, descending: true });
}

#[test]
fn the_present_view_is_saved_under_a_name_and_removed_again() {
    let mut session = Session::new();
    session.press("/ ctrl-u").text("disk").press("enter s").text("title").press("enter g w").text("Disks").press("enter");
    let saved =
        Saved { name: "Disks".into(), query: "disk".into(), order: Order { column: Column::Title, descending: false }, grouping: None };
    assert_eq!(session.asked_for(|effect| matches!(effect, Effect::KeepView(_))), [Effect::KeepView(saved)]);
    // It is in the palette at once, and g w offers its own name again.
    session.press("esc :").text("view: disks").press("enter");
    assert_eq!((session.model.queue.view.title.as_str(), session.model.queue.total), ("Disks", 4));
    session.press("g w");
    let Some(Layer::Prompt(prompt)) = session.model.layers.last() else { panic!("no prompt") };
    assert_eq!(prompt.line.text(), "Disks");
    session.press("esc g x").text("disks").press("enter");
    assert_eq!(session.asked_for(|effect| matches!(effect, Effect::ForgetView(_))), [Effect::ForgetView("Disks".into())]);
    assert!(session.model.setup.views.iter().all(|view| view.name == "Night"));
}

#[test]
fn the_shipped_views_can_be_asked_for_and_an_own_one_takes_the_place_of_its_namesake() {
    for view in views::shipped("ana \"the\" analyst@10.0.0.1") {
        assert!(crate::core::query::Query::parse(&view.query).is_ok(), "{}: {}", view.name, view.query);
    }
    let own = Saved { name: "open".into(), query: "x".into(), ..Saved::default() };
    let all = views::all(&[own], "ana");
    assert_eq!(all.iter().filter(|view| view.name.eq_ignore_ascii_case("open")).map(|view| view.query.as_str()).collect::<Vec<_>>(), ["x"]);
    assert_eq!(views::narrowed(&all[0], "y or z"), "(x) (y or z)");
}

//! Help, made from the action table: the keys that work here first, then all others.

use super::act;
use super::action::{Action, Context};
use super::effect::Effect;
use super::layer::Layer;
use super::model::Model;

/// Opens the help page.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let lines = lines(model);
    act::page_layer(model, "Keys", lines)
}

/// The help page.
pub fn lines(model: &Model) -> Vec<String> {
    let here = model.contexts();
    let all = [
        Context::Queue,
        Context::Record,
        Context::Tree,
        Context::Table,
        Context::Connections,
        Context::Tasks,
        Context::Outbox,
        Context::Page,
        Context::Form,
        Context::Chooser,
        Context::Sheet,
        Context::SignIn,
        Context::Checklist,
        Context::Cases,
        Context::Case,
        Context::Global,
    ];
    let rest = all.into_iter().filter(|context| !here.contains(context)).collect::<Vec<_>>();
    let mut lines = vec!["HERE".to_owned()];
    for context in here {
        section(model, context, &mut lines);
    }
    lines.push("ELSEWHERE".to_owned());
    for context in rest {
        section(model, context, &mut lines);
    }
    quick(model, &mut lines);
    lines.extend(
        [
            "  note and verdict",
            "    d t f b d u  true positive, false positive, benign, duplicate, undetermined; then a note, or enter",
            "    d b 1        puts the first note template in, tab the next; . the last note; d . the last verdict and note",
            "    d f w        tells the vendor too, where it can be told; W does so later",
            "                 a letter right after w, a digit or . makes it the beginning of a note; right keeps what it did",
            "  query (/)",
            "    words \"a phrase\" field:value field:=exactly severity:>=high age:<24h -not or ( )",
            "    a word finds words that begin with it (danaw finds WS-DANAW-07), one of one or two signs only itself; - . / @ part words",
            "    fields: severity status vendor connection type rule entity title assignee disposition age case drift key \"Rule name\"",
        ]
        .map(str::to_owned),
    );
    lines
}

/// The quick commands of the connections' events, each kind of event once.
fn quick(model: &Model, lines: &mut Vec<String>) {
    let begins = model.key(Action::Quick);
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (connected, source) in
        model.setup.connected.iter().flat_map(|connected| connected.entry.sources.iter().map(move |source| (connected, source)))
    {
        let quick = (source.quick)(&serde_json::Value::Null);
        if quick.is_empty() || seen.contains(&(&connected.vendor, &source.name)) {
            continue;
        }
        seen.push((&connected.vendor, &source.name));
        lines.push(format!("  {begins} on {}: {}", connected.title, source.event_type));
        let letters: Vec<String> = quick.iter().map(|quick| format!("{} {}", quick.letter, quick.title)).collect();
        lines.push(format!("    {}", letters.join(" · ")));
    }
}

fn section(model: &Model, context: Context, lines: &mut Vec<String>) {
    lines.push(format!("  {}", context.as_str()));
    for row in Action::table().iter().filter(|row| row.contexts.contains(&context)) {
        let keys = model.setup.keymap.chords(row.action).join(", ");
        if !keys.is_empty() {
            lines.push(format!("    {keys:<24} {:<22} {}", row.title, row.help));
        }
    }
    lines.push(String::new());
}

/// The actions that are wanted most, in the order of the last line.
pub const BY_PRIORITY: &[Action] = &[
    Action::Send,
    Action::KeepForLater,
    Action::RetryFailed,
    Action::Submit,
    Action::Preview,
    Action::PickValue,
    Action::NextPlace,
    Action::WriteOut,
    Action::Open,
    Action::Dispose,
    Action::Pivot,
    Action::Act,
    Action::Quick,
    Action::MarkAlike,
    Action::Expand,
    Action::Find,
    Action::NewCase,
    Action::CaseQueue,
    Action::CloseCase,
    Action::AddFile,
    Action::Withdraw,
    Action::Toggle,
    Action::MoveLater,
    Action::SelectPath,
    Action::SortColumn,
    Action::NextTab,
    Action::Cancel,
    Action::Test,
    Action::Commands,
    Action::Fetch,
    Action::Again,
    Action::Undo,
    Action::Take,
    Action::Mark,
    Action::Memo,
    Action::Filter,
    Action::Back,
    Action::Palette,
    Action::Help,
    Action::Group,
    Action::Sort,
    Action::CopyValue,
    Action::NextEvent,
    Action::Quit,
];

/// What the footer shows: the most useful actions that work here, by key and title.
pub fn footer(model: &Model) -> Vec<(String, &'static str)> {
    let searches = model.availability(Action::Find).is_ok();
    let tabs = !matches!(model.layers.last(), Some(Layer::Page(_)));
    let works = |action: &Action| {
        let shadowed = *action == Action::Quick && model.face() == Some(super::explorer::Face::Table);
        let hidden = shadowed || (*action == Action::Filter && searches) || (*action == Action::NextTab && !tabs);
        !hidden && model.availability(*action).is_ok()
    };
    let named = |action: Action| Some((model.setup.keymap.hint(action)?, action.row().title));
    match model.layers.last() {
        // What a list or a form takes as text leaves these keys only; they are not in the table.
        Some(Layer::Chooser(chooser)) if chooser.letters => {
            own(&[("a letter", "Choose"), ("up down", "Select"), ("enter", "Choose"), ("esc", "Back")])
        }
        Some(Layer::Chooser(_)) => own(&[("letters", "Narrow"), ("up down", "Select"), ("enter", "Choose"), ("esc", "Back")]),
        Some(Layer::Form(_)) => {
            let actions = BY_PRIORITY.iter().copied().filter(works).filter_map(named);
            actions.chain(own(&[("tab", "Next field"), ("esc", "Put away")])).collect()
        }
        _ => BY_PRIORITY.iter().copied().filter(works).filter_map(named).collect(),
    }
}

fn own(keys: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    keys.iter().map(|(key, title)| ((*key).to_owned(), *title)).collect()
}

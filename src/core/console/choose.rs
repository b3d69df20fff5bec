//! The lists to choose from, and what a choice does.

use super::act;
use super::action::Action;
use super::chooser::{Choice, Chooser, Purpose};
use super::edit;
use super::effect::Effect;
use super::help::BY_PRIORITY;
use super::layer::Layer;
use super::model::{Model, Pane};
use super::notice::Tone;
use super::{add, fit, mark, play, quick, run, views};
use crate::core::listing::{Column, Grouping, View};
use crate::core::query::quoted;

/// Opens the list that an action names.
pub fn open(model: &mut Model, action: Action) -> Vec<Effect> {
    let chooser = match action {
        Action::Palette => Chooser::new(Purpose::Palette, "Palette", palette(model)),
        Action::Sort => {
            let choices = Column::ALL.iter().map(|(id, title, _)| plain(id, title)).collect();
            Chooser::new(Purpose::Sort, "Sort by (S turns it round)", choices)
        }
        Action::Group => {
            let mut choices: Vec<Choice> = Grouping::ALL.iter().map(|(id, title, _)| plain(id, title)).collect();
            if model.queue.grouping.is_some() {
                choices.insert(0, plain("none", "No groups"));
            }
            Chooser::new(Purpose::Group, "Group by", choices)
        }
        Action::Theme => Chooser::new(Purpose::Theme, "Colours", model.setup.themes.iter().map(|name| plain(name, name)).collect()),
        _ => {
            let Some(connection) = model.connection.as_ref().and_then(|name| model.connected(name)) else { return Vec::new() };
            let shown = connection.entry.commands.iter().filter(|command| !command.hidden);
            let choices = shown.map(|command| fit::choice(command, connection, model.setup.read_only, &[])).collect();
            Chooser::new(Purpose::Command(connection.name.clone()), &format!("Commands of {}", connection.name), choices)
        }
    };
    model.layers.push(Layer::Chooser(Box::new(chooser)));
    Vec::new()
}

fn plain(id: &str, title: &str) -> Choice {
    Choice { id: id.into(), title: title.into(), ..Choice::default() }
}

/// Everything by name: actions, with those that do not work here last and with the reason; commands of all connections; playbooks; views; colours.
fn palette(model: &Model) -> Vec<Choice> {
    let mut rows: Vec<_> = Action::table().iter().filter(|row| !matches!(row.action, Action::Palette | Action::Back)).collect();
    // What is wanted most comes first; what moves the cursor is not looked for by name.
    let moves = |action| matches!(action, Action::Down | Action::Up | Action::PageDown | Action::PageUp | Action::Top | Action::Bottom);
    rows.sort_by_key(|row| {
        let place = BY_PRIORITY.iter().position(|action| *action == row.action).unwrap_or(BY_PRIORITY.len());
        (model.availability(row.action).is_err(), moves(row.action), place)
    });
    let mut choices: Vec<Choice> = rows
        .into_iter()
        .map(|row| Choice {
            id: format!("a:{}", row.id),
            title: row.title.into(),
            note: row.help.into(),
            hint: model.setup.keymap.chords(row.action).join(", "),
            reason: model.availability(row.action).err(),
            letter: None,
        })
        .collect();
    for connection in &model.setup.connected {
        choices.extend(connection.entry.commands.iter().filter(|command| !command.hidden).map(|command| {
            let choice = fit::choice(command, connection, model.setup.read_only, &[]);
            Choice { title: format!("{}: {}", connection.name, command.title), note: String::new(), ..choice }
        }));
    }
    let playbooks = model.setup.playbooks.iter();
    choices.extend(playbooks.map(|playbook| fit::playbook_choice(playbook, &model.setup.connected, playbook.help.clone())));
    choices.extend(views::choices(model).into_iter().map(|view| Choice { title: format!("View: {}", view.title), ..view }));
    choices.extend(model.setup.themes.iter().map(|name| Choice {
        id: format!("c:{name}"),
        title: format!("Colours: {name}"),
        ..Choice::default()
    }));
    choices
}

/// Something was chosen.
pub fn chosen(model: &mut Model, choice: &Choice) -> Vec<Effect> {
    let Some(Layer::Chooser(chooser)) = model.layers.pop() else { return Vec::new() };
    match chooser.purpose {
        Purpose::Sort => {
            if let Some(column) = Column::parse(&choice.id) {
                model.queue.view.order.column = column;
                model.queue.view.order.descending = column.descends();
            }
            vec![model.list()]
        }
        Purpose::Group => {
            model.queue.group(Grouping::parse(&choice.id));
            // The largest comes on top when all are counted, and the cursor is on it.
            model.queue.select(0);
            model.queue.moved = false;
            mark::count(model)
        }
        Purpose::Theme => {
            model.setup.theme.clone_from(&choice.id);
            Vec::new()
        }
        Purpose::Vendor => add::chosen(model, &choice.id),
        Purpose::ForgetView => vec![Effect::ForgetView(choice.title.clone())],
        Purpose::View | Purpose::Palette | Purpose::Pivot => by_id(model, &choice.id),
        Purpose::Act(known, events) => {
            let Some((connection, command)) = split(&choice.id) else { return Vec::new() };
            let effects = run::open_form(model, &connection, &command, &known, &serde_json::Map::new());
            if let Some(Layer::Form(form)) = model.layers.last_mut() {
                form.events = events;
            }
            effects
        }
        Purpose::Playbook(events) => play::chosen(model, &choice.id, events),
        Purpose::Quick(events) => quick::chosen(model, &choice.id, &events),
        Purpose::Command(_) => by_id(model, &choice.id),
        Purpose::Place { form, field, path } => edit::put(model, form, &field, &path, &choice.id),
        Purpose::Value { form: id, field } => {
            if let Some(Layer::Form(form)) = model.layers.last_mut()
                && form.id == id
                && let Some(field) = form.fields.iter_mut().find(|known| known.parameter.name == field)
            {
                field.add(&choice.id);
                if choice.title != choice.id {
                    field.names.insert(choice.id.clone(), choice.title.clone());
                }
            }
            Vec::new()
        }
    }
}

fn split(id: &str) -> Option<(String, String)> {
    let (connection, command) = id.strip_prefix("r:")?.split_once('|')?;
    Some((connection.to_owned(), command.to_owned()))
}

fn by_id(model: &mut Model, id: &str) -> Vec<Effect> {
    if let Some((connection, command)) = split(id) {
        return run::open_form(model, &connection, &command, &[], &serde_json::Map::new());
    }
    match id.split_once(':') {
        Some(("a", name)) => {
            let action = Action::table().iter().find(|row| row.id == name).map(|row| row.action);
            action.map(|action| act::perform(model, action)).unwrap_or_default()
        }
        Some(("p", name)) => play::ask(model, name),
        Some(("v", name)) => views::go(model, name),
        Some(("c", name)) => {
            name.clone_into(&mut model.setup.theme);
            Vec::new()
        }
        Some(("e", entity)) => match entity.split_once('|') {
            Some((kind, value)) => pivot_on(model, kind, value),
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Shows everything that any vendor said about an entity, open or closed.
pub fn pivot_on(model: &mut Model, kind: &str, value: &str) -> Vec<Effect> {
    let query = format!("{kind}:={}", quoted(value));
    model.focus = Pane::Queue;
    let effects = act::go(model, View { query, title: format!("{kind} {value}"), order: model.queue.view.order });
    model.tell(Tone::Info, format!("Everything about {kind} {value}; {} goes back", model.key(Action::Back)));
    effects
}

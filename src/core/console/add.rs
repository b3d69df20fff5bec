//! Adding a connection: which system, then a form of what it needs, made from the catalogue.

use super::act;
use super::action::Action;
use super::chooser::{Choice, Chooser, Purpose};
use super::effect::Effect;
use super::form::Form;
use super::layer::Layer;
use super::model::{Exit, Model};
use super::notice::Tone;
use crate::core::catalogue::{Command, Parameter, Type};
use crate::core::mapping;
use crate::core::outcome::{Outcome, ReturnData};

/// A system that connections can be made to.
#[derive(Clone, Debug)]
pub struct Connectable {
    /// The vendor's name in configuration: `wiz`.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// What a connection to it needs.
    pub parameters: Vec<Parameter>,
}

/// A connection as it was typed. It may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// Its vendor.
    pub vendor: String,
    /// Parameters and their values.
    pub set: Vec<(String, String)>,
    /// Secret parameters and their values, or where they come from.
    pub secrets: Vec<(String, String)>,
}

impl std::fmt::Debug for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wanted").field("name", &self.name).field("vendor", &self.vendor).finish_non_exhaustive()
    }
}

/// The name of the form's own field.
const NAME: &str = "name";

/// Opens the list of systems.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let choice =
        |vendor: &Connectable| Choice { id: vendor.id.clone(), title: vendor.title.clone(), note: vendor.id.clone(), ..Choice::default() };
    let choices = model.setup.vendors.iter().map(choice).collect();
    model.layers.push(Layer::Chooser(Box::new(Chooser::new(Purpose::Vendor, "Connect to which system?", choices))));
    Vec::new()
}

/// A system was chosen: opens its form.
pub fn chosen(model: &mut Model, id: &str) -> Vec<Effect> {
    let Some(vendor) = model.setup.vendors.iter().find(|vendor| vendor.id == id).cloned() else { return Vec::new() };
    let taken = |name: &String| {
        model.setup.connected.iter().any(|known| known.name == *name) || model.setup.misconfigured.iter().any(|known| known.name == *name)
    };
    let proposal =
        std::iter::once(vendor.id.clone()).chain((2..1_000).map(|number| format!("{}-{number}", vendor.id))).find(|name| !taken(name));
    let form =
        Form::new(model.next_form + 1, &vendor.id, "connections.toml", &vendor.id, &command(&vendor, &proposal.unwrap_or_default()), &[]);
    model.next_form += 1;
    let (id, name) = (form.id, form.command.name.clone());
    model.layers.push(Layer::Form(Box::new(Form { adds: true, ..form })));
    vec![Effect::Draft(id, vendor.id, name)]
}

/// The form's command. It is never run: what was typed is written into the configuration.
fn command(vendor: &Connectable, name: &str) -> Command {
    let help = "Writes a connection; its secrets go into the encrypted vault. env:NAME or file:PATH in a secret says where it is instead.";
    let mut command = Command::new(&format!("Connect to {}", vendor.title), help, |_, _, _| async { Outcome::new(ReturnData::Failed) })
        .named("add-connection")
        .parameter(Parameter::new("Name", Type::TEXT, "What it is called here: letters, digits, - and _.").required().default(name));
    // What is nested is written by hand.
    let plain = vendor.parameters.iter().filter(|parameter| !matches!(parameter.r#type, Type::Object { .. } | Type::Json { .. }));
    // What is needed comes first.
    let (needed, other): (Vec<_>, Vec<_>) = plain.cloned().partition(|parameter| parameter.required || parameter.secret);
    command.parameters.extend(needed.into_iter().chain(other));
    command
}

/// Checks the form and has the connection written.
pub fn submit(model: &mut Model) -> Vec<Effect> {
    let now = model.now;
    let Some(Layer::Form(form)) = model.layers.last_mut() else { return Vec::new() };
    let Some(arguments) = form.check(now) else { return Vec::new() };
    let mut wanted = Wanted { name: String::new(), vendor: form.connection.clone(), set: Vec::new(), secrets: Vec::new() };
    for field in form.fields.iter().filter(|field| !field.text().trim().is_empty()) {
        let parameter = &field.parameter;
        let typed = field.text().trim().to_owned();
        if parameter.name == NAME {
            wanted.name = typed;
        } else if parameter.secret {
            wanted.secrets.push((parameter.name.clone(), typed));
        } else if parameter.default.as_ref().and_then(mapping::scalar).as_ref() != Some(&typed) {
            let list = matches!(parameter.r#type, Type::List { .. }).then(|| arguments.get(&parameter.name)).flatten();
            wanted.set.push((parameter.name.clone(), list.map_or(typed, ToString::to_string)));
        }
    }
    form.complaint = None;
    vec![Effect::AddConnection(wanted)]
}

/// The connection was written, or why not.
pub fn added(model: &mut Model, vendor: String, name: &str, result: Result<(), String>) -> Vec<Effect> {
    if let Err(message) = result {
        match model.layers.last_mut() {
            Some(Layer::Form(form)) if form.adds => form.complaint = Some(message),
            _ => model.tell(Tone::Error, message),
        }
        return Vec::new();
    }
    if matches!(model.layers.last(), Some(Layer::Form(form)) if form.adds) {
        model.layers.pop();
    }
    let mut effects = vec![Effect::KeepDraft(vendor, "add-connection".into(), serde_json::Map::new())];
    if model.tasks.running().next().is_some() {
        model.tell(Tone::Done, format!("Connection {name} was added; it is here when the console is opened the next time."));
        return effects;
    }
    // The console opens anew, on all connections; the session goes on where it was.
    model.connection = Some(name.to_owned());
    let (test, fetch, connections) = (model.key(Action::Test), model.key(Action::Fetch), model.key(Action::ShowConnections));
    model.exit =
        Exit::Again(format!("Connection {name} was added: {test} tests it, {fetch} fetches, {connections} shows the connections."));
    effects.extend(act::leave(model));
    effects
}

/// Leaves for the demo.
pub fn demo(model: &mut Model) -> Vec<Effect> {
    model.exit = Exit::Demo;
    act::leave(model)
}

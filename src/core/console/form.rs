//! Forms: fields made from a command's parameters, filled from what an event knows, checked by the one validation.

pub mod body;
mod field;
mod fill;
mod target;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

pub use field::{Entry, Field};

use self::field::plain;
use self::fill::{fields_of, given_of, source_of};
use super::model::Way;
use crate::core::catalogue::{Arguments, Command, Given, Invalid, Parameter, Quick, Type, put, validate, validate_value};
use crate::core::event::StoredEvent;
use crate::core::fill::names_of;
use crate::core::playbook::{Playbook, from_last};

/// A command under preparation.
#[derive(Clone, Debug)]
pub struct Form {
    /// Its number; answers to older forms are not wanted.
    pub id: u64,
    /// The connection.
    pub connection: String,
    /// Where the connection belongs.
    pub environment: String,
    /// The command.
    pub command: Command,
    /// Its fields.
    pub fields: Vec<Field>,
    /// The field in focus.
    pub at: usize,
    /// The events that it is about.
    pub events: Vec<i64>,
    /// What it was filled from: the numbers of events, or what an answer gave. What was typed about one thing is not about another.
    pub source: String,
    /// Whether what was typed into it before is known.
    pub drafted: bool,
    /// What is wrong with the whole.
    pub complaint: Option<String>,
    /// Names of values, from the events: device id → host name.
    pub names: BTreeMap<String, String>,
    /// Why names that were asked for could not be had.
    pub nameless: Option<String>,
    /// When its large texts are checked.
    pub check_at: Option<Timestamp>,
    /// First line on the screen.
    pub first: usize,
    /// The playbook whose inputs these are, and the event that it is for.
    pub playbook: Option<Box<(Playbook, Option<StoredEvent>)>>,
    /// Whether it adds a connection instead of running a command.
    pub adds: bool,
    /// What it takes back, if it was opened for that.
    pub takes_back: Option<Way>,
    /// What makes it a short form: what is given already, and what one should know.
    pub quick: Option<Box<Quick>>,
}

impl Form {
    /// A form for a command, filled from events.
    pub fn new(id: u64, connection: &str, environment: &str, vendor: &str, command: &Command, events: &[StoredEvent]) -> Self {
        let fields = fields_of(&command.parameters, vendor, events);
        let at = fields.iter().position(|field| field.parameter.required && field.is_blank()).unwrap_or(0);
        let source = source_of(events, &fields);
        Self {
            id,
            connection: connection.into(),
            environment: environment.into(),
            command: command.clone(),
            fields,
            at,
            events: events.iter().map(|event| event.id).collect(),
            source,
            drafted: false,
            complaint: None,
            names: names_of(events),
            nameless: None,
            check_at: None,
            first: 0,
            adds: false,
            takes_back: None,
            quick: None,
            playbook: None,
        }
    }

    /// A form for the inputs of a playbook, filled from an event, and for the connections of vendors that have several.
    pub fn for_playbook(
        id: u64,
        playbook: Playbook,
        event: Option<StoredEvent>,
        several: &[(String, Vec<String>)],
        class: crate::core::catalogue::Class,
    ) -> Self {
        // What runs is the playbook; the command only says what the form is made of.
        let never = |_, _, _| async { crate::core::outcome::Outcome::new(crate::core::outcome::ReturnData::Failed) };
        let mut command = Command::new(&playbook.title, &playbook.help, never).named(&playbook.name).class(class);
        command.parameters.clone_from(&playbook.inputs);
        for (vendor, names) in several {
            let choices: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
            let field =
                Parameter::new(&format!("Connection to {vendor}"), Type::choice(&choices), "There are several; the steps go to this one.");
            let field = field.named(&format!("{}{vendor}", super::play::CONNECTION)).required();
            command.parameters.push(match names.first() {
                Some(first) => field.default(first.as_str()),
                None => field,
            });
        }
        let mut form = Self::new(id, "", "", "", &command, &[]);
        if let Some(event) = &event {
            form.events = vec![event.id];
            form.source = source_of(std::slice::from_ref(event), &[]);
            form.names = names_of(std::slice::from_ref(event));
            for field in &mut form.fields {
                if let Some(value) = crate::core::playbook::proposed(&playbook, &field.parameter, event) {
                    field.set(&plain(&value));
                    field.origin = Some("from the event".into());
                    field.begin();
                }
            }
        }
        form.at = form.fields.iter().position(|field| field.parameter.required && field.is_blank()).unwrap_or(0);
        form.playbook = Some(Box::new((playbook, event)));
        form
    }

    /// The same form, short: it asks only what the quick command asks, and gives the rest by itself.
    #[must_use]
    pub fn shortened(mut self, quick: Quick, vendor: &str, events: &[StoredEvent]) -> Self {
        let asks = quick.asks.as_deref().unwrap_or_default();
        let parameters: Vec<Parameter> = asks.iter().map(|ask| ask.parameter.clone()).collect();
        self.fields = fields_of(&parameters, vendor, events);
        for (field, ask) in self.fields.iter_mut().zip(asks) {
            field.into = Some((ask.into.clone(), ask.named.clone()));
        }
        self.at = self.fields.iter().position(|field| field.parameter.required && field.is_blank()).unwrap_or(0);
        self.command.title.clone_from(&quick.title);
        // How much it weighs is known before anything is typed.
        let mut values = quick.values.clone();
        asks.iter().for_each(|ask| put(&mut values, &ask.into, Value::from("")));
        self.command.class = self.command.class_of(&Arguments::new(values, self.command.parameters.clone(), Timestamp::UNIX_EPOCH));
        self.quick = Some(Box::new(quick));
        self
    }

    /// Whether nothing is left to be asked.
    pub fn is_answered(&self) -> bool {
        self.fields.iter().all(|field| !field.parameter.required || !field.is_blank())
    }

    /// The name under which its draft is kept: a short form has one of its own, and so has what it was filled from.
    pub fn draft_name(&self) -> String {
        let letter = self.quick.as_ref().map(|quick| format!("/{}", quick.letter)).unwrap_or_default();
        format!("{}{letter} {}", self.command.name, self.source).trim_end().to_owned()
    }

    /// What was typed, by parameter name.
    pub fn given(&self, now: Timestamp) -> Vec<(String, Given)> {
        let Some(quick) = &self.quick else { return self.fields.iter().filter_map(Field::given).collect() };
        let mut values = quick.values.clone();
        for field in &self.fields {
            let Some((into, named)) = &field.into else { continue };
            let checked = field.given().map(|(_, given)| validate_value(&field.parameter, given, now));
            let Some(Ok(Some(value))) = checked else { continue };
            if let (Some(place), Some(name)) = (named, value.as_str().and_then(|value| field.names.get(value))) {
                put(&mut values, place, name.as_str().into());
            }
            put(&mut values, into, value);
        }
        given_of(values)
    }

    /// Puts the last command's answer in the place of every `${last.$.path}`. Says whether each found something.
    pub fn expand(&mut self, answer: Option<&Value>) -> bool {
        let mut found = true;
        for (at, field) in self.fields.iter_mut().enumerate() {
            match from_last(&field.text(), answer) {
                Ok(None) => {}
                Ok(Some(value)) => {
                    field.set(&plain(&value));
                    field.origin = Some("from the last answer".into());
                }
                Err(message) => {
                    field.error = Some(message);
                    self.at = if found { at } else { self.at };
                    found = false;
                }
            }
        }
        found
    }

    /// Puts values in, by parameter name.
    pub fn fill(&mut self, values: &Map<String, Value>) {
        for field in &mut self.fields {
            if let Some(value) = values.get(&field.parameter.name) {
                field.set(&if field.body.is_some() { body::pretty(value) } else { plain(value) });
                field.begin();
            }
        }
    }

    /// What somebody typed into it: what would be kept as a draft, never secrets.
    pub fn draft(&self) -> Map<String, Value> {
        self.kept(Field::is_typed)
    }

    /// Everything that it holds, whoever said so: never secrets.
    pub fn held(&self) -> Map<String, Value> {
        self.kept(|field| field.is_typed() || !field.is_blank())
    }

    fn kept(&self, which: impl Fn(&Field) -> bool) -> Map<String, Value> {
        let fields = self.fields.iter().filter(|field| which(field));
        fields.filter_map(|field| Some((field.parameter.name.clone(), Value::from(field.kept()?)))).collect()
    }

    /// Puts back what was typed into it before, except where something else was typed meanwhile. Says whether that changed anything.
    pub fn restore(&mut self, draft: &Map<String, Value>) -> bool {
        let mut changed = false;
        for field in self.fields.iter_mut().filter(|field| !field.is_typed()) {
            let typed = draft.get(&field.parameter.name).and_then(Value::as_str);
            if let Some(text) = typed.filter(|text| *text != field.beginning) {
                field.set(text);
                field.origin = None;
                changed = true;
            }
        }
        changed
    }

    /// The field in focus.
    pub fn field(&mut self) -> Option<&mut Field> {
        self.fields.get_mut(self.at)
    }

    /// Goes to another field; the one that is left is checked.
    pub fn move_by(&mut self, fields: isize, now: Timestamp) {
        if let Some(field) = self.fields.get_mut(self.at) {
            field.error =
                field.given().and_then(|(_, given)| validate_value(&field.parameter, given, now).err()).map(|complaint| complaint.message);
        }
        let count = self.fields.len().max(1);
        self.at = (self.at + count).saturating_add_signed(fields) % count;
    }

    /// Checks everything. Complaints go to their fields, and the first of these gets the focus.
    /// Nothing comes back when something is to be mended.
    pub fn check(&mut self, now: Timestamp) -> Option<Arguments> {
        for field in &mut self.fields {
            field.error = None;
        }
        self.complaint = None;
        if self.quick.is_some() {
            self.check_fields(now);
        }
        if self.fields.iter().any(|field| field.error.is_some()) {
            return None;
        }
        match validate(&self.command, self.given(now), now) {
            Ok(arguments) => Some(arguments),
            Err(complaints) => {
                self.complain(&complaints);
                None
            }
        }
    }

    /// The questions of a short form are no parameters of the command; each is checked by itself, and the first that is wrong gets the focus.
    fn check_fields(&mut self, now: Timestamp) {
        for field in &mut self.fields {
            let given = field.given().map_or(Given::Text(String::new()), |(_, given)| given);
            field.error = match validate_value(&field.parameter, given, now) {
                Err(complaint) => Some(complaint.message),
                Ok(None) if field.parameter.required => Some(format!("{} is required.", field.parameter.label)),
                Ok(_) => None,
            };
        }
        self.at = self.fields.iter().position(|field| field.error.is_some()).unwrap_or(self.at);
    }

    /// Puts complaints at their fields; the first of these gets the focus.
    pub fn complain(&mut self, complaints: &[Invalid]) {
        let mut first = None;
        for complaint in complaints {
            let about = |field: &Field| match &field.into {
                Some((into, _)) => into.split('.').next() == Some(complaint.parameter.as_str()),
                None => field.parameter.name == complaint.parameter,
            };
            match self.fields.iter_mut().enumerate().find(|(_, field)| about(field)) {
                Some((at, field)) => {
                    field.error = Some(complaint.message.clone());
                    first = first.or(Some(at));
                }
                None => self.complaint = Some(complaint.message.clone()),
            }
        }
        if let Some(at) = first {
            self.at = at;
        }
    }
}

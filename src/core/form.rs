//! Forms: fields made from a command's parameters, filled from what an event knows, checked by the one validation.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tui_textarea::TextArea;

use super::answer;
use super::catalogue::{Arguments, Command, Given, Invalid, Parameter, Quick, Type, put, validate, validate_value};
use super::entity::EntityKind;
use super::event::StoredEvent;
use super::keys::{Code, Key};
use super::line::Line;
use super::mapping::{scalar, values_at};
use super::playbook::{Playbook, from_last};

/// What a field holds.
#[derive(Clone, Debug)]
pub enum Entry {
    /// One line.
    Line(Line),
    /// Several lines.
    Area(Box<TextArea<'static>>),
    /// The number of a choice.
    Choice(Option<usize>),
    /// Yes or no, or neither.
    Flag(Option<bool>),
}

/// One field.
#[derive(Clone, Debug)]
pub struct Field {
    /// What it is for.
    pub parameter: Parameter,
    /// What it holds.
    pub entry: Entry,
    /// Why it is not accepted.
    pub error: Option<String>,
    /// Where its value was taken from.
    pub origin: Option<String>,
    /// Names of values, from a pick list.
    pub names: BTreeMap<String, String>,
    /// In a short form: where its value goes, and where the name of a picked value goes.
    pub into: Option<(String, Option<String>)>,
}

impl Field {
    fn new(parameter: &Parameter) -> Self {
        let entry = match &parameter.r#type {
            Type::Choice(choices) => {
                let default = parameter.default.as_ref().and_then(Value::as_str);
                Entry::Choice(choices.iter().position(|choice| Some(choice.label.as_str()) == default))
            }
            Type::Boolean => Entry::Flag(parameter.default.as_ref().and_then(Value::as_bool)),
            Type::Text { multiline: true, .. } | Type::Object { .. } | Type::Json { .. } => {
                Entry::Area(Box::new(area(&parameter.default.as_ref().map(plain).unwrap_or_default())))
            }
            _ => Entry::Line(Line::new(&parameter.default.as_ref().map(plain).unwrap_or_default())),
        };
        Self { parameter: parameter.clone(), entry, error: None, origin: None, names: BTreeMap::new(), into: None }
    }

    /// What it holds, as text.
    pub fn text(&self) -> String {
        match &self.entry {
            Entry::Line(line) => line.text(),
            Entry::Area(area) => area.lines().join("\n"),
            Entry::Choice(at) => at.and_then(|at| self.choices().get(at).cloned()).unwrap_or_default(),
            Entry::Flag(flag) => flag.map(|flag| if flag { "true" } else { "false" }.to_owned()).unwrap_or_default(),
        }
    }

    /// The labels of its choices, also of the items of a list.
    pub fn choices(&self) -> Vec<String> {
        let of = match &self.parameter.r#type {
            Type::List { of, .. } => of,
            other => other,
        };
        if let Type::Choice(choices) = of { choices.iter().map(|choice| choice.label.clone()).collect() } else { Vec::new() }
    }

    /// Puts a text in.
    pub fn set(&mut self, text: &str) {
        self.entry = match (&self.entry, &self.parameter.r#type) {
            (Entry::Choice(_), _) => {
                Entry::Choice(self.choices().iter().position(|label| label.eq_ignore_ascii_case(text)).or_else(|| self.wire_position(text)))
            }
            (Entry::Flag(_), _) => Entry::Flag(text.parse().ok()),
            (Entry::Area(_), _) => Entry::Area(Box::new(area(text))),
            (Entry::Line(_), _) => Entry::Line(Line::new(text)),
        };
        self.error = None;
    }

    fn wire_position(&self, text: &str) -> Option<usize> {
        let Type::Choice(choices) = &self.parameter.r#type else { return None };
        choices.iter().position(|choice| plain(&choice.wire).eq_ignore_ascii_case(text))
    }

    /// Adds a value: to a list at its end, elsewhere in its place.
    pub fn add(&mut self, value: &str) {
        let is_list = matches!(self.parameter.r#type, Type::List { .. });
        let now = self.text();
        if is_list && !now.trim().is_empty() {
            let mut values = self.values();
            if !values.iter().any(|known| known == value) {
                values.push(value.to_owned());
            }
            self.set(&joined(&values));
        } else {
            self.set(value);
        }
    }

    /// The single values of a list, or the one value.
    pub fn values(&self) -> Vec<String> {
        let text = self.text();
        match &self.parameter.r#type {
            _ if text.trim().is_empty() => Vec::new(),
            Type::List { .. } => match serde_json::from_str::<Value>(&text) {
                Ok(Value::Array(items)) => items.iter().map(plain).collect(),
                _ => text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect(),
            },
            _ => vec![text],
        }
    }

    fn given(&self) -> Option<(String, Given)> {
        let text = self.text();
        let given = match self.entry {
            Entry::Flag(flag) => Given::Json(Value::Bool(flag?)),
            _ if text.trim().is_empty() => return None,
            _ => Given::Text(text),
        };
        Some((self.parameter.name.clone(), given))
    }

    /// Its limits in words: `required · 1 to 1000`.
    pub fn rules(&self) -> String {
        let mut rules = Vec::new();
        if self.parameter.required {
            rules.push("required".to_owned());
        }
        rules.push(rules_of(&self.parameter.r#type));
        if self.parameter.pick.is_some() || !self.choices().is_empty() {
            rules.push("ctrl-l picks".to_owned());
        }
        if let Some(default) = &self.parameter.default {
            rules.push(format!("default {}", plain(default)));
        }
        rules.retain(|rule| !rule.is_empty());
        rules.join(" · ")
    }

    /// Takes a key of editing; says whether it was one.
    pub fn input(&mut self, key: Key) -> bool {
        let count = self.choices().len();
        let used = match &mut self.entry {
            Entry::Line(line) => line.input(key),
            Entry::Area(area) => match textarea_input(key) {
                Some(input) => area.input(input),
                None => false,
            },
            Entry::Choice(at) => match key.code {
                Code::Right | Code::Char(' ') => {
                    *at = Some(at.map_or(0, |at| (at + 1) % count.max(1)));
                    true
                }
                Code::Left => {
                    *at = Some(at.map_or(count.saturating_sub(1), |at| (at + count.saturating_sub(1)) % count.max(1)));
                    true
                }
                Code::Backspace | Code::Delete if !self.parameter.required => {
                    *at = None;
                    true
                }
                _ => false,
            },
            Entry::Flag(flag) => match key.code {
                Code::Right | Code::Left | Code::Char(' ') => {
                    *flag = Some(!flag.unwrap_or(false));
                    true
                }
                Code::Char('y') if !key.ctrl => {
                    *flag = Some(true);
                    true
                }
                Code::Char('n') if !key.ctrl => {
                    *flag = Some(false);
                    true
                }
                Code::Backspace | Code::Delete => {
                    *flag = None;
                    true
                }
                _ => false,
            },
        };
        if used {
            self.error = None;
            self.origin = None;
        }
        used
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        match &mut self.entry {
            Entry::Line(line) => line.paste(text),
            Entry::Area(area) => {
                let clean: String = text.replace("\r\n", "\n").chars().filter(|c| *c == '\n' || *c == '\t' || !c.is_control()).collect();
                area.insert_str(clean);
            }
            Entry::Choice(_) | Entry::Flag(_) => {}
        }
        self.error = None;
    }
}

fn rules_of(r#type: &Type) -> String {
    let range = |minimum: Option<String>, maximum: Option<String>| match (minimum, maximum) {
        (Some(minimum), Some(maximum)) => format!("{minimum} to {maximum}"),
        (Some(minimum), None) => format!("at least {minimum}"),
        (None, Some(maximum)) => format!("at most {maximum}"),
        (None, None) => String::new(),
    };
    match r#type {
        Type::Text { max_chars: Some(most), .. } => format!("at most {most} characters"),
        Type::Text { .. } => String::new(),
        Type::Integer { minimum, maximum } => {
            format!("whole number {}", range(minimum.map(|n| n.to_string()), maximum.map(|n| n.to_string()))).trim_end().to_owned()
        }
        Type::Number { minimum, maximum } => {
            format!("number {}", range(minimum.map(|n| n.to_string()), maximum.map(|n| n.to_string()))).trim_end().to_owned()
        }
        Type::Boolean => "yes or no: y, n, space".into(),
        Type::Time(_) => "2026-07-01 12:00 (UTC), -24h, now".into(),
        Type::Choice(choices) => format!("one of {}: space", choices.len()),
        Type::List { of, minimum, maximum } => {
            let many = range((*minimum > 0).then(|| minimum.to_string()), maximum.map(|n| n.to_string()));
            format!("list a,b,c {many} {}", rules_of(of)).split_whitespace().collect::<Vec<_>>().join(" ")
        }
        Type::Object { .. } => "JSON object".into(),
        Type::Json { .. } => "JSON or text".into(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Array(items) => joined(&items.iter().map(plain).collect::<Vec<_>>()),
        other => scalar(other).unwrap_or_else(|| if other.is_null() { String::new() } else { other.to_string() }),
    }
}

fn joined(values: &[String]) -> String {
    if values.iter().any(|value| value.contains(',')) { Value::from(values.to_vec()).to_string() } else { values.join(", ") }
}

fn area(text: &str) -> TextArea<'static> {
    TextArea::new(text.lines().map(str::to_owned).collect())
}

fn textarea_input(key: Key) -> Option<tui_textarea::Input> {
    use tui_textarea::Key as K;
    let code = match key.code {
        Code::Char(c) => K::Char(c),
        Code::Enter => K::Enter,
        Code::Backspace => K::Backspace,
        Code::Delete => K::Delete,
        Code::Up => K::Up,
        Code::Down => K::Down,
        Code::Left => K::Left,
        Code::Right => K::Right,
        Code::Home => K::Home,
        Code::End => K::End,
        _ => return None,
    };
    Some(tui_textarea::Input { key: code, ctrl: key.ctrl, alt: key.alt, shift: key.shift })
}

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
    /// What is wrong with the whole.
    pub complaint: Option<String>,
    /// Names of values, from the events: device id → host name.
    pub names: BTreeMap<String, String>,
    /// First line on the screen.
    pub first: usize,
    /// The playbook whose inputs these are, and the event that it is for.
    pub playbook: Option<Box<(Playbook, Option<StoredEvent>)>>,
    /// Whether it adds a connection instead of running a command.
    pub adds: bool,
    /// What makes it a short form: what is given already, and what one should know.
    pub quick: Option<Box<Quick>>,
}

impl Form {
    /// A form for a command, filled from events.
    pub fn new(id: u64, connection: &str, environment: &str, vendor: &str, command: &Command, events: &[StoredEvent]) -> Self {
        let fields = fields_of(&command.parameters, vendor, events);
        let at = fields.iter().position(|field| field.parameter.required && field.text().is_empty()).unwrap_or(0);
        Self {
            id,
            connection: connection.into(),
            environment: environment.into(),
            command: command.clone(),
            fields,
            at,
            events: events.iter().map(|event| event.id).collect(),
            complaint: None,
            names: names_of(events),
            first: 0,
            adds: false,
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
        class: super::catalogue::Class,
    ) -> Self {
        // What runs is the playbook; the command only says what the form is made of.
        let never = |_, _, _| async { super::outcome::Outcome::new(super::outcome::ReturnData::Failed) };
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
            form.names = names_of(std::slice::from_ref(event));
            for field in &mut form.fields {
                if let Some(value) = super::playbook::proposed(&playbook, &field.parameter, event) {
                    field.set(&plain(&value));
                    field.origin = Some("from the event".into());
                }
            }
        }
        form.at = form.fields.iter().position(|field| field.parameter.required && field.text().is_empty()).unwrap_or(0);
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
        self.at = self.fields.iter().position(|field| field.parameter.required && field.text().is_empty()).unwrap_or(0);
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
        self.fields.iter().all(|field| !field.parameter.required || !field.text().trim().is_empty())
    }

    /// The name under which its draft is kept: a short form has one of its own.
    pub fn draft_name(&self) -> String {
        self.quick.as_ref().map_or_else(|| self.command.name.clone(), |quick| format!("{}/{}", self.command.name, quick.letter))
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
                field.set(&plain(value));
            }
        }
    }

    /// What would be kept as a draft: never secrets.
    pub fn draft(&self) -> Map<String, Value> {
        let open = self.fields.iter().filter(|field| !field.parameter.secret && !field.text().is_empty());
        open.map(|field| (field.parameter.name.clone(), Value::from(field.text()))).collect()
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

    /// What the command would act on: values and names, and their noun.
    pub fn targets(&self) -> (Vec<String>, &'static str) {
        let field = self.fields.iter().find(|field| !field.parameter.prefill.is_empty() && !field.values().is_empty()).or_else(|| {
            self.fields
                .iter()
                .find(|field| (!field.parameter.prefill_paths.is_empty() || field.parameter.pick.is_some()) && !field.values().is_empty())
        });
        let Some(field) = field else { return (Vec::new(), "target") };
        let named = |value: String| field.names.get(&value).or_else(|| self.names.get(&value)).cloned().unwrap_or(value);
        (field.values().into_iter().map(named).collect(), noun_of(&field.parameter))
    }
}

/// What one value of a parameter is.
fn noun_of(parameter: &Parameter) -> &'static str {
    match parameter.prefill.first() {
        Some(EntityKind::Device | EntityKind::Host) => "host",
        Some(EntityKind::User) => "user",
        Some(EntityKind::Mail) => "address",
        Some(EntityKind::Ip) => "ip",
        Some(EntityKind::Hash | EntityKind::File) => "file",
        _ => "item",
    }
}

/// What arguments would act on, and what one of these is.
pub fn targets_of(parameters: &[Parameter], arguments: &Map<String, Value>) -> (Vec<String>, &'static str) {
    let values = |parameter: &Parameter| match arguments.get(&parameter.name) {
        Some(Value::Array(items)) => items.iter().filter_map(scalar).collect(),
        Some(one) => scalar(one).into_iter().collect::<Vec<_>>(),
        None => Vec::new(),
    };
    let named = |by: fn(&Parameter) -> bool| {
        let mut found = parameters.iter().filter(move |parameter| by(parameter)).map(|parameter| (values(parameter), noun_of(parameter)));
        found.find(|(values, _)| !values.is_empty())
    };
    let by_entity = named(|parameter| !parameter.prefill.is_empty());
    by_entity
        .or_else(|| named(|parameter| !parameter.prefill_paths.is_empty() || parameter.pick.is_some()))
        .unwrap_or((Vec::new(), "target"))
}

/// Fields for parameters, filled from events; what nothing fills gets what its parameter proposes.
fn fields_of(parameters: &[Parameter], vendor: &str, events: &[StoredEvent]) -> Vec<Field> {
    let mut fields: Vec<Field> = parameters.iter().map(Field::new).collect();
    for field in &mut fields {
        if let Some((value, origin)) = filled(&field.parameter, vendor, events) {
            field.set(&plain(&value));
            field.origin = Some(origin);
        } else if let Some(proposal) =
            field.parameter.proposal.clone().filter(|text| field.text().is_empty() && (!events.is_empty() || !text.contains("{title}")))
        {
            let title = events.first().map_or("", |stored| stored.event.title.as_str());
            field.set(proposal.replace("{title}", title).trim());
            field.origin = Some("proposed".into());
        }
    }
    fields
}

fn given_of(values: Map<String, Value>) -> Vec<(String, Given)> {
    values.into_iter().map(|(name, value)| (name, Given::Json(value))).collect()
}

/// Values for a parameter from events, with where they come from. Ids that only one vendor knows stay with that vendor.
pub fn prefill(parameter: &Parameter, vendor: &str, events: &[StoredEvent]) -> Option<(Vec<String>, String)> {
    let mut values: Vec<String> = Vec::new();
    let mut origin = String::new();
    for event in events {
        let own = event.vendor == vendor;
        let source = if event.id == 0 { "the answer" } else { "the event" };
        let paths = parameter
            .prefill_paths
            .iter()
            .filter(|(event_type, _)| own && (event_type.is_empty() || *event_type == event.event.event_type));
        let mut found: Vec<String> = if own && event.id == 0 { answer::given_for(event, &parameter.name) } else { Vec::new() };
        if !found.is_empty() {
            origin = format!("from {source}");
        }
        for (_, path) in paths {
            if !found.is_empty() {
                break;
            }
            found.extend(values_at(&event.event.raw, path).into_iter().filter_map(|(_, value)| scalar(value)));
            if !found.is_empty() {
                origin = format!("from {source}, {path}");
            }
        }
        if found.is_empty() {
            for kind in &parameter.prefill {
                if kind.is_local() && !own {
                    continue;
                }
                found.extend(event.event.entities.iter().filter(|entity| entity.kind == *kind).map(|entity| entity.value.clone()));
                if !found.is_empty() {
                    origin = format!("from {source}, {}", kind.as_str());
                    break;
                }
            }
        }
        for value in found {
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }
    (!values.is_empty()).then_some((values, origin))
}

/// The value that a parameter takes from events, and where it comes from.
fn filled(parameter: &Parameter, vendor: &str, events: &[StoredEvent]) -> Option<(Value, String)> {
    let (values, origin) = prefill(parameter, vendor, events)?;
    let many = matches!(parameter.r#type, Type::List { .. });
    let value = if many { Value::from(values) } else { Value::from(values.into_iter().next()?) };
    Some((value, origin))
}

/// What events know of a command's parameters: name, value, where it comes from.
pub fn prefilled(command: &Command, vendor: &str, events: &[StoredEvent]) -> Vec<(String, Value, String)> {
    let fill = |parameter: &Parameter| filled(parameter, vendor, events).map(|(value, origin)| (parameter.name.clone(), value, origin));
    command.parameters.iter().filter_map(fill).collect()
}

/// Device id → host name, where an event has one of each.
pub fn names_of(events: &[StoredEvent]) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for event in events {
        let of =
            |kind: EntityKind| event.event.entities.iter().filter(move |entity| entity.kind == kind).map(|entity| entity.value.clone());
        let (devices, hosts): (Vec<_>, Vec<_>) = (of(EntityKind::Device).collect(), of(EntityKind::Host).collect());
        if let ([device], [host]) = (devices.as_slice(), hosts.as_slice()) {
            names.insert(device.clone(), host.clone());
        }
    }
    names
}

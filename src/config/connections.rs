//! `connections.toml`: read, checked against each vendor's parameters, and turned into connections and the places of their secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};
use toml_edit::{Document, Item, TableLike};

use super::{Paths, Problem, Source};
use crate::core::catalogue::{Given, Parameter, Type, Vendor, validate_value};
use crate::core::connection::Connection;
use crate::core::nearest::nearest;

/// Where a secret comes from. Never holds the value, but for a plain one.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// Stands in the file itself; works, and draws a warning.
    Plain(String),
    /// An environment variable.
    Env(String),
    /// A file; its trailing line end is dropped.
    File(String),
    /// What a program prints; run without a shell.
    Command(Vec<String>),
    /// The desktop's keyring.
    Keyring(String),
    /// nightdesk's own encrypted vault.
    Vault(String),
}

/// As it is named, never as it reads.
impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(_) => f.write_str("the configuration"),
            Self::Env(name) => write!(f, "the variable {name}"),
            Self::File(path) => write!(f, "the file {path}"),
            Self::Command(words) => write!(f, "what {} prints", words.first().map_or("the command", String::as_str)),
            Self::Keyring(name) => write!(f, "{name} in the keyring"),
            Self::Vault(name) => write!(f, "{name} in the vault"),
        }
    }
}

impl SecretRef {
    /// The place that `env:NAME`, `file:PATH`, `vault:NAME` or `keyring:NAME` names.
    pub fn place(text: &str) -> Option<Self> {
        match text.split_once(':').filter(|(_, name)| !name.trim().is_empty())? {
            ("env", name) => Some(Self::Env(name.into())),
            ("file", path) => Some(Self::File(path.into())),
            ("vault", name) => Some(Self::Vault(name.into())),
            ("keyring", name) => Some(Self::Keyring(name.into())),
            _ => None,
        }
    }
}

impl std::fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(_) => f.write_str("Plain(***)"),
            Self::Env(name) => write!(f, "Env({name})"),
            Self::File(path) => write!(f, "File({path})"),
            Self::Command(argv) => write!(f, "Command({})", argv.first().map_or("", String::as_str)),
            Self::Keyring(name) => write!(f, "Keyring({name})"),
            Self::Vault(name) => write!(f, "Vault({name})"),
        }
    }
}

/// One connection as configured.
#[derive(Clone, Debug)]
pub struct Configured {
    /// What the core sees of it.
    pub connection: Connection,
    /// Where its secrets come from, by parameter name.
    pub secrets: BTreeMap<String, SecretRef>,
    /// Line of its `[[connection]]`, from 1.
    pub line: usize,
}

/// Everything that a connections file says.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    /// The connections, in the file's order.
    pub all: Vec<Configured>,
    /// What works but should be mended.
    pub warnings: Vec<Problem>,
    /// Connections that cannot be used as they stand there.
    pub misconfigured: Vec<Misconfigured>,
}

/// A connection that cannot be used as it stands in the file.
#[derive(Clone, Debug, Default)]
pub struct Misconfigured {
    /// Its name, where it has one.
    pub name: String,
    /// The vendor that it names.
    pub vendor: String,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

const TOP: [&str; 1] = ["connection"];
const KEYS: [&str; 15] = [
    "name",
    "vendor",
    "active",
    "health_check_minutes",
    "fetch_minutes",
    "token_renewal_minutes",
    "parameters",
    "options",
    "event_sources",
    "environment",
    "read_only",
    "ca_file",
    "proxy",
    "alarm_after",
    "insecure",
];
const REFS: [&str; 5] = ["env", "file", "command", "keyring", "vault"];

/// Reads the connections file, all of which must be right; one that is not there is empty.
///
/// # Errors
/// Every problem found, so that all can be mended at once.
pub fn load(paths: &Paths, vendors: &[Vendor]) -> Result<Connections, Vec<Problem>> {
    let (read, problems) = read(paths, vendors)?;
    all_right(read, problems)
}

/// Reads the connections file, and sets those connections aside that cannot be used.
///
/// # Errors
/// What is wrong with the file as a whole.
pub fn load_usable(paths: &Paths, vendors: &[Vendor]) -> Result<Connections, Vec<Problem>> {
    let (read, problems) = read(paths, vendors)?;
    if problems.is_empty() { Ok(read) } else { Err(problems) }
}

fn read(paths: &Paths, vendors: &[Vendor]) -> Result<(Connections, Vec<Problem>), Vec<Problem>> {
    let file = paths.connections();
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(<_>::default()),
        Err(error) => return Err(vec![Problem::of(file, format!("cannot be read: {error}"))]),
    };
    let (mut read, problems) = sort_out(&file, &text, vendors)?;
    let plain = read.all.iter().any(|one| one.secrets.values().any(|place| matches!(place, SecretRef::Plain(_))));
    if plain && let Err(complaint) = super::files::check_private(&file) {
        read.warnings.push(Problem::of(file, format!("holds secrets in clear and {complaint}")));
    }
    Ok((read, problems))
}

fn all_right(read: Connections, mut problems: Vec<Problem>) -> Result<Connections, Vec<Problem>> {
    problems.extend(read.misconfigured.iter().flat_map(|one| one.problems.iter().cloned()));
    if problems.is_empty() { Ok(read) } else { Err(problems) }
}

/// The vendor that a connection names, whatever else is wrong with the file.
pub fn vendor_of(paths: &Paths, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(paths.connections()).ok()?;
    let document = Document::parse(text).ok()?;
    let tables = document.as_table().get("connection")?.as_array_of_tables()?;
    let table = tables.iter().find(|table| table.get("name").and_then(Item::as_str) == Some(name))?;
    table.get("vendor")?.as_str().map(str::to_owned)
}

/// Reads the text of a connections file, all of which must be right.
///
/// # Errors
/// Every problem found.
pub fn parse(file: &Path, text: &str, vendors: &[Vendor]) -> Result<Connections, Vec<Problem>> {
    let (read, problems) = sort_out(file, text, vendors)?;
    all_right(read, problems)
}

/// Whether a connection of this name is right in a text, whatever others are.
///
/// # Errors
/// What is wrong with it, or with the file as a whole.
pub fn check(file: &Path, text: &str, vendors: &[Vendor], name: &str) -> Result<(), Vec<Problem>> {
    let (read, mut problems) = sort_out(file, text, vendors)?;
    problems.extend(read.misconfigured.into_iter().filter(|one| one.name == name).flat_map(|one| one.problems));
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The connections of a text, usable and not, and what is wrong with the file as a whole.
fn sort_out(file: &Path, text: &str, vendors: &[Vendor]) -> Result<(Connections, Vec<Problem>), Vec<Problem>> {
    let source = Source::new(file, text);
    let document = Document::parse(text).map_err(|error| {
        vec![source.problem(error.span().map(|span| span.start), "", format!("is not TOML: {}", error.message().trim()))]
    })?;
    let mut reader = Reader { source, vendors, problems: Vec::new(), warnings: Vec::new() };
    let root = document.as_table();
    for (key, item) in root {
        if !TOP.contains(&key) {
            reader.unknown(key, item, root.key(key).and_then(toml_edit::Key::span).map(|span| span.start), TOP.into_iter());
        }
    }
    let mut all: Vec<Configured> = Vec::new();
    let mut misconfigured = Vec::new();
    match root.get("connection") {
        None => {}
        Some(Item::ArrayOfTables(tables)) => {
            for table in tables {
                let before = reader.problems.len();
                if let Some(one) = reader.connection(table, table.span().map(|span| span.start)) {
                    if let Some(other) = all.iter().find(|other| other.connection.name == one.connection.name) {
                        let message = format!("there is a connection of this name in line {} already; rename one", other.line);
                        reader.problems.push(Problem {
                            file: file.to_owned(),
                            line: Some(one.line),
                            key: Some(format!("connection.name = \"{}\"", one.connection.name)),
                            message,
                            status_code: None,
                        });
                    } else {
                        all.push(one);
                    }
                }
                let problems = reader.problems.split_off(before);
                if !problems.is_empty() {
                    let text = |key: &str| table.get(key).and_then(Item::as_str).unwrap_or_default().to_owned();
                    misconfigured.push(Misconfigured { name: text("name"), vendor: text("vendor"), problems });
                }
            }
        }
        Some(other) => {
            let message = "must be written as [[connection]]".to_owned();
            reader.problems.push(reader.source.problem(other.span().map(|span| span.start), "connection", message));
        }
    }
    Ok((Connections { all, warnings: reader.warnings, misconfigured }, reader.problems))
}

struct Reader<'a> {
    source: Source<'a>,
    vendors: &'a [Vendor],
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Reader<'_> {
    fn complain(&mut self, offset: Option<usize>, key: &str, message: impl Into<String>) {
        let problem = self.source.problem(offset, key, message);
        self.problems.push(problem);
    }

    fn unknown<'k>(&mut self, key: &str, item: &Item, at: Option<usize>, known: impl Iterator<Item = &'k str> + Clone) {
        let hint = match nearest(key.rsplit('.').next().unwrap_or(key), known.clone()) {
            Some(meant) => format!("is not a known key; did you mean {meant}?"),
            None => format!("is not a known key; there are {}", known.collect::<Vec<_>>().join(", ")),
        };
        self.complain(at.or_else(|| start(item)), key, hint);
    }

    fn connection(&mut self, table: &toml_edit::Table, offset: Option<usize>) -> Option<Configured> {
        let before = self.problems.len();
        let line = offset.map_or(1, |offset| self.source.line(offset));
        for (key, item) in table {
            if !KEYS.contains(&key) {
                self.unknown(&format!("connection.{key}"), item, key_at(table, key), KEYS.into_iter());
            }
        }
        let name = self.text(table, "name", offset)?;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            self.complain(table.get("name").and_then(start), "connection.name", "may hold letters, digits, - and _ only");
        }
        let vendor_id = self.text(table, "vendor", offset)?;
        let Some(vendor) = self.vendors.iter().find(|vendor| vendor.id == vendor_id).copied() else {
            let known: Vec<_> = self.vendors.iter().map(|vendor| vendor.id).collect();
            let message = format!("\"{vendor_id}\" is not a vendor; there are {}", known.join(", "));
            self.complain(table.get("vendor").and_then(start), "connection.vendor", message);
            return None;
        };
        let mut connection = Connection {
            name,
            vendor: vendor_id,
            active: true,
            environment: "Default Environment".into(),
            alarm_after: 3,
            ..Connection::default()
        };
        if let Some(active) = self.flag(table, "active") {
            connection.active = active;
        }
        connection.read_only = self.flag(table, "read_only").unwrap_or(false);
        connection.insecure = self.flag(table, "insecure").unwrap_or(false);
        connection.health_check_minutes = self.minutes(table, "health_check_minutes");
        connection.fetch_minutes = self.minutes(table, "fetch_minutes");
        connection.token_renewal_minutes = self.minutes(table, "token_renewal_minutes");
        if let Some(after) = self.minutes(table, "alarm_after") {
            connection.alarm_after = after;
        }
        if let Some(environment) = self.optional_text(table, "environment") {
            connection.environment = environment;
        }
        connection.ca_file = self.optional_text(table, "ca_file");
        if let Some(file) = &connection.ca_file
            && let Err(error) = std::fs::File::open(file)
        {
            self.complain(table.get("ca_file").and_then(start), "connection.ca_file", format!("{file} cannot be read: {error}"));
        }
        connection.proxy = match table.get("proxy").and_then(Item::as_value) {
            None => None,
            Some(value) => match (value.as_bool(), value.as_str()) {
                (Some(false), _) => None,
                (Some(true), _) => Some("environment".into()),
                (None, Some(url)) if url::Url::parse(url).is_ok_and(|url| url.has_host()) => Some(url.into()),
                (None, _) => {
                    self.complain(value.span().map(|span| span.start), "connection.proxy", "must be true, false or the proxy's URL");
                    None
                }
            },
        };
        connection.event_sources = table.get("event_sources").map(json).map(|value| match value {
            Value::Array(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
            Value::String(text) => text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect(),
            _ => Vec::new(),
        });
        let mut secrets = BTreeMap::new();
        self.parameters(&mut connection, &mut secrets, vendor, table, offset);
        self.options(&mut connection, vendor, table.get("options"));
        if connection.parameters.get("verify_ssl") == Some(&Value::Bool(false)) || connection.flag("insecure") {
            connection.insecure = true;
        }
        if connection.flag("proxy") {
            connection.proxy = Some("environment".into());
        }
        connection.secrets = secrets.keys().cloned().collect::<BTreeSet<_>>();
        if self.problems.len() > before {
            return None;
        }
        let unchecked = self.problems.len();
        match (vendor.open)(&connection) {
            Ok(entry) => {
                for named in connection.event_sources.iter().flatten() {
                    if entry.source(named).is_none() {
                        let known: Vec<_> = entry.sources.iter().map(|source| source.name.as_str()).collect();
                        let message = format!("\"{named}\" is not an event source of {}; there are {}", vendor.title, known.join(", "));
                        self.complain(table.get("event_sources").and_then(start), "connection.event_sources", message);
                    }
                }
            }
            Err(complaints) => {
                let given = table.get("parameters").and_then(Item::as_table_like);
                for complaint in complaints {
                    let at = given.and_then(|given| given.get(&complaint.parameter)).and_then(start).or(offset);
                    let mut problem = self.source.problem(at, &format!("connection.parameters.{}", complaint.parameter), complaint.message);
                    problem.status_code = complaint.status_code;
                    self.problems.push(problem);
                }
            }
        }
        (self.problems.len() == unchecked).then_some(Configured { connection, secrets, line })
    }

    fn parameters(
        &mut self,
        connection: &mut Connection,
        secrets: &mut BTreeMap<String, SecretRef>,
        vendor: Vendor,
        table: &toml_edit::Table,
        offset: Option<usize>,
    ) {
        let known = (vendor.parameters)();
        let given = match table.get("parameters") {
            None => None,
            Some(item) => match item.as_table_like() {
                Some(given) => Some(given),
                None => {
                    self.complain(start(item), "connection.parameters", "must be a table");
                    return;
                }
            },
        };
        for (key, item) in given.into_iter().flat_map(TableLike::iter) {
            let full = format!("connection.parameters.{key}");
            let Some(parameter) = known.iter().find(|parameter| parameter.name == key) else {
                let names: Vec<String> = known.iter().map(|parameter| parameter.name.clone()).collect();
                self.unknown(&full, item, given.and_then(|given| key_at(given, key)), names.iter().map(String::as_str));
                continue;
            };
            match &parameter.r#type {
                Type::Object { .. } if parameter.secret => {
                    let mut plain = Map::new();
                    for (inner, item) in item.as_table_like().into_iter().flat_map(TableLike::iter) {
                        let hidden = ["token", "password", "secret", "client_secret", "value", "api_key", "key"].contains(&inner);
                        let is_ref = item.as_table_like().is_some_and(|table| table.iter().any(|(name, _)| REFS.contains(&name)));
                        if hidden || is_ref {
                            if let Some(place) = self.secret(&format!("{full}.{inner}"), item) {
                                secrets.insert(format!("{key}.{inner}"), place);
                            }
                        } else {
                            plain.insert(inner.to_owned(), json(item));
                        }
                    }
                    connection.parameters.insert(key.to_owned(), Value::Object(plain));
                }
                _ if parameter.secret => {
                    if let Some(place) = self.secret(&full, item) {
                        secrets.insert(key.to_owned(), place);
                    }
                }
                _ => match validate_value(parameter, Given::Json(json(item)), Timestamp::UNIX_EPOCH) {
                    Ok(Some(value)) => {
                        if parameter.name == "document" {
                            self.document(connection, parameter, &value, start(item));
                        }
                        connection.parameters.insert(key.to_owned(), value);
                    }
                    Ok(None) => {}
                    Err(complaint) => self.complain(start(item), &full, complaint.message),
                },
            }
        }
        for parameter in &known {
            let is_given = connection.parameters.contains_key(&parameter.name)
                || secrets.contains_key(&parameter.name)
                || given.is_some_and(|given| given.contains_key(&parameter.name) && !parameter.required);
            if is_given {
                continue;
            }
            if let Some(default) = &parameter.default {
                connection.parameters.insert(parameter.name.clone(), default.clone());
            } else if parameter.required
                && !self.problems.iter().any(|problem| problem.key.as_deref().is_some_and(|key| key.ends_with(&parameter.name)))
            {
                let place = if parameter.secret { ", for instance { env = \"NAME\" }" } else { "" };
                let message = format!("is required for a {} connection; add it under [connection.parameters]{place}", vendor.title);
                self.complain(offset, &format!("connection.parameters.{}", parameter.name), message);
            }
        }
    }

    /// Files that an entry is built from are read with the configuration, since vendors see no file system.
    fn document(&mut self, connection: &mut Connection, parameter: &Parameter, value: &Value, at: Option<usize>) {
        let named = value.as_str().unwrap_or_default();
        let path = self.source.file.parent().unwrap_or(Path::new(".")).join(named);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                connection.documents.insert(parameter.name.clone(), Arc::from(text));
            }
            Err(error) => self.complain(
                at,
                &format!("connection.parameters.{}", parameter.name),
                format!("{} cannot be read: {error}", path.display()),
            ),
        }
    }

    fn options(&mut self, connection: &mut Connection, vendor: Vendor, item: Option<&Item>) {
        let known = (vendor.options)();
        if let Some(table) = item.and_then(Item::as_table_like) {
            self.option_table(connection, &known, table, "");
        } else if let Some(item) = item {
            self.complain(start(item), "connection.options", "must be a table");
        }
        for option in known {
            if let (false, Some(default)) = (connection.options.contains_key(&option.name), option.default) {
                connection.options.insert(option.name, default);
            }
        }
    }

    fn option_table(&mut self, connection: &mut Connection, known: &[Parameter], table: &dyn TableLike, prefix: &str) {
        for (key, item) in table.iter() {
            let name = format!("{prefix}{key}");
            if let Some(option) = known.iter().find(|option| option.name == name) {
                match validate_value(option, Given::Json(json(item)), Timestamp::UNIX_EPOCH) {
                    Ok(Some(value)) => {
                        connection.options.insert(name, value);
                    }
                    // An empty text or list is a choice here, unlike in a form.
                    Ok(None) => {
                        connection.options.insert(name, json(item));
                    }
                    Err(complaint) => self.complain(start(item), &format!("connection.options.{name}"), complaint.message),
                }
            } else if let Some(inner) =
                item.as_table_like().filter(|_| known.iter().any(|option| option.name.starts_with(&format!("{name}."))))
            {
                self.option_table(connection, known, inner, &format!("{name}."));
            } else {
                let names: Vec<String> = known.iter().map(|option| option.name.clone()).collect();
                self.unknown(&format!("connection.options.{name}"), item, key_at(table, key), names.iter().map(String::as_str));
            }
        }
    }

    fn secret(&mut self, key: &str, item: &Item) -> Option<SecretRef> {
        if let Some(text) = item.as_str() {
            if text.is_empty() {
                return None;
            }
            let warning = self.source.problem(
                start(item),
                key,
                "stands in clear; better { env = … }, { file = … }, { command = […] } or { vault = … }",
            );
            self.warnings.push(warning);
            return Some(SecretRef::Plain(text.to_owned()));
        }
        let entries: Vec<(&str, &Item)> = item.as_table_like().map(|table| table.iter().collect()).unwrap_or_default();
        if let [(kind, value)] = entries.as_slice() {
            let text = value.as_str().map(str::to_owned);
            let argv: Option<Vec<String>> =
                value.as_array().map(|items| items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect());
            match (*kind, text, argv) {
                ("env", Some(name), _) => return Some(SecretRef::Env(name)),
                ("file", Some(path), _) => return Some(SecretRef::File(path)),
                ("keyring", Some(name), _) => return Some(SecretRef::Keyring(name)),
                ("vault", Some(name), _) => return Some(SecretRef::Vault(name)),
                ("command", _, Some(argv)) if !argv.is_empty() => return Some(SecretRef::Command(argv)),
                _ => {}
            }
        }
        let message = "must be a text or one of { env = \"NAME\" }, { file = \"PATH\" }, { command = [\"pass\", \"show\", \"x\"] }, { keyring = \"NAME\" }, { vault = \"NAME\" }";
        self.complain(start(item), key, message);
        None
    }

    fn text(&mut self, table: &toml_edit::Table, key: &str, offset: Option<usize>) -> Option<String> {
        match table.get(key) {
            None => {
                self.complain(offset, &format!("connection.{key}"), "is required");
                None
            }
            Some(_) => self.optional_text(table, key),
        }
    }

    fn optional_text(&mut self, table: &toml_edit::Table, key: &str) -> Option<String> {
        let item = table.get(key)?;
        let text = item.as_str().map(str::to_owned);
        if text.is_none() {
            self.complain(start(item), &format!("connection.{key}"), "must be a text");
        }
        text
    }

    fn flag(&mut self, table: &toml_edit::Table, key: &str) -> Option<bool> {
        let item = table.get(key)?;
        let flag = item.as_bool();
        if flag.is_none() {
            self.complain(start(item), &format!("connection.{key}"), "must be true or false");
        }
        flag
    }

    fn minutes(&mut self, table: &toml_edit::Table, key: &str) -> Option<u32> {
        let item = table.get(key)?;
        let number = item.as_integer().and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0);
        if number.is_none() {
            self.complain(start(item), &format!("connection.{key}"), format!("must be a whole number from 1 to {}", u32::MAX));
        }
        number
    }
}

fn start(item: &Item) -> Option<usize> {
    item.span().map(|span| span.start)
}

fn key_at(table: &dyn TableLike, key: &str) -> Option<usize> {
    table.key(key).and_then(toml_edit::Key::span).map(|span| span.start)
}

/// A TOML item as JSON.
fn json(item: &Item) -> Value {
    match item {
        Item::None => Value::Null,
        Item::Value(value) => json_value(value),
        Item::Table(table) => Value::Object(table.iter().map(|(key, item)| (key.to_owned(), json(item))).collect()),
        Item::ArrayOfTables(tables) => {
            tables.iter().map(|table| Value::Object(table.iter().map(|(key, item)| (key.to_owned(), json(item))).collect())).collect()
        }
    }
}

fn json_value(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => Value::String(text.value().clone()),
        toml_edit::Value::Integer(number) => Value::from(*number.value()),
        toml_edit::Value::Float(number) => Value::from(*number.value()),
        toml_edit::Value::Boolean(flag) => Value::Bool(*flag.value()),
        toml_edit::Value::Datetime(time) => Value::String(time.value().to_string()),
        toml_edit::Value::Array(items) => items.iter().map(json_value).collect(),
        toml_edit::Value::InlineTable(table) => {
            Value::Object(table.iter().map(|(key, value)| (key.to_owned(), json_value(value))).collect())
        }
    }
}

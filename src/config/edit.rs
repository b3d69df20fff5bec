//! Edits of `connections.toml` that keep the user's comments and order.

use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value};

use super::connections::SecretRef;
use super::{Paths, Problem, Source, files};
use crate::core::catalogue::{Parameter, Type, Vendor};

/// What to change in a connection.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// `KEY=VALUE` pairs; a key is a parameter, or one of the connection's own keys, or `options.NAME`.
    pub set: Vec<(String, String)>,
    /// Secret parameters and where they come from.
    pub secrets: Vec<(String, SecretRef)>,
}

/// The connection's own keys, as opposed to its vendor's parameters.
const OWN: [&str; 11] = [
    "active",
    "health_check_minutes",
    "fetch_minutes",
    "token_renewal_minutes",
    "event_sources",
    "environment",
    "read_only",
    "ca_file",
    "alarm_after",
    "insecure",
    "proxy",
];

/// Adds a connection and gives back the new text.
///
/// # Errors
/// When the file cannot be read, or there is a connection of that name.
pub fn add(paths: &Paths, name: &str, vendor: Vendor, change: &Change) -> Result<String, Problem> {
    let mut document = read(paths)?;
    if position(&document, name).is_some() {
        return Err(problem(paths, name, "there is a connection of this name already; use connections edit"));
    }
    let mut table = Table::new();
    table.insert("name", toml_edit::value(name));
    table.insert("vendor", toml_edit::value(vendor.id));
    apply(&mut table, change, &(vendor.parameters)());
    match document.entry("connection").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new())) {
        Item::ArrayOfTables(tables) => tables.push(table),
        _ => return Err(problem(paths, name, "the file's connection is not written as [[connection]]; mend that first")),
    }
    Ok(document.to_string())
}

/// Changes a connection and gives back the new text.
///
/// # Errors
/// When the file cannot be read, or there is no connection of that name.
pub fn edit(paths: &Paths, name: &str, vendors: &[Vendor], change: &Change) -> Result<String, Problem> {
    let mut document = read(paths)?;
    let at = position(&document, name).ok_or_else(|| problem(paths, name, "there is no connection of this name"))?;
    if let Some(table) = document.get_mut("connection").and_then(Item::as_array_of_tables_mut).and_then(|tables| tables.get_mut(at)) {
        let id = table.get("vendor").and_then(Item::as_str);
        let known = vendors.iter().find(|vendor| Some(vendor.id) == id).map(|vendor| (vendor.parameters)()).unwrap_or_default();
        apply(table, change, &known);
    }
    Ok(document.to_string())
}

/// Removes a connection and gives back the new text.
///
/// # Errors
/// When the file cannot be read, or there is no connection of that name.
pub fn remove(paths: &Paths, name: &str) -> Result<String, Problem> {
    let mut document = read(paths)?;
    let at = position(&document, name).ok_or_else(|| problem(paths, name, "there is no connection of this name"))?;
    Ok(without(&mut document, "connection", at))
}

/// The text of a document without one of the tables of a list.
pub(super) fn without(document: &mut DocumentMut, list: &str, at: usize) -> String {
    let mut head = String::new();
    if let Some(tables) = document.get_mut(list).and_then(Item::as_array_of_tables_mut) {
        if at == 0 {
            let above = tables.get(0).and_then(|table| table.decor().prefix()?.as_str()).unwrap_or_default();
            // What stands above the first with an empty line between is about the file, not about the first.
            above.rfind("\n\n").map(|end| &above[..end + 2]).unwrap_or_default().clone_into(&mut head);
        }
        tables.remove(at);
        if let Some(first) = tables.get_mut(0).filter(|_| !head.is_empty()) {
            let own = first.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default();
            let joined = format!("{head}{}", own.trim_start_matches('\n'));
            first.decor_mut().set_prefix(joined);
            head.clear();
        }
    }
    format!("{head}{document}")
}

/// The name under which the vault keeps a secret of a connection.
pub fn vault_entry(connection: &str, key: &str) -> String {
    format!("{connection}.{key}")
}

/// Writes the new text.
///
/// # Errors
/// When it cannot be written.
pub fn write(paths: &Paths, text: &str) -> Result<(), Problem> {
    let failed = |error: std::io::Error| problem(paths, "", &format!("cannot be written: {error}"));
    files::private_dir(&paths.config_dir).map_err(failed)?;
    files::write_private(&paths.connections(), text.as_bytes()).map_err(failed)
}

fn apply(table: &mut Table, change: &Change, known: &[Parameter]) {
    for (key, text) in &change.set {
        // A client id of digits stays a text.
        let is_text =
            known.iter().any(|parameter| parameter.name == *key && matches!(parameter.r#type, Type::Text { .. } | Type::Choice(_)))
                || matches!(key.as_str(), "environment" | "ca_file");
        let value = if is_text { Value::from(text.as_str()) } else { toml_value(text) };
        if let Some(option) = key.strip_prefix("options.") {
            put(child(table, "options"), &option.split('.').collect::<Vec<_>>(), value);
        } else if OWN.contains(&key.as_str())
            && !(key == "proxy" && matches!(table.get("vendor").and_then(Item::as_str), Some("management-activity")))
        {
            replace(table, key, value);
        } else {
            put(child(table, "parameters"), &key.split('.').collect::<Vec<_>>(), value);
        }
    }
    for (key, place) in &change.secrets {
        put(child(table, "parameters"), &key.split('.').collect::<Vec<_>>(), place_value(place));
    }
}

fn child<'a>(table: &'a mut Table, key: &str) -> &'a mut Table {
    if !table.get(key).is_some_and(Item::is_table) {
        table.insert(key, Item::Table(Table::new()));
    }
    // The line above made sure of it; an inline table is replaced by a table of the same name.
    match table.entry(key).or_insert_with(|| Item::Table(Table::new())) {
        Item::Table(inner) => inner,
        _ => unreachable!("the entry was made a table"),
    }
}

fn put(table: &mut Table, path: &[&str], value: Value) {
    match path {
        [] => {}
        [last] => replace(table, last, value),
        [first, rest @ ..] => put(child(table, first), rest, value),
    }
}

/// Replaces a value but keeps the comment behind it.
fn replace(table: &mut Table, key: &str, mut value: Value) {
    if let Some(old) = table.get(key).and_then(Item::as_value) {
        *value.decor_mut() = old.decor().clone();
    }
    table.insert(key, Item::Value(value));
}

/// `true`, numbers, lists and inline tables are taken as TOML; everything else is a text.
fn toml_value(text: &str) -> Value {
    let structured = text.starts_with(['[', '{', '"']) || matches!(text, "true" | "false") || text.parse::<i64>().is_ok();
    if structured && let Ok(value) = text.parse::<Value>() { value } else { Value::from(text) }
}

fn place_value(place: &SecretRef) -> Value {
    let mut table = InlineTable::new();
    match place {
        SecretRef::Plain(text) => return Value::from(text.as_str()),
        SecretRef::Env(name) => table.insert("env", name.as_str().into()),
        SecretRef::File(path) => table.insert("file", path.as_str().into()),
        SecretRef::Command(argv) => table.insert("command", Value::Array(argv.iter().collect())),
        SecretRef::Keyring(name) => table.insert("keyring", name.as_str().into()),
        SecretRef::Vault(name) => table.insert("vault", name.as_str().into()),
    };
    Value::InlineTable(table)
}

fn read(paths: &Paths) -> Result<DocumentMut, Problem> {
    let file = paths.connections();
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(problem(paths, "", &format!("cannot be read: {error}"))),
    };
    text.parse::<DocumentMut>().map_err(|error| {
        Source::new(&file, &text).problem(error.span().map(|span| span.start), "", format!("is not TOML: {}", error.message().trim()))
    })
}

fn position(document: &DocumentMut, name: &str) -> Option<usize> {
    let tables = document.get("connection")?.as_array_of_tables()?;
    tables.iter().position(|table| table.get("name").and_then(Item::as_str) == Some(name))
}

fn problem(paths: &Paths, key: &str, message: &str) -> Problem {
    Problem { key: (!key.is_empty()).then(|| key.to_owned()), ..Problem::of(paths.connections(), message) }
}

//! `views.toml`: the analyst's own views of the queue.
//!
//! ```toml
//! [[view]]
//! name = "Night"
//! query = "severity:>=high age:<12h -status:closed"
//! sort = "severity"
//! reverse = false
//! group = "rule"
//! ```

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table};

use super::{Paths, Problem, Source, edit, files};
use crate::core::console::views::Saved;
use crate::core::listing::{Column, Grouping, Order};
use crate::core::nearest::nearest;
use crate::core::query::Query;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    view: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Spanned<String>,
    query: Option<Spanned<String>>,
    sort: Option<Spanned<String>>,
    #[serde(default)]
    reverse: bool,
    group: Option<Spanned<String>>,
}

/// Reads the views file; one that is not there has none.
///
/// # Errors
/// Everything that is wrong with it, and where.
pub fn load(paths: &Paths) -> Result<Vec<Saved>, Vec<Problem>> {
    let file = paths.views();
    match std::fs::read_to_string(&file) {
        Ok(text) => parse(&file, &text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(vec![Problem::of(file, format!("cannot be read: {error}"))]),
    }
}

/// Reads the text of a views file.
///
/// # Errors
/// Everything that is wrong with it, and where.
pub fn parse(file: &Path, text: &str) -> Result<Vec<Saved>, Vec<Problem>> {
    let source = Source::new(file, text);
    let read: File = toml::from_str(text)
        .map_err(|error| vec![source.problem(error.span().map(|span| span.start), "", error.message().trim().to_owned())])?;
    let mut problems = Vec::new();
    let mut views: Vec<Saved> = Vec::new();
    for view in read.view {
        let mut complain = |at: &Spanned<String>, key: &str, message: String| {
            problems.push(source.problem(Some(at.span().start), &format!("view.{key}"), message));
        };
        let name = view.name.get_ref().trim().to_owned();
        if name.is_empty() {
            complain(&view.name, "name", "must not be empty".into());
        }
        if views.iter().any(|known| known.name.eq_ignore_ascii_case(&name)) {
            complain(&view.name, "name", format!("there is a view {name} already"));
        }
        if let Some(query) = &view.query
            && let Err(error) = Query::parse(query.get_ref())
        {
            complain(query, "query", error.to_string());
        }
        let column = view.sort.as_ref().map_or(Some(Column::Age), |id| Column::parse(id.get_ref()));
        if let (None, Some(id)) = (column, &view.sort) {
            complain(id, "sort", one_of(id.get_ref(), &Column::ALL.map(|(id, _, _)| id)));
        }
        let grouping = view.group.as_ref().and_then(|id| Grouping::parse(id.get_ref()));
        if let (None, Some(id)) = (grouping, &view.group) {
            complain(id, "group", one_of(id.get_ref(), &Grouping::ALL.map(|(id, _, _)| id)));
        }
        let column = column.unwrap_or_default();
        let order = Order { column, descending: column.descends() != view.reverse };
        views.push(Saved { name, query: view.query.map(Spanned::into_inner).unwrap_or_default(), order, grouping });
    }
    if problems.is_empty() { Ok(views) } else { Err(problems) }
}

fn one_of(given: &str, known: &[&str]) -> String {
    let meant = nearest(given, known.iter().copied()).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
    format!("{given} is not one of {}{meant}", known.join(", "))
}

/// Writes a view into the file: over its namesake, else at the end. Comments and order stay. Gives all views.
///
/// # Errors
/// When the file is wrong, or cannot be written.
pub fn save(paths: &Paths, view: &Saved) -> Result<Vec<Saved>, Vec<Problem>> {
    let mut document = read(paths)?;
    let at = position(&document, &view.name);
    let Item::ArrayOfTables(tables) = document.entry("view").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new())) else {
        return Err(vec![Problem::of(paths.views(), "the file's view is not written as [[view]]; mend that first")]);
    };
    let mut fresh = Table::new();
    let table = match at.and_then(|at| tables.get_mut(at)) {
        Some(table) => table,
        None => &mut fresh,
    };
    put(table, "name", Some(view.name.as_str().into()));
    put(table, "query", Some(view.query.as_str().into()));
    put(table, "sort", Some(view.order.column.as_str().into()));
    put(table, "reverse", (view.order.descending != view.order.column.descends()).then(|| true.into()));
    put(table, "group", view.grouping.map(|grouping| grouping.as_str().into()));
    if at.is_none() {
        tables.push(fresh);
    }
    write(paths, &document.to_string())
}

/// Takes a view out of the file. Gives the views that are left.
///
/// # Errors
/// When there is none of that name, or the file is wrong or cannot be written.
pub fn remove(paths: &Paths, name: &str) -> Result<Vec<Saved>, Vec<Problem>> {
    let mut document = read(paths)?;
    let at = position(&document, name).ok_or_else(|| vec![Problem::of(paths.views(), format!("there is no view {name}"))])?;
    write(paths, &edit::without(&mut document, "view", at))
}

/// Sets a key, or takes it away; the comment behind it stays.
fn put(table: &mut Table, key: &str, value: Option<toml_edit::Value>) {
    let Some(mut value) = value else {
        table.remove(key);
        return;
    };
    if let Some(old) = table.get(key).and_then(Item::as_value) {
        *value.decor_mut() = old.decor().clone();
    }
    table.insert(key, Item::Value(value));
}

/// The file as it is; what is wrong with it is to be mended first.
fn read(paths: &Paths) -> Result<DocumentMut, Vec<Problem>> {
    load(paths)?;
    let text = std::fs::read_to_string(paths.views()).unwrap_or_default();
    text.parse::<DocumentMut>().map_err(|error| vec![Problem::of(paths.views(), error.message().trim())])
}

fn position(document: &DocumentMut, name: &str) -> Option<usize> {
    let tables = document.get("view")?.as_array_of_tables()?;
    tables.iter().position(|table| table.get("name").and_then(Item::as_str).is_some_and(|known| known.trim().eq_ignore_ascii_case(name)))
}

fn write(paths: &Paths, text: &str) -> Result<Vec<Saved>, Vec<Problem>> {
    let file = paths.views();
    // What cannot be read again is not written.
    let views = parse(&file, text)?;
    let failed = |error: std::io::Error| vec![Problem::of(paths.views(), format!("cannot be written: {error}"))];
    files::private_dir(&paths.config_dir).map_err(failed)?;
    files::write_private(&file, text.as_bytes()).map_err(failed)?;
    Ok(views)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# mine\n\n[[view]]\nname = \"Night\" # short\nquery = \"age:<12h\"\n\n# the rest\n[[view]]\nname = \"Disks\"\nquery = \"disk\"\nsort = \"severity\"\nreverse = true\ngroup = \"rule\"\n";

    fn problems(text: &str) -> Vec<String> {
        parse(Path::new("views.toml"), text).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn views_are_read_and_complaints_name_file_line_and_key() {
        let views = parse(Path::new("views.toml"), TEXT).unwrap();
        assert_eq!((views[0].order, views[0].grouping), (Order::default(), None));
        assert_eq!((views[1].order, views[1].grouping), (Order { column: Column::Severity, descending: false }, Some(Grouping::Rule)));
        assert!(problems("[[view]]\nname = \"a\"\ncolour = 1\n")[0].starts_with("views.toml:3: unknown field `colour`"));
        assert_eq!(
            problems("[[view]]\nname = \"a\"\nsort = \"agee\"\ngroup = \"x\"\nquery = \"bad:\"\n[[view]]\nname = \"A\"\n"),
            [
                "views.toml:5: view.query: column 5: a value must follow bad:",
                "views.toml:3: view.sort: agee is not one of age, severity, vendor, type, title, status, connection, seen; did you mean age?",
                "views.toml:4: view.group: x is not one of rule, entity, vendor, type, severity, connection",
                "views.toml:7: view.name: there is a view A already",
            ]
        );
    }

    #[test]
    fn saving_and_removing_keep_the_comments() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths { config_dir: home.path().to_owned(), data_dir: home.path().to_owned() };
        let text = || std::fs::read_to_string(paths.views()).unwrap();
        let view = |name: &str, query: &str| Saved { name: name.into(), query: query.into(), ..Saved::default() };
        save(&paths, &view("Night", "age:<8h")).unwrap();
        assert_eq!(load(&paths).unwrap(), [view("Night", "age:<8h")]);
        std::fs::write(paths.views(), TEXT).unwrap();
        save(&paths, &view("Night", "age:<6h")).unwrap();
        assert!(
            text().contains("# mine\n\n[[view]]\nname = \"Night\" # short\nquery = \"age:<6h\"") && text().contains("# the rest"),
            "{}",
            text()
        );
        save(&paths, &view("New", "")).unwrap();
        assert_eq!(remove(&paths, "disks").unwrap().iter().map(|view| view.name.as_str()).collect::<Vec<_>>(), ["Night", "New"]);
        remove(&paths, "Night").unwrap();
        assert!(text().starts_with("# mine"), "what stands above the first view is about the file: {}", text());
        std::fs::write(paths.views(), "[[view]]\nname = 3\n").unwrap();
        assert!(save(&paths, &view("x", "")).is_err(), "a file that is wrong is not written over");
    }
}

//! Tables over arrays.

use proptest::prelude::*;

use super::super::{COLUMN_DEPTH, Document, Field, Needle, Sort, Table};
use super::{json_text, parse};

fn table(document: &Document, path: &str) -> Table {
    Table::new(document, document.lookup(path).unwrap(), COLUMN_DEPTH).unwrap()
}

fn titles(table: &Table) -> Vec<String> {
    table.shown().map(Field::title).collect()
}

fn path(keys: &str) -> Field {
    Field::Path(keys.split('.').map(str::to_owned).collect())
}

fn column(document: &Document, table: &Table, field: &Field) -> Vec<String> {
    table.rows(document, 0, usize::MAX).iter().map(|row| Table::cell_text(document, row.node, field, 40)).collect()
}

fn by(field: Field, descending: bool) -> Sort {
    Sort { field, descending }
}

const EVENTS: &str = r#"{"items": [
    {"id": 9007199254740993, "host": {"name": "web", "ip": ["10.0.0.1"]}, "at": "2024-01-02T00:00:00+02:00", "ok": true},
    {"id": 9007199254740992, "host": {"name": "DB", "os": {"name": "linux"}}, "at": "2024-01-01T23:00:00Z", "score": 10},
    {"id": 5, "extra": null, "score": 9.5, "host": {}},
    {"id": "x", "score": 1e1, "host": {"name": "app"}}
]}"#;

#[test]
fn nested_paths_are_columns() {
    let document = parse(EVENTS);
    let table = table(&document, "$.items");
    assert_eq!(titles(&table), ["id", "extra", "host.name", "host.os.name", "host.ip", "at", "score", "host", "ok"]);
    assert_eq!(column(&document, &table, &path("host.name")), ["web", "DB", "", "app"]);
    assert_eq!(column(&document, &table, &path("host.ip")), ["[\"10.0.0.1\"]", "", "", ""]);
    let seen = |title: &str| table.columns().iter().find(|column| column.field.title() == title).map(|column| column.seen);
    assert_eq!((seen("id"), seen("host.name"), seen("extra")), (Some(4), Some(3), Some(1)));
}

#[test]
fn sorting_knows_numbers_times_and_text() {
    let document = parse(EVENTS);
    let mut table = table(&document, "$.items");
    let mut sorted = |field: &str, descending| {
        table.arrange(&document, Some(by(path(field), descending)), None);
        column(&document, &table, &path("id"))
    };
    assert_eq!(sorted("id", false), ["5", "9007199254740992", "9007199254740993", "x"], "digits beyond f64 count");
    assert_eq!(sorted("at", false), ["9007199254740993", "9007199254740992", "5", "x"], "22:00 UTC is before 23:00 UTC; none is last");
    assert_eq!(sorted("at", true), ["9007199254740992", "9007199254740993", "5", "x"]);
    assert_eq!(sorted("score", true), ["9007199254740992", "x", "5", "9007199254740993"]);
    assert_eq!(sorted("host.name", false), ["x", "9007199254740992", "9007199254740993", "5"], "case does not count");
    table.arrange(&document, None, None);
    assert_eq!(column(&document, &table, &path("id")), ["9007199254740993", "9007199254740992", "5", "x"]);
}

#[test]
fn rows_are_filtered_and_columns_chosen() {
    let document = parse(EVENTS);
    let mut table = table(&document, "$.items");
    table.arrange(&document, Some(by(path("id"), true)), Some(&Needle::new("linux")));
    assert_eq!(column(&document, &table, &path("id")), ["9007199254740992"]);
    assert_eq!((table.len(), table.count()), (1, 4));
    assert!(!table.arrange_within(&document, Some(by(path("id"), false)), None, 3), "four rows are too many");
    assert_eq!(table.len(), 1, "nothing was changed");
    table.choose(&[path("score"), path("id"), path("deep.down")]);
    assert_eq!(titles(&table), ["score", "id", "deep.down"]);
    table.move_column(0, 1);
    table.set_hidden(2, true);
    assert_eq!(titles(&table), ["id", "score"]);
}

#[test]
fn arrays_of_scalars_and_objects_of_objects() {
    let document =
        parse(r#"{"ips": ["10.0.0.2", "10.0.0.1", 7], "mixed": [{"a": 1}, 2], "users": {"bob": {"id": 2}, "al": {"id": 1}}, "none": []}"#);
    let mut ips = table(&document, "$.ips");
    assert_eq!(titles(&ips), ["value"]);
    ips.arrange(&document, Some(by(Field::Value, false)), None);
    assert_eq!(column(&document, &ips, &Field::Value), ["7", "10.0.0.1", "10.0.0.2"]);
    let mixed = table(&document, "$.mixed");
    assert_eq!(titles(&mixed), ["a", "value"]);
    assert_eq!(column(&document, &mixed, &Field::Value), ["", "2"]);
    let mut users = table(&document, "$.users");
    assert_eq!(titles(&users), ["key", "id"]);
    users.arrange(&document, Some(by(Field::Key, false)), None);
    assert_eq!(column(&document, &users, &Field::Key), ["al", "bob"]);
    assert_eq!(column(&document, &users, &path("id")), ["1", "2"]);
    assert!(Table::new(&document, document.lookup("$.none").unwrap(), 3).is_none());
    let target = |path: &str| Table::target(&document, document.lookup(path).unwrap()).map(|node| document.path(node));
    assert_eq!(target("$.ips[1]").as_deref(), Some("$.ips"));
    assert_eq!(target("$.users.bob.id").as_deref(), Some("$.users.bob"));
    assert_eq!(target("$.none").as_deref(), Some("$"));
}

#[test]
fn late_columns_are_found_and_windows_read_alone() {
    let rows: Vec<String> =
        (0..3_000).map(|n| if n >= 1_500 { format!("{{\"n\": {n}, \"late\": {n}}}") } else { format!("{{\"n\": {n}}}") }).collect();
    let document = parse(&format!("[{}]", rows.join(",")));
    let mut table = table(&document, "$");
    assert_eq!(titles(&table), ["n", "late"]);
    let window = |table: &Table| -> Vec<usize> { table.rows(&document, 2_000, 3).iter().map(|row| row.ordinal).collect() };
    assert_eq!(window(&table), [2_000, 2_001, 2_002]);
    table.arrange(&document, Some(by(path("n"), true)), None);
    assert_eq!(window(&table), [999, 998, 997]);
    assert_eq!(table.rows(&document, 2_999, 10).len(), 1);
    assert!(table.rows(&document, 3_000, 10).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_container_makes_a_table(text in json_text()) {
        let document = parse(&text);
        let root = document.root().unwrap();
        let Some(mut table) = Table::new(&document, root, COLUMN_DEPTH) else {
            prop_assert_eq!(document.count(root), 0);
            return Ok(());
        };
        prop_assert_eq!(table.len(), document.count(root));
        let fields: Vec<Field> = table.shown().cloned().collect();
        let unsorted: Vec<usize> = table.rows(&document, 0, usize::MAX).iter().map(|row| row.ordinal).collect();
        prop_assert_eq!(&unsorted, &(0..document.count(root)).collect::<Vec<_>>());
        for field in fields.iter().take(6) {
            for descending in [false, true] {
                table.arrange(&document, Some(by(field.clone(), descending)), None);
                let mut ordinals: Vec<usize> = table.rows(&document, 0, usize::MAX).iter().map(|row| row.ordinal).collect();
                ordinals.sort_unstable();
                prop_assert_eq!(&ordinals, &unsorted);
            }
        }
    }
}

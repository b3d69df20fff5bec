//! Any array of a document as a table.
//!
//! A row is an element; the members of the elements are columns, those of nested objects too (`device.os.name`). An array
//! of scalars has one column, `value`; an object is shown as rows of its members, with their key. Columns are found in a
//! sample of the rows, spread over the whole array. Rows are read when shown; only sorting and filtering read them all, so
//! those belong off the loop for a large document.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::document::{Child, Document, Kind, Node};
use super::find::Needle;
use super::time;

/// What a column shows of a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// The key, where the rows are members of an object.
    Key,
    /// The row itself, where it is no object.
    Value,
    /// The member at the end of these keys.
    Path(Vec<String>),
}

impl Field {
    /// The column's heading.
    pub fn title(&self) -> String {
        match self {
            Self::Key => "key".to_owned(),
            Self::Value => "value".to_owned(),
            Self::Path(keys) => keys.join("."),
        }
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// What it shows.
    pub field: Field,
    /// In how many rows of the sample it was.
    pub seen: usize,
    /// Not shown now.
    pub hidden: bool,
}

/// A sort order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// By this field.
    pub field: Field,
    /// The greatest first. Rows that lack the field come last either way.
    pub descending: bool,
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableRow {
    /// The element, or the member's value.
    pub node: Node,
    /// Its number in the document.
    pub ordinal: usize,
}

/// Rows looked at for columns: the first ones and as many spread over the rest.
const SAMPLE: usize = 200;
/// More columns than this are not found by themselves.
const COLUMN_LIMIT: usize = 256;
/// More rows than this are not sorted: the keys would outweigh the document.
pub const SORT_LIMIT: usize = 2_000_000;
/// How deep nested objects become columns.
pub const COLUMN_DEPTH: usize = 4;

/// A table over one container.
#[derive(Debug, Clone)]
pub struct Table {
    node: Node,
    count: usize,
    depth: usize,
    columns: Vec<Column>,
    order: Option<Vec<u32>>,
    sort: Option<Sort>,
}

impl Table {
    /// A table over `node`, with nested objects opened into columns down to `depth` (see [`COLUMN_DEPTH`]). `None`: there
    /// is nothing in it to make rows of.
    pub fn new(document: &Document, node: Node, depth: usize) -> Option<Self> {
        let count = document.count(node);
        if count == 0 {
            return None;
        }
        let mut finder = Finder { document, depth, columns: Vec::new(), known: HashSet::new() };
        if document.is_object(node) {
            finder.note(Field::Key, 0);
        }
        for child in document.children(node).take(SAMPLE) {
            finder.row(child.node);
        }
        let step = (count.saturating_sub(SAMPLE) / SAMPLE).max(1);
        for ordinal in (SAMPLE..count).step_by(step) {
            if let Some(child) = document.child_at(node, ordinal) {
                finder.row(child.node);
            }
        }
        Some(Self { node, count, depth, columns: finder.columns, order: None, sort: None })
    }

    /// The nearest container at or around `node` that makes a good table: an array, else the object itself.
    pub fn target(document: &Document, node: Node) -> Option<Node> {
        let trail = document.trail(node);
        let array = trail.iter().rev().find(|step| document.kind(step.node) == Kind::Array && document.count(step.node) > 0);
        array.or_else(|| trail.iter().rev().find(|step| document.count(step.node) > 0)).map(|step| step.node)
    }

    /// Takes up a longer reading of the same bytes: rows and columns that were not there yet are added, and what was hidden stays so.
    pub fn rebase(&mut self, document: &Document) {
        if let Some(mut fresh) = Self::new(document, self.node, self.depth) {
            for column in &mut fresh.columns {
                column.hidden = self.columns.iter().any(|known| known.field == column.field && known.hidden);
            }
            *self = fresh;
        }
    }

    /// Takes over the order of the rows from the same table, sorted elsewhere.
    pub fn take_order(&mut self, sorted: Self) {
        (self.order, self.sort) = (sorted.order, sorted.sort);
    }

    /// The container.
    pub fn node(&self) -> Node {
        self.node
    }

    /// All columns in their order, hidden ones too.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The fields shown, in their order.
    pub fn shown(&self) -> impl Iterator<Item = &Field> {
        self.columns.iter().filter(|column| !column.hidden).map(|column| &column.field)
    }

    /// The sort order.
    pub fn sort(&self) -> Option<&Sort> {
        self.sort.as_ref()
    }

    /// How many rows are left after filtering.
    pub fn len(&self) -> usize {
        self.order.as_ref().map_or(self.count, Vec::len)
    }

    /// The filter left no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many rows there are without a filter.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The rows from `first` on, at most `most`.
    pub fn rows(&self, document: &Document, first: usize, most: usize) -> Vec<TableRow> {
        let numbers = first..self.len().min(first.saturating_add(most));
        let row = |child: Child| TableRow { node: child.node, ordinal: child.ordinal };
        if let Some(order) = &self.order {
            let ordinals = order.get(numbers).unwrap_or_default();
            return ordinals.iter().filter_map(|ordinal| document.child_at(self.node, *ordinal as usize)).map(row).collect();
        }
        document
            .child_at(self.node, first)
            .map(|start| document.children_after(self.node, &start).take(numbers.len()).map(row).collect())
            .unwrap_or_default()
    }

    /// What a row has in a column. `None`: it lacks it. [`Field::Key`] has no value of its own: see [`Table::cell_text`].
    pub fn cell(document: &Document, row: Node, field: &Field) -> Option<Node> {
        match field {
            Field::Key => None,
            Field::Value => (!document.is_object(row)).then_some(row),
            Field::Path(keys) => keys.iter().try_fold(row, |here, key| document.member(here, key)),
        }
    }

    /// The cell as one line of at most `most` characters; empty where the row lacks the column.
    pub fn cell_text(document: &Document, row: Node, field: &Field, most: usize) -> String {
        if *field == Field::Key {
            return document.key(row).map(|key| super::text::head_of(&key, most).0.to_owned()).unwrap_or_default();
        }
        match Self::cell(document, row, field) {
            None => String::new(),
            Some(node) if document.is_container(node) => document.preview(node, most).0,
            Some(node) => document.text_head(node, most).0,
        }
    }

    /// Hides or shows a column.
    pub fn set_hidden(&mut self, column: usize, hidden: bool) {
        if let Some(column) = self.columns.get_mut(column) {
            column.hidden = hidden;
        }
    }

    /// Shows these fields in this order and hides the others. A field not met in the sample becomes a column of its own.
    pub fn choose(&mut self, fields: &[Field]) {
        let mut rest = std::mem::take(&mut self.columns);
        for field in fields {
            let known = rest.iter().position(|column| column.field == *field).map(|at| rest.remove(at));
            let column = known.unwrap_or_else(|| Column { field: field.clone(), seen: 0, hidden: false });
            if !self.columns.iter().any(|chosen| chosen.field == *field) {
                self.columns.push(Column { hidden: false, ..column });
            }
        }
        self.columns.extend(rest.into_iter().map(|column| Column { hidden: true, ..column }));
    }

    /// Moves a column to another place.
    pub fn move_column(&mut self, from: usize, to: usize) {
        if from < self.columns.len() && to < self.columns.len() {
            let column = self.columns.remove(from);
            self.columns.insert(to, column);
        }
    }

    /// Sorts by a field (`None`: the order of the document) and keeps the rows that have `needle` somewhere in them. Reads
    /// every row. `false`: more than [`SORT_LIMIT`] rows, and nothing was changed.
    pub fn arrange(&mut self, document: &Document, sort: Option<Sort>, needle: Option<&Needle>) -> bool {
        self.arrange_within(document, sort, needle, SORT_LIMIT)
    }

    pub(super) fn arrange_within(&mut self, document: &Document, sort: Option<Sort>, needle: Option<&Needle>, most: usize) -> bool {
        let mut order = None;
        if sort.is_some() || needle.is_some() {
            let mut keys: Vec<SortKey> = document
                .children(self.node)
                .filter(|child| needle.is_none_or(|needle| document.has(child.node, needle)))
                .take(most.saturating_add(1))
                .map(|child| SortKey::of(document, child.node, child.ordinal, sort.as_ref().map(|sort| &sort.field)))
                .collect();
            if keys.len() > most {
                return false;
            }
            if let Some(sort) = &sort {
                keys.sort_unstable_by(|a, b| a.order(b, document, sort.descending));
            }
            order = Some(keys.into_iter().map(|key| key.ordinal).collect());
        }
        self.order = order;
        self.sort = sort;
        true
    }
}

struct Finder<'d> {
    document: &'d Document,
    depth: usize,
    columns: Vec<Column>,
    known: HashSet<Field>,
}

impl Finder<'_> {
    fn row(&mut self, row: Node) {
        if self.document.is_object(row) {
            let mut place = self.columns.iter().take_while(|column| column.field == Field::Key).count();
            self.members(row, &mut Vec::new(), &mut place);
        } else {
            let place = self.columns.len();
            self.note(Field::Value, place);
        }
    }

    /// Nesting here is bounded by `depth`.
    fn members(&mut self, object: Node, keys: &mut Vec<String>, place: &mut usize) {
        let document = self.document;
        for child in document.children(object) {
            let Some(key) = document.child_key(&child) else { continue };
            keys.push(key.into_owned());
            if keys.len() < self.depth && document.is_object(child.node) && child.shape(document).count > 0 {
                self.members(child.node, keys, place);
            } else {
                *place = self.note(Field::Path(keys.clone()), *place);
            }
            keys.pop();
        }
    }

    /// Counts a column, new ones at `place`. Gives the place behind it.
    fn note(&mut self, field: Field, place: usize) -> usize {
        if self.known.contains(&field) {
            let at = self.columns.iter().position(|column| column.field == field).unwrap_or(place);
            if let Some(column) = self.columns.get_mut(at) {
                column.seen += 1;
            }
            return at + 1;
        }
        if self.columns.len() >= COLUMN_LIMIT {
            return place;
        }
        self.known.insert(field.clone());
        self.columns.insert(place.min(self.columns.len()), Column { field, seen: 1, hidden: false });
        place + 1
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Number,
    Time,
    Text,
    Bool,
    Container,
    Missing,
}

/// What a row is sorted by: small, so that a million of them fit; texts are compared where they lie.
#[derive(Debug, Clone, Copy)]
struct SortKey {
    rank: Rank,
    size: f64,
    node: Node,
    ordinal: u32,
}

impl SortKey {
    fn of(document: &Document, row: Node, ordinal: usize, field: Option<&Field>) -> Self {
        let ordinal = super::index::offset(ordinal);
        let missing = Self { rank: Rank::Missing, size: 0.0, node: row, ordinal };
        match field {
            None => missing,
            Some(Field::Key) => Self { rank: Rank::Text, ..missing },
            Some(field) => match Table::cell(document, row, field) {
                None => missing,
                Some(node) => Self { node, ..missing }.ranked(document),
            },
        }
    }

    fn ranked(self, document: &Document) -> Self {
        let node = self.node;
        let (rank, size) = match document.kind(node) {
            Kind::Null => (Rank::Missing, 0.0),
            Kind::Number => (Rank::Number, document.as_f64(node).unwrap_or(0.0)),
            Kind::Bool => (Rank::Bool, f64::from(u8::from(document.raw(node) == b"true"))),
            Kind::String => match time::from_text(&document.text_head(node, 40).0) {
                #[expect(clippy::cast_precision_loss, reason = "2^53 microseconds reach to the year 2255")]
                Some(moment) => (Rank::Time, moment.0 as f64),
                None => (Rank::Text, 0.0),
            },
            Kind::Array | Kind::Object => (Rank::Container, f64::from(document.shape(node).count)),
        };
        Self { rank, size, ..self }
    }

    fn order(&self, other: &Self, document: &Document, descending: bool) -> Ordering {
        let missing = (self.rank == Rank::Missing).cmp(&(other.rank == Rank::Missing));
        let by_value = || {
            let order = self.rank.cmp(&other.rank).then(self.size.total_cmp(&other.size)).then_with(|| match self.rank {
                Rank::Text | Rank::Time => text_order(document, self.node, other.node),
                Rank::Number => number_order(document, self.node, other.node),
                _ => Ordering::Equal,
            });
            if descending { order.reverse() } else { order }
        };
        missing.then_with(by_value).then(self.ordinal.cmp(&other.ordinal))
    }
}

fn sort_text(document: &Document, node: Node) -> std::borrow::Cow<'_, str> {
    // A key was asked for where the row is no string.
    document.as_str(node).or_else(|| document.key(node)).unwrap_or_default()
}

fn text_order(document: &Document, a: Node, b: Node) -> Ordering {
    let (a, b) = (sort_text(document, a), sort_text(document, b));
    let folded = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
    if a.is_ascii() && b.is_ascii() {
        let plain = a.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(b.bytes().map(|byte| byte.to_ascii_lowercase()));
        return plain.then_with(|| a.cmp(&b));
    }
    folded(&a).cmp(&folded(&b)).then_with(|| a.cmp(&b))
}

/// Whole numbers too near each other for `f64`, such as ids.
fn number_order(document: &Document, a: Node, b: Node) -> Ordering {
    match (document.text(a).parse::<i128>(), document.text(b).parse::<i128>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => Ordering::Equal,
    }
}

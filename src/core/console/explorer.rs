//! A JSON document on show: its tree, its pretty text and its tables, and what was searched for in it.

use serde_json::Value;

use super::work::{AT_ONCE, Claim, Job, Ticket, Work};
use crate::core::json::path::{self, Part};
use crate::core::json::{Document, Field, Find, Kind, Needle, Node, Sort, Table, Tree};

/// Children of the root that are unfolded by themselves; more would be a screen that says little.
const FEW: usize = 200;

/// Which face of a document is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Face {
    /// Foldable.
    #[default]
    Tree,
    /// A list as rows and columns.
    Table,
    /// Pretty-printed text.
    Raw,
}

/// A table under the cursor.
#[derive(Clone, Debug)]
pub struct Grid {
    /// The table.
    pub table: Table,
    /// Selected row.
    pub row: usize,
    /// Selected column, among those shown.
    pub column: usize,
    /// First row on the screen.
    pub first: usize,
}

/// Something that is done to a large document off the loop.
#[derive(Clone, Debug)]
pub struct Pending {
    claim: Claim,
    face: Face,
    /// What is going on.
    pub doing: &'static str,
    /// How far it is.
    pub percent: usize,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What was searched for.
    pub text: String,
    /// In how many values it is.
    pub count: usize,
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    /// It is done; with what was found, where it was a search that somebody asked for.
    Done(Option<Found>),
    /// The document is large: this is for the world to do.
    Away(Box<Work>),
}

/// A document on show.
#[derive(Clone, Debug)]
pub struct Explorer {
    /// The document.
    pub document: Document,
    /// Folds and selection of the tree.
    pub tree: Tree,
    /// Selection of the pretty text.
    pub raw: Tree,
    /// The table, once asked for.
    pub grid: Option<Grid>,
    /// What was searched for.
    pub find: Option<Find>,
    /// What is being done to it off the loop.
    pub pending: Option<Pending>,
    /// First row of the tree or text on the screen.
    pub first: usize,
    /// Whether its members are values of another document, named by their paths in that.
    pub by_path: bool,
}

impl Face {
    /// Every face with its title.
    pub const ALL: [(&'static str, Self); 3] = [("Tree", Self::Tree), ("Table", Self::Table), ("Raw", Self::Raw)];
}

impl Explorer {
    /// A document, two levels unfolded where that is little.
    pub fn new(document: Document) -> Self {
        let mut tree = Tree::new(&document);
        // Of a list that is still coming nobody knows how long it will be.
        let growing = |root: Node| document.kind(root) == Kind::Array && !document.is_whole() && document.fault().is_none();
        if document.root().is_some_and(|root| document.count(root) <= FEW && !growing(root)) {
            tree.to_depth(&document, 2);
        }
        let raw = Tree::raw(&document);
        Self { document, tree, raw, grid: None, find: None, pending: None, first: 0, by_path: false }
    }

    /// Takes up a longer reading of the same document: folds, cursor and table stay, and what was searched for is searched for again.
    pub fn go_on(&mut self, document: Document) -> Begun {
        if document.is_sequence() != self.document.is_sequence() || self.document.root().is_none() {
            *self = Self::new(document);
            return Begun::Done(None);
        }
        self.document = document;
        self.tree.rebase(&self.document);
        self.raw.rebase(&self.document);
        if let Some(grid) = &mut self.grid {
            grid.table.rebase(&self.document);
        }
        match self.find.take() {
            Some(find) => self.begin(Face::Tree, Job::Find { find: Find::new(&self.document, find.needle().clone()), go: false }),
            None => Begun::Done(None),
        }
    }

    /// Begins a job: a small document is worked on at once. What was under way before is given up.
    fn begin(&mut self, face: Face, job: Job) -> Begun {
        let pending = Pending { claim: Claim::default(), face, doing: job.doing(), percent: 0 };
        let mut work = Work { ticket: pending.claim.ticket(), document: self.document.clone(), job };
        if self.document.bytes().len() > AT_ONCE {
            self.pending = Some(pending);
            return Begun::Away(Box::new(work));
        }
        self.pending = None;
        while work.step().is_some() {}
        Begun::Done(self.take_up(face, work.job))
    }

    /// Whether it waits for that work.
    pub fn waits_for(&self, ticket: &Ticket) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.claim.is_for(ticket))
    }

    /// Takes up what was waited for; says what was found, where it was a search that somebody asked for.
    pub fn finish(&mut self, work: Work) -> Option<Found> {
        let pending = self.pending.take()?;
        self.take_up(pending.face, work.job)
    }

    fn take_up(&mut self, face: Face, job: Job) -> Option<Found> {
        match job {
            Job::Find { find, go } => {
                let found = Found { text: find.needle().text().to_owned(), count: find.total() };
                self.find = (!found.text.is_empty()).then_some(find);
                if go && found.count > 0 {
                    self.next_hit(face, true);
                }
                return (go && self.find.is_some()).then_some(found);
            }
            Job::Arrange(table, _) => {
                if let Some(grid) = self.grid.as_mut().filter(|grid| grid.table.node() == table.node()) {
                    grid.table.take_order(*table);
                }
            }
            Job::Unfold(mut tree, _) => {
                tree.select(&self.document, self.tree.selected());
                self.tree = tree;
            }
        }
        None
    }

    /// Shows so many levels of the tree.
    pub fn unfold(&mut self, levels: usize) -> Begun {
        self.begin(Face::Tree, Job::Unfold(self.tree.clone(), levels))
    }

    fn tree_mut(&mut self, face: Face) -> &mut Tree {
        if face == Face::Raw { &mut self.raw } else { &mut self.tree }
    }

    /// The value under the cursor.
    pub fn selected(&self, face: Face) -> Option<Node> {
        self.document.root()?;
        Some(match face {
            Face::Tree => self.tree.selected(),
            Face::Raw => self.raw.selected(),
            Face::Table => {
                let grid = self.grid.as_ref()?;
                let row = grid.table.rows(&self.document, grid.row, 1).first()?.node;
                grid.table.shown().nth(grid.column).and_then(|field| Table::cell(&self.document, row, field)).unwrap_or(row)
            }
        })
    }

    /// Moves the cursor.
    pub fn move_by(&mut self, face: Face, rows: isize) {
        if let (Face::Table, Some(grid)) = (face, &mut self.grid) {
            grid.row = grid.row.saturating_add_signed(rows).min(grid.table.len().saturating_sub(1));
        } else if face != Face::Table && self.document.root().is_some() {
            let document = self.document.clone();
            self.tree_mut(face).move_by(&document, rows);
        }
    }

    /// Unfolds, or goes a column on.
    pub fn expand(&mut self, face: Face) {
        match (face, &mut self.grid) {
            (Face::Table, Some(grid)) => grid.column = (grid.column + 1).min(grid.table.shown().count().saturating_sub(1)),
            (Face::Tree, _) => self.tree.enter(&self.document),
            _ => {}
        }
    }

    /// Folds, or goes a column back.
    pub fn collapse(&mut self, face: Face) {
        match (face, &mut self.grid) {
            (Face::Table, Some(grid)) => grid.column = grid.column.saturating_sub(1),
            (Face::Tree, _) => self.tree.leave(&self.document),
            _ => {}
        }
    }

    /// Makes the table that is nearest to the tree's cursor, unless it is shown already. At the root, the first list of the document is
    /// taken.
    pub fn show_table(&mut self) {
        let Some(root) = self.document.root() else { return };
        let at = self.tree.selected();
        let near = Table::target(&self.document, at);
        let listed = |node: &Node| self.document.kind(*node) == Kind::Array && self.document.count(*node) > 0;
        let target = near.filter(listed).or_else(|| self.first_list(root)).or(near).unwrap_or(root);
        if self.grid.as_ref().is_some_and(|grid| grid.table.node() == target) {
            return;
        }
        self.grid = Table::new(&self.document, target, 2).map(|table| Grid { table, row: 0, column: 0, first: 0 });
    }

    /// The first list, the outermost first; looked for among the first values only.
    fn first_list(&self, root: Node) -> Option<Node> {
        let mut waiting = std::collections::VecDeque::from([root]);
        for _ in 0..500 {
            let node = waiting.pop_front()?;
            if self.document.kind(node) == Kind::Array && self.document.count(node) > 0 {
                return Some(node);
            }
            waiting.extend(
                self.document.children(node).take(50).map(|child| child.node).filter(|node| self.document.kind(*node).is_container()),
            );
        }
        None
    }

    /// Sorts the table by the selected column, the other way round the second time.
    pub fn sort_column(&mut self) -> Begun {
        let Some(grid) = &self.grid else { return Begun::Done(None) };
        let Some(field) = grid.table.shown().nth(grid.column).cloned() else { return Begun::Done(None) };
        let descending = grid.table.sort().is_some_and(|sort| sort.field == field && !sort.descending);
        let table = Box::new(grid.table.clone());
        self.begin(Face::Table, Job::Arrange(table, Sort { field, descending }))
    }

    /// Hides the selected column.
    pub fn hide_column(&mut self) {
        let Some(grid) = &mut self.grid else { return };
        let place = grid.table.columns().iter().enumerate().filter(|(_, column)| !column.hidden).nth(grid.column).map(|(at, _)| at);
        if let Some(at) = place {
            grid.table.set_hidden(at, true);
            grid.column = grid.column.min(grid.table.shown().count().saturating_sub(1));
        }
    }

    /// Shows all columns.
    pub fn show_columns(&mut self) {
        if let Some(grid) = &mut self.grid {
            for at in 0..grid.table.columns().len() {
                grid.table.set_hidden(at, false);
            }
        }
    }

    /// Shows these columns in this order.
    pub fn choose_columns(&mut self, fields: &[Field]) {
        if let Some(grid) = &mut self.grid {
            grid.table.choose(fields);
            grid.column = grid.column.min(grid.table.shown().count().saturating_sub(1));
        }
    }

    /// Path and value of the part that the cursor is on: the row of a table, the nearest object or list of a tree. None at the top, which
    /// is the whole.
    pub fn part(&self, face: Face) -> Option<(String, Value)> {
        let document = &self.document;
        let selected = if face == Face::Table { self.selected_row_node() } else { None };
        let selected = selected.or_else(|| self.selected(face))?;
        let node = if document.kind(selected).is_container() { selected } else { document.parent(selected)? };
        let said = serde_json::from_str(&document.compact(node)).ok()?;
        (Some(node) != document.root()).then(|| (document.path(node), said))
    }

    /// The selected row of the table.
    pub fn selected_row_node(&self) -> Option<Node> {
        let grid = self.grid.as_ref()?;
        grid.table.rows(&self.document, grid.row, 1).first().map(|row| row.node)
    }

    /// The first row on the screen, and the selected one.
    pub fn place(&self, face: Face) -> Option<(usize, usize)> {
        match (face, &self.grid) {
            (Face::Table, grid) => grid.as_ref().map(|grid| (grid.first, grid.row)),
            (Face::Tree, _) => Some((self.first, self.tree.selected_row(&self.document))),
            (Face::Raw, _) => Some((self.first, self.raw.selected_row(&self.document))),
        }
    }

    /// Searches; goes to the first hit from the cursor on.
    pub fn search(&mut self, face: Face, text: &str) -> Begun {
        self.begin(face, Job::Find { find: Find::new(&self.document, Needle::new(text)), go: true })
    }

    /// Goes to the next or previous hit; says its number and how many there are.
    pub fn next_hit(&mut self, face: Face, forward: bool) -> Option<(usize, usize)> {
        let find = self.find.as_ref()?;
        let here = if face == Face::Raw { self.raw.selected() } else { self.tree.selected() };
        let (number, hit) = if forward { find.next_after(here) } else { find.previous_before(here) }?;
        let total = find.total();
        let document = self.document.clone();
        self.tree_mut(face).reveal(&document, hit.node);
        Some((number + 1, total))
    }

    /// Scrolls so that the cursor can be seen on so many rows.
    pub fn follow(&mut self, face: Face, height: usize) {
        let height = height.max(1);
        let fit = |first: usize, at: usize| first.min(at).max((at + 1).saturating_sub(height));
        match (face, &mut self.grid) {
            (Face::Table, Some(grid)) => grid.first = fit(grid.first, grid.row),
            (Face::Table, None) => {}
            _ => {
                let tree = if face == Face::Raw { &self.raw } else { &self.tree };
                self.first = fit(self.first, tree.selected_row(&self.document));
            }
        }
    }

    /// The value under the cursor as text to copy.
    pub fn value_text(&self, face: Face) -> Option<String> {
        self.selected(face).map(|node| {
            if self.document.kind(node).is_container() { self.document.compact(node) } else { self.document.text(node).into_owned() }
        })
    }

    /// The path of the value under the cursor.
    pub fn path_text(&self, face: Face) -> Option<String> {
        let parts = self.document.parts(self.selected(face)?);
        Some(match parts.split_first() {
            Some((Part::Key(path), rest)) if self.by_path => format!("{path}{}", path::write(rest).trim_start_matches('$')),
            _ => path::write(&parts),
        })
    }

    /// The value under the cursor as JSON.
    pub fn json_text(&self, face: Face) -> Option<String> {
        self.selected(face).map(|node| self.document.compact(node))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn folds_searches_and_shows_a_list_as_a_table() {
        let text = br#"{"a":{"b":{"c":"needle"}},"items":[{"n":2,"s":"x"},{"n":1,"s":"y"}]}"#.to_vec();
        let mut explorer = Explorer::new(Document::parse(text));
        assert_eq!(explorer.search(Face::Tree, "needle"), Begun::Done(Some(Found { text: "needle".into(), count: 1 })));
        assert_eq!(explorer.path_text(Face::Tree).as_deref(), Some("$.a.b.c"));
        explorer.tree = Tree::new(&explorer.document);
        explorer.show_table();
        let grid = explorer.grid.as_ref().unwrap();
        assert_eq!((grid.table.len(), grid.table.shown().count()), (2, 2));
        assert_eq!(explorer.sort_column(), Begun::Done(None));
        assert_eq!(explorer.value_text(Face::Table).as_deref(), Some("1"));
        explorer.expand(Face::Table);
        assert_eq!(explorer.value_text(Face::Table).as_deref(), Some("y"));
    }

    #[test]
    fn the_part_under_the_cursor_is_the_row_or_the_nearest_object() {
        let text = json!({"devices": [{"uuid": "d-1"}, {"uuid": "d-2"}]}).to_string();
        let mut explorer = Explorer::new(Document::parse(text.into_bytes()));
        assert_eq!(explorer.part(Face::Tree), None, "the top is the whole");
        explorer.tree.open_all(&explorer.document.clone());
        explorer.move_by(Face::Tree, 3);
        assert_eq!(explorer.part(Face::Tree), Some(("$.devices[0]".into(), json!({"uuid": "d-1"}))));
        explorer.show_table();
        explorer.move_by(Face::Table, 1);
        assert_eq!(explorer.part(Face::Table), Some(("$.devices[1]".into(), json!({"uuid": "d-2"}))));
    }

    /// A list of records, larger than what is worked on at once.
    fn large() -> Vec<u8> {
        let record = |n: usize| format!(r#"{{"n":{n},"name":"record {n}","in":{{"text":"{}"}}}}"#, "x".repeat(200));
        let records: Vec<String> = (0..6000).rev().map(record).collect();
        format!(r#"{{"meta":{{"a":1}},"records":[{}]}}"#, records.join(",")).into_bytes()
    }

    fn done(explorer: &mut Explorer, begun: Begun) -> Option<usize> {
        let Begun::Away(mut work) = begun else { panic!("{begun:?}") };
        assert!(explorer.waits_for(&work.ticket));
        while work.step().is_some() {}
        explorer.finish(*work).map(|found| found.count)
    }

    #[test]
    fn a_large_document_is_searched_sorted_and_unfolded_by_the_world() {
        let mut explorer = Explorer::new(Document::parse(large()));
        let begun = explorer.search(Face::Tree, "record 17");
        assert_eq!(explorer.find.as_ref().map(Find::total), None, "nothing is searched here");
        assert_eq!(done(&mut explorer, begun), Some(111));
        assert_eq!(explorer.path_text(Face::Tree).as_deref(), Some("$.records[4200].name"));
        explorer.show_table();
        let begun = explorer.sort_column();
        done(&mut explorer, begun);
        assert_eq!(explorer.value_text(Face::Table).as_deref(), Some("0"));
        let begun = explorer.unfold(3);
        done(&mut explorer, begun);
        assert_eq!(explorer.path_text(Face::Tree).as_deref(), Some("$.records[4200].name"), "the cursor stays");
        assert_eq!(explorer.tree.len(&explorer.document), 1 + 2 + 1 + 6000 * 4);
    }

    #[test]
    fn a_head_becomes_the_whole_with_its_folds_cursor_table_and_search() {
        let bytes = large();
        let mut explorer = Explorer::new(Document::head_of(&bytes[..40_000]));
        assert_eq!(explorer.document.trouble(), None);
        explorer.search(Face::Tree, "record 5990");
        explorer.tree.toggle(&explorer.document.clone());
        explorer.show_table();
        explorer.hide_column();
        let path = explorer.path_text(Face::Tree);
        let begun = explorer.go_on(Document::parse(bytes));
        assert_eq!(done(&mut explorer, begun), None, "nobody asked for this search, so nothing is told");
        assert_eq!(explorer.path_text(Face::Tree), path);
        let grid = explorer.grid.as_ref().unwrap();
        let shown: Vec<String> = grid.table.shown().map(crate::core::json::Field::title).collect();
        assert_eq!((grid.table.len(), shown), (6000, vec!["name".to_owned(), "in.text".to_owned()]));
        assert_eq!(explorer.find.as_ref().map(Find::total), Some(1));
        assert!(explorer.document.is_whole());
    }
}

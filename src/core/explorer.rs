//! A JSON document on show: its tree, its pretty text and its tables, and what was searched for in it.

use super::json::path::{self, Part};
use super::json::{Document, Field, Find, Needle, Node, Sort, Table, Tree};

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
    /// A document, two levels unfolded.
    pub fn new(document: Document) -> Self {
        let mut tree = Tree::new(&document);
        tree.to_depth(&document, 2);
        let raw = Tree::raw(&document);
        Self { document, tree, raw, grid: None, find: None, first: 0, by_path: false }
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
        let listed = |node: &Node| self.document.kind(*node) == super::json::Kind::Array && self.document.count(*node) > 0;
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
            if self.document.kind(node) == super::json::Kind::Array && self.document.count(node) > 0 {
                return Some(node);
            }
            waiting.extend(
                self.document.children(node).take(50).map(|child| child.node).filter(|node| self.document.kind(*node).is_container()),
            );
        }
        None
    }

    /// Sorts the table by the selected column, the other way round the second time.
    pub fn sort_column(&mut self) {
        let Some(grid) = &mut self.grid else { return };
        let Some(field) = grid.table.shown().nth(grid.column).cloned() else { return };
        let descending = grid.table.sort().is_some_and(|sort| sort.field == field && !sort.descending);
        grid.table.arrange(&self.document, Some(Sort { field, descending }), None);
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

    /// Searches; goes to the first hit from the cursor on. Says how many there are.
    pub fn search(&mut self, face: Face, text: &str) -> usize {
        let find = Find::new(&self.document, Needle::new(text)).finish();
        let total = find.total();
        self.find = (!text.is_empty()).then_some(find);
        if total > 0 {
            self.next_hit(face, true);
        }
        total
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

    /// The whole document, pretty-printed as far as that is cheap.
    pub fn whole_text(&self) -> String {
        let Some(root) = self.document.root() else { return String::from_utf8_lossy(self.document.bytes()).into_owned() };
        self.document.pretty(root, 64 * 1024 * 1024).unwrap_or_else(|| String::from_utf8_lossy(self.document.bytes()).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_searches_and_shows_a_list_as_a_table() {
        let text = br#"{"a":{"b":{"c":"needle"}},"items":[{"n":2,"s":"x"},{"n":1,"s":"y"}]}"#.to_vec();
        let mut explorer = Explorer::new(Document::parse(text));
        assert_eq!(explorer.search(Face::Tree, "needle"), 1);
        assert_eq!(explorer.path_text(Face::Tree).as_deref(), Some("$.a.b.c"));
        explorer.tree = Tree::new(&explorer.document);
        explorer.show_table();
        let grid = explorer.grid.as_ref().unwrap();
        assert_eq!((grid.table.len(), grid.table.shown().count()), (2, 2));
        explorer.sort_column();
        assert_eq!(explorer.value_text(Face::Table).as_deref(), Some("1"));
        explorer.expand(Face::Table);
        assert_eq!(explorer.value_text(Face::Table).as_deref(), Some("y"));
    }
}

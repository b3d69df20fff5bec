//! What a person sees of a document: which containers are open, and which value stands on row 200,000.
//!
//! Nothing is listed. A tree keeps one mark for every container whose state differs from that of its surroundings, and
//! with each mark how many rows it adds or takes away. The row of a value, and the value of a row, follow from the counts
//! in the index, the milestones and the running sum of the marks, whatever the size of the document.
//!
//! With `closing` on, an open container also has a row for its closing bracket: that is the pretty-printed text of the
//! document, line by line ([`Tree::raw`]).

use super::document::{Child, Children, Document, Node};
use super::scan::Shape;

/// How a container is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// One row.
    Shut,
    /// Its children too, they themselves shut unless marked.
    Open,
    /// Everything in it, down to the last value, unless marked.
    Deep,
}

/// What a row shows of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Face {
    /// The value, or the opening of a container.
    Value,
    /// The closing bracket of an open container.
    Close,
}

/// One visible row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The value.
    pub node: Node,
    /// Which part of it.
    pub face: Face,
    /// Nesting; the root has 0.
    pub depth: usize,
    /// Its number in its container.
    pub ordinal: usize,
    /// Whether it is a container that shows its children.
    pub open: bool,
    /// Whether it is the last child of its container (no comma follows).
    pub last: bool,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    at: u32,
    end: u32,
    count: u32,
    below: u32,
    closers: u32,
    fold: Fold,
}

impl Mark {
    fn new(node: Node, shape: Shape, fold: Fold) -> Self {
        Self { at: node.0, end: super::index::offset(shape.end), count: shape.count, below: shape.below, closers: shape.closers, fold }
    }

    fn rows(&self, fold: Fold, closing: bool) -> i64 {
        rows_of(fold, self.count, self.below, self.closers, closing)
    }
}

fn rows_of(fold: Fold, count: u32, below: u32, closers: u32, closing: bool) -> i64 {
    match fold {
        _ if count == 0 => 0,
        Fold::Shut => 0,
        Fold::Open => i64::from(count) + i64::from(closing),
        Fold::Deep => i64::from(below) + if closing { i64::from(closers) } else { 0 },
    }
}

/// Most marks that [`Tree::to_depth`] sets.
pub const MARK_LIMIT: usize = 1_000_000;

/// Folds and selection over one document. Every method that takes the document must be given the one it was made for, or
/// a longer reading of the same bytes after [`Tree::rebase`].
#[derive(Debug, Clone)]
pub struct Tree {
    marks: Vec<Mark>,
    /// `sums[i]`: rows that the first `i` marks add.
    sums: Vec<i64>,
    closing: bool,
    selected: Node,
    face: Face,
}

impl Tree {
    /// The root open, everything else shut.
    pub fn new(document: &Document) -> Self {
        Self::with(document, false, Fold::Open)
    }

    /// Everything open, closing brackets on rows of their own: the pretty-printed text.
    pub fn raw(document: &Document) -> Self {
        Self::with(document, true, Fold::Deep)
    }

    fn with(document: &Document, closing: bool, fold: Fold) -> Self {
        let selected = document.root().unwrap_or(Node(0));
        let mut tree = Self { marks: Vec::new(), sums: vec![0], closing, selected, face: Face::Value };
        tree.set(document, selected, fold);
        tree
    }

    /// Takes up a longer reading of the same bytes: folds and selection stay.
    pub fn rebase(&mut self, document: &Document) {
        for mark in &mut self.marks {
            *mark = Mark::new(Node(mark.at), document.shape(Node(mark.at)), mark.fold);
        }
        if self.marks.is_empty()
            && let Some(root) = document.root()
        {
            self.selected = root;
            self.marks.push(Mark::new(root, document.shape(root), if self.closing { Fold::Deep } else { Fold::Open }));
        }
        self.weigh();
    }

    /// The selected value.
    pub fn selected(&self) -> Node {
        self.selected
    }

    /// Which of its rows is selected.
    pub fn face(&self) -> Face {
        self.face
    }

    /// How many rows there are.
    pub fn len(&self, document: &Document) -> usize {
        if document.root().is_none() {
            return 0;
        }
        clamp(1 + self.sums.last().copied().unwrap_or(0))
    }

    /// No row at all: there is no document.
    pub fn is_empty(&self, document: &Document) -> bool {
        document.root().is_none()
    }

    /// The rows from `first` on, at most `most` of them.
    pub fn rows(&self, document: &Document, first: usize, most: usize) -> Vec<Row> {
        let mut rows = Vec::with_capacity(most.min(1024));
        let Some((row, mut levels)) = self.locate(document, first) else { return rows };
        if most == 0 {
            return rows;
        }
        rows.push(row);
        let mut last = row;
        while rows.len() < most {
            match self.step(document, last, &mut levels) {
                Some(row) => {
                    rows.push(row);
                    last = row;
                }
                None => break,
            }
        }
        rows
    }

    /// What stands on a row.
    pub fn row(&self, document: &Document, row: usize) -> Option<Row> {
        self.locate(document, row).map(|(row, _)| row)
    }

    /// The row of a value, or of the shut container that hides it.
    pub fn row_of(&self, document: &Document, node: Node, face: Face) -> usize {
        let trail = document.trail(node);
        let mut row = 0;
        let mut inherited = Fold::Shut;
        for (step, next) in trail.iter().zip(trail.iter().skip(1)) {
            let fold = self.fold_under(step.node, inherited);
            if fold == Fold::Shut {
                return clamp(row);
            }
            row += 1 + self.rows_before(document, step.node, fold, next.node);
            inherited = below_of(fold);
        }
        if face == Face::Close && trail.last().is_some_and(|step| step.node == node) {
            let shape = document.shape(node);
            let fold = self.fold_under(node, inherited);
            if self.closing && fold != Fold::Shut && shape.count > 0 {
                row += self.rows_inside(node, shape, fold);
            }
        }
        clamp(row)
    }

    /// The row of the selection.
    pub fn selected_row(&self, document: &Document) -> usize {
        self.row_of(document, self.selected, self.face)
    }

    /// How a container is shown now.
    pub fn fold(&self, document: &Document, node: Node) -> Fold {
        let trail = document.trail(node);
        let mut inherited = Fold::Shut;
        let mut fold = Fold::Shut;
        for step in &trail {
            fold = self.fold_under(step.node, inherited);
            inherited = below_of(fold);
        }
        fold
    }

    // Selection.

    /// Selects what stands on a row (the last row, beyond the end).
    pub fn select_row(&mut self, document: &Document, row: usize) {
        let last = self.len(document).saturating_sub(1);
        if let Some(row) = self.row(document, row.min(last)) {
            self.selected = row.node;
            self.face = row.face;
        }
    }

    /// Selects a value, or the shut container that hides it.
    pub fn select(&mut self, document: &Document, node: Node) {
        (self.selected, self.face) = (node, Face::Value);
        self.climb_to_visible(document);
    }

    /// Moves the selection by rows.
    pub fn move_by(&mut self, document: &Document, rows: isize) {
        let row = self.selected_row(document).saturating_add_signed(rows);
        self.select_row(document, row);
    }

    /// Selects a value and opens what hides it.
    pub fn reveal(&mut self, document: &Document, node: Node) {
        let trail = document.trail(node);
        let mut inherited = Fold::Shut;
        let mut missing = Vec::new();
        for step in trail.iter().take(trail.len().saturating_sub(1)) {
            let fold = self.fold_under(step.node, inherited);
            if fold == Fold::Shut {
                missing.push(step.node);
            }
            inherited = if fold == Fold::Shut { Fold::Shut } else { below_of(fold) };
        }
        for container in missing {
            self.place(Mark::new(container, document.shape(container), Fold::Open));
        }
        self.weigh();
        if !trail.is_empty() {
            self.selected = node;
            self.face = Face::Value;
        }
    }

    /// Selects the container of the selection.
    pub fn select_parent(&mut self, document: &Document) {
        if let Some(parent) = document.parent(self.selected) {
            self.selected = parent;
        }
        self.face = Face::Value;
    }

    /// Selects the next or previous child of the same container.
    pub fn select_sibling(&mut self, document: &Document, forward: bool) {
        let trail = document.trail(self.selected);
        let (Some(step), Some(parent)) = (trail.last(), trail.len().checked_sub(2).and_then(|at| trail.get(at))) else { return };
        let ordinal = if forward { Some(step.ordinal + 1) } else { step.ordinal.checked_sub(1) };
        if let Some(child) = ordinal.and_then(|ordinal| document.child_at(parent.node, ordinal)) {
            self.selected = child.node;
            self.face = Face::Value;
        }
    }

    // Folding.

    /// Shows a container in another way. What was marked inside it is kept for when it opens again, except that
    /// [`Fold::Deep`] forgets it.
    pub fn set(&mut self, document: &Document, node: Node, fold: Fold) {
        let shape = document.shape(node);
        if shape.count == 0 {
            return;
        }
        if fold == Fold::Deep {
            let (from, to) = self.inside(node.0, super::index::offset(shape.end));
            self.marks.drain(from..to);
        }
        self.place(Mark::new(node, shape, fold));
        self.weigh();
        self.climb_to_visible(document);
    }

    /// Opens or shuts the selected container.
    pub fn toggle(&mut self, document: &Document) {
        let node = self.selected;
        let fold = if self.fold(document, node) == Fold::Shut { Fold::Open } else { Fold::Shut };
        self.set(document, node, fold);
    }

    /// Opens the selected container; if it is open, goes to its first child.
    pub fn enter(&mut self, document: &Document) {
        if self.fold(document, self.selected) == Fold::Shut {
            self.set(document, self.selected, Fold::Open);
        } else if let Some(child) = document.children(self.selected).next() {
            self.selected = child.node;
            self.face = Face::Value;
        }
    }

    /// Shuts the selected container; if there is none to shut, goes to the one around it.
    pub fn leave(&mut self, document: &Document) {
        if document.count(self.selected) > 0 && self.fold(document, self.selected) != Fold::Shut {
            self.set(document, self.selected, Fold::Shut);
        } else {
            self.select_parent(document);
        }
    }

    /// Shuts everything but the root.
    pub fn shut_all(&mut self, document: &Document) {
        self.restart(document, Fold::Open);
    }

    /// Opens everything.
    pub fn open_all(&mut self, document: &Document) {
        self.restart(document, Fold::Deep);
    }

    /// Opens the containers of the first `depth` levels (0 shuts the root) and shuts the others. Reads what it opens, so
    /// for a large document run it off the loop. `false`: it stopped at [`MARK_LIMIT`] containers.
    pub fn to_depth(&mut self, document: &Document, depth: usize) -> bool {
        self.restart(document, if depth == 0 { Fold::Shut } else { Fold::Open });
        let Some(root) = document.root().filter(|_| depth > 1) else { return true };
        let mut fresh = Vec::new();
        let mut levels = vec![document.children(root)];
        while let Some(level) = levels.last_mut() {
            let Some(child) = level.next() else {
                levels.pop();
                continue;
            };
            let shape = child.shape(document);
            if shape.count == 0 {
                continue;
            }
            if self.marks.len() + fresh.len() >= MARK_LIMIT {
                break;
            }
            fresh.push(Mark::new(child.node, shape, Fold::Open));
            if levels.len() + 1 < depth {
                levels.push(document.children(child.node));
            }
        }
        self.marks.append(&mut fresh);
        self.weigh();
        self.climb_to_visible(document);
        self.marks.len() < MARK_LIMIT
    }

    fn restart(&mut self, document: &Document, fold: Fold) {
        self.marks.clear();
        if let Some(root) = document.root() {
            self.marks.push(Mark::new(root, document.shape(root), fold));
        }
        self.weigh();
        self.climb_to_visible(document);
    }

    /// A selection inside something shut moves to what hides it.
    fn climb_to_visible(&mut self, document: &Document) {
        let row = self.selected_row(document);
        if let Some(row) = self.row(document, row) {
            (self.selected, self.face) = (row.node, row.face);
        }
    }

    fn place(&mut self, mark: Mark) {
        match self.marks.binary_search_by_key(&mark.at, |known| known.at) {
            Ok(at) => {
                if let Some(known) = self.marks.get_mut(at) {
                    *known = mark;
                }
            }
            Err(at) => self.marks.insert(at, mark),
        }
    }

    /// Sums up what each mark adds to what its surroundings already show.
    fn weigh(&mut self) {
        self.sums.clear();
        self.sums.reserve_exact(self.marks.len() + 1);
        self.sums.push(0);
        let mut total = 0;
        // Of the marks around: where each ends, how it shows its children, and whether it is hidden.
        let mut around: Vec<(u32, Fold, bool)> = Vec::new();
        for mark in &self.marks {
            while around.last().is_some_and(|(end, ..)| *end <= mark.at) {
                around.pop();
            }
            let (inherited, hidden) = around.last().map_or((Fold::Shut, false), |(_, fold, hidden)| (*fold, *hidden));
            if !hidden {
                total += mark.rows(mark.fold, self.closing) - mark.rows(inherited, self.closing);
            }
            around.push((mark.end, below_of(mark.fold), hidden || mark.fold == Fold::Shut));
            self.sums.push(total);
        }
    }

    /// The marks strictly inside a span.
    fn inside(&self, start: u32, end: u32) -> (usize, usize) {
        let from = self.marks.partition_point(|mark| mark.at <= start);
        (from, self.marks.partition_point(|mark| mark.at < end).max(from))
    }

    fn weight(&self, from: usize, to: usize) -> i64 {
        self.sums.get(to).copied().unwrap_or(0) - self.sums.get(from).copied().unwrap_or(0)
    }

    fn weight_from(&self, start: u32, end: u32) -> i64 {
        let from = self.marks.partition_point(|mark| mark.at < start);
        let to = self.marks.partition_point(|mark| mark.at < end).max(from);
        self.weight(from, to)
    }

    fn fold_under(&self, node: Node, inherited: Fold) -> Fold {
        self.marks.binary_search_by_key(&node.0, |mark| mark.at).ok().and_then(|at| self.marks.get(at)).map_or(inherited, |mark| mark.fold)
    }

    /// All rows under an open container, its closing one included.
    fn rows_inside(&self, node: Node, shape: Shape, fold: Fold) -> i64 {
        let (from, to) = self.inside(node.0, super::index::offset(shape.end));
        rows_of(fold, shape.count, shape.below, shape.closers, self.closing) + self.weight(from, to)
    }

    /// Rows that a child takes, with all that it shows.
    fn rows_of_child(&self, document: &Document, child: &Child, inherited: Fold) -> i64 {
        let base = if inherited == Fold::Deep {
            let shape = child.shape(document);
            rows_of(Fold::Deep, shape.count, shape.below, shape.closers, self.closing)
        } else {
            0
        };
        1 + base + self.weight_from(child.node.0, super::index::offset(child.end))
    }

    /// Rows between an open container's own and that of its child.
    fn rows_before(&self, document: &Document, node: Node, fold: Fold, target: Node) -> i64 {
        let milestones = document.milestones(node);
        let passed = milestones.partition_point(|known| known.at <= target.0);
        let milestone = passed.checked_sub(1).and_then(|at| milestones.get(at));
        let mut rows = milestone.map_or(0, |known| self.rows_to_milestone(node, fold, known));
        for child in document.children_from(node, milestone) {
            if child.node >= target {
                break;
            }
            rows += self.rows_of_child(document, &child, below_of(fold));
        }
        rows
    }

    fn rows_to_milestone(&self, node: Node, fold: Fold, known: &super::index::Milestone) -> i64 {
        let mut rows = i64::from(known.ordinal) + self.weight_from(node.0 + 1, known.at);
        if fold == Fold::Deep {
            rows += i64::from(known.below) + if self.closing { i64::from(known.closers) } else { 0 };
        }
        rows
    }

    /// What stands on a row, with the walks that lead on from there.
    fn locate<'d>(&self, document: &'d Document, row: usize) -> Option<(Row, Vec<Level<'d>>)> {
        let mut here = document.root()?;
        let mut rest = i64::try_from(row).ok()?;
        let mut fold = self.open_fold(document, here, Fold::Shut);
        let root = Row { node: here, face: Face::Value, depth: 0, ordinal: 0, open: fold != Fold::Shut, last: true };
        if rest == 0 {
            return Some((root, Vec::new()));
        }
        let mut around = root;
        let mut levels: Vec<Level<'d>> = Vec::new();
        loop {
            if fold == Fold::Shut {
                return None;
            }
            rest -= 1;
            let milestones = document.milestones(here);
            let passed = milestones.partition_point(|known| self.rows_to_milestone(here, fold, known) <= rest);
            let milestone = passed.checked_sub(1).and_then(|at| milestones.get(at));
            rest -= milestone.map_or(0, |known| self.rows_to_milestone(here, fold, known));
            let mut children = document.children_from(here, milestone);
            let found = loop {
                let Some(child) = children.next() else { break None };
                let rows = self.rows_of_child(document, &child, below_of(fold));
                if rest < rows {
                    break Some(child);
                }
                rest -= rows;
            };
            let level = Level { container: around, fold, children, count: document.count(here) };
            let Some(child) = found else {
                return (self.closing && rest == 0).then_some((Row { face: Face::Close, ..around }, levels));
            };
            let inner = self.open_fold(document, child.node, below_of(fold));
            let row = level.row(&child, levels.len() + 1, inner);
            levels.push(level);
            if rest == 0 {
                return Some((row, levels));
            }
            (here, fold, around) = (child.node, inner, row);
        }
    }

    fn open_fold(&self, document: &Document, node: Node, inherited: Fold) -> Fold {
        match self.fold_under(node, inherited) {
            Fold::Shut => Fold::Shut,
            fold if document.is_container(node) && document.children(node).next().is_some() => fold,
            _ => Fold::Shut,
        }
    }

    fn step<'d>(&self, document: &'d Document, last: Row, levels: &mut Vec<Level<'d>>) -> Option<Row> {
        if last.face == Face::Value && last.open {
            let inherited = levels.last().map_or(Fold::Shut, |level| below_of(level.fold));
            let fold = self.open_fold(document, last.node, inherited);
            levels.push(Level { container: last, fold, children: document.children(last.node), count: document.count(last.node) });
        }
        loop {
            let depth = levels.len();
            let level = levels.last_mut()?;
            if let Some(child) = level.children.next() {
                let fold = self.open_fold(document, child.node, below_of(level.fold));
                return Some(level.row(&child, depth, fold));
            }
            let done = levels.pop()?;
            if self.closing {
                return Some(Row { face: Face::Close, ..done.container });
            }
        }
    }
}

/// A container whose children are being walked.
#[derive(Debug, Clone)]
struct Level<'d> {
    container: Row,
    fold: Fold,
    children: Children<'d>,
    count: usize,
}

impl Level<'_> {
    fn row(&self, child: &Child, depth: usize, fold: Fold) -> Row {
        Row {
            node: child.node,
            face: Face::Value,
            depth,
            ordinal: child.ordinal,
            open: fold != Fold::Shut,
            last: child.ordinal + 1 >= self.count,
        }
    }
}

/// How the children of a container shown so are shown.
fn below_of(fold: Fold) -> Fold {
    if fold == Fold::Deep { Fold::Deep } else { Fold::Shut }
}

fn clamp(rows: i64) -> usize {
    usize::try_from(rows).unwrap_or(0)
}

//! The event queue: rows by id, order, groups, marks. Selection is an id, never an index: lists change under the analyst.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::event::{Disposition, Severity, Status};

/// One listed event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Its number in the store.
    pub id: i64,
    /// Connection that brought it.
    pub connection: String,
    /// Vendor of that connection.
    pub vendor: String,
    /// The document's name of its event type.
    pub event_type: String,
    /// The vendor's key.
    pub key: String,
    /// What it is.
    pub title: String,
    /// The entity that stands for it.
    pub entity: String,
    /// What makes events alike: the vendor's rule, or the title without what varies.
    pub rule: String,
    /// How bad.
    pub severity: Severity,
    /// Whether the severity is our rule's and not the vendor's.
    pub derived: bool,
    /// The analyst's status.
    pub status: Status,
    /// The vendor's status.
    pub vendor_status: Option<String>,
    /// What that means in ours.
    pub vendor_means: Option<Status>,
    /// Whether the vendor has moved since it was decided about here.
    pub vendor_moved: bool,
    /// The verdict.
    pub disposition: Option<Disposition>,
    /// Who has it.
    pub taken_by: Option<String>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Whether it is new, or changed since it was looked at.
    pub unread: bool,
    /// Revisions that the vendor sent.
    pub revisions: u32,
}

impl Listed {
    /// Whether two events are of one vendor, type and rule.
    pub fn is_like(&self, other: &Self) -> bool {
        self.vendor == other.vendor && self.event_type == other.event_type && self.rule == other.rule
    }
}

/// A title without what varies from event to event: numbers, ids, host names, paths and quoted names.
pub fn rule_of(title: &str) -> String {
    let varies = |word: &str| word.chars().any(|c| c.is_ascii_digit()) || word.contains(['\\', '/', '@', '"', '\'']);
    title.split_whitespace().map(|word| if varies(word) { "…" } else { word }).collect::<Vec<_>>().join(" ")
}

/// What the queue can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Column {
    /// When it happened.
    #[default]
    Age,
    /// How bad it is.
    Severity,
    /// The vendor.
    Vendor,
    /// The event type.
    EventType,
    /// The title.
    Title,
    /// The analyst's status.
    Status,
    /// The connection.
    Connection,
    /// When it came in.
    Seen,
}

impl Column {
    /// Every column with its id and title.
    pub const ALL: [(&'static str, &'static str, Self); 8] = [
        ("age", "Age", Self::Age),
        ("severity", "Severity", Self::Severity),
        ("vendor", "Vendor", Self::Vendor),
        ("type", "Event type", Self::EventType),
        ("title", "Title", Self::Title),
        ("status", "Status", Self::Status),
        ("connection", "Connection", Self::Connection),
        ("seen", "First seen", Self::Seen),
    ];

    /// The column's id.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, _, column)| *column == self).map_or("age", |(id, _, _)| id)
    }

    /// The column of that id.
    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _, _)| *known == id).map(|(_, _, column)| *column)
    }

    /// Whether one wants its greatest first: the newest, the worst.
    pub fn descends(self) -> bool {
        matches!(self, Self::Age | Self::Severity | Self::Seen)
    }
}

/// The queue's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub column: Column,
    /// From the greatest down.
    pub descending: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self { column: Column::Age, descending: true }
    }
}

/// What the queue can be grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// Alike events.
    Rule,
    /// The entity that stands for the event.
    Entity,
    /// The vendor.
    Vendor,
    /// The event type.
    EventType,
    /// The severity.
    Severity,
    /// The connection.
    Connection,
}

impl Grouping {
    /// Every grouping with its id and title.
    pub const ALL: [(&'static str, &'static str, Self); 6] = [
        ("rule", "Rule", Self::Rule),
        ("entity", "Entity", Self::Entity),
        ("vendor", "Vendor", Self::Vendor),
        ("type", "Event type", Self::EventType),
        ("severity", "Severity", Self::Severity),
        ("connection", "Connection", Self::Connection),
    ];

    /// The grouping of that id.
    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _, _)| *known == id).map(|(_, _, grouping)| *grouping)
    }

    /// The grouping's id.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, _, grouping)| *grouping == self).map_or("", |(id, _, _)| id)
    }

    fn of(self, row: &Listed) -> String {
        match self {
            Self::Rule => row.rule.clone(),
            Self::Entity if row.entity.is_empty() => "no entity".to_owned(),
            Self::Entity => row.entity.clone(),
            Self::Vendor => row.vendor.clone(),
            Self::EventType => row.event_type.clone(),
            Self::Severity => row.severity.as_str().to_owned(),
            Self::Connection => row.connection.clone(),
        }
    }
}

/// A row of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// An event, by id.
    Event(i64),
    /// The head of a group: its name.
    Group(String),
}

/// What one asks the store for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The query; empty shows everything.
    pub query: String,
    /// The order.
    pub order: Order,
    /// What it is called, where it is a pivot or a saved view.
    pub title: String,
}

impl View {
    /// What it is called: its title, or what it asks for.
    pub fn name(&self) -> String {
        match (self.title.is_empty(), self.query.is_empty()) {
            (false, _) => self.title.clone(),
            (true, false) => self.query.clone(),
            (true, true) => "everything".into(),
        }
    }
}

/// What the store answers.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The rows, in order.
    pub rows: Vec<Listed>,
    /// How many there are in all.
    pub total: usize,
    /// Arrivals over the last day, oldest first, for the sparkline.
    pub arrivals: Vec<u64>,
}

/// The queue.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    /// What is shown.
    pub view: View,
    /// Views to go back to, with what was selected there.
    pub past: Vec<(View, Option<Item>)>,
    /// Views to go forward to.
    pub future: Vec<(View, Option<Item>)>,
    /// The rows brought so far.
    pub rows: Vec<Listed>,
    /// How many there are in all.
    pub total: usize,
    /// Arrivals, oldest first.
    pub arrivals: Vec<u64>,
    /// How many rows to bring.
    pub limit: usize,
    /// Number of the last request; older answers are not wanted any more.
    pub generation: u64,
    /// Whether the last request is unanswered.
    pub loading: bool,
    /// Why the last one failed.
    pub fault: Option<String>,
    /// What is selected.
    pub selected: Option<Item>,
    /// The marked events.
    pub marks: BTreeSet<i64>,
    /// The event last marked, where a range begins.
    pub anchor: Option<i64>,
    /// How it is grouped.
    pub grouping: Option<Grouping>,
    /// Groups that are folded.
    pub folded: BTreeSet<String>,
    /// First row on the screen.
    pub first: usize,
    /// Whether the cursor was moved since the view was opened.
    pub moved: bool,
    /// Whether another view was asked for and is not there yet; what is listed is still the one before.
    pub opening: bool,
    /// Whether the groups are to be folded when they are made.
    folding: bool,
    items: Vec<Item>,
    counts: BTreeMap<String, usize>,
    places: BTreeMap<i64, usize>,
}

impl Queue {
    /// Takes up an answer. The selection stays on its event; if that is gone, it stays at its place.
    pub fn fill(&mut self, listing: Listing) {
        // As long as nobody has moved the cursor, it stays on the newest.
        let place = if self.moved { self.place() } else { 0 };
        self.rows = listing.rows;
        self.total = listing.total;
        self.arrivals = listing.arrivals;
        self.loading = false;
        self.opening = false;
        self.fault = None;
        self.arrange();
        if !self.moved {
            self.selected = None;
        }
        if self.place_of_selected().is_none() {
            self.selected = self.items.get(place.min(self.items.len().saturating_sub(1))).cloned();
        }
    }

    /// Makes the list of rows to show from the events and their groups.
    pub fn arrange(&mut self) {
        self.places = self.rows.iter().enumerate().map(|(at, row)| (row.id, at)).collect();
        self.counts.clear();
        // What was asked for but is not there yet is folded when it is.
        let fold = self.folding && !self.opening;
        self.folding &= self.opening;
        let Some(grouping) = self.grouping else {
            self.items = self.rows.iter().map(|row| Item::Event(row.id)).collect();
            return;
        };
        let mut groups: Vec<(String, Vec<i64>)> = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        for row in &self.rows {
            let name = grouping.of(row);
            let at = *known.entry(name.clone()).or_insert_with(|| {
                groups.push((name, Vec::new()));
                groups.len() - 1
            });
            if let Some((_, ids)) = groups.get_mut(at) {
                ids.push(row.id);
            }
        }
        groups.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
        self.items.clear();
        for (name, ids) in groups {
            self.counts.insert(name.clone(), ids.len());
            if fold {
                self.folded.insert(name.clone());
            }
            let folded = self.folded.contains(&name);
            self.items.push(Item::Group(name));
            if !folded {
                self.items.extend(ids.into_iter().map(Item::Event));
            }
        }
    }

    /// Groups the rows, or no longer. Groups begin folded: one line each, with its count.
    pub fn group(&mut self, grouping: Option<Grouping>) {
        self.grouping = grouping;
        self.folded.clear();
        self.folding = grouping.is_some();
        self.arrange();
    }

    /// The rows to show.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// How many events a group has.
    pub fn count(&self, group: &str) -> usize {
        self.counts.get(group).copied().unwrap_or(0)
    }

    /// An event by id.
    pub fn row(&self, id: i64) -> Option<&Listed> {
        self.places.get(&id).and_then(|at| self.rows.get(*at))
    }

    /// An event by id, to change.
    pub fn row_mut(&mut self, id: i64) -> Option<&mut Listed> {
        self.places.get(&id).and_then(|at| self.rows.get_mut(*at))
    }

    fn place_of_selected(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.items.iter().position(|item| item == selected)
    }

    /// The place of the selection.
    pub fn place(&self) -> usize {
        self.place_of_selected().unwrap_or(self.first)
    }

    /// The selected event.
    pub fn current(&self) -> Option<&Listed> {
        match self.selected.as_ref()? {
            Item::Event(id) => self.row(*id),
            Item::Group(_) => None,
        }
    }

    /// Selects what is at a place, or the last.
    pub fn select(&mut self, place: usize) {
        self.moved = true;
        self.selected = self.items.get(place.min(self.items.len().saturating_sub(1))).cloned();
    }

    /// Moves the selection.
    pub fn move_by(&mut self, rows: isize) {
        if !self.items.is_empty() {
            self.select(self.place().saturating_add_signed(rows));
        }
    }

    /// Moves the selection to the next event (not a group) in a direction.
    pub fn step(&mut self, forward: bool) -> Option<i64> {
        let place = self.place();
        let next = if forward {
            self.items.iter().skip(place + 1).find(|item| matches!(item, Item::Event(_)))
        } else {
            self.items.iter().take(place).rev().find(|item| matches!(item, Item::Event(_)))
        };
        let Some(Item::Event(id)) = next.cloned() else { return None };
        self.moved = true;
        self.selected = Some(Item::Event(id));
        Some(id)
    }

    /// Scrolls so that the selection can be seen on so many rows.
    pub fn follow(&mut self, height: usize) {
        let place = self.place_of_selected().unwrap_or(0);
        let height = height.max(1);
        self.first = self.first.min(place).max((place + 1).saturating_sub(height)).min(self.items.len().saturating_sub(1));
    }

    /// The marked events in the order shown, else the selected one, else those of the selected group.
    pub fn targets(&self) -> Vec<i64> {
        if !self.marks.is_empty() {
            let listed: Vec<i64> = self.rows.iter().map(|row| row.id).filter(|id| self.marks.contains(id)).collect();
            return listed;
        }
        match &self.selected {
            Some(Item::Event(id)) => vec![*id],
            Some(Item::Group(name)) => self.members(name),
            None => Vec::new(),
        }
    }

    fn members(&self, group: &str) -> Vec<i64> {
        let Some(grouping) = self.grouping else { return Vec::new() };
        self.rows.iter().filter(|row| grouping.of(row) == group).map(|row| row.id).collect()
    }

    /// Marks or unmarks the selected event or group.
    pub fn toggle_mark(&mut self) {
        self.moved = true;
        let ids = match &self.selected {
            Some(Item::Event(id)) => vec![*id],
            Some(Item::Group(name)) => self.members(name),
            None => return,
        };
        let all = ids.iter().all(|id| self.marks.contains(id));
        for id in ids {
            self.anchor = Some(id);
            if all {
                self.marks.remove(&id);
            } else {
                self.marks.insert(id);
            }
        }
    }

    /// Marks from the last mark to the selection.
    pub fn mark_range(&mut self) {
        self.moved = true;
        let here = self.place();
        let from = self.anchor.and_then(|id| self.items.iter().position(|item| *item == Item::Event(id))).unwrap_or(here);
        for item in self.items.iter().take(from.max(here) + 1).skip(from.min(here)) {
            if let Item::Event(id) = item {
                self.marks.insert(*id);
            }
        }
    }

    /// Marks every listed open event like the selected one; says how many are marked.
    pub fn mark_alike(&mut self) -> usize {
        if let Some(like) = self.current().cloned() {
            let alike = self.rows.iter().filter(|row| row.is_like(&like) && (row.status != Status::Closed || row.id == like.id));
            self.marks.extend(alike.map(|row| row.id));
        } else if let Some(Item::Group(name)) = self.selected.clone() {
            self.marks.extend(self.members(&name));
        }
        self.marks.len()
    }

    /// Goes to another view and remembers this one.
    pub fn go(&mut self, view: View) {
        let before = self.leave((view, None));
        self.past.push(before);
        self.future.clear();
    }

    /// Goes to the view before; false if there is none.
    pub fn go_back(&mut self) -> bool {
        let Some(view) = self.past.pop() else { return false };
        let before = self.leave(view);
        self.future.push(before);
        true
    }

    /// Goes to the view that was gone back from; false if there is none.
    pub fn go_forward(&mut self) -> bool {
        let Some(view) = self.future.pop() else { return false };
        let before = self.leave(view);
        self.past.push(before);
        true
    }

    /// Puts another view in the place of this one; gives back this one.
    fn leave(&mut self, (view, selected): (View, Option<Item>)) -> (View, Option<Item>) {
        self.marks.clear();
        self.anchor = None;
        self.first = 0;
        self.limit = FIRST_LIMIT;
        self.moved = selected.is_some();
        self.opening = true;
        (std::mem::replace(&mut self.view, view), std::mem::replace(&mut self.selected, selected))
    }
}

/// How many rows are brought at first; more come as one scrolls down.
pub const FIRST_LIMIT: usize = 500;

/// The most rows that are kept for the screen.
pub const MOST: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, title: &str) -> Listed {
        Listed { id, title: title.into(), rule: rule_of(title), ..Listed::default() }
    }

    fn queue(titles: &[&str]) -> Queue {
        let mut queue = Queue::default();
        let rows = titles.iter().zip(1..).map(|(title, id)| row(id, title)).collect();
        queue.fill(Listing { rows, total: titles.len(), arrivals: Vec::new() });
        queue
    }

    #[test]
    fn the_selection_stays_with_its_event_when_the_list_changes() {
        let mut queue = queue(&["a", "b", "c"]);
        queue.move_by(1);
        assert_eq!(queue.current().map(|row| row.id), Some(2));
        queue.fill(Listing { rows: vec![row(9, "n"), row(1, "a"), row(2, "b")], total: 3, arrivals: Vec::new() });
        assert_eq!(queue.current().map(|row| row.id), Some(2));
        queue.fill(Listing { rows: vec![row(9, "n"), row(1, "a")], total: 2, arrivals: Vec::new() });
        assert_eq!(queue.current().map(|row| row.id), Some(1), "a row that is gone leaves the cursor at its place");
    }

    #[test]
    fn marks_by_range_and_by_likeness() {
        let mut queue = queue(&["Failed login on WS-1", "Other", "Failed login on WS-2", "More"]);
        assert_eq!(queue.mark_alike(), 2);
        assert_eq!(queue.targets(), [1, 3]);
        queue.marks.clear();
        queue.toggle_mark();
        queue.select(2);
        queue.mark_range();
        assert_eq!(queue.targets(), [1, 2, 3]);
    }

    #[test]
    fn groups_fold_and_count_and_can_be_targets() {
        let mut queue = queue(&["Failed login on WS-1", "Other", "Failed login on WS-2"]);
        queue.grouping = Some(Grouping::Rule);
        queue.arrange();
        assert_eq!(queue.items().len(), 5);
        assert_eq!(queue.items()[0], Item::Group("Failed login on …".into()));
        queue.select(0);
        assert_eq!(queue.targets(), [1, 3]);
        queue.folded.insert("Failed login on …".into());
        queue.arrange();
        assert_eq!(queue.items().len(), 3);
        assert_eq!(queue.count("Failed login on …"), 2);
    }

    #[test]
    fn views_go_back_and_forward_like_a_browser() {
        let mut queue = queue(&["a"]);
        queue.go(View { query: "x".into(), ..View::default() });
        assert!(queue.go_back());
        assert_eq!(queue.view.query, "");
        assert!(queue.go_forward() && queue.view.query == "x");
        assert!(!queue.go_forward());
    }
}

//! The event queue: rows by id, order, groups, marks. Selection is an id, never an index: lists change under the analyst.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::listing::{Grouping, Listed, Listing, Tally, View, Which, spread};

/// A row of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// An event, by id.
    Event(i64),
    /// The head of a group: its name.
    Group(String),
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
    /// Whether the store has more rows of this view.
    pub more: bool,
    /// How many there are in all, as far as that is known.
    pub total: usize,
    /// Whether that is known.
    pub counted: bool,
    /// Arrivals, oldest first.
    pub arrivals: Vec<u64>,
    /// What is being counted.
    pub counting: Option<(View, Option<Grouping>)>,
    /// Whether it must be counted again when that is done.
    pub recount: bool,
    /// Whether the store is asked which events are to be marked; keys wait for it.
    pub marking: bool,
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
    /// Groups that are unfolded.
    pub unfolded: BTreeSet<String>,
    /// First row on the screen.
    pub first: usize,
    /// Whether the cursor was moved since the view was opened.
    pub moved: bool,
    /// Whether another view was asked for and is not there yet; what is listed is still the one before.
    pub opening: bool,
    items: Vec<Item>,
    /// The groups of all events of the view.
    groups: Vec<(String, usize)>,
    /// Rows of unfolded groups that are not among the first of the view.
    members: Vec<Listed>,
    counts: BTreeMap<String, usize>,
    places: BTreeMap<i64, usize>,
}

impl Queue {
    /// Takes up an answer. The selection stays on its event; if that is gone, it stays at its place.
    pub fn fill(&mut self, listing: Listing) {
        // As long as nobody has moved the cursor, it stays on the newest.
        let place = if self.moved { self.place() } else { 0 };
        if self.opening {
            self.counted = false;
            self.arrivals.clear();
            self.groups.clear();
            self.members.clear();
        }
        self.rows = listing.rows;
        self.more = listing.more;
        if !self.more || !self.counted {
            self.total = self.rows.len();
            self.counted = !self.more;
        }
        self.loading = false;
        self.opening = false;
        self.fault = None;
        self.arrange();
        self.hold(place);
    }

    /// Takes up what was counted over all events of the view.
    pub fn count_up(&mut self, tally: Tally) {
        let place = if self.moved { self.place() } else { 0 };
        self.total = tally.total;
        self.counted = true;
        self.arrivals = tally.arrivals;
        self.groups = tally.groups;
        self.arrange();
        self.hold(place);
    }

    /// Takes up rows of an unfolded group.
    pub fn fill_group(&mut self, group: &str, rows: Vec<Listed>) {
        let Some(grouping) = self.grouping else { return };
        self.members.retain(|row| grouping.of(row) != group);
        self.members.extend(rows);
        self.arrange();
    }

    /// Keeps the selection, or, where it is gone, its place.
    fn hold(&mut self, place: usize) {
        if !self.moved {
            self.selected = None;
        }
        if self.place_of_selected().is_none() {
            self.selected = self.items.get(place.min(self.items.len().saturating_sub(1))).cloned();
        }
    }

    /// Makes the list of rows to show from the events and their groups.
    pub fn arrange(&mut self) {
        let first: BTreeSet<i64> = self.rows.iter().map(|row| row.id).collect();
        self.members.retain(|row| !first.contains(&row.id));
        self.places = self.loaded().enumerate().map(|(at, row)| (row.id, at)).collect();
        let Some(grouping) = self.grouping else {
            self.counts.clear();
            self.items = self.rows.iter().map(|row| Item::Event(row.id)).collect();
            return;
        };
        let mut loaded: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for row in self.loaded() {
            loaded.entry(grouping.of(row)).or_default().push(row.id);
        }
        self.counts = self.groups.iter().cloned().collect();
        let mut names: Vec<String> = self.groups.iter().map(|(name, _)| name.clone()).collect();
        // What came in since it was counted, or was not counted yet.
        for (name, ids) in &loaded {
            let count = self.counts.entry(name.clone()).or_insert_with(|| {
                names.push(name.clone());
                0
            });
            *count = (*count).max(ids.len());
        }
        names.sort_by_key(|name| std::cmp::Reverse(self.count(name)));
        self.items.clear();
        for name in names {
            let ids = self.unfolded.contains(&name).then(|| loaded.remove(&name)).flatten();
            self.items.push(Item::Group(name));
            self.items.extend(ids.into_iter().flatten().map(Item::Event));
        }
    }

    /// The events that are here, those of the view's beginning first.
    fn loaded(&self) -> impl Iterator<Item = &Listed> {
        self.rows.iter().chain(&self.members)
    }

    /// Groups the events, or no longer. Groups begin folded: one line each, with its count.
    pub fn group(&mut self, grouping: Option<Grouping>) {
        self.grouping = grouping;
        self.unfolded.clear();
        self.groups.clear();
        self.members.clear();
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
        let at = *self.places.get(&id)?;
        self.rows.get(at).or_else(|| self.members.get(at - self.rows.len()))
    }

    /// An event by id, to change.
    pub fn row_mut(&mut self, id: i64) -> Option<&mut Listed> {
        let at = *self.places.get(&id)?;
        let first = self.rows.len();
        if at < first { self.rows.get_mut(at) } else { self.members.get_mut(at - first) }
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

    /// The marked events, those that are listed first and in their order; else the selected one, else those of the selected group.
    pub fn targets(&self) -> Vec<i64> {
        if !self.marks.is_empty() {
            let mut ids: Vec<i64> = self.loaded().map(|row| row.id).filter(|id| self.marks.contains(id)).collect();
            let listed: BTreeSet<i64> = ids.iter().copied().collect();
            ids.extend(self.marks.iter().rev().filter(|id| !listed.contains(id)));
            return ids;
        }
        match &self.selected {
            Some(Item::Event(id)) => vec![*id],
            Some(Item::Group(name)) => self.of_group(name),
            None => Vec::new(),
        }
    }

    /// What several events are, as far as they are listed here.
    pub fn spread(&self, events: &[i64]) -> Vec<String> {
        let rows = events.iter().filter_map(|id| self.row(*id));
        spread(rows.map(|row| (row.connection.as_str(), row.rule.clone(), row.severity)), events.len())
    }

    /// Whether there is anything that a decision could be about.
    pub fn has_targets(&self) -> bool {
        !self.marks.is_empty() || self.selected.is_some()
    }

    /// The selected group, where nothing is marked and the store has events of it that are not here.
    pub fn half_group(&self) -> Option<Which> {
        match (&self.selected, self.grouping) {
            (Some(Item::Group(name)), Some(grouping)) if self.marks.is_empty() && self.is_half(name) => {
                Some(Which::Group(grouping, name.clone()))
            }
            _ => None,
        }
    }

    /// Whether the store has events of a group that are not here.
    pub fn is_half(&self, group: &str) -> bool {
        self.of_group(group).len() < self.count(group)
    }

    fn of_group(&self, group: &str) -> Vec<i64> {
        let Some(grouping) = self.grouping else { return Vec::new() };
        self.loaded().filter(|row| grouping.of(row) == group).map(|row| row.id).collect()
    }

    /// Marks the selected event, or takes its mark away.
    pub fn toggle_mark(&mut self) {
        self.moved = true;
        if let Some(Item::Event(id)) = self.selected {
            self.anchor = Some(id);
            if !self.marks.remove(&id) {
                self.marks.insert(id);
            }
        }
    }

    /// Marks events; where all of a group are marked already, takes their marks away. Says how many are now marked that were meant.
    pub fn mark(&mut self, which: &Which, ids: Vec<i64>) -> usize {
        self.moved = true;
        if matches!(which, Which::Group(..)) && ids.iter().all(|id| self.marks.contains(id)) {
            ids.iter().for_each(|id| {
                self.marks.remove(id);
            });
            return 0;
        }
        let count = ids.len();
        self.anchor = ids.first().copied().or(self.anchor);
        self.marks.extend(ids);
        count
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
    use crate::core::listing::rule_of;

    fn row(id: i64, title: &str) -> Listed {
        Listed { id, title: title.into(), rule: rule_of(title), ..Listed::default() }
    }

    fn queue(titles: &[&str]) -> Queue {
        let mut queue = Queue::default();
        let rows = titles.iter().zip(1..).map(|(title, id)| row(id, title)).collect();
        queue.fill(Listing { rows, more: false });
        queue
    }

    #[test]
    fn the_selection_stays_with_its_event_when_the_list_changes() {
        let mut queue = queue(&["a", "b", "c"]);
        queue.move_by(1);
        assert_eq!(queue.current().map(|row| row.id), Some(2));
        queue.fill(Listing { rows: vec![row(9, "n"), row(1, "a"), row(2, "b")], more: false });
        assert_eq!(queue.current().map(|row| row.id), Some(2));
        queue.fill(Listing { rows: vec![row(9, "n"), row(1, "a")], more: false });
        assert_eq!(queue.current().map(|row| row.id), Some(1), "a row that is gone leaves the cursor at its place");
    }

    #[test]
    fn marks_by_range_and_beyond_what_is_listed() {
        let mut queue = queue(&["a", "b", "c", "d"]);
        assert_eq!(queue.mark(&Which::Like(1), vec![1, 3, 70, 90]), 4);
        assert_eq!(queue.targets(), [1, 3, 90, 70], "what is listed first");
        queue.marks.clear();
        queue.toggle_mark();
        queue.select(2);
        queue.mark_range();
        assert_eq!(queue.targets(), [1, 2, 3]);
    }

    #[test]
    fn groups_count_all_events_of_the_view_and_unfold_to_what_was_brought() {
        let mut queue = queue(&["Failed login on WS-1", "Other", "Failed login on WS-2"]);
        queue.grouping = Some(Grouping::Rule);
        queue.more = true;
        queue.arrange();
        let name = "Failed login on …";
        let heads = |queue: &Queue| queue.items().iter().filter(|item| matches!(item, Item::Group(_))).count();
        assert_eq!((queue.items().len(), heads(&queue)), (2, 2), "folded");
        queue.select(0);
        assert_eq!((queue.targets(), queue.half_group()), (vec![1, 3], None));
        queue.count_up(Tally {
            total: 40,
            arrivals: Vec::new(),
            groups: vec![("Third".into(), 30), (name.into(), 9), ("Other".into(), 1)],
        });
        assert_eq!((queue.total, queue.count(name), heads(&queue)), (40, 9, 3));
        assert_eq!(queue.items()[0], Item::Group("Third".into()), "the largest first, though none of it is here");
        assert_eq!(queue.half_group(), Some(Which::Group(Grouping::Rule, name.into())), "the selection stayed");
        queue.unfolded.insert(name.into());
        queue.fill_group(name, vec![row(1, "Failed login on WS-1"), row(8, "Failed login on WS-8")]);
        assert_eq!(queue.items()[1..5], [Item::Group(name.into()), Item::Event(1), Item::Event(3), Item::Event(8)]);
        assert_eq!(queue.row(8).map(|row| row.id), Some(8));
        // What all of a group is marked with takes its marks away again.
        let which = Which::Group(Grouping::Rule, name.into());
        assert_eq!(queue.mark(&which, vec![1, 3, 8, 50]), 4);
        assert_eq!(queue.mark(&which, vec![1, 3, 8, 50]), 0);
        assert!(queue.marks.is_empty());
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

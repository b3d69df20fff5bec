//! The columns of a table as a list to tick and to put in order. Every change shows at once.

use super::action::Action;
use super::effect::Effect;
use super::layer::Layer;
use super::model::Model;
use super::notice::Tone;
use crate::core::json::Field;

/// One column of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// What it shows.
    pub field: Field,
    /// Whether it is shown.
    pub shown: bool,
    /// In how many rows of the sample it was.
    pub seen: usize,
}

/// The list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// The columns in their order, hidden ones too.
    pub ticks: Vec<Tick>,
    /// The selected one.
    pub at: usize,
    /// First row on the screen.
    pub first: usize,
}

impl Columns {
    /// Moves the selection.
    pub fn move_by(&mut self, rows: isize) {
        self.at = self.at.saturating_add_signed(rows).min(self.ticks.len().saturating_sub(1));
    }

    /// Scrolls so that the selection can be seen on so many rows.
    pub fn follow(&mut self, height: usize) {
        self.first = self.first.min(self.at).max((self.at + 1).saturating_sub(height.max(1)));
    }

    fn shown(&self) -> Vec<Field> {
        self.ticks.iter().filter(|tick| tick.shown).map(|tick| tick.field.clone()).collect()
    }

    /// Shows or hides the selected column; the last one stays.
    fn toggle(&mut self) -> bool {
        let shown = self.ticks.iter().filter(|tick| tick.shown).count();
        match self.ticks.get_mut(self.at) {
            Some(tick) if shown > 1 || !tick.shown => tick.shown = !tick.shown,
            _ => return false,
        }
        true
    }

    fn shift(&mut self, later: bool) {
        let to = if later { self.at + 1 } else { self.at.wrapping_sub(1) };
        if to < self.ticks.len() {
            self.ticks.swap(self.at, to);
            self.at = to;
        }
    }
}

/// Opens the list of the table under the keys.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let Some((_, explorer)) = model.explorer_mut() else { return Vec::new() };
    let Some(grid) = &explorer.grid else { return Vec::new() };
    let tick = |column: &crate::core::json::Column| Tick { field: column.field.clone(), shown: !column.hidden, seen: column.seen };
    let ticks: Vec<Tick> = grid.table.columns().iter().map(tick).collect();
    let selected = grid.table.shown().nth(grid.column);
    let at = ticks.iter().position(|tick| Some(&tick.field) == selected).unwrap_or(0);
    model.layers.push(Layer::Columns(Box::new(Columns { ticks, at, first: 0 })));
    Vec::new()
}

/// Ticks or moves the selected column.
pub fn change(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(Layer::Columns(columns)) = model.layers.last_mut() else { return Vec::new() };
    let done = match action {
        Action::Toggle => columns.toggle(),
        other => {
            columns.shift(other == Action::MoveLater);
            true
        }
    };
    let fields = columns.shown();
    if !done {
        model.tell(Tone::Info, "A table keeps at least one column.");
    } else if let Some((_, explorer)) = model.explorer_mut() {
        explorer.choose_columns(&fields);
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_ticked_moved_and_never_all_hidden() {
        let tick = |name: &str| Tick { field: Field::Path(vec![name.into()]), shown: true, seen: 1 };
        let mut columns = Columns { ticks: vec![tick("a"), tick("b")], ..Columns::default() };
        columns.shift(true);
        assert_eq!((columns.at, columns.shown()), (1, vec![tick("b").field, tick("a").field]));
        assert!(columns.toggle());
        columns.move_by(-5);
        assert!(!columns.toggle(), "the last one stays");
        assert_eq!(columns.shown(), [tick("b").field]);
        columns.shift(false);
        assert_eq!(columns.at, 0);
    }
}

//! THE table of console actions: the keymap, help, which-key, the palette, the footer, `nightdesk keys` and `assets/keys.md` come from it.

use serde_json::{Value, json};

use super::keys::Keymap;
use crate::core::catalogue::Entry;

/// Where keys are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// Everywhere but in text fields and questions.
    Global,
    /// The event queue.
    Queue,
    /// The event on show.
    Record,
    /// A JSON tree or pretty text.
    Tree,
    /// A JSON table.
    Table,
    /// The connections.
    Connections,
    /// The tasks.
    Tasks,
    /// The outbox.
    Outbox,
    /// A page of text, or an outcome.
    Page,
    /// A form.
    Form,
    /// A list to choose from.
    Chooser,
    /// The dry run of a playbook.
    Sheet,
    /// The welcome, where nothing is configured yet.
    Welcome,
    /// A guided sign-in.
    SignIn,
    /// A list to tick.
    Checklist,
    /// The list of cases.
    Cases,
    /// A case.
    Case,
}

impl Context {
    /// Its name, in `nightdesk keys` and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Global => "everywhere",
            Self::Queue => "queue",
            Self::Record => "event",
            Self::Tree => "tree",
            Self::Table => "table",
            Self::Connections => "connections",
            Self::Tasks => "tasks",
            Self::Outbox => "outbox",
            Self::Page => "page",
            Self::Form => "form",
            Self::Chooser => "list",
            Self::Sheet => "dry run",
            Self::Welcome => "welcome",
            Self::SignIn => "sign-in",
            Self::Checklist => "checklist",
            Self::Cases => "cases",
            Self::Case => "one case",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The action.
    pub action: Action,
    /// Its id in configuration and output.
    pub id: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// What it does.
    pub help: &'static str,
    /// Where it works.
    pub contexts: &'static [Context],
    /// Its default chords.
    pub keys: &'static [&'static str],
}

macro_rules! actions {
    ($($name:ident, $id:literal, $title:literal, $help:literal, [$($context:ident),*], [$($key:literal),*];)*) => {
        /// What an analyst can ask the console for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $(#[doc = $help] $name,)*
        }

        const TABLE: &[Row] = &[
            $(Row { action: Action::$name, id: $id, title: $title, help: $help, contexts: &[$(Context::$context),*], keys: &[$($key),*] },)*
        ];
    };
}

actions! {
    Down, "down", "Down", "Go one row down.", [Queue, Record, Tree, Table, Connections, Tasks, Outbox, Page, Chooser, Checklist, Cases, Case, Sheet], ["down", "ctrl-n", "j"];
    Up, "up", "Up", "Go one row up.", [Queue, Record, Tree, Table, Connections, Tasks, Outbox, Page, Chooser, Checklist, Cases, Case, Sheet], ["up", "k"];
    PageDown, "page-down", "Page down", "Go one page down.", [Queue, Record, Tree, Table, Connections, Tasks, Page, Chooser, Checklist, Cases, Case, Sheet], ["pagedown", "ctrl-f"];
    PageUp, "page-up", "Page up", "Go one page up.", [Queue, Record, Tree, Table, Connections, Tasks, Page, Chooser, Checklist, Cases, Case, Sheet], ["pageup", "ctrl-b"];
    Top, "top", "First", "Go to the first row.", [Queue, Record, Tree, Table, Connections, Tasks, Page, Checklist, Cases, Case, Sheet], ["g g", "home"];
    Bottom, "bottom", "Last", "Go to the last row.", [Queue, Record, Tree, Table, Connections, Tasks, Page, Checklist, Cases, Case, Sheet], ["G", "end"];
    Open, "open", "Open", "Open what is selected; in a table, the row as a document of its own.", [Queue, Record, Tree, Table, Connections, Tasks, Chooser, Cases, Case, Sheet], ["enter"];
    Back, "back", "Back", "Go back: close what is on top, then clear marks, then leave the pivot, then the filter.", [Global, Page, Checklist], ["esc"];
    Quit, "quit", "Quit", "Leave the console; asks when something runs.", [Global, Page, Checklist], ["q"];
    Interrupt, "interrupt", "Interrupt", "Close what is on top, or leave the console.", [Global], ["ctrl-c"];
    Help, "help", "Help", "Show the keys that work here.", [Global, Page, Checklist], ["?", "f1"];
    Palette, "palette", "Palette", "Find an action, a command, a saved view or a playbook by name.", [Global], [":"];
    Filter, "filter", "Filter", "Filter the queue with a query.", [Global], ["/"];
    Find, "find", "Search here", "Search in this document.", [Record, Tree, Table, Page], ["/"];
    FindNext, "find-next", "Next hit", "Go to the next place that was searched for.", [Record, Tree, Table, Page], ["n"];
    FindPrevious, "find-previous", "Previous hit", "Go to the previous place that was searched for.", [Record, Tree, Table, Page], ["N"];
    NextPane, "next-pane", "Next pane", "Go to the next pane.", [Global], ["tab"];
    PreviousPane, "previous-pane", "Previous pane", "Go to the previous pane.", [Global], ["backtab"];
    ShowConnections, "connections", "Connections", "Go to the connections.", [Global], ["1"];
    ShowQueue, "queue", "Queue", "Go to the queue.", [Global], ["2"];
    ShowRecord, "event", "Event", "Go to the event on show.", [Global], ["3"];
    ShowTasks, "tasks", "Tasks", "Go to the tasks.", [Global], ["4"];
    Zoom, "zoom", "Zoom", "Give the pane the whole screen, or take it back.", [Global], ["+"];
    Mark, "mark", "Mark", "Mark or unmark the event, and go on.", [Queue], ["space"];
    MarkRange, "mark-range", "Mark range", "Mark from the last mark to here.", [Queue], ["v"];
    MarkAlike, "mark-alike", "Mark all alike", "Mark every open event of the view like this one, listed or not: same vendor, type and rule.", [Queue, Record], ["*"];
    MarkAll, "mark-all", "Mark all", "Mark every event of the view, listed or not.", [Queue], ["ctrl-a"];
    Unmark, "unmark", "Clear marks", "Take all marks away.", [Queue], ["M"];
    Sort, "sort", "Sort", "Choose the queue's order.", [Queue], ["s"];
    Reverse, "reverse", "Reverse order", "Turn the order round.", [Queue, Table], ["S"];
    Group, "group", "Group", "Group the queue by rule, entity, vendor, type, severity or connection.", [Queue], ["="];
    Fold, "fold", "Fold group", "Fold or unfold the group.", [Queue], ["-"];
    Alike, "alike", "Only alike", "Show only events like this one.", [Queue], ["&"];
    Dispose, "dispose", "Close as …", "Close the marked events, or this one: t true positive, f false positive, b benign, d duplicate, u undetermined.", [Queue, Record], ["d"];
    Again, "again", "Same again", "Close with the last disposition and note; no vendor is told, unless it always is.", [Queue, Record], ["."];
    Take, "take", "Take", "Take the event: it is yours and in progress.", [Queue, Record], ["t"];
    Reopen, "reopen", "Reopen", "Set the event back to new.", [Queue, Record], ["r"];
    WriteBack, "write-back", "Tell the vendor", "Set the vendor's own status to what the event is here.", [Queue, Record], ["W"];
    Memo, "note", "Note", "Write a note on the event, or on the case.", [Queue, Record, Case], ["m"];
    Case, "case", "Case", "Put the marked events, or this one, into a case.", [Queue, Record], ["c"];
    Act, "act", "Act", "Choose among the commands that this event, or this outcome, can fill in, best first.", [Queue, Record, Page], ["a"];
    Playbooks, "playbooks", "Playbooks", "Choose a playbook for this event, those that it fills first; the dry run comes before anything is sent.", [Queue, Record], ["P"];
    Quick, "quick", "Quick", "Do what this kind of event is for: x and a letter; the lines quick/… list them.", [Queue, Record], ["x"];
    Pivot, "pivot", "Pivot", "Show everything that any vendor said about an entity of this event.", [Queue, Record], ["p"];
    GoBack, "go-back", "Back in history", "Go to the previous queue view.", [Queue, Record], ["H", "alt-left"];
    GoForward, "go-forward", "Forward in history", "Go to the next queue view.", [Queue, Record], ["L", "alt-right"];
    Undo, "undo", "Undo", "Take the last thing back, or offer the command that does; on an outcome, what takes that back.", [Queue, Record, Tasks, Page], ["u"];
    Related, "run-last", "Run again", "Open the last command's form again.", [Queue, Record], ["g r"];
    NextEvent, "next-event", "Next event", "Show the next event of the queue.", [Record], ["J"];
    PreviousEvent, "previous-event", "Previous event", "Show the previous event of the queue.", [Record], ["K"];
    NextTab, "next-tab", "Next tab", "Go to the next tab.", [Record, Page, Case], ["]"];
    PreviousTab, "previous-tab", "Previous tab", "Go to the previous tab.", [Record, Page, Case], ["["];
    Expand, "expand", "Unfold", "Unfold, or go in; the next column in a table.", [Tree, Table], ["l", "right"];
    Collapse, "collapse", "Fold", "Fold, or go out; the previous column in a table.", [Tree, Table], ["h", "left"];
    UnfoldAll, "unfold-all", "Unfold all", "Unfold the whole document.", [Tree], ["z R"];
    FoldAll, "fold-all", "Fold all", "Fold everything but the top.", [Tree], ["z M"];
    Depth1, "depth-1", "Depth 1", "Show one level.", [Tree], ["z 1"];
    Depth2, "depth-2", "Depth 2", "Show two levels.", [Tree], ["z 2"];
    Depth3, "depth-3", "Depth 3", "Show three levels.", [Tree], ["z 3"];
    ViewTable, "view-table", "As table", "Show the selected list as a table.", [Tree], ["T"];
    SortColumn, "sort-column", "Sort by column", "Sort the table by this column.", [Table], ["s"];
    HideColumn, "hide-column", "Hide column", "Hide this column.", [Table], ["x"];
    Columns, "columns", "Columns", "Choose the table's columns and put them in order.", [Table], ["C"];
    ShowColumns, "show-columns", "Show columns", "Show all columns.", [Table], ["X"];
    Toggle, "toggle", "Tick", "Tick the row, or take the tick away.", [Checklist], ["space", "enter"];
    MoveLater, "move-later", "Move down", "Move the row down.", [Checklist], ["J"];
    MoveEarlier, "move-earlier", "Move up", "Move the row up.", [Checklist], ["K"];
    Decode, "decode", "Decoded", "Open the selected value decoded: Base64, or JSON in a string.", [Tree, Table], ["D"];
    SelectPath, "select-path", "JSON path", "Open what a JSONPath picks as a document of its own.", [Tree, Table], ["$"];
    Times, "times", "Times", "Show timestamps and numbers since an epoch as times, or as they came.", [Tree, Table], ["z t"];
    Changes, "changes", "What changed", "Show what the last revision changed; in the history, the selected one.", [Record], ["R"];
    Jump, "jump", "Jump", "Show a letter beside each row; typing it goes there.", [Queue, Record, Tree, Table, Connections, Tasks, Checklist, Cases, Case], ["'"];
    CopyValue, "copy-value", "Copy value", "Copy the selected value, or the event's title.", [Queue, Record, Tree, Table, Page, Case], ["y y"];
    CopyPath, "copy-path", "Copy path", "Copy the path of the selected value.", [Record, Tree, Table, Page], ["y p"];
    CopyJson, "copy-json", "Copy JSON", "Copy the selected value, or the event, as JSON.", [Queue, Record, Tree, Table, Page], ["y j"];
    CopyId, "copy-id", "Copy id", "Copy the vendor's key of the event.", [Queue, Record], ["y i"];
    CopyCall, "copy-call", "Copy as command line", "Copy the command line that shows this event or runs this task again.", [Queue, Record, Tasks, Page], ["y c"];
    Pager, "pager", "Open in pager", "Show the document in $PAGER.", [Record, Tree, Table, Page], ["V"];
    Editor, "editor", "Open in editor", "Show the document in $EDITOR.", [Record, Tree, Table, Page], ["E"];
    Pipe, "pipe", "Pipe", "Pipe the document into a command.", [Record, Tree, Table, Page], ["|"];
    Save, "save", "Save", "Write the document, or the case, to a file.", [Record, Tree, Table, Page, Case], ["w"];
    Fetch, "fetch", "Fetch", "Bring new events of the selected connection, or of all.", [Queue, Connections], ["f"];
    Refill, "retry-gap", "Retry gaps", "Fetch the first gap of the selected connection again.", [Connections], ["g f"];
    Test, "test", "Test connection", "Run the connection's own test.", [Connections], ["t"];
    SignIn, "sign-in", "Sign in", "Sign a user in to this connection: open a link, paste the address that it ends at.", [Connections], ["s"];
    CopyLink, "copy-link", "Copy link", "Copy the link to open.", [SignIn], ["ctrl-y"];
    NewLink, "new-link", "New link", "Make another link, for other scopes or when the last one is used up.", [SignIn], ["ctrl-r"];
    Commands, "commands", "Commands", "Choose a command of this connection.", [Connections], ["a"];
    AddConnection, "add-connection", "Add connection", "Add a connection: choose the system, fill in what it needs.", [Welcome, Connections], ["n"];
    Demo, "demo", "Demo", "Start the demo: simulated vendors, thrown away when you leave.", [Welcome], ["d"];
    Cancel, "cancel", "Cancel", "Cancel the selected task, or take the selected letter of the outbox back.", [Tasks, Outbox], ["x"];
    RetryFailed, "retry-failed", "Retry the failed", "Open the form again with only the items that failed.", [Tasks, Page], ["R"];
    KeepForLater, "keep-for-later", "Into the outbox", "Put a run that could not be sent into the outbox.", [Tasks, Page], ["b"];
    Send, "send", "Send", "Send the selected letter of the outbox, if nothing has changed at the vendor.", [Outbox], ["enter"];
    Dismiss, "dismiss", "Dismiss", "Take a finished task off the list.", [Tasks], ["delete"];
    Preview, "preview", "Preview", "Show the exact requests without sending anything; of a playbook's inputs, the dry run.", [Form, Sheet], ["ctrl-p"];
    PickValue, "pick", "Pick", "Choose from the list of values; in JSON, a value for the place at the cursor or a field to add.", [Form], ["ctrl-l"];
    NextPlace, "next-place", "Next place", "In JSON, go to the next place that is still to be filled in; what is typed takes its place.", [Form], ["ctrl-t"];
    WriteOut, "write-out", "Write out", "In JSON, write out every field that there may be; what is left open is not sent.", [Form], ["ctrl-o"];
    Submit, "submit", "Run", "Check the form and run the command; run the playbook whose dry run is shown.", [Form, Sheet], ["ctrl-s"];
    OpenOutbox, "outbox", "Outbox", "Show what waits to be sent to vendors that could not be reached.", [Global], ["g b"];
    Notices, "notices", "Notices", "Show all notices.", [Global], ["g n"];
    History, "history", "History", "Show what was run and decided.", [Global], ["g h"];
    ShowCases, "cases", "Cases", "Show the cases.", [Global], ["g k"];
    NewCase, "new-case", "New case", "Open a case.", [Cases], ["n"];
    CloseCase, "close-case", "Close or reopen", "Close the case, or open it again.", [Cases, Case], ["X"];
    CaseQueue, "case-queue", "In the queue", "Show the case's events in the queue.", [Cases, Case], ["p"];
    Withdraw, "remove-from-case", "Take out", "Take the event out of the case.", [Case], ["x"];
    AddFile, "add-file", "Add file", "Put a file into the case: archived in the quarantine, with its SHA-256.", [Case], ["a"];
    OpenFile, "open-file", "Open file", "Open a JSON file here.", [Global], ["g o"];
    Log, "log", "Log", "Show what the program logged.", [Global], ["g l"];
    Stats, "stats", "Stats", "Show the key and time meter.", [Global], ["g s"];
    LocalTime, "local-time", "Local time", "Show times in UTC or local.", [Global], ["g t"];
    Theme, "theme", "Theme", "Choose the colours.", [Global], ["g c"];
    Views, "views", "Views", "Choose a saved view of the queue.", [Global], ["g v"];
    SaveView, "save-view", "Save view", "Save the queue's query, order and grouping as a view under a name.", [Global], ["g w"];
    ForgetView, "remove-view", "Remove view", "Remove a view of your own.", [Global], ["g x"];
    Record, "record", "Record", "Record what you run and decide as a playbook; again, stop and name it.", [Global, Page], ["Q"];
    Mouse, "mouse", "Mouse", "Turn the mouse on or off.", [Global], ["g m"];
    Ascii, "ascii", "ASCII", "Draw with ASCII only, or with box characters.", [Global], ["g a"];
    Redraw, "redraw", "Redraw", "Draw everything anew.", [Global], ["ctrl-l"];
    Suspend, "suspend", "Suspend", "Go to the background (shell's fg brings it back).", [Global], ["ctrl-z"];
}

impl Action {
    /// Every action.
    pub fn table() -> &'static [Row] {
        TABLE
    }

    /// Whether it is about events: the marked ones, or the one under the cursor.
    pub fn needs_event(self) -> bool {
        use Action::{Act, Again, Case, Dispose, Memo, Pivot, Playbooks, Quick, Reopen, Take, WriteBack};
        matches!(self, Dispose | Again | Take | Reopen | Memo | Case | Act | Playbooks | Quick | Pivot | WriteBack)
    }

    /// Its row.
    pub fn row(self) -> &'static Row {
        // The enum and the table are made from one list, so its number is its place.
        TABLE.get(self as usize).unwrap_or(&TABLE[0])
    }
}

/// One line for every quick command of the vendors' events: what is pressed after the key of [`Action::Quick`].
fn quick_rows(keymap: &Keymap, entries: &[(&str, Entry)]) -> Vec<(String, String, String)> {
    let begins = keymap.hint(Action::Quick).unwrap_or_default();
    let sources = entries.iter().flat_map(|(vendor, entry)| entry.sources.iter().map(move |source| (vendor, entry, source)));
    let rows = sources.flat_map(|(vendor, entry, source)| {
        let begins = begins.clone();
        (source.quick)(&Value::Null).into_iter().map(move |quick| {
            let command = entry.command(&quick.command).map_or("", |command| command.title.as_str());
            let help = format!("{} on an event of type {} ({command}).", quick.title, source.event_type);
            (format!("quick/{vendor}/{}/{}", source.name, quick.letter), format!("{begins} {}", quick.letter), help)
        })
    });
    rows.collect()
}

/// The lines of `nightdesk keys`: every action with where it works, its keys as configured and its help; then the quick commands of the
/// vendors' events.
pub fn lines(keymap: &Keymap, entries: &[(&str, Entry)]) -> Vec<Value> {
    let line = |row: &Row| {
        let contexts: Vec<_> = row.contexts.iter().map(|context| context.as_str()).collect();
        json!({"action": row.id, "contexts": contexts, "keys": keymap.chords(row.action), "help": row.help})
    };
    let contexts: Vec<_> = Action::Quick.row().contexts.iter().map(|context| context.as_str()).collect();
    let quick = |(id, keys, help): (String, String, String)| json!({"action": id, "contexts": contexts, "keys": [keys], "help": help});
    TABLE.iter().map(line).chain(quick_rows(keymap, entries).into_iter().map(quick)).collect()
}

/// `assets/keys.md`.
pub fn reference(entries: &[(&str, Entry)]) -> String {
    let mut text =
        String::from("# Keys\n\nMade from the action table; do not edit.\n\n| action | where | keys | does |\n|---|---|---|---|\n");
    let keymap = Keymap::default();
    for row in TABLE {
        let contexts: Vec<_> = row.contexts.iter().map(|context| context.as_str()).collect();
        let keys: Vec<_> = keymap.chords(row.action).iter().map(|chord| format!("`{}`", chord.replace('|', "\\|"))).collect();
        text.push_str(&format!("| {} | {} | {} | {} |\n", row.id, contexts.join(", "), keys.join(", "), row.help));
    }
    text.push_str("\n## Quick commands\n\nThe key of the action quick, then a letter, on an event of that type.\n\n| quick command | keys | does |\n|---|---|---|\n");
    for (id, keys, help) in quick_rows(&keymap, entries) {
        text.push_str(&format!("| {id} | `{keys}` | {help} |\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_its_action_and_says_what_it_does() {
        let mut ids = std::collections::BTreeSet::new();
        for row in Action::table() {
            assert_eq!(row.action.row().id, row.id);
            assert!(ids.insert(row.id), "{} twice", row.id);
            assert!(row.help.ends_with('.') && !row.title.is_empty(), "{}", row.id);
        }
    }
}

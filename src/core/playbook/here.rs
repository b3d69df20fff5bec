//! Steps that decide about the event itself: what an analyst does here and not at a vendor.

use serde_json::{Map, Value};

use crate::core::catalogue::{Arguments, Choice, Class, Command, Parameter, Type};
use crate::core::event::Disposition;
use crate::core::outcome::{Failure, Outcome};
use crate::core::triage::Change;

/// The vendor that such steps name.
pub const VENDOR: &str = "nightdesk";

fn own(title: &str, help: &str) -> Command {
    // The store decides, not a conversation.
    let decided = |_, _, _| async { Outcome::failed(Failure::new("Run failed.", "This is decided here, not at a vendor.")) };
    Command::new(title, help, decided).class(Class::NOTE)
}

fn text(label: &str, help: &str) -> Parameter {
    Parameter::new(label, Type::Text { max_chars: None, multiline: true }, help)
}

/// The commands of such steps.
pub fn commands() -> Vec<Command> {
    let verdicts = Disposition::ALL.iter().map(|(name, _, _)| Choice { label: (*name).into(), wire: Value::from(*name) }).collect();
    vec![
        own("Take", "Takes the event."),
        own("Reopen", "Sets the event back to new."),
        own("Note", "Writes a note on the event.").parameter(text("Text", "The note.").required()),
        own("Close", "Closes the event.")
            .parameter(Parameter::new("Disposition", Type::Choice(verdicts), "The verdict.").required())
            .parameter(text("Note", "Why.")),
        own("Case", "Puts the event into a case.").parameter(Parameter::new("Name", Type::TEXT, "The case.").required()),
    ]
}

/// The command of that name.
pub fn command(name: &str) -> Option<Command> {
    commands().into_iter().find(|command| command.name == name)
}

/// What a command of here does to the event.
pub fn change(command: &str, arguments: &Arguments) -> Option<Change> {
    let text = |name: &str| arguments.text(name).unwrap_or_default().to_owned();
    Some(match command {
        "take" => Change::Take,
        "reopen" => Change::Reopen,
        "note" => Change::Note(text("text")),
        "close" => Change::Close(Disposition::parse(&text("disposition"))?, text("note")),
        "case" => Change::Case(text("name")),
        _ => return None,
    })
}

/// The command and arguments that do what was done.
pub fn call(change: &Change) -> (&'static str, Map<String, Value>) {
    let pairs = |pairs: &[(&str, &str)]| {
        let given = pairs.iter().filter(|(_, value)| !value.is_empty());
        given.map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect()
    };
    match change {
        Change::Take => ("take", Map::new()),
        Change::Reopen => ("reopen", Map::new()),
        Change::Note(text) => ("note", pairs(&[("text", text)])),
        Change::Close(disposition, note) => ("close", pairs(&[("disposition", disposition.as_str()), ("note", note)])),
        Change::Case(name) => ("case", pairs(&[("name", name)])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::catalogue::{Given, validate};

    #[test]
    fn every_change_can_be_done_again() {
        let changes = [
            Change::Take,
            Change::Reopen,
            Change::Note("seen".into()),
            Change::Close(Disposition::Benign, String::new()),
            Change::Close(Disposition::TruePositive, "bad".into()),
            Change::Case("case-1".into()),
        ];
        for done in changes {
            let (name, arguments) = call(&done);
            let given = arguments.into_iter().map(|(name, value)| (name, Given::Json(value))).collect();
            let arguments = validate(&command(name).unwrap(), given, jiff::Timestamp::UNIX_EPOCH).unwrap();
            assert_eq!(change(name, &arguments), Some(done));
        }
    }
}

//! Quick commands: what an analyst does to the events of a source, under a letter of its own and filled in from the record.

use serde_json::{Map, Value};

use super::Parameter;

/// A command that an event is asked for, as the console offers it on that event.
#[derive(Clone, Debug)]
pub struct Quick {
    /// The key that chooses it.
    pub letter: char,
    /// What it is called on the event: `Close with a reason`.
    pub title: String,
    /// Name of the command of the same connection.
    pub command: String,
    /// What it is given from the record, by parameter name; a nested value is a JSON object.
    pub values: Map<String, Value>,
    /// What is still asked, in a short form; `None` opens the command's own form.
    pub asks: Option<Vec<Ask>>,
    /// What one should know before saying yes: name and value.
    pub facts: Vec<(String, String)>,
    /// What is typed to confirm it where it cannot be undone, instead of the command's name.
    pub word: Option<String>,
    /// Why it cannot be done with this event.
    pub reason: Option<String>,
    /// A reading command, with its arguments, that brings the event as it is afterwards.
    pub reread: Option<(String, Map<String, Value>)>,
}

/// One thing that a quick command asks.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The field.
    pub parameter: Parameter,
    /// Where its value goes: a parameter of the command, or a path into one (`action.note.note_text`).
    pub into: String,
    /// Where the name of a picked value goes, if anywhere.
    pub named: Option<String>,
}

impl Quick {
    /// A quick command that opens the command's own form.
    pub fn new(letter: char, title: &str, command: &str) -> Self {
        Self {
            letter,
            title: title.into(),
            command: command.into(),
            values: Map::new(),
            asks: None,
            facts: Vec::new(),
            word: None,
            reason: None,
            reread: None,
        }
    }

    /// The same with a value, at a parameter or at a path into one. One that is missing in the record is left out.
    #[must_use]
    pub fn value(mut self, path: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        if !value.is_null() {
            put(&mut self.values, path, value);
        }
        self
    }

    /// The same in a short form, which asks nothing more than [`Quick::ask`] adds.
    #[must_use]
    pub fn short(mut self) -> Self {
        self.asks.get_or_insert_default();
        self
    }

    /// The same in a short form with one more question; its answer goes to a parameter or to a path into one.
    #[must_use]
    pub fn ask(mut self, into: &str, parameter: Parameter) -> Self {
        self.asks.get_or_insert_default().push(Ask { parameter, into: into.into(), named: None });
        self
    }

    /// The same; the name of the value that was picked last goes there.
    #[must_use]
    pub fn named(mut self, path: &str) -> Self {
        if let Some(ask) = self.asks.as_mut().and_then(|asks| asks.last_mut()) {
            ask.named = Some(path.into());
        }
        self
    }

    /// The same with something one should know; nothing where the record does not say it.
    #[must_use]
    pub fn fact(mut self, name: &str, value: Option<String>) -> Self {
        self.facts.extend(value.filter(|value| !value.is_empty()).map(|value| (name.to_owned(), value)));
        self
    }

    /// The same, confirmed by typing this.
    #[must_use]
    pub fn word(mut self, word: &str) -> Self {
        self.word = Some(word.into());
        self
    }

    /// The same, not to be had where there is a reason.
    #[must_use]
    pub fn unless(mut self, reason: Option<&str>) -> Self {
        self.reason = reason.map(str::to_owned);
        self
    }

    /// The same; afterwards this command brings the event as it is then.
    #[must_use]
    pub fn reread(mut self, command: &str, arguments: Map<String, Value>) -> Self {
        self.reread = Some((command.into(), arguments));
        self
    }
}

/// Puts a value into arguments, at a parameter or at a path into one; objects on the way are made.
pub fn put(values: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            values.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = values.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            if let Some(inner) = inner.as_object_mut() {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_find_their_place_and_missing_ones_are_left_out() {
        let record = json!({"uuid": "a", "gone": null});
        let quick = Quick::new('n', "Note", "act")
            .value("uuid", record["uuid"].clone())
            .value("gone", record["gone"].clone())
            .value("action.note.note_text", "x")
            .value("action.note.card_id", "c");
        assert_eq!(Value::from(quick.values), json!({"uuid": "a", "action": {"note": {"note_text": "x", "card_id": "c"}}}));
    }
}

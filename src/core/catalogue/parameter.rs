//! Parameters: one description that makes the form's field, the command line's argument, the help and the validation.

use serde_json::Value;

use crate::core::entity::EntityKind;

/// One input of a command, or one parameter or option of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Name on the command line and in files: the document's label in snake_case.
    pub name: String,
    /// The document's label: `Issue ID(s)`.
    pub label: String,
    /// What it is for, in a sentence.
    pub help: String,
    /// What values it takes, with their limits.
    pub r#type: Type,
    /// Whether it must be given.
    pub required: bool,
    /// What is taken when it is not given, in canonical form (see [`super::validate()`]).
    pub default: Option<Value>,
    /// Whether the value is never shown, stored or logged.
    pub secret: bool,
    /// The kinds of entity that can fill it from a selected event, best first.
    pub prefill: Vec<EntityKind>,
    /// Paths into a selected event's raw record that can fill it (`$.id`), tried before the entities. Each belongs to one event type
    /// of the same vendor: (`event_type`, path); an empty event type means any.
    pub prefill_paths: Vec<(String, String)>,
    /// What a form proposes where nothing else fills the field, as text; `{title}` stands for the event's title. The command line keeps
    /// the default.
    pub proposal: Option<String>,
    /// Where the list to pick from comes from.
    pub pick: Option<Pick>,
    /// What tells the names of its values, so that a question can show them beside the ids; read whenever a form that changes
    /// something holds one without a name.
    pub names: Option<Pick>,
    /// Where it goes (`path`, `query`, `header`, `body`), as a generated command's document says; a native one says so only of a map of
    /// query parameters.
    pub place: String,
}

/// The reading command whose answer fills a pick list, or tells what values are called.
#[derive(Clone, Debug, PartialEq)]
pub struct Pick {
    /// Name of a command of the same connection.
    pub command: String,
    /// JSONPath of the value in its `raw_data` (`$.devices[*].uuid`).
    pub value: String,
    /// What a row is called: the first has the name (`$.devices[*].displayName`), others say more.
    pub labels: Vec<Label>,
    /// What the command itself is given: its parameter, and where that is taken from; the first that has something is taken.
    pub given: Vec<(String, Vec<Feed>)>,
}

/// A part of what a row of a list is called.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Its JSONPath.
    pub path: String,
    /// Where it is an id itself: what tells what that is called.
    pub names: Option<Box<Pick>>,
}

/// Where a list takes what its command is given.
#[derive(Clone, Debug, PartialEq)]
pub enum Feed {
    /// What another field of the same form holds.
    Field(String),
    /// The values that a name is wanted for.
    Values,
    /// What another list holds: only what is called so, or everything where nothing is.
    List(Box<Pick>, String),
}

impl Pick {
    /// A list that its command gives without being given anything.
    pub fn new(command: &str, value: &str, label: &str) -> Self {
        let pick = Self { command: command.into(), value: value.into(), labels: Vec::new(), given: Vec::new() };
        if label.is_empty() { pick } else { pick.label(label, None) }
    }

    /// The same; a row is also called by what stands there, an id where something tells its name.
    #[must_use]
    pub fn label(mut self, path: &str, names: Option<Self>) -> Self {
        self.labels.push(Label { path: path.into(), names: names.map(Box::new) });
        self
    }

    /// The fields of the form that it needs.
    pub fn fields(&self) -> Vec<&str> {
        let feeds = self.given.iter().flat_map(|(_, feeds)| feeds);
        feeds.filter_map(|feed| if let Feed::Field(name) = feed { Some(name.as_str()) } else { None }).collect()
    }

    /// The same; the command is given this.
    #[must_use]
    pub fn give(mut self, parameter: &str, feeds: &[Feed]) -> Self {
        self.given.push((parameter.into(), feeds.to_vec()));
        self
    }
}

/// What values a parameter takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Text, with the most characters (Unicode scalar values) it may have.
    Text {
        /// The most characters, where there is a limit.
        max_chars: Option<usize>,
        /// Whether it is edited in an area of several lines.
        multiline: bool,
    },
    /// A whole number.
    Integer {
        /// The least.
        minimum: Option<i64>,
        /// The most.
        maximum: Option<i64>,
    },
    /// Any number.
    Number {
        /// The least.
        minimum: Option<f64>,
        /// The most.
        maximum: Option<f64>,
    },
    /// Yes or no.
    Boolean,
    /// A moment.
    Time(TimeForm),
    /// One of several.
    Choice(Vec<Choice>),
    /// Several values of one type.
    List {
        /// The type of each.
        of: Box<Type>,
        /// The fewest.
        minimum: usize,
        /// The most.
        maximum: Option<usize>,
    },
    /// A JSON object; the schema, if any, is a JSON Schema that it must satisfy.
    Object {
        /// JSON Schema, with `$ref`s resolved against its own `$defs`.
        schema: Option<Value>,
    },
    /// Any JSON value; text that is not JSON is taken as a string.
    Json {
        /// JSON Schema, with `$ref`s resolved against its own `$defs`.
        schema: Option<Value>,
    },
}

impl Type {
    /// Text of any length on one line.
    pub const TEXT: Self = Self::Text { max_chars: None, multiline: false };

    /// A whole number between two limits.
    pub const fn integer(minimum: i64, maximum: i64) -> Self {
        Self::Integer { minimum: Some(minimum), maximum: Some(maximum) }
    }

    /// A list of texts of which at least `minimum` must be given.
    pub fn texts(minimum: usize) -> Self {
        Self::List { of: Box::new(Self::TEXT), minimum, maximum: None }
    }

    /// A choice: labels with the vendor's own spelling.
    pub fn choice(choices: &[(&str, &str)]) -> Self {
        Self::Choice(choices.iter().map(|(label, wire)| Choice { label: (*label).into(), wire: Value::from(*wire) }).collect())
    }

    /// The type's name in `nightdesk commands`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Integer { .. } => "integer",
            Self::Number { .. } => "number",
            Self::Boolean => "boolean",
            Self::Time(_) => "time",
            Self::Choice(_) => "choice",
            Self::List { .. } => "list",
            Self::Object { .. } => "object",
            Self::Json { .. } => "json",
        }
    }
}

/// One value of a choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// As the document writes it: `In Progress`. This is the canonical value.
    pub label: String,
    /// As the vendor wants it: `IN_PROGRESS`; accepted as input too.
    pub wire: Value,
}

/// How a moment is kept as an argument; input is the same for all (RFC 3339, dates, `-24h`, `now`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeForm {
    /// RFC 3339 text in UTC, ending in `Z`.
    Rfc3339,
    /// A whole number of milliseconds since 1970.
    EpochMillis,
    /// A whole number of seconds since 1970.
    EpochSeconds,
}

impl Parameter {
    /// An optional parameter whose name is made from its label.
    pub fn new(label: &str, r#type: Type, help: &str) -> Self {
        Self {
            name: snake(label),
            label: label.into(),
            help: help.into(),
            r#type,
            required: false,
            default: None,
            secret: false,
            prefill: Vec::new(),
            prefill_paths: Vec::new(),
            proposal: None,
            pick: None,
            names: None,
            place: String::new(),
        }
    }

    /// The same under another name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// The same, going there.
    #[must_use]
    pub fn placed(mut self, place: &str) -> Self {
        self.place = place.into();
        self
    }

    /// The same, but it must be given.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The same with a default, in canonical form.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// The same, never shown.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// The same, filled by entities of these kinds.
    #[must_use]
    pub fn prefill(mut self, kinds: &[EntityKind]) -> Self {
        self.prefill = kinds.to_vec();
        self
    }

    /// The same, filled from a path of the raw record of events of a type.
    #[must_use]
    pub fn prefill_path(mut self, event_type: &str, path: &str) -> Self {
        self.prefill_paths.push((event_type.into(), path.into()));
        self
    }

    /// The same, with what a form proposes.
    #[must_use]
    pub fn propose(mut self, text: &str) -> Self {
        self.proposal = Some(text.into());
        self
    }

    /// The same, with a list to pick from.
    #[must_use]
    pub fn pick(self, command: &str, value: &str, label: &str) -> Self {
        self.pick_from(Pick::new(command, value, label))
    }

    /// The same, with a list to pick from whose command is given something.
    #[must_use]
    pub fn pick_from(mut self, pick: Pick) -> Self {
        self.pick = Some(pick);
        self
    }

    /// The same, with what tells the names of its values.
    #[must_use]
    pub fn named_by(mut self, names: Pick) -> Self {
        self.names = Some(names);
        self
    }
}

/// A label in snake_case: `(s)` becomes `s`, every run of other signs becomes `_`.
pub(crate) fn snake(label: &str) -> String {
    let mut name = String::new();
    for c in label.replace("(s)", "s").chars() {
        if c.is_alphanumeric() {
            name.extend(c.to_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    name.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::snake;

    #[test]
    fn names_are_made_from_labels_as_the_contract_says() {
        for (label, name) in [
            ("Issue ID(s)", "issue_ids"),
            ("Number of Event(s) Fetched", "number_of_events_fetched"),
            ("Device Group UUIDs", "device_group_uuids"),
            ("Fail on 4xx/5xx", "fail_on_4xx_5xx"),
            ("Expected Response Values", "expected_response_values"),
        ] {
            assert_eq!(snake(label), name);
        }
    }
}

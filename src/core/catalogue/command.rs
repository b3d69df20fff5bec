//! Commands: what a vendor can do.

use std::fmt;
use std::sync::Arc;

use serde_json::json;

use super::{Arguments, Class, Invalid, Inverse, Parameter};
use crate::core::connection::Connection;
use crate::core::outcome::{Outcome, ResultItem};
use crate::core::talk::{Conversation, Talk};

/// How a command is carried out: given its arguments and its connection, a conversation that ends in an outcome.
pub type Handler = Arc<dyn Fn(Talk, Arc<Connection>, Arguments) -> Conversation + Send + Sync>;

/// A rule over several parameters; the error names the parameter to mend.
pub type Rule = Arc<dyn Fn(&Arguments) -> Result<(), Invalid> + Send + Sync>;

/// Effect, reach and undo that depend on the arguments.
pub type Escalation = Arc<dyn Fn(&Arguments) -> Class + Send + Sync>;

/// One command of a connection.
#[derive(Clone)]
pub struct Command {
    /// Name on the command line: the document's title in kebab-case.
    pub name: String,
    /// Other names that mean the same.
    pub aliases: Vec<String>,
    /// The document's title: `Update Issues`.
    pub title: String,
    /// What it does, in a sentence or two.
    pub help: String,
    /// What the vendor demands of the account, as the document writes it.
    pub permission: String,
    /// Effect, reach and undo when the arguments are not known: the least of what it may be.
    pub class: Class,
    /// Effect, reach and undo given the arguments, where they depend on them.
    pub escalate: Option<Escalation>,
    /// Its inputs, in the order of the document.
    pub parameters: Vec<Parameter>,
    /// Inputs of which at least one must be given.
    pub one_of: Vec<OneOf>,
    /// Rules over several inputs.
    pub rules: Vec<Rule>,
    /// What is said when it fails: `Update Issues failed.`
    pub indicator: String,
    /// What the document's output message of a failure begins with (`Failed to execute API request. Error: `); mostly nothing.
    pub lament: String,
    /// Status code of a call that is refused before anything is sent, where the document gives such a call one.
    pub refusal: Option<u16>,
    /// The fields that the document calls key fields, with their place in the raw data, for help and reference.
    pub key_fields: Vec<KeyField>,
    /// The counts that the document names among its results: `Issues Count`.
    pub counts: Vec<String>,
    /// What takes it back.
    pub inverse: Option<Inverse>,
    /// What takes it back as long as the vendor has only accepted it and it has not run.
    pub recall: Option<Inverse>,
    /// Whether its route is assumed rather than documented.
    pub assumed: bool,
    /// Whether it can be called but is not offered (its purpose is not known).
    pub hidden: bool,
    /// Heading under which it is listed (a resource of an OpenAPI document, `Graph`); empty for the document's own.
    pub group: String,
    /// How it is carried out.
    pub handler: Handler,
}

/// Inputs of which at least one must be given.
#[derive(Clone, Debug)]
pub struct OneOf {
    /// Their names.
    pub names: Vec<String>,
    /// What is said where none is given.
    pub message: String,
}

/// A named list of values that a command gives back.
#[derive(Clone, Debug)]
pub struct KeyField {
    /// Name in the document: `IssueIDs`.
    pub name: String,
    /// JSONPath in the raw data, as far as that holds them.
    pub path: String,
}

impl Command {
    /// A read command; the name is made from the title.
    pub fn new<F>(title: &str, help: &str, run: fn(Talk, Arc<Connection>, Arguments) -> F) -> Self
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        Self::dynamic(
            title,
            help,
            Arc::new(move |talk, connection, arguments| Conversation::new(&talk.clone(), run(talk, connection, arguments))),
        )
    }

    /// The same for a handler that is made at run time.
    pub fn dynamic(title: &str, help: &str, handler: Handler) -> Self {
        Self {
            name: kebab(title),
            aliases: Vec::new(),
            title: title.into(),
            help: help.into(),
            permission: String::new(),
            class: Class::READ,
            escalate: None,
            parameters: Vec::new(),
            one_of: Vec::new(),
            rules: Vec::new(),
            indicator: format!("{title} failed."),
            lament: String::new(),
            refusal: None,
            key_fields: Vec::new(),
            counts: Vec::new(),
            inverse: None,
            recall: None,
            assumed: false,
            hidden: false,
            group: String::new(),
            handler,
        }
    }

    /// The same under another name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// The same with another name that means it.
    #[must_use]
    pub fn alias(mut self, name: &str) -> Self {
        self.aliases.push(name.into());
        self
    }

    /// The same with what the vendor demands of the account.
    #[must_use]
    pub fn permission(mut self, permission: &str) -> Self {
        self.permission = permission.into();
        self
    }

    /// The same with its effect, reach and undo.
    #[must_use]
    pub fn class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    /// The same, with effect, reach and undo that depend on the arguments.
    #[must_use]
    pub fn escalate(mut self, by: impl Fn(&Arguments) -> Class + Send + Sync + 'static) -> Self {
        self.escalate = Some(Arc::new(by));
        self
    }

    /// The same with one more input.
    #[must_use]
    pub fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// The same with inputs of which at least one must be given, and what is said where none is.
    #[must_use]
    pub fn one_of(mut self, names: &[&str], message: &str) -> Self {
        self.one_of.push(OneOf { names: names.iter().map(|name| (*name).to_owned()).collect(), message: message.into() });
        self
    }

    /// The same with what is said when it fails.
    #[must_use]
    pub fn indicator(mut self, indicator: &str) -> Self {
        self.indicator = indicator.into();
        self
    }

    /// The same with what its output message begins with when it fails.
    #[must_use]
    pub fn lament(mut self, lament: &str) -> Self {
        self.lament = lament.into();
        self
    }

    /// The same with one more rule over several inputs.
    #[must_use]
    pub fn rule(mut self, rule: impl Fn(&Arguments) -> Result<(), Invalid> + Send + Sync + 'static) -> Self {
        self.rules.push(Arc::new(rule));
        self
    }

    /// The same with one more key field.
    #[must_use]
    pub fn key_field(mut self, name: &str, path: &str) -> Self {
        self.key_fields.push(KeyField { name: name.into(), path: path.into() });
        self
    }

    /// The same with one more count.
    #[must_use]
    pub fn count(mut self, name: &str) -> Self {
        self.counts.push(name.into());
        self
    }

    /// Completes an outcome: key fields and counts are there when they are empty, however it ended (contract, The envelope).
    pub fn complete(&self, outcome: &mut Outcome) {
        for field in &self.key_fields {
            let empty = if field.path.contains("[*]") { json!([]) } else { json!("") };
            outcome.key_fields.entry(field.name.as_str()).or_insert(empty);
        }
        for count in &self.counts {
            if !outcome.result.iter().any(|item| item.name == *count) {
                outcome.result.push(ResultItem { name: count.clone(), value: json!(0) });
            }
        }
    }

    /// The same with what takes it back.
    #[must_use]
    pub fn inverse(mut self, inverse: Inverse) -> Self {
        self.inverse = Some(inverse);
        self
    }

    /// The same with what takes it back as long as it has not run.
    #[must_use]
    pub fn recall(mut self, recall: Inverse) -> Self {
        self.recall = Some(recall);
        self
    }

    /// Effect, reach and undo of these arguments.
    pub fn class_of(&self, arguments: &Arguments) -> Class {
        self.escalate.as_ref().map_or(self.class, |by| by(arguments))
    }

    /// Begins the conversation.
    pub fn start(&self, talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Conversation {
        (self.handler)(talk, connection, arguments)
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").field("name", &self.name).field("class", &self.class).finish_non_exhaustive()
    }
}

/// A title in kebab-case: `On-Demand Scan` becomes `on-demand-scan`.
fn kebab(title: &str) -> String {
    super::parameter::snake(title).replace('_', "-")
}

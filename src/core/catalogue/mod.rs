//! The catalogue: what each vendor can do, as data.
//!
//! A [`Vendor`] opens a configured [`Connection`] into an [`Entry`]: its commands, event sources,
//! roots and rate. The form, the command line, validation, help, the command reference, the palette and the audit record all come
//! from here; a native command and one read from an OpenAPI document are the same [`Command`].

mod arguments;
mod class;
mod command;
mod parameter;
mod quick;
mod reference;
mod source;
mod validate;
mod write_back;

use std::time::Duration;

pub use arguments::Arguments;
pub use class::{Class, Effect, Inverse, Reach, Undo};
pub use command::{Command, Escalation, Handler, KeyField, OneOf, Rule};
pub use parameter::{Choice, Feed, Label, Parameter, Pick, TimeForm, Type};
pub use quick::{Ask, Quick, put};
pub use reference::reference;
pub use source::{Fetched, Fetcher, Gap, Page, Position, Source, Window, Words};
pub use validate::{Given, Invalid, named, parse_span, parse_time, validate, validate_value};
pub use write_back::{Look, Ruling, Teller, Telling, WriteBack, arguments};

use super::connection::Connection;
use super::sign_in::SignIn;

/// A kind of system that nightdesk can be connected to.
#[derive(Clone, Copy)]
pub struct Vendor {
    /// Name in configuration and output: `wiz`.
    pub id: &'static str,
    /// Name for people: `Wiz`.
    pub title: &'static str,
    /// What a connection needs, secrets included ([`Parameter::secret`]).
    pub parameters: fn() -> Vec<Parameter>,
    /// The switches of `[connection.options]`, each with the default that the vendor page states. Dotted names are tables.
    pub options: fn() -> Vec<Parameter>,
    /// Checks a connection as a whole and builds its entry.
    ///
    /// Errors name the parameter at fault; nothing is sent.
    pub open: fn(&Connection) -> Result<Entry, Vec<Invalid>>,
}

impl Vendor {
    /// The entry of a made-up connection, for listing what a vendor can do; `None` where an entry is built from a document of the
    /// user's own.
    pub fn sample(&self) -> Option<Entry> {
        let mut connection = Connection { name: self.id.into(), vendor: self.id.into(), ..Connection::default() };
        for parameter in (self.parameters)() {
            let value = match &parameter.r#type {
                _ if parameter.name == "document" => return None,
                _ if parameter.secret => {
                    connection.secrets.insert(parameter.name);
                    continue;
                }
                _ if parameter.default.is_some() => parameter.default,
                Type::Text { .. } if parameter.name.contains("url") => Some("https://vendor.example".into()),
                _ if !parameter.required && !parameter.name.ends_with("_id") => None,
                Type::Choice(choices) => choices.first().map(|choice| choice.label.as_str().into()),
                _ => Some("00000000-0000-0000-0000-000000000000".into()),
            };
            if let Some(value) = value {
                connection.parameters.insert(parameter.name, value);
            }
        }
        for option in (self.options)() {
            if let Some(default) = option.default {
                connection.options.insert(option.name, default);
            }
        }
        (self.open)(&connection).ok()
    }
}

impl std::fmt::Debug for Vendor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vendor").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What one connection can do: built once from its parameters.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// Its commands, in the order of the source document.
    pub commands: Vec<Command>,
    /// What feeds the event queue.
    pub sources: Vec<Source>,
    /// The hosts that it may send credentials to.
    pub roots: Vec<Root>,
    /// The most requests a second, for all commands of the connection together; `None` where the vendor states no limit.
    pub rate: Option<f64>,
    /// How often a request is tried.
    pub retry: Retry,
    /// Name of the command that tests the connection.
    pub test: String,
    /// Names of secret fields of answers (`client_secret`); replaced before anything is stored, indexed, logged or exported.
    pub secret_fields: Vec<String>,
    /// Headers that every request of the connection carries (an integration's name, say).
    pub headers: Vec<(String, String)>,
    /// How long the client waits for a request, where the vendor has its own rule.
    pub timeout: Option<Duration>,
    /// How a user signs in by a browser, where the vendor has such a way.
    pub guided: Option<Guided>,
}

/// How often a request is tried, within the time that all tries together have.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// The most tries.
    pub tries: u32,
    /// The longest pause between two of them, unless the vendor names one.
    pub pause: Duration,
}

impl Default for Retry {
    /// As the contract says (Repeats).
    fn default() -> Self {
        Self { tries: 4, pause: Duration::from_secs(15) }
    }
}

/// A sign-in by a browser: one command makes the link, another takes the address that the browser ends at.
#[derive(Clone, Debug)]
pub struct Guided {
    /// Name of the command that makes the link.
    pub link: String,
    /// Name of the line of its result that holds the link.
    pub shown: String,
    /// Name of the command that takes the address.
    pub answer: String,
    /// Its secret parameter.
    pub parameter: String,
}

impl Entry {
    /// The command of that name, or of that alias.
    pub fn command(&self, name: &str) -> Option<&Command> {
        self.commands.iter().find(|command| command.name == name || command.aliases.iter().any(|alias| alias == name))
    }

    /// How events of a type are written back; or why they are not.
    ///
    /// # Errors
    /// The reason, as a sentence.
    pub fn write_back(&self, event_type: &str) -> Result<&WriteBack, String> {
        let source = self.sources.iter().find(|source| source.event_type == event_type);
        source.ok_or_else(|| format!("No source of the connection brings {event_type}."))?.write_back.as_ref().map_err(Clone::clone)
    }

    /// What a vendor's status of an event type reads like.
    pub fn status_words(&self, event_type: &str, status: &str) -> String {
        let words = self.sources.iter().find(|source| source.event_type == event_type).and_then(|source| source.status_words.as_ref());
        words.map_or_else(|| status.to_owned(), |words| words(status))
    }

    /// The event source of that name (compared without case).
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name.eq_ignore_ascii_case(name))
    }
}

/// A host, with its base path, that belongs to a connection. Scheme, host and port together decide who gets its credentials.
#[derive(Clone, Debug)]
pub struct Root {
    /// Name by which requests refer to it (`api`, `automation`).
    pub name: String,
    /// Base URL; a request's path is appended to it.
    pub url: String,
    /// How a request to it is authorised.
    pub auth: Auth,
}

/// How a request to a root is authorised.
#[derive(Clone, Debug)]
pub enum Auth {
    /// Not at all.
    None,
    /// With a token that has to be obtained first, as `Authorization: Bearer` or as the sign-in says.
    SignIn(Box<SignIn>),
    /// With a fixed secret of the connection in a header: name, and the value with its secret pieces.
    Header(String, super::request::Template),
    /// With a fixed secret of the connection in the query.
    Query(String, super::request::Template),
    /// With user name and password (parameter names) by HTTP Basic.
    Basic {
        /// Parameter that holds the user name.
        username: String,
        /// Secret parameter that holds the password.
        password: String,
    },
}

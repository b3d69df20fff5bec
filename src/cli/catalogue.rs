//! `nightdesk commands`: what can be run, from the catalogue.

use clap::Args;
use serde_json::{Value, json};

use super::WRONG_CALL;
use super::context::Context;
use super::output::{cell, complain};
use crate::core::catalogue::{Command, Entry, Parameter, Type, reference};
use crate::core::nearest::meant;
use crate::vendor;

/// Arguments of `nightdesk commands`.
#[derive(Debug, Args)]
pub struct Commands {
    /// A vendor or a connection
    of: Option<String>,
    /// One command
    command: Option<String>,
    /// Print the reference of all vendors as a page (assets/commands.md)
    #[arg(long, hide = true)]
    reference: bool,
}

impl Commands {
    pub(super) fn carry_out(self, context: &Context) -> u8 {
        if self.reference {
            context.output.bytes(reference(&vendor::all()).as_bytes());
            return 0;
        }
        let entries = match self.entries(context) {
            Ok(entries) => entries,
            Err(reason) => {
                complain(&reason);
                return WRONG_CALL;
            }
        };
        let found: Vec<(&str, &Command)> = entries
            .iter()
            .flat_map(|(vendor, entry)| entry.commands.iter().map(move |command| (*vendor, command)))
            .filter(|(_, command)| self.command.as_ref().is_none_or(|name| command.name == *name || command.aliases.contains(name)))
            .collect();
        if let (Some(name), true) = (&self.command, found.is_empty()) {
            let known = entries.iter().flat_map(|(_, entry)| entry.commands.iter().map(|command| command.name.as_str()));
            complain(&format!("{} has no command {name}{}", self.of.as_deref().unwrap_or_default(), meant(name, known)));
            return WRONG_CALL;
        }
        let rows: Vec<Value> = found.iter().map(|(vendor, command)| line(vendor, command)).collect();
        if self.command.is_some() && !context.output.is_json() {
            found.iter().for_each(|(_, command)| describe(context, command));
        } else {
            let columns = [("VENDOR", "vendor"), ("COMMAND", "name"), ("EFFECT", "effect"), ("PERMISSION", "permission"), ("HELP", "help")];
            context.output.rows(&rows, &columns);
        }
        0
    }

    /// The vendors' entries, or the named one's.
    fn entries(&self, context: &Context) -> Result<Vec<(&'static str, Entry)>, String> {
        let Some(of) = &self.of else {
            return Ok(vendor::all().into_iter().filter_map(|vendor| Some((vendor.id, vendor.sample()?))).collect());
        };
        if let Some(vendor) = vendor::find(of)
            && let Some(entry) = vendor.sample()
        {
            return Ok(vec![(vendor.id, entry)]);
        }
        let connections = context.connections().map_err(|cannot| cannot.reasons.join("\n"))?;
        let configured = connections.all.iter().find(|configured| configured.connection.name == *of);
        let names = connections.all.iter().map(|configured| configured.connection.name.as_str());
        let known = vendor::all().into_iter().map(|vendor| vendor.id).chain(names);
        let configured = configured.ok_or_else(|| format!("{of} is neither a vendor nor a connection{}", meant(of, known)))?;
        let vendor = vendor::find(&configured.connection.vendor).ok_or_else(|| format!("{of} has no vendor"))?;
        let entry = (vendor.open)(&configured.connection)
            .map_err(|complaints| complaints.into_iter().map(|complaint| complaint.message).collect::<Vec<_>>().join("\n"))?;
        Ok(vec![(vendor.id, entry)])
    }
}

/// A command as a JSON line.
pub(super) fn line(vendor: &str, command: &Command) -> Value {
    json!({
        "vendor": vendor, "name": command.name, "title": command.title, "help": command.help, "permission": command.permission,
        "effect": command.class.effect, "reach": command.class.reach, "undo": command.class.undo,
        "inverse": command.inverse.as_ref().map(|inverse| inverse.command.as_str()),
        "effect_depends_on_arguments": command.escalate.is_some(),
        "assumed": command.assumed, "offered": !command.hidden, "aliases": command.aliases,
        "key_fields": command.key_fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(),
        "parameters": command.parameters.iter().map(parameter).collect::<Vec<_>>(),
    })
}

fn parameter(parameter: &Parameter) -> Value {
    let (minimum, maximum) = limits(&parameter.r#type);
    json!({
        "name": parameter.name, "label": parameter.label, "type": parameter.r#type.name(), "required": parameter.required,
        "default": parameter.default, "choices": choices(&parameter.r#type), "minimum": minimum, "maximum": maximum,
        "help": parameter.help, "secret": parameter.secret, "pick": parameter.pick.as_ref().map(|pick| pick.command.as_str()),
    })
}

/// The least and the most: of a number, of a text's characters, of a list's entries.
fn limits(r#type: &Type) -> (Value, Value) {
    match r#type {
        Type::Integer { minimum, maximum } => (json!(minimum), json!(maximum)),
        Type::Number { minimum, maximum } => (json!(minimum), json!(maximum)),
        Type::Text { max_chars, .. } => (Value::Null, json!(max_chars)),
        Type::List { minimum, maximum, .. } => (if *minimum > 0 { json!(minimum) } else { Value::Null }, json!(maximum)),
        _ => (Value::Null, Value::Null),
    }
}

fn choices(r#type: &Type) -> Value {
    match r#type {
        Type::Choice(choices) => choices.iter().map(|choice| Value::from(choice.label.as_str())).collect(),
        Type::List { of, .. } => choices(of),
        _ => Value::Null,
    }
}

fn describe(context: &Context, command: &Command) {
    let output = context.output;
    output.line(&format!("{} ({})", command.title, command.name));
    output.line(&command.help);
    output.line(&format!(
        "effect {}, reach {}, undo {}",
        cell(&json!(command.class.effect)),
        cell(&json!(command.class.reach)),
        cell(&json!(command.class.undo))
    ));
    if !command.permission.is_empty() {
        output.line(&format!("needs {}", command.permission));
    }
    let rows: Vec<Value> = command.parameters.iter().map(parameter).collect();
    let columns = [
        ("PARAMETER", "name"),
        ("TYPE", "type"),
        ("REQUIRED", "required"),
        ("DEFAULT", "default"),
        ("MIN", "minimum"),
        ("MAX", "maximum"),
        ("CHOICES", "choices"),
        ("HELP", "help"),
    ];
    output.rows(&rows, &columns);
}

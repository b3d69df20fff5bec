//! The command reference: the catalogue as a page to read. `assets/commands.md` is made by it, and a test says when that is stale.

use std::fmt::Write;

use super::{Command, Entry, Parameter, Type, Vendor};

/// The reference of all vendors that can be listed without a document of the user's own.
pub fn reference(vendors: &[Vendor]) -> String {
    let mut out = String::from(
        "# Commands\n\nMade by `nightdesk commands --reference` from the catalogue; do not edit.\n\nEffect and reach are the least that a command may have; \
         \"(depends)\" marks those that depend on the arguments.\n",
    );
    for vendor in vendors {
        if let Some(entry) = vendor.sample() {
            chapter(&mut out, vendor, &entry);
        }
    }
    out
}

fn chapter(out: &mut String, vendor: &Vendor, entry: &Entry) {
    let _ = write!(out, "\n## {} (`{}`)\n\n", vendor.title, vendor.id);
    out.push_str("Connection parameters:\n\n| parameter | type | required | default | what it is |\n|---|---|---|---|---|\n");
    for parameter in (vendor.parameters)() {
        row(out, &parameter);
    }
    let options = (vendor.options)();
    if !options.is_empty() {
        out.push_str("\nOptions:\n\n| option | type | required | default | what it is |\n|---|---|---|---|---|\n");
        options.iter().for_each(|option| row(out, option));
    }
    if !entry.sources.is_empty() {
        let names: Vec<String> = entry.sources.iter().map(|source| format!("`{}`", source.name)).collect();
        let _ = write!(out, "\nEvent sources: {}\n", names.join(", "));
    }
    for command in &entry.commands {
        section(out, command);
    }
}

fn section(out: &mut String, command: &Command) {
    let lower = |value: &dyn std::fmt::Debug| format!("{value:?}").to_lowercase();
    let _ = write!(out, "\n### {} (`{}`)\n\n{}\n\n", command.title, command.name, cell(&command.help));
    let depends = if command.escalate.is_some() { " (depends)" } else { "" };
    let _ = write!(
        out,
        "Effect {}{depends}, reach {}, undo {}.",
        lower(&command.class.effect),
        lower(&command.class.reach),
        lower(&command.class.undo)
    );
    if let Some(inverse) = &command.inverse {
        let _ = write!(out, " Undone by `{}` {}.", inverse.command, inverse.condition);
    }
    if !command.permission.is_empty() {
        let _ = write!(out, " Needs: {}.", cell(&command.permission));
    }
    if command.assumed {
        out.push_str(" Its route is assumed, not documented.");
    }
    if command.hidden {
        out.push_str(" Can be called, but is not offered.");
    }
    out.push('\n');
    if !command.parameters.is_empty() {
        out.push_str("\n| parameter | type | required | default | what it is |\n|---|---|---|---|---|\n");
        command.parameters.iter().for_each(|parameter| row(out, parameter));
    }
}

fn row(out: &mut String, parameter: &Parameter) {
    let default = parameter.default.as_ref().map_or(String::new(), |value| format!("`{}`", cell(&value.to_string())));
    let required = if parameter.required { "yes" } else { "" };
    let secret = if parameter.secret { " Secret." } else { "" };
    let _ = writeln!(
        out,
        "| `{}` | {} | {required} | {default} | {}{secret} |",
        parameter.name,
        shape(&parameter.r#type),
        cell(&parameter.help)
    );
}

/// A type with its limits.
fn shape(r#type: &Type) -> String {
    let limits = |least: Option<String>, most: Option<String>| match (least, most) {
        (Some(least), Some(most)) => format!(" {least} to {most}"),
        (Some(least), None) => format!(" from {least}"),
        (None, Some(most)) => format!(" up to {most}"),
        (None, None) => String::new(),
    };
    match r#type {
        Type::Text { max_chars: Some(most), .. } => format!("text, at most {most} characters"),
        Type::Integer { minimum, maximum } => format!("integer{}", limits(minimum.map(|n| n.to_string()), maximum.map(|n| n.to_string()))),
        Type::Number { minimum, maximum } => format!("number{}", limits(minimum.map(|n| n.to_string()), maximum.map(|n| n.to_string()))),
        Type::Choice(choices) => choices.iter().map(|choice| cell(&choice.label)).collect::<Vec<_>>().join(" · "),
        Type::List { of, minimum, .. } => {
            format!("list of {}{}", shape(of), if *minimum > 0 { format!(", at least {minimum}") } else { String::new() })
        }
        other => other.name().into(),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

//! Which commands fit an event: those that it can fill, best first.

use super::chooser::Choice;
use crate::core::catalogue::{Command, Effect as Changes, Reach};
use crate::core::entity::EntityKind;
use crate::core::event::StoredEvent;
use crate::core::fill::{prefill, refusal};
use crate::core::health::Connected;
use crate::core::playbook::{Addressee, HERE, Playbook, Step, proposed};

/// The commands of all connections that these events can fill, best first.
pub fn commands(connected: &[Connected], read_only: bool, events: &[StoredEvent]) -> Vec<Choice> {
    let mut scored: Vec<(i32, Choice)> = Vec::new();
    for connection in connected {
        for command in connection.entry.commands.iter().filter(|command| !command.hidden) {
            if let Some((score, filled)) = score(command, connection, events) {
                let mut choice = choice(command, connection, read_only, events);
                choice.note = format!("{} · fills {}", connection.name, filled.join(", "));
                scored.push((score, choice));
            }
        }
    }
    scored.sort_by_key(|(score, choice)| (choice.reason.is_some(), -score));
    scored.into_iter().map(|(_, choice)| choice).collect()
}

fn score(command: &Command, connection: &Connected, events: &[StoredEvent]) -> Option<(i32, Vec<String>)> {
    let mut score = 0;
    let mut filled = Vec::new();
    let mut missing = 0;
    for parameter in &command.parameters {
        match prefill(parameter, &connection.vendor, events) {
            Some((_, origin)) => {
                score += if origin.contains('$') { 30 } else { 20 };
                score += if parameter.required { 20 } else { 0 };
                filled.push(parameter.label.clone());
            }
            None if parameter.required && parameter.default.is_none() => missing += 1,
            None => {}
        }
    }
    if filled.is_empty() {
        return None;
    }
    score -= missing * 15;
    if events.iter().all(|event| event.connection == connection.name) {
        score += 60;
    } else if events.iter().all(|event| event.vendor == connection.vendor) {
        score += 20;
    }
    // What changes something about the thing itself is what one comes for; lists can be had anywhere.
    if command.class.effect != Changes::Read {
        score += 10;
    }
    Some((score, filled))
}

/// The playbooks, those that an event fills first.
pub fn playbooks(playbooks: &[Playbook], connected: &[Connected], event: Option<&StoredEvent>) -> Vec<Choice> {
    let mut scored: Vec<(i32, Choice)> = playbooks
        .iter()
        .map(|playbook| {
            let mut score = 0;
            let (mut filled, mut missing) = (Vec::new(), Vec::new());
            for input in &playbook.inputs {
                let known = event.is_some_and(|event| proposed(playbook, input, event).is_some());
                match (known, input.required && input.default.is_none()) {
                    (true, required) => {
                        score += 20 + if required { 20 } else { 0 };
                        filled.push(input.name.as_str());
                    }
                    (false, true) => {
                        score -= 30;
                        missing.push(input.name.as_str());
                    }
                    (false, false) => {}
                }
            }
            let own = |step: &Step| matches!((&step.to, event), (Addressee::Vendor(vendor), Some(event)) if *vendor == event.vendor);
            score += if playbook.steps.iter().any(own) { 40 } else { 0 };
            let mut note = vec![counted(playbook.steps.len())];
            if !filled.is_empty() {
                note.push(format!("fills {}", filled.join(", ")));
            }
            if event.is_some() && !missing.is_empty() {
                note.push(format!("asks for {}", missing.join(", ")));
            }
            (score, playbook_choice(playbook, connected, note.join(" · ")))
        })
        .collect();
    scored.sort_by_key(|(score, _)| -score);
    scored.into_iter().map(|(_, choice)| choice).collect()
}

fn counted(steps: usize) -> String {
    if steps == 1 { "1 step".into() } else { format!("{steps} steps") }
}

/// A playbook as a choice; one whose vendor has no connection cannot be chosen.
pub fn playbook_choice(playbook: &Playbook, connected: &[Connected], note: String) -> Choice {
    let lacks = |step: &&Step| match &step.to {
        _ if step.continue_on_error => false,
        Addressee::Vendor(vendor) => vendor != HERE && !connected.iter().any(|known| known.active && known.vendor == *vendor),
        Addressee::Connection(name) => !connected.iter().any(|known| known.name == *name),
    };
    let reason = playbook.steps.iter().find(lacks).map(|step| match &step.to {
        Addressee::Vendor(vendor) => format!("no connection to {vendor}"),
        Addressee::Connection(name) => format!("no connection {name}"),
    });
    Choice { id: format!("p:{}", playbook.name), title: playbook.title.clone(), note, hint: "playbook".into(), reason, letter: None }
}

/// A command as a choice for these events; one that cannot be run on them cannot be chosen.
pub fn choice(command: &Command, connection: &Connected, read_only: bool, events: &[StoredEvent]) -> Choice {
    let changes = command.class.effect != Changes::Read;
    let hint = match (command.class.effect, command.class.reach) {
        (Changes::Read, _) => "reads",
        (Changes::Destructive, _) | (_, Reach::Irreversible) => "cannot be undone",
        (_, Reach::Disruptive) => "disrupts",
        (_, Reach::Note) => "adds a note",
        (_, Reach::Reversible) => "reversible",
    };
    let reason = match (changes, read_only, connection.read_only) {
        (true, true, _) => Some("the console is read-only".to_owned()),
        (true, _, true) => Some(format!("{} is read-only", connection.name)),
        _ => refusal(command, &connection.vendor, events),
    };
    Choice {
        id: format!("r:{}|{}", connection.name, command.name),
        title: command.title.clone(),
        note: connection.name.clone(),
        hint: hint.into(),
        reason,
        letter: None,
    }
}

/// The entities of events as choices, by letter.
pub fn entities(events: &[StoredEvent]) -> Vec<Choice> {
    let mut choices: Vec<Choice> = Vec::new();
    for kind in LETTERS.iter().map(|(kind, _)| *kind) {
        for entity in events.iter().flat_map(|event| &event.event.entities).filter(|entity| entity.kind == kind) {
            let id = format!("e:{}|{}", kind.as_str(), entity.value);
            // One mention in two spellings is one entity: the store compares without case as well.
            if !choices.iter().any(|known| known.id.eq_ignore_ascii_case(&id)) {
                let letter = LETTERS.iter().find(|(known, _)| *known == kind).map(|(_, letter)| *letter);
                choices.push(Choice { id, title: entity.value.clone(), note: kind.as_str().into(), letter, ..Choice::default() });
            }
        }
    }
    choices
}

/// The letter of each kind of entity, most telling kinds first.
pub const LETTERS: [(EntityKind, char); 12] = [
    (EntityKind::Hash, 'h'),
    (EntityKind::Ip, 'i'),
    (EntityKind::User, 'u'),
    (EntityKind::Host, 'n'),
    (EntityKind::Device, 'd'),
    (EntityKind::Mail, 'm'),
    (EntityKind::Domain, 'o'),
    (EntityKind::Url, 'w'),
    (EntityKind::File, 'f'),
    (EntityKind::Cve, 'v'),
    (EntityKind::CloudResource, 'c'),
    (EntityKind::TenantObject, 't'),
];

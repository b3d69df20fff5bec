//! Telling vendors what was decided: which calls it takes, and what cannot be told, and why. Pure; the runtime makes the calls.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::catalogue::{Class, Command, Effect, Entry, Given, Ruling, validate};
use super::event::StoredEvent;
use super::outcome::{Failure, Fate};

/// A connection as far as telling is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// Its vendor's name for people.
    pub title: &'a str,
    /// Whether nothing may be changed there.
    pub read_only: bool,
    /// What it can do.
    pub entry: &'a Entry,
}

/// One call that tells a vendor about one event, or about several that share it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The connection.
    pub connection: String,
    /// Its vendor's name for people.
    pub vendor: String,
    /// The command.
    pub command: String,
    /// What it is given.
    pub arguments: Map<String, Value>,
    /// The parameter that names the events.
    pub item: String,
    /// The events with the vendor's ids.
    pub events: Vec<(i64, String)>,
    /// The vendor's status afterwards, as its records spell it.
    pub status: String,
    /// The same with its reason, for people.
    pub sets: String,
    /// What was decided.
    pub ruling: Ruling,
}

/// What telling vendors of a decision comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The calls.
    pub calls: Vec<Call>,
    /// The events of which nothing is told, each with the reason.
    pub refused: Vec<(i64, String)>,
}

/// Plans the calls. Events of one connection whose calls differ in nothing but the event share one, where the command takes several.
pub fn plan<'a>(side: impl Fn(&str) -> Option<Side<'a>>, events: &[StoredEvent], ruling: impl Fn(&StoredEvent) -> Ruling) -> Plan {
    let mut plan = Plan::default();
    for event in events {
        match side(&event.connection).ok_or_else(|| format!("There is no connection {} any more.", event.connection)) {
            Ok(side) => match call(side, event, ruling(event)) {
                Ok(call) => plan.add(call),
                Err(reason) => plan.refused.push((event.id, reason)),
            },
            Err(reason) => plan.refused.push((event.id, reason)),
        }
    }
    plan
}

/// The call that tells the vendor about one event.
///
/// # Errors
/// Why there is none.
pub fn call(side: Side<'_>, event: &StoredEvent, ruling: Ruling) -> Result<Call, String> {
    let telling = (side.entry.write_back(&event.event.event_type)?.tell)(&ruling, &event.event)?;
    if side.read_only {
        return Err(format!("{} is read-only.", event.connection));
    }
    Ok(Call {
        connection: event.connection.clone(),
        vendor: side.title.into(),
        command: telling.command.into(),
        arguments: telling.arguments,
        item: telling.item.into(),
        events: vec![(event.id, event.event.key.clone())],
        status: telling.status,
        sets: telling.sets,
        ruling,
    })
}

impl Plan {
    fn add(&mut self, mut call: Call) {
        let alike = self.calls.iter_mut().find(|known| known.takes_in(&call));
        match alike {
            Some(known) => {
                known.events.append(&mut call.events);
                known.arguments = known.only(&known.events);
            }
            None => self.calls.push(call),
        }
    }

    /// How many events are told of.
    pub fn events(&self) -> usize {
        self.calls.iter().map(|call| call.events.len()).sum()
    }

    /// What it comes to, a line each: `REJECTED (False Positive) at Wiz`, with the number of events where there are several.
    pub fn offers(&self) -> Vec<String> {
        let mut offers: Vec<(String, usize)> = Vec::new();
        for call in &self.calls {
            let text = format!("{} at {}", call.sets, call.vendor);
            match offers.iter_mut().find(|(known, _)| *known == text) {
                Some((_, count)) => *count += call.events.len(),
                None => offers.push((text, call.events.len())),
            }
        }
        let several = self.events() + self.refused.len() > 1;
        offers.into_iter().map(|(text, count)| if several { format!("{text} ({count} events)") } else { text }).collect()
    }

    /// Why nothing is told of the rest, each reason once with the number of its events.
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons: Vec<(&str, usize)> = Vec::new();
        for (_, reason) in &self.refused {
            match reasons.iter_mut().find(|(known, _)| known == reason) {
                Some((_, count)) => *count += 1,
                None => reasons.push((reason, 1)),
            }
        }
        let several = self.events() + self.refused.len() > 1;
        reasons.into_iter().map(|(reason, count)| if several { format!("{count} not told: {reason}") } else { reason.to_owned() }).collect()
    }
}

impl Call {
    fn takes_in(&self, other: &Self) -> bool {
        let others = |call: &Self| {
            let mut arguments = call.arguments.clone();
            arguments.remove(&call.item);
            arguments
        };
        let takes_several = self.arguments.get(&self.item).is_some_and(Value::is_array);
        takes_several
            && (&self.connection, &self.command, &self.ruling) == (&other.connection, &other.command, &other.ruling)
            && others(self) == others(other)
    }

    /// Its arguments for some of its events only.
    fn only(&self, events: &[(i64, String)]) -> Map<String, Value> {
        let mut arguments = self.arguments.clone();
        if arguments.get(&self.item).is_some_and(Value::is_array) {
            arguments.insert(self.item.clone(), events.iter().map(|(_, id)| Value::from(id.as_str())).collect());
        }
        arguments
    }

    /// The same for those of its events that are wanted; nothing where none is.
    pub fn narrowed(&self, wanted: impl Fn(i64) -> bool) -> Option<Self> {
        let events: Vec<(i64, String)> = self.events.iter().filter(|(id, _)| wanted(*id)).cloned().collect();
        let arguments = self.only(&events);
        (!events.is_empty()).then(|| Self { arguments, events, ..self.clone() })
    }

    /// What it is given.
    pub fn given(&self) -> Vec<(String, Given)> {
        self.arguments.iter().map(|(name, value)| (name.clone(), Given::Json(value.clone()))).collect()
    }

    /// What it can do, given its command.
    pub fn class(&self, command: &Command) -> Class {
        validate(command, self.given(), jiff::Timestamp::UNIX_EPOCH).map_or(command.class, |arguments| command.class_of(&arguments))
    }

    /// What it is, for people.
    pub fn title(&self) -> String {
        let many = if self.events.len() == 1 { String::new() } else { format!(" for {} events", self.events.len()) };
        format!("Set {} at {}{many}", self.sets, self.vendor)
    }
}

/// The worst that calls can do.
pub fn worst<'a>(calls: &[Call], command: impl Fn(&str, &str) -> Option<&'a Command>) -> Option<Class> {
    let classes = calls.iter().filter_map(|call| command(&call.connection, &call.command).map(|command| call.class(command)));
    classes.max_by_key(|class| (class.effect != Effect::Read, class.reach, class.effect))
}

/// What became of one event that a vendor was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// The vendor has it.
    Done,
    /// The vendor refused it.
    Refused,
    /// The vendor could not be reached; nothing was sent.
    Unsent,
    /// Sent without an answer: not known, and not to be repeated.
    Unknown,
}

impl Became {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "failed",
            Self::Unsent => "not sent",
            Self::Unknown => "unknown",
        }
    }

    /// What became of an item, by what failed. A failure that names no item concerns all.
    pub fn of<'a>(item: &str, failed: bool, errors: &'a [Failure]) -> (Self, Option<&'a Failure>) {
        let own = errors.iter().find(|failure| failure.item.as_deref() == Some(item));
        let Some(failure) = own.or_else(|| errors.iter().find(|failure| failure.item.is_none() && failed)) else {
            return (if failed { Self::Refused } else { Self::Done }, None);
        };
        let became = match failure.fate {
            Fate::Plain => Self::Refused,
            Fate::Unsent => Self::Unsent,
            Fate::Unknown => Self::Unknown,
        };
        (became, Some(failure))
    }
}

/// The arguments of a run for those of its items only that failed and may be tried again: the list that names them holds nothing else.
/// What got no answer is not among them.
pub fn failed_only(arguments: &Map<String, Value>, errors: &[Failure]) -> Option<Map<String, Value>> {
    let again = |value: &Value| {
        let text = value.as_str();
        let failure = errors.iter().find(|failure| failure.item.is_some() && failure.item.as_deref() == text);
        failure.is_some_and(|failure| failure.fate != Fate::Unknown)
    };
    let (name, items) = arguments.iter().find_map(|(name, value)| {
        let items: Vec<Value> = value.as_array()?.iter().filter(|item| again(item)).cloned().collect();
        (!items.is_empty()).then(|| (name.clone(), items))
    })?;
    let mut arguments = arguments.clone();
    arguments.insert(name, items.into());
    Some(arguments)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::super::catalogue::{Fetched, Look, Source, Telling, WriteBack, arguments};
    use super::super::event::{Event, Status};
    use super::super::mapping::Mapping;
    use super::*;

    fn entry() -> Entry {
        let tell = |ruling: &Ruling, event: &Event| {
            if event.key == "odd" {
                return Err("It is odd.".to_owned());
            }
            let given = arguments([("ids", json!([event.key])), ("note", json!(ruling.note))]);
            Ok(Telling { command: "update", arguments: given, status: "DONE".into(), sets: "DONE (why)".into(), item: "ids" })
        };
        let look = |_: &Event| Look { command: "get", arguments: Map::new(), record: "$" };
        let source = Source::new("S", "S", Mapping::default(), std::time::Duration::ZERO, |_, _, _| async { Fetched::default() });
        let source = source.write_back(Ok(WriteBack { tell: Arc::new(tell), look, watched: &[".status"] }));
        Entry { sources: vec![source], ..Entry::default() }
    }

    fn event(id: i64, key: &str, connection: &str, kind: &str) -> StoredEvent {
        let inner = Event { key: key.into(), event_type: kind.into(), ..Event::default() };
        StoredEvent { id, connection: connection.into(), event: inner, ..StoredEvent::default() }
    }

    #[test]
    fn events_share_a_call_where_the_command_takes_several() {
        let entry = entry();
        let side = |name: &str| (name != "gone").then_some(Side { title: "V", read_only: name == "locked", entry: &entry });
        let events = [
            event(1, "a", "one", "S"),
            event(2, "odd", "one", "S"),
            event(3, "b", "one", "S"),
            event(4, "c", "two", "S"),
            event(5, "d", "gone", "S"),
            event(6, "e", "locked", "S"),
            event(7, "f", "one", "T"),
        ];
        let ruling = Ruling { status: Status::Closed, disposition: None, note: "n".into() };
        let plan = plan(side, &events, |_| ruling.clone());
        let calls: Vec<_> = plan.calls.iter().map(|call| (call.connection.as_str(), json!(call.arguments["ids"]))).collect();
        assert_eq!(calls, [("one", json!(["a", "b"])), ("two", json!(["c"]))]);
        assert_eq!(plan.offers(), ["DONE (why) at V (3 events)"]);
        assert_eq!(plan.refused.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [2, 5, 6, 7]);
        assert!(plan.reasons().iter().any(|reason| reason == "1 not told: It is odd."), "{:?}", plan.reasons());
        let narrowed = plan.calls[0].narrowed(|id| id == 3).unwrap();
        assert_eq!((json!(narrowed.arguments["ids"]), narrowed.events), (json!(["b"]), vec![(3, "b".to_owned())]));
    }

    #[test]
    fn only_what_failed_plainly_is_tried_again() {
        let failure = |item: &str, fate| Failure { fate, ..Failure::new("x", "y").item(item) };
        let errors = [failure("b", Fate::Plain), failure("c", Fate::Unknown), failure("d", Fate::Unsent)];
        let given = arguments([("note", json!("n")), ("ids", json!(["a", "b", "c", "d"]))]);
        let again = failed_only(&given, &errors).unwrap();
        assert_eq!(json!(again), json!({"note": "n", "ids": ["b", "d"]}));
        assert_eq!(failed_only(&arguments([("ids", json!(["c"]))]), &errors), None);
        let became = |item: &str, failed| Became::of(item, failed, &errors).0;
        assert_eq!(
            [became("a", false), became("b", false), became("c", false), became("d", false)].map(Became::as_str),
            ["done", "failed", "unknown", "not sent"]
        );
        assert_eq!(Became::of("a", true, &[Failure { fate: Fate::Unsent, ..Failure::new("x", "y") }]).0, Became::Unsent);
    }
}

//! A console under test: keys in, effects out, answers back; no terminal, clock or network.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::add::Connectable;
use super::detail::{Known, Past, Shown};
use super::effect::{self, CaseChange, Effect};
use super::explorer::{Explorer, Face};
use super::keys::{Key, Keymap, parse_chord};
use super::message::{Decided, Message};
use super::model::{Model, Setup, Tell};
use super::play::{Play, StepDone};
use super::reading::Reading;
use super::task::{Report, TaskId};
use super::update::update;
use super::views::Saved;
use super::work::Arrived;
use crate::core::case::{Case, CaseFile, Dossier, Moment, NOTE};
use crate::core::catalogue::{
    Class, Command, Effect as Changes, Entry, Fetched, Inverse, Look, Parameter, Reach, Ruling, Source, Telling, Type, Undo, WriteBack,
    arguments,
};
use crate::core::entity::{Entity, EntityKind};
use crate::core::event::{Disposition, Event, Severity, Status, StoredEvent};
use crate::core::health::{Connected, Health, Stretch};
use crate::core::json::{Document, changes};
use crate::core::listing::{Grouping, Listed, Listing, Tally, Which, rule, rule_of};
use crate::core::mapping::Mapping;
use crate::core::outbox::{Letter, LetterId, Standing};
use crate::core::outcome::{Failure, Fate, Outcome, ReturnData};
use crate::core::playbook::{self, Addressee, HERE, Next, Playbook};
use crate::core::query::Query;
use crate::core::same_file::SameFile;
use crate::core::triage::Change;

/// A console with events of its own.
pub(crate) struct Session {
    /// The console.
    pub model: Model,
    /// The world's events.
    pub events: Vec<StoredEvent>,
    /// The world's cases.
    pub cases: Vec<Dossier>,
    /// Everything that was asked for, in order.
    pub asked: Vec<Effect>,
    /// What was asked for and not answered yet.
    pub open: Vec<Effect>,
    /// Commands that fail when a playbook runs them.
    pub failing: Vec<String>,
    /// Ids that vendors refuse.
    pub refused: Vec<String>,
    /// Whether no vendor can be reached.
    pub offline: bool,
    /// The outbox.
    pub letters: Vec<Letter>,
    /// What was typed into forms, by connection and name.
    pub drafts: BTreeMap<(String, String), Map<String, Value>>,
    /// How many rows the world gives at most.
    pub most: Option<usize>,
}

/// The time at which tests play.
pub(crate) fn noon() -> Timestamp {
    "2026-07-02T12:00:00Z".parse().unwrap()
}

fn run_nothing(title: &str, help: &str) -> Command {
    Command::new(title, help, |_, _, _| async { Outcome::new(ReturnData::Successful) })
}

fn eset() -> Entry {
    let isolate = run_nothing("Isolate Endpoints", "Cuts endpoints off the network.")
        .permission("Endpoints: write")
        .class(Class::new(Changes::Write, Reach::Disruptive, Undo::Exact))
        .parameter(Parameter::new("Device UUID(s)", Type::texts(1), "The devices.").required().prefill(&[EntityKind::Device]).pick(
            "list-devices",
            "$.devices[*].uuid",
            "$.devices[*].displayName",
        ))
        .parameter(Parameter::new("Comment", Type::Text { max_chars: Some(200), multiline: true }, "Why."))
        .inverse(Inverse {
            command: "end-isolation".into(),
            arguments: |arguments, _| Some(Map::from_iter([("device_uuids".to_owned(), json!(arguments.texts("device_uuids")))])),
            condition: "while the device answers".into(),
        });
    let end = run_nothing("End Isolation", "Lets endpoints back onto the network.")
        .class(Class::REVERSIBLE)
        .parameter(Parameter::new("Device UUID(s)", Type::texts(1), "The devices.").required().prefill(&[EntityKind::Device]));
    let list = run_nothing("List Devices", "Lists the devices.")
        .parameter(Parameter::new("Page Size", Type::integer(1, 1000), "How many.").default(100));
    Entry { commands: vec![isolate, end, list], ..Entry::default() }
}

fn wiz() -> Entry {
    let update = run_nothing("Update Issues", "Changes the status of issues.")
        .class(Class::REVERSIBLE)
        .parameter(Parameter::new("Issue ID(s)", Type::texts(1), "The issues.").required().prefill_path("Issues", "$.id"))
        .parameter(
            Parameter::new("Issue Status", Type::choice(&[("Open", "OPEN"), ("Rejected", "REJECTED")]), "The new status.").required(),
        )
        .parameter(Parameter::new("Note", Type::TEXT, "Why."));
    let projects = run_nothing("List Projects", "Lists the projects.");
    let tell = |ruling: &Ruling, event: &Event| {
        let (status, sets) = match (ruling.status, ruling.disposition) {
            (Status::Closed, Some(Disposition::TruePositive)) => return Err("Wiz resolves it itself.".to_owned()),
            (Status::Closed, _) => ("Rejected", "REJECTED (why)"),
            _ => ("Open", "OPEN"),
        };
        let given = [("issue_ids", json!([event.key])), ("issue_status", json!(status)), ("note", json!(ruling.note))];
        Ok(Telling {
            command: "update-issues",
            arguments: arguments(given),
            status: status.to_uppercase(),
            sets: sets.into(),
            item: "issue_ids",
        })
    };
    let look = |_: &Event| Look { command: "list-projects", arguments: Map::new(), record: "$" };
    let source = Source::new("Issues", "Issues", Mapping::default(), Duration::ZERO, |_, _, _| async { Fetched::default() });
    let source = source.write_back(Ok(WriteBack { tell: Arc::new(tell), look, watched: &[".status"] }));
    Entry { commands: vec![update, projects], sources: vec![source], ..Entry::default() }
}

fn connected(name: &str, vendor: &str, title: &str, entry: Entry) -> Connected {
    Connected {
        name: name.into(),
        vendor: vendor.into(),
        title: title.into(),
        environment: "Default Environment".into(),
        read_only: false,
        active: true,
        entry: Arc::new(entry),
    }
}

fn event(id: i64, wiz: bool, title: &str, severity: Severity, entities: &[(EntityKind, &str)]) -> StoredEvent {
    let entities: Vec<Entity> =
        entities.iter().map(|(kind, value)| Entity { kind: *kind, value: (*value).into(), path: "$.x".into() }).collect();
    let raw = json!({"id": format!("key-{id}"), "status": "OPEN", "deep": {"list": [{"n": 1, "name": "one"}, {"n": 2, "name": "two"}]},
        "note": "needle in here", "count": 12_345_678_901_234_567_890_u64});
    StoredEvent {
        id,
        connection: if wiz { "wiz-prod" } else { "eset-eu" }.into(),
        vendor: if wiz { "wiz" } else { "eset-protect-cloud" }.into(),
        event: Event {
            event_type: if wiz { "Issues" } else { "Detections" }.into(),
            key: format!("key-{id}"),
            title: title.into(),
            severity,
            vendor_severity: Some(severity.as_str().to_uppercase()),
            vendor_status: Some("OPEN".into()),
            occurred_at: noon() - SignedDuration::from_mins(id * 13),
            entities,
            fields: Map::from_iter([
                ("Rule name".to_owned(), json!(rule_of(title))),
                ("Document ID".to_owned(), json!(format!("key-{id}"))),
            ]),
            raw,
            ..Event::default()
        },
        first_seen_at: noon(),
        unread: id % 2 == 0,
        revisions: 1,
        ..StoredEvent::default()
    }
}

/// Twelve events of two vendors.
pub(crate) fn events() -> Vec<StoredEvent> {
    use EntityKind as K;
    let mut events = vec![
        event(
            1,
            false,
            "Malware found on WS-DANAW-07",
            Severity::Critical,
            &[(K::Device, "dev-7"), (K::Host, "ws-danaw-07"), (K::Hash, "ab12"), (K::Ip, "10.0.0.7")],
        ),
        event(2, true, "Publicly exposed storage bucket", Severity::High, &[(K::CloudResource, "bucket-1"), (K::User, "dana")]),
    ];
    for id in 3..9 {
        let title = format!("Failed sign-in from 10.0.0.{id}");
        events.push(event(
            id,
            false,
            &title,
            Severity::Low,
            &[(K::Ip, &format!("10.0.0.{id}")), (K::User, "dana"), (K::Device, &format!("dev-{id}")), (K::Host, &format!("ws-{id}"))],
        ));
    }
    for id in 9..13 {
        events.push(event(
            id,
            true,
            "Virtual machine without disk encryption",
            Severity::Medium,
            &[(K::CloudResource, &format!("vm-{id}"))],
        ));
    }
    events
}

fn vendors() -> Vec<Connectable> {
    let wiz = vec![
        Parameter::new("API Endpoint URL", Type::TEXT, "The API's address.").required(),
        Parameter::new("Client ID", Type::TEXT, "The service account.").required(),
        Parameter::new("Client Secret", Type::TEXT, "Its secret.").required().secret(),
        Parameter::new("Scopes", Type::texts(0), "What for."),
        Parameter::new("Audience", Type::TEXT, "For whom.").default("wiz-api"),
    ];
    vec![
        Connectable { id: "eset-protect-cloud".into(), title: "ESET PROTECT Cloud".into(), parameters: Vec::new() },
        Connectable { id: "wiz".into(), title: "Wiz".into(), parameters: wiz },
    ]
}

/// How the console under test is set up.
pub(crate) fn setup() -> Setup {
    Setup {
        connected: vec![
            connected("eset-eu", "eset-protect-cloud", "ESET PROTECT Cloud", eset()),
            connected("wiz-prod", "wiz", "Wiz", wiz()),
        ],
        misconfigured: Vec::new(),
        vendors: vendors(),
        keymap: Keymap::default(),
        themes: vec!["ansi16".into(), "dark".into(), "mono".into()],
        theme: "mono".into(),
        given_theme: "mono".into(),
        views: vec![Saved { name: "Night".into(), query: "age:<12h".into(), ..Saved::default() }],
        playbooks: playbooks(),
        read_only: false,
        ascii: false,
        analyst: "ana".into(),
        zone: jiff::tz::TimeZone::UTC,
        demo: false,
        alone: false,
        arm_millis: 800,
        templates: Vec::new(),
        tell: Tell::Ask,
    }
}

/// A playbook for each of the two vendors.
fn playbooks() -> Vec<Playbook> {
    let contain = r#"
        name = "contain"
        title = "Contain a host"
        help = "Looks at the devices and cuts this one off."
        [[input]]
        name = "devices"
        type = "list"
        required = true
        from = ["device"]
        [[step]]
        name = "look"
        vendor = "eset-protect-cloud"
        command = "list-devices"
        [[step]]
        name = "isolate"
        vendor = "eset-protect-cloud"
        command = "isolate-endpoints"
        arguments = { device_uuids = "[Input.devices]", comment = "of ${steps.look.$.devices[0].uuid}" }
        [[step]]
        name = "close"
        vendor = "nightdesk"
        command = "close"
        arguments = { disposition = "true_positive", note = "Contained." }
    "#;
    let reject = r#"
        name = "reject"
        title = "Reject an issue"
        [[input]]
        name = "issue"
        required = true
        from = ["$.id"]
        [[step]]
        name = "update"
        vendor = "wiz"
        command = "update-issues"
        arguments = { issue_ids = ["[Input.issue]"], issue_status = "Rejected" }
    "#;
    [contain, reject].map(|text| playbook::parse("test.toml", text).unwrap()).into()
}

impl Session {
    /// A console that has read its events.
    pub(crate) fn new() -> Self {
        Self::with(setup(), events())
    }

    /// A console with this setup and these events.
    pub(crate) fn with(setup: Setup, events: Vec<StoredEvent>) -> Self {
        let mut model = Model::new(setup, noon());
        model.size = (80, 24);
        let open = model.start();
        let mut session = Self {
            model,
            events,
            cases: Vec::new(),
            asked: Vec::new(),
            open,
            refused: Vec::new(),
            offline: false,
            letters: Vec::new(),
            drafts: BTreeMap::new(),
            most: None,
            failing: Vec::new(),
        };
        session.settle();
        session
    }

    /// Sends a message; what it asks for is kept, not answered.
    pub(crate) fn send(&mut self, message: Message) -> &mut Self {
        let effects = update(&mut self.model, message);
        let bare = |effect: &Effect| if let Effect::Open(_, inner) = effect { (**inner).clone() } else { effect.clone() };
        self.asked.extend(effects.iter().map(bare));
        self.open.extend(effects);
        self
    }

    /// Presses keys as written (`d b enter`), without answering what they ask for.
    pub(crate) fn type_ahead(&mut self, keys: &str) -> &mut Self {
        for key in parse_chord(keys).unwrap() {
            self.send(Message::Key(key));
        }
        self
    }

    /// Presses keys as written, answering after each.
    pub(crate) fn press(&mut self, keys: &str) -> &mut Self {
        for key in parse_chord(keys).unwrap() {
            self.send(Message::Key(key));
            self.settle();
        }
        self
    }

    /// Types a text, answering after each key.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.send(Message::Key(Key::char(c)));
            self.settle();
        }
        self
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, millis: i64) -> &mut Self {
        self.model.now += SignedDuration::from_millis(millis);
        self.send(Message::Tick)
    }

    /// Answers everything that is open, as an honest world would.
    pub(crate) fn settle(&mut self) -> &mut Self {
        while !self.open.is_empty() {
            let effect = self.open.remove(0);
            if let Some(answer) = self.answer(effect) {
                self.send(answer);
            }
        }
        self
    }

    fn listing(&self, query: &str) -> Result<Listing, String> {
        if query.contains("bad:") {
            return Err("column 1: there is no field bad".into());
        }
        let wanted = |event: &&StoredEvent| match query {
            "-status:closed" => event.status != Status::Closed,
            query if query.starts_with("case:=") => self
                .cases
                .iter()
                .any(|dossier| query == format!("case:=\"{}\"", dossier.case.name) && dossier.events.iter().any(|row| row.id == event.id)),
            query if query.contains(":=") => Query::parse(query).is_ok_and(|query| query.matches(event, noon())),
            query => query.split_whitespace().all(|word| event.event.title.contains(word)),
        };
        let mut rows: Vec<Listed> = self.events.iter().filter(wanted).map(listed).collect();
        let more = self.most.is_some_and(|most| most < rows.len());
        rows.truncate(self.most.unwrap_or(usize::MAX));
        Ok(Listing { rows, more })
    }

    /// All rows of a view, however many the console is given.
    fn all(&mut self, query: &str) -> Result<Vec<Listed>, String> {
        let most = self.most.take();
        let listing = self.listing(query);
        self.most = most;
        Ok(listing?.rows)
    }

    fn tally(&mut self, query: &str, grouping: Option<Grouping>) -> Result<Tally, String> {
        let rows = self.all(query)?;
        let mut groups: Vec<(String, usize)> = Vec::new();
        for row in rows.iter().filter_map(|row| Some(grouping?.of(row))) {
            match groups.iter_mut().find(|(name, _)| *name == row) {
                Some((_, count)) => *count += 1,
                None => groups.push((row, 1)),
            }
        }
        groups.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Ok(Tally { total: rows.len(), arrivals: vec![0, 2, 5, 1], groups })
    }

    fn meant(&mut self, query: &str, which: &Which) -> Result<Vec<i64>, String> {
        let rows = self.all(query)?;
        let like = |id: &i64| rows.iter().find(|row| row.id == *id).map(|row| (row.vendor.clone(), row.rule.clone()));
        let meant = |row: &&Listed| match which {
            Which::All => true,
            Which::Like(id) => like(id) == Some((row.vendor.clone(), row.rule.clone())) && (row.status != Status::Closed || row.id == *id),
            Which::Group(grouping, name) => grouping.of(row) == *name,
        };
        Ok(rows.iter().filter(meant).map(|row| row.id).collect())
    }

    fn answer(&mut self, effect: Effect) -> Option<Message> {
        Some(match effect {
            Effect::Open(number, effect) => Message::Opened(number, Box::new(self.answer(*effect)?)),
            Effect::Rows { generation, view, .. } => Message::Rows(generation, self.listing(&view.query)),
            Effect::Tally(view, grouping) => {
                let tally = self.tally(&view.query, grouping);
                Message::Tallied(view, grouping, tally)
            }
            Effect::Members { generation, view, grouping, group } => {
                let rows = self.all(&view.query).map(|rows| rows.into_iter().filter(|row| grouping.of(row) == group).collect());
                Message::Members(generation, group, rows)
            }
            Effect::Mark { view, which, then } => {
                let ids = self.meant(&view.query, &which);
                Message::Marked(view, which, then, ids)
            }
            Effect::Show(id) => {
                let event = self.events.iter().find(|event| event.id == id)?.clone();
                Message::Shown(id, Ok(Box::new(shown(event))))
            }
            Effect::Gather(ids, why) => {
                Message::Gathered(why, Ok(self.events.iter().filter(|event| ids.contains(&event.id)).cloned().collect()))
            }
            Effect::Decide(ids, change) => {
                if let Change::Case(name) = &change {
                    self.put_into_case(name, &ids);
                }
                let touched = self.events.iter().filter(|event| ids.contains(&event.id));
                let before = touched.map(|event| (event.id, event.status, event.disposition)).collect();
                for event in self.events.iter_mut().filter(|event| ids.contains(&event.id)) {
                    match &change {
                        Change::Close(disposition, _) => (event.status, event.disposition) = (Status::Closed, Some(*disposition)),
                        Change::Take => event.status = Status::InProgress,
                        Change::Reopen => event.status = Status::New,
                        Change::Note(_) | Change::Case(_) => {}
                    }
                }
                Message::Decided(Decided::Change(ids, change), before, None)
            }
            Effect::Restore(before) => {
                for (id, status, disposition) in &before {
                    if let Some(event) = self.events.iter_mut().find(|event| event.id == *id) {
                        (event.status, event.disposition) = (*status, *disposition);
                    }
                }
                Message::Decided(Decided::Restored(before.clone()), before, None)
            }
            Effect::Run(task, ready) if self.offline => {
                let failure = Failure { fate: Fate::Unsent, ..Failure::new(format!("{} failed.", ready.title), "No route to host.") };
                let report = Report { unsent: true, ..report(Outcome::failed(failure)) };
                Message::Ended(task, ReturnData::Failed, "No route to host.".into(), Some(Box::new(report)))
            }
            Effect::Run(task, ready)
                if ready.arguments.values().filter_map(|value| value.as_array()).flatten().any(|id| self.refuses(id)) =>
            {
                let ids: Vec<String> = ready
                    .arguments
                    .values()
                    .filter_map(|value| value.as_array())
                    .flatten()
                    .filter_map(|id| Some(id.as_str()?.to_owned()))
                    .collect();
                self.ended(task, &ids)
            }
            Effect::Tell(task, calls) => {
                let ids: Vec<String> = calls.iter().flat_map(|call| call.events.iter().map(|(_, id)| id.clone())).collect();
                self.ended(task, &ids)
            }
            Effect::Outbox => Message::Outbox(Ok(self.letters.clone())),
            Effect::KeepForLater(_, ready) => {
                self.letters.push(letter(1, &ready.title, &ready.connection, &ready.command));
                Message::Outbox(Ok(self.letters.clone()))
            }
            Effect::Post(task, id, confirmed) => {
                let letter = self.letters.iter_mut().find(|letter| letter.id == id)?;
                if !letter.differences.is_empty() && confirmed.as_ref() != Some(&letter.differences) {
                    letter.standing = Standing::Held;
                    Message::Held(task, Box::new(letter.clone()))
                } else {
                    letter.standing = Standing::Sent;
                    Message::Ended(task, ReturnData::Successful, "Sent.".into(), None)
                }
            }
            Effect::TakeBack(id) => {
                self.letters.retain(|letter| letter.id != id);
                Message::Outbox(Ok(self.letters.clone()))
            }
            Effect::Run(task, ready) => {
                let raw = match ready.command.as_str() {
                    "list-devices" => {
                        json!({"devices": [{"uuid": "dev-7", "displayName": "ws-7"}, {"uuid": "dev-9", "displayName": "ws-9"}]})
                    }
                    command => json!({"Results": [{"id": "1", "ok": true}], "command": command}),
                };
                let outcome =
                    Outcome::successful(raw).message(format!("{} done.", ready.title)).result("Count", 1).key_field("IDs", json!(["1"]));
                Message::Ended(task, outcome.return_data, outcome.message.clone(), Some(Box::new(report(outcome))))
            }
            Effect::Play(task, play) => self.play(task, *play),
            Effect::KeepPlaybook(playbook) => {
                let name = playbook.name.clone();
                let mut playbooks = self.model.setup.playbooks.clone();
                playbooks.push(*playbook);
                Message::Playbooks(name, Ok((playbooks, "Saved".into())))
            }
            Effect::RecordEvent(_, name) => Message::Playbooks(name, Err("no command was run on this event yet".into())),
            Effect::Fetch { task, .. } => Message::Ended(task, ReturnData::Successful, "3 new".into(), None),
            Effect::Test(task, _) => Message::Ended(task, ReturnData::Successful, "It works.".into(), None),
            Effect::Plan { command, .. } => Message::Page("Requests".into(), vec![format!("POST /{command}")]),
            Effect::Pick { form, field, .. } => {
                Message::Picks(form, field, Ok(vec![("dev-7".into(), "ws-danaw-07".into()), ("dev-9".into(), "ws-9".into())]))
            }
            Effect::Name { form, field, asked, .. } => {
                Message::Names(form, field, Ok(asked.values.into_iter().map(|id| (id.clone(), format!("{id}.example"))).collect()))
            }
            Effect::Extract(document, path) => {
                let found = document.extract(&path, 100).unwrap();
                Message::Document(Ok(Box::new(Reading::by_path(path, found.document, Face::Tree))))
            }
            Effect::Changes(id, revision) => {
                let was = Document::parse(br#"{"status":"NEW"}"#.to_vec());
                let is = Document::parse(br#"{"status":"OPEN"}"#.to_vec());
                let title = format!("Event {id}: revision {revision}");
                Message::Document(Ok(Box::new(Reading::by_path(title, changes(&was, &is, 100).document, Face::Table))))
            }
            Effect::Cases => Message::Cases(Ok(self.cases.iter().map(|dossier| dossier.case.clone()).collect())),
            Effect::Case(name) => {
                let found = self.cases.iter().find(|dossier| dossier.case.name == name).cloned();
                let found = found.map(Box::new).ok_or_else(|| format!("There is no case {name} any more."));
                Message::Case(name, found)
            }
            Effect::OnCase(name, change) => Message::OnCase(change.clone(), Ok(self.on_case(&name, change))),
            Effect::Log(_) => Message::Page("Log".into(), vec!["12:00:00 WARN the session could not be kept".into()]),
            Effect::Count(queries) => {
                Message::Counts(queries.into_iter().map(|(name, query)| (name, self.all(&query).map_or(0, |rows| rows.len()))).collect())
            }
            Effect::KeepView(view) => {
                let mut views = self.model.setup.views.clone();
                views.retain(|known| known.name != view.name);
                views.push(view);
                Message::Views(Ok((views, "Saved".into())))
            }
            Effect::ForgetView(name) => {
                let left = self.model.setup.views.iter().filter(|view| view.name != name).cloned().collect();
                Message::Views(Ok((left, "Removed".into())))
            }
            Effect::AddConnection(wanted) if wanted.name == "taken" => {
                Message::Added(wanted.vendor, wanted.name, Err("there is a connection of this name already".into()))
            }
            Effect::AddConnection(wanted) => Message::Added(wanted.vendor, wanted.name, Ok(())),
            Effect::Health => Message::Health(health()),
            Effect::Read(ticket, effect::Source::File(name)) => Message::Read(ticket, self.file(&name)),
            Effect::Work(mut work) => {
                while work.step().is_some() {}
                Message::Worked(work)
            }
            Effect::Draft(form, connection, name) => {
                Message::Draft(form, self.drafts.get(&(connection, name)).cloned().unwrap_or_default())
            }
            Effect::KeepDraft(connection, name, draft) => {
                self.drafts.insert((connection, name), draft);
                return None;
            }
            _ => return None,
        })
    }

    /// Runs a playbook as an honest world would; a step whose command is among the failing ones fails.
    fn play(&mut self, task: u64, play: Play) -> Message {
        let mut run = play.run;
        let mut state = ReturnData::Successful;
        loop {
            let call = match run.next_call() {
                Next::Call(call) => call,
                Next::Done => break,
                Next::Skipped(..) | Next::Failed(..) => continue,
            };
            let here = matches!(&call.to, Addressee::Vendor(vendor) if vendor == HERE);
            let connection = match (&call.to, here) {
                (Addressee::Connection(name), _) => name.clone(),
                (Addressee::Vendor(_), true) => HERE.to_owned(),
                (Addressee::Vendor(vendor), false) => {
                    self.model.setup.connected.iter().find(|known| known.vendor == *vendor).unwrap().name.clone()
                }
            };
            let failing = self.failing.contains(&call.command);
            let outcome = match call.command.as_str() {
                _ if failing => Outcome::failed(crate::core::outcome::Failure::new("Run failed.", "The vendor is down.")),
                "list-devices" => Outcome::successful(json!({"devices": [{"uuid": "dev-7"}]})),
                _ => Outcome::successful(json!({"ok": true})),
            };
            run.ended(outcome.return_data, Some(outcome.raw_data.clone()));
            if failing {
                state = ReturnData::PartiallySuccessful;
            }
            let given = call.arguments.iter().map(|(name, value)| (name.clone(), crate::core::catalogue::Given::Json(value.clone())));
            let done = StepDone {
                step: call.step,
                title: format!("{} on {connection}", call.command),
                connection,
                command: call.command,
                given: given.collect(),
                arguments: call.arguments,
                changes: true,
                message: outcome.message.clone(),
                report: Some(report(outcome)),
            };
            self.send(Message::Step(task, Box::new(done)));
        }
        Message::Ended(task, state, "Played.".into(), Some(Box::new(report(Outcome::new(state)))))
    }

    /// Puts events into a case.
    fn put_into_case(&mut self, name: &str, ids: &[i64]) {
        if !self.cases.iter().any(|dossier| dossier.case.name == name) {
            let case = Case { name: name.into(), open: true, opened_at: noon(), ..Case::default() };
            self.cases.push(Dossier { case, ..Dossier::default() });
        }
        let rows: Vec<Listed> = self.events.iter().filter(|event| ids.contains(&event.id)).map(listed).collect();
        if let Some(dossier) = self.cases.iter_mut().find(|dossier| dossier.case.name == name) {
            dossier.events.extend(rows);
            dossier.case.events = dossier.events.len();
        }
    }

    /// Changes a case; says what was done.
    fn on_case(&mut self, name: &str, change: CaseChange) -> String {
        if let CaseChange::Open(title) = change {
            let name = format!("case-{}", self.cases.len() + 1);
            self.put_into_case(&name, &[]);
            self.cases.last_mut().unwrap().case.title = title;
            return format!("Case {name} opened");
        }
        let Some(dossier) = self.cases.iter_mut().find(|dossier| dossier.case.name == name) else { return "no such case".into() };
        match change {
            CaseChange::Note(text) => dossier.timeline.push(Moment { time: noon(), kind: NOTE, actor: "ana".into(), text }),
            CaseChange::Close | CaseChange::Reopen => {
                dossier.case.open = change == CaseChange::Reopen;
                dossier.case.closed_at = (change == CaseChange::Close).then(noon);
            }
            CaseChange::Remove(ids) => dossier.events.retain(|row| !ids.contains(&row.id)),
            CaseChange::File(path) => {
                dossier.files.push(CaseFile { path, sha256: "ab12".repeat(16), size: 1234, added_at: noon() });
            }
            CaseChange::Open(_) => {}
        }
        format!("Case {name} changed")
    }

    /// The world's files: one with events in it, and one that is not there.
    fn file(&self, name: &str) -> Arrived {
        if name != "events.json" {
            return Arrived::Failed(format!("{name}: No such file or directory"));
        }
        let events: Vec<_> = self.events.iter().map(|event| event.event.raw.clone()).collect();
        Arrived::Whole(Document::parse(json!({"events": events}).to_string().into_bytes()))
    }

    fn refuses(&self, id: &serde_json::Value) -> bool {
        id.as_str().is_some_and(|id| self.refused.iter().any(|known| known == id))
    }

    /// The end of a task over ids, of which some are refused.
    fn ended(&self, task: TaskId, ids: &[String]) -> Message {
        let refused = ids.iter().filter(|id| self.refused.contains(id));
        let errors: Vec<Failure> = refused.map(|id| Failure::new("It failed.", "no").item(id)).collect();
        let state = ReturnData::of(ids.len() - errors.len(), errors.len());
        let outcome = Outcome::new(state).message(format!("{} of {}", ids.len() - errors.len(), ids.len())).errors(errors);
        Message::Ended(task, state, outcome.message.clone(), Some(Box::new(report(outcome))))
    }

    /// The effects asked for since the start that are like one.
    pub(crate) fn asked_for(&self, like: impl Fn(&Effect) -> bool) -> Vec<Effect> {
        self.asked.iter().filter(|effect| like(effect)).cloned().collect()
    }
}

fn health() -> Vec<Health> {
    vec![
        Health {
            connection: "eset-eu".into(),
            last_success: Some(noon() - SignedDuration::from_mins(4)),
            next_run: Some(noon() + SignedDuration::from_mins(11)),
            covered_to: Some(noon() - SignedDuration::from_mins(4)),
            ..Health::default()
        },
        Health {
            connection: "wiz-prod".into(),
            last_success: Some(noon() - SignedDuration::from_hours(3)),
            last_error: Some("429 Too Many Requests".into()),
            failures: 2,
            gaps: vec![Stretch {
                from: noon() - SignedDuration::from_hours(3),
                to: noon() - SignedDuration::from_hours(2),
                reason: "429 Too Many Requests".into(),
                lasting: false,
            }],
            ..Health::default()
        },
    ]
}

/// A report of an outcome.
pub(crate) fn report(outcome: Outcome) -> Report {
    let document = Document::parse(outcome.raw_data.to_string().into_bytes());
    Report { outcome, document, unsent: false }
}

/// A letter that waits.
pub(crate) fn letter(id: LetterId, title: &str, connection: &str, command: &str) -> Letter {
    Letter {
        id,
        made_at: noon(),
        changed_at: noon(),
        actor: "ana".into(),
        connection: connection.into(),
        command: command.into(),
        title: title.into(),
        arguments: Map::new(),
        events: vec![2],
        call: None,
        seen: Vec::new(),
        destructive: false,
        standing: Standing::Waiting,
        detail: "The vendor cannot be reached.".into(),
        differences: Vec::new(),
    }
}

fn listed(event: &StoredEvent) -> Listed {
    Listed {
        id: event.id,
        connection: event.connection.clone(),
        vendor: event.vendor.clone(),
        event_type: event.event.event_type.clone(),
        key: event.event.key.clone(),
        title: event.event.title.clone(),
        entity: event.event.entities.first().map(|entity| entity.value.clone()).unwrap_or_default(),
        rule: rule(&event.event),
        severity: event.event.severity,
        status: event.status,
        disposition: event.disposition,
        occurred_at: event.event.occurred_at,
        unread: event.unread,
        revisions: event.revisions,
        ..Listed::default()
    }
}

fn shown(event: StoredEvent) -> Shown {
    let known = |entity: &Entity| Known {
        entity: entity.clone(),
        events: 4,
        vendors: 2,
        first: Some(noon() - SignedDuration::from_hours(50)),
        last: Some(noon() - SignedDuration::from_mins(13)),
        same_file: SameFile::default(),
    };
    Shown {
        explorer: Explorer::new(Document::parse(event.event.raw.to_string().into_bytes())),
        precedent: vec!["closed as benign by bo 3d ago: Known administrative activity.".into()],
        alike: 5,
        entities: event.event.entities.iter().map(known).collect(),
        history: (1..=event.revisions)
            .rev()
            .map(|number| Past { text: format!("2026-07-02 11:4{number} revision {number}"), revision: Some(number) })
            .collect(),
        event,
    }
}

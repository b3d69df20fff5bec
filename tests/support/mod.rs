//! A connection to a simulated vendor, through the real configuration and the real way out, without a store or a screen.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use nightdesk::config::{Paths, Settings, connections};
use nightdesk::core::catalogue::{Entry, Fetched, Given, Invalid, Page, Window, validate};
use nightdesk::core::connection::Connection;
use nightdesk::core::outcome::Outcome;
use nightdesk::core::talk::{Counts, Input, Step, Talk, Talking};
use nightdesk::runtime::attachment::Quarantine;
use nightdesk::runtime::http::secrets::Secrets;
use nightdesk::runtime::http::{Door, Scope, prepare};
use nightdesk::secrets::{Redactor, Vault};
use nightdesk::simulator::{Fault, Options, Simulation};
use nightdesk::vendor;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// One vendor's simulator, and a connection to it.
pub struct Desk {
    /// The simulator.
    pub simulation: Simulation,
    /// What the connection can do.
    pub entry: Arc<Entry>,
    connection: Arc<Connection>,
    door: Door,
    home: tempfile::TempDir,
}

/// Starts the simulators and connects to one vendor's.
pub async fn desk(vendor: &str, events: usize, faults: &[Fault]) -> Desk {
    desk_with(vendor, events, faults, |text| text).await
}

/// The same with a change to the configuration and its secrets, before it is read.
pub async fn desk_with(vendor: &str, events: usize, faults: &[Fault], change: impl FnOnce(String) -> String) -> Desk {
    let mut simulation = Simulation::start(Options { events, faults: faults.to_vec(), ..Options::default() }).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let paths = paths(&home);
    // The other vendors are none of this connection's business.
    simulation.vendors.retain(|simulated| simulated.connection.vendor == vendor);
    simulation.write_config(&paths.config_dir).unwrap();
    let text = change(std::fs::read_to_string(paths.connections()).unwrap());
    connect(simulation, vendor, home, &text)
}

/// Connects to what a configuration names; no simulator takes part.
pub async fn desk_on(vendor: &str, home: tempfile::TempDir, configuration: &str) -> Desk {
    let mut simulation = Simulation::start(Options { events: 1, ..Options::default() }).await.unwrap();
    simulation.vendors.clear();
    connect(simulation, vendor, home, configuration)
}

fn paths(home: &tempfile::TempDir) -> Paths {
    Paths { config_dir: home.path().join("config"), data_dir: home.path().join("data") }
}

fn connect(simulation: Simulation, vendor: &str, home: tempfile::TempDir, configuration: &str) -> Desk {
    let paths = paths(&home);
    let mut read = connections::parse(&paths.connections(), configuration, &vendor::all()).unwrap();
    let configured = read.all.remove(0);
    let vault = Vault::new(&paths.data_dir, &paths.config_dir, &Settings::default());
    let redactor = Redactor::default();
    let secrets = Secrets::resolve(&configured.secrets, &vault, &redactor).unwrap();
    let connection = Arc::new(configured.connection);
    let entry = Arc::new((vendor::find(vendor).unwrap().open)(&connection).unwrap());
    let locks = paths.data_dir.join("locks");
    let door = Door::new(Arc::clone(&connection), Arc::clone(&entry), secrets, vault, locks, redactor).unwrap();
    Desk { simulation, entry, connection, door, home }
}

impl Desk {
    /// Where the connection's files lie.
    pub fn home(&self) -> PathBuf {
        self.home.path().to_owned()
    }

    /// Runs a command; its arguments are a JSON object.
    pub async fn run(&self, command: &str, arguments: Value) -> Outcome {
        let command = self.entry.command(command).unwrap();
        let now = Timestamp::now();
        let arguments = validate(command, given(&arguments), now).unwrap();
        let talking = command.start(Talk::new(now, false), Arc::clone(&self.connection), arguments);
        self.play(talking, &mut Vec::new()).await
    }

    /// What is wrong with arguments; nothing is sent.
    pub fn complaints(&self, command: &str, arguments: &Value) -> Vec<Invalid> {
        validate(self.entry.command(command).unwrap(), given(arguments), Timestamp::now()).err().unwrap_or_default()
    }

    /// The previews of a dry run.
    pub fn plan(&self, command: &str, arguments: &Value) -> Vec<Value> {
        let command = self.entry.command(command).unwrap();
        let now = Timestamp::now();
        let arguments = validate(command, given(arguments), now).unwrap();
        let mut talking = command.start(Talk::new(now, true), Arc::clone(&self.connection), arguments);
        assert!(matches!(talking.resume(Input::Start), Step::Done(_)), "a dry run asks for nothing");
        talking.planned().iter().map(|request| prepare::preview(&self.entry, request)).collect()
    }

    /// Fetches a source; gives what was covered and the pages that it delivered.
    pub async fn fetch(&self, source: &str, from: Timestamp, to: Timestamp) -> (Fetched, Vec<Page>) {
        self.fetch_window(Window { source: source.into(), from, to, max: None, resume: None }).await
    }

    /// The same with a maximum, or from where an earlier fetch stopped.
    pub async fn fetch_window(&self, window: Window) -> (Fetched, Vec<Page>) {
        let found = self.entry.source(&window.source).unwrap();
        let talking = (found.fetcher)(Talk::new(Timestamp::now(), false), Arc::clone(&self.connection), window);
        let mut pages = Vec::new();
        let fetched = self.play(talking, &mut pages).await;
        (fetched, pages)
    }

    async fn play<T>(&self, mut talking: Talking<T>, pages: &mut Vec<Page>) -> T {
        let scope = Scope {
            deadline: Instant::now() + Duration::from_mins(1),
            cancel: CancellationToken::new(),
            quarantine: Quarantine { dir: self.home.path().join("quarantine") },
        };
        let mut input = Input::Start;
        loop {
            input = match talking.resume(input) {
                Step::Send(requests) => {
                    let mut answers = Vec::new();
                    for request in &requests {
                        answers.push(Box::pin(self.door.send(request, &scope)).await);
                    }
                    Input::Answers(answers)
                }
                Step::Wait(time) => {
                    // Nobody waits in a test: it is the simulators' clock that goes on.
                    self.simulation.shared.clock.advance(time);
                    Input::Done
                }
                Step::Deliver(page) => {
                    let counts = Counts { new: page.events.len(), ..Counts::default() };
                    pages.push(page);
                    Input::Stored(counts)
                }
                Step::Recall(_) => Input::Recalled(None),
                Step::Done(end) => return end,
                _ => Input::Done,
            };
        }
    }
}

fn given(arguments: &Value) -> Vec<(String, Given)> {
    arguments.as_object().unwrap().iter().map(|(name, value)| (name.clone(), Given::Json(value.clone()))).collect()
}

//! A connection to a simulated vendor, through the real configuration and the real way out, without a store or a screen.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use nightdesk::config::{Paths, Settings, connections};
use nightdesk::core::catalogue::{Auth, Entry, Fetched, Given, Invalid, Page, Window, validate};
use nightdesk::core::connection::Connection;
use nightdesk::core::outcome::Outcome;
use nightdesk::core::request::{Body, Request, Target};
use nightdesk::core::sign_in::SignIn;
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
    sent: Mutex<Vec<String>>,
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
    Desk { simulation, entry, connection, door, home, sent: Mutex::default() }
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

    /// The requests since the last call of this: method, and path below the connection's address.
    pub fn take_sent(&self) -> Vec<String> {
        std::mem::take(&mut *self.sent.lock().unwrap())
    }

    /// What the renewal job does with a sign-in.
    pub async fn renew(&self, slot: &str) -> Result<(), String> {
        self.door.tokens().renew(&self.door, &sign_in(&self.entry, slot), &self.scope()).await.map_err(|trouble| trouble.message())
    }

    fn scope(&self) -> Scope {
        Scope {
            deadline: Instant::now() + Duration::from_mins(1),
            cancel: CancellationToken::new(),
            quarantine: Quarantine { dir: self.home.path().join("quarantine") },
        }
    }

    async fn play<T>(&self, mut talking: Talking<T>, pages: &mut Vec<Page>) -> T {
        let scope = self.scope();
        let mut input = Input::Start;
        loop {
            input = match talking.resume(input) {
                Step::Send(requests) => {
                    let mut answers = Vec::new();
                    for request in &requests {
                        self.sent.lock().unwrap().push(named(request));
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
                Step::Done(end) => return end,
                own => keep(&self.door, &self.entry, own).await,
            };
        }
    }
}

/// The sign-in of that name.
pub fn sign_in(entry: &Entry, slot: &str) -> SignIn {
    let find = |auth: &Auth| match auth {
        Auth::SignIn(sign_in) if sign_in.slot == slot => Some((**sign_in).clone()),
        _ => None,
    };
    entry.roots.iter().find_map(|root| find(&root.auth)).unwrap()
}

/// Answers the steps that leave nothing to a test: chance, which is always the same here, and what is kept of tokens.
pub async fn keep<T>(door: &Door, entry: &Entry, step: Step<T>) -> Input {
    match step {
        Step::Random(bytes) => return Input::Random("5a".repeat(bytes)),
        Step::Recall(name) => return Input::Recalled(door.tokens().recall(&name).await),
        Step::Remember(name, value) => door.tokens().remember(&name, value.as_deref()).await.unwrap(),
        Step::KeepRefreshToken { slot, token } => door.tokens().keep(&sign_in(entry, &slot), &token).await.unwrap(),
        Step::ForgetTokens => door.tokens().forget().await.unwrap(),
        Step::Progress { .. } => {}
        Step::Done(_) | Step::Send(_) | Step::Wait(_) | Step::Deliver(_) => unreachable!("the test answers this itself"),
    }
    Input::Done
}

fn given(arguments: &Value) -> Vec<(String, Given)> {
    arguments.as_object().unwrap().iter().map(|(name, value)| (name.clone(), Given::Json(value.clone()))).collect()
}

/// A request by its method and path; a GraphQL one by its operation, too.
fn named(request: &Request) -> String {
    let path = match &request.target {
        Target::Service { path, .. } => path.clone(),
        Target::Link(url) | Target::Open(url) => url::Url::parse(url).map_or_else(|_| url.clone(), |url| url.path().to_owned()),
    };
    let operation = match &request.body {
        Body::Json(body) => body["query"].as_str().and_then(|query| query.split('(').next()).map(|operation| format!(" {operation}")),
        _ => None,
    };
    format!("{} {}{}", request.method.as_str(), path.split('?').next().unwrap_or_default(), operation.unwrap_or_default())
}

//! A bench for Azure API: the simulated cloud, one connection to it, and a small runner that holds conversations without waiting.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nightdesk::config::{Configured, Paths, Settings, connections};
use nightdesk::core::catalogue::{Arguments, Entry, Fetched, Given, Window, validate};
use nightdesk::core::event::Event;
use nightdesk::core::outcome::Outcome;
use nightdesk::core::request::Trouble;
use nightdesk::core::talk::{Counts, Input, Step, Talk, Talking};
use nightdesk::runtime::attachment::Quarantine;
use nightdesk::runtime::http::secrets::Secrets;
use nightdesk::runtime::http::{Door, Scope, prepare};
use nightdesk::secrets::{Redactor, Vault};
use nightdesk::simulator::azure::{self, Azure};
use nightdesk::simulator::{Clock, Fault, Faults, Options, Server, Shared, Vendor, World, serve};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::support::{keep, sign_in};

/// The cloud that a bench works on.
pub struct Cloud {
    vendor: Vendor,
    foreign: Server,
    shared: Arc<Shared>,
}

/// One connection to the simulated cloud.
pub struct Bench {
    pub azure: Arc<Azure>,
    cloud: Arc<Cloud>,
    connection: Arc<nightdesk::core::connection::Connection>,
    entry: Arc<Entry>,
    door: Door,
    redactor: Redactor,
    dir: tempfile::TempDir,
    waits: Mutex<Vec<Duration>>,
}

/// A cloud with these faults, and a connection with these further lines.
pub async fn bench(faults: &[Fault], extra: &str) -> Bench {
    let options = Options { events: 400, faults: faults.to_vec(), ..Options::default() };
    let foreign = serve::foreign().await.unwrap();
    let clock = Clock::real();
    let world = World::new(options.seed, clock.now());
    let faults = Faults::new(&options.faults);
    let shared = Arc::new(Shared { options, world, clock, faults, foreign: foreign.root.clone() });
    let (vendor, azure) = azure::start_open(&shared).await.unwrap();
    let cloud = Arc::new(Cloud { vendor, foreign, shared });
    let parameters = parameters(&cloud);
    connect(azure, cloud, &parameters, extra)
}

fn parameters(cloud: &Cloud) -> BTreeMap<String, String> {
    let made = &cloud.vendor.connection;
    let plain = made.parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    plain.chain(made.secrets.iter().map(|(name, value)| ((*name).to_owned(), format!("\"{value}\"")))).collect()
}

fn connect(azure: Arc<Azure>, cloud: Arc<Cloud>, parameters: &BTreeMap<String, String>, extra: &str) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let lines: Vec<String> = parameters.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let lines = lines.join("\n");
    let text = format!("[[connection]]\nname = \"azure-demo\"\nvendor = \"azure-api\"\n[connection.parameters]\n{lines}\n{extra}");
    let vendor = nightdesk::vendor::azure::vendor();
    let mut read = connections::parse(Path::new("connections.toml"), &text, &[vendor]).unwrap();
    let Configured { connection, secrets, .. } = read.all.remove(0);
    let connection = Arc::new(connection);
    let entry = Arc::new((vendor.open)(&connection).unwrap());
    let paths = Paths { config_dir: dir.path().join("config"), data_dir: dir.path().join("data") };
    let vault = Vault::new(&paths.data_dir, &paths.config_dir, &Settings::default());
    let redactor = Redactor::default();
    let secrets = Secrets::resolve(&secrets, &vault, &redactor).unwrap();
    let door =
        Door::new(Arc::clone(&connection), Arc::clone(&entry), secrets, vault, paths.data_dir.join("locks"), redactor.clone()).unwrap();
    Bench { azure, cloud, connection, entry, door, redactor, dir, waits: Mutex::default() }
}

impl Bench {
    /// Another connection to the same cloud, with nothing remembered.
    pub fn on(other: &Self, extra: &str) -> Self {
        connect(Arc::clone(&other.azure), Arc::clone(&other.cloud), &parameters(&other.cloud), extra)
    }

    /// A connection of the application that may do little, with another test path.
    pub fn narrow(&self, test_path: &str) -> Self {
        let (id, secret) = self.azure.narrow_application();
        let mut parameters = parameters(&self.cloud);
        parameters.insert("client_id".into(), format!("\"{id}\""));
        parameters.insert("client_secret".into(), format!("\"{secret}\""));
        parameters.insert("test_url".into(), format!("\"{}{test_path}\"", self.endpoint("azure.graph")));
        connect(Arc::clone(&self.azure), Arc::clone(&self.cloud), &parameters, "")
    }

    pub fn endpoint(&self, name: &str) -> &str {
        &self.cloud.vendor.endpoints.iter().find(|(known, _)| known == name).unwrap().1
    }

    pub fn parameter(&self, name: &str) -> &str {
        self.connection.text(name).unwrap()
    }

    pub fn foreign(&self) -> &str {
        &self.cloud.foreign.root
    }

    pub fn data_dir(&self) -> std::path::PathBuf {
        self.dir.path().join("data")
    }

    /// The user who signs in at the simulated cloud.
    pub fn azure_person(&self) -> String {
        self.cloud.shared.world.people[0].id.clone()
    }

    pub fn azure_mail(&self) -> String {
        self.cloud.shared.world.people[0].mail.clone()
    }

    fn arguments(&self, command: &str, given: Value) -> Result<Arguments, Vec<nightdesk::core::catalogue::Invalid>> {
        let Value::Object(given) = given else { panic!("arguments are an object") };
        let given = given.into_iter().map(|(name, value)| match value {
            // Texts come as from the command line.
            Value::String(text) => (name, Given::Text(text)),
            other => (name, Given::Json(other)),
        });
        validate(self.entry.command(command).unwrap(), given.collect(), Timestamp::now())
    }

    /// What is said about a call that is wrong.
    pub fn refused(&self, command: &str, given: Value) -> String {
        let complaints = self.arguments(command, given).expect_err("it should be refused");
        complaints.into_iter().map(|complaint| complaint.message).collect::<Vec<_>>().join(" ")
    }

    /// Runs a command to its end, without the waits.
    pub async fn run(&self, command: &str, given: Value) -> Outcome {
        let arguments = self.arguments(command, given).unwrap();
        let talk = Talk::new(arguments.now(), false);
        let conversation = self.entry.command(command).unwrap().start(talk, Arc::clone(&self.connection), arguments);
        self.waits.lock().unwrap().clear();
        let mut outcome = self.hold(conversation, &mut Vec::new()).await;
        self.redactor.json(&mut outcome.raw_data);
        outcome.message = self.redactor.text(&outcome.message);
        outcome
    }

    /// The arguments that take a command back.
    pub fn undo(&self, command: &str, given: Value, outcome: &Outcome) -> Value {
        let inverse = self.entry.command(command).unwrap().inverse.clone().unwrap();
        Value::Object((inverse.arguments)(&self.arguments(command, given).unwrap(), outcome).unwrap())
    }

    /// The previews of a dry run.
    pub fn plan(&self, command: &str, given: Value) -> Vec<Value> {
        let arguments = self.arguments(command, given).unwrap();
        let talk = Talk::new(arguments.now(), true);
        let mut conversation = self.entry.command(command).unwrap().start(talk, Arc::clone(&self.connection), arguments);
        assert!(matches!(conversation.resume(Input::Start), Step::Done(_)), "a dry run asks for nothing");
        conversation.planned().iter().map(|request| prepare::preview(&self.entry, request)).collect()
    }

    /// Fetches so many hours of a source.
    pub async fn fetch(&self, source: &str, hours: i64, max: Option<usize>) -> (Fetched, Vec<Event>) {
        let now = Timestamp::now();
        let found = self.entry.source(source).unwrap();
        let from = now - SignedDuration::from_hours(hours);
        let window = Window { source: source.into(), from, to: now, max, resume: None };
        let fetching = (found.fetcher)(Talk::new(now, false), Arc::clone(&self.connection), window);
        let mut events = Vec::new();
        let fetched = self.hold(fetching, &mut events).await;
        (fetched, events)
    }

    fn scope(&self) -> Scope {
        Scope {
            deadline: tokio::time::Instant::now() + Duration::from_secs(60),
            cancel: CancellationToken::new(),
            quarantine: Quarantine { dir: self.data_dir().join("quarantine") },
        }
    }

    /// What the renewal job does.
    pub async fn renew(&self) -> Result<(), String> {
        self.door.tokens().renew(&self.door, &sign_in(&self.entry, "graph"), &self.scope()).await.map_err(|trouble| trouble.message())
    }

    async fn hold<T>(&self, mut conversation: Talking<T>, events: &mut Vec<Event>) -> T {
        let mut input = Input::Start;
        loop {
            input = match conversation.resume(input) {
                Step::Done(end) => return end,
                Step::Send(requests) => {
                    let mut answers = Vec::new();
                    for request in requests {
                        answers.push(self.door.send(&request, &self.scope()).await);
                    }
                    assert!(!answers.iter().any(|answer| matches!(answer, Err(Trouble::Planned))));
                    Input::Answers(answers)
                }
                Step::Wait(time) => {
                    self.waits.lock().unwrap().push(time);
                    Input::Done
                }
                Step::Deliver(page) => {
                    let new = page.events.len();
                    events.extend(page.events);
                    Input::Stored(Counts { new, ..Counts::default() })
                }
                own => keep(&self.door, &self.entry, own).await,
            };
        }
    }

    /// The waits of the last run.
    pub fn waits(&self) -> Vec<Duration> {
        self.waits.lock().unwrap().clone()
    }

    /// Where a browser ends that opens an address.
    pub async fn browse(&self, url: &str) -> String {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        let answer = client.get(url).send().await.unwrap();
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    /// What reached the listener that belongs to nobody.
    pub async fn seen(&self) -> Vec<Value> {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let text = client.get(format!("{}/seen", self.foreign())).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Whether any file of the data holds these bytes.
    pub fn disk_holds(&self, bytes: &[u8]) -> bool {
        fn files(dir: &Path, found: &mut Vec<std::path::PathBuf>) {
            for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() { files(&path, found) } else { found.push(path) }
            }
        }
        let mut found = Vec::new();
        files(self.dir.path(), &mut found);
        found.iter().any(|file| std::fs::read(file).unwrap().windows(bytes.len()).any(|window| window == bytes))
    }
}

/// Whether an archive's one entry is encrypted, and its content.
pub fn unzip(path: &str, password: Option<&str>) -> (bool, Vec<u8>) {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let encrypted = zip.by_index_raw(0).unwrap().encrypted();
    let mut bytes = Vec::new();
    match password {
        Some(password) => zip.by_index_decrypt(0, password.as_bytes()).unwrap().read_to_end(&mut bytes).unwrap(),
        None => zip.by_index(0).unwrap().read_to_end(&mut bytes).unwrap(),
    };
    (encrypted, bytes)
}

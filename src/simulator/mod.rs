//! The five vendors as honest loopback servers.
//!
//! They are what the demo shows and what the tests run against, so they must judge the client rather than please it:
//! nothing here imports `vendor` or `runtime`, and each checks, refuses, pages, throttles and expires as its vendor
//! does. They share one [`World`], so that the same people, machines and addresses turn up at every vendor and a
//! pivot has something to find.

pub mod azure;
pub mod clock;
pub mod configuration;
pub mod eset;
pub mod fault;
pub mod lacework;
pub mod limit;
pub mod management_activity;
pub mod serve;
pub mod wiz;
pub mod world;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

pub use clock::Clock;
pub use fault::{Fault, Faults};
pub use serve::{Server, serve};
pub use world::World;

/// How a simulation is to be set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Seed of everything that is made up; the same seed and start give the same world.
    pub seed: u64,
    /// Events to make up, over all vendors together.
    pub events: usize,
    /// What is to go wrong.
    pub faults: Vec<Fault>,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 7, events: 4_000, faults: Vec::new() }
    }
}

/// What every simulated vendor is given: the world, the clock and the faults.
#[derive(Debug)]
pub struct Shared {
    /// How the simulation was set up.
    pub options: Options,
    /// Who and what there is.
    pub world: World,
    /// The simulators' time: real time, movable by tests.
    pub clock: Clock,
    /// What goes wrong, and what has gone wrong already.
    pub faults: Faults,
    /// Root of a listener that belongs to nobody (`http://127.0.0.1:PORT`), for links that lead astray.
    pub foreign: String,
}

impl Shared {
    /// How many of the asked-for events one vendor makes up, given its share in percent.
    pub fn share(&self, percent: usize) -> usize {
        (self.options.events * percent / 100).max(1)
    }
}

/// One simulated vendor that is up.
#[derive(Debug)]
pub struct Vendor {
    /// Its roots by name, for the `ready` line (`wiz.api` → `http://127.0.0.1:…`).
    pub endpoints: Vec<(String, String)>,
    /// Its connection, as it stands in `connections.toml`.
    pub connection: Connection,
    /// Its servers; they stop when this is dropped.
    pub servers: Vec<Server>,
}

/// A connection to a simulated vendor, ready to be written as TOML.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Name, such as `wiz-demo`.
    pub name: &'static str,
    /// Vendor as the configuration spells it.
    pub vendor: &'static str,
    /// Plain parameters; the values are TOML source (`"text"`, `true`, `["a"]`).
    pub parameters: Vec<(&'static str, String)>,
    /// Secret parameters in clear; they are written to files of mode 0600 beside the configuration.
    pub secrets: Vec<(&'static str, String)>,
    /// Further lines of the `[[connection]]` table itself, as TOML source (`event_sources = [..]`).
    pub extra: Vec<String>,
}

/// All simulated vendors, up and serving until dropped.
#[derive(Debug)]
pub struct Simulation {
    /// What they share.
    pub shared: Arc<Shared>,
    /// The vendors, in the order of the connections file.
    pub vendors: Vec<Vendor>,
    /// The listener that belongs to nobody; what reached it is served at `/seen`.
    pub foreign: Server,
}

impl Simulation {
    /// Makes up a world and starts every vendor on a free loopback port.
    ///
    /// # Errors
    /// When no loopback port can be bound.
    pub async fn start(options: Options) -> io::Result<Self> {
        let foreign = serve::foreign().await?;
        let clock = Clock::real();
        let world = World::new(options.seed, clock.now());
        let faults = Faults::new(&options.faults);
        let shared = Arc::new(Shared { options, world, clock, faults, foreign: foreign.root.clone() });
        // One line a vendor, in the order of the connections file.
        let vendors = vec![
            azure::start(&shared).await?,
            wiz::start(&shared).await?,
            eset::start(&shared).await?,
            management_activity::start(&shared).await?,
            lacework::start(&shared).await?,
        ];
        Ok(Self { shared, vendors, foreign })
    }

    /// The roots of all vendors by name.
    pub fn endpoints(&self) -> BTreeMap<String, String> {
        let mut all: BTreeMap<_, _> = self.vendors.iter().flat_map(|vendor| vendor.endpoints.iter().cloned()).collect();
        all.insert("foreign".into(), self.foreign.root.clone());
        all
    }

    /// The one line that `nightdesk sim` prints when everything is up.
    pub fn ready_line(&self, config_dir: Option<&Path>) -> Value {
        json!({"ready": true, "config_dir": config_dir.map(|dir| dir.to_string_lossy()), "endpoints": self.endpoints()})
    }

    /// Waits until every server has ended, which is for ever unless one fails.
    pub async fn wait(self) {
        let mut servers: JoinSet<()> = JoinSet::new();
        for server in self.vendors.into_iter().flat_map(|vendor| vendor.servers) {
            servers.spawn(server.ended());
        }
        while servers.join_next().await.is_some() {}
    }
}

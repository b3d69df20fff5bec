//! `nightdesk sim` and `nightdesk demo`: the built-in vendor simulators.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::WRONG_CALL;
use super::context::{Context, signalled};
use super::output::complain;
use crate::config::{Paths, files};
use crate::simulator::{Fault, Options, Simulation};

/// Arguments of `nightdesk sim`.
#[derive(Debug, Args)]
pub struct Sim {
    #[command(flatten)]
    world: World,
    /// Write a connections.toml there that points at the simulators
    #[arg(long, value_name = "DIR")]
    write_config: Option<PathBuf>,
}

/// Arguments of `nightdesk demo`.
#[derive(Debug, Args)]
pub struct Demo {
    #[command(flatten)]
    world: World,
}

#[derive(Debug, Args)]
struct World {
    /// Seed of everything that is made up
    #[arg(long)]
    seed: Option<u64>,
    /// Events to make up, over all vendors
    #[arg(long)]
    events: Option<usize>,
    /// What goes wrong; may be given several times
    #[arg(long = "fault", value_name = "NAME", num_args = 1.., value_delimiter = ',')]
    faults: Vec<Fault>,
}

impl World {
    fn options(self) -> Options {
        let default = Options::default();
        Options { seed: self.seed.unwrap_or(default.seed), events: self.events.unwrap_or(default.events), faults: self.faults }
    }
}

impl Sim {
    pub(super) async fn carry_out(self, context: &Context) -> u8 {
        let simulation = match Simulation::start(self.world.options()).await {
            Ok(simulation) => simulation,
            Err(error) => return cannot("the simulators cannot start", &error),
        };
        if let Some(dir) = &self.write_config
            && let Err(error) = simulation.write_config(dir)
        {
            return cannot(&format!("{} cannot be written", dir.display()), &error);
        }
        // A script waits for this line, whatever the form of output.
        context.output.json(&json!({"ready": true, "config_dir": self.write_config, "endpoints": simulation.endpoints()}));
        tokio::select! {
            () = signalled() => {}
            () = simulation.wait() => {}
        }
        0
    }
}

impl Demo {
    /// The demo as it is without any flags.
    pub(super) fn plain() -> Self {
        Self { world: World { seed: None, events: None, faults: Vec::new() } }
    }

    pub(super) async fn carry_out(self, context: &Context) -> u8 {
        let simulation = match Simulation::start(self.world.options()).await {
            Ok(simulation) => simulation,
            Err(error) => return cannot("the simulators cannot start", &error),
        };
        let dir = match tempfile::Builder::new().prefix("nightdesk-demo-").tempdir() {
            Ok(dir) => dir,
            Err(error) => return cannot("the demo's folder cannot be made", &error),
        };
        let paths = Paths { config_dir: dir.path().join("config"), data_dir: dir.path().join("data") };
        if let Err(error) = files::private_dir(&paths.data_dir).and_then(|()| simulation.write_config(&paths.config_dir)) {
            return cannot("the demo's configuration cannot be written", &error);
        }
        let context = context.clone().at(paths);
        let runner = match context.runner() {
            Ok(runner) => runner,
            Err(cannot) => return cannot.say(),
        };
        let code = super::console::open_on(&context, runner, true, None).await.map_or_else(|code| code, |_| 0);
        drop(simulation);
        code
    }
}

fn cannot(what: &str, error: &dyn std::fmt::Display) -> u8 {
    complain(&format!("{what}: {error}"));
    WRONG_CALL
}

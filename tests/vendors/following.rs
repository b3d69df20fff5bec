//! What goes on behind the console: an action that a vendor accepts and never carries out, a fetch that waits for another.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nightdesk::config::{Paths, Settings, connections};
use nightdesk::core::catalogue::{Class, Effect as Changes, Given, Reach, Undo};
use nightdesk::core::console::confirm::Ready;
use nightdesk::core::console::effect::Effect;
use nightdesk::core::console::message::Message;
use nightdesk::core::console::notice::Tone;
use nightdesk::core::outcome::ReturnData;
use nightdesk::runtime::run::Runner;
use nightdesk::runtime::store::Store;
use nightdesk::runtime::world::World;
use nightdesk::secrets::vault::lock;
use nightdesk::simulator::{Fault, Options, Simulation};
use nightdesk::vendor;
use serde_json::{Map, json};
use tokio::sync::mpsc;

/// A simulated vendor, where its connection's files lie, and a runner for it.
async fn desk(vendor: &str, faults: Vec<Fault>) -> (Simulation, tempfile::TempDir, Runner) {
    let mut simulation = Simulation::start(Options { events: 40, faults, ..Options::default() }).await.unwrap();
    simulation.vendors.retain(|simulated| simulated.connection.vendor == vendor);
    let home = tempfile::tempdir().unwrap();
    let paths = Paths { config_dir: home.path().join("config"), data_dir: home.path().join("data") };
    simulation.write_config(&paths.config_dir).unwrap();
    let read = connections::load(&paths, &vendor::all()).unwrap();
    let store = Store::open(&paths.data_dir).unwrap();
    (simulation, home, Runner::new(paths, &Settings::default(), read, &vendor::all(), store).unwrap())
}

#[tokio::test]
async fn a_fetch_that_waits_for_another_one_says_so_and_can_be_cancelled() {
    let (_simulation, _home, runner) = desk("wiz", Vec::new()).await;
    std::fs::create_dir_all(runner.lock_dir()).unwrap();
    let held = lock(&runner.lock_dir().join("wiz-demo.fetch.lock")).unwrap();
    let (inbox, mut messages) = mpsc::channel(64);
    let mut world = World::new(Some(runner), inbox);
    world.perform(Effect::Fetch { task: 1, connection: "wiz-demo".into(), window: None });
    let mut next = async || tokio::time::timeout(Duration::from_secs(60), messages.recv()).await.unwrap().unwrap();
    while !matches!(next().await, Message::Progress(1, text, ..) if text.contains("waits for another fetch")) {}
    world.perform(Effect::Cancel(1));
    loop {
        if let Message::Ended(1, data, text, _) = next().await {
            assert!(data == ReturnData::Failed && text.contains("Cancelled while another fetch"), "{data:?} {text}");
            break;
        }
    }
    drop(held);
}

#[tokio::test]
async fn what_is_accepted_and_never_happens_is_told_as_not_observed() {
    let (simulation, _home, runner) = desk("eset-protect-cloud", vec![Fault::LostTasks]).await;
    let (inbox, mut messages) = mpsc::channel(64);
    let mut world = World::new(Some(runner.clone()), inbox);
    // Long enough for the vendor to take it, and over before the first look.
    let expires = Timestamp::now() + SignedDuration::from_secs(2);
    let given = json!({
        "task_name": "case 7", "task_description": "isolate", "device_uuids": [simulation.shared.world.machines[0].id],
        "expire_time": expires.to_string(),
    });
    let given = given.as_object().unwrap().iter().map(|(name, value)| (name.clone(), Given::Json(value.clone()))).collect();
    let ready = Ready {
        connection: "eset-demo".into(),
        command: "isolate-endpoints".into(),
        title: "Isolate Endpoints".into(),
        given,
        arguments: Map::new(),
        class: Class::new(Changes::Write, Reach::Disruptive, Undo::None),
        events: Vec::new(),
        reread: None,
    };
    world.perform(Effect::Run(1, ready));
    let mut next = async || tokio::time::timeout(Duration::from_secs(60), messages.recv()).await.unwrap().unwrap();
    let state = async || runner.store().audit_list(None, 0).await.unwrap().into_iter().map(|entry| entry.state).collect::<Vec<_>>();
    loop {
        if let Message::Ended(1, data, text, _) = next().await {
            assert_eq!(data, ReturnData::Successful, "{text}");
            break;
        }
    }
    assert!(state().await.contains(&"Accepted, not yet observed".to_owned()), "{:?}", state().await);
    assert_eq!(runner.store().follows().await.unwrap().len(), 1, "a later console would go on looking");
    loop {
        if let Message::Followed(task, tone, text) = next().await {
            assert_eq!((task, tone), (Some(1), Tone::Warning), "{text}");
            assert!(text.starts_with("Not observed: Isolate Endpoints on eset-demo was accepted"), "{text}");
            break;
        }
    }
    let states = state().await;
    assert!(states.contains(&"Not observed".to_owned()) && !states.iter().any(|state| state.contains("carried out")), "{states:?}");
    assert!(runner.store().follows().await.unwrap().is_empty());
    assert!(runner.store().audit_verify().await.unwrap().ok);
    world.finish().await;
}

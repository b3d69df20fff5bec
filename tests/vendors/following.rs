//! A vendor that accepts an action and never carries it out: it stays accepted, and is told as not observed once it can no longer happen.

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
use nightdesk::simulator::{Fault, Options, Simulation};
use nightdesk::vendor;
use serde_json::{Map, json};
use tokio::sync::mpsc;

#[tokio::test]
async fn what_is_accepted_and_never_happens_is_told_as_not_observed() {
    let faults = vec![Fault::LostTasks];
    let mut simulation = Simulation::start(Options { events: 40, faults, ..Options::default() }).await.unwrap();
    simulation.vendors.retain(|simulated| simulated.connection.vendor == "eset-protect-cloud");
    let home = tempfile::tempdir().unwrap();
    let paths = Paths { config_dir: home.path().join("config"), data_dir: home.path().join("data") };
    simulation.write_config(&paths.config_dir).unwrap();
    let read = connections::load(&paths, &vendor::all()).unwrap();
    let runner = Runner::new(paths.clone(), &Settings::default(), read, &vendor::all(), Store::open(&paths.data_dir).unwrap()).unwrap();
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

//! The playbooks that come with the program, against the catalogue and against the simulators.
#![cfg(test)]

use jiff::Timestamp;
use nightdesk::config::{Paths, Settings, connections};
use nightdesk::core::playbook::{self, Addressee, Playbook, Run};
use nightdesk::core::query::Query;
use nightdesk::runtime::playbook::{PlaybookOptions, StepReport, Told, carry_out, done_on, obstacles};
use nightdesk::runtime::run::{RunOptions, Runner};
use nightdesk::runtime::store::Store;
use nightdesk::simulator::{Options, Simulation};
use nightdesk::vendor;
use serde_json::{Value, json};

#[test]
fn every_step_names_a_command_and_its_parameters() {
    let mut checked = 0;
    for playbook in playbook::shipped() {
        for step in &playbook.steps {
            let Addressee::Vendor(id) = &step.to else { panic!("{}: {} names a connection", playbook.name, step.name) };
            // What is read from a document of the user's own has no sample.
            let Some(entry) = vendor::find(id).and_then(|vendor| vendor.sample()) else {
                assert_eq!(id, "lacework-edge", "{}: {}", playbook.name, step.name);
                continue;
            };
            let command = entry.command(&step.command).unwrap_or_else(|| panic!("{}: {} is no command", playbook.name, step.command));
            for name in step.arguments.keys() {
                assert!(command.parameters.iter().any(|parameter| parameter.name == *name), "{}: {} {name}", playbook.name, step.command);
            }
            for parameter in command.parameters.iter().filter(|parameter| parameter.required && parameter.default.is_none()) {
                assert!(step.arguments.contains_key(&parameter.name), "{}: {} lacks {}", playbook.name, step.command, parameter.name);
            }
            checked += 1;
        }
    }
    assert!(checked > 30, "{checked}");
}

struct Desk {
    runner: Runner,
    _simulation: Simulation,
    _home: tempfile::TempDir,
}

async fn desk() -> Desk {
    let simulation = Simulation::start(Options { events: 60, ..Options::default() }).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let paths = Paths { config_dir: home.path().join("config"), data_dir: home.path().join("data") };
    simulation.write_config(&paths.config_dir).unwrap();
    let read = connections::load(&paths, &vendor::all()).unwrap();
    let store = Store::open(&paths.data_dir).unwrap();
    let runner = Runner::new(paths, &Settings::default(), read, &vendor::all(), store).unwrap();
    Desk { runner, _simulation: simulation, _home: home }
}

fn shipped(name: &str) -> Playbook {
    playbook::shipped().into_iter().find(|playbook| playbook.name == name).unwrap()
}

async fn run(runner: &Runner, playbook: Playbook, id: i64, dry_run: bool) -> (u8, Vec<StepReport>) {
    let options = PlaybookOptions { dry_run, ..PlaybookOptions::default() };
    assert_eq!(obstacles(runner, &playbook, &options), Vec::<String>::new());
    let event = runner.store().event(id).await.unwrap();
    let run = Run::begin(playbook, &[], event, Timestamp::now()).unwrap();
    let mut reports = Vec::new();
    let code = carry_out(runner, run, &options, |told| {
        if let Told::Ended(report) = told {
            reports.push(*report);
        }
    })
    .await;
    (code, reports)
}

#[tokio::test(flavor = "multi_thread")]
async fn malware_on_an_endpoint_dry_then_real_then_recorded() {
    let desk = desk().await;
    let runner = &desk.runner;
    let given = vec![("end_time".to_owned(), nightdesk::core::catalogue::Given::Text("now".into()))];
    runner.run("eset-demo", "fetch-event", given, RunOptions::default()).await;
    let events = runner.store().events(&Query::parse("").unwrap(), None, 0, Timestamp::now()).await.unwrap();
    let device = |event: &&nightdesk::core::event::StoredEvent| event.event.raw["context"]["deviceUuid"].is_string();
    let first = events.iter().find(device).unwrap();
    let wanted = first.event.raw["context"]["deviceUuid"].clone();
    let other = events.iter().filter(device).find(|event| event.event.raw["context"]["deviceUuid"] != wanted).unwrap();
    let before = runner.store().audit_list(None, 0).await.unwrap().len();

    let (code, dry) = run(runner, shipped("malware-on-endpoint"), first.id, true).await;
    assert_eq!((code, dry.len()), (0, 4));
    let lines: Vec<Value> = dry.iter().map(StepReport::json).collect();
    assert_eq!(lines[1]["requests"][0]["body"]["task"]["targets"]["devicesUuids"], json!([wanted]));
    assert!(lines[3]["message"].as_str().unwrap().contains("It needs the result of isolate"), "{}", lines[3]);
    assert_eq!(runner.store().audit_list(None, 0).await.unwrap().len(), before, "nothing was sent");

    let (code, real) = run(runner, shipped("malware-on-endpoint"), first.id, false).await;
    assert_eq!(code, 0, "{real:#?}");
    let raw = |reports: &[StepReport], at: usize| reports[at].report.as_ref().unwrap().outcome.raw_data.clone();
    let task = raw(&real, 1)["task"]["uuid"].clone();
    assert_eq!(raw(&real, 3)["Results"][0]["taskRuns"][0]["taskUuid"], task);
    assert_eq!(raw(&real, 3)["Results"][0]["taskRuns"][0]["deviceUuid"], wanted);

    // The record names the event, so that the same can be done on another one: to its device, following the new task.
    let recorded = playbook::record("again", std::slice::from_ref(first), &done_on(runner, runner.store(), first).await.unwrap());
    let recorded = playbook::parse("again.toml", &playbook::to_toml(&recorded)).unwrap();
    assert_eq!(recorded.steps[3].arguments["task_uuids"], json!(["${steps.isolate-endpoints.$.task.uuid}"]));
    let (code, again) = run(runner, recorded, other.id, false).await;
    assert_eq!(code, 0, "{again:#?}");
    let run = raw(&again, 3)["Results"][0]["taskRuns"][0].clone();
    assert_eq!((&run["taskUuid"], &run["deviceUuid"]), (&raw(&again, 1)["task"]["uuid"], &other.event.raw["context"]["deviceUuid"]));
    assert_ne!(run["taskUuid"], task);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_undone_is_refused_without_a_yes_before_anything_is_sent() {
    let desk = desk().await;
    let text = "name = \"try\"\ntitle = \"Try\"\n[[step]]\nname = \"look\"\nvendor = \"eset-protect-cloud\"\ncommand = \"list-policies\"\n\
                [[step]]\nname = \"run\"\nvendor = \"eset-protect-cloud\"\ncommand = \"run-command\"\n";
    let playbook = playbook::parse("try.toml", text).unwrap();
    let against = |options: PlaybookOptions| obstacles(&desk.runner, &playbook, &options);
    assert!(against(PlaybookOptions::default())[0].contains("destructive"));
    assert_eq!(against(PlaybookOptions { yes: true, ..PlaybookOptions::default() }), Vec::<String>::new());
    let chosen = [("eset-protect-cloud".to_owned(), "wiz-demo".to_owned())].into_iter().collect();
    assert!(against(PlaybookOptions { chosen, ..PlaybookOptions::default() })[0].contains("not to eset-protect-cloud"));
}

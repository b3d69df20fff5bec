//! Microsoft Management Activity: every command, the ways to sign in, and what a fetch does when the feed or the way to it fails.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nightdesk::config::{Paths, Settings, connections};
use nightdesk::core::catalogue::Given;
use nightdesk::core::outbox::Standing;
use nightdesk::core::outcome::ReturnData;
use nightdesk::core::query::Query;
use nightdesk::runtime::fetch::{FetchOptions, FetchReport};
use nightdesk::runtime::outbox::Posted;
use nightdesk::runtime::run::{RunOptions, RunReport, Runner};
use nightdesk::runtime::store::Store;
use nightdesk::simulator::management_activity::credentials;
use nightdesk::simulator::{Fault, Options, Simulation};
use nightdesk::vendor;
use serde_json::{Value, json};

/// The simulator, and a whole nightdesk beside it: configuration, vault and store.
struct Desk {
    simulation: Simulation,
    runner: Runner,
    home: tempfile::TempDir,
}

const NAME: &str = "microsoft-demo";

async fn desk(faults: &[Fault]) -> Desk {
    desk_with(faults, |text| text).await
}

async fn desk_with(faults: &[Fault], change: impl FnOnce(String) -> String) -> Desk {
    let mut simulation = Simulation::start(Options { events: 1_500, faults: faults.to_vec(), ..Options::default() }).await.unwrap();
    simulation.vendors.retain(|simulated| simulated.connection.vendor == "management-activity");
    let home = tempfile::tempdir().unwrap();
    let paths = paths(&home);
    simulation.write_config(&paths.config_dir).unwrap();
    let text = change(std::fs::read_to_string(paths.connections()).unwrap());
    std::fs::write(paths.connections(), text).unwrap();
    let runner = runner(&paths);
    Desk { simulation, runner, home }
}

fn paths(home: &tempfile::TempDir) -> Paths {
    Paths { config_dir: home.path().join("config"), data_dir: home.path().join("data") }
}

fn runner(paths: &Paths) -> Runner {
    let read = connections::load(paths, &vendor::all()).unwrap();
    let store = Store::open(&paths.data_dir).unwrap();
    Runner::new(paths.clone(), &Settings::default(), read, &vendor::all(), store).unwrap()
}

impl Desk {
    async fn run(&self, command: &str, arguments: Value) -> RunReport {
        let given = arguments.as_object().unwrap().iter().map(|(name, value)| (name.clone(), Given::Json(value.clone()))).collect();
        self.runner.run(NAME, command, given, RunOptions::default()).await
    }

    async fn fetch(&self) -> FetchReport {
        self.fetch_with(&FetchOptions::default()).await
    }

    async fn fetch_with(&self, options: &FetchOptions) -> FetchReport {
        let opened = Arc::clone(self.runner.connection(NAME).unwrap());
        self.runner.fetch(&opened, options).await
    }

    async fn stored(&self, query: &str) -> usize {
        let query = Query::parse(query).unwrap();
        self.runner.store().count(&query, Timestamp::now()).await.unwrap()
    }

    /// What reached the listener that belongs to nobody.
    async fn leaked(&self) -> Value {
        let answer = reqwest::get(format!("{}/seen", self.simulation.foreign.root)).await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}

fn ago(hours: i64) -> String {
    (Timestamp::now() - SignedDuration::from_hours(hours)).to_string()
}

#[tokio::test]
async fn subscriptions_are_started_listed_and_stopped_in_the_documents_words() {
    let desk = desk(&[]).await;
    let list = desk.run("list-subscriptions", json!({})).await.outcome;
    assert_eq!(list.message, "Current Subscriptions\nAudit.AzureActiveDirectory\nAudit.Exchange\nAudit.General\nAudit.SharePoint");
    assert_eq!(list.context.unwrap()["MicrosoftManagement"]["Subscription"][1], json!({"ContentType": "Audit.Exchange", "Enabled": true}));
    let started = desk.run("start-subscription", json!({"content_type": "DLP.All"})).await.outcome;
    assert_eq!(started.message, "Successfully started subscription to content type: DLP.All");
    assert_eq!(started.context.unwrap(), json!({"MicrosoftManagement": {"Subscription": {"ContentType": "DLP.All", "Enabled": true}}}));
    let again = desk.run("start-subscription", json!({"content_type": "dlp.all"})).await.outcome;
    assert_eq!((again.return_data, again.message.as_str()), (ReturnData::Successful, "The subscription is already enabled."));
    assert!(again.context.is_none());
    let stopped = desk.run("stop-subscription", json!({"content_type": "DLP.All"})).await.outcome;
    assert_eq!(stopped.message, "Successfully stopped subscription to content type: DLP.All");
    assert_eq!(stopped.context.unwrap()["MicrosoftManagement"]["Subscription"]["Enabled"], false);
    let list = desk.run("list-subscriptions", json!({})).await.outcome;
    assert!(!list.message.contains("DLP.All"), "a stopped one is in the raw data only");
    assert_eq!(list.raw_data.as_array().unwrap().len(), 5);
    let refused = desk.run("start-subscription", json!({"content_type": "Audit.Nothing"})).await;
    assert_eq!(refused.exit_code(), 2);
}

#[tokio::test]
async fn content_is_listed_over_all_pages_and_filtered() {
    let desk = desk(&[]).await;
    let all = desk.run("list-content", json!({"content_type": "audit.exchange"})).await.outcome;
    assert_eq!(all.return_data, ReturnData::Successful, "{:?}", all.errors);
    assert!(all.message.starts_with("Content for content type audit.exchange\nID | CreationTime | Workload | Operation\n"));
    let records = all.raw_data.as_array().unwrap();
    assert!(records.len() > 50, "{}", records.len());
    let context = all.context.unwrap();
    let context = context["MicrosoftManagement"]["ContentRecord"].as_array().unwrap();
    assert_eq!(context.len(), records.len());
    assert!(context.iter().any(|record| record["ResultsStatus"].is_string()));
    assert!(context.iter().all(|record| record.as_object().unwrap().values().all(|value| !value.is_null())));
    let by_name =
        desk.run("list-content", json!({"content_type": "Audit.Exchange", "record_types_filter": "exchangeadmin, 3"})).await.outcome;
    let types: HashSet<i64> = by_name.raw_data.as_array().unwrap().iter().map(|record| record["RecordType"].as_i64().unwrap()).collect();
    assert_eq!(types, HashSet::from([1, 3]));
    let both = json!({"content_type": "Audit.Exchange", "record_types_filter": [1], "operations_filter": "New-InboxRule", "workloads_filter": " Exchange "});
    let both = desk.run("list-content", both).await.outcome;
    assert!(both.raw_data.as_array().unwrap().iter().all(|record| record["Operation"] == "New-InboxRule"));
    let nothing = desk.run("list-content", json!({"content_type": "Audit.Exchange", "workloads_filter": "Sway"})).await.outcome;
    assert_eq!((nothing.return_data, nothing.raw_data), (ReturnData::Successful, json!([])));
}

#[tokio::test]
async fn times_outside_the_documents_limits_are_refused_before_anything_is_sent() {
    let desk = desk(&[]).await;
    for (start, end) in [
        (Some(ago(2)), None),
        (None, Some(ago(2))),
        (Some(ago(2)), Some(ago(3))),
        (Some(ago(30)), Some(ago(2))),
        (Some(ago(170)), Some(ago(160))),
    ] {
        let report = desk.run("list-content", json!({"content_type": "Audit.General", "start_time": start, "end_time": end})).await;
        assert_eq!(report.exit_code(), 2, "{start:?} to {end:?}");
    }
    let unknown = desk.run("list-content", json!({"content_type": "Audit.General", "record_types_filter": "NoSuchType"})).await;
    assert!(unknown.outcome.message.contains("is not a legal record type in the Microsoft Management Activity API"));
    assert_eq!(unknown.exit_code(), 2);
    let week = json!({"content_type": "Audit.General", "start_time": "-7d", "end_time": "-145h"});
    let report = desk.run("list-content", week).await;
    assert!(report.outcome.errors.iter().all(|failure| failure.message.starts_with("AF20051")), "{:?}", report.outcome.errors);
    assert_eq!(report.outcome.errors.len(), 1, "one blob at the edge is gone");
}

#[tokio::test]
async fn a_subscription_that_is_missing_is_named_with_the_command_that_starts_it() {
    let desk = desk(&[]).await;
    let report = desk.run("list-content", json!({"content_type": "DLP.All"})).await;
    let failure = &report.outcome.errors[0];
    assert_eq!((report.exit_code(), failure.status_code), (1, Some(400)));
    assert!(failure.message.starts_with("AF20022") && failure.hint.as_ref().unwrap().contains("start-subscription"));
    for content_type in ["Audit.AzureActiveDirectory", "Audit.Exchange", "Audit.SharePoint", "Audit.General"] {
        desk.run("stop-subscription", json!({"content_type": content_type})).await;
    }
    let fetched = desk.fetch().await;
    assert_eq!(fetched.return_data, ReturnData::Failed);
    assert!(fetched.errors[0].message.contains("start-subscription"));
}

#[tokio::test]
async fn a_second_fetch_brings_nothing_new_and_duplicates_count_once() {
    let desk = desk(&[Fault::DuplicateRecords]).await;
    let first = desk.fetch().await;
    assert_eq!(first.return_data, ReturnData::Successful, "{:?}", first.errors);
    assert!(first.counts.new > 300 && first.counts.updated == 0, "{:?}", first.counts);
    assert_eq!(desk.stored("vendor:management-activity").await, first.counts.new);
    let second = desk.fetch().await;
    assert_eq!((second.counts.new, second.counts.updated), (0, 0));
    assert!(desk.stored("type:Audit.Exchange severity:>=medium").await > 0);
    assert_eq!(desk.stored("type:DLP.All").await, 0, "what nobody subscribed to is left alone");
}

#[tokio::test]
async fn what_turns_up_late_is_brought_by_the_overlap() {
    let desk = desk(&[Fault::LateRecords]).await;
    let (first, second) = (desk.fetch().await, desk.fetch().await);
    assert!(first.counts.new > 0 && second.counts.new > 0, "{:?} and {:?}", first.counts, second.counts);
    assert_eq!(desk.fetch().await.counts.new, 0);
}

#[tokio::test]
async fn a_small_maximum_brings_everything_over_several_fetches() {
    let (small, whole) = (desk(&[]).await, desk(&[]).await);
    let expected = whole.fetch().await.counts.new;
    let options = FetchOptions { max: Some(60), ..FetchOptions::default() };
    let (mut brought, mut rounds) = (0, 0);
    loop {
        let report = small.fetch_with(&options).await;
        assert!(report.errors.is_empty() && report.gaps.is_empty(), "{:?}", report.errors);
        assert!(report.counts.total() <= 60);
        brought += report.counts.new;
        rounds += 1;
        if report.counts.new == 0 || rounds > 40 {
            break;
        }
    }
    assert!(brought == expected && rounds > 4, "{brought} of {expected} in {rounds} rounds");
}

#[tokio::test]
async fn a_link_to_another_host_fails_its_part_and_nothing_leaks_there() {
    let desk = desk(&[Fault::ForeignNextLink]).await;
    let report = desk.fetch().await;
    assert_eq!(report.return_data, ReturnData::PartiallySuccessful);
    assert!(report.errors.iter().any(|failure| failure.message.contains("another host")), "{:?}", report.errors);
    assert!(report.gaps.iter().all(|gap| !gap.lasting));
    assert_eq!(desk.leaked().await, json!([]));
    desk.simulation.shared.faults.set(Fault::ForeignNextLink, false);
    let (missing, stored) = (desk.fetch().await, desk.stored("").await);
    assert!(missing.counts.new > 0 && missing.errors.is_empty(), "what failed is asked for again");
    let whole = self::desk(&[]).await;
    assert_eq!(whole.fetch().await.counts.new, stored);
}

#[tokio::test]
async fn passing_troubles_are_waited_out() {
    for fault in [Fault::UnauthorizedOnce, Fault::HostileText] {
        let desk = desk(&[fault]).await;
        let report = desk.fetch().await;
        assert_eq!(report.return_data, ReturnData::Successful, "{fault}: {:?}", report.errors);
        assert!(report.counts.new > 300);
    }
    let desk = desk(&[Fault::Throttled]).await;
    let report = desk.run("list-subscriptions", json!({})).await;
    assert_eq!(report.outcome.return_data, ReturnData::Successful, "{:?}", report.outcome.errors);
}

#[tokio::test]
async fn lasting_troubles_are_told_with_the_services_own_code() {
    for (fault, status) in [(Fault::Forbidden, Some(403)), (Fault::ExpiredToken, Some(401)), (Fault::CutBody, None)] {
        let desk = desk(&[fault]).await;
        let report = desk.run("test-connection", json!({})).await;
        assert_eq!((report.exit_code(), report.outcome.errors[0].status_code), (1, status), "{fault}: {:?}", report.outcome.errors);
        let fetched = desk.fetch().await;
        assert_eq!(fetched.return_data, ReturnData::Failed, "{fault}");
        desk.simulation.shared.faults.set(fault, false);
        assert!(desk.fetch().await.counts.new > 300, "{fault}: nothing was skipped");
    }
}

#[tokio::test]
async fn the_feed_tells_what_is_wrong_with_tenant_and_permission() {
    let bare = desk_with(&[], |text| text.replace(credentials::CLIENT_ID, credentials::BARE_CLIENT_ID)).await;
    let failure = bare.run("test-connection", json!({})).await.outcome.errors.remove(0);
    assert!(failure.message.contains("AF10001") && failure.message.contains("ActivityFeed.Read"), "{failure:?}");
    assert_eq!(failure.status_code, Some(403));
    let domain = desk_with(&[], |text| with(&text, "tenant_id", "\"northwind.example\"")).await;
    let failure = domain.run("test-connection", json!({})).await.outcome.errors.remove(0);
    assert!(failure.message.contains("AF20013") && failure.hint.unwrap().contains("tenant_id"), "{}", failure.message);
    let wrong = desk_with(&[], |text| with(&text, "client_secret", "\"wrong-but-long-enough\"")).await;
    let failure = wrong.run("test-connection", json!({})).await.outcome.errors.remove(0);
    assert!(failure.message.starts_with("Error in Microsoft authorization. Status: 401"), "{}", failure.message);
    assert!(failure.message.contains("AADSTS7000215") && !failure.message.contains("Trace ID"));
}

/// The configuration with another value of a parameter, TOML source; a new one where there was none.
fn with(text: &str, name: &str, value: &str) -> String {
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with(&format!("{name} ="))).collect();
    kept.join("\n").replace("[connection.parameters]", &format!("[connection.parameters]\n{name} = {value}"))
}

fn without(text: &str, name: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with(&format!("{name} ="))).collect()
}

#[tokio::test]
async fn a_certificate_signs_in_at_both_generations_of_endpoints() {
    for version in ["v1", "v2"] {
        let desk = desk_with(&[], |text| {
            let text = without(&text, "client_secret");
            let text = with(&text, "certificate_thumbprint", &format!("\"{}\"", credentials::CERTIFICATE_THUMBPRINT));
            let text = with(&text, "private_key", &format!("'''\n{}'''", credentials::PRIVATE_KEY));
            format!("{text}\n[connection.options]\ntoken_endpoint = \"{version}\"\n")
        })
        .await;
        let report = desk.run("test-connection", json!({})).await;
        assert_eq!(report.outcome.return_data, ReturnData::Successful, "{version}: {:?}", report.outcome.errors);
    }
}

#[tokio::test]
async fn a_managed_identity_needs_no_secret_and_its_token_names_the_tenant() {
    for client in [None, Some(credentials::MANAGED_IDENTITY)] {
        let desk = desk_with(&[], |text| {
            let text = ["client_secret", "client_id", "tenant_id"].iter().fold(text, |text, name| without(&text, name));
            let text = with(&text, "managed_identity", "true");
            client.map_or(text.clone(), |client| with(&text, "managed_identity_client_id", &format!("\"{client}\"")))
        })
        .await;
        let report = desk.run("list-subscriptions", json!({})).await;
        assert_eq!(report.outcome.return_data, ReturnData::Successful, "{:?}", report.outcome.errors);
        let content = desk.run("list-content", json!({"content_type": "Audit.General"})).await;
        assert_eq!(content.outcome.return_data, ReturnData::Successful, "{:?}", content.outcome.errors);
    }
    let unknown = desk_with(&[], |text| {
        with(&with(&text, "managed_identity", "true"), "managed_identity_client_id", "\"00000000-0000-4000-8000-000000000000\"")
    })
    .await;
    let failure = unknown.run("test-connection", json!({})).await.outcome.errors.remove(0);
    assert_eq!(failure.message, "Error in Microsoft authorization with Azure Managed Identities: Identity not found");
}

#[tokio::test]
async fn a_code_is_used_once_its_refresh_token_lives_on_and_a_reset_wipes_it() {
    let mut desk = desk_with(&[], |text| with(&text, "redirect_uri", "\"http://localhost\"")).await;
    let shown = desk.run("generate-login-url", json!({})).await.outcome;
    assert!(shown.message.starts_with("Authorization instructions\n1. Click on the login URL to sign in and grant"));
    let url = shown.raw_data["login_url"].as_str().unwrap();
    assert!(
        url.contains("scope=offline_access%20https%3A%2F%2Fmanage.office.com%2F.default")
            && url.contains("redirect_uri=http%3A%2F%2Flocalhost")
    );
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = http.get(url).send().await.unwrap();
    let location = answer.headers()["location"].to_str().unwrap();
    let code = location.split_once("code=").unwrap().1.split('&').next().unwrap();
    let paths = paths(&desk.home);
    let text = std::fs::read_to_string(paths.connections()).unwrap();
    std::fs::write(paths.connections(), with(&text, "auth_code", &format!("\"{code}\""))).unwrap();
    desk.runner = runner(&paths);
    assert_eq!(desk.run("test-connection", json!({})).await.exit_code(), 0);
    // Another process finds the refresh token; the feed's clock has moved on, so that the old access token is refused.
    desk.simulation.shared.clock.advance(Duration::from_hours(2));
    desk.runner = runner(&paths);
    assert_eq!(desk.run("test-connection", json!({})).await.exit_code(), 0);
    let reset = desk.run("auth-reset", json!({})).await.outcome;
    assert!(reset.message.starts_with("Authorization was reset successfully. Please regenerate the credentials"));
    let after = desk.run("test-connection", json!({})).await;
    assert_eq!(after.exit_code(), 1);
    assert!(after.outcome.message.contains("code"), "{}", after.outcome.message);
}

#[tokio::test]
async fn a_user_signs_in_by_pasting_the_address_and_a_code_works_once() {
    let mut desk = desk_with(&[], |text| with(&text, "redirect_uri", "\"http://localhost\"")).await;
    let guided = desk.runner.connection("microsoft-demo").and_then(|opened| opened.entry.guided.clone());
    let guided = guided.expect("the console leads through it");
    let shown = desk.run(&guided.link, json!({})).await.outcome;
    let link = shown.result.iter().find(|item| item.name == guided.shown).unwrap().value.as_str().unwrap().to_owned();
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = http.get(link).send().await.unwrap();
    let address = answer.headers()["location"].to_str().unwrap().to_owned();
    let paste = |text: &str| json!({guided.parameter.clone(): text});
    let wrong = desk.run(&guided.answer, paste("http://localhost/?state=x")).await;
    assert_eq!((wrong.exit_code(), wrong.requests.as_ref().map_or(0, Vec::len)), (2, 0));
    let taken = desk.run(&guided.answer, paste(&address)).await;
    assert_eq!(taken.exit_code(), 0, "{:?}", taken.outcome.errors);
    // From now on the user's token is used, by another process too.
    desk.runner = runner(&paths(&desk.home));
    assert_eq!(desk.run("test-connection", json!({})).await.exit_code(), 0);
    let again = desk.run(&guided.answer, paste(&address)).await;
    assert_eq!(again.exit_code(), 1, "a code works once");
    assert_eq!(again.outcome.errors[0].failure_indicator, "Use Authorization Code failed.");
    let code = address.split_once("code=").unwrap().1.split('&').next().unwrap();
    assert!(!format!("{:?}{:?}", taken.outcome, again.outcome).contains(code), "the code is told nowhere");
}

#[tokio::test]
async fn a_dry_run_sends_nothing_and_shows_every_request() {
    let desk = desk(&[]).await;
    let given = vec![("content_type".to_owned(), Given::Text("Audit.General".into()))];
    let report = desk.runner.run(NAME, "list-content", given, RunOptions { dry_run: true, ..RunOptions::default() }).await;
    let requests = report.requests.unwrap();
    assert_eq!(requests.len(), 2);
    let url = requests[0]["url"].as_str().unwrap();
    assert!(url.contains("/activity/feed/subscriptions/content?") && url.contains("PublisherIdentifier=") && !url.contains("Z&"));
    assert_eq!(requests[1]["depends_on"], 1);
    assert!(requests[1]["url"].as_str().unwrap().contains("/audit/<from step 1: contentId>"));
}

#[tokio::test]
async fn fetch_event_stores_what_it_returns() {
    let desk = desk(&[]).await;
    let report = desk.run("fetch-event", json!({"content_types": ["Audit.General"], "number_of_events_fetched": 20})).await;
    assert_eq!(report.outcome.return_data, ReturnData::Successful, "{:?}", report.outcome.errors);
    assert_eq!(report.outcome.raw_data.as_array().unwrap().len(), 20);
    assert_eq!(desk.stored("type:Audit.General").await, 20);
    let none = json!({"content_types": "Audit.General", "operations_filter": "NoSuchOperation"});
    assert_eq!(desk.run("fetch-event", none).await.outcome.return_data, ReturnData::SuccessfulWithNoEventData);
}

#[tokio::test]
async fn what_a_policy_found_is_not_stored() {
    let desk =
        desk_with(&[], |text| text.replace("[connection.parameters]", "event_sources = [\"DLP.All\"]\n[connection.parameters]")).await;
    assert_eq!(desk.fetch().await.return_data, ReturnData::Failed, "named, and not subscribed to");
    desk.run("start-subscription", json!({"content_type": "DLP.All"})).await;
    assert!(desk.fetch().await.counts.new > 0);
    let events = desk.runner.store().events(&Query::parse("").unwrap(), None, 0, Timestamp::now()).await.unwrap();
    assert!(events.iter().all(|event| event.event.event_type == "DLP.All" && !event.event.raw.to_string().contains("4111 1111")));
}

/// Nobody can say of a subscription whether it is still as it was when the run was put off.
#[tokio::test]
async fn a_run_that_was_put_off_and_cannot_be_compared_goes_by_hand_only() {
    let desk = desk(&[]).await;
    let given = vec![("content_type".to_owned(), Given::Text("DLP.All".into()))];
    let put_off = desk.runner.put_off("microsoft-demo", "start-subscription", "Start DLP.All", given, Vec::new(), "not reached").await;
    let letter = put_off.unwrap();
    assert!(desk.runner.flush("microsoft-demo", &RunOptions::default()).await.is_empty());
    let waiting = desk.runner.letters(false).await.unwrap();
    assert_eq!(waiting.iter().map(|one| (one.id, one.standing)).collect::<Vec<_>>(), [(letter, Standing::Waiting)]);
    let posted = desk.runner.post(letter, None, RunOptions::default()).await.unwrap();
    assert!(matches!(posted, Posted::Sent(_)), "{posted:?}");
    assert!(desk.runner.letters(false).await.unwrap().is_empty());
}

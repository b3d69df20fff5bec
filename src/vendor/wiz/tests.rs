//! The commands, with their steps answered by hand.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{VENDOR, default_audience, default_auth_url, open};
use crate::core::catalogue::{Auth, Entry, Fetched, Given, Invalid, Page, Position, Window, validate};
use crate::core::connection::Connection;
use crate::core::outcome::{Outcome, ReturnData};
use crate::core::request::{Body, Reply, Request, Target, Trouble};
use crate::core::talk::{Counts, Input, Step, Talk, Talking};

fn connection(parameters: Value) -> Connection {
    let Value::Object(parameters) = parameters else { panic!("parameters are an object") };
    Connection { name: "wiz".into(), vendor: "wiz".into(), parameters, ..Connection::default() }
}

fn entry() -> Entry {
    open(&connection(json!({"api_endpoint_url": "https://api.us1.app.wiz.io", "client_id": "c"}))).unwrap()
}

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn variables(request: &Request) -> Value {
    let Body::Json(body) = &request.body else { panic!("a GraphQL call carries JSON") };
    body["variables"].clone()
}

type Answerer<'a> = dyn FnMut(&Request) -> Result<Reply, Trouble> + 'a;

#[expect(clippy::unnecessary_wraps, reason = "an answer is a result")]
fn ok(body: &Value) -> Result<Reply, Trouble> {
    Ok(Reply { status: 200, body: body.to_string().into_bytes().into(), ..Reply::default() })
}

/// Plays a conversation to its end; every request is answered by the function.
fn play<T>(mut talking: Talking<T>, pages: &mut Vec<Page>, answer: &mut Answerer<'_>) -> T {
    let mut input = Input::Start;
    loop {
        input = match talking.resume(input) {
            Step::Send(requests) => Input::Answers(requests.iter().map(&mut *answer).collect()),
            Step::Deliver(page) => {
                let counts = Counts { new: page.events.len(), ..Counts::default() };
                pages.push(page);
                Input::Stored(counts)
            }
            Step::Done(end) => return end,
            _ => Input::Done,
        };
    }
}

fn given(arguments: &Value) -> Vec<(String, Given)> {
    let object = arguments.as_object().cloned().unwrap_or_default();
    object.into_iter().map(|(name, value)| (name, Given::Json(value))).collect()
}

fn complaints(command: &str, arguments: &Value) -> Vec<Invalid> {
    validate(entry().command(command).unwrap(), given(arguments), now()).err().unwrap_or_default()
}

fn run(command: &str, arguments: &Value, answer: &mut Answerer<'_>) -> Outcome {
    let entry = entry();
    let command = entry.command(command).unwrap();
    let checked = validate(command, given(arguments), now()).unwrap();
    let talking = command.start(Talk::new(now(), false), Arc::new(Connection::default()), checked);
    play(talking, &mut Vec::new(), answer)
}

fn planned(command: &str, arguments: &Value) -> Vec<Request> {
    let entry = entry();
    let command = entry.command(command).unwrap();
    let checked = validate(command, given(arguments), now()).unwrap();
    let mut talking = command.start(Talk::new(now(), true), Arc::new(Connection::default()), checked);
    assert!(matches!(talking.resume(Input::Start), Step::Done(_)));
    talking.planned()
}

fn fetch(source: &str, window: Window, answer: &mut Answerer<'_>) -> (Fetched, Vec<Page>) {
    let entry = entry();
    let source = entry.source(source).unwrap();
    let talking = (source.fetcher)(Talk::new(now(), false), Arc::new(Connection::default()), window);
    let mut pages = Vec::new();
    let fetched = play(talking, &mut pages, answer);
    (fetched, pages)
}

/// A small Wiz: one record a minute, over `minutes` minutes before now, filtered and paged as the API does it.
fn issues(minutes: i64) -> Vec<(Timestamp, Value)> {
    (0..minutes)
        .map(|minute| {
            let at = now() - jiff::SignedDuration::from_mins(minutes - minute);
            let text = at.to_string();
            let record = json!({"id": format!("i{minute:05}"), "status": "OPEN", "createdAt": text, "statusChangedAt": text});
            (at, record)
        })
        .collect()
}

fn serve(records: &[(Timestamp, Value)], request: &Request) -> Result<Reply, Trouble> {
    let variables = variables(request);
    let bound = |name: &str| variables["filterBy"]["statusChangedAt"][name].as_str().unwrap().parse::<Timestamp>().unwrap();
    let (after, before) = (bound("after"), bound("before"));
    let all: Vec<&Value> = records.iter().filter(|(at, _)| *at > after && *at < before).map(|(_, record)| record).collect();
    let start = variables["after"].as_str().map_or(0, |cursor| cursor.parse::<usize>().unwrap());
    assert!(start < 10_000, "a query gives at most 10,000 results");
    let end = (start + usize::try_from(variables["first"].as_u64().unwrap()).unwrap()).min(all.len());
    ok(&json!({"data": {"issues": {"nodes": all[start..end], "totalCount": all.len(),
        "pageInfo": {"hasNextPage": end < all.len(), "endCursor": end.to_string()}}}}))
}

#[test]
fn the_address_is_taken_with_or_without_graphql_and_refused_in_the_documents_words() {
    for url in ["https://api.us1.app.wiz.io", "https://api.us1.app.wiz.io/", "https://api.us1.app.wiz.io/graphql/"] {
        let entry = open(&connection(json!({"api_endpoint_url": url, "client_id": "c"}))).unwrap();
        assert_eq!(entry.roots[0].url, "https://api.us1.app.wiz.io");
        assert_eq!(entry.roots[1].url, "https://auth.app.wiz.io/oauth/token");
    }
    for url in ["", "api.us1.app.wiz.io", "ftp://x", "http://api.us1.app.wiz.io", "https://u:p@x", "https://x?y=1"] {
        let complaint = open(&connection(json!({"api_endpoint_url": url, "client_id": "c"}))).unwrap_err().remove(0);
        assert!(complaint.message.starts_with("API endpoint URL is not valid in format."), "{url}: {}", complaint.message);
        assert_eq!((complaint.parameter.as_str(), complaint.status_code), ("api_endpoint_url", Some(400)));
    }
    let local = json!({"api_endpoint_url": "http://127.0.0.1:9", "client_id": "c"});
    assert_eq!(open(&connection(local)).unwrap_err()[0].parameter, "auth_url");
    let local = json!({"api_endpoint_url": "http://[::1]:9/x/graphql", "client_id": "c", "auth_url": "http://localhost:8/token"});
    let roots = open(&connection(local)).unwrap().roots;
    assert_eq!((roots[0].url.as_str(), roots[1].url.as_str()), ("http://[::1]:9/x", "http://localhost:8/token"));
}

#[test]
fn the_environment_decides_where_tokens_come_from_and_for_whom() {
    for (api, auth) in [
        ("https://api.eu17.app.wiz.io", Some("https://auth.app.wiz.io/oauth/token")),
        ("https://api.us1.app.wiz.us", Some("https://auth.app.wiz.us/oauth/token")),
        ("https://api.us1.gov.wiz.io", Some("https://auth.gov.wiz.io/oauth/token")),
        ("https://wiz.example", None),
        ("https://evilapp.wiz.io.example", None),
    ] {
        let found = default_auth_url(&api.parse().unwrap()).map(|url| url.to_string());
        assert_eq!(found.as_deref(), auth, "{api}");
    }
    assert_eq!(default_audience(&"https://auth.wiz.io/oauth/token".parse().unwrap()), "beyond-api");
    let legacy = json!({"api_endpoint_url": "https://api.us1.app.wiz.io", "client_id": "c", "auth_url": "auth.wiz.io"});
    let roots = open(&connection(legacy)).unwrap().roots;
    assert_eq!(roots[1].url, "https://auth.wiz.io/oauth/token");
    let Auth::SignIn(sign_in) = &roots[0].auth else { panic!("the API needs a token") };
    let Some(Body::Form(fields)) = sign_in.grant.as_ref().map(|grant| grant.body.clone()) else { panic!("a form") };
    let shown: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.shown())).collect();
    let expected = [("grant_type", "client_credentials"), ("audience", "beyond-api"), ("client_id", "c"), ("client_secret", "***")];
    assert_eq!(shown, expected.map(|(name, value)| (name, value.to_owned())));
}

#[test]
fn inputs_out_of_their_limits_are_refused_before_anything_is_sent() {
    let parameter = |command: &str, arguments: Value| complaints(command, &arguments).first().map(|complaint| complaint.parameter.clone());
    for (command, arguments, wrong) in [
        ("fetch-event", json!({"number_of_events_fetched": 501}), "number_of_events_fetched"),
        ("fetch-event", json!({"number_of_events_fetched": 0}), "number_of_events_fetched"),
        ("fetch-event", json!({"start_time": "2026-03-01", "end_time": "2026-02-01"}), "start_time"),
        ("fetch-event", json!({"event_type": "Vulnerability Findings", "issue_statuses": ["IN_PROGRESS"]}), "issue_statuses"),
        ("fetch-event", json!({"event_type": "Threats"}), "event_type"),
        ("fetch-event", json!({"additional_filters": "[1]"}), "additional_filters"),
        ("add-issue-comments", json!({"issue_ids": ["a"]}), "note_text"),
        ("add-issue-comments", json!({"issue_ids": ["a"], "note_text": "x".repeat(1_401)}), "note_text"),
        ("update-issues", json!({"status": "Open"}), "issue_ids"),
        ("update-issues", json!({"issue_ids": ["a"]}), "status"),
        ("update-issues", json!({"issue_ids": ["a"], "status": "Resolved"}), "status"),
        ("update-issues", json!({"issue_ids": ["a"], "status": "Open", "reject_reason": "Exception"}), "reject_reason"),
        ("update-issues", json!({"issue_ids": ["a"], "due_time": "2026-01-01", "note": "n"}), "note"),
        ("list-projects", json!({"impact": "None"}), "impact"),
    ] {
        assert_eq!(parameter(command, arguments.clone()).as_deref(), Some(wrong), "{command} {arguments}");
    }
    assert_eq!(parameter("add-issue-comments", json!({"issue_ids": "a", "note_text": "é".repeat(1_400)})), None);
}

#[test]
fn what_is_asked_for_is_what_the_arguments_say() {
    let request = |arguments: Value| planned("fetch-event", &arguments).remove(0);
    let first = request(json!({"start_time": "2024-08-06 18:00:00", "end_time": "2024-08-06 19:00:00"}));
    assert_eq!(first.target, Target::Service { root: "api".into(), path: "/graphql".into() });
    assert!(!first.changes);
    let time = json!({"after": "2024-08-06T18:00:00Z", "before": "2024-08-06T19:00:00Z"});
    assert_eq!(variables(&first), json!({"filterBy": {"statusChangedAt": time}, "first": 500, "after": null}));
    let narrow = request(json!({"event_type": "VulnerabilityFinding", "severity": "Critical and High", "issue_statuses": ["OPEN"],
        "additional_filters": {"hasFix": true, "status": ["RESOLVED"]}, "start_time": "-1h"}));
    let time = json!({"after": "2026-03-01T11:00:00Z", "before": "2026-03-01T12:00:00Z"});
    let filter = json!({"updatedAt": time, "status": ["RESOLVED"], "severity": ["CRITICAL", "HIGH"], "hasFix": true});
    assert_eq!(variables(&narrow)["filterBy"], filter);
    let lowest = request(json!({"event_type": "Vulnerability Findings", "severity": "INFORMATIONAL"}));
    assert_eq!(variables(&lowest)["filterBy"]["severity"], json!(["NONE"]));
    let configuration = request(json!({"event_type": "Cloud Configuration Findings", "end_time": "2026-02-02"}));
    let time = json!({"after": "2026-02-01T00:00:00Z", "before": "2026-02-02T00:00:00Z"});
    assert_eq!(variables(&configuration)["filterBy"], json!({"firstSeenAt": time}));
    let projects = planned("list-projects", &json!({"impact": "High and Medium", "project_name": "pay"}));
    let filters: Vec<_> = projects.iter().map(|request| (variables(request)["filterBy"].clone(), request.depends_on)).collect();
    let by = |impact: &str| json!({"search": "pay", "impact": impact});
    assert_eq!(filters, [(by("HBI"), None), (by("HBI"), Some(1)), (by("MBI"), None), (by("MBI"), Some(3))]);
}

#[test]
fn all_pages_are_read_and_the_newest_come_first() {
    let records = issues(1_234);
    let outcome = run("fetch-event", &json!({}), &mut |request| serve(&records, request));
    assert_eq!(outcome.return_data, ReturnData::Successful);
    let nodes = outcome.raw_data["data"]["nodes"].as_array().unwrap();
    assert_eq!((nodes.len(), outcome.events.len()), (1_234, 1_234));
    assert_eq!(nodes[0]["id"], json!("i01233"));
    assert_eq!(outcome.key_fields["EventIDs"].as_array().unwrap().len(), 1_234);
    let result: Vec<_> = outcome.result.iter().map(|item| (item.name.as_str(), item.value.clone())).collect();
    assert_eq!(
        result,
        [
            ("Start Time (UTC)", json!("2026-02-28T12:00:00.000Z")),
            ("End Time (UTC)", json!("2026-03-01T12:00:00.000Z")),
            ("Events Count", json!(1_234))
        ]
    );
    let few = run("fetch-event", &json!({"number_of_events_fetched": 3}), &mut |request| serve(&records, request));
    assert_eq!(few.key_fields["EventIDs"], json!(["i01233", "i01232", "i01231"]));
}

#[test]
fn more_than_one_query_gives_is_asked_for_in_parts() {
    let records = issues(11_000);
    let window = json!({"start_time": "-30d"});
    let outcome = run("fetch-event", &window, &mut |request| serve(&records, request));
    assert_eq!(outcome.return_data, ReturnData::Successful, "{}", outcome.message);
    assert_eq!(outcome.raw_data["data"]["nodes"].as_array().unwrap().len(), 11_000);
    let mut asked = 0;
    let few = run("fetch-event", &json!({"start_time": "-30d", "number_of_events_fetched": 2}), &mut |request| {
        asked += 1;
        serve(&records, request)
    });
    assert_eq!(few.key_fields["EventIDs"], json!(["i10999", "i10998"]));
    assert!(asked < 15, "the newest part is enough: {asked}");
    // Where Additional Filters set the time, there is nothing to cut.
    let fixed = json!({"additional_filters": {"statusChangedAt": {"after": "2000-01-01T00:00:00Z", "before": "2030-01-01T00:00:00Z"}}});
    let outcome = run("fetch-event", &fixed, &mut |request| serve(&records, request));
    assert_eq!(outcome.return_data, ReturnData::Failed);
    assert!(outcome.errors[0].message.contains("11000"));
}

#[test]
fn an_api_that_stops_at_its_cap_without_a_word_is_noticed() {
    let records = issues(10_500);
    let outcome = run("fetch-event", &json!({"start_time": "-30d"}), &mut |request| {
        let mut answer: Value = serde_json::from_slice(&serve(&records, request)?.body).unwrap();
        let issues = &mut answer["data"]["issues"];
        issues["totalCount"] = Value::Null;
        if issues["pageInfo"]["endCursor"] == "10000" {
            issues["pageInfo"]["hasNextPage"] = json!(false);
        }
        ok(&answer)
    });
    assert_eq!(outcome.events.len(), 10_500);
}

#[test]
fn nothing_found_and_failed_never_look_alike() {
    let none = run("fetch-event", &json!({}), &mut |request| serve(&[], request));
    assert_eq!((none.return_data, &none.raw_data), (ReturnData::SuccessfulWithNoEventData, &json!({"data": {"nodes": []}})));
    assert_eq!(none.key_fields["EventIDs"], json!([]));
    let refused = json!({"data": {"issues": {"nodes": []}}, "errors": [{"message": "no", "extensions": {"code": "UNAUTHORIZED",
        "requiredScopes": ["read:issues"]}}]});
    let failed = run("fetch-event", &json!({}), &mut |_| ok(&refused));
    assert_eq!((failed.return_data, &failed.raw_data), (ReturnData::Failed, &refused));
    let error = &failed.errors[0];
    assert_eq!((error.failure_indicator.as_str(), error.status_code), ("Fetch Event failed.", Some(403)));
    assert!(error.message.contains("read:issues"));
    assert_eq!((&failed.key_fields["EventIDs"], &failed.result[2].value), (&json!([]), &json!(0)));
    for (first, second) in [("a", json!({"hasNextPage": true, "endCursor": "a"})), ("", json!(null)), ("b", json!({"hasNextPage": true}))] {
        let mut page = 0;
        let looping = run("fetch-event", &json!({}), &mut |_| {
            page += 1;
            let info = if page == 1 { json!({"hasNextPage": true, "endCursor": first}) } else { second.clone() };
            ok(&json!({"data": {"issues": {"nodes": [{"id": page}], "pageInfo": info}}}))
        });
        assert_eq!(looping.return_data, ReturnData::Failed, "{first} {second}");
        assert!(page <= 3);
    }
}

#[test]
fn a_rate_limit_inside_an_answer_is_waited_out_and_a_complex_query_made_smaller() {
    let mut calls = 0;
    let outcome = run("add-issue-comments", &json!({"issue_ids": ["a"], "note_text": "n"}), &mut |_| {
        calls += 1;
        if calls < 3 { ok(&json!({"errors": [{"message": "rate limit exceeded"}]})) } else { note() }
    });
    assert_eq!((outcome.return_data, calls), (ReturnData::Successful, 3));
    let records = issues(300);
    let mut sizes = Vec::new();
    let outcome = run("fetch-event", &json!({}), &mut |request| {
        let first = variables(request)["first"].as_u64().unwrap();
        sizes.push(first);
        if first > 125 {
            return ok(
                &json!({"data": null, "errors": [{"message": "too complex", "extensions": {"code": "QUERY_COMPLEXITY_LIMIT_EXCEEDED"}}]}),
            );
        }
        serve(&records, request)
    });
    assert_eq!((outcome.events.len(), sizes), (300, vec![500, 250, 125, 125, 125]));
}

fn note() -> Result<Reply, Trouble> {
    ok(
        &json!({"data": {"createIssueNote": {"issueNote": {"createdAt": "2024-04-09T14:06:35.041993479Z", "id": "n", "text": "t", "user": null}}}}),
    )
}

fn updated(request: &Request) -> Result<Reply, Trouble> {
    let variables = variables(request);
    let issue =
        json!({"id": variables["issueId"], "note": null, "status": variables["patch"]["status"], "dueAt": null, "resolutionReason": null});
    ok(&json!({"data": {"updateIssue": {"issue": issue}}}))
}

fn not_found() -> Result<Reply, Trouble> {
    ok(&json!({"data": null, "errors": [{"message": "Resource not found", "extensions": {"code": "NOT_FOUND"}}]}))
}

#[test]
fn comments_go_to_each_issue_once_and_fail_as_a_whole() {
    let mut seen = Vec::new();
    let arguments = json!({"issue_ids": ["a", "b", "a"], "note_text": "Demo note"});
    let outcome = run("add-issue-comments", &arguments, &mut |request| {
        assert!(request.changes);
        seen.push(variables(request)["input"].clone());
        note()
    });
    assert_eq!(seen, [json!({"issueId": "a", "text": "Demo note"}), json!({"issueId": "b", "text": "Demo note"})]);
    assert_eq!((outcome.return_data, outcome.result[0].value.clone()), (ReturnData::Successful, json!(2)));
    assert_eq!(outcome.key_fields["IssueIDs"], json!(["a", "b"]));
    assert_eq!(outcome.raw_data["Results"][0]["data"]["createIssueNote"]["issueNote"]["text"], json!("t"));
    let partly = run("add-issue-comments", &arguments, &mut |request| {
        if variables(request)["input"]["issueId"] == "a" { not_found() } else { note() }
    });
    assert_eq!((partly.return_data, &partly.key_fields["IssueIDs"]), (ReturnData::Failed, &json!(["b"])));
    assert_eq!((partly.errors[0].item.as_deref(), partly.errors[0].status_code), (Some("a"), Some(404)));
    assert_eq!(partly.errors[0].failure_indicator, "Add Issue Comments failed.");
}

#[test]
fn updates_can_succeed_in_part() {
    let arguments = json!({"issue_ids": ["a", "b"], "status": "REJECTED", "reject_reason": "False Positive", "note": "n",
        "due_time": "2007-12-03T10:15:30Z"});
    let mut patches = Vec::new();
    let outcome = run("update-issues", &arguments, &mut |request| {
        patches.push(variables(request)["patch"].clone());
        if variables(request)["issueId"] == "b" { not_found() } else { updated(request) }
    });
    let patch = json!({"status": "REJECTED", "resolutionReason": "FALSE_POSITIVE", "dueAt": "2007-12-03T10:15:30Z", "note": "n"});
    assert_eq!(patches, [patch.clone(), patch]);
    assert_eq!(outcome.return_data, ReturnData::PartiallySuccessful);
    assert_eq!(Value::from(outcome.key_fields.clone()), json!({"IssueIDs": ["a"], "IssueStatuses": ["REJECTED"]}));
    assert_eq!((outcome.result[0].name.as_str(), &outcome.result[0].value), ("Issues Count", &json!(1)));
    assert_eq!((outcome.errors.len(), outcome.errors[0].item.as_deref()), (1, Some("b")));
    let entry = entry();
    let command = entry.command("update-issues").unwrap();
    let checked = validate(command, given(&json!({"issue_ids": ["a"], "status": "Rejected"})), now()).unwrap();
    let back = (command.inverse.as_ref().unwrap().arguments)(&checked, &outcome).unwrap();
    assert_eq!(Value::from(back), json!({"issue_ids": ["a"], "status": "Open"}));
    let none = run("update-issues", &json!({"issue_ids": ["a", "b"], "status": "Open"}), &mut |_| not_found());
    assert_eq!((none.return_data, &none.key_fields["IssueIDs"]), (ReturnData::Failed, &json!([])));
}

#[test]
fn after_a_refused_sign_in_nothing_more_is_sent_and_a_lost_answer_is_called_unknown() {
    let mut calls = 0;
    let arguments = json!({"issue_ids": ["a", "b", "c"], "status": "Open"});
    let outcome = run("update-issues", &arguments, &mut |_| {
        calls += 1;
        Ok(Reply { status: 401, body: b"Unauthorized"[..].into(), ..Reply::default() })
    });
    assert_eq!((calls, outcome.return_data, outcome.errors.len()), (1, ReturnData::Failed, 3));
    assert_eq!((outcome.errors[2].item.as_deref(), outcome.errors[2].status_code), (Some("c"), Some(401)));
    let lost = run("update-issues", &arguments, &mut |_| Err(Trouble::TimedOut("No answer within 30 s.".into())));
    assert!(lost.errors[0].hint.as_deref().unwrap().contains("not known"));
}

#[test]
fn the_test_says_whether_the_connector_works() {
    let works = run("test-connection", &json!({}), &mut |_| ok(&json!({"data": {"issues": {"nodes": []}}})));
    assert_eq!(works.return_data, ReturnData::Successful);
    let fails = run("test-connection", &json!({}), &mut |_| Ok(Reply { status: 404, ..Reply::default() }));
    assert_eq!(fails.errors[0].failure_indicator, "Test Connection failed. Failed to check the connector.");
    assert_eq!((fails.return_data, fails.errors[0].status_code), (ReturnData::Failed, Some(404)));
}

#[test]
fn a_source_delivers_stretches_oldest_first_and_goes_on_from_its_maximum() {
    let records = issues(5_000);
    let from = now() - jiff::SignedDuration::from_hours(24 * 5);
    let window = |max, resume| Window { source: "Issues".into(), from, to: now(), max, resume };
    let (fetched, pages) = fetch("Issues", window(None, None), &mut |request| serve(&records, request));
    assert_eq!((fetched.complete_to, fetched.truncated, fetched.gaps.len()), (Some(now()), false, 0));
    let keys: Vec<_> = pages.iter().flat_map(|page| page.events.iter().map(|event| event.key.clone())).collect();
    assert!(keys.is_sorted() && keys.len() == 5_000);
    let covered: Vec<_> = pages.iter().map(|page| page.covered.unwrap()).collect();
    assert_eq!((covered[0].0, covered.last().unwrap().1), (from, now()));
    assert!(covered.windows(2).all(|pair| pair[0].1 == pair[1].0));
    // With a maximum the rest comes later, and nothing twice.
    let (mut got, mut resume, mut runs) = (Vec::new(), None, 0);
    loop {
        let (fetched, pages) = fetch("Issues", window(Some(1_300), resume.clone()), &mut |request| serve(&records, request));
        got.extend(pages.iter().flat_map(|page| page.events.iter().map(|event| event.key.clone())));
        resume = pages.iter().rev().find_map(|page| page.position.clone()).or(resume);
        runs += 1;
        if !fetched.truncated {
            break;
        }
    }
    assert_eq!((got, runs), (keys, 4));
}

#[test]
fn a_failed_stretch_is_a_gap_and_what_came_before_it_is_kept() {
    let records = issues(5_000);
    let from = now() - jiff::SignedDuration::from_hours(24 * 5);
    let mut served = 0;
    let (fetched, pages) = fetch("Issues", Window { source: "Issues".into(), from, to: now(), max: None, resume: None }, &mut |request| {
        served += 1;
        if served > 6 { Ok(Reply { status: 500, ..Reply::default() }) } else { serve(&records, request) }
    });
    let kept = pages.last().unwrap().covered.unwrap().1;
    assert_eq!(fetched.complete_to, Some(kept));
    assert_eq!((fetched.gaps[0].from, fetched.gaps[0].to, fetched.gaps[0].lasting), (kept, now(), false));
    assert_eq!(fetched.errors[0].status_code, Some(500));
    let early = Position { time: now(), key: "z".into() };
    let done = Window { source: "Issues".into(), from, to: now(), max: None, resume: Some(early) };
    assert_eq!(fetch("Issues", done, &mut |_| panic!("there is nothing to ask for")).0.complete_to, Some(now()));
}

#[test]
fn the_catalogue_names_what_the_document_names() {
    let entry = entry();
    let names: Vec<_> = entry.commands.iter().map(|command| command.name.as_str()).collect();
    assert_eq!(names, ["add-issue-comments", "fetch-event", "list-projects", "update-issues", "test-connection"]);
    let parameters =
        |name: &str| -> Vec<String> { entry.command(name).unwrap().parameters.iter().map(|parameter| parameter.name.clone()).collect() };
    assert_eq!(
        parameters("fetch-event"),
        ["event_type", "start_time", "end_time", "number_of_events_fetched", "issue_statuses", "severity", "additional_filters"]
    );
    assert_eq!(parameters("update-issues"), ["issue_ids", "status", "reject_reason", "due_time", "note"]);
    let connection: Vec<String> = (VENDOR.parameters)().into_iter().map(|parameter| parameter.name).collect();
    assert_eq!(connection, ["api_endpoint_url", "client_id", "client_secret", "auth_url", "audience"]);
    assert!(VENDOR.sample().is_some(), "the command reference can be made without a connection");
    let sources: Vec<_> = entry.sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(sources, ["Issues", "Cloud Configuration Findings", "Vulnerability Findings"]);
}

//! Vendors as their pages describe them, and stricter than the simulators: what they are sent, and what is made of their answers.

use serde_json::{Value, json};

use super::desk::Desk;
use super::hostile::{self, Hostile, Received, serve};

fn connect(name: &str, vendor: &str, lines: &str) -> Desk {
    let desk = Desk::bare();
    desk.configure(&format!("[[connection]]\nname = \"{name}\"\nvendor = \"{vendor}\"\n{lines}"));
    desk
}

fn eset(server: &Hostile, options: &str) -> Desk {
    let root = &server.root;
    let lines = format!(
        "[connection.options]\n{options}\n[connection.parameters]\nregion = \"us\"\nusername = \"a@b.example\"\npassword = \"p&w=+% ü\"\n\
         endpoints = {{ auth = \"{root}\", device = \"{root}\", automation = \"{root}\", policy = \"{root}\", incident = \"{root}\" }}\n"
    );
    connect("eset", "eset-protect-cloud", &lines)
}

/// An ESET whose services answer by this function.
fn services(answer: impl Fn(&Received) -> Value + Send + Sync + 'static) -> Hostile {
    serve(move |request, stream| match request.path.as_str() {
        "/oauth/token" => hostile::token(stream),
        _ => hostile::json(stream, &answer(request).to_string()),
    })
}

fn report(desk: &Desk, code: i32, call: &[&str]) -> Value {
    desk.call(&[&["run"], call].concat()).ended(code).line()
}

/// State, code and words of the first error.
fn first(report: &Value) -> (&str, Option<u64>, &str) {
    let error = &report["errors"][0];
    (error["failure_indicator"].as_str().unwrap(), error["status_code"].as_u64(), error["message"].as_str().unwrap())
}

#[test]
fn a_token_that_is_not_ready_is_collected_by_the_same_request() {
    let server = serve(|request, stream| match request.path.as_str() {
        "/oauth/token" if !request.head.contains("response-id: ") => {
            hostile::answer(stream, "202 Accepted", "response-id: later-1\r\nrequest-id: r\r\n", b"");
        }
        "/oauth/token" if request.head.contains("response-id: later-1") => hostile::token(stream),
        "/v1/device_groups?pageSize=1" => hostile::json(stream, "{\"deviceGroups\":[]}"),
        _ => hostile::answer(stream, "404 Not Found", "", b""),
    });
    report(&eset(&server, ""), 0, &["eset", "test-connection"]);
    let received = server.received.lock().unwrap();
    let grants: Vec<_> = received.iter().filter(|request| request.path == "/oauth/token").collect();
    assert_eq!(grants.len(), 2);
    assert_eq!(grants[0].body, grants[1].body, "the identical request");
    assert_eq!(grants[0].body, "grant_type=password&username=a%40b.example&password=p%26w%3D%2B%25+%C3%BC");
    assert!(grants[0].head.contains("content-type: application/x-www-form-urlencoded"));
}

#[test]
fn a_device_in_two_groups_is_two_rows_and_one_device() {
    let server = services(|request| {
        let rows = json!([{"uuid": "d", "groupUuid": "g1"}, {"uuid": "d", "groupUuid": "g2"}]);
        let next = if request.path.contains("pageToken") { Value::Null } else { json!("p/2+=") };
        json!({"devices": rows, "nextPageToken": next, "totalSize": "2"})
    });
    let said = report(&eset(&server, ""), 0, &["eset", "get-device-group-endpoints", "device_group_uuids=all"]);
    assert_eq!(
        said["raw_data"]["Results"][0]["devices"],
        json!([{"uuid": "d", "groupUuid": "g1"}, {"uuid": "d", "groupUuid": "g2"}]),
        "the second page repeats both"
    );
    assert_eq!(said["key_fields"]["DeviceUUIDs"], json!(["d"]));
    assert_eq!(server.asked()[1].path, "/v1/device_groups/all/devices?recurseSubgroups=true&pageSize=1000&pageToken=p%2F2%2B%3D");
}

#[test]
fn what_eset_writes_for_nothing_is_nothing() {
    let server = services(|_| {
        json!({"detections": [{"uuid": "u", "typeName": "nil", "occurTime": "2026-02-03T04:05:06Z",
            "severityLevel": "SEVERITY_LEVEL_UNSPECIFIED", "networkCommunication": {"protocolName": "0", "localPort": 0, "remotePort": "443"}}]})
    });
    let desk = eset(&server, "");
    report(&desk, 0, &["eset", "fetch-event", "end_time=2026-02-04"]);
    let fields = &desk.events()[0]["fields"];
    assert_eq!(*fields, json!({"Unique Event Key": "u", "Start Time": "2026-02-03T04:05:06Z", "Remote port": "443"}));
}

#[test]
fn a_call_that_is_refused_here_has_the_documents_status_and_words() {
    let server = services(|_| json!({}));
    let desk = eset(&server, "retry.max = 5\nretry.cap_s = 30\ndetections.api = \"v1\"\nerrors.status = \"seed\"");
    let long = format!("task_description={}", "x".repeat(1001));
    let either = "Either or both Device UUIDs parameter and Device Group UUIDs parameter should have values.";
    let call = ["eset", "isolate-endpoints", "task_name=n", long.as_str()];
    let said = report(&desk, 2, &call);
    assert_eq!(first(&said), ("Isolate Endpoints failed.", Some(400), either), "before any limit");
    assert_eq!(said["errors"][1]["status_code"], 400, "{said}");
    let said = report(&desk, 2, &["eset", "fetch-event", "end_time=now", "number_of_events_fetched=1001"]);
    assert_eq!(first(&said).1, Some(400));
    assert!(server.received.lock().unwrap().is_empty(), "nothing was sent");
    let wrong = connect("w", "wiz", "[connection.parameters]\napi_endpoint_url = \"wiz\"\nclient_id = \"c\"\nclient_secret = \"s\"\n");
    let said = report(&wrong, 2, &["w", "test-connection"]);
    for said in [said, wrong.call(&["connections", "test", "w"]).ended(2).line()] {
        let (indicator, status, message) = first(&said);
        assert_eq!((indicator, status), ("Test Connection failed. Failed to check the connector.", Some(400)));
        assert!(message.ends_with("API endpoint URL is not valid in format."), "{message}");
    }
}

#[test]
fn azures_output_message_is_the_documents_also_where_nothing_was_sent() {
    let desk = Desk::bare();
    desk.configure(&hostile::azure("http://127.0.0.1:1"));
    for (call, begins) in [
        (&["azure", "execute-http-request", "url_path=nowhere"][..], "Failed to execute API request. Error: URL Path must be "),
        (&["azure", "generate-token", "authorization_url=http://localhost/"], "Failed to get the refresh token! Error is "),
    ] {
        let said = report(&desk, 2, call);
        assert!(said["message"].as_str().unwrap().starts_with(begins), "{said}");
    }
}

#[test]
fn a_code_that_holds_more_than_a_code_is_not_sent() {
    let server = serve(|_, stream| hostile::token(stream));
    let root = &server.root;
    let lines = format!(
        "[connection.parameters]\nbase_url = \"{root}/api/v1.0\"\nlogin_url = \"{root}\"\nclient_id = \"c\"\ntenant_id = \"t\"\n\
         client_secret = \"s\"\nredirect_uri = \"http://localhost\"\nauth_code = \"abc&session_state=x\"\n"
    );
    let said = report(&connect("m", "management-activity", &lines), 1, &["m", "list-subscriptions"]);
    assert!(first(&said).2.starts_with("Malformed auth_code parameter: Please copy the auth code from the redirected uri"), "{said}");
    assert!(server.received.lock().unwrap().is_empty());
}

#[test]
fn a_session_goes_where_the_options_say_and_a_page_that_repeats_is_had_once() {
    let server = serve(|request, stream| match request.path.split('?').next().unwrap_or_default() {
        "/api/v1/token_login" => hostile::json(stream, r#"{"token":"session-of-the-test","ttl_sec":"3600"}"#),
        // It does not know the parameter.
        _ => hostile::json(stream, r#"{"devices":[{"uuid":"d"}],"continuation_token":"next"}"#),
    });
    let root = &server.root;
    let lines = format!(
        "[connection.options]\nsession_cookie = \"sid\"\ncontinuation_parameter = \"after\"\n[connection.parameters]\n\
         api_url = \"{root}/api/v1\"\naccount = \"acme\"\napi_token = \"api-token-of-the-test\"\n\
         [connection.parameters.routes]\ntoken_login = \"GET /token_login\"\n"
    );
    let said = report(&connect("lw", "lacework-edge", &lines), 0, &["lw", "query-user-devices", "uuid=u"]);
    assert_eq!(said["raw_data"]["devices"], json!([{"uuid": "d"}]), "{said}");
    let asked = server.asked();
    assert_eq!(
        asked.iter().map(|request| request.path.as_str()).collect::<Vec<_>>(),
        ["/api/v1/users/u/devices", "/api/v1/users/u/devices?after=next"]
    );
    assert!(asked.iter().all(|request| request.head.contains("cookie: sid=session-of-the-test") && !request.head.contains("bearer")));
}

#[test]
fn what_is_uncertain_about_wiz_can_be_set() {
    let lines = |options: &str| {
        format!(
            "{options}[connection.parameters]\napi_endpoint_url = \"https://api.us1.app.wiz.io\"\nclient_id = \"c\"\nclient_secret = \"s\"\n"
        )
    };
    let asked = |options: &str| {
        let desk = connect("w", "wiz", &lines(options));
        let variables = |call: &[&str]| report(&desk, 0, call)["requests"][0]["body"]["variables"].clone();
        let lowest = variables(&["w", "fetch-event", "event_type=Cloud Configuration Findings", "severity=Informational", "--dry-run"]);
        (lowest["filterBy"]["severity"].clone(), variables(&["w", "list-projects", "--dry-run"])["first"].clone())
    };
    assert_eq!(asked(""), (json!(["INFORMATIONAL"]), json!(100)));
    let options =
        "[connection.options]\nconfiguration_findings_lowest_severity = \"NONE\"\nprojects_page_size = 500\nrate_per_second = 5\n";
    assert_eq!(asked(options), (json!(["NONE"]), json!(500)));
}

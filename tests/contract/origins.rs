//! Credentials stay at the host they are for.

use super::desk::Desk;
use super::hostile::{self, Hostile, serve};

const SECRET: (&str, &str) = ("CANARY_SECRET", "canary-client-secret");

/// A server that sends everything but sign-ins to another place.
fn redirecting(status: &'static str, to: String) -> Hostile {
    serve(move |request, stream| {
        if request.path.contains("token") {
            hostile::token(stream);
        } else {
            hostile::answer(stream, status, &format!("location: {to}\r\nset-cookie: sid=canary-cookie\r\n"), b"");
        }
    })
}

fn desk(root: &str) -> Desk {
    let desk = Desk::bare();
    desk.configure(&hostile::azure(root));
    desk
}

#[test]
fn a_get_follows_a_redirect_elsewhere_without_credentials() {
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let foreign = serve(|_, stream| hostile::json(stream, "{\"here\":true}"));
        let home = redirecting(status, format!("{}/elsewhere", foreign.root));
        let params =
            r#"{"url_path":"/v1.0/x","headers":{"X-Api-Key":"canary-key","X-Plain":"fine"},"cookie":{"sid":"canary-sent-cookie"}}"#;
        let desk = desk(&home.root);
        let mut command = desk.command(&["run", "azure", "execute-http-request", "--params", "-"]);
        let ran = with_stdin(command.env(SECRET.0, SECRET.1), params);
        let report = ran.ended(0).line();
        assert_eq!(report["raw_data"]["response_code"], 200, "{status}: {report}");
        let reached = foreign.asked();
        assert_eq!(reached.len(), 1, "{status}");
        assert!(!reached[0].head.contains("canary") && !reached[0].head.contains("authorization"), "{}", reached[0].head);
        let asked = home.asked();
        assert!(asked[0].head.contains("authorization: bearer canary-access-token"), "{}", asked[0].head);
    }
}

#[test]
fn a_body_goes_nowhere_but_to_its_host() {
    for status in ["307 Temporary", "308 Permanent"] {
        let foreign = serve(|_, stream| hostile::json(stream, "{}"));
        let home = redirecting(status, format!("{}/elsewhere", foreign.root));
        let desk = desk(&home.root);
        let arguments = ["run", "azure", "execute-http-request", "method=POST", "url_path=/v1.0/x", "body_payload={\"a\":1}"];
        super::desk::ran(desk.command(&arguments).env(SECRET.0, SECRET.1));
        assert_eq!(foreign.received.lock().unwrap().len(), 0, "{status}");
        assert_eq!(home.asked().len(), 1, "{status}: a changing request is sent once");
    }
}

#[test]
fn token_requests_follow_no_redirect() {
    let foreign = serve(|_, stream| hostile::token(stream));
    let to = format!("{}/token", foreign.root);
    let home = serve(move |_, stream| hostile::answer(stream, "307 Temporary", &format!("location: {to}\r\n"), b""));
    let desk = desk(&home.root);
    super::desk::ran(desk.command(&["run", "azure", "execute-http-request", "url_path=/v1.0/x"]).env(SECRET.0, SECRET.1)).ended(1);
    assert_eq!(foreign.received.lock().unwrap().len(), 0);
}

#[test]
fn another_address_gets_no_token() {
    let foreign = serve(|_, stream| hostile::json(stream, "{}"));
    let home = serve(|_, stream| hostile::token(stream));
    let desk = desk(&home.root);
    let path = format!("url_path={}/v1.0/x", foreign.root);
    super::desk::ran(desk.command(&["run", "azure", "execute-http-request", &path]).env(SECRET.0, SECRET.1)).ended(0);
    assert!(!foreign.asked()[0].head.contains("authorization"));
    // Nor does a test URL elsewhere.
    desk.configure(
        &hostile::azure(&home.root)
            .replace("/v1.0/x\"", "/v1.0/x\"\n")
            .replace(&format!("test_url = \"{}", home.root), &format!("test_url = \"{}", foreign.root)),
    );
    super::desk::ran(desk.command(&["run", "azure", "ping"]).env(SECRET.0, SECRET.1));
    assert!(foreign.asked().iter().all(|request| !request.head.contains("authorization")));
}

#[test]
fn a_foreign_next_link_fails_its_part_and_is_asked_for_again() {
    let desk = Desk::with(&["azure-demo"], &["--events", "4000", "--fault", "foreign-next-link"]);
    let first = desk.call(&["fetch"]).line();
    assert!(matches!(first["return_data"].as_str(), Some("Partially Successful" | "Failed")), "{first}");
    assert!(!first["gaps"].as_array().unwrap().is_empty() && !first["errors"].as_array().unwrap().is_empty(), "{first}");
    let second = desk.call(&["fetch"]).line();
    assert!(second["from"].as_str() <= first["from"].as_str().map(|_| first["to"].as_str().unwrap()), "{second}");
    assert!(!second["errors"].as_array().unwrap().is_empty(), "the part that failed is asked for again: {second}");
    let seen = seen(&desk);
    assert!(!seen.contains("authorization") && !seen.contains("Bearer"), "{seen}");
}

fn seen(desk: &Desk) -> String {
    let root = desk.endpoint("foreign");
    let ran = super::desk::ran(std::process::Command::new("curl").args(["--noproxy", "*", "-s", &format!("{root}/seen")]));
    assert!(ran.stdout.starts_with('['), "{ran:?}");
    ran.stdout
}

fn with_stdin(command: &mut std::process::Command, text: &str) -> super::desk::Ran {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    super::desk::ran(command.stdin(std::fs::File::open(file.path()).unwrap()))
}

#[test]
fn a_managed_identity_is_asked_past_the_proxy() {
    let machine = serve(|_, stream| hostile::json(stream, r#"{"access_token":"canary-access-token","expires_in":"3600"}"#));
    let feed = serve(|_, stream| hostile::json(stream, "[]"));
    let proxy = serve(|_, stream| hostile::json(stream, "[]"));
    let desk = Desk::bare();
    desk.configure(&format!(
        "[[connection]]\nname = \"o365\"\nvendor = \"management-activity\"\n[connection.parameters]\nmanaged_identity = true\n\
         proxy = true\ntenant_id = \"11111111-2222-3333-4444-555555555555\"\nbase_url = \"{}/api/v1.0\"\nimds_url = \"{}\"\n",
        feed.root, machine.root
    ));
    let mut command = desk.command(&["run", "o365", "list-subscriptions"]);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy"] {
        command.env(name, &proxy.root);
    }
    super::desk::ran(command.env_remove("no_proxy").env_remove("NO_PROXY")).ended(0);
    let asked = machine.received.lock().unwrap().clone();
    assert!(asked.iter().all(|request| request.path.starts_with("/metadata/identity/oauth2/token?")) && asked.len() == 1, "{asked:?}");
    let passed = proxy.received.lock().unwrap().clone();
    assert!(!passed.is_empty() && passed.iter().all(|request| request.path.starts_with(&feed.root)), "{passed:?}");
}

/// A circle ends at the limit, and is not walked again.
#[test]
fn a_circle_of_redirects_is_walked_once() {
    let home = redirecting("302 Found", "/v1.0/x".into());
    let desk = desk(&home.root);
    let report = super::desk::ran(desk.command(&["run", "azure", "execute-http-request", "url_path=/v1.0/x"]).env(SECRET.0, SECRET.1));
    let report = report.ended(1).line();
    assert!(report["message"].as_str().unwrap().contains("More than 30 redirects"), "{report}");
    assert_eq!(home.asked().len(), 31);
}

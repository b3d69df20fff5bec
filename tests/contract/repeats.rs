//! What is sent again, and what is not.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::desk::{Desk, Ran, ran};
use super::hostile::{self, Hostile, serve};

/// A server whose first answers are these, and then a good one.
fn failing(answers: &'static [(&'static str, &'static str)]) -> Hostile {
    let count = AtomicUsize::new(0);
    serve(move |request, stream| {
        if request.path.contains("token") {
            return hostile::token(stream);
        }
        match answers.get(count.fetch_add(1, Ordering::SeqCst)) {
            Some(("", _)) => {}
            Some((status, headers)) => hostile::answer(stream, status, headers, b"{}"),
            None => hostile::json(stream, "{\"fine\":true}"),
        }
    })
}

fn execute(server: &Hostile, arguments: &[&str]) -> (i32, Value) {
    let desk = Desk::bare();
    desk.configure(&hostile::azure(&server.root));
    let call = [&["run", "azure", "execute-http-request", "url_path=/v1.0/x"], arguments].concat();
    let done: Ran = ran(desk.command(&call).env("CANARY_SECRET", "canary-client-secret"));
    (done.code, done.line())
}

#[test]
fn reads_are_repeated_four_times_at_most() {
    for answers in [&[("500 Oops", ""), ("503 Busy", "retry-after: 1\r\n"), ("", "")][..], &[("429 Slow", "retry-after: 0\r\n")]] {
        let server = failing(answers);
        let (code, report) = execute(&server, &[]);
        assert_eq!(code, 0, "{report}");
        assert_eq!(server.asked().len(), answers.len() + 1);
    }
    let server = failing(&[("500 Oops", ""); 9]);
    let (code, report) = execute(&server, &[]);
    assert_eq!((code, report["errors"][0]["status_code"].as_u64()), (1, Some(500)), "{report}");
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn a_long_retry_after_ends_the_tries() {
    for answers in [
        &[("429 Slow", "retry-after: 3600\r\n")][..],
        // More than any clock holds is no reason to ask at once.
        &[("429 Slow", "retry-after: 9000000000000000000\r\n")],
        &[("429 Slow", "retry-after: 99999999999999999999999\r\n")],
        &[("429 Slow", "retry-after: Thu, 30 Dec 2100 12:00:00 GMT\r\n")],
    ] {
        let server = failing(answers);
        let (code, report) = execute(&server, &[]);
        assert_eq!((code, report["errors"][0]["status_code"].as_u64()), (1, Some(429)), "{report}");
        assert_eq!(server.asked().len(), 1, "{answers:?}");
    }
}

#[test]
fn a_changing_request_is_sent_once() {
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        for answers in
            [&[("500 Oops", "")][..], &[("503 Busy", "retry-after: 0\r\n")], &[("", "")], &[("502 Bad", "")], &[("504 Late", "")]]
        {
            let server = failing(answers);
            let (code, report) = execute(&server, &[&format!("method={method}"), "--yes"]);
            assert_eq!(code, 1, "{method}: {report}");
            assert_eq!(server.asked().len(), 1, "{method} after {answers:?}");
        }
    }
}

#[test]
fn what_was_not_carried_out_may_follow() {
    for answers in [&[("401 No", "")][..], &[("429 Slow", "retry-after: 0\r\n")]] {
        let server = failing(answers);
        let (code, report) = execute(&server, &["method=POST", "--yes"]);
        assert_eq!(code, 0, "{report}");
        assert_eq!(server.asked().len(), 2);
    }
    let server = failing(&[("401 No", ""); 9]);
    let (code, report) = execute(&server, &["method=POST"]);
    assert_eq!((code, report["errors"][0]["status_code"].as_u64()), (1, Some(401)), "{report}");
    assert_eq!(server.asked().len(), 2, "one renewal, one more try");
}

#[test]
fn an_intent_that_cannot_be_recorded_is_not_sent() {
    let server = failing(&[]);
    let desk = Desk::bare();
    desk.configure(&hostile::azure(&server.root));
    let call = ["run", "azure", "execute-http-request", "url_path=/v1.0/x", "method=POST"];
    let send = || ran(desk.command(&call).env("CANARY_SECRET", "canary-client-secret"));
    send().ended(0);
    let db = rusqlite::Connection::open(desk.data_dir().join("nightdesk.db")).unwrap();
    db.execute_batch("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the disk is full'); END").unwrap();
    assert_ne!(send().code, 0);
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_used_code_is_never_sent_again() {
    let server = serve(|_, stream| {
        hostile::json(stream, r#"{"access_token":"canary-access-token","expires_in":3600,"refresh_token":"canary-refresh-token"}"#);
    });
    let desk = Desk::bare();
    desk.configure(&hostile::azure(&server.root));
    let exchange = |code: &str| {
        let mut command = desk.command(&["run", "azure", "generate-token", &format!("authorization_url=http://localhost/?code={code}")]);
        super::desk::ran(command.env("CANARY_SECRET", "canary-client-secret"))
    };
    exchange("first-code").ended(0);
    let again = exchange("first-code").ended(1).line();
    assert!(again["message"].as_str().unwrap().contains("was used already"), "{again}");
    exchange("second-code").ended(0);
    exchange("first-code").ended(1);
    assert_eq!(server.received.lock().unwrap().len(), 2);
}

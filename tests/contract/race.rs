//! Renewals by several processes at once, where a refresh token is good for one use.

use std::sync::{Arc, Mutex};

use super::desk::{Desk, ran};
use super::hostile::{self, serve};

/// How many pairs race: few here, more where `NIGHTDESK_TEST_PAIRS` says so.
fn pairs() -> usize {
    std::env::var("NIGHTDESK_TEST_PAIRS").ok().and_then(|text| text.parse().ok()).unwrap_or(8)
}

#[derive(Default)]
struct Issuer {
    refresh: usize,
    access: usize,
    /// Access tokens up to this one are withdrawn.
    withdrawn: usize,
    refused: usize,
    grants: usize,
}

#[test]
fn of_two_that_renew_at_once_one_asks() {
    let issuer: Arc<Mutex<Issuer>> = Arc::default();
    let state = Arc::clone(&issuer);
    let server = serve(move |request, stream| {
        let mut issuer = state.lock().unwrap();
        if request.method == "POST" {
            let expected = format!("refresh_token=canary-refresh-{}", issuer.refresh);
            if !request.body.split('&').any(|field| field == expected) {
                issuer.refused += 1;
                return hostile::answer(
                    stream,
                    "400 Bad Request",
                    "",
                    br#"{"error":"invalid_grant","error_description":"AADSTS70008: used"}"#,
                );
            }
            issuer.refresh += 1;
            issuer.access += 1;
            issuer.grants += 1;
            let text = format!(
                r#"{{"token_type":"Bearer","expires_in":3600,"access_token":"canary-access-{}","refresh_token":"canary-refresh-{}"}}"#,
                issuer.access, issuer.refresh
            );
            return hostile::json(stream, &text);
        }
        let shown = request.head.split("canary-access-").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        if shown.is_some_and(|number: usize| number > issuer.withdrawn) {
            hostile::json(stream, "{}");
        } else {
            hostile::answer(stream, "401 Unauthorized", "", b"{}");
        }
    });
    let desk = Desk::bare();
    desk.configure(&format!("{}refresh_token = {{ env = \"CANARY_REFRESH\" }}\n", hostile::azure(&server.root)));
    let call = |arguments: &[&str]| {
        let mut command = desk.command(arguments);
        command.env("CANARY_SECRET", "canary-client-secret").env("CANARY_REFRESH", "canary-refresh-0");
        command
    };
    ran(&mut call(&["run", "azure", "ping"])).ended(0);
    for pair in 0..pairs() {
        // The token is withdrawn: both find out at the same time. Every fourth time it is the job that renews.
        {
            let mut issuer = issuer.lock().unwrap();
            issuer.withdrawn = issuer.access;
        }
        let second: &[&str] = if pair % 4 == 3 { &["jobs", "run", "azure/refresh-token-renewal"] } else { &["run", "azure", "ping"] };
        let children = [call(&["run", "azure", "ping"]).spawn().unwrap(), call(second).spawn().unwrap()];
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
        }
    }
    let issuer = issuer.lock().unwrap();
    assert_eq!(issuer.refused, 0, "no refresh token was sent twice");
    assert!(issuer.grants >= pairs(), "{} grants", issuer.grants);
}

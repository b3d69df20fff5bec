//! Scheduled work: which jobs there are, and how they run.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::desk::Desk;
use super::hostile::serve;

/// Who signs in with a password of its own is not delegated, whatever its sign-in hands out.
#[test]
fn only_a_delegated_sign_in_has_a_renewal_job() {
    let desk = Desk::with(&["eset-demo"], &["--events", "50"]);
    desk.call(&["connections", "test"]).ended(0);
    let jobs = desk.call(&["jobs", "list"]).ended(0).lines();
    assert!(jobs.iter().all(|job| job["name"] != "eset-demo/refresh-token-renewal"), "{jobs:#?}");
}

/// A vendor that does not answer holds up no other: the server answers neither of two before it was asked for both.
#[test]
fn jobs_of_several_connections_run_beside_each_other() {
    let waiting = Arc::new((Mutex::new(0), Condvar::new()));
    let met = Arc::new(AtomicBool::new(false));
    let (here, both) = (Arc::clone(&waiting), Arc::clone(&met));
    let server = serve(move |_, stream| {
        let (count, changed) = (&here.0, &here.1);
        *count.lock().unwrap() += 1;
        changed.notify_all();
        let (count, _) = changed.wait_timeout_while(count.lock().unwrap(), Duration::from_secs(10), |count| *count < 2).unwrap();
        both.fetch_or(*count >= 2, Ordering::SeqCst);
        drop(count);
        let _ = stream.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
    });
    let desk = Desk::bare();
    let secret = desk.home.path().join("secret");
    std::fs::write(&secret, "s").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let one = |name: &str| {
        format!(
            "[[connection]]\nname = \"{name}\"\nvendor = \"wiz\"\n[connection.parameters]\napi_endpoint_url = \"{root}\"\nauth_url = \"{root}/token\"\n\
             client_id = \"c\"\nclient_secret = {{ file = \"{}\" }}\n\n",
            secret.display(),
            root = server.root
        )
    };
    desk.configure(&(one("first") + &one("second")));
    let names: Vec<_> = desk.call(&["jobs", "run", "health-check"]).ended(1).lines().iter().map(|line| line["name"].clone()).collect();
    assert_eq!(names, ["first/health-check", "second/health-check"]);
    assert!(met.load(Ordering::SeqCst), "the second was asked only after the first had ended");
}

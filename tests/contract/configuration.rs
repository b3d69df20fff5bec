//! `connections.toml`, the vault, and the modes of what is written.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use super::desk::{BINARY, Desk, ran};

const WIZ: &str = r#"# our tenants

[[connection]]
name = "wiz-prod" # the big one
vendor = "wiz"
active = true
[connection.parameters]
api_endpoint_url = "https://api.us1.app.wiz.io" # US
client_id = "abc"
# rotated every March
client_secret = { env = "CANARY_SECRET" }

# the small one
[[connection]]
name = "wiz-lab"
vendor = "wiz"
[connection.parameters]
api_endpoint_url = "https://api.eu1.app.wiz.io"
client_id = "abc"
client_secret = { env = "CANARY_SECRET" }
"#;

#[test]
fn every_error_names_file_line_and_key() {
    let desk = Desk::bare();
    let file = desk.config_dir().join("connections.toml").display().to_string();
    for (old, new, line, word) in [
        ("active = true", "activ = true", 6, "activ"),
        ("vendor = \"wiz\"\nactive", "vendor = \"wizz\"\nactive", 5, "wizz"),
        ("active = true", "active = \"yes\"", 6, "active"),
        ("active = true", "fetch_minutes = 0", 6, "fetch_minutes"),
        ("active = true", "event_sources = [\"Bogus\"]", 6, "event_sources"),
        ("# rotated every March", "clientid = \"x\"", 10, "clientid"),
        ("api_endpoint_url = \"https://api.us1.app.wiz.io\"", "api_endpoint_url = \"http://api.us1.app.wiz.io\"", 8, "api_endpoint_url"),
        ("client_secret = { env = \"CANARY_SECRET\" }\n\n", "client_secret = { env = 1 }\n\n", 11, "client_secret"),
        ("active = true", "active = = true", 6, ""),
        ("active = true", "ca_file = \"/nowhere/ca.pem\"", 6, "ca_file"),
        ("active = true", "proxy = \"nowhere\"", 6, "proxy"),
        ("name = \"wiz-lab\"", "name = \"wiz-prod\"", 14, "wiz-prod"),
    ] {
        let text = WIZ.replacen(old, new, 1);
        assert_ne!(text, WIZ, "{old}");
        desk.configure(&text);
        for call in [&["config", "check"][..], &["fetch"], &["connections", "list"], &["jobs", "list"]] {
            let ran = desk.call(call).ended(2);
            assert!(ran.stderr.contains(&format!("{file}:{line}")) && ran.stderr.contains(word), "{call:?} {new}: {ran:?}");
            // Only the check has something to print.
            let printed = if call[0] == "config" { vec![json!({"ok": false, "connections": null, "warnings": 0})] } else { Vec::new() };
            assert_eq!(ran.lines(), printed);
        }
        let report = desk.call(&["run", "wiz-prod", "test-connection"]).ended(2).line();
        assert_eq!((report["return_data"].as_str(), report["raw_data"].is_null()), (Some("Failed"), true));
        assert!(report["errors"][0]["message"].as_str().unwrap().contains(&format!("{file}:{line}")), "{report}");
    }
}

#[test]
fn a_missing_required_parameter_names_its_connections_line() {
    let desk = Desk::bare();
    desk.configure(&WIZ.replacen("client_id = \"abc\"\n", "", 1));
    let ran = desk.call(&["config", "check"]).ended(2);
    assert!(ran.stderr.contains("connections.toml:3: connection.parameters.client_id"), "{ran:?}");
}

#[test]
fn settings_errors_name_file_and_line() {
    let desk = Desk::bare();
    desk.configure("");
    std::fs::write(desk.config_dir().join("settings.toml"), "mouse = true\nbogus = 1\n").unwrap();
    let ran = desk.call(&["config", "check"]).ended(2);
    assert!(ran.stderr.contains("settings.toml:2") && ran.stderr.contains("bogus"), "{ran:?}");
}

#[test]
fn edits_keep_comments_order_and_everything_else() {
    let desk = Desk::bare();
    desk.configure(WIZ);
    desk.call(&["connections", "edit", "wiz-prod", "--set", "client_id=def", "--set", "fetch_minutes=30"]).ended(0);
    let text = desk.connections();
    for kept in ["# our tenants", "# the big one", "# US", "# rotated every March", "# the small one"] {
        assert!(text.contains(kept), "{kept} is gone: {text}");
    }
    assert!(text.contains("client_id = \"def\"") && text.contains("fetch_minutes = 30"), "{text}");
    desk.call(&[
        "connections",
        "add",
        "third",
        "--vendor",
        "wiz",
        "--set",
        "api_endpoint_url=https://api.us2.app.wiz.io",
        "--set",
        "client_id=1234",
        "--secret",
        "client_secret=env:X",
    ])
    .ended(0);
    let text = desk.connections();
    assert!(text.find("wiz-prod") < text.find("wiz-lab") && text.find("wiz-lab") < text.find("third"), "{text}");
    // A text parameter stays a text, however much it looks like a number.
    assert!(text.contains("client_id = \"1234\""), "{text}");
    desk.call(&["connections", "remove", "wiz-lab"]).ended(0);
    let text = desk.connections();
    assert!(!text.contains("wiz-lab") && text.contains("# the big one") && text.contains("third"), "{text}");
    desk.call(&["connections", "remove", "wiz-lab"]).ended(2);
    desk.call(&["connections", "edit", "nobody", "--set", "active=false"]).ended(2);
    desk.call(&["connections", "add", "third", "--vendor", "wiz"]).ended(2);
    desk.call(&["connections", "add", "x", "--vendor", "bogus"]).ended(2);
    assert_eq!(desk.connections(), text, "a refused edit writes nothing");
    desk.call(&["config", "check"]).ended(0);
}

#[test]
fn removing_the_first_connection_keeps_the_comments_of_the_file() {
    let desk = Desk::bare();
    desk.configure(WIZ);
    desk.call(&["connections", "remove", "wiz-prod"]).ended(0);
    let text = desk.connections();
    assert!(text.contains("# our tenants") && text.contains("# the small one") && !text.contains("wiz-prod"), "{text}");
}

#[test]
fn a_wrong_edit_leaves_the_file() {
    let desk = Desk::bare();
    desk.configure(WIZ);
    for wrong in [
        &["connections", "edit", "wiz-prod", "--set", "bogus=1"][..],
        &["connections", "edit", "wiz-prod", "--set", "api_endpoint_url=http://example.com"],
        &["connections", "edit", "wiz-prod", "--set", "noequals"],
        &["connections", "edit", "wiz-prod", "--secret", "client_secret=plain-canary"],
        &["connections", "edit", "wiz-prod", "--set", "client_secret=plain-canary"],
        &["connections", "add", "third", "--vendor", "wiz", "--set", "client_secret=plain-canary"],
    ] {
        desk.call(wrong).ended(2);
        assert_eq!(desk.connections(), WIZ);
    }
}

#[test]
fn a_secret_from_stdin_goes_into_the_vault() {
    let desk = Desk::bare();
    desk.configure(WIZ);
    desk.call_with(&["connections", "edit", "wiz-prod", "--secret", "client_secret=-"], "canary-4711\n").ended(0);
    let text = desk.connections();
    assert!(text.contains("client_secret = { vault = ") && !text.contains("canary-4711"), "{text}");
    let listed = desk.call(&["secrets", "list"]).ended(0);
    assert_eq!(listed.lines().len(), 1, "{listed:?}");
    assert!(!desk.files().iter().any(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).contains("canary-4711")));
}

#[test]
fn the_vault_sets_lists_and_removes() {
    let desk = Desk::bare();
    desk.call_with(&["secrets", "set", "wiz"], "canary-1\n").ended(0);
    assert_eq!(desk.call(&["secrets", "list"]).ended(0).line()["name"], "wiz");
    desk.call_with(&["secrets", "set", "empty"], "").ended(2);
    desk.call(&["secrets", "remove", "wiz"]).ended(0);
    desk.call(&["secrets", "remove", "wiz"]).ended(2);
    assert_eq!(desk.call(&["secrets", "list"]).ended(0).stdout, "");
}

#[test]
fn a_secret_that_cannot_be_had_ends_with_2_and_nothing_sent() {
    let desk = Desk::bare();
    for place in ["{ env = \"CANARY_SECRET\" }", "{ file = \"/nonexistent\" }", "{ command = [\"false\"] }", "{ vault = \"nothing\" }"] {
        desk.configure(&WIZ.replace("{ env = \"CANARY_SECRET\" }", place));
        let report = desk.call(&["run", "wiz-prod", "test-connection"]).ended(2).line();
        assert_eq!(report["return_data"], "Failed");
        assert!(report["message"].as_str().unwrap().contains("client_secret"), "{report}");
        desk.call(&["fetch", "wiz-prod"]).ended(2);
    }
}

/// Adds to the desk's connections a copy of its `wiz-demo` whose secret is in a variable that is not set.
fn with_secretless(desk: &Desk) {
    let text = desk.connections();
    let wiz = text.split("[[connection]]").find(|part| part.contains("\"wiz-demo\"")).unwrap();
    let wiz: Vec<&str> = wiz.lines().filter(|line| !line.starts_with("client_secret")).collect();
    let copy = wiz.join("\n").replace("\"wiz-demo\"", "\"secretless\"");
    desk.configure(&format!("{text}\n[[connection]]{copy}\nclient_secret = {{ env = \"NIGHTDESK_TEST_UNSET\" }}\n"));
}

fn health(desk: &Desk, name: &str) -> Value {
    let lines = desk.call(&["connections", "list"]).ended(0).lines();
    lines.into_iter().find(|line| line["name"] == name).unwrap()
}

#[test]
fn a_secret_that_cannot_be_had_is_a_failure_of_the_connection_whatever_asks_for_it() {
    let desk = Desk::with(&["wiz-demo"], &[]);
    with_secretless(&desk);
    let calls = [
        &["connections", "test", "secretless"][..],
        &["fetch", "secretless"],
        &["jobs", "run", "secretless/fetch"],
        &["jobs", "run", "secretless/health-check"],
    ];
    for (before, call) in calls.into_iter().enumerate() {
        let line = desk.call(call).ended(2).line();
        assert!(line.to_string().contains("NIGHTDESK_TEST_UNSET"), "{line}");
        let health = health(&desk, "secretless");
        assert_eq!(health["consecutive_failures"], before + 1, "{call:?}: {health}");
        assert!(health["last_error"].as_str().unwrap().contains("NIGHTDESK_TEST_UNSET"), "{health}");
    }
    // Of several, some were asked.
    desk.call(&["jobs", "run", "fetch"]).ended(3);
    desk.call(&["fetch"]).ended(3);
    desk.call(&["connections", "test"]).ended(1);
    assert_eq!(health(&desk, "wiz-demo")["consecutive_failures"], 0);
}

#[test]
fn a_vault_that_this_key_does_not_open_is_a_secret_that_cannot_be_had() {
    let desk = Desk::with(&["wiz-demo", "azure-demo"], &[]);
    desk.call_with(&["secrets", "set", "a"], "canary-1\n").ended(0);
    let text = desk.connections().replace("[connection.parameters]\nlogin", "[connection.parameters]\nrefresh_token = \"r\"\nlogin");
    desk.configure(&text);
    for call in [
        &["secrets", "list"][..],
        &["run", "wiz-demo", "list-projects"],
        &["fetch", "wiz-demo"],
        &["connections", "test", "wiz-demo"],
        &["jobs", "run", "wiz-demo/fetch"],
        &["jobs", "run", "refresh-token-renewal"],
    ] {
        let told = ran(desk.command(call).env("NIGHTDESK_VAULT_KEY", "wrong")).ended(2);
        assert!(format!("{told:?}").contains("cannot be opened with this key"), "{call:?}: {told:?}");
        for line in told.lines().iter().filter(|line| line["gaps"].is_array()) {
            assert_eq!(line["gaps"].as_array().unwrap().len(), 0, "nothing was asked for: {line}");
        }
    }
    desk.call(&["fetch", "wiz-demo"]).ended(0);
}

#[test]
fn what_a_command_needs_of_its_connection_is_missed_before_anything_is_sent() {
    let desk = Desk::with(&["microsoft-demo", "azure-demo"], &[]);
    desk.configure(&desk.connections().replace("login_api_root", "redirect_url = \"\"\nlogin_api_root"));
    for (call, missing) in [
        (["run", "microsoft-demo", "generate-login-url"], "no redirect_uri"),
        (["run", "azure-demo", "get-authorization"], "Redirect URL is not configured"),
    ] {
        for more in [&[][..], &["--dry-run"]] {
            let report = desk.call(&[&call[..], more].concat()).ended(2).line();
            assert!(report["message"].as_str().unwrap().contains(missing), "{report}");
            assert_eq!(report["return_data"], "Failed");
        }
    }
}

#[test]
fn a_misconfigured_connection_stops_no_job_and_no_test_of_another() {
    let desk = Desk::with(&["wiz-demo", "azure-demo"], &[]);
    desk.configure(&format!("{}\n[[connection]]\nname = \"odd\"\nvendor = \"wiz\"\nactiv = true\n", desk.connections()));
    for job in ["wiz-demo/fetch", "wiz-demo/health-check"] {
        let ran = desk.call(&["jobs", "run", job]).ended(0);
        assert!(ran.line()["result"].as_str().unwrap().starts_with("Successful") && ran.stderr.contains("activ"), "{ran:?}");
    }
    desk.call(&["jobs", "run", "odd/fetch"]).ended(2);
    for (names, tested) in [(&[][..], &["wiz-demo", "azure-demo", "odd"][..]), (&["azure-demo", "odd"], &["azure-demo", "odd"])] {
        let lines = desk.call(&[&["connections", "test"], names].concat()).ended(1).lines();
        let mut told: Vec<&str> = lines.iter().map(|line| line["connection"].as_str().unwrap()).collect();
        told.sort_unstable();
        let mut tested = tested.to_vec();
        tested.sort_unstable();
        assert_eq!(told, tested);
        for line in lines {
            let failed = line["connection"] == "odd";
            assert_eq!(line["return_data"] == "Failed", failed, "{line}");
            assert!(!failed || line["errors"][0]["message"].as_str().unwrap().contains("activ"), "{line}");
        }
    }
    desk.call(&["connections", "test", "wiz-demo"]).ended(0);
    desk.call(&["connections", "test", "nobody", "odd"]).ended(2);
}

#[test]
fn a_plain_secret_draws_a_warning() {
    let desk = Desk::bare();
    desk.configure(&WIZ.replace("{ env = \"CANARY_SECRET\" }", "\"plain-canary\""));
    let ran = desk.call(&["config", "check"]).ended(0);
    assert!(ran.stderr.contains("client_secret") && !ran.stderr.contains("plain-canary"), "{ran:?}");
}

#[test]
fn everything_is_private_whatever_the_umask() {
    let desk = Desk::with(&["azure-demo", "wiz-demo"], &[]);
    let script = format!(
        "umask 0; {BINARY} fetch; {BINARY} run wiz-demo test-connection; printf x | {BINARY} secrets set a; \
         {BINARY} run azure-demo execute-http-request url_path=/v1.0/users save_to_case_wall=true; \
         {BINARY} connections edit wiz-demo --set active=false; {BINARY} config check"
    );
    let mut shell = Command::new("bash");
    shell.args(["-c", &script]).env("NIGHTDESK_CONFIG_DIR", desk.config_dir()).env("NIGHTDESK_DATA_DIR", desk.data_dir());
    ran(&mut shell);
    let mut seen = 0;
    let mut open = vec![desk.config_dir(), desk.data_dir()];
    while let Some(path) = open.pop() {
        let mode = std::fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{} is {mode:o}", path.display());
        seen += 1;
        open.extend(std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
    }
    assert!(seen > 8, "only {seen} files");
    assert!(desk.data_dir().join("quarantine").is_dir());
}

#[test]
fn one_bad_connection_stops_only_what_needs_it() {
    let desk = Desk::bare();
    desk.configure(
        &(WIZ.to_owned() + "\n[[connection]]\nname = \"odd\"\nvendor = \"nobody\"\n\n[[connection]]\nname = \"half\"\nvendor = \"wiz\"\n"),
    );
    // What reads the store, or names a connection that is right.
    for call in [
        &["events"][..],
        &["audit", "list"],
        &["audit", "verify"],
        &["case", "list"],
        &["entities", "user", "dana"],
        &["keys"],
        &["report", "handover"],
    ] {
        desk.call(call).ended(0);
    }
    let handover = desk.call(&["report", "handover"]).ended(0).stdout;
    assert!(handover.contains("odd: it is misconfigured"), "{handover}");
    // What names a bad one, or means all.
    for call in [
        &["run", "odd", "test-connection"][..],
        &["run", "half", "test-connection", "--dry-run"],
        &["fetch", "odd"],
        &["fetch", "wiz-prod", "half"],
        &["connections", "test", "half"],
        &["fetch"],
        &["connections", "test"],
        &["jobs", "list"],
        &["config", "check"],
    ] {
        let told = desk.call(call).ended(2);
        assert!(
            told.stderr.contains("nobody")
                || told.stderr.contains("api_endpoint_url")
                || told.stdout.contains("nobody")
                || told.stdout.contains("api_endpoint_url"),
            "{call:?}: {}",
            told.stderr
        );
    }
}

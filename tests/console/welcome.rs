//! The first run, on a real terminal: nothing is configured yet, or it is configured wrongly.

use std::path::Path;

use crate::terminal::{BINARY, Terminal, command};

/// The console of a home, without jobs: nothing here is to be reached.
fn console(home: &Path) -> Terminal {
    let (config, data) = (home.join("config"), home.join("data"));
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("settings.toml"), "jobs = false\n").unwrap();
    Terminal::call(&["--config-dir", config.to_str().unwrap(), "--data-dir", data.to_str().unwrap()], 110, 30)
}

#[test]
fn a_first_connection_is_added_without_leaving() {
    let home = tempfile::tempdir().unwrap();
    let mut console = console(home.path());
    console.wait("add a connection");
    console.press("n");
    console.wait("Connect to which system?");
    console.press("wiz\r");
    console.wait("Connect to Wiz");
    console.press("https://api.us1.app.wiz.io\tabc\thush-hush\u{13}");
    console.wait("Connection wiz was added");
    // The console is there again, with the connection in it, and still takes keys.
    console.press("1");
    console.wait("1 Connections");
    console.wait("never reached");
    let written = std::fs::read_to_string(home.path().join("config/connections.toml")).unwrap();
    assert!(written.contains("client_secret = { vault = \"wiz.client_secret\" }") && !written.contains("hush"), "{written}");
}

#[test]
fn the_demo_starts_with_a_key() {
    let home = tempfile::tempdir().unwrap();
    let mut console = console(home.path());
    console.wait("start the demo");
    console.press("d");
    console.wait("2 Queue");
    console.wait("demo");
}

#[test]
fn a_misconfigured_connection_is_shown_with_its_reason() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("config")).unwrap();
    std::fs::write(home.path().join("config/connections.toml"), "[[connection]]\nname = \"odd\"\nvendor = \"nobody\"\n").unwrap();
    let mut console = console(home.path());
    console.wait("cannot be used");
    console.press("1");
    console.wait("odd misconfigured");
    console.wait("is not a vendor");
}

#[test]
fn a_secret_is_typed_unseen_and_an_interrupt_gives_the_terminal_back() {
    let home = tempfile::tempdir().unwrap();
    let call = format!(
        "trap : INT; {} --config-dir '{home}' --data-dir '{home}' secrets set a; echo \"ended $?\"; stty -a | tr ' ' '\\n' | grep -x -e echo -e -echo",
        BINARY,
        home = home.path().display()
    );
    let mut console = Terminal::shell(&call, 110, 30);
    console.wait("value of a");
    console.press("hush\u{3}");
    let screen = console.wait("ended 130");
    assert!(!screen.contains("hush"), "{screen}");
    let screen = console.wait_that("whether what is typed is seen again", |screen| screen.lines().any(|line| line.ends_with("echo")));
    assert!(screen.lines().any(|line| line == "echo"), "{screen}");
}

#[test]
fn a_terminal_that_cannot_draw_is_told_so() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path().display();
    let call = format!("{BINARY} --config-dir '{home}' --data-dir '{home}'; echo \"ended $?\"");
    let mut shell = command("sh", &["-c", &call]);
    shell.env("TERM", "dumb");
    let console = Terminal::run(shell, 110, 30);
    let screen = console.wait("ended 1");
    assert!(screen.contains("TERM is dumb") && screen.contains("nightdesk --help"), "{screen}");
}

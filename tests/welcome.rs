//! The first run, on a real terminal: nothing is configured yet, or it is configured wrongly.
#![cfg(test)]

#[path = "support/terminal.rs"]
#[expect(dead_code, reason = "each test takes what it needs")]
mod terminal;

use std::path::Path;

use portable_pty::CommandBuilder;
use terminal::Console;

/// The console of a home, without jobs: nothing here is to be reached.
fn console(home: &Path) -> Console {
    let (config, data) = (home.join("config"), home.join("data"));
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("settings.toml"), "jobs = false\n").unwrap();
    Console::start(&["--config-dir", config.to_str().unwrap(), "--data-dir", data.to_str().unwrap()], 30, 110)
}

#[test]
fn a_first_connection_is_added_without_leaving() {
    let home = tempfile::tempdir().unwrap();
    let mut console = console(home.path());
    console.until("add a connection");
    console.press("n");
    console.until("Connect to which system?");
    console.press("wiz\r");
    console.until("Connect to Wiz");
    console.press("https://api.us1.app.wiz.io\tabc\thush-hush\u{13}");
    console.until("Connection wiz was added");
    // The console is there again, with the connection in it, and still takes keys.
    console.press("1");
    console.until("1 Connections");
    console.until("never reached");
    let written = std::fs::read_to_string(home.path().join("config/connections.toml")).unwrap();
    assert!(written.contains("client_secret = { vault = \"wiz.client_secret\" }") && !written.contains("hush"), "{written}");
}

#[test]
fn the_demo_starts_with_a_key() {
    let home = tempfile::tempdir().unwrap();
    let mut console = console(home.path());
    console.until("start the demo");
    console.press("d");
    console.until("2 Queue");
    console.until("demo");
}

#[test]
fn a_misconfigured_connection_is_shown_with_its_reason() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("config")).unwrap();
    std::fs::write(home.path().join("config/connections.toml"), "[[connection]]\nname = \"odd\"\nvendor = \"nobody\"\n").unwrap();
    let mut console = console(home.path());
    console.until("cannot be used");
    console.press("1");
    console.until("odd misconfigured");
    console.until("is not a vendor");
}

#[test]
fn a_secret_is_typed_unseen_and_an_interrupt_gives_the_terminal_back() {
    let home = tempfile::tempdir().unwrap();
    let mut command = CommandBuilder::new("sh");
    let call = format!(
        "trap : INT; {} --config-dir '{home}' --data-dir '{home}' secrets set a; echo \"ended $?\"; stty -a | tr ' ' '\\n' | grep -x -e echo -e -echo",
        env!("CARGO_BIN_EXE_nightdesk"),
        home = home.path().display()
    );
    command.args(["-c", &call]);
    let mut console = Console::spawn(command, 30, 110);
    console.until("value of a");
    console.press("hush\u{3}");
    let screen = console.until("ended 130");
    assert!(!screen.contains("hush"), "{screen}");
    let screen = console.until_that("whether what is typed is seen again", |screen| screen.lines().any(|line| line.ends_with("echo")));
    assert!(screen.lines().any(|line| line == "echo"), "{screen}");
}

#[test]
fn a_terminal_that_cannot_draw_is_told_so() {
    let home = tempfile::tempdir().unwrap();
    let mut command = CommandBuilder::new("sh");
    let home = home.path().display();
    let call = format!("{} --config-dir '{home}' --data-dir '{home}'; echo \"ended $?\"", env!("CARGO_BIN_EXE_nightdesk"));
    command.args(["-c", &call]);
    let mut console = Console::spawn_as(command, 30, 110, "dumb", false);
    let screen = console.until("ended 1");
    assert!(screen.contains("TERM is dumb") && screen.contains("nightdesk --help"), "{screen}");
}

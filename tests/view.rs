//! `nightdesk view`: a document in the explorer, from a file or a pipe, on a real terminal.
#![cfg(test)]

#[path = "support/terminal.rs"]
#[expect(dead_code, reason = "each test takes what it needs")]
mod terminal;

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use portable_pty::CommandBuilder;
use terminal::Console;

/// A shell line on a terminal, in a folder of its own. `view` stands for the call.
fn shell(line: &str, home: &Path) -> Console {
    let call = format!("'{}' --config-dir '{}' view", env!("CARGO_BIN_EXE_nightdesk"), home.join("config").display());
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", &line.replace("view", &call)]);
    command.cwd(home);
    Console::spawn(command, 24, 80)
}

/// Records enough that they are indexed in steps.
fn records(count: usize) -> String {
    let record = |n: usize| format!(r#"{{"n":{n},"host":"host-{n}","note":"{}"}}"#, "x".repeat(400));
    let records: Vec<String> = (0..count).map(record).collect();
    format!(r#"{{"meta":{{"source":"test"}},"records":[{}]}}"#, records.join(","))
}

#[test]
fn a_large_file_is_walked_searched_and_shown_as_a_table() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("big.json"), records(20_000)).unwrap();
    let mut console = shell("exec view big.json", home.path());
    console.until("source: test");
    console.until("8.8 MB");
    console.press("/host-19999\r");
    console.until("1 found");
    console.until("$.records[19999].host");
    console.press("T");
    console.until("host-19999");
    console.press("gg");
    console.until("host-0 ");
    console.press("]");
    console.until("\"source\": \"test\"");
    console.press("n");
    console.until("\"host\": \"host-19999\"");
    assert!(console.leave().success());
}

#[test]
fn what_a_slow_pipe_has_brought_is_shown_while_the_rest_is_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let fifo = home.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut console = shell("cat fifo | view -", home.path());
    let mut pipe = File::options().write(true).open(&fifo).unwrap();
    pipe.write_all(b"{\"name\": \"first\"}\n{\"name\": \"second\"}\n{\"na").unwrap();
    console.until("second");
    let screen = console.until("reading");
    assert!(screen.contains("standard input"), "{screen}");
    console.press("jl");
    console.until("$[0]");
    pipe.write_all(b"me\": \"third\"}\n").unwrap();
    drop(pipe);
    console.until("3 values");
    console.press("G");
    console.until("$[2]");
    assert!(console.leave().success());
}

#[test]
fn a_broken_document_is_shown_as_far_as_it_makes_sense() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("broken.json"), "{\"kept\": [1, 2],\n \"lost\": oops}").unwrap();
    std::fs::write(home.path().join("notes.txt"), "Nothing but\nplain text.\n").unwrap();
    let mut console = shell("view broken.json && view notes.txt", home.path());
    let screen = console.until("line 2, column 10");
    assert!(screen.contains("kept: [2]") && screen.contains("not a JSON value"), "{screen}");
    console.press("q");
    let screen = console.until("plain text.");
    assert!(screen.contains("not a JSON value at line 1, column 1"), "{screen}");
    assert!(console.leave().success());
}

#[test]
fn a_wrong_call_says_what_is_wrong() {
    let home = tempfile::tempdir().unwrap();
    let mut console = shell("view gone.json; echo \"exit $?\"; view .; echo \"exit $?\"; view -; echo \"exit $?\"", home.path());
    let screen = console.until_that("three exits", |screen| screen.matches("exit 2").count() == 3);
    assert!(screen.contains("gone.json cannot be opened: No such file"), "{screen}");
    assert!(screen.contains(". is a folder") && screen.contains("nothing is piped in"), "{screen}");
    let call = Command::new(env!("CARGO_BIN_EXE_nightdesk")).args(["view", "/dev/null"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(call.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&call.stderr).contains("needs a terminal"));
}

//! `nightdesk view`: a document in the explorer, from a file or a pipe, on a real terminal.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::terminal::{BINARY, Terminal, command};

/// A shell line on a terminal, in a folder of its own. `view` stands for the call.
fn shell(line: &str, home: &Path) -> Terminal {
    let call = format!("'{BINARY}' --config-dir '{}' view", home.join("config").display());
    let mut shell = command("sh", &["-c", &line.replace("view", &call)]);
    shell.cwd(home);
    Terminal::run(shell, 80, 24)
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
    console.wait("source: test");
    console.wait("8.8 MB");
    console.press("/host-19999\r");
    console.wait("1 found");
    console.wait("$.records[19999].host");
    console.press("T");
    console.wait("host-19999");
    console.press("gg");
    console.wait("host-0 ");
    console.press("]");
    console.wait("\"source\": \"test\"");
    console.press("n");
    console.wait("\"host\": \"host-19999\"");
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
    console.wait("second");
    let screen = console.wait("reading");
    assert!(screen.contains("standard input"), "{screen}");
    console.press("jl");
    console.wait("$[0]");
    pipe.write_all(b"me\": \"third\"}\n").unwrap();
    drop(pipe);
    console.wait("3 values");
    console.press("G");
    console.wait("$[2]");
    assert!(console.leave().success());
}

#[test]
fn a_broken_document_is_shown_as_far_as_it_makes_sense() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("broken.json"), "{\"kept\": [1, 2],\n \"lost\": oops}").unwrap();
    std::fs::write(home.path().join("notes.txt"), "Nothing but\nplain text.\n").unwrap();
    let mut console = shell("view broken.json && view notes.txt", home.path());
    let screen = console.wait("line 2, column 10");
    assert!(screen.contains("kept: [2]") && screen.contains("not a JSON value"), "{screen}");
    console.press("q");
    let screen = console.wait("plain text.");
    assert!(screen.contains("not a JSON value at line 1, column 1"), "{screen}");
    assert!(console.leave().success());
}

#[test]
fn a_wrong_call_says_what_is_wrong() {
    let home = tempfile::tempdir().unwrap();
    let console = shell("view gone.json; echo \"exit $?\"; view .; echo \"exit $?\"; view -; echo \"exit $?\"", home.path());
    let screen = console.wait_that("three exits", |screen| screen.matches("exit 2").count() == 3);
    assert!(screen.contains("gone.json cannot be opened: No such file"), "{screen}");
    assert!(screen.contains(". is a folder") && screen.contains("nothing is piped in"), "{screen}");
    let call = Command::new(BINARY).args(["view", "/dev/null"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(call.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&call.stderr).contains("needs a terminal"));
}

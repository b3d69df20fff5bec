//! What can happen to the terminal of the console: it freezes, it can do less, the process is stopped, the program itself has a fault.

use std::path::Path;
use std::time::{Duration, Instant};

use nightdesk::runtime::{log, mishap, terminal};
use nightdesk::secrets::Redactor;

use crate::terminal::{PATIENCE, Terminal, command, kill};
use crate::world::World;

/// The memory that a process uses, in KiB.
fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// How many events are stored.
fn stored(world: &World) -> i64 {
    world.store().query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_frozen_terminal_holds_up_nothing_and_is_drawn_once_when_it_is_back() {
    let world = World::of(&["wiz"], 3000);
    let mut terminal = world.console(100, 30);
    terminal.wait("2 Queue");
    terminal.freeze(true);
    // More than a terminal holds by itself: its line of communication is full from here on.
    terminal.press(&"\u{c}".repeat(20));
    let before = memory(terminal.process());
    terminal.press("f");
    let start = Instant::now();
    while stored(&world) < 100 {
        assert!(start.elapsed() < PATIENCE, "nothing is fetched while the terminal is frozen");
        std::thread::yield_now();
    }
    for _ in 0..100 {
        terminal.press(&"\u{c}jk".repeat(5));
    }
    // What the fetch itself takes is not what is piling up for the terminal: a hundred times a whole screen would be more.
    let after = memory(terminal.process());
    assert!(after < before + 60 * 1024, "{before} KiB became {after} KiB");
    let behind = terminal.count();
    terminal.freeze(false);
    terminal.press("gs");
    terminal.wait("Keys in all");
    let caught_up = terminal.count() - behind;
    assert!(caught_up < 2_000_000, "{caught_up} bytes were kept for the terminal");

    // Told to end while frozen again, it does: the terminal cannot be given back, and is not waited for.
    terminal.freeze(true);
    terminal.press(&"\u{c}".repeat(50));
    let start = Instant::now();
    terminal.signal("TERM");
    terminal.ended();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

/// An environment, whether the console opens in it, and whether it draws with ASCII alone.
type Surroundings = (&'static [(&'static str, &'static str)], bool, bool);

#[test]
fn a_terminal_is_used_as_far_as_it_can_be() {
    let world = World::small();
    let cases: [Surroundings; 10] = [
        (&[("TERM", "dumb")], false, false),
        (&[("TERM", "linux")], true, false),
        (&[("TERM", "screen")], true, false),
        (&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], true, false),
        (&[("TERM", "xterm"), ("COLORTERM", "")], true, false),
        (&[("NO_COLOR", "1"), ("COLORTERM", "24bit")], true, false),
        (&[("LANG", "C")], true, true),
        (&[("LC_ALL", "POSIX"), ("LANG", "en_GB.UTF-8")], true, true),
        (&[("LANG", "C.UTF-8")], true, false),
        (&[("LC_CTYPE", "de_DE.utf8"), ("LANG", "de_DE.ISO-8859-1")], true, false),
    ];
    for (environment, opens, ascii) in cases {
        let mut shell = command("sh", &["-c", &format!("exec {}", world.line())]);
        environment.iter().for_each(|(name, value)| shell.env(name, value));
        let mut terminal = Terminal::run(shell, 100, 30);
        if !opens {
            assert!(!terminal.ended().success());
            terminal.wait("TERM is dumb");
            assert!(!terminal.shown().written(0).contains('\u{1b}'), "nothing is drawn on it");
            continue;
        }
        terminal.wait("2 Queue");
        terminal.press("?");
        terminal.wait("HERE");
        let (shown, bytes) = (terminal.text(), terminal.shown().written(0));
        assert_eq!(shown.is_ascii(), ascii, "{environment:?}:\n{shown}");
        let plain = environment.iter().any(|(name, _)| *name == "NO_COLOR");
        let colours = colours(&bytes);
        assert_eq!(colours.is_empty(), plain, "{environment:?}: {colours:?}");
        assert!(
            !colours.iter().any(|colour| colour.contains("8;2;")),
            "sixteen colours are enough unless a theme asks for more: {colours:?}"
        );
        terminal.press("\u{1b}q");
        assert!(terminal.ended().success(), "{environment:?}");
    }
}

/// The sequences that set a colour.
fn colours(bytes: &str) -> Vec<String> {
    let sets = |sequence: &str| {
        let (values, _) = sequence.split_once('m')?;
        let is_colour = |value: &str| value.parse().is_ok_and(|value: u8| matches!(value, 30..=38 | 40..=48 | 90..=107));
        (values.chars().all(|c| c.is_ascii_digit() || c == ';') && values.split(';').any(is_colour)).then(|| values.to_owned())
    };
    bytes.split("\u{1b}[").filter_map(sets).collect()
}

#[test]
fn a_console_that_was_stopped_comes_back_and_the_shell_has_its_terminal_meanwhile() {
    let world = World::small();
    // A shell with job control: what stops is its child, and goes on when the shell says so.
    let place = world.home().display();
    let line = format!(
        "set -m; stty -a > {place}/before; {}; stty -a > {place}/between; echo the shell; read; fg; stty -a > {place}/between; read; fg",
        world.line()
    );
    let mut terminal = Terminal::run(command("bash", &["-c", &line]), 100, 30);
    for stop in ["key", "signal"] {
        terminal.wait("2 Queue");
        terminal.press("?");
        terminal.wait("HERE");
        if stop == "key" {
            terminal.press("\u{1a}");
        } else {
            let children = std::process::Command::new("pgrep").args(["-P", &terminal.process().to_string()]).output();
            kill(String::from_utf8(children.unwrap().stdout).unwrap().trim().parse().unwrap(), "TSTP");
        }
        terminal.wait_for("the shell", |shown| !shown.screen().alternate_screen());
        let [before, between] = ["before", "between"].map(|name| world.home().join(name));
        let start = Instant::now();
        while std::fs::read(&between).unwrap_or_default() != std::fs::read(&before).unwrap() {
            assert!(start.elapsed() < PATIENCE, "{}", std::fs::read_to_string(&between).unwrap_or_default());
            std::thread::yield_now();
        }
        std::fs::remove_file(between).unwrap();
        terminal.press("\r");
        terminal.wait_for("the console", |shown| shown.screen().alternate_screen());
        // It goes on where it was.
        terminal.wait("HERE");
        terminal.press("\u{1b}");
    }
    terminal.wait("2 Queue");
    terminal.press("q");
    assert!(terminal.ended().success());
}

/// A secret that a fault's own words hold.
const CANARY: &str = "canary-in-a-panic";

/// Not a test by itself: a program with a fault, for [`a_fault_of_its_own_gives_the_terminal_back_and_tells_no_secret`].
#[test]
#[ignore = "has a fault on purpose"]
fn a_program_with_a_fault() {
    let home = std::env::var("NIGHTDESK_TEST_HOME").unwrap();
    let redactor = Redactor::default();
    redactor.add(CANARY);
    log::start(&Path::new(&home).join("nightdesk.log"), &redactor);
    mishap::tell_of_panics();
    let held = terminal::Terminal::enter(false).unwrap();
    // One of a task disturbs nothing.
    std::thread::spawn(|| panic!("the task had {CANARY}")).join().unwrap_err();
    terminal::write(b"still drawing".to_vec()).unwrap();
    assert!(terminal::is_entered());
    // Given back by the panic, not by the end of what holds it.
    std::mem::forget(held);
    panic!("the parser had {CANARY}");
}

#[test]
fn a_fault_of_its_own_gives_the_terminal_back_and_tells_no_secret() {
    let home = tempfile::tempdir().unwrap();
    let place = home.path().display().to_string();
    let program = std::env::current_exe().unwrap();
    let line = format!(
        "stty -a > {place}/before; {} --ignored --exact hazards::a_program_with_a_fault --nocapture; stty -a > {place}/after",
        program.display()
    );
    let mut shell = command("sh", &["-c", &line]);
    shell.env("NIGHTDESK_TEST_HOME", &place);
    let mut terminal = Terminal::run(shell, 100, 30);
    terminal.wait_for("still drawing", |shown| shown.written(0).contains("still drawing"));
    terminal.ended();
    let [before, after] = ["before", "after"].map(|name| std::fs::read_to_string(home.path().join(name)).unwrap());
    assert_eq!(before, after);
    assert!(!terminal.screen().alternate_screen());
    let said = terminal.shown().written(0);
    let given_back = said.find("\u{1b}[?1049l").unwrap();
    let told: Vec<usize> = said.match_indices("a fault of its own at tests/console/hazards.rs:").map(|(at, _)| at).collect();
    assert!(told.len() == 1 && told[0] > given_back, "one line, after the screen was given back:\n{said}");
    assert!(said.contains("nightdesk.log has the rest"), "{said}");
    let log = std::fs::read_to_string(home.path().join("nightdesk.log")).unwrap();
    assert!(log.contains("the task had ***") && log.contains("the parser had ***"), "{log}");
    assert!(!said.contains(CANARY) && !log.contains(CANARY), "{said}{log}");
}

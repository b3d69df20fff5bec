//! Sessions on a console, the gentle and the rude ones.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::terminal::{PATIENCE, Shown, Terminal};
use crate::world::World;

/// What gives the terminal back: the main screen, and the cursor.
const GIVEN_BACK: &str = "\u{1b}[?1049l";

fn is_given_back(shown: &Shown) -> bool {
    shown.written(0).contains(GIVEN_BACK)
}

#[test]
fn a_session_from_the_first_key_to_the_last() {
    let world = World::small();
    let mut console = world.console(120, 40);
    console.fetch();
    console.press("/\u{15}severity:>=high\r");
    console.wait("· severity:>=high ─");
    console.press("\r");
    console.wait("Summary");
    console.press("]]]");
    console.wait("id: ");
    console.press("d");
    console.wait("true positive");
    console.press("b\r");
    console.wait("closed as benign");
    console.press("u");
    console.wait("Taken back");
    console.press("q");
    assert!(console.ended().success());
    console.wait_for("the main screen", is_given_back);
    let shown = console.shown();
    assert!(!shown.screen().alternate_screen());
    assert!(!shown.written(0).contains("\u{1b}]52;"), "nothing is put on the clipboard without its key");
}

#[test]
fn the_smallest_screen_is_of_use() {
    let world = World::small();
    let mut console = world.console(40, 12);
    console.fetch();
    console.press("2\r");
    console.wait("Severity");
    console.press("q");
    assert!(console.ended().success());
}

#[test]
fn a_paste_triggers_nothing() {
    let world = World::small();
    let mut console = world.console(80, 24);
    console.fetch();
    console.press(&format!("\u{1b}[200~{}\u{1b}[201~", "dfb\rq:quit\r".repeat(20_000)));
    console.wait("Pasted text");
    // Still there, nothing decided.
    console.press("gs");
    console.wait("Events closed         0");
}

#[test]
fn a_signal_gives_the_terminal_back() {
    for name in ["TERM", "HUP", "INT", "QUIT"] {
        let world = World::small();
        let mut console = world.console(80, 24);
        console.signal(name);
        console.ended();
        console.wait_for(name, is_given_back);
    }
}

#[test]
fn a_terminal_that_vanishes_ends_the_program_even_where_hangups_are_ignored() {
    for before in ["", "trap '' HUP;"] {
        let world = World::small();
        let mut console = world.console_after(before, 80, 24);
        console.vanish("?");
        console.ended();
    }
}

#[test]
fn a_terminal_that_vanishes_in_mid_form_leaves_the_row_and_the_draft_and_nothing_armed() {
    for before in ["", "trap '' HUP;"] {
        let world = World::small();
        let mut console = world.console_after(before, 100, 30);
        console.fetch();
        console.press("jj\r");
        console.wait("Severity");
        let title = |console: &Terminal| console.text().lines().next().unwrap().split("  ").next().unwrap().to_owned();
        let event = title(&console);
        console.press(":");
        console.wait("Palette");
        console.press("update issues\r");
        console.wait("Issue ID");
        console.press("ISSUE-8841\t  ");
        console.wait("ISSUE-8841");
        console.press("\r");
        console.wait("Update Issues on wiz");
        let question = |console: &Terminal| console.text().contains("Update Issues on wiz-");
        console.wait("?");
        assert!(question(&console));
        console.vanish("x");
        let start = Instant::now();
        console.ended();
        let took = start.elapsed();
        assert!(took < Duration::from_secs(2), "the process was there for {took:?} after its terminal had gone");

        let mut back = world.console(100, 30);
        back.wait("ISSUE-8841");
        assert!(!question(&back), "what was asked is not asked any more:\n{}", back.text());
        back.press("\u{1b}\u{1b}");
        back.wait("3 Event");
        back.wait_that("the same event", |screen| screen.starts_with(&event));
        back.press("gh");
        back.wait("History");
        assert!(!back.text().contains("update-issues"), "nothing was sent:\n{}", back.text());
    }
}

#[test]
fn the_typing_goes_on_while_another_process_holds_the_store() {
    let world = World::small();
    let mut console = world.console(100, 30);
    console.press(":update issues\r");
    console.wait("Issue ID");
    let db = world.store();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    console.press("ISSUE-1");
    console.wait("ISSUE-1");
    // Its draft is to be kept, and cannot be yet; reading it comes after that.
    console.press("\u{1b}");
    console.wait("Filter");
    console.press(":update issues\r");
    let start = Instant::now();
    console.wait("Issue ID");
    console.press("-WHILE-HELD");
    console.wait("-WHILE-HELD");
    // The store is waited for ten seconds.
    assert!(start.elapsed() < Duration::from_secs(8), "the screen waited {:?} for the store", start.elapsed());
    db.execute_batch("COMMIT").unwrap();
}

#[test]
fn what_was_typed_outlives_a_process_that_is_killed() {
    let world = World::small();
    let mut console = world.console(100, 30);
    console.press(":update issues\r");
    console.wait("Issue ID");
    console.press("ISSUE-8841");
    let db = world.store();
    let kept = || db.query_row("SELECT count(*) FROM keep WHERE value LIKE '%ISSUE-8841%'", [], |row| row.get::<_, i64>(0)).unwrap();
    let start = Instant::now();
    while kept() < 2 {
        assert!(start.elapsed() < PATIENCE, "it was never kept");
        std::thread::yield_now();
    }
    console.signal("KILL");
    console.ended();
    let back = world.console(100, 30);
    back.wait("ISSUE-8841");
}

#[test]
fn what_interrupts_the_pager_does_not_end_the_console() {
    let world = World::small();
    let mut console = world.console_after(r#"PAGER="sh -c 'trap \"\" INT; echo reading; read line; echo over'"; export PAGER;"#, 100, 30);
    console.fetch();
    console.press("\r");
    console.wait("Severity");
    console.press(":pager\r");
    console.wait("reading");
    console.press("\u{3}\n");
    console.wait("3 Event");
    console.press("?");
    console.wait("HERE");
}

#[test]
fn a_console_whose_pager_is_open_ends_when_it_is_told_to() {
    let world = World::small();
    let mut console = world.console_after(r#"PAGER="sh -c 'echo reading; read line'"; export PAGER;"#, 100, 30);
    console.fetch();
    console.press("\r");
    console.wait("Severity");
    console.press(":pager\r");
    console.wait("reading");
    console.signal("TERM");
    console.ended();
}

#[test]
fn a_signal_ends_the_program_though_its_terminal_takes_nothing() {
    let world = World::small();
    let mut console = world.console(200, 60);
    console.fetch();
    console.freeze(true);
    // Each draws the whole screen; the terminal holds some kilobytes.
    for _ in 0..40 {
        console.press("\u{c}");
    }
    console.signal("TERM");
    console.ended();
}

#[test]
fn a_megabyte_pasted_acts_on_nothing_and_stalls_nothing() {
    let world = World::small();
    let mut console = world.console(100, 30);
    console.fetch();
    let text = "dfb\rq:quit\r".repeat(100_000);
    let paste = format!("\u{1b}[200~{text}\u{1b}[201~");
    let start = Instant::now();
    console.press(&paste);
    console.wait("Pasted text");
    eprintln!("into the queue: {:?}", start.elapsed());
    console.press(":update issues\r");
    console.wait("Issue ID");
    let start = Instant::now();
    // At the beginning of what is there already: what lies behind it has to move.
    console.press("the-end");
    console.wait("the-end");
    console.press("\u{1b}[H");
    console.press(&paste);
    console.wait_that("what was pasted", |screen| !screen.contains("the-end"));
    console.press("\u{1b}[F");
    console.wait("the-end");
    eprintln!("into a field: {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(20));
    console.press("\u{1b}\u{1b}");
    console.press("gs");
    console.wait("Events closed         0");
    assert!(!console.text().contains("ran "), "nothing was run");
}

/// Numbers as random as a storm needs them, the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(most).unwrap()).unwrap()
    }
}

/// `NIGHTDESK_TEST_STORM` says how many seconds.
#[test]
fn a_storm_of_sizes_breaks_nothing_and_the_last_one_counts() {
    const SIZES: [(u16, u16); 8] = [(1, 1), (40, 12), (300, 100), (80, 24), (2, 60), (200, 3), (59, 17), (120, 40)];
    const ESCAPE: &str = "\u{1b}\u{1b}";
    // Nothing that leaves the console or opens another program.
    const KEYS: [&str; 24] =
        ["j", "k", "\r", "]", "[", "\t", "1", "2", "3", "4", "G", "gg", "+", "*", "M", " ", "?", "gk", "gl", "z3", "'s", "T", "/se", "="];
    let seconds = std::env::var("NIGHTDESK_TEST_STORM").ok().and_then(|text| text.parse().ok());
    let length = seconds.map_or(Duration::from_millis(1500), Duration::from_secs);
    let world = World::small();
    let mut console = world.console(120, 40);
    console.fetch();
    let (start, mut dice, mut resizes) = (Instant::now(), Dice(0x9E37_79B9_7F4A_7C15), 0_u32);
    while start.elapsed() < length || resizes < 400 {
        let (columns, rows) = match dice.below(3) {
            0 => SIZES[dice.below(SIZES.len())],
            _ => (u16::try_from(1 + dice.below(300)).unwrap(), u16::try_from(1 + dice.below(100)).unwrap()),
        };
        console.resize(columns, rows);
        resizes += 1;
        if dice.below(4) == 0 {
            console.press(KEYS[dice.below(KEYS.len())]);
        }
        if dice.below(8) == 0 {
            console.press(ESCAPE);
        }
        assert!(console.runs(), "the console ended after {resizes} sizes");
    }
    // The calm after it: whatever lies on top is closed, and the screen is as a whole drawing would have it.
    console.look_at(100, 30);
    console.resize(99, 30);
    console.resize(100, 30);
    let calm = Instant::now();
    console.press(&ESCAPE.repeat(40));
    console.press("22gs");
    // Everything that was pressed before has been taken then.
    console.wait("Keys in all");
    console.press(ESCAPE);
    console.wait_that("a whole screen", |screen| {
        let lines: Vec<&str> = screen.lines().collect();
        lines.len() == 30 && lines[0].starts_with(" nightdesk") && lines[1].starts_with("╭ 2 Queue") && lines[28].starts_with('╰')
    });
    eprintln!("{resizes} sizes in {:?}, whole again after {:?}", start.elapsed(), calm.elapsed());
    // A whole drawing begins by clearing the screen; what it shows must not differ, but for the clock.
    let rest = |text: &str| text.lines().skip(2).take(26).map(str::to_owned).collect::<Vec<_>>();
    // What was read on the way is marked so when the store is looked at next, within a second.
    console.silent_for(Duration::from_millis(2500));
    let (shown, bytes) = (rest(&console.text()), console.count());
    console.press("\u{c}");
    console.wait_for("a drawing of the whole", |shown| shown.written(bytes).contains("╰"));
    console.rest();
    assert_eq!(rest(&console.text()), shown);
}

#[test]
fn an_idle_console_is_silent() {
    let world = World::small();
    let mut console = world.console(80, 24);
    console.fetch();
    console.press("?");
    console.wait("HERE");
    // A quiet stretch may only be broken by a clock that reads otherwise.
    let (start, length, mut draws) = (Instant::now(), Duration::from_secs(4), 0);
    while start.elapsed() < length {
        draws += usize::from(console.is_written_to_within(length.saturating_sub(start.elapsed())));
    }
    assert!(draws <= 2, "{draws} draws in four idle seconds");
}

#[test]
fn a_playbook_is_seen_dry_then_confirmed_and_run_and_a_recording_is_listed_at_once() {
    let world = World::small();
    let mut console = world.console(120, 40);
    console.fetch();
    console.press("/\u{15}type:Issues status:new\r");
    console.wait("· type:Issues status:new ─");
    console.press("Ptoxic");
    console.wait("fills issues");
    console.press("\r");
    console.wait("from the event");
    console.press("\r");
    console.wait("dry run: nothing was sent");
    console.wait("take: Update Issues on wiz-demo");
    console.press("j\r");
    console.wait("Requests, exactly as they would be sent");
    console.press("\u{1b}");
    console.wait("dry run: nothing was sent");
    console.press("\u{13}");
    console.wait("Cancel (esc)");
    console.press("y");
    console.wait("3 of 3 steps done.");
    console.press("\u{1b}");
    console.wait("Tasks");
    console.press("Qt");
    console.wait("REC 1");
    console.press("Q");
    console.wait("name of the playbook");
    console.press("take it\r");
    console.wait("take-it.toml");
    console.press("P");
    console.wait("1 step");
    console.press("take it\r");
    console.wait("take: Take here");
    console.press("\u{1b}");
    console.wait("1 Connections");
    console.press("q");
    assert!(console.ended().success());
}

#[test]
fn a_playbook_recorded_at_one_vendor_does_the_same_at_another_on_the_command_line_and_in_the_console() {
    let world = World::of(&["azure-api", "wiz"], 400);
    world.call(&["fetch"]);
    let events = world.call(&["events", "--limit", "5000"]);
    let of = |event_type: &str| events.iter().filter(|event| event["event_type"] == event_type).collect::<Vec<_>>();
    let mail = |event: &Value| {
        let mut entities = event["entities"].as_array().unwrap().iter();
        entities.find(|entity| entity["kind"] == "mail").map(|entity| entity["value"].as_str().unwrap().to_lowercase())
    };
    // One person whom both vendors speak of.
    let (sign_in, issue) = of("Sign-Ins")
        .into_iter()
        .find_map(|event| Some((event, of("Issues").into_iter().find(|issue| mail(issue) == mail(event) && mail(event).is_some())?)))
        .unwrap();
    let (on, at) = (sign_in["id"].to_string(), issue["id"].to_string());
    for command in ["graph-sign-ins-of-user", "graph-revoke-sign-in-sessions"] {
        world.call(&["run", "azure-demo", command, "--event", &on]);
    }
    world.call(&["playbook", "record", "lock-out", "--event", &on]);

    let dry = world.call(&["playbook", "run", "lock-out", "--event", &at, "--dry-run"]);
    assert!(dry.len() == 2 && dry.iter().all(|step| step["requests"][0]["url"].is_string()), "{dry:?}");
    let run = world.call(&["playbook", "run", "lock-out", "--event", &at]);
    assert!(run.iter().all(|step| step["return_data"] == "Successful"), "{run:?}");

    let mut console = world.console(120, 40);
    console.wait("2 Queue");
    console.press(&format!("/\u{15}key:={}\r", issue["key"].as_str().unwrap()));
    console.wait("Queue · 1 ");
    console.press("Plock");
    console.wait("fills mail");
    console.press("\r");
    console.wait("from the event");
    console.press("\r");
    console.wait("dry run: nothing was sent");
    console.press("\u{13}");
    console.wait("Type 1 user and enter");
    console.press("1 user\r");
    console.wait("2 of 2 steps done.");
    console.press("\u{1b}");
    console.wait("Tasks");
    console.press("q");
    assert!(console.ended().success());

    // What is on record of both, in the order in which it was done.
    let record = world.call(&["audit", "list", "--limit", "1000"]);
    let told = |entry: &Value| ["connection", "command", "effect", "state", "items", "arguments"].map(|name| entry[name].clone());
    let about = Value::from(format!("event {at}"));
    let mut done: Vec<_> =
        record.iter().rev().filter(|entry| entry["items"].as_array().is_some_and(|items| items.contains(&about))).map(told).collect();
    assert_eq!(done.len(), 8, "two steps, each with its intent and its end, twice: {done:?}");
    let in_the_console = done.split_off(4);
    assert_eq!(done, in_the_console);
}

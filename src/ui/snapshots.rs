//! Screens as text, looked at once and kept.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Theme, draw};
use crate::core::console::message::Message;
use crate::core::console::notice::Tone;
use crate::core::console::session::Session;
use crate::core::health::{Health, Stretch};

fn theme(name: &str) -> Theme {
    Theme::embedded().into_iter().find(|theme| theme.name == name).unwrap()
}

/// The screen as lines of text.
fn screen(session: &mut Session, width: u16, height: u16) -> String {
    session.send(Message::Resized(width, height));
    let mut cells = Buffer::empty(Rect::new(0, 0, width, height));
    let (found, _) = draw(&session.model, &theme("mono"), &mut cells);
    session.model.settle(found);
    let mut lines = Vec::new();
    for y in 0..height {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..width {
            let symbol = cells.cell((x, y)).unwrap().symbol();
            if skip == 0 {
                line.push_str(symbol);
                skip = unicode_width::UnicodeWidthStr::width(symbol).max(1);
            }
            skip -= 1;
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

macro_rules! snapshots {
    ($($name:ident($width:literal, $height:literal): $keys:literal;)*) => {
        $(#[test]
        fn $name() {
            let mut session = Session::new();
            session.send(Message::Resized($width, $height));
            session.settle();
            session.press($keys);
            insta::assert_snapshot!(screen(&mut session, $width, $height));
        })*
    };
}

snapshots! {
    queue_80(80, 24): "j";
    queue_160(160, 45): "j space j *";
    queue_40(40, 12): "j";
    event_80(80, 24): "enter";
    event_160(160, 45): "enter";
    event_40(40, 12): "enter";
    tree_80(80, 24): "enter ] ] ] z 3";
    table_80(80, 24): "enter ] ] ] ]";
    raw_80(80, 24): "enter ] ] ] ] ]";
    connections_80(80, 24): "1 j";
    tasks_80(80, 24): "f 4";
    dispose_80(80, 24): "* d";
    note_80(80, 24): "d b tab";
    first_key_80(80, 24): "j d f w";
    actions_80(80, 24): "a";
    pivot_80(80, 24): "p";
    form_80(80, 24): "a i s o enter";
    form_40(40, 12): "a i s o enter";
    confirm_80(80, 24): "a i s o enter enter";
    outcome_80(80, 24): "1 a p r o j e c t esc 1 j a p r o j enter enter";
    palette_80(80, 24): ": c l o s e";
    help_80(80, 24): "?";
    which_key_80(80, 24): "g";
    filter_80(80, 24): "/ ctrl-u s e v";
    groups_80(80, 24): "= enter";
    stats_80(80, 24): "d b enter g s";
}

macro_rules! cases {
    ($($name:ident($width:literal, $height:literal): $keys:literal;)*) => {
        $(#[test]
        fn $name() {
            let mut session = crate::core::console::stories::with_case();
            session.send(Message::Resized($width, $height));
            session.settle();
            session.press($keys);
            insta::assert_snapshot!(screen(&mut session, $width, $height));
        })*
    };
}

cases! {
    cases_80(80, 24): "g k";
    case_80(80, 24): "g k enter j";
    case_40(40, 12): "g k enter j";
    case_160(160, 45): "g k enter m d o n e enter ]";
    case_tasks_80(80, 24): "g k enter ] ] ]";
    case_files_80(80, 24): "g k enter a / x enter [";
    case_notes_80(80, 24): "g k enter ] ]";
}

macro_rules! hiding {
    ($($name:ident($width:literal, $height:literal): $keys:literal;)*) => {
        $(#[test]
        fn $name() {
            let mut session = crate::core::console::stories::hiding();
            session.send(Message::Resized($width, $height));
            session.settle();
            session.press($keys);
            insta::assert_snapshot!(screen(&mut session, $width, $height));
        })*
    };
}

hiding! {
    hint_80(80, 24): "enter ] ] ] / d e t a i l s enter 3";
    decoded_80(80, 24): "enter ] ] ] / d e t a i l s enter D G";
    decoded_text_80(80, 24): "enter ] ] ] / c o m m a n d enter D";
    times_80(80, 24): "enter ] ] ] z t / s e e n enter 3";
    path_80(80, 24): "enter ] ] ] $ r o w s [ ' a ] enter";
    picked_80(80, 24): "enter ] ] ] $ . b enter";
    columns_80(80, 24): "enter ] ] ] ] C j space";
    changes_80(80, 24): "enter R";
    history_80(80, 24): "enter [ j";
    jump_80(80, 24): "'";
    jump_tree_80(80, 24): "enter ] ] ] '";
    crumbs_160(160, 45): "p i enter R $";
}

#[test]
fn welcome_80() {
    let mut setup = crate::core::console::session::setup();
    setup.connected.clear();
    let mut session = Session::with(setup, Vec::new());
    insta::assert_snapshot!(screen(&mut session, 80, 24));
}

#[test]
fn quick_commands_80() {
    let mut session = crate::core::console::quick::tests::session(&[serde_json::json!({"id": "r1", "who": "Dana", "why": true})]);
    session.press("x");
    insta::assert_snapshot!("quick_80", screen(&mut session, 80, 24));
    session.press("d");
    insta::assert_snapshot!("short_form_80", screen(&mut session, 80, 24));
    session.press("esc x a").wait(801);
    insta::assert_snapshot!("answer_80", screen(&mut session, 80, 24));
}

#[test]
fn a_body_is_sketched_checked_and_helped_with() {
    let mut session = crate::core::console::stories::with_body();
    session.press("ctrl-t").text("Seen by an analyst").press("ctrl-t");
    insta::assert_snapshot!("body_80", screen(&mut session, 80, 24));
    session.press("ctrl-o");
    insta::assert_snapshot!("body_120", screen(&mut session, 120, 40));
    session.press("ctrl-t ctrl-l");
    insta::assert_snapshot!("body_choices_80", screen(&mut session, 80, 24));
    for (width, height) in [(1, 1), (20, 5), (40, 12), (60, 18), (300, 80)] {
        screen(&mut session, width, height);
    }
}

#[test]
fn sign_in_80() {
    let mut session = crate::core::console::guide::tests::session();
    session.send(Message::Paste("http://localhost/?code=c0de".into()));
    let shown = screen(&mut session, 80, 24);
    assert!(!shown.contains("c0de"), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn ascii_80() {
    let mut session = Session::new();
    session.model.setup.ascii = true;
    session.press("enter ] ] ]");
    let shown = screen(&mut session, 80, 24);
    assert!(shown.is_ascii(), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn many_connections_scroll_and_say_what_nothing_was_fetched_of() {
    let mut setup = crate::core::console::session::setup();
    for number in 0..12 {
        setup.connected.push(crate::core::health::Connected { name: format!("wiz-{number:02}"), ..setup.connected[1].clone() });
    }
    let mut session = Session::with(setup, crate::core::console::session::events());
    session.model.health.iter_mut().for_each(|health| health.untouched = vec!["DLP.All".into()]);
    session.press("1 G");
    let shown = screen(&mut session, 80, 24);
    assert!(shown.contains("wiz-11") && !shown.contains("eset-eu"), "{shown}");
    session.press("' a");
    let shown = screen(&mut session, 80, 24);
    assert_eq!(session.model.connection.as_deref(), Some("wiz-02"), "a letter is that of a row of the screen\n{shown}");
    session.press("g g");
    assert!(screen(&mut session, 80, 24).contains("; nothing of DLP.All"));
}

#[test]
fn a_long_page_is_read_whole_and_ends_at_its_end() {
    let mut session = Session::new();
    let line = |number: u32| format!("03-03 10:58:24Z  INFO   wiz: 200 in {number} ms: GET {}", "api/".repeat(30));
    session.send(Message::Page("Log".into(), (0..40).map(line).collect()));
    session.press("G");
    screen(&mut session, 80, 24);
    let shown = screen(&mut session, 80, 24);
    assert!(shown.contains("in 39 ms") && shown.contains("in 35 ms"), "the last page is full\n{shown}");
    let first = shown.lines().nth(3).unwrap_or_default();
    assert!(first.starts_with("│                        "), "what goes on stands below its column\n{shown}");
}

#[test]
fn what_is_gone_for_good_is_shown_with_its_ends() {
    let mut session = Session::new();
    session.settle();
    let name = session.model.setup.connected[0].name.clone();
    let at = |text: &str| text.parse().unwrap();
    let (from, to) = (at("2026-11-20T09:21:27Z"), at("2026-11-21T11:22:33Z"));
    let gap = Stretch { from, to, reason: "The content is older than 7 days".into(), lasting: true };
    session.model.health.retain(|health| health.connection != name);
    session.model.health.push(Health { connection: name, gaps: vec![gap], ..Health::default() });
    session.press("1");
    let shown = screen(&mut session, 160, 45);
    assert!(shown.contains("gone 11-20 09:21–11-21 11:22:"), "{shown}");
}

#[test]
fn hostile_text_is_visible_and_keeps_the_frame() {
    let mut events = crate::core::console::session::events();
    events[0].event.title = "invoice\u{202e}gpj.exe \u{1b}]52;c;aGk=\u{7} 漢字 e\u{301}".into();
    let mut session = Session::with(crate::core::console::session::setup(), events);
    for keys in ["", "enter", "d"] {
        if !keys.is_empty() {
            session.press(keys);
        }
        let shown = screen(&mut session, 80, 24);
        assert!(!shown.chars().any(|c| c == '\u{202e}' || (c.is_control() && c != '\n')), "{shown:?}");
        assert!(shown.contains("202E"), "{shown}");
    }
}

#[test]
fn no_size_breaks_any_screen() {
    for keys in [
        "",
        "enter",
        "enter ] ] ] ]",
        "1",
        "4",
        "a",
        "d b",
        "a i s o enter",
        "a i s o enter enter",
        "?",
        ":",
        "/ s",
        "p",
        "g",
        "g k",
        "c x enter g k enter",
        "'",
        "enter ] ] ] $",
        "g l",
    ] {
        let mut session = Session::new();
        if !keys.is_empty() {
            session.press(keys);
        }
        for (width, height) in [(1, 1), (3, 2), (20, 5), (21, 6), (40, 12), (59, 17), (60, 18), (80, 24), (119, 28), (120, 30), (300, 80)] {
            screen(&mut session, width, height);
        }
    }
}

#[test]
fn every_theme_draws_every_role() {
    for theme in Theme::embedded() {
        let session = Session::new();
        let mut cells = Buffer::empty(Rect::new(0, 0, 80, 24));
        draw(&session.model, &theme, &mut cells);
        let coloured =
            cells.content().iter().any(|cell| cell.fg != ratatui::style::Color::Reset || cell.bg != ratatui::style::Color::Reset);
        assert_eq!(coloured, theme.name != "mono", "{}", theme.name);
    }
}

#[test]
fn an_outcome_says_how_far_it_is_and_that_there_is_a_way_back() {
    let (mut session, task) = crate::core::console::stories::accepted();
    session.settle();
    let shown = screen(&mut session, 80, 24);
    assert!(shown.contains("Accepted, not yet observed: Isolate") && shown.contains("u offers what takes it back"), "{shown}");
    session.send(Message::Followed(Some(task), Tone::Done, "Observed: it was carried out.".into()));
    let shown = screen(&mut session, 80, 24);
    assert!(shown.contains("│Observed: it was carried out.") && !shown.contains("not yet observed"), "{shown}");
}

#[test]
fn all_that_is_missing_of_a_connection_is_told_where_the_keys_are() {
    let mut session = Session::new();
    let name = session.model.setup.connected[0].name.clone();
    let (from, to) = ("2026-07-01T02:00:00Z".parse().unwrap(), "2026-07-01T03:30:00Z".parse().unwrap());
    let gap = |lasting, reason: &str| Stretch { from, to, reason: reason.into(), lasting };
    let gaps = vec![
        gap(false, "The vendor gave more pages than its limit allows, and the rest of the hour is not here. Fetch the stretch again."),
        gap(true, "The vendor keeps seven days."),
    ];
    session.model.health =
        vec![Health { connection: name, gaps, failures: 1, last_error: Some("503: try later".into()), ..Health::default() }];
    let elsewhere = screen(&mut session, 160, 45);
    assert!(elsewhere.contains("gap 07-01 02:00") && !elsewhere.contains("again."), "{elsewhere}");
    session.press("1");
    insta::assert_snapshot!(screen(&mut session, 80, 24));
}

#[test]
fn that_there_is_nothing_and_that_nothing_was_fetched_look_different() {
    let mut session = Session::with(crate::core::console::session::setup(), Vec::new());
    let says = |session: &mut Session, text: &str| {
        let shown = screen(session, 120, 40);
        assert!(shown.contains(text), "{text}: {shown}");
    };
    session.model.health.iter_mut().for_each(|health| health.gaps.clear());
    says(&mut session, "Nothing is open.");
    session.model.health[0].unfetched = true;
    says(&mut session, "Nothing was fetched yet from 1 of 2 connections: 1 shows them, f fetches.");
    says(&mut session, "Nothing was run yet.");
    session.model.jobs.insert("eset-eu".into(), "fetching");
    says(&mut session, "Being fetched: nothing came yet from 1 of 2 connections; 1 shows them.");
    says(&mut session, "1 connection is at work");
    session.model.health[0].unfetched = false;
    says(&mut session, "Nothing is open yet; events are being fetched.");
}

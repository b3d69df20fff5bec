//! The README's screens: made from the running demo, so that they are renewed and not drawn.
//!
//! `cargo test --test console renew -- --ignored` writes `assets/screens/*.svg`. The story itself is a test that always runs: every key in it must do
//! what the README says.

use std::fmt::Write;

use crate::terminal::{BINARY, Terminal, command};

/// Whether every connection has brought its events: marks are set on the rows that stand there then.
fn filled(screen: &str) -> bool {
    screen.matches("  ok ").count() == 5 && screen.contains("Queue ·") && screen.contains("Seen before")
}

/// Walks the README's story and hands each screen over.
fn story(mut show: impl FnMut(&str, &vt100::Screen)) {
    let mut console = Terminal::call(&["demo", "--seed", "7", "--events", "1500"], 140, 40);
    console.wait_that("a filled queue", filled);
    show("queue", &console.screen());

    console.press("/");
    console.wait("/ -status:closed");
    console.press("\u{15}vendor:eset severity:>=high");
    console.wait("/ vendor:eset severity:>=high");
    console.press("\r");
    console.wait_that("the filtered queue and its first event", |screen| {
        screen.contains("age down · vendor:eset severity:>=high")
            && screen.contains("eset-demo · eset-protect-cloud")
            && screen.contains("Seen before")
    });
    console.press("a");
    console.wait("Do with this");
    console.press("isolate");
    console.wait("> isolate");
    show("actions", &console.screen());
    console.press("\r");
    console.wait("Isolate Endpoints · eset-demo");
    show("form", &console.screen());
    console.press("\u{1b}");
    console.wait_that("the queue again", |screen| !screen.contains("Isolate Endpoints · eset-demo"));

    console.press("/");
    console.wait("/ vendor:eset");
    console.press("\u{15}type:workflow-runs \"Can be answered here\":true -\"Justification required\":true -\"Token required\":true\r");
    console.wait_that("a run that can be answered", |screen| {
        screen.contains("lacework-demo · lacework-edge · workflow-runs") && screen.contains("Can be answered here")
    });
    console.press("xa");
    console.wait("Type Approve and enter");
    show("answer", &console.screen());
    console.press("\u{1b}");
    console.wait_that("the form", |screen| !screen.contains("Type Approve and enter"));
    console.press("\u{1b}");
    console.wait_that("the queue again", |screen| !screen.contains("Approve · lacework-demo"));

    console.press("?");
    console.wait("HERE");
    show("help", &console.screen());
    console.press("\u{1b}");
    console.wait_that("the queue again", |screen| !screen.contains("HERE"));
    console.leave();
}

/// Two issues are updated at once, of which one is gone by then: which one, and what is left on record. On the way a record is read.
fn partial(mut show: impl FnMut(&str, &vt100::Screen)) {
    let demo = ["demo", "--seed", "7", "--events", "1500", "--fault", "deleted-records"];
    let mut console = Terminal::call(&demo, 140, 40);
    console.wait_that("a filled queue", filled);
    console.press("/");
    console.wait("/ -status:closed");
    console.press("\u{15}vendor:wiz type:Issues \"Status\":OPEN severity:>=high\r");
    console.wait_that("open issues", |screen| {
        screen.contains("age down · vendor:wiz type:Issues") && screen.contains("wiz-demo · wiz · Issues")
    });
    console.press("\r");
    console.wait("› VM with high privileges");
    console.press("+]]]");
    console.wait("__typename: Issue");
    console.press("/");
    console.wait("esc");
    console.press("provider\r");
    console.wait("2 found");
    show("tree", &console.screen());
    console.press("[[[+\u{1b}");
    console.wait_that("the queue again", |screen| screen.contains("2 Queue ·"));
    console.press("2j  a");
    console.wait("Do with this");
    console.press("update issues\r");
    console.wait("Update Issues · wiz-demo");
    // Status: In Progress.
    console.press("\t\u{1b}[C\u{1b}[C");
    console.wait("< In Progress >");
    console.press("\u{13}");
    console.wait("Yes (y)");
    // Nothing that was typed before the question stood there counts.
    console.press_until("y", "Partially Successful");
    console.wait("Resource not found");
    show("partial", &console.screen());
    // A second y may have begun a chord, which the first escape takes back. Escape and a letter at once would be one key to a terminal.
    console.press_until("\u{1b}", "2 Queue ·");
    console.press("gh");
    console.wait_that("the history and in it what was run", |screen| {
        screen.contains("History: what was run") && screen.contains("update-issues")
    });
    show("history", &console.screen());
    console.press("\u{1b}");
    console.wait_that("the queue again", |screen| !screen.contains("History: what was run"));
    console.leave();
}

#[test]
fn the_readmes_stories_work() {
    let mut seen = Vec::new();
    story(|name, _| seen.push(name.to_owned()));
    partial(|name, _| seen.push(name.to_owned()));
    assert_eq!(seen, ["queue", "actions", "form", "answer", "help", "tree", "partial", "history"]);
}

/// The screens that a theme must carry: queue, record, form, question, outcome.
fn gallery(console: &mut Terminal, mut keep: impl FnMut(&str, &vt100::Screen)) {
    let mut show = |name: &str, console: &mut Terminal| {
        console.rest();
        keep(name, &console.screen());
    };
    console.wait_that("the queue", |screen| screen.contains("Queue \u{b7}") || screen.contains("Queue -"));
    console.press("/");
    console.wait("/ ");
    console.press("\u{15}vendor:eset severity:>=low\r");
    console.wait_that("detections", |screen| screen.contains("vendor:eset severity:>=low") && screen.contains("eset-demo"));
    console.press("j j  ");
    show("queue", console);
    console.press("M\r");
    console.wait("Severity");
    console.press("+]]]z3");
    console.wait("displayName");
    show("tree", console);
    console.press("[[[+");
    console.wait("Severity");
    console.press("xi");
    console.wait("Task Description");
    show("form", console);
    console.press("\u{13}");
    console.wait("Type 1 host and enter");
    show("question", console);
    console.press("1 host\r");
    console.wait_that("what came of it", |screen| screen.contains("accepted") || screen.contains("Accepted"));
    show("outcome", console);
    console.press("\u{1b}");
    console.wait("Tasks");
}

// To be looked at: `target/themes/*.svg`.
#[test]
#[ignore = "writes target/themes"]
fn the_themes_to_look_at() {
    std::fs::create_dir_all("target/themes").unwrap();
    for theme in ["ansi16", "dark", "light", "high-contrast", "colour-blind", "mono", "no-color", "ascii"] {
        let mut demo = command(BINARY, &["demo", "--seed", "7"]);
        if theme == "no-color" {
            demo.env("NO_COLOR", "1");
        }
        let mut console = Terminal::run(demo, 120, 36);
        console.wait_that("a filled queue", filled);
        match theme {
            "no-color" => {}
            "ascii" => console.press("ga"),
            theme => {
                console.press("gc");
                console.wait("Colours");
                console.press(theme);
                console.press("\r");
            }
        }
        gallery(&mut console, |name, screen| std::fs::write(format!("target/themes/{theme}-{name}.svg"), svg(screen)).unwrap());
        console.leave();
    }
}

// Not run with the others, since it writes.
#[test]
#[ignore = "writes assets/screens"]
fn renew_the_screens() {
    std::fs::create_dir_all("assets/screens").unwrap();
    let keep = |name: &str, screen: &vt100::Screen| std::fs::write(format!("assets/screens/{name}.svg"), svg(screen)).unwrap();
    story(keep);
    partial(keep);
}

/// A screen as SVG: a text element a run of like cells.
fn svg(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let (width, height) = (u32::from(columns) * 8 + 16, u32::from(rows) * 17 + 16);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"13\">\
         <rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"#16181d\"/>\n"
    );
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            let Some(cell) = screen.cell(row, column) else { break };
            let style = look(cell);
            let start = column;
            let mut text = String::new();
            while column < columns {
                let Some(next) = screen.cell(row, column) else { break };
                if look(next) != style {
                    break;
                }
                if !next.is_wide_continuation() {
                    let shown = next.contents();
                    text.push_str(if shown.is_empty() { " " } else { shown });
                }
                column += 1;
            }
            run(&mut out, row, start, column - start, &text, style);
        }
    }
    out.push_str("</svg>\n");
    out
}

/// How a cell looks: front, back, bold, inverse, dim.
type Look = (vt100::Color, vt100::Color, bool, bool, bool);

fn look(cell: &vt100::Cell) -> Look {
    (cell.fgcolor(), cell.bgcolor(), cell.bold(), cell.inverse(), cell.dim())
}

fn run(out: &mut String, row: u16, column: u16, cells: u16, text: &str, (front, back, bold, inverse, dim): Look) {
    let (mut front, mut back) = (colour(front, "#c8ccd4"), colour(back, ""));
    if inverse {
        back = std::mem::replace(&mut front, if back.is_empty() { "#16181d".into() } else { back });
    }
    let (x, y) = (u32::from(column) * 8 + 8, u32::from(row) * 17 + 8);
    if !back.is_empty() {
        let _ = writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"17\" fill=\"{back}\"/>", u32::from(cells) * 8);
    }
    if !text.trim().is_empty() {
        let safe = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let weight = if bold { " font-weight=\"bold\"" } else { "" };
        let faint = if dim { " fill-opacity=\"0.65\"" } else { "" };
        let length = u32::from(cells) * 8;
        let _ = writeln!(
            out,
            "<text x=\"{x}\" y=\"{}\" fill=\"{front}\"{weight}{faint} textLength=\"{length}\" xml:space=\"preserve\">{safe}</text>",
            y + 13
        );
    }
}

fn colour(colour: vt100::Color, default: &str) -> String {
    const ANSI: [&str; 16] = [
        "#1d2026", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#abb2bf", "#5c6370", "#ff7a85", "#b5e08d", "#ffd88a",
        "#7cc4ff", "#dd8ff5", "#6fd3df", "#ffffff",
    ];
    match colour {
        vt100::Color::Default => default.into(),
        vt100::Color::Idx(index) => match ANSI.get(usize::from(index)) {
            Some(known) => (*known).into(),
            None if index >= 232 => {
                let grey = (u32::from(index) - 232) * 10 + 8;
                format!("#{grey:02x}{grey:02x}{grey:02x}")
            }
            None => {
                let index = u32::from(index) - 16;
                let level = |step: u32| if step == 0 { 0 } else { step * 40 + 55 };
                format!("#{:02x}{:02x}{:02x}", level(index / 36), level(index / 6 % 6), level(index % 6))
            }
        },
        vt100::Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
    }
}

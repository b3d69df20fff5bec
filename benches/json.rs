//! The JSON engine beside `serde_json::Value` and plain passes over the bytes.
//!
//! `cargo bench --bench json [-- MEGABYTES | FILE]`. Prints the best of some runs; asserts nothing about time.

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nightdesk::core::json::{COLUMN_DEPTH, Document, Field, Find, Fold, Needle, Node, Sort, Table, Tree};

/// An answer as vendors send it: one compact line, an envelope around an array of nested records.
fn answer(megabytes: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut out = String::from(r#"{"meta":{"total":1000000},"resources":["#);
    let mut number = 0_u64;
    while out.len() < megabytes * 1_000_000 {
        if number > 0 {
            out.push(',');
        }
        let (a, b, c) = (next(), next(), next());
        let _ = write!(
            out,
            r#"{{"id":"{a:016x}{b:016x}","ts":"2026-11-{:02}T{:02}:{:02}:00Z","severity":"{}","score":{},"title":"Encoded \"command\" on host","device":{{"hostname":"host-{:05}","os":{{"name":"Windows","build":{}}},"net":[{{"ipv4":"10.{}.{}.{}","mac":"{c:012x}"}}],"tags":["a","b{}"]}},"process":{{"image":"C:\\Windows\\System32\\cmd.exe","cmdline":"cmd.exe /c {b:016x}{c:016x}{a:016x}","parent":{{"image":"explorer.exe","pid":{},"parent":null}}}},"note":"Größe → {} bytes"}}"#,
            1 + a % 28,
            b % 24,
            c % 60,
            ["low", "medium", "high", "critical"][usize::try_from(a % 4).unwrap_or(0)],
            b % 100,
            c % 20_000,
            a % 30_000,
            a % 256,
            b % 256,
            c % 256,
            number % 40,
            b % 65_536,
            number,
        );
        number += 1;
    }
    out.push_str(r#"],"last":"LAST-RECORD"}"#);
    out.into_bytes()
}

fn best<T>(runs: usize, mut work: impl FnMut() -> T) -> Duration {
    (0..runs)
        .map(|_| {
            let start = Instant::now();
            let kept = black_box(work());
            let took = start.elapsed();
            drop(kept);
            took
        })
        .min()
        .unwrap_or_default()
}

fn say(what: &str, took: Duration, beside: Option<(&str, Duration)>) {
    let beside = beside.map_or(String::new(), |(name, other)| format!("   {:.2} x {name}", took.as_secs_f64() / other.as_secs_f64()));
    println!("{what:<52} {:>11.3} ms{beside}", took.as_secs_f64() * 1_000.0);
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let bytes = match wanted.as_deref().map(str::parse::<usize>) {
        None => answer(20),
        Some(Ok(megabytes)) => answer(megabytes),
        Some(Err(_)) => std::fs::read(wanted.unwrap_or_default())?,
    };
    let bytes = Arc::new(bytes);
    println!("{:.1} MB of JSON", f64::from(u32::try_from(bytes.len())?) / 1e6);

    let utf8 = best(5, || std::str::from_utf8(&bytes).is_ok());
    let tree = best(2, || serde_json::from_slice::<serde_json::Value>(&bytes));
    let ignored = best(3, || serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok());
    say("std: UTF-8 check", utf8, None);
    say("serde_json: validate only", ignored, None);
    say("serde_json: Value", tree, None);
    let head = best(5, || {
        let mut opening = Document::open(Arc::clone(&bytes));
        opening.advance(256 * 1024);
        let head = opening.head();
        Tree::new(&head).rows(&head, 0, 60)
    });
    say("open: head of 256 KiB, 60 rows", head, Some(("Value", tree)));
    let whole = best(5, || Document::parse(Arc::clone(&bytes)));
    say("open: whole index", whole, Some(("Value", tree)));
    let document = Document::parse(Arc::clone(&bytes));
    println!("index: {} bytes, {:.3} of the document", document.index_bytes(), ratio(document.index_bytes(), bytes.len()));
    if let Some(trouble) = document.trouble() {
        println!("trouble: {trouble}");
    }
    folds(&document);
    search(&document, tree);
    table(&document, tree);
    Ok(())
}

fn ratio(part: usize, whole: usize) -> f64 {
    f64::from(u32::try_from(part).unwrap_or(u32::MAX)) / f64::from(u32::try_from(whole).unwrap_or(u32::MAX))
}

fn folds(document: &Document) {
    let mut tree = Tree::new(document);
    say("tree: to depth 3", best(2, || tree.to_depth(document, 3)), None);
    let rows = tree.len(document);
    println!("{rows} rows");
    let mut row = 0;
    let window = best(200, || {
        row = (row + rows / 7) % rows;
        tree.rows(document, row, 60)
    });
    say("tree: 60 rows somewhere, many folds", window, None);
    say("tree: select a row", best(200, || tree.select_row(document, rows / 2)), None);
    say("tree: fold and unfold there", best(20, || (tree.toggle(document), tree.toggle(document))), None);
    let raw = Tree::raw(document);
    let lines = raw.len(document);
    println!("{lines} lines");
    let text = best(200, || {
        row = (row + lines / 7) % lines;
        raw.rows(document, row, 60).iter().map(|row| document.line(row).len()).sum::<usize>()
    });
    say("raw: 60 lines somewhere", text, None);
    if let Some(row) = raw.row(document, lines * 9 / 10) {
        say("path of a value", best(200, || document.path(row.node)), None);
        say("row of a value", best(200, || raw.row_of(document, row.node, row.face)), None);
    }
    let mut deep = Tree::new(document);
    say("tree: open everything", best(20, || deep.set(document, document.root().unwrap_or(deep.selected()), Fold::Deep)), None);
}

fn search(document: &Document, tree: Duration) {
    for text in ["LAST-RECORD", "last-record", "größe", "e"] {
        let took = best(3, || Find::new(document, Needle::new(text)).finish().total());
        say(&format!("find {text:?} in all"), took, Some(("Value", tree)));
    }
    let names = best(3, || document.select("$..hostname", usize::MAX));
    say("select $..hostname", names, Some(("Value", tree)));
}

/// The longest array that hangs on the root.
fn rows_of(document: &Document) -> Option<Node> {
    document.children(document.root()?).map(|child| child.node).max_by_key(|node| document.count(*node))
}

fn table(document: &Document, tree: Duration) {
    let Some((node, mut table)) = rows_of(document).and_then(|node| Some((node, Table::new(document, node, COLUMN_DEPTH)?))) else {
        return;
    };
    say("table: columns", best(5, || Table::new(document, node, COLUMN_DEPTH)), None);
    println!("{} rows, {} columns", table.len(), table.columns().len());
    for keys in [vec!["score"], vec!["ts"], vec!["device", "hostname"]] {
        let field = Field::Path(keys.into_iter().map(str::to_owned).collect());
        let title = field.title();
        let sort = Sort { field, descending: true };
        say(&format!("table: sort by {title}"), best(2, || table.arrange(document, Some(sort.clone()), None)), Some(("Value", tree)));
    }
    let fields: Vec<Field> = table.shown().take(12).cloned().collect();
    let middle = table.len() / 2;
    let window = best(100, || {
        let cells = table.rows(document, middle, 60);
        cells.iter().flat_map(|row| fields.iter().map(|field| Table::cell_text(document, row.node, field, 40).len())).sum::<usize>()
    });
    say("table: 60 sorted rows, 12 columns", window, None);
}

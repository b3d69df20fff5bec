//! Generated pages are as fresh as what they are generated from.
#![cfg(test)]

use std::process::Command;

/// A page, and the call that makes it.
const PAGES: [(&str, &[&str]); 2] = [("assets/commands.md", &["commands", "--reference"]), ("assets/keys.md", &["keys", "--reference"])];

#[test]
fn generated_pages_are_fresh() {
    for (page, call) in PAGES {
        let made = Command::new(env!("CARGO_BIN_EXE_nightdesk")).args(call).output().unwrap();
        let made = String::from_utf8(made.stdout).unwrap();
        let kept = std::fs::read_to_string(page).unwrap_or_default();
        assert!(made == kept, "{page} is stale; run: cargo run -- {} > {page}", call.join(" "));
    }
}

#[test]
fn the_sample_configuration_is_right() {
    let file = std::path::Path::new("assets/connections.sample.toml");
    let text = std::fs::read_to_string(file).unwrap();
    let read = nightdesk::config::connections::parse(file, &text, &nightdesk::vendor::all());
    let read = read.unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert!(read.warnings.is_empty(), "{:#?}", read.warnings);
}

//! Who may import whom: the rule of `src/lib.rs`, kept by reading the `use` lines.

use std::fs;
use std::path::{Path, PathBuf};

/// A layer, and the layers that it may import.
const LAYERS: [(&str, &[&str]); 8] = [
    ("core", &["core"]),
    ("vendor", &["vendor", "core"]),
    ("ui", &["ui", "core"]),
    ("simulator", &["simulator"]),
    ("config", &["config", "core"]),
    ("secrets", &["secrets", "config", "core"]),
    ("runtime", &["runtime", "ui", "vendor", "simulator", "config", "secrets", "core"]),
    ("cli", &["cli", "runtime", "ui", "vendor", "simulator", "config", "secrets", "core"]),
];

/// What touches the world, and the layers that may.
const WORLD: [&str; 7] = ["tokio", "reqwest", "rusqlite", "crossterm", "arboard", "std::fs", "std::env"];
const WORLDLY: [&str; 5] = ["runtime", "config", "secrets", "cli", "simulator"];

#[test]
fn layers_import_only_what_lies_below_them() {
    let mut wrong = Vec::new();
    for (layer, allowed) in LAYERS {
        for file in sources(&Path::new("src").join(layer)) {
            let text = product_code(&file);
            for other in LAYERS.map(|(other, _)| other) {
                if !allowed.contains(&other) && text.contains(&format!("crate::{other}::")) {
                    wrong.push(format!("{} imports {other}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_rest_of_the_core_and_the_vendors_know_nothing_of_the_console() {
    let files = ["src/core", "src/vendor"].into_iter().flat_map(|dir| sources(Path::new(dir)));
    let beside = files.filter(|file| !file.starts_with("src/core/console"));
    let wrong: Vec<_> = beside.filter(|file| product_code(file).contains("console::")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_outer_layers_touch_the_world() {
    let mut wrong = Vec::new();
    for (layer, _) in LAYERS.into_iter().filter(|(layer, _)| !WORLDLY.contains(layer)) {
        for file in sources(&Path::new("src").join(layer)) {
            let text = product_code(&file);
            for world in WORLD {
                if text.contains(&format!("{world}::")) {
                    wrong.push(format!("{} touches {world}", file.display()));
                }
            }
            if text.contains("Timestamp::now()") || text.contains("SystemTime::now") {
                wrong.push(format!("{} reads the clock", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The files of a layer, tests left out.
fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") && name != "tests.rs" {
            found.push(path);
        }
    }
    found
}

/// A file's code up to its inline tests, comments left out.
fn product_code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// What is built in comes from the registry by its checksum, speaks TLS with rustls alone, and is written in safe Rust where it is ours.
#[test]
fn nothing_is_built_in_that_was_not_chosen() {
    const OTHER_TLS: [&str; 6] = ["openssl", "openssl-sys", "native-tls", "tokio-native-tls", "boring", "aws-lc-sys"];
    let lock: toml::Table = toml::from_str(&fs::read_to_string("Cargo.lock").unwrap()).unwrap();
    let packages = lock["package"].as_array().unwrap();
    let text = |package: &toml::Value, name: &str| package.get(name).and_then(toml::Value::as_str).unwrap_or_default().to_owned();
    assert!(packages.iter().any(|package| text(package, "name") == "rustls"));
    for package in packages.iter().filter(|package| text(package, "name") != "nightdesk") {
        let name = text(package, "name");
        assert!(!OTHER_TLS.contains(&name.as_str()), "{name} is another TLS than rustls");
        let source = text(package, "source");
        assert_eq!(source, "registry+https://github.com/rust-lang/crates.io-index", "{name} comes from somewhere else");
        assert_eq!(text(package, "checksum").len(), 64, "{name} may be anything");
    }
    let own: toml::Table = toml::from_str(&fs::read_to_string("Cargo.toml").unwrap()).unwrap();
    assert_eq!(own["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    assert!(!Path::new("build.rs").exists(), "a build script could do anything");
}

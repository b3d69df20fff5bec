//! A fault of the program's own: the terminal is given back, one line says where it happened, and the log has the rest.

use std::io::{self, Write};

use super::{log, terminal};

/// Tells of every panic from now on. One of this thread ends the program; one of another becomes a failed task, and does not disturb
/// the screen.
pub fn tell_of_panics() {
    let leading = std::thread::current().id();
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map_or_else(|| "a place that is not known".into(), ToString::to_string);
        // What it says may hold anything, so it goes nowhere but into the log, which masks what is secret.
        tracing::error!("a fault of nightdesk's own at {place}: {}", info.payload_as_str().unwrap_or("no words"));
        let leads = std::thread::current().id() == leading;
        if leads {
            terminal::restore();
        }
        if leads || !terminal::is_entered() {
            let _ = writeln!(io::stderr().lock(), "{}", line(&place));
        }
    }));
}

fn line(place: &str) -> String {
    let rest = log::file().map_or_else(String::new, |file| format!(" {} has the rest.", file.display()));
    format!(
        "nightdesk met a fault of its own at {place}.{rest} Nothing is repeated by itself: look at the audit record before you run a change again."
    )
}

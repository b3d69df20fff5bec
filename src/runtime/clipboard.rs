//! The clipboard: always by OSC 52, which reaches the terminal at the other end of SSH; by the desktop too where there is one.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crossterm::clipboard::CopyToClipboard;
use crossterm::queue;

use super::terminal;

/// The most bytes that are sent: terminals drop what is longer, without a word.
const MOST: usize = 8 * 1024;

/// Kept for the life of the process: under X11 the selection is gone with its handle.
static DESKTOP: Mutex<Option<arboard::Clipboard>> = Mutex::new(None);

/// Puts a text on the clipboard; says what was done.
///
/// # Errors
/// Why nothing was done.
pub fn copy(text: &str, command: Option<&[String]>) -> Result<String, String> {
    if text.is_empty() {
        return Err("There is nothing to copy.".into());
    }
    if text.len() > MOST {
        return Err(format!("{} bytes are more than a terminal takes ({MOST}); w writes them to a file instead.", text.len()));
    }
    // What would act on the terminal that it is pasted into is made visible.
    let clean: String = text.split('\n').map(|line| crate::core::text::visible(line).into_string()).collect::<Vec<_>>().join("\n");
    let changed = if clean == text { "" } else { " (with odd characters made visible)" };
    let mut bytes = Vec::new();
    queue!(bytes, CopyToClipboard::to_clipboard_from(&clean)).map_err(|error| error.to_string())?;
    terminal::write(bytes).map_err(|error| error.to_string())?;
    if let Some([program, arguments @ ..]) = command {
        feed(program, arguments, &clean);
    } else if std::env::var_os("TMUX").is_some() {
        feed("tmux", &["load-buffer".into(), "-w".into(), "-".into()], &clean);
    }
    let remote = ["SSH_CONNECTION", "SSH_TTY"].iter().any(|name| std::env::var_os(name).is_some());
    let display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    if display && !remote {
        let clean = clean.clone();
        std::thread::spawn(move || {
            if let Ok(mut desktop) = DESKTOP.lock() {
                if desktop.is_none() {
                    *desktop = arboard::Clipboard::new().ok();
                }
                if let Some(desktop) = desktop.as_mut() {
                    let _ = desktop.set_text(clean);
                }
            }
        });
    }
    let mut head: String = clean.chars().take(48).map(|c| if c == '\n' { ' ' } else { c }).collect();
    if clean.chars().count() > 48 {
        head.push('…');
    }
    Ok(format!("Sent to your terminal's clipboard{changed}: {head}"))
}

fn feed(program: &str, arguments: &[String], text: &str) {
    let (program, arguments, text) = (program.to_owned(), arguments.to_vec(), text.to_owned());
    std::thread::spawn(move || {
        let child = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        if let Ok(mut child) = child {
            if let Some(mut input) = child.stdin.take() {
                let _ = input.write_all(text.as_bytes());
            }
            let _ = child.wait();
        }
    });
}

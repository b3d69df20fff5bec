//! Programs outside: the pager, the editor, a pipe.

use std::io::{IsTerminal, Write};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::core::console::effect::Text;

/// How long a pipe may take.
const PIPE_TIME: Duration = Duration::from_secs(30);
/// The most of a pipe's output that is shown.
const MOST: usize = 4 * 1024 * 1024;

/// A shell line whose environment holds no secret of ours.
fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(line);
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_uppercase();
        if ["SECRET", "TOKEN", "PASSWORD", "PASSWD", "API_KEY", "VAULT_KEY", "CREDENTIAL"].iter().any(|word| upper.contains(word)) {
            command.env_remove(name);
        }
    }
    command
}

/// Shows a text in a program of the environment (`PAGER`, `EDITOR`). The terminal must have been left.
///
/// # Errors
/// Why it could not be shown.
pub async fn show(variable: &str, or: &str, text: Text) -> Result<(), String> {
    let program = std::env::var(variable).ok().filter(|program| !program.trim().is_empty()).unwrap_or_else(|| or.to_owned());
    let fail = |error: std::io::Error| format!("{program}: {error}");
    let written = tokio::task::spawn_blocking(move || {
        let mut file = tempfile::Builder::new().prefix("nightdesk-").suffix(".json").tempfile()?;
        text.parts().try_for_each(|part| file.write_all(part.as_bytes()))?;
        file.flush().map(|()| file)
    });
    let file = written.await.map_err(std::io::Error::other).and_then(|file| file).map_err(fail)?;
    let line = format!("{program} \"$NIGHTDESK_DOCUMENT\"");
    let mut command = shell(&line);
    if !std::io::stdin().is_terminal() {
        // A document was piped in: the keys come from the terminal itself.
        command.stdin(std::fs::File::open("/dev/tty").map_err(fail)?);
    }
    let status = command.env("NIGHTDESK_DOCUMENT", file.path()).kill_on_drop(true).status().await.map_err(fail)?;
    if status.success() { Ok(()) } else { Err(format!("{program} ended with {status}")) }
}

/// Pipes a text into a shell line; gives back what it printed.
///
/// # Errors
/// Why it could not be run.
pub async fn pipe(line: &str, text: Text) -> Result<Vec<String>, String> {
    let fail = |error: std::io::Error| format!("{line}: {error}");
    let mut child =
        shell(line).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().map_err(fail)?;
    let input = child.stdin.take();
    tokio::spawn(async move {
        if let Some(mut input) = input {
            for part in text.parts() {
                // A command that does not read all of it is no failure.
                if input.write_all(part.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    });
    let output = tokio::time::timeout(PIPE_TIME, child.wait_with_output())
        .await
        .map_err(|_| format!("{line} took longer than {} s and was ended", PIPE_TIME.as_secs()))?
        .map_err(fail)?;
    let mut bytes = output.stdout;
    bytes.truncate(MOST);
    let mut lines: Vec<String> = String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect();
    lines.extend(String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned));
    if !output.status.success() {
        lines.push(format!("({line} ended with {})", output.status));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pipe_gives_back_what_was_printed_and_how_it_ended() {
        assert_eq!(pipe("tr a-z A-Z", Text::Plain("ab\nc".into())).await.unwrap(), ["AB", "C"]);
        let lines = pipe("echo no >&2; exit 3", Text::Plain(String::new())).await.unwrap();
        assert!(lines[0] == "no" && lines[1].contains('3'), "{lines:?}");
    }
}

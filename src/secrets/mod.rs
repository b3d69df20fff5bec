//! Where a secret comes from; a secret never has a printable form.

pub mod redact;
pub mod vault;

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use secrecy::SecretString;

use crate::config::SecretRef;
pub use redact::Redactor;
pub use vault::Vault;

/// The longest that a secret's program may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(10);
/// The most that a secret's file or program may give.
const SIZE_LIMIT: u64 = 64 * 1024;

/// Keeps this process's memory, in which secrets are, from other programs of the user and from files of crashes. Where the system cannot
/// do that, nothing is lost but the protection.
pub fn keep_out_of_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Gets a secret's value. Blocks while a program runs.
///
/// # Errors
/// What could not be had, from where, and what to do. Never the value.
pub fn resolve(place: &SecretRef, vault: &Vault) -> Result<SecretString, String> {
    let value = match place {
        SecretRef::Plain(text) => text.clone(),
        SecretRef::Env(name) => {
            std::env::var(name).map_err(|_| format!("the environment variable {name} is not set; export it and try again"))?
        }
        SecretRef::File(path) => trimmed(read_file(path)?),
        SecretRef::Command(argv) => trimmed(run(argv)?),
        SecretRef::Keyring(name) => keyring(name)?,
        SecretRef::Vault(name) => vault
            .secret(name)
            .map_err(|error| error.to_string())?
            .ok_or_else(|| format!("the vault holds no {name}; run: nightdesk secrets set {name}"))?,
    };
    if value.is_empty() {
        return Err(format!("{place:?} is empty"));
    }
    if value.contains('\0') {
        return Err(format!("{place:?} holds a NUL byte"));
    }
    Ok(SecretString::from(value))
}

fn read_file(path: &str) -> Result<String, String> {
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| format!("the file {path} cannot be read: {error}"))?;
    file.take(SIZE_LIMIT).read_to_string(&mut text).map_err(|error| format!("the file {path} cannot be read: {error}"))?;
    Ok(text)
}

/// Without its one trailing line end.
fn trimmed(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

/// Runs a program without a shell; what it says on stderr is thrown away, since it may hold the secret.
pub(crate) fn run(argv: &[String]) -> Result<String, String> {
    let [program, arguments @ ..] = argv else { return Err("the command is empty".into()) };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("the command {program} could not be started: {error}"))?;
    let Some(stdout) = child.stdout.take() else { return Err(format!("the command {program} has no output")) };
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.take(SIZE_LIMIT + 1).read_to_end(&mut bytes).map(|_| bytes);
        let _ = send.send(read);
    });
    let read = receive.recv_timeout(COMMAND_LIMIT);
    let Ok(Ok(bytes)) = read else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("the command {program} gave nothing within {} s", COMMAND_LIMIT.as_secs()));
    };
    if bytes.len() as u64 > SIZE_LIMIT {
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("the command {program} printed more than {} KiB", SIZE_LIMIT / 1024));
    }
    let status = child.wait().map_err(|error| format!("the command {program} could not be waited for: {error}"))?;
    if !status.success() {
        return Err(format!("the command {program} ended with {status}; run it by hand to see why"));
    }
    String::from_utf8(bytes).map_err(|_| format!("the command {program} printed something that is not UTF-8"))
}

#[cfg(feature = "keyring")]
fn keyring(name: &str) -> Result<String, String> {
    keyring::Entry::new("nightdesk", name)
        .and_then(|entry| entry.get_password())
        .map_err(|error| format!("the keyring gave no {name}: {error}"))
}

#[cfg(not(feature = "keyring"))]
fn keyring(name: &str) -> Result<String, String> {
    Err(format!(
        "the keyring entry {name} cannot be read: this nightdesk was built without the keyring; use {{ vault = \"{name}\" }} or build with --features keyring"
    ))
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn a_crash_leaves_no_memory_behind() {
        use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};
        super::keep_out_of_dumps();
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
    }
}

//! Whether another console is open on the same store: any number may be, and each analyst should know.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::config::files;
use crate::core::text::visible;
use crate::secrets::vault::try_lock;

/// Held for as long as the first console is open; its file says which one that is.
const FILE: &str = "console.lock";

/// Says that a console is open from now on, for as long as the file is kept; or which one was open already.
///
/// # Errors
/// When the file cannot be used.
pub(super) fn announce(lock_dir: &Path) -> io::Result<Result<File, String>> {
    files::private_dir(lock_dir)?;
    let file = lock_dir.join(FILE);
    let Some(mut ours) = try_lock(&file)? else {
        let other = std::fs::read_to_string(&file)?;
        return Ok(Err(format!("Another console is open on this store ({}). Each sees what the other does.", visible(other.trim()))));
    };
    let place = std::fs::read_link("/proc/self/fd/0").map(|terminal| format!(", {}", terminal.display())).unwrap_or_default();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").map(|host| format!(" on {}", host.trim())).unwrap_or_default();
    ours.set_len(0)?;
    write!(ours, "process {}{host}{place}", std::process::id())?;
    Ok(Ok(ours))
}

#[cfg(test)]
mod tests {
    use super::announce;

    #[test]
    fn the_second_is_told_of_the_first_for_as_long_as_that_is_open() {
        let dir = tempfile::tempdir().unwrap();
        let first = announce(dir.path()).unwrap().unwrap();
        let told = announce(dir.path()).unwrap().unwrap_err();
        assert!(told.contains(&format!("(process {}", std::process::id())), "{told}");
        drop(first);
        assert!(announce(dir.path()).unwrap().is_ok());
    }
}

//! Private files and folders: 0600 and 0700 whatever the umask, written whole or not at all.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Makes a folder that only its owner may enter; one that is there already is narrowed when it is ours.
///
/// # Errors
/// When it cannot be made.
pub fn private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let meta = fs::metadata(dir)?;
    if meta.mode() & 0o077 != 0 && meta.uid() == rustix::process::geteuid().as_raw() {
        fs::set_permissions(dir, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Writes a private file: into a temporary beside it, synced, then renamed over it.
///
/// # Errors
/// When any of that fails; the old file is then as it was.
pub fn write_private(file: &Path, content: &[u8]) -> io::Result<()> {
    let dir = file.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::Builder::new().prefix(".new-").permissions(Permissions::from_mode(0o600)).tempfile_in(dir)?;
    new.as_file().set_permissions(Permissions::from_mode(0o600))?;
    new.write_all(content)?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    Ok(())
}

/// Opens a private file for appending, made where it is not there.
///
/// # Errors
/// When it cannot be opened.
pub fn append_private(file: &Path) -> io::Result<fs::File> {
    let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(file)?;
    opened.set_permissions(Permissions::from_mode(0o600))?;
    Ok(opened)
}

/// Why a file is not private: who else could read or replace it.
///
/// # Errors
/// The complaint, with the command that mends it.
pub fn check_private(file: &Path) -> Result<(), String> {
    let meta = fs::symlink_metadata(file).map_err(|error| format!("cannot be read: {error}"))?;
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err("belongs to another user".into());
    }
    if meta.mode() & 0o077 != 0 && !meta.is_symlink() {
        return Err(format!("can be read by others (mode {:o}); run: chmod 600 {}", meta.mode() & 0o777, file.display()));
    }
    Ok(())
}

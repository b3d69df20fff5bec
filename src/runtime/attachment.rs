//! Attachments: a body streamed into an archive in the quarantine. The plain bytes never touch the disk.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use zip::unstable::write::FileOptionsExt;
use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{AesMode, CompressionMethod};

use super::http::body::{FILE_LIMIT, Target, too_large};
use super::http::token::hex;
use crate::config::files;
use crate::core::outcome::Attachment;
use crate::core::request::Sink;

/// The archive's password: a fence against accidents, not a secret (seed 000, Password Protect Zip).
pub const PASSWORD: &str = "infected";

/// The folder that attachments go to.
#[derive(Clone, Debug)]
pub struct Quarantine {
    /// The folder; made when the first attachment comes.
    pub dir: PathBuf,
}

impl Quarantine {
    /// Begins an archive. Names are from a fixed alphabet; the entry's is the same whatever the vendor says.
    ///
    /// # Errors
    /// When the folder or the archive cannot be made.
    pub fn begin(&self, sink: &Sink) -> Result<Archive, String> {
        let fail = |error: &dyn std::fmt::Display| format!("The attachment cannot be saved in {}: {error}.", self.dir.display());
        files::private_dir(&self.dir).map_err(|error| fail(&error))?;
        let name = format!("sample-{}", hex(&crate::secrets::vault::random::<8>()));
        let partial = tempfile::Builder::new().prefix(".partial-").suffix(".zip").tempfile_in(&self.dir).map_err(|error| fail(&error))?;
        let mut zip = ZipWriter::new(partial.reopen().map_err(|error| fail(&error))?);
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).unix_permissions(0o600).large_file(true);
        let entry = format!("{name}.bin");
        let started = match (sink.password, sink.legacy) {
            (false, _) => zip.start_file(entry, options),
            (true, false) => zip.start_file(entry, options.with_aes_encryption(AesMode::Aes256, PASSWORD)),
            (true, true) => match options.with_deprecated_encryption(PASSWORD.as_bytes()) {
                Ok(options) => zip.start_file(entry, options),
                Err(error) => Err(error),
            },
        };
        started.map_err(|error| fail(&error))?;
        let path = self.dir.join(format!("{name}.zip"));
        Ok(Archive { zip, partial, path, encrypted: sink.password, digest: Sha256::new(), size: 0 })
    }
}

/// An archive that is being written.
pub struct Archive {
    zip: ZipWriter<File>,
    partial: tempfile::NamedTempFile,
    path: PathBuf,
    encrypted: bool,
    digest: Sha256,
    size: u64,
}

impl Archive {
    /// Ends the archive, syncs it and gives it its name.
    ///
    /// # Errors
    /// When it cannot be written; nothing is left behind.
    pub fn finish(self) -> Result<Attachment, String> {
        let fail = |error: &dyn std::fmt::Display| format!("The attachment cannot be saved as {}: {error}.", self.path.display());
        let file = self.zip.finish().map_err(|error| fail(&error))?;
        file.sync_all().map_err(|error| fail(&error))?;
        self.partial.persist_noclobber(&self.path).map_err(|error| fail(&error.error))?;
        Ok(Attachment {
            path: self.path.display().to_string(),
            sha256: hex(&self.digest.finalize()),
            encrypted: self.encrypted,
            size: self.size,
        })
    }
}

impl Write for Archive {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.size + bytes.len() as u64 > FILE_LIMIT {
            return Err(too_large(&format!("the file is larger than {} GiB", FILE_LIMIT / 1024 / 1024 / 1024)));
        }
        self.zip.write_all(bytes)?;
        self.digest.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Target for Archive {
    fn taken(&self) -> u64 {
        self.size
    }
}

//! A configuration that points at the simulators, ready for a client.
//!
//! What is secret lies in files of its own, as it should at a user's: nobody is taught to put passwords into
//! `connections.toml`.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use super::{Connection, Simulation};

impl Simulation {
    /// Writes `connections.toml` and the secrets it names into a folder. Whatever the umask, the folder is 0700 and the files are
    /// 0600.
    ///
    /// # Errors
    /// When the folder or a file cannot be written.
    pub fn write_config(&self, dir: &Path) -> io::Result<()> {
        write(dir, self.vendors.iter().map(|vendor| &vendor.connection))
    }
}

fn write<'a>(dir: &Path, connections: impl Iterator<Item = &'a Connection>) -> io::Result<()> {
    let dir = std::path::absolute(dir)?;
    let secrets = dir.join("secrets");
    folder(&dir)?;
    folder(&secrets)?;
    let mut text = String::from("# Connections to nightdesk's own simulators. They are gone when `nightdesk sim` ends.\n");
    for connection in connections {
        let mut values = connection.parameters.clone();
        for (parameter, secret) in &connection.secrets {
            let path = secrets.join(format!("{}.{parameter}", connection.name));
            file(&secrets, &path, secret)?;
            values.push((parameter, format!("{{ file = {} }}", quoted(&path.to_string_lossy()))));
        }
        table(&mut text, connection, &values);
    }
    file(&dir, &dir.join("connections.toml"), &text)
}

fn table(text: &mut String, connection: &Connection, values: &[(&str, String)]) {
    // Writing to a string cannot fail.
    let _ = write!(text, "\n[[connection]]\nname = {}\nvendor = {}\n", quoted(connection.name), quoted(connection.vendor));
    for line in &connection.extra {
        let _ = writeln!(text, "{line}");
    }
    text.push_str("[connection.parameters]\n");
    for (name, value) in values {
        let _ = writeln!(text, "{name} = {value}");
    }
}

/// A string as TOML source.
fn quoted(text: &str) -> String {
    toml::Value::String(text.into()).to_string()
}

fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o700))
}

/// Writes a file in one go: whoever reads it sees the old text or the new one.
fn file(dir: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut new = tempfile::NamedTempFile::new_in(dir)?;
    new.as_file().set_permissions(Permissions::from_mode(0o600))?;
    new.write_all(text.as_bytes())?;
    new.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn secrets_lie_in_private_files_that_the_connections_name() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("new/config");
        let connection = Connection {
            name: "wiz-demo",
            vendor: "wiz",
            parameters: vec![("api_endpoint_url", "\"http://127.0.0.1:1\"".into())],
            secrets: vec![("client_secret", "s3cret".into())],
            extra: vec!["event_sources = [\"Issues\"]".into()],
        };
        write(&dir, std::iter::once(&connection)).unwrap();
        let text = fs::read_to_string(dir.join("connections.toml")).unwrap();
        assert!(!text.contains("s3cret"), "{text}");
        let read: toml::Value = toml::from_str(&text).unwrap();
        let entry = &read["connection"][0];
        assert_eq!(entry["event_sources"][0].as_str(), Some("Issues"));
        let secret = Path::new(entry["parameters"]["client_secret"]["file"].as_str().unwrap());
        assert!(secret.is_absolute());
        assert_eq!(fs::read_to_string(secret).unwrap(), "s3cret");
        assert_eq!([mode(&dir), mode(secret.parent().unwrap())], [0o700; 2]);
        assert_eq!([mode(secret), mode(&dir.join("connections.toml"))], [0o600; 2]);
    }
}

//! Writing a connection that was typed into the console: its secrets into the vault, the rest into `connections.toml`.

use crate::config::edit::{self, Change};
use crate::config::{Paths, Problem, SecretRef, connections};
use crate::core::catalogue::Vendor;
use crate::core::console::add::{Connectable, Wanted};
use crate::secrets::Vault;
use crate::vendor;

/// A vendor as the console offers it.
pub fn connectable(vendor: &Vendor) -> Connectable {
    Connectable { id: vendor.id.into(), title: vendor.title.into(), parameters: (vendor.parameters)() }
}

/// Writes a connection. Nothing is kept where something of it is wrong.
///
/// # Errors
/// What is wrong, in the analyst's words.
pub fn add(paths: &Paths, vault: &Vault, wanted: &Wanted) -> Result<(), String> {
    let told = |problem: Problem| problem.to_string();
    let vendor = vendor::find(&wanted.vendor).ok_or_else(|| format!("{} is not a vendor", wanted.vendor))?;
    let mut change = Change { set: wanted.set.clone(), secrets: Vec::new() };
    let mut kept = Vec::new();
    for (key, typed) in &wanted.secrets {
        let place = SecretRef::place(typed).unwrap_or_else(|| {
            let entry = edit::vault_entry(&wanted.name, key);
            kept.push((entry.clone(), typed));
            SecretRef::Vault(entry)
        });
        change.secrets.push((key.clone(), place));
    }
    let text = edit::add(paths, &wanted.name, vendor, &change).map_err(told)?;
    connections::check(&paths.connections(), &text, &vendor::all(), &wanted.name)
        .map_err(|problems| problems.into_iter().map(told).collect::<Vec<_>>().join("; "))?;
    for (entry, secret) in kept {
        vault.set_secret(&entry, Some(secret)).map_err(|error| format!("The secret cannot be kept, so nothing was written: {error}"))?;
    }
    edit::write(paths, &text).map_err(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn a_typed_connection_is_written_with_its_secret_in_the_vault_beside_one_that_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths { config_dir: dir.path().join("config"), data_dir: dir.path().join("data") };
        std::fs::create_dir_all(&paths.config_dir).unwrap();
        std::fs::write(paths.connections(), "# mine\n[[connection]]\nname = \"old\"\nvendor = \"nobody\"\n").unwrap();
        let vault = Vault::new(&paths.data_dir, &paths.config_dir, &Settings::default());
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let wanted = |name: &str, id: &str| Wanted {
            name: name.into(),
            vendor: "wiz".into(),
            set: vec![pair("api_endpoint_url", "https://api.us1.app.wiz.io"), pair("client_id", id)],
            secrets: vec![pair("client_secret", "hush-hush")],
        };
        add(&paths, &vault, &wanted("wiz-prod", "123")).unwrap();
        let text = std::fs::read_to_string(paths.connections()).unwrap();
        assert!(text.starts_with("# mine") && text.contains("client_secret = { vault = \"wiz-prod.client_secret\" }"), "{text}");
        assert!(!text.contains("hush"), "{text}");
        let read = connections::load_usable(&paths, &vendor::all()).unwrap();
        assert_eq!(read.all.iter().map(|one| one.connection.name.as_str()).collect::<Vec<_>>(), ["wiz-prod"]);
        assert_eq!((read.misconfigured.len(), read.misconfigured[0].name.as_str()), (1, "old"));
        assert!(connections::load(&paths, &vendor::all()).is_err());
        // A name that is taken, and one that is none, change nothing.
        for name in ["wiz-prod", "no name"] {
            assert!(add(&paths, &vault, &wanted(name, "9")).is_err(), "{name}");
        }
        assert_eq!(std::fs::read_to_string(paths.connections()).unwrap(), text);
    }
}

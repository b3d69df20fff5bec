//! Playbooks: what an analyst does again and again, as steps over the commands that the vendors have.
//!
//! A playbook is TOML: typed inputs, which an event can fill, and steps whose arguments are templates ([`template`]). [`Run`] gives one
//! call after the other and is told what came of it, so that the command line and the console carry out the same thing.

mod file;
mod here;
mod plan;
mod record;
mod sheet;
mod template;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::catalogue::Parameter;

pub use file::{Problem, is_name, parse, to_toml};
pub use here::{VENDOR as HERE, call as call_of, change as change_of, command as command_of};
pub use plan::{Call, Next, Run, proposed};
pub use record::{Done, record, taken_by};
pub use sheet::{Desk, Fate, Place, Planned, connection_for, most, no_command, rehearse};
pub use template::{from_last, takes_input};

/// What a playbook consists of.
#[derive(Clone, Debug, PartialEq)]
pub struct Playbook {
    /// Name on the command line: `malware-on-endpoint`.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// What it does and when it is of use.
    pub help: String,
    /// What it is given. [`Parameter::prefill`] and [`Parameter::prefill_paths`] say how an event fills them.
    pub inputs: Vec<Parameter>,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

/// One command of a playbook.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Name by which later steps refer to its result.
    pub name: String,
    /// Where it goes.
    pub to: Addressee,
    /// The command.
    pub command: String,
    /// Its arguments; texts are templates.
    pub arguments: Map<String, Value>,
    /// A template: the step is left out where it gives nothing, or does not equal what it is compared with.
    pub when: Option<String>,
    /// A template: the step is run once for each value, which is `${item}`.
    pub for_each: Option<String>,
    /// Whether the playbook goes on when the step fails.
    pub continue_on_error: bool,
}

/// Where a step goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addressee {
    /// To the one active connection of that vendor.
    Vendor(String),
    /// To that connection.
    Connection(String),
}

/// The playbooks that come with the program: name and text.
const SHIPPED: [(&str, &str); 10] = [
    ("compromised-account", include_str!("../../../assets/playbooks/compromised-account.toml")),
    ("exposed-secret", include_str!("../../../assets/playbooks/exposed-secret.toml")),
    ("external-sharing", include_str!("../../../assets/playbooks/external-sharing.toml")),
    ("impossible-travel", include_str!("../../../assets/playbooks/impossible-travel.toml")),
    ("lost-device", include_str!("../../../assets/playbooks/lost-device.toml")),
    ("malware-on-endpoint", include_str!("../../../assets/playbooks/malware-on-endpoint.toml")),
    ("oauth-consent", include_str!("../../../assets/playbooks/oauth-consent.toml")),
    ("phishing-mail", include_str!("../../../assets/playbooks/phishing-mail.toml")),
    ("toxic-combination", include_str!("../../../assets/playbooks/toxic-combination.toml")),
    ("workflow-approval", include_str!("../../../assets/playbooks/workflow-approval.toml")),
];

/// The playbooks that come with the program, by name.
pub fn shipped() -> Vec<Playbook> {
    SHIPPED.iter().filter_map(|(name, text)| parse(&format!("{name}.toml"), text).ok()).collect()
}

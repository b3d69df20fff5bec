//! Microsoft Entra sign-in, Microsoft Graph and Defender for Endpoint, as far as Azure API's client meets them.
//!
//! Four listeners: the sign-in service, Graph, Defender (an API with an audience of its own) and a content host, which
//! hands out pre-authenticated downloads and progress monitors and counts it as a leak when a credential reaches it. The
//! wire facts come from seed 000 and `vendors/azure-api.md`; what that page calls uncertain is settled here one way, and
//! the way is said at the place.

mod answer;
mod catalogue;
mod content;
mod defender;
mod directory;
mod graph;
mod login;
mod mail;
mod odata;
mod probe;
mod security;
mod tables;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::Router;

pub use login::Policy;

use self::login::Login;
use self::tables::Tables;
use super::fault;
use super::serve::{Server, serve};
use super::{Connection, Shared, Vendor};

/// What Entra calls Microsoft Graph.
pub const GRAPH_RESOURCE: &str = "https://graph.microsoft.com";
/// What Entra calls Defender for Endpoint.
pub const DEFENDER_RESOURCE: &str = "https://api.securitycenter.microsoft.com";

/// The roots of the listeners, known once they are bound.
#[derive(Debug, Default)]
struct Roots {
    login: OnceLock<String>,
    graph: OnceLock<String>,
    defender: OnceLock<String>,
    content: OnceLock<String>,
}

/// The simulated cloud: what it holds and what it has decided.
#[derive(Debug)]
pub struct Azure {
    shared: Arc<Shared>,
    roots: Roots,
    login: Mutex<Login>,
    tables: Mutex<Tables>,
    policy: Mutex<Policy>,
}

impl Azure {
    fn new(shared: &Arc<Shared>) -> Self {
        Self {
            roots: Roots::default(),
            login: Mutex::new(Login::new(shared)),
            tables: Mutex::new(Tables::new(shared)),
            policy: Mutex::default(),
            shared: Arc::clone(shared),
        }
    }

    fn login(&self) -> MutexGuard<'_, Login> {
        self.login.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the sign-in service behaves now.
    pub fn policy(&self) -> Policy {
        self.policy.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes how the sign-in service behaves.
    pub fn set_policy(&self, change: impl FnOnce(&mut Policy)) {
        change(&mut self.policy.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// How many token requests were granted so far.
    pub fn grants(&self) -> usize {
        self.login().grants
    }

    /// The requests that brought a credential to the content host, which is to get none.
    pub fn leaks(&self) -> Vec<String> {
        self.tables().leaks.clone()
    }

    /// The application with every permission: client id and secret.
    pub fn full_application(&self) -> (String, String) {
        self.login().application(0)
    }

    /// An application that may only read users: client id and secret.
    pub fn narrow_application(&self) -> (String, String) {
        self.login().application(1)
    }

    fn root(cell: &OnceLock<String>) -> &str {
        cell.get().map_or("", String::as_str)
    }

    fn graph_root(&self) -> &str {
        Self::root(&self.roots.graph)
    }

    fn content_root(&self) -> &str {
        Self::root(&self.roots.content)
    }

    fn defender_root(&self) -> &str {
        Self::root(&self.roots.defender)
    }
}

/// Starts the simulated cloud.
///
/// # Errors
/// When no loopback port can be bound.
pub async fn start(shared: &Arc<Shared>) -> io::Result<Vendor> {
    Ok(start_open(shared).await?.0)
}

/// Starts the simulated cloud and keeps a hand on it, for tests that change its policies in the middle of a story.
///
/// # Errors
/// When no loopback port can be bound.
pub async fn start_open(shared: &Arc<Shared>) -> io::Result<(Vendor, Arc<Azure>)> {
    let azure = Arc::new(Azure::new(shared));
    let content = listen(&azure, |azure| &azure.roots.content, |azure| content::router(&azure)).await?;
    let login = listen(&azure, |azure| &azure.roots.login, |azure| login::router(&azure)).await?;
    let graph = listen(&azure, |azure| &azure.roots.graph, |azure| fault::layer(graph::router(&azure), &azure.shared)).await?;
    let defender = listen(&azure, |azure| &azure.roots.defender, |azure| fault::layer(defender::router(&azure), &azure.shared)).await?;
    let endpoints = vec![
        ("azure.login".into(), login.root.clone()),
        ("azure.graph".into(), graph.root.clone()),
        ("azure.defender".into(), defender.root.clone()),
        ("azure.content".into(), content.root.clone()),
    ];
    let connection = connection(&azure, &login.root, &graph.root, &defender.root);
    Ok((Vendor { endpoints, connection, servers: vec![login, graph, defender, content] }, azure))
}

async fn listen(
    azure: &Arc<Azure>,
    cell: fn(&Azure) -> &OnceLock<String>,
    router: impl FnOnce(Arc<Azure>) -> Router,
) -> io::Result<Server> {
    serve(|root| {
        let _ = cell(azure).set(root.to_owned());
        router(Arc::clone(azure))
    })
    .await
}

fn connection(azure: &Azure, login: &str, graph: &str, defender: &str) -> Connection {
    let (client_id, secret) = azure.full_application();
    let text = |value: &str| format!("\"{value}\"");
    Connection {
        name: "azure-demo",
        vendor: "azure-api",
        parameters: vec![
            ("login_api_root", text(login)),
            ("graph_api_root", text(graph)),
            ("client_id", text(&client_id)),
            ("tenant_id", text(&azure.shared.world.tenant)),
            ("test_url", text(&format!("{graph}/v1.0/organization?$select=id"))),
            ("scopes", format!("[\"{GRAPH_RESOURCE}/.default\"]")),
            ("allowed_roots", format!("[{{ url = \"{defender}\", scopes = [\"{DEFENDER_RESOURCE}/.default\"] }}]")),
        ],
        secrets: vec![("client_secret", secret)],
        extra: vec!["event_sources = [\"alerts\", \"incidents\", \"sign-ins\", \"directory-audits\"]".into()],
    }
}

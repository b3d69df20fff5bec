//! The Office 365 Management Activity API with the sign-in that belongs to it, as honest loopback servers.
//!
//! Three servers, as in life: the feed ([`feed`]), Entra's token and authorize endpoints ([`sign_in`]) and the machine's
//! own metadata service ([`imds`]). What the feed serves is made up in [`blobs`] and [`records`].

mod blobs;
pub mod credentials;
mod feed;
mod imds;
mod records;
mod sign_in;
mod tokens;

#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use super::{Connection, Shared, Vendor, fault, serve};
use tokens::Tokens;

/// The five content types, spelt as the service spells them. There are no others.
pub const CONTENT_TYPES: [&str; 5] = ["Audit.AzureActiveDirectory", "Audit.Exchange", "Audit.SharePoint", "Audit.General", "DLP.All"];

/// The one that nobody has subscribed to yet, so that starting a subscription does something.
const NOT_STARTED: &str = "DLP.All";

/// Starts the feed, the sign-in and the metadata service.
///
/// # Errors
/// When no loopback port can be bound.
pub async fn start(shared: &Arc<Shared>) -> io::Result<Vendor> {
    let tokens = Arc::new(Tokens::new(Arc::clone(shared)));
    let feed_server = serve(|root| {
        tokens.serve_audience(root);
        fault::layer(feed::router(shared, &tokens, root), shared)
    })
    .await?;
    let login = serve(|root| sign_in::router(shared, &tokens, root)).await?;
    let metadata = serve(|_| imds::router(&tokens)).await?;
    let quoted = |text: &str| format!("\"{text}\"");
    let connection = Connection {
        name: "microsoft-demo",
        vendor: "management-activity",
        parameters: vec![
            ("base_url", quoted(&format!("{}/api/v1.0/", feed_server.root))),
            ("login_url", quoted(&login.root)),
            ("imds_url", quoted(&metadata.root)),
            ("client_id", quoted(credentials::CLIENT_ID)),
            ("tenant_id", quoted(&shared.world.tenant)),
            ("first_fetch", quoted("6 days")),
        ],
        secrets: vec![("client_secret", credentials::CLIENT_SECRET.into())],
        extra: Vec::new(),
    };
    let endpoints = vec![
        ("management-activity.api".into(), feed_server.root.clone()),
        ("management-activity.login".into(), login.root.clone()),
        ("management-activity.imds".into(), metadata.root.clone()),
    ];
    Ok(Vendor { endpoints, connection, servers: vec![feed_server, login, metadata] })
}

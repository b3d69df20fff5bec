//! Azure API: any HTTP request to Microsoft Graph and its neighbours, with Entra sign-in (seed 000).
//!
//! The document's commands come first; the ready-made requests of [`templates`] build on Execute HTTP Request.

mod answer;
mod authorize;
mod events;
mod execute;
mod expected;
mod ping;
mod placeholders;
mod prepare;
pub mod renewal;
mod sign_in;
mod templates;
mod write_back;

use serde_json::json;

use crate::core::catalogue::{Entry, Invalid, Parameter, Type, Vendor};
use crate::core::connection::Connection;

/// The vendor.
pub fn vendor() -> Vendor {
    Vendor { id: "azure-api", title: "Azure API", parameters, options, open }
}

fn parameters() -> Vec<Parameter> {
    let roots = Type::List { of: Box::new(Type::Json { schema: None }), minimum: 0, maximum: None };
    vec![
        Parameter::new("Microsoft Login API Root", Type::TEXT, "Root of the Microsoft identity platform.")
            .named("login_api_root")
            .default("https://login.microsoftonline.com"),
        Parameter::new("Microsoft Graph API Root", Type::TEXT, "Root of Microsoft Graph; paths that begin with / lie below it.")
            .named("graph_api_root")
            .default("https://graph.microsoft.com"),
        Parameter::new("Client ID", Type::TEXT, "Application (client) id in Entra.").required(),
        Parameter::new("Client Secret", Type::TEXT, "Value of a client secret of the application.").required().secret(),
        Parameter::new("Tenant ID", Type::TEXT, "Id or domain of the tenant.").required(),
        Parameter::new("Refresh Token", Type::TEXT, "Given, requests are made for the user who signed in; else for the application.")
            .secret(),
        Parameter::new("Verify SSL", Type::Boolean, "Whether certificates are checked.").default(true),
        Parameter::new("Redirect URL", Type::TEXT, "Redirect URI as registered in Entra.").default("http://localhost"),
        Parameter::new("Test URL", Type::TEXT, "Address that Ping asks, such as https://graph.microsoft.com/v1.0/organization?$select=id.")
            .required(),
        Parameter::new("Scopes", Type::texts(1), "Scopes of the Microsoft Graph token.")
            .default(json!(["https://graph.microsoft.com/.default"])),
        Parameter::new("Allowed Roots", roots, "Further roots that get a token of their own: { url, scopes }.").default(json!([])),
    ]
}

/// The switches for what `vendors/azure-api.md` calls uncertain.
fn options() -> Vec<Parameter> {
    vec![
        Parameter::new("base64_megabyte", Type::integer(1, 1 << 30), "Bytes in a megabyte of the 15 MB limit of Base64 Output.")
            .default(1 << 20),
        Parameter::new(
            "error_status_is_success",
            Type::Boolean,
            "Whether a status of 400 or more counts as success where Fail on 4xx/5xx is off.",
        )
        .default(true),
        Parameter::new("delegated_offline_access", Type::Boolean, "Whether refreshing asks for offline_access beside the scopes.")
            .default(false),
        Parameter::new("allow_authorization_header", Type::Boolean, "Whether Headers may replace a root's own token.").default(false),
        Parameter::new("defender_scope", Type::TEXT, "Scope by which the root of Defender for Endpoint is known.")
            .default("https://api.securitycenter.microsoft.com/.default"),
        Parameter::new("non_interactive_filter", Type::TEXT, "Filter for non-interactive sign-ins in the beta API.")
            .default("signInEventTypes/any(t:t eq 'nonInteractiveUser')"),
        Parameter::new("alert_comment_type", Type::TEXT, "Type that a comment on an alert is sent as.")
            .default("microsoft.graph.security.alertComment"),
    ]
}

fn open(connection: &Connection) -> Result<Entry, Vec<Invalid>> {
    let roots = sign_in::roots(connection)?;
    let mut commands =
        vec![execute::command(connection), authorize::get_authorization(connection), authorize::generate_token(), ping::command()];
    commands.extend(templates::commands());
    let secret = ["client_secret", "refresh_token", "access_token", "id_token", "code_verifier", "Set-Cookie", "response_cookies"];
    Ok(Entry {
        commands,
        sources: events::sources(),
        roots,
        test: "ping".into(),
        secret_fields: secret.iter().map(ToString::to_string).collect(),
        guided: Some(authorize::guided()),
        ..Entry::default()
    })
}

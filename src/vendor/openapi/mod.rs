//! Any OpenAPI document as a connection: its operations as commands, with forms, limits and effects, without a line of code each.
//!
//! The document is read with the configuration ([`Connection::documents`]); references that lead out of it are never fetched.

pub mod call;
pub mod commands;
pub mod document;
pub mod schema;

use std::sync::Arc;

use serde_json::Value;
use url::Url;

use self::commands::{Profile, all};
use self::document::Document;
use crate::core::catalogue::{Arguments, Auth, Command, Entry, Invalid, Parameter, Root, Type, Vendor};
use crate::core::connection::Connection;
use crate::core::outcome::Outcome;
use crate::core::request::{Follow, Piece, Request, Template};
use crate::core::sign_in::SignIn;
use crate::core::talk::Talk;

/// The catalogue entry.
pub const VENDOR: Vendor = Vendor { id: "openapi", title: "OpenAPI document", parameters, options: Vec::new, open };

fn parameters() -> Vec<Parameter> {
    vec![
        Parameter::new("Document", Type::TEXT, "Path of an OpenAPI 3.0 or 3.1 document, JSON or YAML, beside connections.toml or absolute.")
            .required(),
        Parameter::new("Base URL", Type::TEXT, "Where the service lies; the paths of the document are appended to it.").required(),
        Parameter::new(
            "Auth",
            Type::Object { schema: None },
            "How calls are authorised: { type = \"none\" }, { type = \"bearer\", token = … }, { type = \"basic\", username, password = … }, \
             { type = \"header\", name, value = … }, { type = \"query\", name, value = … } or { type = \"oauth2\", token_url, client_id, \
             client_secret = …, scope }.",
        )
        .secret(),
    ]
}

fn open(connection: &Connection) -> Result<Entry, Vec<Invalid>> {
    let one = |name: &str, message: String| vec![Invalid::new(name, message)];
    let text = connection.documents.get("document").ok_or_else(|| one("document", "The document was not read.".into()))?;
    let document = Document::read(text).map_err(|why| one("document", format!("The document {why}.")))?;
    let base = address(connection.text_or_empty("base_url")).map_err(|why| one("base_url", format!("Base URL {why}.")))?;
    let mut entry = Entry { test: "test-connection".into(), ..Entry::default() };
    let auth = auth(connection, &mut entry).map_err(|complaint| vec![complaint])?;
    entry.roots.insert(0, Root { name: call::ROOT.into(), url: base.as_str().trim_end_matches('/').into(), auth });
    entry.secret_fields = document.secret_fields();
    entry.commands = all(&Arc::new(document), &Arc::new(Profile::default()));
    if entry.command("test-connection").is_none() {
        let help = "Asks the service for its base address, authorised; anything but 401, 403 and 5xx will do.";
        entry.commands.push(Command::new("Test Connection", help, test_connection));
    }
    Ok(entry)
}

/// An address that credentials may go to.
///
/// # Errors
/// What is wrong with it, to follow its name.
pub fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|error| format!("is not a URL: {error}"))?;
    // A service of one's own may well lie inside the network; only the scheme and tricks are judged.
    let judged = crate::core::origin::judge(&url);
    match judged {
        Err(why) if why.contains("inside the network") && url.scheme() == "https" => {}
        Err(why) => return Err(why.into()),
        Ok(()) => {}
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must end with its path".into());
    }
    Ok(url)
}

fn auth(connection: &Connection, entry: &mut Entry) -> Result<Auth, Invalid> {
    let given = connection.parameters.get("auth").and_then(Value::as_object);
    let text = |name: &str| given.and_then(|given| given.get(name)).and_then(Value::as_str).unwrap_or_default().to_owned();
    let wrong = |message: &str| Invalid::new("auth", message.to_owned());
    let need = |name: &str| match text(name) {
        value if value.is_empty() => Err(Invalid::new("auth", format!("auth needs {name} for this type."))),
        value => Ok(value),
    };
    let secret = |names: &[&str]| {
        let found = names.iter().map(|name| format!("auth.{name}")).find(|name| connection.secrets.contains(name));
        found.ok_or_else(|| Invalid::new("auth", format!("auth needs {} for this type.", names[0])))
    };
    Ok(match text("type").as_str() {
        "" | "none" => Auth::None,
        "bearer" => {
            let token = secret(&["token", "value"])?;
            Auth::Header("Authorization".into(), Template::from("Bearer ").then(Piece::Secret(token)))
        }
        "basic" => {
            let username = if connection.secrets.contains("auth.username") { "auth.username".into() } else { need("username")? };
            Auth::Basic { username, password: secret(&["password", "value"])? }
        }
        "header" => {
            let value = secret(&["value", "key", "api_key", "token"])?;
            Auth::Header(need("name")?, Template::from(text("prefix")).then(Piece::Secret(value)))
        }
        "query" => Auth::Query(need("name")?, Template::secret(&secret(&["value", "key", "api_key", "token"])?)),
        "oauth2" => {
            let url = address(&need("token_url")?).map_err(|why| Invalid::new("auth", format!("token_url {why}.")))?;
            entry.roots.push(Root { name: "token".into(), url: url.as_str().trim_end_matches('/').into(), auth: Auth::None });
            let mut request = Request::post("token", "").field("grant_type", "client_credentials").purpose("sign-in").reads();
            request.follow = Follow::No;
            request = request
                .field("client_id", need("client_id")?)
                .field("client_secret", Template::secret(&secret(&["client_secret", "secret"])?));
            for name in ["scope", "audience"] {
                let value = if name == "scope" && text(name).is_empty() { text("scopes") } else { text(name) };
                if !value.is_empty() {
                    request = request.field(name, value);
                }
            }
            Auth::SignIn(Box::new(SignIn::oauth("oauth2", Some(request))))
        }
        _ => return Err(wrong("The type of auth must be none, bearer, basic, header, query or oauth2.")),
    })
}

async fn test_connection(talk: Talk, _: Arc<Connection>, _: Arguments) -> Outcome {
    const INDICATOR: &str = "Test Connection failed.";
    match talk.send(Request::get(call::ROOT, "").purpose("test")).await {
        Err(trouble) => Outcome::failed(trouble.failure(INDICATOR)),
        Ok(reply) if matches!(reply.status, 401 | 403) || reply.status >= 500 => call::failed(&reply, INDICATOR),
        Ok(reply) => Outcome::successful(Value::Null).message(format!("Successful: the service answered with HTTP {}.", reply.status)),
    }
}

//! The four ways to sign in, and the hosts that a connection has (vendors/microsoft-management-activity.md §1 and §2).

use serde_json::Value;
use url::{Host, Url};

use crate::core::catalogue::{Auth, Invalid, Root};
use crate::core::connection::Connection;
use crate::core::origin::is_here;
use crate::core::outcome::Failure;
use crate::core::request::{Follow, Piece, Reply, Request, TOKEN_TENANT, Template};
use crate::core::sign_in::{Code, Refresh, SignIn, Token, read_oauth};

/// Where tokens come from by default.
pub(super) const LOGIN_URL: &str = "https://login.microsoftonline.com";
/// The same for the clouds of the United States' government.
const GOVERNMENT_LOGIN_URL: &str = "https://login.microsoftonline.us";
/// Where managed identities get their tokens from.
const IMDS_URL: &str = "http://169.254.169.254";
const IMDS_PATH: &str = "/metadata/identity/oauth2/token";
/// Said of a code that holds more than a code.
const MALFORMED: &str = "Malformed auth_code parameter: Please copy the auth code from the redirected uri without any additional info and \
                         without the \"session_state\" query parameter.";
/// Name of the feed's root.
pub(super) const FEED: &str = "feed";
const LOGIN: &str = "login";
/// Where the vault keeps its tokens.
pub(super) const SLOT: &str = "management";
const IMDS: &str = "imds";

/// The roots of a connection.
///
/// # Errors
/// The parameters at fault.
pub(super) fn roots(connection: &Connection) -> Result<Vec<Root>, Vec<Invalid>> {
    let mut complaints = Vec::new();
    let mut url = |name: &str, text: &str, metadata: bool| {
        judge(text, metadata).map_err(|why| complaints.push(Invalid::new(name, format!("{text} {why}.")))).ok()
    };
    let base = url("base_url", connection.text("base_url").unwrap_or("https://manage.office.com/api/v1.0/"), false);
    let login = url("login_url", connection.text("login_url").unwrap_or(LOGIN_URL), false);
    let imds = url("imds_url", connection.text("imds_url").unwrap_or(IMDS_URL), true);
    let managed = connection.flag("managed_identity");
    if !managed {
        for name in ["client_id", "tenant_id"] {
            if !connection.has(name) {
                complaints.push(Invalid::new(name, format!("{name} is required unless managed_identity is used.")));
            }
        }
        let certificate = connection.has("certificate_thumbprint") && connection.has("private_key");
        if !connection.has("client_secret") && !certificate {
            complaints.push(Invalid::new("client_secret", "Key or Certificate Thumbprint and Private Key must be provided."));
        }
        let thumbprint = connection.text_or_empty("certificate_thumbprint");
        let digits = thumbprint.chars().filter(|c| !c.is_whitespace() && *c != ':');
        if certificate && !(digits.clone().count() == 40 && digits.clone().all(|c| c.is_ascii_hexdigit())) {
            complaints
                .push(Invalid::new("certificate_thumbprint", "The thumbprint must be the certificate's SHA-1: 40 hexadecimal digits."));
        }
    }
    let (Some(base), Some(login), Some(imds), true) = (base, login, imds, complaints.is_empty()) else { return Err(complaints) };
    let login = login_of(&base, &login);
    let grant = if managed { by_identity(connection, &base, &imds) } else { by_application(connection, &base, &login) };
    Ok(vec![
        Root { name: FEED.into(), url: feed_root(&base), auth: Auth::SignIn(Box::new(grant)) },
        Root { name: LOGIN.into(), url: login, auth: Auth::None },
        Root { name: IMDS.into(), url: origin(&imds), auth: Auth::None },
    ])
}

/// A URL that may be spoken to: https, or plain http on this machine, or the machine's metadata service.
fn judge(text: &str, metadata: bool) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|error| format!("is not an absolute address ({error})"))?;
    let service = match url.host() {
        Some(Host::Ipv4(ip)) => ip.octets() == [169, 254, 169, 254],
        Some(_) => false,
        None => return Err("names no host".into()),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or password".into());
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_here(&url) || (metadata && service) => Ok(url),
        _ => Err("must be https; plain http is for 127.0.0.1, [::1] and localhost only".into()),
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The feed's root. A bare host gets the version that the service has.
fn feed_root(base: &Url) -> String {
    let path = base.path().trim_end_matches('/');
    format!("{}{}", origin(base), if path.is_empty() { "/api/v1.0" } else { path })
}

/// The clouds of the United States' government sign in elsewhere.
fn login_of(base: &Url, login: &Url) -> String {
    let host = base.host_str().unwrap_or_default();
    let text = login.as_str().trim_end_matches('/');
    let government = host.ends_with(".office365.us") || host.ends_with(".apps.mil");
    if government && text == LOGIN_URL { GOVERNMENT_LOGIN_URL.into() } else { text.into() }
}

/// Whom the token is for: the host of the feed. A stand-in on this machine is asked as if it were the service.
fn audience(base: &Url) -> String {
    if is_here(base) { "https://manage.office.com".into() } else { origin(base) }
}

fn base_of(connection: &Connection) -> Option<Url> {
    Url::parse(connection.text("base_url").unwrap_or("https://manage.office.com/api/v1.0/").trim()).ok()
}

fn by_identity(connection: &Connection, base: &Url, imds: &Url) -> SignIn {
    let path = if imds.path().trim_end_matches('/').is_empty() { IMDS_PATH } else { imds.path() };
    let mut request = Request::get(IMDS, path)
        .header("Metadata", "true")
        .query("api-version", "2018-02-01")
        .query("resource", format!("{}/", audience(base)))
        .purpose("token of the managed identity");
    if let Some(client) = connection.text("managed_identity_client_id") {
        request = request.query("client_id", client);
    }
    request.follow = Follow::No;
    // A proxy has another identity, or none.
    request.direct = true;
    SignIn { read: read_identity, ..sign_in(Some(request)) }
}

/// A token request: a delegated one is for what a user consented to.
fn token_request(connection: &Connection, base: &Url, login: &str, grant: &str, delegated: bool) -> Request {
    let two = connection.option_text("token_endpoint") == Some("v2");
    let path = format!("/{}/oauth2/{}token", encode(connection.text_or_empty("tenant_id")), if two { "v2.0/" } else { "" });
    let endpoint = format!("{login}{path}");
    let mut request = Request::post(LOGIN, path)
        .field("grant_type", grant)
        .field("client_id", connection.text_or_empty("client_id"))
        .purpose(format!("token ({grant})"));
    request = match (two, delegated) {
        (false, _) => request.field("resource", audience(base)),
        (true, false) => request.field("scope", format!("{}/.default", audience(base))),
        (true, true) => request.field("scope", format!("offline_access {}/.default", audience(base))),
    };
    request.follow = Follow::No;
    let request = with_proof(request, connection, &endpoint);
    match connection.text("redirect_uri").filter(|_| delegated) {
        Some(uri) => request.field("redirect_uri", uri),
        None => request,
    }
}

/// With the rights of the application, or of the user who signed in: by the configured code, or in the console, where the application has an
/// address to come back to.
fn by_application(connection: &Connection, base: &Url, login: &str) -> SignIn {
    let request = |grant: &str, delegated: bool| token_request(connection, base, login, grant, delegated);
    let refresh = || {
        let request = request("refresh_token", true).field("refresh_token", Template::refresh_token(""));
        Some(Refresh { request, parameter: None, fall_back: false })
    };
    if !connection.has("auth_code") {
        let mut sign_in = sign_in(Some(request("client_credentials", false).reads()));
        sign_in.refresh = if is_guided(connection) { refresh() } else { None };
        return sign_in;
    }
    let code = request("authorization_code", true).field("code", Template::secret("auth_code"));
    let mut sign_in = sign_in(None);
    sign_in.code = Some(Code { parameter: "auth_code".into(), request: code, malformed });
    sign_in.refresh = refresh();
    sign_in
}

/// Whether a user can sign in by a browser: the application needs an address to come back to.
pub(super) fn is_guided(connection: &Connection) -> bool {
    connection.has("redirect_uri") && !connection.flag("managed_identity")
}

/// The exchange of a code that a user brought.
pub(super) fn by_code(connection: &Connection, code: &str) -> Option<Request> {
    let base = base_of(connection)?;
    let login = login_of(&base, &login_base(connection)?);
    let mut request = token_request(connection, &base, &login, "authorization_code", true).field("code", Template::masked(code));
    // A code works once; after anything but a plain refusal a second try could only be told so.
    request.retry = false;
    Some(request)
}

fn login_base(connection: &Connection) -> Option<Url> {
    Url::parse(connection.text("login_url").unwrap_or(LOGIN_URL).trim()).ok()
}

/// A code that was copied together with what follows it in the address.
fn malformed(code: &str) -> Option<Failure> {
    code.contains("session_state").then(|| Failure::new("Sign-in failed.", MALFORMED))
}

/// What proves that the application is itself: the certificate where there is one, else the secret.
fn with_proof(request: Request, connection: &Connection, endpoint: &str) -> Request {
    if connection.has("certificate_thumbprint") && connection.has("private_key") {
        let assertion = Piece::Assertion {
            client_id: connection.text_or_empty("client_id").into(),
            thumbprint: connection.text_or_empty("certificate_thumbprint").into(),
            private_key: "private_key".into(),
            audience: endpoint.into(),
        };
        return request
            .field("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
            .field("client_assertion", Template(vec![assertion]));
    }
    request.field("client_secret", Template::secret("client_secret"))
}

fn sign_in(grant: Option<Request>) -> SignIn {
    let mut sign_in = SignIn::oauth(SLOT, grant);
    sign_in.read = read_token;
    sign_in.margin = 300;
    sign_in.missing = Failure::new(
        "Sign-in failed.",
        "in the self_deployed authentication flow the Authorization code and the Application redirect URI cannot be empty.",
    )
    .hint(
        "Sign in from the console (s on the connection), or run generate-login-url, open the address, and configure the code as auth_code.",
    );
    sign_in
}

fn read_token(reply: &Reply) -> Result<Token, Failure> {
    read_oauth(reply).map_err(|failure| refused(reply, failure))
}

/// Says what Entra says, up to the ids of the request, and what to do about it.
pub(super) fn refused(reply: &Reply, mut failure: Failure) -> Failure {
    let json = reply.json().unwrap_or_default();
    let words = failure.message.split(" Trace ID").next().unwrap_or_default();
    let words = words.lines().next().unwrap_or_default().trim();
    failure.message = format!("Error in Microsoft authorization. Status: {}, body: {words}", reply.status);
    if failure.request_id.is_none() {
        failure.request_id = json.get("trace_id").and_then(Value::as_str).map(str::to_owned);
    }
    let codes: Vec<i64> = json.get("error_codes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_i64).collect();
    failure.hint = codes.iter().find_map(|code| hint(*code)).map(str::to_owned);
    failure
}

fn hint(code: i64) -> Option<&'static str> {
    Some(match code {
        50_173 | 700_082 | 70_008 | 54_005 => {
            "Run auth-reset, sign in again at the address that generate-login-url gives, and configure the new code as auth_code."
        }
        9_002_313 | 70_000 => MALFORMED,
        7_000_222 => "The client secret has expired: make a new one, configure it, and run auth-reset.",
        7_000_215 => "Check client_secret: the secret's value is wanted, not its id.",
        700_016 => "Check client_id and tenant_id: the application is not known in this tenant.",
        90_002 => "Check tenant_id.",
        700_027 => "Check certificate_thumbprint and private_key: they must belong to a certificate of the application.",
        500_011 => "Check base_url and login_url: they must belong to the same cloud.",
        _ => return None,
    })
}

fn read_identity(reply: &Reply) -> Result<Token, Failure> {
    read_oauth(reply).map_err(|mut failure| {
        let json = reply.json().unwrap_or_default();
        let description = json.get("error_description").and_then(Value::as_str).unwrap_or(&failure.message);
        failure.message = format!("Error in Microsoft authorization with Azure Managed Identities: {description}");
        failure.hint = Some("Check that this machine has the managed identity, and managed_identity_client_id.".into());
        failure
    })
}

/// The address at which somebody signs in and consents.
pub(super) fn login_url(connection: &Connection) -> Option<String> {
    let redirect = connection.text("redirect_uri")?;
    let base = base_of(connection)?;
    let login = login_of(&base, &login_base(connection)?);
    let scope = format!("offline_access {}/.default", audience(&base));
    Some(format!(
        "{login}/{}/oauth2/v2.0/authorize?response_type=code&scope={}&client_id={}&redirect_uri={}",
        encode(connection.text("tenant_id").unwrap_or("common")),
        encode(&scope),
        encode(connection.text_or_empty("client_id")),
        encode(redirect)
    ))
}

/// The tenant that forms the feed's path: the configured one, else that of the managed identity's token.
pub(super) fn tenant(connection: &Connection) -> String {
    connection.text("tenant_id").map_or_else(|| TOKEN_TENANT.to_owned(), encode)
}

/// Who the caller says it is, for the throttle: a GUID, or nothing.
pub(super) fn publisher(connection: &Connection) -> Option<String> {
    let chosen = connection.option_text("publisher_identifier").map(str::trim).filter(|text| !text.is_empty());
    match (chosen, connection.text("tenant_id")) {
        (Some(chosen), _) => Some(chosen.to_owned()),
        (None, Some(tenant)) => is_guid(tenant).then(|| tenant.to_owned()),
        (None, None) => Some(TOKEN_TENANT.to_owned()),
    }
}

fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Text as part of a path or query.
fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

//! The sign-in service: the consent page, and tokens for credentials.
//!
//! Refuses what Entra refuses and says so with Entra's numbers (`vendors/azure-api.md` §2.7). The consent page consents at
//! once, so that a test can follow it without a browser.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::form_urlencoded;
use uuid::Uuid;

use super::answer::{body, set};
use super::catalogue;
use super::{Azure, DEFENDER_RESOURCE, GRAPH_RESOURCE};
use crate::simulator::world::Dice;
use crate::simulator::{Fault, Shared};

/// How long an access token lives.
const ACCESS: SignedDuration = SignedDuration::from_secs(3_599);
/// How long an authorization code lives.
const CODE: SignedDuration = SignedDuration::from_mins(10);
/// How long a refresh token may lie unused.
const IDLE: SignedDuration = SignedDuration::from_hours(24 * 90);

/// What tests may change about the service while it runs.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// A used refresh token is dead, which Entra does not do, but stricter servers do.
    pub strict_rotation: bool,
    /// Answers to a refresh hold no new refresh token.
    pub omit_refresh_token: bool,
    /// The user declines on the consent page.
    pub deny_consent: bool,
    /// A second factor is asked for: refreshes fail with AADSTS50076.
    pub require_mfa: bool,
    /// The client secret has expired.
    pub secret_expired: bool,
    /// So many grants to one client within a minute are a loop (AADSTS50196).
    pub loop_limit: Option<usize>,
    /// Every token request is answered with this status and a page that is not JSON.
    pub broken: Option<u16>,
    /// Graph's per-service request limits apply. Off unless asked for: they would slow every demo down.
    pub limits: bool,
}

#[derive(Debug)]
struct Application {
    id: String,
    secret: String,
    /// Permissions given by an administrator; `None` is all there are.
    permissions: Option<Vec<&'static str>>,
}

#[derive(Debug)]
struct Code {
    client: String,
    redirect: String,
    scopes: Vec<String>,
    challenge: Option<(String, String)>,
    until: Timestamp,
    used: bool,
}

#[derive(Clone, Debug)]
struct Refresh {
    client: String,
    user: String,
    scopes: Vec<String>,
    issued: Timestamp,
    used: bool,
}

/// An access token as the services see it.
#[derive(Clone, Debug)]
pub struct Token {
    /// The resource it is good for.
    pub audience: &'static str,
    /// Object id of the user, none for an application.
    pub user: Option<String>,
    /// What it allows.
    pub permissions: BTreeSet<String>,
    /// When it ends.
    pub until: Timestamp,
}

/// Everything that the service remembers.
#[derive(Debug)]
pub struct Login {
    applications: Vec<Application>,
    codes: HashMap<String, Code>,
    refresh: HashMap<String, Refresh>,
    access: HashMap<String, Token>,
    revoked: HashMap<String, Timestamp>,
    recent: Vec<(String, Timestamp)>,
    /// Granted token requests.
    pub grants: usize,
}

impl Login {
    pub(super) fn new(shared: &Shared) -> Self {
        let mut dice = Dice::for_part(shared.options.seed, "azure applications");
        let narrow = vec!["User.Read.All", "Organization.Read.All"];
        let applications = [None, Some(narrow)]
            .into_iter()
            .map(|permissions| Application { id: dice.uuid(), secret: format!("sim~{}", dice.hex(34)), permissions })
            .collect();
        Self {
            applications,
            codes: HashMap::new(),
            refresh: HashMap::new(),
            access: HashMap::new(),
            revoked: HashMap::new(),
            recent: Vec::new(),
            grants: 0,
        }
    }

    pub(super) fn application(&self, index: usize) -> (String, String) {
        self.applications.get(index).map(|app| (app.id.clone(), app.secret.clone())).unwrap_or_default()
    }

    /// The token behind a bearer string.
    pub(super) fn token(&self, bearer: &str) -> Option<&Token> {
        self.access.get(bearer)
    }

    /// Ends every refresh token that a user was given before now.
    pub(super) fn revoke(&mut self, user: &str, now: Timestamp) {
        self.revoked.insert(user.to_owned(), now);
    }
}

/// An error with Entra's number, name and HTTP status.
struct Refusal(u16, u32, &'static str, String);

fn refuse<T>(status: u16, number: u32, name: &'static str, text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(status, number, name, text.into()))
}

pub(super) fn router(azure: &Arc<Azure>) -> Router {
    Router::new()
        .route("/{tenant}/oauth2/v2.0/authorize", get(authorize))
        .route("/{tenant}/adminconsent", get(admin_consent))
        .route("/{tenant}/oauth2/v2.0/token", get(token_by_get).post(token))
        .with_state(Arc::clone(azure))
}

fn pairs(text: &str) -> HashMap<String, String> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

fn redirect(to: &str, query: &[(&str, &str)]) -> Response {
    let tail: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let glue = if to.contains('?') { '&' } else { '?' };
    // A bare origin gets its slash, as a browser shows it.
    let slash = if to.matches('/').count() < 3 && !to.contains('?') { "/" } else { "" };
    let mut answer = super::answer::bare(StatusCode::FOUND);
    set(answer.headers_mut(), "location", &format!("{to}{slash}{glue}{tail}"));
    answer
}

fn page(status: StatusCode, text: &str) -> Response {
    let mut answer = Response::new(Body::from(format!("<!DOCTYPE html><title>Sign in to your account</title><p>{text}</p>")));
    *answer.status_mut() = status;
    set(answer.headers_mut(), "content-type", "text/html; charset=utf-8");
    answer
}

/// `http://localhost` is registered, with any port and path; so is its numeric form.
fn registered(redirect: &str) -> bool {
    url::Url::parse(redirect)
        .is_ok_and(|url| matches!(url.host_str(), Some("localhost" | "127.0.0.1")) && matches!(url.scheme(), "http" | "https"))
}

async fn authorize(State(azure): State<Arc<Azure>>, Path(tenant): Path<String>, RawQuery(query): RawQuery) -> Response {
    let asked = pairs(&query.unwrap_or_default());
    let field = |name: &str| asked.get(name).map(String::as_str).filter(|value| !value.is_empty());
    if !azure.knows_tenant(&tenant) {
        return page(StatusCode::BAD_REQUEST, &format!("AADSTS90002: Tenant '{tenant}' not found."));
    }
    let client = field("client_id").unwrap_or_default();
    if !azure.login().applications.iter().any(|app| app.id == client) {
        return page(StatusCode::BAD_REQUEST, &format!("AADSTS700016: Application with identifier '{client}' was not found."));
    }
    let Some(to) = field("redirect_uri").filter(|to| registered(to)) else {
        let text =
            "AADSTS50011: The redirect URI specified in the request does not match the redirect URIs configured for the application.";
        return page(StatusCode::BAD_REQUEST, text);
    };
    let state = field("state").unwrap_or_default();
    let fail = |error: &str, text: &str| redirect(to, &[("error", error), ("error_description", text), ("state", state)]);
    if field("response_type") != Some("code") {
        return fail("unsupported_response_type", "AADSTS700054: response_type must be 'code' for this application.");
    }
    let Some(scope) = field("scope") else {
        return fail("invalid_request", "AADSTS900144: The request must contain the following parameter: 'scope'.");
    };
    if azure.policy().deny_consent {
        return fail("access_denied", "AADSTS65004: User declined to consent to access the app.");
    }
    let method = field("code_challenge_method").unwrap_or("plain").to_owned();
    let code = format!("1.{}", Uuid::new_v4().simple());
    let now = azure.shared.clock.now();
    let entry = Code {
        client: client.to_owned(),
        redirect: to.to_owned(),
        scopes: scope.split_whitespace().map(str::to_owned).collect(),
        challenge: field("code_challenge").map(|challenge| (method, challenge.to_owned())),
        until: now + CODE,
        used: false,
    };
    azure.login().codes.insert(code.clone(), entry);
    let session = Uuid::new_v4().to_string();
    let mut answer = vec![("code", code.as_str())];
    if !state.is_empty() {
        answer.push(("state", state));
    }
    answer.push(("session_state", &session));
    redirect(to, &answer)
}

async fn admin_consent(State(azure): State<Arc<Azure>>, Path(tenant): Path<String>, RawQuery(query): RawQuery) -> Response {
    let asked = pairs(&query.unwrap_or_default());
    let empty = String::new();
    let to = asked.get("redirect_uri").unwrap_or(&empty);
    if !azure.knows_tenant(&tenant) || !registered(to) {
        return page(StatusCode::BAD_REQUEST, "AADSTS50011: The redirect URI or the tenant is not known.");
    }
    redirect(to, &[("admin_consent", "True"), ("tenant", &tenant), ("state", asked.get("state").unwrap_or(&empty))])
}

async fn token_by_get(State(azure): State<Arc<Azure>>) -> Response {
    let text = "The endpoint only accepts POST requests. Received a GET request.";
    refusal(&azure, &Refusal(405, 900_561, "invalid_request", text.into()))
}

async fn token(State(azure): State<Arc<Azure>>, Path(tenant): Path<String>, headers: HeaderMap, body: String) -> Response {
    if let Some(status) = azure.policy().broken {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        return page(status, "The service is unavailable.");
    }
    match grant(&azure, &tenant, &headers, &pairs(&body)) {
        Ok(value) => {
            let mut answer = super::answer::ok(&value);
            set(answer.headers_mut(), "cache-control", "no-store");
            answer
        }
        Err(error) => refusal(&azure, &error),
    }
}

fn refusal(azure: &Azure, Refusal(status, number, name, text): &Refusal) -> Response {
    let (trace, correlation) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
    let time = azure.shared.clock.now().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let description = format!("AADSTS{number}: {text}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {time}");
    let value = json!({
        "error": name, "error_description": description, "error_codes": [number], "timestamp": time,
        "trace_id": trace, "correlation_id": correlation, "error_uri": format!("https://login.microsoftonline.com/error?code={number}"),
    });
    let mut answer = body(StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_REQUEST), &value);
    set(answer.headers_mut(), "x-ms-request-id", &trace);
    if *status == 429 {
        set(answer.headers_mut(), "retry-after", "1");
    }
    answer
}

fn grant(azure: &Azure, tenant: &str, headers: &HeaderMap, form: &HashMap<String, String>) -> Result<Value, Refusal> {
    let field = |name: &str| form.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let need = |name: &'static str| match field(name) {
        Some(value) => Ok(value.to_owned()),
        None => refuse(400, 900_144, "invalid_request", format!("The request body must contain the following parameter: '{name}'.")),
    };
    let any_tenant = matches!(tenant, "common" | "organizations" | "consumers");
    if !any_tenant && !azure.knows_tenant(tenant) {
        let text = format!("Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID.");
        return refuse(400, 90_002, "invalid_request", text);
    }
    let basic = basic(headers);
    let client = match &basic {
        Some((client, _)) => client.clone(),
        None => need("client_id")?,
    };
    let kind = need("grant_type")?;
    if !matches!(kind.as_str(), "client_credentials" | "authorization_code" | "refresh_token") {
        return refuse(400, 70_003, "unsupported_grant_type", format!("The app requested an unsupported grant type '{kind}'."));
    }
    let policy = azure.policy();
    let now = azure.shared.clock.now();
    let mut login = azure.login();
    let Some(app) = login.applications.iter().find(|app| app.id == client) else {
        let text = format!("Application with identifier '{client}' was not found in the directory '{tenant}'.");
        return refuse(400, 700_016, "unauthorized_client", text);
    };
    let permissions: BTreeSet<String> = match &app.permissions {
        Some(some) => some.iter().map(ToString::to_string).collect(),
        None => catalogue::every_permission(),
    };
    let secret = basic.map(|(_, secret)| secret).or_else(|| field("client_secret").map(str::to_owned));
    match secret {
        None => {
            let text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
            return refuse(401, 7_000_218, "invalid_client", text);
        }
        Some(secret) if secret != app.secret => {
            let text = "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the \
                        client secret ID.";
            return refuse(401, 7_000_215, "invalid_client", text);
        }
        Some(_) if policy.secret_expired => {
            return refuse(401, 7_000_222, "invalid_client", "The provided client secret keys for the app are expired.");
        }
        Some(_) => {}
    }
    if let Some(limit) = policy.loop_limit {
        login.recent.retain(|(_, at)| now.duration_since(*at) < SignedDuration::from_mins(1));
        if login.recent.iter().filter(|(who, _)| *who == client).count() >= limit {
            return refuse(
                400,
                50_196,
                "invalid_grant",
                "The server terminated an operation because it encountered a client request loop.",
            );
        }
        login.recent.push((client.clone(), now));
    }
    let issued = match kind.as_str() {
        "client_credentials" => {
            if any_tenant {
                let text = "The grant type isn't supported over the /common or /consumers endpoints. Use a tenant-specific endpoint.";
                return refuse(400, 9_001_023, "invalid_request", text);
            }
            let audience = app_audience(azure, &need("scope")?)?;
            Issued { client, audience, user: None, permissions, refresh: None }
        }
        "authorization_code" => by_code(azure, &mut login, &client, &permissions, field, now)?,
        _ => by_refresh(azure, &mut login, &client, &permissions, field, now)?,
    };
    login.grants += 1;
    Ok(issue(azure, &mut login, issued, now))
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    text.split_once(':').map(|(client, secret)| (client.to_owned(), secret.to_owned()))
}

/// An application asks for one resource and all that it was given there.
fn app_audience(azure: &Azure, scope: &str) -> Result<&'static str, Refusal> {
    let bad = |text: String| refuse(400, 1_002_012, "invalid_scope", text);
    let wanted: Vec<_> = scope.split_whitespace().collect();
    let [one] = wanted.as_slice() else {
        return bad(format!("The provided value for scope {scope} is not valid. Client credential flows must name one resource."));
    };
    let Some(resource) = one.strip_suffix("/.default") else {
        let text =
            "Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).";
        return bad(format!("The provided value for scope {scope} is not valid. {text}"));
    };
    azure.resource(resource).map_or_else(
        || {
            let text = format!("The resource principal named {resource} was not found in the tenant named {}.", azure.shared.world.tenant);
            refuse(400, 500_011, "invalid_resource", text)
        },
        Ok,
    )
}

struct Issued {
    client: String,
    audience: &'static str,
    user: Option<String>,
    permissions: BTreeSet<String>,
    refresh: Option<Refresh>,
}

fn by_code<'a>(
    azure: &Azure,
    login: &mut Login,
    client: &str,
    permissions: &BTreeSet<String>,
    field: impl Fn(&str) -> Option<&'a str>,
    now: Timestamp,
) -> Result<Issued, Refusal> {
    let Some(text) = field("code") else {
        return refuse(400, 900_144, "invalid_request", "The request body must contain the following parameter: 'code'.");
    };
    let Some(code) = login.codes.get_mut(text) else {
        return refuse(400, 9_002_313, "invalid_request", "Invalid request. Request is malformed or invalid.");
    };
    if code.client != client {
        return refuse(400, 700_005, "invalid_grant", "Provided Authorization Code is intended to use against other tenant or client.");
    }
    if code.used {
        return refuse(400, 54_005, "invalid_grant", "OAuth2 Authorization code was already redeemed, please retry with a new valid code.");
    }
    if code.until <= now {
        return refuse(400, 70_008, "invalid_grant", "The provided authorization code or refresh token has expired.");
    }
    if field("redirect_uri") != Some(code.redirect.as_str()) {
        let text = "The reply address does not match the reply address provided when requesting the authorization code.";
        return refuse(400, 500_112, "invalid_grant", text);
    }
    if let Some((method, challenge)) = &code.challenge {
        let verifier = field("code_verifier").unwrap_or_default();
        let made = if method == "S256" { URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) } else { verifier.to_owned() };
        if made != *challenge {
            let text = "The Code_Verifier doesn't match the code_challenge supplied in the authorization request.";
            return refuse(400, 501_481, "invalid_grant", text);
        }
    }
    code.used = true;
    let scopes = code.scopes.clone();
    let user = azure.shared.world.people.first().map(|person| person.id.clone()).unwrap_or_default();
    delegated(azure, client, &user, &scopes, &scopes, permissions, now)
}

fn by_refresh<'a>(
    azure: &Azure,
    login: &mut Login,
    client: &str,
    permissions: &BTreeSet<String>,
    field: impl Fn(&str) -> Option<&'a str>,
    now: Timestamp,
) -> Result<Issued, Refusal> {
    let Some(text) = field("refresh_token") else {
        return refuse(400, 900_144, "invalid_request", "The request body must contain the following parameter: 'refresh_token'.");
    };
    let policy = azure.policy();
    let revoked = login.revoked.clone();
    let Some(token) = login.refresh.get_mut(text).filter(|token| token.client == client) else {
        return refuse(400, 9_002_313, "invalid_grant", "Invalid request. Request is malformed or invalid.");
    };
    if token.used && policy.strict_rotation {
        return refuse(400, 70_000, "invalid_grant", "The provided grant is invalid: the refresh token was used before.");
    }
    if now.duration_since(token.issued) > IDLE {
        return refuse(400, 700_082, "invalid_grant", "The refresh token has expired due to inactivity.");
    }
    if revoked.get(&token.user).is_some_and(|at| token.issued <= *at) {
        let text = "The provided grant has expired due to it being revoked, a fresh auth token is needed.";
        return refuse(400, 50_173, "invalid_grant", text);
    }
    if azure.tables().user_is_disabled(&token.user) {
        return refuse(400, 50_057, "invalid_grant", "The user account is disabled.");
    }
    if policy.require_mfa {
        let text =
            "Due to a configuration change made by your administrator, you must use multi-factor authentication to access the resource.";
        return refuse(400, 50_076, "interaction_required", text);
    }
    token.used = true;
    let token = token.clone();
    let wanted: Vec<String> = match field("scope") {
        Some(scope) => scope.split_whitespace().map(str::to_owned).collect(),
        None => token.scopes.clone(),
    };
    let mut issued = delegated(azure, client, &token.user, &token.scopes, &wanted, permissions, now)?;
    if policy.omit_refresh_token {
        issued.refresh = None;
    }
    Ok(issued)
}

/// A token on behalf of a user. `.default` gives all that an administrator granted; single scopes give themselves.
fn delegated(
    azure: &Azure,
    client: &str,
    user: &str,
    consented: &[String],
    wanted: &[String],
    granted: &BTreeSet<String>,
    now: Timestamp,
) -> Result<Issued, Refusal> {
    let protocol = |scope: &str| matches!(scope, "offline_access" | "openid" | "profile" | "email");
    let plain: Vec<&str> = wanted.iter().map(String::as_str).filter(|scope| !protocol(scope)).collect();
    let defaults = plain.iter().filter(|scope| scope.ends_with("/.default")).count();
    if defaults > 0 && defaults < plain.len() {
        let text = ".default scope can't be combined with resource-specific scopes.";
        return refuse(400, 70_011, "invalid_scope", text);
    }
    let first = plain.first().copied().unwrap_or_default();
    let (resource, _) = first.rsplit_once('/').filter(|_| first.contains("://")).unwrap_or((GRAPH_RESOURCE, first));
    let Some(audience) = azure.resource(resource) else {
        return refuse(400, 500_011, "invalid_resource", format!("The resource principal named {resource} was not found in the tenant."));
    };
    let permissions = if defaults > 0 {
        granted.clone()
    } else {
        // Scopes are spelt in any case; the token has the directory's spelling.
        let known = catalogue::every_permission();
        plain
            .iter()
            .map(|scope| scope.rsplit('/').next().unwrap_or(scope))
            .map(|name| known.iter().find(|known| known.eq_ignore_ascii_case(name)).cloned().unwrap_or_else(|| name.to_owned()))
            .collect()
    };
    let refresh = consented.iter().any(|scope| scope == "offline_access").then(|| Refresh {
        client: client.to_owned(),
        user: user.to_owned(),
        scopes: consented.to_vec(),
        issued: now,
        used: false,
    });
    Ok(Issued { client: client.to_owned(), audience, user: Some(user.to_owned()), permissions, refresh })
}

fn issue(azure: &Azure, login: &mut Login, issued: Issued, now: Timestamp) -> Value {
    let stale = azure.shared.faults.has(Fault::ExpiredToken);
    let until = if stale { now } else { now + ACCESS };
    let listed: Vec<&str> = issued.permissions.iter().map(String::as_str).collect();
    let mut claims = json!({
        "aud": issued.audience, "iss": format!("https://sts.windows.net/{}/", azure.shared.world.tenant),
        "iat": now.as_second(), "exp": until.as_second(), "appid": issued.client, "tid": azure.shared.world.tenant, "uti": Uuid::new_v4().to_string(),
    });
    match &issued.user {
        Some(user) => {
            claims["oid"] = json!(user);
            claims["scp"] = json!(listed.join(" "));
        }
        None => claims["roles"] = json!(listed),
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signature = URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes());
    let access = format!("{}.{}.{signature}", part(&json!({"typ": "JWT", "alg": "RS256"})), part(&claims));
    let mut answer =
        json!({"token_type": "Bearer", "expires_in": ACCESS.as_secs(), "ext_expires_in": ACCESS.as_secs(), "access_token": access});
    if issued.user.is_some() {
        answer["scope"] = json!(listed.join(" "));
    }
    if let Some(refresh) = issued.refresh {
        let text = format!("1.{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        answer["refresh_token"] = json!(text);
        login.refresh.insert(text, refresh);
    }
    login.access.insert(access, Token { audience: issued.audience, user: issued.user, permissions: issued.permissions, until });
    answer
}

impl Azure {
    fn knows_tenant(&self, tenant: &str) -> bool {
        tenant.eq_ignore_ascii_case(&self.shared.world.tenant) || tenant.eq_ignore_ascii_case(self.shared.world.domain)
    }

    /// The resource that a name in a scope means; a loopback root means the service behind it.
    fn resource(&self, name: &str) -> Option<&'static str> {
        let name = name.trim_end_matches('/');
        match name {
            "" => Some(GRAPH_RESOURCE),
            _ if name == GRAPH_RESOURCE || name == self.graph_root() => Some(GRAPH_RESOURCE),
            _ if name == DEFENDER_RESOURCE || name == self.defender_root() => Some(DEFENDER_RESOURCE),
            _ => None,
        }
    }

    /// Lets time pass in the simulation.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
    }
}

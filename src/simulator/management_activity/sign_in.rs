//! Entra's authorize and token endpoints, v1 and v2, as far as an application of the Management Activity API needs them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use super::super::Shared;
use super::super::world::Dice;
use super::credentials::{BARE_CLIENT_ID, CERTIFICATE_KEY, CERTIFICATE_THUMBPRINT, CLIENT_ID, CLIENT_SECRET, PERMISSIONS, REDIRECT_URI};
use super::tokens::{Bearer, LIFETIME, Tokens, decode};

/// Seconds for which an authorization code can be redeemed.
const CODE_LIFETIME: i64 = 600;

type Fields = HashMap<String, String>;

#[derive(Debug)]
struct Login {
    shared: Arc<Shared>,
    tokens: Arc<Tokens>,
    root: String,
    grants: Mutex<Grants>,
}

/// Codes and refresh tokens that were handed out.
#[derive(Debug)]
struct Grants {
    dice: Dice,
    codes: HashMap<String, Code>,
    /// Refresh tokens with whether they are still good; a renewal ends the one it was made with.
    refresh: HashMap<String, (String, bool)>,
    /// Ids of assertions; one is good for one request.
    assertions: HashMap<String, i64>,
}

#[derive(Debug)]
struct Code {
    user: String,
    redirect_uri: String,
    issued: i64,
    used: bool,
}

/// The two generations of endpoints; they differ in what names the audience and in how numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// How Entra says no: HTTP status, OAuth error, AADSTS number, text.
struct Refusal(StatusCode, &'static str, u32, String);

pub(super) fn router(shared: &Arc<Shared>, tokens: &Arc<Tokens>, root: &str) -> Router {
    let grants = Grants {
        dice: Dice::for_part(shared.world.seed, "management activity grants"),
        codes: HashMap::new(),
        refresh: HashMap::new(),
        assertions: HashMap::new(),
    };
    let login = Login { shared: Arc::clone(shared), tokens: Arc::clone(tokens), root: root.to_owned(), grants: Mutex::new(grants) };
    let token = |version| {
        post(move |State(login): State<Arc<Login>>, Path(tenant): Path<String>, headers: HeaderMap, Form(form): Form<Fields>| async move {
            if headers.contains_key(header::AUTHORIZATION) {
                let refusal = Refusal(StatusCode::BAD_REQUEST, "invalid_request", 90_023, "Credentials belong into the body.".into());
                return login.refuse(&refusal);
            }
            login.token(version, &tenant, &form).unwrap_or_else(|refusal| login.refuse(&refusal))
        })
    };
    let authorize = |version| {
        get(move |State(login): State<Arc<Login>>, Path(tenant): Path<String>, Query(query): Query<Fields>| async move {
            login.authorize(version, &tenant, &query).unwrap_or_else(|refusal| login.refuse(&refusal))
        })
    };
    Router::new()
        .route("/{tenant}/oauth2/token", token(Version::One))
        .route("/{tenant}/oauth2/v2.0/token", token(Version::Two))
        .route("/{tenant}/oauth2/authorize", authorize(Version::One))
        .route("/{tenant}/oauth2/v2.0/authorize", authorize(Version::Two))
        .with_state(Arc::new(login))
}

impl Login {
    fn now(&self) -> i64 {
        self.shared.clock.now().as_second()
    }

    fn grants(&self) -> std::sync::MutexGuard<'_, Grants> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tenant by id or domain; `common` only where somebody signs in.
    fn tenant(&self, tenant: &str, common: bool) -> Result<(), Refusal> {
        let world = &self.shared.world;
        let known = tenant.eq_ignore_ascii_case(&world.tenant) || tenant.eq_ignore_ascii_case(world.domain);
        if known || (common && (tenant == "common" || tenant == "organizations")) {
            return Ok(());
        }
        let text = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
        );
        Err(Refusal(StatusCode::BAD_REQUEST, "invalid_request", 90_002, text))
    }

    /// The page on which somebody signs in and consents; here they do so at once.
    fn authorize(&self, version: Version, tenant: &str, query: &Fields) -> Result<Response, Refusal> {
        self.tenant(tenant, true)?;
        let client = field(query, "client_id")?;
        known_client(client)?;
        if field(query, "response_type")? != "code" {
            let text = "The response_type is not supported; only 'code' is.".to_owned();
            return Err(Refusal(StatusCode::BAD_REQUEST, "unsupported_response_type", 70_005, text));
        }
        self.audience(version, query)?;
        let redirect_uri = query.get("redirect_uri").map_or(REDIRECT_URI, String::as_str);
        if !same_address(redirect_uri, REDIRECT_URI) {
            let text = format!(
                "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs configured for the application '{client}'."
            );
            return Err(Refusal(StatusCode::BAD_REQUEST, "invalid_request", 50_011, text));
        }
        let issued = self.now();
        let user = self.shared.world.people.first().map_or_else(String::new, |person| person.mail.clone());
        let mut grants = self.grants();
        let (code, session) = (format!("0.A{}", grants.dice.hex(48)), grants.dice.uuid());
        grants.codes.insert(code.clone(), Code { user, redirect_uri: redirect_uri.to_owned(), issued, used: false });
        let join = if redirect_uri.contains('?') { '&' } else { '?' };
        let state = query.get("state").map_or_else(String::new, |state| format!("&state={}", urlencoded(state)));
        Ok(Redirect::to(&format!("{redirect_uri}{join}code={code}&session_state={session}{state}")).into_response())
    }

    fn token(&self, version: Version, tenant: &str, form: &Fields) -> Result<Response, Refusal> {
        let grant = field(form, "grant_type")?;
        self.tenant(tenant, grant != "client_credentials")?;
        let client = field(form, "client_id")?;
        known_client(client)?;
        self.client_proof(version, tenant, client, form)?;
        let permissions: &[&str] = if client == CLIENT_ID { &PERMISSIONS } else { &[] };
        match grant {
            "client_credentials" => {
                let audience = self.audience(version, form)?;
                let token = self.tokens.issue(&audience, &Bearer::Application { client, permissions });
                Ok(self.answer(version, &audience, &token, None))
            }
            "authorization_code" => {
                let user = self.redeem(field(form, "code")?, form.get("redirect_uri").map(String::as_str))?;
                let audience = self.audience(version, form)?;
                Ok(self.delegated(version, &audience, client, permissions, user))
            }
            "refresh_token" => {
                let user = self.renew(field(form, "refresh_token")?)?;
                let audience = self.audience(version, form)?;
                Ok(self.delegated(version, &audience, client, permissions, user))
            }
            other => {
                let text = format!("The app requested an unsupported grant type '{other}'.");
                Err(Refusal(StatusCode::BAD_REQUEST, "unsupported_grant_type", 70_003, text))
            }
        }
    }

    /// The audience that a request names: `resource` in v1, the scope in v2.
    fn audience(&self, version: Version, fields: &Fields) -> Result<String, Refusal> {
        let named = match version {
            // Without a resource the token is for the directory, and no good for the feed.
            Version::One => fields.get("resource").map_or("https://graph.microsoft.com", String::as_str),
            Version::Two => {
                let scope = field(fields, "scope")?;
                let scope = scope.split_whitespace().find(|scope| scope.contains("://"));
                let Some(scope) = scope else {
                    let text = "The provided value for the input parameter 'scope' is not valid.".to_owned();
                    return Err(Refusal(StatusCode::BAD_REQUEST, "invalid_scope", 70_011, text));
                };
                scope.rsplit_once('/').map_or(scope, |(resource, _)| resource)
            }
        };
        if self.tokens.knows(named) {
            return Ok(named.to_owned());
        }
        let text = format!("The resource principal named {named} was not found in the tenant named {}.", self.shared.world.domain);
        Err(Refusal(StatusCode::BAD_REQUEST, "invalid_resource", 500_011, text))
    }

    /// The application proves that it is itself, by its secret or by an assertion that its certificate signed.
    fn client_proof(&self, version: Version, tenant: &str, client: &str, form: &Fields) -> Result<(), Refusal> {
        if let Some(assertion) = form.get("client_assertion") {
            if form.get("client_assertion_type").map(String::as_str) != Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer") {
                return Err(unproven(700_021, "Client assertion application identifier doesn't match 'client_id' parameter."));
            }
            let path = match version {
                Version::One => "oauth2/token",
                Version::Two => "oauth2/v2.0/token",
            };
            return self.check_assertion(assertion, client, &format!("{}/{tenant}/{path}", self.root));
        }
        match form.get("client_secret") {
            Some(secret) if secret == CLIENT_SECRET => Ok(()),
            Some(_) => Err(unproven(
                7_000_215,
                &format!(
                    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client}'."
                ),
            )),
            None => {
                Err(unproven(7_000_218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."))
            }
        }
    }

    fn check_assertion(&self, assertion: &str, client: &str, endpoint: &str) -> Result<(), Refusal> {
        let mismatch = |why: &str| {
            unproven(
                700_027,
                &format!(
                    "The certificate with identifier used to sign the client assertion is not registered on application, or the assertion does not verify ({why})."
                ),
            )
        };
        let (signed, signature) = assertion.rsplit_once('.').ok_or_else(|| mismatch("it is no JWT"))?;
        let (head, claims) = signed.split_once('.').ok_or_else(|| mismatch("it is no JWT"))?;
        let (head, claims) = decode(head).zip(decode(claims)).ok_or_else(|| mismatch("it is no JWT"))?;
        if head["alg"] != "RS256" {
            return Err(mismatch("algorithm"));
        }
        let thumbprint = head["x5t"].as_str().unwrap_or_default().trim_end_matches('=');
        if thumbprint != URL_SAFE_NO_PAD.encode(bytes_of_hex(CERTIFICATE_THUMBPRINT)) {
            return Err(mismatch("thumbprint"));
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| mismatch("signature"))?;
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, CERTIFICATE_KEY);
        key.verify(signed.as_bytes(), &signature).map_err(|_| mismatch("signature"))?;
        if claims["iss"] != client || claims["sub"] != client {
            return Err(unproven(700_021, "Client assertion application identifier doesn't match 'client_id' parameter."));
        }
        // The right name of the endpoint is the one it was reached by; loopback has two.
        if !claims["aud"].as_str().is_some_and(|audience| same_address(audience, endpoint)) {
            return Err(unproven(700_023, "Client assertion audience claim does not match Realm issuer."));
        }
        let now = self.now();
        let (expires, from) = (claims["exp"].as_i64().unwrap_or(0), claims["nbf"].as_i64().unwrap_or(0));
        if expires <= now || from > now + 300 {
            return Err(unproven(700_024, "Client assertion is not within its valid time range."));
        }
        let id = claims["jti"].as_str().filter(|id| !id.is_empty()).ok_or_else(|| mismatch("jti"))?;
        if self.grants().assertions.insert(id.to_owned(), expires).is_some() {
            return Err(mismatch("it was used before"));
        }
        Ok(())
    }

    fn redeem(&self, code: &str, redirect_uri: Option<&str>) -> Result<String, Refusal> {
        let now = self.now();
        let mut grants = self.grants();
        let Some(known) = grants.codes.get_mut(code) else {
            return Err(stale(9_002_313, "Invalid request. Request is malformed or invalid."));
        };
        if known.used {
            return Err(stale(
                54_005,
                "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
            ));
        }
        if now - known.issued > CODE_LIFETIME {
            return Err(stale(
                70_008,
                "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.",
            ));
        }
        if !redirect_uri.is_some_and(|uri| same_address(uri, &known.redirect_uri)) {
            return Err(stale(500_112, "The reply address does not match the reply address provided when requesting Authorization code."));
        }
        known.used = true;
        Ok(known.user.clone())
    }

    /// Uses up a refresh token. Stricter than Entra, which lets the old one live on for a while: a client that does not keep the
    /// new one is to be found out.
    fn renew(&self, token: &str) -> Result<String, Refusal> {
        match self.grants().refresh.get_mut(token) {
            Some((user, good)) if *good => {
                *good = false;
                Ok(user.clone())
            }
            Some(_) => Err(stale(50_173, "The provided grant has expired due to it being revoked, a fresh auth token is needed.")),
            None => Err(stale(9_002_313, "Invalid request. Request is malformed or invalid.")),
        }
    }

    fn delegated(&self, version: Version, audience: &str, client: &str, permissions: &[&str], user: String) -> Response {
        let token = self.tokens.issue(audience, &Bearer::Delegated { client, user: &user, permissions });
        let mut grants = self.grants();
        let refresh = format!("1.R{}", grants.dice.hex(64));
        grants.refresh.insert(refresh.clone(), (user, true));
        self.answer(version, audience, &token, Some((refresh, permissions.join(" "))))
    }

    /// The answer with the token. v1 writes numbers as text.
    fn answer(&self, version: Version, audience: &str, token: &str, delegated: Option<(String, String)>) -> Response {
        let now = self.now();
        let mut answer = match version {
            Version::One => json!({
                "token_type": "Bearer", "expires_in": LIFETIME.to_string(), "ext_expires_in": LIFETIME.to_string(),
                "expires_on": (now + LIFETIME).to_string(), "not_before": (now - 300).to_string(), "resource": audience,
            }),
            Version::Two => json!({"token_type": "Bearer", "expires_in": LIFETIME, "ext_expires_in": LIFETIME}),
        };
        answer["access_token"] = json!(token);
        if let Some((refresh, scope)) = delegated {
            answer["refresh_token"] = json!(refresh);
            answer["scope"] = json!(scope);
            answer["id_token"] = json!("eyJhbGciOiJub25lIn0.e30.");
        }
        ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
    }

    fn refuse(&self, Refusal(status, error, number, text): &Refusal) -> Response {
        let (trace, correlation) = (uuid::Uuid::new_v4().to_string(), uuid::Uuid::new_v4().to_string());
        let time = self.shared.clock.now().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let description = format!("AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {time}");
        let body: Value = json!({
            "error": error, "error_description": description, "error_codes": [number], "timestamp": time, "trace_id": trace,
            "correlation_id": correlation, "error_uri": format!("{}/error?code={number}", self.root),
        });
        (*status, Json(body)).into_response()
    }
}

fn known_client(client: &str) -> Result<(), Refusal> {
    if client == CLIENT_ID || client == BARE_CLIENT_ID {
        return Ok(());
    }
    let text = format!("Application with identifier '{client}' was not found in the directory.");
    Err(Refusal(StatusCode::BAD_REQUEST, "unauthorized_client", 700_016, text))
}

fn field<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, Refusal> {
    fields.get(name).map(String::as_str).filter(|value| !value.is_empty()).ok_or_else(|| {
        let text = format!("The request body must contain the following parameter: '{name}'.");
        Refusal(StatusCode::BAD_REQUEST, "invalid_request", 900_144, text)
    })
}

fn unproven(number: u32, text: &str) -> Refusal {
    Refusal(StatusCode::UNAUTHORIZED, "invalid_client", number, text.to_owned())
}

fn stale(number: u32, text: &str) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, "invalid_grant", number, text.to_owned())
}

/// The same address, whichever way loopback is spelt and whether or not it ends in a slash.
fn same_address(a: &str, b: &str) -> bool {
    let plain = |url: &str| url.trim_end_matches('/').replacen("//localhost", "//127.0.0.1", 1);
    plain(a) == plain(b)
}

fn urlencoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn bytes_of_hex(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).filter_map(|n| u8::from_str_radix(hex.get(n * 2..n * 2 + 2)?, 16).ok()).collect()
}

//! Graph's front door: who asks, for what, and whether they may; then lists by OData, with pages.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::answer::{self, Answer, bad, error, missing, ok, seal};
use super::catalogue::{self, Act, List, Route};
use super::login::Token;
use super::{Azure, DEFENDER_RESOURCE, GRAPH_RESOURCE, odata, probe};
use crate::simulator::Fault;

/// The largest body a client may send.
const BODY: usize = 8 << 20;

/// One request, taken apart.
#[derive(Debug)]
pub struct Call {
    /// `/v1.0` or `/beta`; empty at Defender.
    pub version: String,
    /// The path behind the root, as sent.
    pub path: String,
    /// The path's variables.
    pub variables: BTreeMap<&'static str, String>,
    /// The query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The query as sent.
    pub raw_query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Who asks.
    pub token: Token,
    /// Root of the service that was asked.
    pub root: String,
}

impl Call {
    /// A variable of the path.
    pub fn variable(&self, name: &str) -> &str {
        self.variables.get(name).map_or("", String::as_str)
    }

    /// A query option.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as a JSON object.
    pub fn json(&self) -> Result<Value, Response> {
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("application/json") {
            return Err(error(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "UnsupportedMediaType",
                "Write requests are only supported on contentType 'application/json'.",
            ));
        }
        serde_json::from_slice(&self.body).ok().filter(Value::is_object).ok_or_else(|| {
            bad("Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.")
        })
    }
}

pub(super) fn router(azure: &Arc<Azure>) -> Router {
    probe::router(azure).fallback(serve).with_state(Arc::clone(azure))
}

async fn serve(State(azure): State<Arc<Azure>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let answer = match axum::body::to_bytes(body, BODY).await {
        Ok(body) if head.method == Method::POST && head.uri.path().ends_with("/$batch") => {
            batch(&azure, &head.uri, &head.headers, &body).await
        }
        Ok(body) => graph(&azure, &head.method, &head.uri, head.headers.clone(), body),
        Err(_) => error(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", "The request body is too large."),
    };
    seal(&azure, &head.headers, answer).await
}

fn graph(azure: &Azure, method: &Method, uri: &Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path();
    let Some((version, rest)) = ["/v1.0", "/beta"].iter().find_map(|version| path.strip_prefix(version).map(|rest| (*version, rest)))
    else {
        return error(StatusCode::BAD_REQUEST, "BadRequest", "Invalid version: the path begins with neither /v1.0 nor /beta.");
    };
    let token = match azure.authenticate(&headers, GRAPH_RESOURCE) {
        Ok(token) => token,
        Err(refusal) => return refusal,
    };
    let root = azure.graph_root().to_owned();
    let asked = Asked { version, path: rest, query: uri.query().unwrap_or_default(), method, root };
    handle(azure, catalogue::GRAPH, &asked, headers, body, token)
}

/// A request before its route is known.
pub struct Asked<'a> {
    /// `/v1.0`, `/beta` or nothing.
    pub version: &'a str,
    /// The path behind the version.
    pub path: &'a str,
    /// The query as sent.
    pub query: &'a str,
    /// The method.
    pub method: &'a Method,
    /// Root of the service.
    pub root: String,
}

/// Finds the route, asks whether the token may, and acts.
pub fn handle(azure: &Azure, routes: &[Route], asked: &Asked<'_>, headers: HeaderMap, body: Bytes, token: Token) -> Response {
    let path: Vec<String> = asked.path.trim_start_matches('/').split('/').map(decode).collect();
    let fitting: Vec<_> = routes.iter().filter_map(|route| catalogue::fit(route.path, &path).map(|variables| (route, variables))).collect();
    let Some((route, variables)) = fitting.iter().find(|(route, _)| route.method == asked.method.as_str()) else {
        return if fitting.is_empty() {
            let segment = path.first().cloned().unwrap_or_default();
            error(StatusCode::BAD_REQUEST, "BadRequest", &format!("Resource not found for the segment '{segment}'."))
        } else {
            error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", &format!("{} is not supported on this resource.", asked.method))
        };
    };
    if let Err(refusal) = permit(route, &token) {
        return refusal;
    }
    if let Some(refusal) = azure.throttle(route.path) {
        return refusal;
    }
    let query: Vec<(String, String)> = form_urlencoded::parse(asked.query.as_bytes()).into_owned().collect();
    let known = ["$filter", "$select", "$orderby", "$top", "$skip", "$skiptoken", "$count", "$expand", "$search", "$format"];
    if let Some((name, _)) = query.iter().find(|(name, _)| name.starts_with('$') && !known.contains(&name.as_str())) {
        return bad(&format!("The query parameter '{name}' is not supported."));
    }
    let mut call = Call {
        version: asked.version.to_owned(),
        path: asked.path.to_owned(),
        variables: variables.iter().cloned().collect(),
        query,
        raw_query: asked.query.to_owned(),
        headers,
        body,
        token,
        root: asked.root.clone(),
    };
    if let Some(user) = call.variables.get("id").filter(|_| route.path.starts_with("/users/")) {
        match azure.tables().user_id(user) {
            Some(id) => call.variables.insert("id", id),
            None => return missing(user),
        };
    }
    let done = match route.act {
        Act::List(list) => azure.list(list, &call),
        Act::Get(table) => azure.get(table, &call),
        Act::Delete(table) => azure.delete(table, &call),
        Act::Do(act) => act(azure, &call),
    };
    done.unwrap_or_else(|refusal| refusal)
}

fn decode(segment: &str) -> String {
    // A plus in a path is a plus.
    let plus = segment.replace('+', "%2B");
    form_urlencoded::parse(format!("x={plus}").as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn permit(route: &Route, token: &Token) -> Result<(), Response> {
    let (need, who) = if token.user.is_some() { (route.user, "delegated") } else { (route.app, "application") };
    if need.is_empty() {
        let text = if token.user.is_some() {
            "This request is only valid with application authentication flow."
        } else {
            "/me request is only valid with delegated authentication flow."
        };
        return Err(error(StatusCode::BAD_REQUEST, "BadRequest", text));
    }
    if need.split(' ').any(|one| catalogue::covers(&token.permissions, one)) {
        return Ok(());
    }
    let least = need.split(' ').next().unwrap_or(need);
    let message = if route.path.starts_with("/security") {
        let have: Vec<_> = token.permissions.iter().map(String::as_str).collect();
        format!("Missing {who} roles. API required roles: {least}, {who} roles: {}.", have.join(", "))
    } else if route.path.starts_with("/auditLogs") {
        format!("Calling principal does not have required MSGraph permissions {least}")
    } else {
        format!("Insufficient privileges to complete the operation. Missing {who} permission: {least}.")
    };
    Err(error(StatusCode::FORBIDDEN, "Authorization_RequestDenied", &message))
}

async fn batch(azure: &Azure, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Response {
    if let Err(refusal) = azure.authenticate(headers, GRAPH_RESOURCE) {
        return refusal;
    }
    let version = uri.path().trim_end_matches("/$batch");
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return bad("Unable to read JSON request payload.") };
    let requests = value["requests"].as_array().cloned().unwrap_or_default();
    if requests.is_empty() || requests.len() > 20 {
        return bad("Number of batch requests must be between 1 and 20.");
    }
    let mut answers = Vec::new();
    for request in requests {
        let method = Method::from_bytes(request["method"].as_str().unwrap_or("GET").as_bytes()).unwrap_or(Method::GET);
        let url = format!("{version}{}", request["url"].as_str().unwrap_or_default());
        let (status, body) = match url.parse::<Uri>() {
            Ok(uri) => {
                let mut inner = headers.clone();
                inner.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
                let sent = Bytes::from(request.get("body").map(Value::to_string).unwrap_or_default());
                let answer = graph(azure, &method, &uri, inner, sent);
                let status = answer.status().as_u16();
                (status, axum::body::to_bytes(answer.into_body(), BODY).await.unwrap_or_default())
            }
            Err(_) => (400, Bytes::new()),
        };
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        answers.push(json!({"id": request["id"], "status": status, "headers": {"Content-Type": "application/json"}, "body": body}));
    }
    ok(&json!({"responses": answers}))
}

impl Azure {
    /// The token that a request brings, if it is one for this service.
    pub fn authenticate(&self, headers: &HeaderMap, audience: &str) -> Result<Token, Response> {
        let Some(text) = headers.get(header::AUTHORIZATION).and_then(|text| text.to_str().ok()) else {
            return Err(answer::unauthenticated(self, "Access token is empty."));
        };
        let Some(bearer) = text.strip_prefix("Bearer ") else {
            return Err(answer::unauthenticated(self, "CompactToken parsing failed with error code: 80049217"));
        };
        let token = self.login().token(bearer).cloned();
        match token {
            None => Err(answer::unauthenticated(self, "IDX14100: JWT is not well formed, or its signature is not ours.")),
            Some(token) if token.audience != audience => {
                let service = if audience == DEFENDER_RESOURCE { "Defender" } else { "Graph" };
                Err(answer::unauthenticated(self, &format!("Invalid audience: the token is not for {service}.")))
            }
            Some(token) if token.until <= self.shared.clock.now() => {
                Err(answer::unauthenticated(self, "Lifetime validation failed, the token is expired."))
            }
            Some(token) => Ok(token),
        }
    }

    /// The limits of the services that have their own (`vendors/azure-api.md` §8).
    fn throttle(&self, path: &str) -> Option<Response> {
        if !self.policy().limits {
            return None;
        }
        let (name, most, seconds, told) = match path {
            _ if path.starts_with("/auditLogs") => ("reports", 5, 10, true),
            _ if path.starts_with("/identityProtection") || path.starts_with("/identity/") => ("identity", 1, 1, false),
            _ => return None,
        };
        let now = self.shared.clock.now();
        let window = SignedDuration::from_secs(seconds);
        let mut tables = self.tables();
        let seen = tables.seen.entry(name).or_default();
        seen.retain(|at| now.duration_since(*at) < window);
        if seen.len() < most {
            seen.push(now);
            return None;
        }
        let mut answer = error(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", "Too many requests were made to this service.");
        if told {
            let wait = seen.first().map_or(1, |first| (window - now.duration_since(*first)).as_secs() + 1);
            answer::set(answer.headers_mut(), "retry-after", &wait.to_string());
        }
        Some(answer)
    }

    /// A page of a table.
    pub fn list(&self, list: List, call: &Call) -> Answer {
        let mut records = self.records(list.table, call);
        if let Some((variable, field)) = list.of {
            let want = call.variable(variable);
            records.retain(|record| record.get(field).and_then(Value::as_str).is_some_and(|have| have.eq_ignore_ascii_case(want)));
        }
        self.page(records, list, call)
    }

    /// Filters, sorts and cuts records as the query says.
    pub fn page(&self, mut records: Vec<Value>, list: List, call: &Call) -> Answer {
        if let Some(text) = call.option("$filter") {
            let filter = odata::parse(text).map_err(|why| bad(&format!("Invalid filter clause: {why}.")))?;
            let is_known = |name: &&str| !name.starts_with('_') && records.iter().any(|record| record.get(name).is_some());
            if let Some(name) = filter.properties().into_iter().find(|name| !records.is_empty() && !is_known(name)) {
                return Err(bad(&format!("Invalid filter clause: Could not find a property named '{name}'.")));
            }
            records.retain(|record| filter.fits(record));
        }
        if call.option("$search").is_some() && call.headers.get("consistencylevel").is_none() {
            return Err(bad(
                "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'",
            ));
        }
        if let Some(by) = call.option("$orderby") {
            odata::order(&mut records, by);
        }
        let number = |name: &str| match call.option(name) {
            None => Ok(None),
            Some(text) => text.parse::<usize>().map(Some).map_err(|_| bad(&format!("Invalid value '{text}' for {name} query option."))),
        };
        let top = number("$top")?;
        if let Some(top) = top.filter(|top| *top == 0 || *top > list.most) {
            return Err(bad(&format!("Invalid page size specified: '{top}'. Must be between 1 and {} inclusive.", list.most)));
        }
        // A server may give fewer than it was asked for; where something is wrong with pages there must be some.
        let most = match () {
            () if self.shared.faults.has(Fault::ForeignNextLink) => 3,
            () if self.shared.faults.has(Fault::DuplicateRecords) => 25,
            () => usize::MAX,
        };
        let size = top.unwrap_or(list.page).min(most);
        let start = match call.option("$skiptoken") {
            Some(token) => open(token).ok_or_else(|| bad("Invalid skip token."))?,
            None => number("$skip")?.unwrap_or(0),
        };
        let total = records.len();
        let mut shown: Vec<Value> = records.into_iter().skip(start).take(size).collect();
        if self.shared.faults.has(Fault::DuplicateRecords) {
            let again: Vec<Value> = shown.iter().step_by(7).cloned().collect();
            shown.extend(again);
        }
        let expand = call.option("$expand") == Some("alerts");
        let shown: Vec<Value> = shown
            .into_iter()
            .map(|record| {
                let mut out = odata::select(&record, call.option("$select"));
                if expand {
                    out["alerts"] = self.tables().alerts_of(&record["id"]);
                }
                out
            })
            .collect();
        let mut answer =
            json!({"@odata.context": format!("{}{}/$metadata#{}", call.root, call.version, call.path.trim_start_matches('/'))});
        if call.option("$count") == Some("true") {
            answer["@odata.count"] = json!(total);
        }
        if start + size < total {
            // Two pages share a record when records come twice.
            let next = if self.shared.faults.has(Fault::DuplicateRecords) && size > 1 { start + size - 1 } else { start + size };
            answer["@odata.nextLink"] = json!(self.next_link(call, next));
        } else if call.option("$filter").is_some() || top.is_none() {
            self.tables().mark_read(list.table);
        }
        answer["value"] = Value::Array(shown);
        Ok(ok(&answer))
    }

    fn next_link(&self, call: &Call, start: usize) -> String {
        let kept: Vec<&str> = call
            .raw_query
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.starts_with("$skip") && !pair.starts_with("%24skip"))
            .collect();
        let root = if self.shared.faults.has(Fault::ForeignNextLink) { &self.shared.foreign } else { &call.root };
        let glue = if kept.is_empty() { "" } else { "&" };
        format!("{root}{}{}?{}{glue}$skiptoken={}", call.version, call.path, kept.join("&"), seal_token(start))
    }

    fn get(&self, table: &'static str, call: &Call) -> Answer {
        let id = call.variables.iter().next_back().map_or("", |_| last_variable(call));
        let record = self.records(table, call).into_iter().find(|record| record["id"] == id).ok_or_else(|| missing(id))?;
        let mut out = odata::select(&record, call.option("$select"));
        if call.option("$expand") == Some("alerts") {
            out["alerts"] = self.tables().alerts_of(&record["id"]);
        }
        Ok(ok(&out))
    }

    fn delete(&self, table: &'static str, call: &Call) -> Answer {
        let id = last_variable(call);
        let mut tables = self.tables();
        let records = tables.table(table);
        let before = records.len();
        records.retain(|record| record["id"] != id);
        if records.len() == before { Err(missing(id)) } else { Ok(answer::bare(StatusCode::NO_CONTENT)) }
    }

    /// The records of a table as they are shown now: hidden while late, hostile while hostile.
    pub fn records(&self, table: &'static str, _call: &Call) -> Vec<Value> {
        let (late, hostile) = (self.shared.faults.has(Fault::LateRecords), self.shared.faults.has(Fault::HostileText));
        let recent = self.shared.clock.now() - SignedDuration::from_mins(45);
        self.tables().shown(table, late.then_some(recent), hostile)
    }
}

/// The last segment of the path that is a variable, decoded.
fn last_variable(call: &Call) -> &str {
    let last = call.path.rsplit('/').next().map(decode).unwrap_or_default();
    call.variables.values().find(|value| **value == last).map_or("", String::as_str)
}

fn seal_token(start: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("page:{start}"))
}

fn open(token: &str) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    text.strip_prefix("page:")?.parse().ok()
}

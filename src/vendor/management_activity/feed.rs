//! The feed's calls: how they are asked, asked again, and refused.

use std::time::Duration;

use serde_json::Value;

use super::sign_in::{FEED, publisher, tenant};
use crate::core::connection::Connection;
use crate::core::outcome::Failure;
use crate::core::request::{Answer, Method, Reply, Request, Target, Trouble};
use crate::core::talk::Talk;

/// Pauses before throttled work is begun again.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// The most of an answer's own words that are repeated.
const WORDS: usize = 1_000;

/// The feed of a connection, for one command.
#[derive(Clone)]
pub(super) struct Feed<'a> {
    pub(super) talk: &'a Talk,
    pub(super) connection: &'a Connection,
    /// What is said when the command fails.
    pub(super) indicator: &'static str,
    /// How long one call may take, where that is not the connection's own time.
    pub(super) timeout: Option<Duration>,
}

/// Why a call brought nothing.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    /// For people.
    pub(super) failure: Failure,
    /// The service's code, `AF20022`; empty where it gave none.
    pub(super) code: String,
    /// Whether nothing else will succeed either.
    pub(super) fatal: bool,
    /// Whether this is a dry run.
    pub(super) planned: bool,
}

impl Feed<'_> {
    /// A call below the tenant's feed.
    pub(super) fn call(&self, method: Method, path: &str) -> Request {
        let request = Request::new(method, FEED, format!("/{}/activity/feed{path}", tenant(self.connection)));
        self.finished(request, true)
    }

    /// A call of an address that the service handed out.
    pub(super) fn link(&self, url: &str) -> Request {
        let named = url.to_ascii_lowercase().contains("publisheridentifier=");
        self.finished(Request::to(Method::Get, Target::Link(url.to_owned())), !named)
    }

    fn finished(&self, mut request: Request, name_publisher: bool) -> Request {
        request.idle_timeout = self.timeout;
        match publisher(self.connection).filter(|_| name_publisher) {
            Some(publisher) => request.query("PublisherIdentifier", publisher),
            None => request,
        }
    }

    /// Asks, and asks again while the service says that it is asked too often.
    pub(super) async fn ask(&self, request: Request) -> Result<Reply, Refused> {
        self.ask_all(vec![request]).await.pop().unwrap_or_else(|| Err(self.refused(Err(Trouble::Cancelled))))
    }

    /// Asks for several things side by side. Only what was throttled is asked for again.
    pub(super) async fn ask_all(&self, requests: Vec<Request>) -> Vec<Result<Reply, Refused>> {
        let mut done: Vec<Option<Answer>> = requests.iter().map(|_| None).collect();
        let mut open: Vec<usize> = (0..requests.len()).collect();
        for pause in PAUSES.iter().map(Some).chain([None]) {
            let again = open.iter().filter_map(|n| requests.get(*n).cloned()).collect();
            let answers = self.talk.send_all(again).await;
            let mut throttled = Vec::new();
            for (n, answer) in open.into_iter().zip(answers) {
                // HTTP 429 was waited out already; what comes as 403 only the body tells.
                if answer.as_ref().is_ok_and(|reply| reply.status != 429 && code_of(reply).0 == "AF429") {
                    throttled.push(n);
                }
                if let Some(place) = done.get_mut(n) {
                    *place = Some(answer);
                }
            }
            open = throttled;
            match pause {
                Some(pause) if !open.is_empty() => self.talk.wait(*pause).await,
                _ => break,
            }
        }
        done.into_iter()
            .map(|answer| match answer {
                Some(Ok(reply)) if reply.is_success() => Ok(reply),
                Some(answer) => Err(self.refused(answer)),
                None => Err(self.refused(Err(Trouble::Cancelled))),
            })
            .collect()
    }

    /// An answer's list.
    pub(super) fn list(&self, reply: &Reply, what: &str) -> Result<Vec<Value>, Refused> {
        match reply.json() {
            Ok(Value::Array(items)) if items.iter().all(Value::is_object) => Ok(items),
            Ok(Value::Array(_)) => Err(self.nonsense(reply, &format!("{what}: the list holds something that is no object"))),
            _ if reply.body.iter().all(u8::is_ascii_whitespace) => Err(self.nonsense(reply, &format!("{what}: the answer is empty"))),
            Ok(_) => Err(self.nonsense(reply, &format!("{what}: the answer is no list"))),
            Err(error) => Err(self.nonsense(reply, &format!("{what}: the answer is not JSON ({error})"))),
        }
    }

    fn nonsense(&self, reply: &Reply, what: &str) -> Refused {
        let mut failure = Failure::new(self.indicator, format!("{what}.")).status(reply.status);
        failure.request_id.clone_from(&reply.request_id);
        Refused { failure, code: String::new(), fatal: false, planned: false }
    }

    fn refused(&self, answer: Answer) -> Refused {
        let reply = match answer {
            Ok(reply) => reply,
            Err(trouble) => {
                let fatal = matches!(
                    trouble,
                    Trouble::SignIn(_) | Trouble::Unreached(_) | Trouble::Cancelled | Trouble::Refused(_) | Trouble::Planned
                );
                let planned = trouble == Trouble::Planned;
                return Refused { failure: trouble.failure(self.indicator), code: String::new(), fatal, planned };
            }
        };
        let (code, words) = code_of(&reply);
        let message = match (code.is_empty(), words.is_empty()) {
            (false, _) => format!("{code}: {words}"),
            (true, false) => words.clone(),
            (true, true) => format!("The service answered with HTTP {}.", reply.status),
        };
        let mut failure = Failure::new(self.indicator, message).status(reply.status);
        failure.request_id.clone_from(&reply.request_id);
        failure.hint = self.hint(&code, reply.status, &words);
        let fatal = matches!(code.as_str(), "AF10001" | "AF20010" | "AF20011" | "AF20012" | "AF20013")
            || reply.status == 401
            || (reply.status == 403 && code != "AF429");
        Refused { failure, code, fatal, planned: false }
    }

    fn hint(&self, code: &str, status: u16, words: &str) -> Option<String> {
        Some(match code {
            "AF10001" => {
                "Grant the application ActivityFeed.Read of the Office 365 Management APIs, with the consent of an administrator.".into()
            }
            "AF20010" | "AF20011" | "AF20012" | "AF20013" => {
                "Check tenant_id: it must be the GUID of the tenant that the application signs in to.".into()
            }
            "AF20022" | "AF20023" => format!("Start it with: nightdesk run {} start-subscription content_type=…", self.connection.name),
            "AF429" => "Wait a minute; the service counts the requests of all callers with this PublisherIdentifier.".into(),
            "AF50000" => "The service failed; try again in an hour.".into(),
            _ if words.contains("does not exist") && words.contains("Tenant") => {
                "Switch on unified audit logging in the tenant; that takes up to an hour to take effect.".into()
            }
            _ if status == 401 => {
                "The service does not accept the token; check client_id, tenant_id and base_url, or run auth-reset.".into()
            }
            _ if status == 403 => "The application is not allowed; check its permissions and the consent to them.".into(),
            _ => return None,
        })
    }
}

/// The code and the words of an error answer. The body may be the documented one, one with single quotes, or none of both.
pub(super) fn code_of(reply: &Reply) -> (String, String) {
    if reply.is_success() {
        return (String::new(), String::new());
    }
    let text = reply.text();
    let json = serde_json::from_str::<Value>(&text).or_else(|_| serde_json::from_str(&text.replace('\'', "\""))).unwrap_or_default();
    let member = |value: &Value, names: &[&str]| names.iter().find_map(|name| value.get(name)?.as_str().map(str::to_owned));
    let error = json.get("error").unwrap_or(&json);
    let code = member(error, &["code", "Code"]).unwrap_or_default();
    let words = member(error, &["message", "Message"]).or_else(|| error.as_str().map(str::to_owned));
    let words = words.unwrap_or_else(|| text.trim().to_owned());
    (code, words.chars().take(WORDS).collect())
}

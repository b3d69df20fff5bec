//! From a window to its records: pages of blob descriptors, then the blobs.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use url::Url;

use super::feed::{Feed, Refused};
use super::times;
use crate::core::outcome::Failure;
use crate::core::request::{Method, Request};

/// A blob, as a listing describes it.
#[derive(Clone, Debug)]
pub(super) struct Blob {
    pub(super) id: String,
    pub(super) uri: String,
    /// When it became available: the clock of the feed.
    pub(super) created: Timestamp,
}

/// What a listing brought, and what stopped it.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Oldest first, each once.
    pub(super) blobs: Vec<Blob>,
    /// Why it is not whole.
    pub(super) refused: Option<Refused>,
}

impl Feed<'_> {
    /// The first page of a listing; start and end go without a zone.
    pub(super) fn listing(&self, content_type: &str, from: Timestamp, to: Timestamp) -> Request {
        self.call(Method::Get, "/subscriptions/content")
            .query("contentType", content_type)
            .query("startTime", times::wire(from))
            .query("endTime", times::wire(to))
            .purpose(format!("content of {content_type}"))
    }

    /// All pages of a listing of at most a day, following `NextPageUri` to its end.
    pub(super) async fn list_blobs(&self, content_type: &str, from: Timestamp, to: Timestamp) -> Listing {
        let mut listing = Listing::default();
        let (mut ids, mut links) = (HashSet::new(), HashSet::new());
        let mut request = self.listing(content_type, from, to);
        let most = self.connection.option("max_pages").and_then(Value::as_u64).unwrap_or(1_000);
        let mut pages = 0;
        loop {
            let reply = match self.ask(request).await {
                Ok(reply) => reply,
                Err(refused) => {
                    listing.refused = Some(refused);
                    break;
                }
            };
            match self.list(&reply, "The list of content") {
                Ok(items) => {
                    let fresh = items.iter().map(|item| Self::blob(item, from)).filter(|blob| ids.insert(blob.id.clone()));
                    listing.blobs.extend(fresh);
                }
                Err(refused) => {
                    listing.refused = Some(refused);
                    break;
                }
            }
            pages += 1;
            let Some(next) = reply.header("NextPageUri").map(str::trim).filter(|next| !next.is_empty()) else { break };
            if pages >= most {
                listing.refused = Some(self.stopped(format!("The list of content has more than {most} pages (max_pages).")));
                break;
            }
            if !links.insert(next.to_owned()) {
                listing.refused = Some(self.stopped("The list of content leads back to a page that was read already.".into()));
                break;
            }
            if let Some(refused) = self.astray(next) {
                listing.refused = Some(refused);
                break;
            }
            request = self.link(next).purpose(format!("content of {content_type}, page {}", pages + 1));
        }
        listing.blobs.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        listing
    }

    fn blob(item: &Value, from: Timestamp) -> Blob {
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let uri = text("contentUri").to_owned();
        let id = match text("contentId") {
            "" => uri.clone(),
            id => id.to_owned(),
        };
        Blob { id, uri, created: moment(text("contentCreated")).unwrap_or(from) }
    }

    /// Reads blobs side by side; the answers stand in the same order.
    pub(super) async fn read_blobs(&self, blobs: &[Blob]) -> Vec<Result<Vec<Value>, Refused>> {
        let mut results: Vec<Option<Result<Vec<Value>, Refused>>> = blobs.iter().map(|blob| self.astray(&blob.uri).map(Err)).collect();
        let open: Vec<usize> = (0..blobs.len()).filter(|n| results.get(*n).is_some_and(Option::is_none)).collect();
        let requests = open.iter().filter_map(|n| blobs.get(*n)).map(|blob| self.link(&blob.uri).purpose(format!("blob {}", blob.id)));
        let answers = self.ask_all(requests.collect()).await;
        for (n, answer) in open.into_iter().zip(answers) {
            let records = answer.and_then(|reply| self.list(&reply, "The content"));
            if let Some(place) = results.get_mut(n) {
                *place = Some(records);
            }
        }
        let nothing = || Err(self.stopped("The content was not answered.".into()));
        let results = results.into_iter().map(|result| result.unwrap_or_else(nothing));
        results
            .zip(blobs)
            .map(|(result, blob)| result.map_err(|refused| Refused { failure: refused.failure.item(&blob.id), ..refused }))
            .collect()
    }

    /// Refuses a link that leaves the feed's host: scheme, host and port.
    fn astray(&self, link: &str) -> Option<Refused> {
        let base = Url::parse(self.connection.text("base_url").unwrap_or("https://manage.office.com/api/v1.0/")).ok();
        let url = Url::parse(link).ok();
        match (&base, &url) {
            (Some(base), Some(url)) if base.origin() == url.origin() => None,
            _ => {
                let place = url.map_or_else(|| "none".to_owned(), |url| url.origin().ascii_serialization());
                Some(self.stopped(format!("The vendor's link leads to another host ({place}); it was not followed.")))
            }
        }
    }

    fn stopped(&self, why: String) -> Refused {
        Refused { failure: Failure::new(self.indicator, why), code: String::new(), fatal: false, planned: false }
    }
}

/// A time of the feed: RFC 3339, or without a zone, which is UTC.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse::<Timestamp>().ok().or_else(|| format!("{text}Z").parse().ok())
}

/// Whether the service says that a blob is gone for good.
pub(super) fn is_gone(refused: &Refused) -> bool {
    refused.code == "AF20051"
}

/// The shortest stretch that holds a blob.
pub(super) fn stretch(blob: &Blob) -> (Timestamp, Timestamp) {
    (blob.created, blob.created + SignedDuration::from_millis(1))
}

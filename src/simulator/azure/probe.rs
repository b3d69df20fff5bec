//! Answers of every shape below `/probe` of the Graph root, for the client that must take any of them: echo, cookies, redirects,
//! charsets, sizes, file names, statuses. They need no token, and say whether one came.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{any, get};
use futures::StreamExt;
use serde_json::{Map, Value, json};

use super::Azure;
use super::answer::{self, error, ok, set};

pub(super) fn router(_azure: &Arc<Azure>) -> Router<Arc<Azure>> {
    Router::new()
        .route("/probe/echo", any(echo))
        .route("/probe/cookies", get(cookies))
        .route("/probe/redirect/{status}/{left}", any(redirect))
        .route("/probe/away/{status}", any(away))
        .route("/probe/bytes", get(bytes))
        .route("/probe/text/{charset}", get(text))
        .route("/probe/empty/{status}", any(empty))
        .route("/probe/big/{size}", get(big))
        .route("/probe/endless", get(endless))
        .route("/probe/file/{form}", get(file))
        .route("/probe/status/{status}", any(status))
        .route("/probe/states/{looks}", any(states))
}

async fn echo(request: Request) -> Response {
    let (head, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 32 << 20).await.unwrap_or_default();
    let mut headers = Map::new();
    for (name, value) in &head.headers {
        headers.insert(name.to_string(), String::from_utf8_lossy(value.as_bytes()).into());
    }
    ok(&json!({
        "method": head.method.as_str(), "path": head.uri.path(), "query": head.uri.query(), "headers": headers,
        "body": String::from_utf8_lossy(&bytes), "length": bytes.len(), "bytes": bytes.iter().take(64).copied().collect::<Vec<u8>>(),
    }))
}

async fn cookies() -> Response {
    let mut answer = ok(&json!({"ok": true}));
    for cookie in ["session=abc123; Path=/; HttpOnly", "lang=de; Max-Age=600"] {
        answer.headers_mut().append(header::SET_COOKIE, HeaderValue::from_static(cookie));
    }
    answer
}

async fn redirect(Path((status, left)): Path<(u16, u32)>, RawQuery(query): RawQuery) -> Response {
    let to = if left == 0 { "/probe/echo".to_owned() } else { format!("/probe/redirect/{status}/{}", left - 1) };
    moved(status, &format!("{to}{}", query.map(|query| format!("?{query}")).unwrap_or_default()))
}

/// A redirect to the listener that belongs to nobody.
async fn away(State(azure): State<Arc<Azure>>, Path(status): Path<u16>) -> Response {
    moved(status, &format!("{}/caught?from=graph", azure.shared.foreign))
}

fn moved(status: u16, to: &str) -> Response {
    let mut answer = answer::bare(StatusCode::from_u16(status).unwrap_or(StatusCode::FOUND));
    set(answer.headers_mut(), "location", to);
    answer
}

async fn bytes() -> Response {
    let all: Vec<u8> = (0..=255).collect();
    let mut answer = Response::new(Body::from(all));
    set(answer.headers_mut(), "content-type", "application/octet-stream");
    answer
}

async fn text(Path(charset): Path<String>) -> Response {
    let (kind, bytes): (&str, Vec<u8>) = match charset.as_str() {
        "latin1" => ("text/plain; charset=iso-8859-1", b"caf\xe9 fran\xe7ais".to_vec()),
        "unnamed-latin1" => ("text/plain", b"caf\xe9 fran\xe7ais".to_vec()),
        "utf16" => {
            ("text/plain; charset=utf-16", [0xFF, 0xFE].into_iter().chain("größe".encode_utf16().flat_map(u16::to_le_bytes)).collect())
        }
        "utf8-bom" => ("application/json", "\u{feff}{\"a\":\"ü\"}".as_bytes().to_vec()),
        "windows-1251" => ("text/plain; charset=windows-1251", b"\xcf\xf0\xe8\xe2\xe5\xf2".to_vec()),
        "ascii" => ("text/plain", b"plain".to_vec()),
        "html" => ("text/html", b"<h1>Proxy says no</h1>".to_vec()),
        "json-as-text" => ("text/plain", b"{\"state\":\"finished\"}".to_vec()),
        _ => ("text/plain; charset=utf-8", "grün".as_bytes().to_vec()),
    };
    let mut answer = Response::new(Body::from(bytes));
    set(answer.headers_mut(), "content-type", kind);
    answer
}

async fn empty(Path(status): Path<u16>) -> Response {
    answer::bare(StatusCode::from_u16(status).unwrap_or(StatusCode::NO_CONTENT))
}

/// So many bytes that do not repeat soon, in pieces.
async fn big(Path(size): Path<usize>) -> Response {
    const PIECE: usize = 64 << 10;
    let pieces = (0..size.div_ceil(PIECE)).map(move |n| {
        let length = PIECE.min(size - n * PIECE);
        let bytes: Vec<u8> = (0..length).map(|at| u8::try_from((n * 31 + at * 7 + at / 251) % 256).unwrap_or(0)).collect();
        Ok::<_, std::io::Error>(Bytes::from(bytes))
    });
    let mut answer = Response::new(Body::from_stream(futures::stream::iter(pieces)));
    set(answer.headers_mut(), "content-type", "application/octet-stream");
    set(answer.headers_mut(), "content-disposition", "attachment; filename=\"big.bin\"");
    answer
}

async fn endless() -> Response {
    let piece = Bytes::from(vec![b'x'; 64 << 10]);
    let stream = futures::stream::repeat(piece).map(Ok::<_, std::io::Error>);
    Response::new(Body::from_stream(stream))
}

async fn file(Path(form): Path<String>) -> Response {
    let disposition = match form.as_str() {
        "unquoted" => "attachment; filename=report.pdf",
        "star" => "attachment; filename*=UTF-8''gr%C3%BC%C3%9Fe.docx",
        "climbing" => "attachment; filename=\"../../etc/passwd\"",
        "none" => "",
        _ => "attachment; filename=\"sample.exe\"",
    };
    let mut answer = Response::new(Body::from("MZ plain malware bytes that must not lie on a disk"));
    set(answer.headers_mut(), "content-type", "application/x-msdownload");
    if !disposition.is_empty() {
        set(answer.headers_mut(), "content-disposition", disposition);
    }
    answer
}

async fn status(Path(status): Path<u16>) -> Response {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
    let mut answer = error(code, "generalException", "The probe was asked for this status.");
    if status == 429 || status == 503 {
        set(answer.headers_mut(), "retry-after", "1");
    }
    answer::set(answer.headers_mut(), "request-id", "probe-request");
    answer
}

/// A state that is `running` for so many looks at this address and `finished` from then on.
async fn states(State(azure): State<Arc<Azure>>, Path(looks): Path<u32>, RawQuery(query): RawQuery) -> Response {
    let key = format!("states {looks} {}", query.unwrap_or_default());
    let mut tables = azure.tables();
    let seen = tables.monitors.entry(key).or_insert(0);
    *seen += 1;
    let value: Value = if *seen > looks {
        json!({"data": {"state": "finished"}, "state": "finished", "percentage": 100, "looks": *seen})
    } else {
        json!({"data": {"state": "running"}, "state": "finished", "percentage": 10, "looks": *seen})
    };
    ok(&value)
}

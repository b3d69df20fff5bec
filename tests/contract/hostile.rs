//! Vendors that mean harm: a listener that answers whatever a test wants, byte by byte, and remembers what it was sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What reached a hostile server.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: String,
    pub path: String,
    /// The head as it came, in lower case.
    pub head: String,
    pub body: String,
}

/// A server on loopback; it lives as long as the test's process.
pub struct Hostile {
    pub root: String,
    pub received: Arc<Mutex<Vec<Received>>>,
}

/// Starts a server that answers every request by this function, on a connection of its own.
pub fn serve(answer: impl Fn(&Received, &mut TcpStream) + Send + Sync + 'static) -> Hostile {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let received: Arc<Mutex<Vec<Received>>> = Arc::default();
    let (list, answer) = (Arc::clone(&received), Arc::new(answer));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (list, answer) = (Arc::clone(&list), Arc::clone(&answer));
            std::thread::spawn(move || {
                let mut stream = stream;
                if let Some(request) = read(&stream) {
                    list.lock().unwrap().push(request.clone());
                    answer(&request, &mut stream);
                }
            });
        }
    });
    Hostile { root, received }
}

impl Hostile {
    /// What reached it so far, sign-ins left out.
    pub fn asked(&self) -> Vec<Received> {
        self.received.lock().unwrap().iter().filter(|request| !request.path.contains("token")).cloned().collect()
    }
}

fn read(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let mut words = head.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let head = head.to_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Received { method, path, head, body: String::from_utf8_lossy(&body).into_owned() })
}

/// A whole answer.
pub fn answer(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    // Whoever asked may be gone.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

/// A whole JSON answer.
pub fn json(stream: &mut TcpStream, text: &str) {
    answer(stream, "200 OK", "content-type: application/json\r\n", text.as_bytes());
}

/// A token, good for an hour.
pub fn token(stream: &mut TcpStream) {
    json(stream, r#"{"token_type":"Bearer","expires_in":3600,"access_token":"canary-access-token"}"#);
}

/// An Azure API connection to a hostile server, for Execute HTTP Request.
pub fn azure(root: &str) -> String {
    format!(
        "[[connection]]\nname = \"azure\"\nvendor = \"azure-api\"\n[connection.parameters]\nlogin_api_root = \"{root}\"\n\
         graph_api_root = \"{root}\"\nclient_id = \"app\"\ntenant_id = \"tenant\"\ntest_url = \"{root}/v1.0/x\"\n\
         client_secret = {{ env = \"CANARY_SECRET\" }}\n"
    )
}

/// Hands out tokens of every kind, and answers everything else with this JSON.
pub fn signed_in(request: &Received, stream: &mut TcpStream, text: impl Fn() -> String) {
    if request.path.contains("login") {
        let expiry = jiff::Timestamp::now().as_second() + 3600;
        json(stream, &serde_json::json!({"token": "canary-session", "expire_time_sec": expiry}).to_string());
    } else if request.path.contains("token") {
        token(stream);
    } else {
        json(stream, &text());
    }
}

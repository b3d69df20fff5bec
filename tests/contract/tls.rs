//! Who answers must show a certificate that is in date, for its name, and from an authority that is trusted; else nothing is sent.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::clock::off_by;
use super::desk::Desk;
use super::hostile;

fn file(name: &str) -> String {
    format!("{}/tests/contract/tls/{name}.pem", env!("CARGO_MANIFEST_DIR"))
}

/// A server with a certificate that the test's own authority signed; gives its root, and counts the requests that reached it.
fn serve(certificate: &str) -> (String, Arc<AtomicUsize>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let chain = CertificateDer::pem_file_iter(file(certificate)).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(file("key")).unwrap();
    let config = Arc::new(ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let root = format!("https://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let requests = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (config, requests) = (Arc::clone(&config), Arc::clone(&requests));
            std::thread::spawn(move || {
                let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
                // Who does not like the certificate says so, and sends nothing.
                if !matches!(stream.read(&mut [0; 8192]), Ok(1..)) {
                    return;
                }
                requests.fetch_add(1, Ordering::SeqCst);
                let body = r#"{"token_type":"Bearer","expires_in":3600,"access_token":"canary-access-token"}"#;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.flush());
                stream.conn.send_close_notify();
                let _ = stream.flush();
            });
        }
    });
    (root, count)
}

#[test]
fn only_a_certificate_that_is_right_gets_a_credential() {
    const YEAR: i64 = 365 * 24 * 3_600;
    // The certificate, whether its authority is trusted, how far off the clock is, and what is said where it is refused.
    let cases = [
        ("good", true, 0, None),
        ("good", false, 0, Some("authority that is not trusted")),
        ("other-name", true, 0, Some("is for another name")),
        ("good", true, 200 * YEAR, Some("has expired")),
        ("good", true, -10 * YEAR, Some("is not valid yet")),
    ];
    for (certificate, trusted, clock, refused) in cases {
        let (root, requests) = serve(certificate);
        let desk = Desk::bare();
        let authority = if trusted {
            format!("ca_file = \"{}\"\n[connection.parameters]", file("authority"))
        } else {
            "[connection.parameters]".into()
        };
        desk.configure(&hostile::azure(&root).replace("[connection.parameters]", &authority));
        let told = off_by(&desk, clock, &["run", "azure", "ping"]).ended(i32::from(refused.is_some()));
        let case = format!("{certificate}, trusted {trusted}, {clock} s: {told:?}");
        match refused {
            None => assert!(requests.load(Ordering::SeqCst) > 0, "{case}"),
            Some(said) => {
                assert!(told.stdout.contains(said) && told.stdout.contains("othing was sent"), "{case}");
                assert_eq!(requests.load(Ordering::SeqCst), 0, "{case}");
            }
        }
    }
}

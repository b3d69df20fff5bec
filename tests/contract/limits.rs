//! Answers that are too large, endless, too deep or too many: `Failed` with the limit named, within 300 MB.

use std::io::Write;
use std::net::TcpStream;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::desk::{BINARY, Desk};
use super::hostile::{self, Received, serve};

/// Runs Execute HTTP Request against an answer; gives the exit code, the report and the most memory that was used, in KiB.
fn execute(answer: impl Fn(&Received, &mut TcpStream) + Send + Sync + 'static) -> (i32, serde_json::Value, u64) {
    let server =
        serve(move |request, stream| if request.path.contains("token") { hostile::token(stream) } else { answer(request, stream) });
    let desk = Desk::bare();
    desk.configure(&hostile::azure(&server.root));
    // A shell that does not end reads what its child used at most.
    let script = format!(
        "{BINARY} run azure execute-http-request url_path=/v1.0/x --timeout 50 & pid=$!; peak=0; \
         while line=$(grep VmHWM /proc/$pid/status 2>/dev/null); do set -- $line; peak=$2; sleep 0.05; done; wait $pid; code=$?; \
         echo $peak > {home}/peak; exit $code",
        home = desk.home.path().display()
    );
    let mut command = std::process::Command::new("bash");
    command.args(["-c", &script]).env("CANARY_SECRET", "canary-client-secret");
    command.env("NIGHTDESK_CONFIG_DIR", desk.config_dir()).env("NIGHTDESK_DATA_DIR", desk.data_dir());
    let ran = super::desk::ran(&mut command);
    let peak = std::fs::read_to_string(desk.home.path().join("peak")).unwrap().trim().parse().unwrap();
    (ran.code, ran.line(), peak)
}

#[track_caller]
fn fails_with(limit: &str, (code, report, peak): (i32, serde_json::Value, u64)) {
    assert_eq!(code, 1, "{report}");
    assert_eq!(report["return_data"], "Failed");
    let said = report["errors"][0]["message"].as_str().unwrap().to_owned();
    assert!(said.contains(limit), "{said}");
    assert!(peak < 300 * 1024, "{peak} KiB");
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_gzip_bomb_is_not_unpacked() {
    let bomb = zipped(&vec![b' '; 400 * 1024 * 1024]);
    fails_with("limit", execute(move |_, stream| hostile::answer(stream, "200 OK", "content-encoding: gzip\r\n", &bomb)));
}

#[test]
fn an_endless_body_is_not_read_to_its_end() {
    let endless = |_: &Received, stream: &mut TcpStream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        let chunk = [b"10000\r\n".as_slice(), &vec![b'a'; 0x10000], b"\r\n"].concat();
        while stream.write_all(&chunk).is_ok() {}
    };
    fails_with("limit", execute(endless));
}

#[test]
fn a_large_answer_of_small_values_stays_within_memory() {
    let text = format!("[{}0]", "[],".repeat(5_000_000));
    let (_, report, peak) = execute(move |_, stream| hostile::json(stream, &text));
    assert!(peak < 300 * 1024, "{peak} KiB: {}", report["return_data"]);
}

#[test]
fn nesting_has_a_limit_and_a_hundred_levels_are_fine() {
    let nested = |levels: usize| format!("{}1{}", "{\"a\":[".repeat(levels / 2), "]}".repeat(levels / 2));
    fails_with("levels", execute(move |_, stream| hostile::json(stream, &nested(200_000))));
    fails_with("levels", execute(move |_, stream| hostile::json(stream, &nested(128))));
    let (code, report, _) = execute(move |_, stream| hostile::json(stream, &nested(100)));
    assert_eq!((code, report["return_data"].as_str()), (0, Some("Successful")));
}

#[test]
fn a_flood_of_headers_is_cut_off() {
    let flood = |_: &Received, stream: &mut TcpStream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(format!("x-{}: {}\r\n", "a".repeat(20), "b".repeat(4000)).as_bytes()).is_ok() {}
    };
    let (code, report, peak) = execute(flood);
    assert_eq!((code, report["return_data"].as_str()), (1, Some("Failed")), "{report}");
    assert!(report["errors"][0]["message"].as_str().unwrap().contains("limit"), "{report}");
    assert!(peak < 300 * 1024, "{peak} KiB");
}

#[test]
fn two_encodings_at_once_are_refused() {
    let twice = zipped(&zipped(b"{}"));
    fails_with("limit", execute(move |_, stream| hostile::answer(stream, "200 OK", "content-encoding: gzip, gzip\r\n", &twice)));
}

#[test]
fn a_body_that_breaks_off_is_no_answer() {
    let cut = |_: &Received, stream: &mut TcpStream| {
        let _ = stream.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\nconnection: close\r\n\r\n{\"value\":[",
        );
    };
    let (code, report, _) = execute(cut);
    assert_eq!((code, report["return_data"].as_str()), (1, Some("Failed")), "{report}");
}

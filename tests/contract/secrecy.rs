//! No secret in clear: not on the disk, not in a table, not on stderr, and where a server echoes one, not in JSON either.

use super::desk::{Desk, Ran};
use super::hostile::{self, Received, serve};

const CANARIES: [&str; 12] = [
    "canary-01-azure-client-secret",
    "canary-02-azure-refresh",
    "canary-03-azure-access",
    "canary-04-azure-rotated",
    "canary-05-wiz-secret",
    "canary-06-wiz-access",
    "canary-07-vault",
    "canary-08-plain",
    "canary-09-header",
    "canary-10-cookie",
    "canary-11-code",
    "canary-12-vault-key",
];

fn echo(request: &Received, stream: &mut std::net::TcpStream) {
    if request.path.contains("token") {
        let (access, refresh) = if request.path.starts_with("/wiz") { (CANARIES[5], "") } else { (CANARIES[2], CANARIES[3]) };
        let refresh = if refresh.is_empty() { String::new() } else { format!(",\"refresh_token\":\"{refresh}\"") };
        if request.path.contains("refusing") {
            let told = serde_json::json!({"error": "invalid_client", "error_description": format!("you sent {}", request.body)});
            return hostile::answer(stream, "401 No", "", told.to_string().as_bytes());
        }
        return hostile::json(stream, &format!(r#"{{"token_type":"Bearer","expires_in":3600,"access_token":"{access}"{refresh}}}"#));
    }
    // Everything that came goes back, whatever the status.
    let told = format!("you sent {} {} {}", request.path, request.head, request.body);
    let body =
        serde_json::json!({"error": {"message": told}, "errors": [{"message": told}], "data": null, "echo": request.head}).to_string();
    let header = request.head.split("authorization: ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap_or("none").to_owned();
    let status = if request.path.contains("fail") { "400 Bad" } else { "200 OK" };
    hostile::answer(
        stream,
        status,
        &format!("content-type: application/json\r\nx-echo: {header}\r\nset-cookie: echo={header}\r\nrequest-id: {header}\r\n"),
        body.as_bytes(),
    );
}

fn configuration(root: &str, login: &str) -> String {
    format!(
        "{azure}refresh_token = {{ env = \"CANARY_REFRESH\" }}\n\n\
         [[connection]]\nname = \"wiz\"\nvendor = \"wiz\"\n[connection.parameters]\napi_endpoint_url = \"{root}\"\n\
         auth_url = \"{root}/wiz{login}/token\"\nclient_id = \"id\"\nclient_secret = {{ command = [\"printf\", \"{wiz}\"] }}\n\n\
         [[connection]]\nname = \"vaulted\"\nvendor = \"wiz\"\n[connection.parameters]\napi_endpoint_url = \"{root}\"\n\
         auth_url = \"{root}/wiz{login}/token\"\nclient_id = \"id\"\nclient_secret = {{ vault = \"mine\" }}\n\n\
         [[connection]]\nname = \"plain\"\nvendor = \"wiz\"\n[connection.parameters]\napi_endpoint_url = \"{root}\"\n\
         auth_url = \"{root}/wiz{login}/token\"\nclient_id = \"id\"\nclient_secret = \"{plain}\"\n",
        azure = hostile::azure(root).replace(&format!("login_api_root = \"{root}\""), &format!("login_api_root = \"{root}{login}\"")),
        wiz = CANARIES[4],
        plain = CANARIES[7],
    )
}

#[test]
fn twelve_canaries_stay_in_their_cages() {
    let server = serve(echo);
    let desk = Desk::bare();
    let call = |arguments: &[&str], stdin: &str| -> Ran {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), stdin).unwrap();
        let mut command = desk.command(arguments);
        command.env("CANARY_SECRET", CANARIES[0]).env("CANARY_REFRESH", CANARIES[1]).env("NIGHTDESK_VAULT_KEY", CANARIES[11]);
        super::desk::ran(command.stdin(std::fs::File::open(file.path()).unwrap()))
    };
    call(&["secrets", "set", "mine"], CANARIES[6]).ended(0);
    let secret_params =
        format!(r#"{{"url_path":"/v1.0/echo","headers":{{"X-Api-Key":"{}"}},"cookie":{{"session":"{}"}}}}"#, CANARIES[8], CANARIES[9]);
    let failing = secret_params.replace("/v1.0/echo", "/v1.0/fail");
    let code = format!(r#"{{"authorization_url":"http://localhost/?code={}&state=1"}}"#, CANARIES[10]);
    let execute: &[&str] = &["run", "azure", "execute-http-request", "--params", "-"];
    let saved = [execute, &["save_to_case_wall=true", "password_protect_zip=false"]].concat();
    let mut said = Vec::new();
    for login in ["", "/refusing"] {
        desk.configure(&configuration(&server.root, login));
        if !login.is_empty() {
            // Without the kept tokens every call signs in again, and is refused.
            let _ = std::fs::remove_file(desk.data_dir().join("vault"));
            call(&["secrets", "set", "mine"], CANARIES[6]).ended(0);
        }
        for output in ["json", "table"] {
            for (arguments, stdin) in [
                (execute, secret_params.as_str()),
                (execute, failing.as_str()),
                (&saved, secret_params.as_str()),
                (&[execute, &["--dry-run"]].concat(), secret_params.as_str()),
                (&[execute, &["method=POST", "body_payload={}"]].concat(), secret_params.as_str()),
                (&["run", "azure", "ping"], ""),
                (&["run", "azure", "get-authorization"], ""),
                (&["run", "azure", "generate-token", "--params", "-"], code.as_str()),
                (&["run", "azure", "generate-token", "--dry-run", "--params", "-"], code.as_str()),
                (&["run", "wiz", "list-projects"], ""),
                (&["run", "wiz", "test-connection"], ""),
                (&["run", "vaulted", "fetch-event", "event_type=Issues"], ""),
                (&["run", "plain", "list-projects", "--dry-run"], ""),
                (&["run", "plain", "list-projects"], ""),
                (&["fetch"], ""),
                (&["connections", "test"], ""),
                (&["connections", "list"], ""),
                (&["jobs", "run", "refresh-token-renewal"], ""),
                (&["jobs", "run", "wiz/health-check"], ""),
                (&["jobs", "list"], ""),
                (&["audit", "list"], ""),
                (&["events"], ""),
                (&["secrets", "list"], ""),
                (&["config", "check"], ""),
            ] {
                let arguments = [arguments, &["-v", "--output", output]].concat();
                let ran = call(&arguments, stdin);
                said.push((format!("{arguments:?} {login}"), ran));
            }
        }
    }
    for (call, ran) in &said {
        for canary in CANARIES {
            assert!(!ran.stderr.contains(canary), "{canary} on stderr of {call}: {}", ran.stderr);
            assert!(!ran.stdout.contains(canary), "{canary} on stdout of {call}: {}", ran.stdout);
        }
    }
    assert!(said.iter().filter(|(call, ran)| call.contains("execute") && ran.code == 0).count() > 3, "the calls went through");
    for file in desk.files() {
        let bytes = std::fs::read(&file).unwrap();
        for canary in CANARIES {
            let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            // An attachment that the analyst asked for holds what the server sent.
            assert!(!found || file.extension().is_some_and(|extension| extension == "zip"), "{canary} in {}", file.display());
        }
    }
}

#[test]
fn a_secret_on_the_command_line_draws_a_warning() {
    let server = serve(echo);
    let desk = Desk::bare();
    desk.configure(&configuration(&server.root, ""));
    for (given, more) in
        [("?code=canary-11-code&state=1", "--yes"), ("?foo=canary-11-code", "--yes"), ("?code=canary-11-code", "not a pair")]
    {
        let given = format!("authorization_url=http://localhost/{given}");
        let mut command = desk.command(&["run", "azure", "generate-token", &given, more]);
        command.env("CANARY_SECRET", CANARIES[0]).env("CANARY_REFRESH", CANARIES[1]);
        let ran = super::desk::ran(&mut command);
        assert!(ran.stderr.contains("--params -") && !ran.stderr.contains("canary-11"), "{given}: {ran:?}");
    }
}

/// Runs a call with and without `--dry-run` and has it read back: none of these values may be shown or kept.
fn stays_hidden(desk: &Desk, run: &[&str], stdin: &str, values: &[&str]) -> Vec<serde_json::Value> {
    let call = |arguments: &[&str]| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), stdin).unwrap();
        let mut command = desk.command(arguments);
        command.env("CANARY_SECRET", CANARIES[0]).env("CANARY_REFRESH", CANARIES[1]).env("NIGHTDESK_VAULT_KEY", CANARIES[11]);
        super::desk::ran(command.stdin(std::fs::File::open(file.path()).unwrap()))
    };
    let planned = call(&[run, &["--dry-run"]].concat()).ended(0);
    let ran = call(run).ended(0);
    let record = call(&["audit", "list", "--limit", "1"]).ended(0);
    for value in values {
        for (what, text) in [("dry run", &planned.stdout), ("stderr", &ran.stderr), ("record", &record.stdout)] {
            assert!(!text.contains(value), "{value} in the {what}: {text}");
        }
        for file in desk.files() {
            let bytes = std::fs::read(&file).unwrap();
            assert!(!bytes.windows(value.len()).any(|window| window == value.as_bytes()), "{value} in {}", file.display());
        }
    }
    vec![planned.line(), record.line(), ran.stderr.into()]
}

#[test]
fn secret_headers_cookies_and_fields_of_an_openapi_document_stay_hidden() {
    const DOCUMENT: &str = r##"{"openapi": "3.0.3", "paths": {"/a": {
        "get": {"operationId": "a", "responses": {}, "parameters": [
            {"name": "Ocp-Apim-Subscription-Key", "in": "header", "schema": {"type": "string"}},
            {"name": "X-Key", "in": "header", "schema": {"type": "array", "items": {"type": "string"}}},
            {"name": "X-Secret-Id", "in": "header", "schema": {"type": "string"}},
            {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
            {"name": "session", "in": "cookie", "schema": {"type": "string"}},
            {"name": "page_token", "in": "query", "schema": {"type": "string"}}]},
        "post": {"operationId": "b", "responses": {}, "requestBody": {"content": {"application/json": {"schema": {"type": "object",
            "properties": {"client_secret": {"type": "string"}, "pin": {"$ref": "#/components/schemas/Pin"}, "name": {"type": "string"},
                "within": {"type": "object", "properties": {"pin": {"$ref": "#/components/schemas/Pin"}, "apiKey": {"type": "string"}}}}}}}}}}},
        "components": {"schemas": {"Pin": {"type": "string", "format": "password"}}}}"##;
    let server = serve(echo);
    let desk = Desk::bare();
    desk.configure(&format!(
        "[[connection]]\nname = \"o\"\nvendor = \"openapi\"\n[connection.parameters]\ndocument = \"a.json\"\nbase_url = \"{}\"\n",
        server.root
    ));
    std::fs::write(desk.config_dir().join("a.json"), DOCUMENT).unwrap();
    let given = ["Ocp-Apim-Subscription-Key=ZZ1secret", "X-Key=ZZ2secret", "session=ZZ3secret", "X-Secret-Id=ZZ4secret"];
    let plain = ["X-Trace=seen-trace", "page_token=seen-page"];
    let values = ["ZZ1secret", "ZZ2secret", "ZZ3secret", "ZZ4secret"];
    let told = stays_hidden(&desk, &[&["run", "o", "a"], &given[..], &plain].concat(), "", &values);
    for name in given.map(|pair| pair.split_once('=').unwrap().0) {
        assert!(told[2].as_str().unwrap().contains(&format!("{name} is secret")), "{name}: {}", told[2]);
        assert_eq!(told[1]["arguments"][name], "***", "{}", told[1]);
    }
    for seen in ["seen-trace", "seen-page"] {
        assert!(told[..2].iter().all(|line| line.to_string().contains(seen)), "{told:?}");
    }
    let members = r#"{"client_secret":"ZZ5secret","pin":"ZZ6","within":{"pin":"ZZ7","apiKey":"ZZ8secret"},"name":"seen-name"}"#;
    let values = ["ZZ5secret", "ZZ6", "ZZ7", "ZZ8secret"];
    for stdin in [members.to_owned(), format!("{{\"body\":{members}}}")] {
        let told = stays_hidden(&desk, &["run", "o", "b", "--params", "-"], &stdin, &values);
        assert!(told[..2].iter().all(|line| line.to_string().contains("seen-name")), "{told:?}");
    }
}

#[test]
fn secrets_in_queries_and_forms_stay_hidden() {
    let server = serve(echo);
    let desk = Desk::bare();
    desk.configure(&configuration(&server.root, ""));
    let execute = ["run", "azure", "execute-http-request"];
    let values = ["AAAtok1", "BBBsig2", "CCCtmp3", "DDDcode4", "EEEtoken5"];
    let path = "url_path=/v1.0/users?$top=17&access_token=AAAtok1&sig=BBBsig2&tempauth=CCCtmp3&code=DDDcode4&id_token=EEEtoken5";
    let parameters =
        r#"{"$top":17,"access_token":"AAAtok1","sig":["BBBsig2"],"tempauth":"CCCtmp3","code":"DDDcode4","id_token":"EEEtoken5"}"#;
    let form = path.replace("url_path=/v1.0/users?", "");
    let fields = ["method=POST", "url_path=/v1.0/users", r#"headers={"Content-Type":"application/x-www-form-urlencoded"}"#];
    for given in [
        &[path][..],
        &["url_path=/v1.0/users", &format!("url_params={parameters}")],
        &[&fields[..], &[&format!("body_payload={form}")]].concat(),
    ] {
        let told = stays_hidden(&desk, &[&execute, given, &["fields_to_return=response_code,redirects"]].concat(), "", &values);
        assert!(told[..2].iter().all(|line| line.to_string().contains("17")), "{told:?}");
    }
}

#[test]
fn hostile_text_is_harmless_in_tables() {
    let desk = Desk::with(&["azure-demo", "wiz-demo"], &["--fault", "hostile-text"]);
    desk.call(&["fetch"]).ended(0);
    for call in [
        &["events"][..],
        &["run", "wiz-demo", "fetch-event", "event_type=Issues"],
        &["run", "wiz-demo", "list-projects"],
        &["run", "azure-demo", "execute-http-request", "url_path=/v1.0/users"],
        &["run", "azure-demo", "execute-http-request", "url_path=/v1.0/auditLogs/signIns"],
        &["audit", "list"],
        &["connections", "list"],
    ] {
        let ran = desk.call(&[call, &["--output", "table"]].concat());
        let odd = |c: char| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        };
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains(odd), "{call:?}: {:?}", text.chars().find(|c| odd(*c)));
        }
    }
    // JSON keeps the text, and it is hostile indeed.
    let told = desk.call(&["events", "--output", "json", "--limit", "100000"]).ended(0).lines();
    assert!(told.iter().any(|event| event.to_string().contains("\\u001b")), "nothing hostile came");
}

#[test]
fn no_crash_writes_the_memory_to_a_file() {
    let desk = Desk::with(&["wiz-demo"], &["--events", "10"]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", desk.process())).unwrap();
    let core: Vec<&str> = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap().split_whitespace().collect();
    assert_eq!(core[4..6], ["0", "0"], "{limits}");
}

//! Any OpenAPI document as a connection: what is made of it, and what is sent.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use jiff::Timestamp;
use nightdesk::config::connections;
use nightdesk::core::catalogue::{Arguments, Effect, Entry, Given, Invalid, validate};
use nightdesk::core::outcome::ReturnData;
use nightdesk::simulator::{Server, serve};
use nightdesk::vendor;
use serde_json::{Value, json};

use crate::support::{Desk, desk_on};

const SHOP: &str = include_str!("openapi_fixtures/shop.yaml");

/// What a request said: method and address, headers, body.
type Seen = Arc<Mutex<Vec<(String, String, String)>>>;

/// A service that takes everything and remembers it.
async fn service() -> (Server, Seen) {
    let seen = Seen::default();
    let list = Arc::clone(&seen);
    let server = serve(move |_| {
        Router::new().fallback(async move |request: Request| {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            let told = format!("{} {}", head.method, head.uri);
            list.lock().unwrap().push((told.clone(), format!("{:?}", head.headers), String::from_utf8_lossy(&body).into_owned()));
            if told.contains("token") {
                json!({"access_token": "at-1", "expires_in": 60}).to_string()
            } else {
                json!([{"told": told}]).to_string()
            }
        })
    })
    .await
    .unwrap();
    (server, seen)
}

/// A connection to that service with the shop's document.
async fn shop(auth: &str) -> (Desk, Server, Seen) {
    let (server, seen) = service().await;
    let home = tempfile::tempdir().unwrap();
    let text = configuration(home.path(), SHOP, &server.root, auth);
    (desk_on("openapi", home, &text).await, server, seen)
}

fn configuration(home: &Path, document: &str, root: &str, auth: &str) -> String {
    let config = home.join("config");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("shop.yaml"), document).unwrap();
    format!(
        "[[connection]]\nname = \"shop\"\nvendor = \"openapi\"\n[connection.parameters]\ndocument = \"shop.yaml\"\nbase_url = \"{root}/v1\"\n{auth}\n"
    )
}

fn entry(document: &str) -> Result<Entry, String> {
    let home = tempfile::tempdir().unwrap();
    let text = configuration(home.path(), document, "http://127.0.0.1:1", "");
    let file = home.path().join("config/connections.toml");
    let read = connections::parse(&file, &text, &vendor::all()).map_err(|problems| problems[0].message.clone())?;
    Ok((vendor::find("openapi").unwrap().open)(&read.all[0].connection).unwrap())
}

fn checked(entry: &Entry, command: &str, given: &Value) -> Result<Arguments, Vec<Invalid>> {
    let given = given.as_object().unwrap().iter().map(|(name, value)| (name.clone(), Given::Json(value.clone()))).collect();
    validate(entry.command(command).unwrap(), given, Timestamp::UNIX_EPOCH)
}

#[test]
fn operations_become_commands() {
    let entry = entry(SHOP).unwrap();
    let named: Vec<_> = entry.commands.iter().map(|command| (command.name.as_str(), command.class.effect)).collect();
    assert_eq!(
        named,
        [
            ("list-items", Effect::Read),
            ("create-item", Effect::Write),
            ("replace-item", Effect::Write),
            ("delete-items-id", Effect::Destructive),
            ("pay", Effect::Write),
            ("elsewhere", Effect::Write),
            ("test-connection", Effect::Read),
        ]
    );
    let inputs = |command: &str| -> Vec<String> {
        entry.command(command).unwrap().parameters.iter().map(|parameter| parameter.name.clone()).collect()
    };
    assert_eq!(inputs("listItems"), ["limit", "tag", "ids", "filter", "state", "X-Trace"]);
    assert_eq!(inputs("replace-item"), ["path.id", "name", "body.id", "state", "parts", "parent", "stock", "body"]);
    let limit = &entry.command("list-items").unwrap().parameters[0];
    assert_eq!((limit.default.clone(), limit.r#type.name()), (Some(json!(20)), "integer"));
}

#[test]
fn arguments_are_held_against_the_schema() {
    let entry = entry(SHOP).unwrap();
    for (command, given, parameter) in [
        ("list-items", json!({"limit": 51}), "limit"),
        ("list-items", json!({"state": "lost"}), "state"),
        ("delete-items-id", json!({"id": ".."}), "id"),
        ("create-item", json!({"stock": 1}), "name"),
        ("create-item", json!({"body": {"stock": 1}}), "name"),
        ("create-item", json!({"name": "x", "parent": {"name": "y", "parts": [{"stock": -1, "name": "z"}]}}), "parent"),
        ("create-item", json!({"name": "x", "parts": [{"parts": [{"name": 5}]}]}), "parts"),
        ("create-item", json!({"name": "much longer than twenty letters"}), "name"),
    ] {
        let complaints = checked(&entry, command, &given).unwrap_err();
        assert_eq!(complaints[0].parameter, parameter, "{command} {given}: {complaints:?}");
    }
    assert!(checked(&entry, "create-item", &json!({"body": {"name": "x"}})).is_ok());
    let outside = checked(&entry, "elsewhere", &json!({"body": {"anything": 1}})).unwrap_err();
    assert!(outside[0].message.contains("https://nowhere.invalid/schema.json"), "{outside:?}");
}

#[test]
fn what_is_no_document_is_refused_with_the_reason() {
    for (text, reason) in [
        ("swagger: '2.0'\npaths: {}", "Swagger 2"),
        ("openapi: 3.0.3", "no paths"),
        ("{\"openapi\": ", "not JSON"),
        ("openapi: [", "neither JSON nor YAML"),
        ("openapi: 4.0.0\npaths: {}", "4.0.0"),
        ("openapi: 3.0.0\npaths:\n  /a:\n    $ref: 'https://elsewhere.example/a.yaml'", "https://elsewhere.example/a.yaml"),
    ] {
        let said = entry(text).unwrap_err();
        assert!(said.contains(reason), "{said}");
    }
}

#[tokio::test]
async fn what_is_sent_is_what_the_document_says() {
    let (desk, _server, seen) = shop("auth = { type = \"bearer\", token = \"t-1\" }").await;
    for (command, arguments) in [
        ("list-items", json!({"limit": 5, "tag": ["a b", "c"], "ids": [1, 2], "filter": {"colour": "red"}, "header.X-Trace": "x1"})),
        ("replace-item", json!({"path.id": "a/b", "body.id": "c", "name": "n"})),
        // The place may be written where it is plain, too.
        ("delete-items-id", json!({"path.id": "7?x#y"})),
        ("pay", json!({"amount": 2.5, "card": "4111"})),
        ("test-connection", json!({})),
    ] {
        let outcome = desk.run(command, arguments).await;
        assert_eq!(outcome.return_data, ReturnData::Successful, "{command}: {:?}", outcome.errors);
    }
    let seen = seen.lock().unwrap().clone();
    let told: Vec<_> = seen.iter().map(|(told, _, body)| (told.as_str(), body.as_str())).collect();
    assert_eq!(
        told,
        [
            ("GET /v1/items?limit=5&tag=a%20b&tag=c&ids=1%2C2&filter%5Bcolour%5D=red", ""),
            ("PUT /v1/items/a%2Fb", "{\"name\":\"n\",\"id\":\"c\"}"),
            ("DELETE /v1/items/7%3Fx%23y", ""),
            ("POST /v1/pay", "amount=2.5&card=4111"),
            ("GET /v1", ""),
        ]
    );
    assert!(seen.iter().all(|(_, headers, _)| headers.contains("Bearer t-1")));
    assert!(seen[0].1.contains("x-trace"));
}

#[tokio::test]
async fn each_way_of_authorisation_works() {
    for (auth, wanted) in [
        ("auth = { type = \"basic\", username = \"dana\", password = \"pw\" }", "Basic ZGFuYTpwdw=="),
        ("auth = { type = \"header\", name = \"X-Api-Key\", value = \"k-1\" }", "k-1"),
        ("auth = { type = \"query\", name = \"key\", value = \"k-2\" }", "key=k-2"),
    ] {
        let (desk, _server, seen) = shop(auth).await;
        assert_eq!(desk.run("list-items", json!({})).await.return_data, ReturnData::Successful, "{auth}");
        let (told, headers, _) = seen.lock().unwrap()[0].clone();
        assert!(told.contains(wanted) || headers.contains(wanted), "{auth}: {told} {headers}");
    }
    let (server, seen) = service().await;
    let home = tempfile::tempdir().unwrap();
    let auth = format!("auth = {{ type = \"oauth2\", token_url = \"{}/token\", client_id = \"c\", client_secret = \"s\" }}", server.root);
    let text = configuration(home.path(), SHOP, &server.root, &auth);
    let desk = desk_on("openapi", home, &text).await;
    assert_eq!(desk.run("list-items", json!({})).await.return_data, ReturnData::Successful);
    assert!(seen.lock().unwrap()[1].1.contains("Bearer at-1"));
}

/// Documents of others, where there are any: `NIGHTDESK_OPENAPI_DOCUMENTS` names them, separated by `:`. None is shipped here.
#[test]
fn documents_of_others_are_read() {
    for path in std::env::var("NIGHTDESK_OPENAPI_DOCUMENTS").unwrap_or_default().split(':').filter(|path| !path.is_empty()) {
        let entry = entry(&std::fs::read_to_string(path).unwrap()).unwrap();
        let parameters: usize = entry.commands.iter().map(|command| command.parameters.len()).sum();
        println!("{path}: {} commands, {parameters} parameters", entry.commands.len());
        assert!(entry.commands.len() > 1);
    }
}

#[test]
fn words_of_yaml_stay_words_and_credentials_stay_hidden() {
    let text = "openapi: 3.1.0\npaths:\n  /a/{n}:\n    get:\n      parameters:\n        - {name: n, in: path, required: true, \
                schema: {type: string, enum: [yes, no, on]}}\n        - {name: X-Api-Key, in: header, schema: {type: string}}\n        \
                - {name: page_token, in: query, schema: {type: string}}\n      responses:\n        200: {description: fine}\n";
    let entry = entry(text).unwrap();
    let command = &entry.commands[0];
    let inputs: Vec<_> = command.parameters.iter().map(|one| (one.name.as_str(), one.secret)).collect();
    assert_eq!(inputs, [("n", false), ("X-Api-Key", true), ("page_token", false)]);
    for (value, good) in [("no", true), ("on", true), ("maybe", false)] {
        assert_eq!(checked(&entry, &command.name, &json!({"n": value})).is_ok(), good, "{value}");
    }
}

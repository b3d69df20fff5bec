//! The command-line twins of triage: what they print, how they end, that a dry run changes nothing, and that nothing hostile leaves alive.

use serde_json::{Value, json};

use super::desk::Desk;

/// A desk with Wiz's events, and the numbers of the first three.
fn desk() -> (Desk, [String; 3]) {
    let desk = Desk::with(&["wiz-demo"], &[]);
    desk.call(&["fetch"]).ended(0);
    let ids = desk.events().into_iter().take(3).map(|event| event["id"].to_string()).collect::<Vec<_>>();
    (desk, ids.try_into().unwrap())
}

#[test]
fn cases_say_what_was_done_and_what_is_not_there() {
    let (desk, [one, two, three]) = desk();
    let entries = |desk: &Desk| desk.call(&["audit", "list"]).ended(0).lines().len();
    let before = entries(&desk);
    let dry = desk.call(&["case", "create", "Try", "--name", "try", "--dry-run"]).ended(0).line();
    assert_eq!(dry, json!({"name": "try", "title": "Try", "done": false}));
    assert_eq!(entries(&desk), before, "a dry run leaves nothing");
    desk.call(&["case", "show", "try"]).ended(2);

    desk.call(&["case", "create", "Try", "--name", "try"]).ended(0);
    assert!(desk.call(&["case", "create", "Again", "--name", "try"]).ended(2).stderr.contains("there is a case try already"));
    let dry = desk.call(&["case", "add", "try", &one, "--dry-run"]).ended(0).line();
    assert_eq!((&dry["events"], &dry["done"]), (&json!([one.parse::<i64>().unwrap()]), &json!(false)));
    let added = desk.call(&["case", "add", "try", &one, &two, "999999"]).ended(3);
    assert!(added.stderr.contains("there is no event 999999"), "{added:?}");
    assert_eq!(added.line()["events"].as_array().unwrap().len(), 2);
    assert_eq!(desk.call(&["case", "add", "try", &one]).ended(0).line()["events"], json!([]), "it is in already");
    desk.call(&["case", "add", "try", "999999"]).ended(1);
    let opened = desk.call(&["case", "add", "new", &three]).ended(0);
    assert!(opened.stderr.contains("there was no case new") && opened.line()["opened"] == true, "{opened:?}");

    desk.call(&["case", "remove", "try", &three]).ended(1);
    assert_eq!(desk.call(&["case", "remove", "try", &two, &three]).ended(3).line()["events"].as_array().unwrap().len(), 1);
    for call in [&["case", "note", "try", "Seen."][..], &["case", "close", "try"], &["case", "reopen", "try"]] {
        let dry: Vec<&str> = call.iter().copied().chain(["--dry-run"]).collect();
        assert_eq!(desk.call(&dry).ended(0).line(), json!({"name": "try", "done": false}), "{call:?}");
        assert_eq!(desk.call(call).ended(0).line(), json!({"name": "try", "done": true}), "{call:?}");
        let elsewhere: Vec<&str> = call.iter().map(|word| if *word == "try" { "nowhere" } else { word }).collect();
        assert!(desk.call(&elsewhere).ended(2).stderr.contains("there is no case nowhere"), "{call:?}");
    }
    desk.call(&["case", "note", "try", " "]).ended(2);
    desk.call(&["case", "file", "try", "/nowhere/at/all", "--dry-run"]).ended(2);
    desk.call(&["case", "export", "nowhere"]).ended(2);
    assert!(desk.call(&["case", "export", "try"]).ended(0).stdout.starts_with("# Case try\n"));
    assert_eq!(desk.call(&["case", "export", "try", "--output", "json"]).ended(0).line()["id"].to_string(), one);
}

#[test]
fn events_and_entities_refuse_what_says_nothing() {
    let (desk, [one, two, _]) = desk();
    desk.call(&["event", "note", &one, "--text", " "]).ended(2);
    desk.call(&["entities", "hash", ""]).ended(2);
    desk.call(&["entities", "colour", "red"]).ended(2);
    let none = desk.call(&["entities", "ip", "203.0.113.255"]).ended(0).line();
    assert_eq!((&none["vendors"], &none["events"]), (&json!([]), &json!([])));
    desk.call(&["event", "close", &one, "--disposition", "benign", "--dry-run"]).ended(0);
    assert_eq!(desk.call(&["event", "show", &one]).ended(0).line()["status"], "new");
    desk.call(&["event", "show", &one, "999999"]).ended(3);
    desk.call(&["event", "take", &two, "999999"]).ended(3);
    desk.call(&["event", "take", "999999"]).ended(1);
    desk.call(&["export", "title:nothing-has-this-title"]).ended(0);
}

/// Values that would act, link or run where they are opened.
const HOSTILE: [&str; 14] = [
    "=cmd|'/C calc'!A0",
    "+1+1",
    "@SUM(A1)",
    "\u{a0}=1+1",
    "a;=1+1",
    "a\t=1+1",
    "a\r\n=1+1",
    "[x](javascript:alert(1)) ![](http://evil.example/p.png)",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "```\n<b>x</b>\n```",
    "invoice\u{202e}gpj.exe \u{1b}]8;;http://evil.example\u{7}x",
    "HTTPS://localhost/x hTTp://evil ftp://evil.example www.evil.example",
    "$\\href{javascript:alert(1)}{x}$ <javascript:alert(1)>",
    "[x]: http://evil.example",
];

/// What a document of text alone has none of.
fn alive(text: &str) -> Vec<String> {
    let bare = text.replace("\\\\", "").replace("\\<", "").replace("\\[", "").replace("\\`", "").replace("\\!", "").replace("\\$", "");
    let lower = bare.to_lowercase();
    let signs = ["<", "http://", "https://", "ftp://", "www.evil", "![", "\u{202e}", "\u{1b}", "\n```", "$"];
    signs.iter().filter(|sign| lower.contains(**sign)).map(|sign| (*sign).to_owned()).collect()
}

#[test]
fn what_leaves_the_house_is_dead() {
    let (desk, [one, two, _]) = desk();
    desk.call(&["case", "create", HOSTILE[7], "--name", "evil"]).ended(0);
    desk.call(&["case", "add", "evil", &one, &two]).ended(0);
    for value in HOSTILE {
        desk.call(&["case", "note", "evil", "--", value]).ended(0);
        desk.call(&["event", "note", &one, "--text", value]).ended(0);
        desk.call(&["event", "close", &two, "--disposition", "true_positive", "--note", value]).ended(0);
        for call in [&["case", "export", "evil"][..], &["report", "handover"]] {
            let text = desk.call(call).ended(0).stdout;
            assert_eq!(alive(&text), Vec::<String>::new(), "{value:?} in\n{text}");
        }
    }
    let handover = desk.call(&["report", "handover", "--output", "json"]).ended(0).line();
    let Value::Object(members) = &handover else { panic!("{handover}") };
    for name in ["from", "to", "by", "in_progress", "urgent", "cases", "outbox", "actions", "closed", "found", "gaps", "record"] {
        assert!(members.contains_key(name), "{name}");
    }
    assert_eq!((&handover["found"][0]["id"].to_string(), &handover["cases"][0]["events"]), (&two, &json!(2)));
}

#[test]
fn a_case_is_counted_by_its_own_events_whatever_its_name() {
    let (desk, [event, ..]) = desk();
    let name = r#"a "b" c"#;
    desk.call(&["case", "create", "Odd", "--name", name]).ended(0);
    desk.call(&["case", "add", name, &event]).ended(0);
    let told = desk.call(&["report", "handover", "--output", "json"]).ended(0).line();
    assert_eq!(told["cases"][0]["open"], 1, "{}", told["cases"]);
}

//! Azure API's commands over real HTTP against the simulated cloud: one conversation after the other through the one door out.

use std::time::Duration;

use nightdesk::core::outcome::ReturnData;
use nightdesk::simulator::Fault;
use serde_json::{Value, json};

use crate::bench::{Bench, bench, unzip};

#[tokio::test]
async fn ping_tells_whether_sign_in_and_test_url_work() {
    let bench = bench(&[], "").await;
    let outcome = bench.run("ping", json!({})).await;
    assert_eq!(outcome.return_data, ReturnData::Successful, "{outcome:?}");
    assert_eq!(outcome.message, "Successfully connected to the Azure API.");
    assert_eq!(outcome.raw_data, json!({"endpoint": bench.parameter("test_url")}));
    assert_eq!(bench.run("test-connection", json!({})).await.return_data, ReturnData::Successful);

    bench.azure.set_policy(|policy| policy.secret_expired = true);
    let fresh = Bench::on(&bench, "");
    let outcome = fresh.run("ping", json!({})).await;
    assert_eq!(outcome.return_data, ReturnData::Failed);
    let begin = "Failed to test connectivity. invalid_client: AADSTS7000222: The provided client secret keys for the app are expired.";
    assert!(outcome.message.starts_with(begin), "{}", outcome.message);
    assert_eq!(outcome.errors[0].status_code, Some(401));
    assert!(outcome.errors[0].hint.as_ref().unwrap().contains("make a new one"));
}

#[tokio::test]
async fn ping_fails_where_the_test_url_does() {
    let bench = bench(&[], "").await;
    let narrow = bench.narrow("/v1.0/devices");
    let outcome = narrow.run("ping", json!({})).await;
    assert_eq!(outcome.return_data, ReturnData::Failed);
    assert!(outcome.message.starts_with("Failed to test connectivity. HTTP 403 Authorization_RequestDenied"), "{}", outcome.message);
    assert!(outcome.message.contains("Device.Read.All"), "the missing permission is named");
    assert_eq!(outcome.errors[0].status_code, Some(403));
    assert!(outcome.errors[0].request_id.is_some());
}

#[tokio::test]
async fn a_request_gives_exactly_the_fields_asked_for() {
    let bench = bench(&[], "").await;
    let outcome = bench
        .run("execute-http-request", json!({"url_path": "/v1.0/users?$top=2", "url_params": {"$select": "mail", "$count": true}}))
        .await;
    assert_eq!(outcome.message, "Successfully executed API request.");
    let names: Vec<_> = outcome.raw_data.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["response_data", "redirects", "response_code", "response_cookies", "response_headers", "apparent_encoding"]);
    assert_eq!(outcome.raw_data["response_data"]["value"].as_array().unwrap().len(), 2);
    assert_eq!(outcome.raw_data["response_data"]["@odata.count"], 48);
    assert_eq!(outcome.raw_data["redirects"].as_array().unwrap().len(), 1);
    assert_eq!(outcome.raw_data["response_code"], 200);
    assert_eq!(outcome.result[0].value, json!(true));
    let outcome = bench
        .run("execute-http-request", json!({"url_path": "/probe/cookies", "fields_to_return": "response_code,response_cookies"}))
        .await;
    assert_eq!(outcome.raw_data, json!({"response_code": 200, "response_cookies": {"session": "abc123", "lang": "de"}}));
}

#[tokio::test]
async fn bodies_are_built_by_content_type() {
    let bench = bench(&[], "").await;
    let sample = json!({"Id": "123123", "sorting": "asc"});
    let xml = "<?xml version=\"1.0\" encoding=\"utf-8\"?><a>é</a>";
    for (headers, payload, content_type, sent) in [
        (
            json!({"Content-Type": "application/x-www-form-urlencoded"}),
            sample.clone(),
            "application/x-www-form-urlencoded",
            "Id=123123&sorting=asc",
        ),
        (
            json!({"content-type": "Application/X-WWW-Form-Urlencoded; charset=utf-8"}),
            json!("{\"a\": [\"x y\", \"&\"], \"n\": null, \"t\": true, \"z\": 1.50}"),
            "Application/X-WWW-Form-Urlencoded; charset=utf-8",
            "a=x+y&a=%26&t=true&z=1.50",
        ),
        (
            json!({"Content-Type": "application/x-www-form-urlencoded"}),
            json!("a=1&b=%20"),
            "application/x-www-form-urlencoded",
            "a=1&b=%20",
        ),
        (
            json!({"Content-Type": "application/json; charset=utf-8"}),
            sample.clone(),
            "application/json; charset=utf-8",
            "{\"Id\":\"123123\",\"sorting\":\"asc\"}",
        ),
        (json!({}), json!("{\"n\":12345678901234567890}"), "application/json", "{\"n\":12345678901234567890}"),
        (json!({"Content-Type": "text/xml"}), json!(xml), "text/xml", xml),
        (json!({"Content-Type": "application/soap+xml"}), json!(xml), "application/soap+xml", xml),
        (json!({"Content-Type": "text/plain"}), json!("hello world"), "text/plain", "hello world"),
    ] {
        let given = json!({"method": "POST", "url_path": "/probe/echo", "headers": headers, "body_payload": payload});
        let outcome = bench.run("execute-http-request", given).await;
        let echo = &outcome.raw_data["response_data"];
        assert_eq!((&echo["headers"]["content-type"], &echo["body"]), (&json!(content_type), &json!(sent)), "{outcome:?}");
    }
    let given = json!({"method": "PUT", "url_path": "/probe/echo", "body_is_base64": true, "body_payload": "AAH/", "headers": {"Content-Type": "image/png"}});
    assert_eq!(bench.run("execute-http-request", given).await.raw_data["response_data"]["bytes"], json!([0, 1, 255]));
    let refused = bench.refused("execute-http-request", json!({"method": "POST", "url_path": "/probe/echo", "body_payload": "<a/>"}));
    assert!(refused.contains("must be JSON"), "{refused}");
}

#[tokio::test]
async fn headers_cookies_and_placeholders_arrive_as_they_should() {
    let bench = bench(&[], "").await;
    let given = json!({
        "url_path": "/probe/echo?a=1&$filter=x%20eq%20y", "url_params": {"b": ["1", 2], "c": null, "d": "ü &", "e": "[Input.who]"},
        "headers": {"cookie": "old=1", "X-Own": "[Input.who]", "Accept": "application/json"}, "cookie": {"a": "1", "b": "[Input.who]"},
        "inputs": {"who": "dana"},
    });
    let outcome = bench.run("execute-http-request", given).await;
    let echo = &outcome.raw_data["response_data"];
    assert_eq!(echo["query"], "a=1&$filter=x%20eq%20y&b=1&b=2&d=%C3%BC%20%26&e=dana");
    assert_eq!((&echo["headers"]["cookie"], &echo["headers"]["x-own"]), (&json!("a=1; b=dana"), &json!("dana")));
    assert_eq!(echo["headers"]["authorization"], "Bearer ***", "the token went out and is masked where it is echoed");
    let bare = bench.run("execute-http-request", json!({"url_path": "/probe/echo", "headers": {"Authorization": null}})).await;
    assert_eq!(bare.raw_data["response_data"]["headers"]["authorization"], Value::Null);
    for (given, word) in [
        (json!({"url_path": "/users/bob#EXT#@x.example"}), "%23"),
        (json!({"url_path": "https://graph.microsoft.com@evil.example/"}), "user name"),
        (json!({"url_path": "https://169.254.169.254/latest"}), "inside the network"),
        (json!({"url_path": "http://intranet.example/"}), "https"),
        (json!({"url_path": "graph.microsoft.com/v1.0/me"}), "absolute"),
        (json!({"url_path": "/x/[Input.gone]"}), "[Input.gone]"),
        (json!({"url_path": "/x", "headers": {"Authorization": "Bearer mine"}}), "allow_authorization_header"),
        (json!({"url_path": "/x", "headers": {"A": "b\r\nc: d"}}), "control"),
        (json!({"url_path": "/x", "headers": "nonsense"}), "JSON object"),
        (json!({"url_path": "/x", "url_params": [1]}), "JSON object"),
        (json!({"url_path": "/x", "expected_response_values": {"state": []}}), "no values"),
        (json!({"url_path": "/x", "fields_to_return": "cookies"}), "response_cookies"),
        (json!({"url_path": "/x", "request_timeout": 0}), "1"),
        (json!({}), "required"),
    ] {
        let refused = bench.refused("execute-http-request", given.clone());
        assert!(refused.contains(word), "{given}: {refused}");
    }
    assert_eq!(bench.azure.grants(), 1, "what is refused asks for no token");
}

#[tokio::test]
async fn expected_values_are_waited_for() {
    let bench = bench(&[], "").await;
    let given = json!({"url_path": "/probe/states/3", "expected_response_values": {"data": {"state": "finished"}, "state": "finished", "percentage": "100"}});
    let outcome = bench.run("execute-http-request", given).await;
    assert_eq!(outcome.return_data, ReturnData::Successful, "{outcome:?}");
    assert_eq!(outcome.raw_data["response_data"]["looks"], 4);
    assert_eq!(bench.waits(), vec![Duration::from_secs(5); 3]);

    let given = json!({"url_path": "/probe/states/900?b", "expected_response_values": {"state": "finished"}, "poll_interval": 10, "poll_timeout": 35});
    let outcome = bench.run("execute-http-request", given).await;
    assert_eq!(outcome.return_data, ReturnData::Failed);
    assert!(
        outcome
            .message
            .starts_with("Failed to execute API request. Error: the expected response values were not reached within 35 s and 4 requests"),
        "{}",
        outcome.message
    );
    assert!(outcome.message.contains("state = \"running\", \"finished\""), "{}", outcome.message);
    assert_eq!(outcome.raw_data["response_data"]["looks"], 4, "the last answer is kept");

    let given = json!({"url_path": "/probe/status/404", "expected_response_values": {"state": "finished"}});
    assert_eq!(bench.run("execute-http-request", given).await.errors[0].status_code, Some(404), "a refusal ends the waiting");
    let given = json!({"url_path": "/probe/states/1?c", "base64_output": true, "fields_to_return": "response_code", "expected_response_values": {"percentage": 100}});
    assert_eq!(
        bench.run("execute-http-request", given).await.raw_data,
        json!({"response_code": 200}),
        "values are judged whatever is returned"
    );
}

#[tokio::test]
async fn failures_are_told_in_the_documents_words() {
    let bench = bench(&[], "").await;
    let outcome = bench.run("execute-http-request", json!({"url_path": "/v1.0/users/nobody"})).await;
    assert_eq!(outcome.return_data, ReturnData::Failed);
    assert!(
        outcome.message.starts_with("Failed to execute API request. Error: HTTP 404 Request_ResourceNotFound: "),
        "{}",
        outcome.message
    );
    assert_eq!(outcome.raw_data["response_code"], 404, "the answer is kept");
    assert_eq!(outcome.result[0].value, json!(false));
    let outcome = bench.run("execute-http-request", json!({"url_path": "/v1.0/users/nobody", "fail_on_4xx_5xx": false})).await;
    assert_eq!(outcome.return_data, ReturnData::Successful);
    let text = "Successfully executed API request, but the status code 404 was returned. Please check the request or try again later.";
    assert_eq!(outcome.message, text);
    let refused = Bench::on(&bench, "[connection.options]\nerror_status_is_success = false\n");
    let outcome = refused.run("execute-http-request", json!({"url_path": "/probe/status/418", "fail_on_4xx_5xx": false})).await;
    assert_eq!(outcome.result[0].value, json!(false));
}

#[tokio::test]
async fn redirects_end_where_they_should_and_take_no_credentials_along() {
    let bench = bench(&[], "").await;
    for (status, method, arrived, body) in [
        (301, "POST", "GET", ""),
        (302, "POST", "GET", ""),
        (303, "PUT", "GET", ""),
        (307, "POST", "POST", "{\"a\":1}"),
        (308, "PATCH", "PATCH", "{\"a\":1}"),
        (302, "GET", "GET", ""),
    ] {
        let mut given = json!({"method": method, "url_path": format!("/probe/redirect/{status}/1")});
        if method != "GET" {
            given["body_payload"] = json!({"a": 1});
        }
        let outcome = bench.run("execute-http-request", given).await;
        let echo = &outcome.raw_data["response_data"];
        assert_eq!((&echo["method"], &echo["body"]), (&json!(arrived), &json!(body)), "{status} {method} {outcome:?}");
        assert_eq!(outcome.raw_data["redirects"].as_array().unwrap().len(), 3);
    }
    let outcome = bench.run("execute-http-request", json!({"url_path": "/probe/redirect/302/1", "follow_redirects": false})).await;
    assert_eq!((&outcome.raw_data["response_code"], outcome.return_data), (&json!(302), ReturnData::Successful));
    assert!(outcome.raw_data["response_headers"]["Location"].is_string());
    let looped = bench.run("execute-http-request", json!({"url_path": "/probe/redirect/302/40"})).await;
    assert!(looped.message.contains("More than 30 redirects"), "{}", looped.message);

    let given = json!({"url_path": "/probe/away/302", "cookie": {"session": "canary-cookie"}, "headers": {"X-Api-Key": "canary-key", "X-Plain": "1"}});
    assert_eq!(bench.run("execute-http-request", given).await.return_data, ReturnData::Successful);
    let given = json!({"method": "POST", "url_path": "/probe/away/307", "body_payload": {"a": 1}});
    assert_eq!(bench.run("execute-http-request", given).await.raw_data["response_code"], 307, "a body goes to no other host");
    bench.run("execute-http-request", json!({"url_path": format!("{}/direct", bench.foreign())})).await;
    let seen = bench.seen().await;
    let uris: Vec<_> = seen.iter().map(|entry| entry["uri"].as_str().unwrap()).collect();
    assert_eq!(uris, ["/caught?from=graph", "/direct"]);
    let text = Value::from(seen).to_string();
    assert!(!text.contains("authorization") && !text.contains("canary") && !text.contains("cookie"), "{text}");
}

#[tokio::test]
async fn downloads_are_archived_without_the_token_and_without_plain_bytes() {
    let bench = bench(&[], "").await;
    let person = bench.azure_person();
    let files = bench.run("graph-files-of-user", json!({"user": person})).await;
    let item = &files.raw_data["response_data"]["value"][0];
    let (drive, id) = (item["parentReference"]["driveId"].clone(), item["id"].clone());
    let outcome = bench.run("graph-download-file", json!({"drive_id": drive, "item_id": id})).await;
    assert_eq!(outcome.return_data, ReturnData::Successful, "{outcome:?}");
    let attachment = &outcome.attachments[0];
    assert!(attachment.encrypted && attachment.size == item["size"].as_u64().unwrap());
    assert_eq!(bench.azure.leaks(), Vec::<String>::new(), "the content host saw no credential");
    let redirects = outcome.raw_data["redirects"].to_string();
    assert!(redirects.contains("tempauth=***"), "{redirects}");

    let given = json!({"url_path": "/probe/file/climbing", "save_to_case_wall": true});
    let outcome = bench.run("execute-http-request", given).await;
    assert_eq!((&outcome.raw_data["response_data"], &outcome.raw_data["apparent_encoding"]), (&Value::Null, &Value::Null));
    let attachment = &outcome.attachments[0];
    assert!(
        std::path::Path::new(&attachment.path).extension().is_some_and(|end| end == "zip")
            && std::path::Path::new(&attachment.path).starts_with(bench.data_dir())
    );
    let (method, bytes) = unzip(&attachment.path, Some("infected"));
    assert_eq!((method, bytes.as_slice()), (true, &b"MZ plain malware bytes that must not lie on a disk"[..]));
    assert!(!bench.disk_holds(b"plain malware bytes"), "no plain copy");
    let plain = bench
        .run("execute-http-request", json!({"url_path": "/probe/file/none", "save_to_case_wall": true, "password_protect_zip": false}))
        .await;
    assert!(!plain.attachments[0].encrypted);
    assert!(!unzip(&plain.attachments[0].path, None).0);
    let failed = bench.run("execute-http-request", json!({"url_path": "/probe/status/404", "save_to_case_wall": true})).await;
    assert!(failed.attachments.is_empty() && failed.return_data == ReturnData::Failed);
}

#[tokio::test]
async fn base64_is_of_the_raw_bytes_and_has_its_limit() {
    let bench = bench(&[], "[connection.options]\nbase64_megabyte = 1000\n").await;
    let outcome = bench.run("execute-http-request", json!({"url_path": "/probe/bytes", "base64_output": true})).await;
    let text = outcome.raw_data["response_data"].as_str().unwrap();
    assert!(text.starts_with("AAECAwQF") && text.ends_with("/P3+/w==") && text.len() == 344);
    assert_eq!(outcome.raw_data["apparent_encoding"], Value::Null);
    let at = bench.run("execute-http-request", json!({"url_path": "/probe/big/11250", "base64_output": true})).await;
    assert_eq!(at.raw_data["response_data"].as_str().map(str::len), Some(15_000));
    let over = bench.run("execute-http-request", json!({"url_path": "/probe/big/11251", "base64_output": true})).await;
    assert!(over.message.contains("15 MB"), "{}", over.message);
    let endless = bench.run("execute-http-request", json!({"url_path": "/probe/endless"})).await;
    assert!(endless.message.contains("larger than 16 MiB"), "{}", endless.message);
}

#[tokio::test]
async fn delegated_sign_in_works_from_link_to_kept_token() {
    let bench = bench(&[], "").await;
    let outcome = bench.run("get-authorization", json!({})).await;
    assert_eq!(bench.azure.grants(), 0);
    let url = outcome.result[0].value.as_str().unwrap().to_owned();
    assert!(outcome.message.starts_with("Authorization URL generated successfully.") && outcome.message.contains(&url));
    let names: Vec<String> = url::Url::parse(&url).unwrap().query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(
        names,
        ["client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "code_challenge", "code_challenge_method"]
    );
    assert!(url.contains("scope=user.read+offline_access&"));
    let landed = bench.browse(&url).await;

    let wrong = landed.replace("state=", "state=0");
    let outcome = bench.run("generate-token", json!({"authorization_url": wrong})).await;
    assert!(
        outcome.message.starts_with("Failed to get the refresh token! Error is ") && outcome.message.contains("state differs"),
        "{}",
        outcome.message
    );
    assert_eq!(bench.azure.grants(), 0);

    let outcome = bench.run("generate-token", json!({"authorization_url": landed})).await;
    assert_eq!(outcome.return_data, ReturnData::Successful, "{outcome:?}");
    assert!(outcome.message.starts_with("Successfully fetched the refresh token: ***"));
    let me = bench.run("execute-http-request", json!({"url_path": "/v1.0/me"})).await;
    assert_eq!(me.raw_data["response_data"]["id"], json!(bench.azure_person()), "{me:?}");
    // Another root has its own token from the same sign-in.
    let defender =
        bench.run("execute-http-request", json!({"url_path": format!("{}/api/machines?$top=1", bench.endpoint("azure.defender"))})).await;
    assert_eq!(defender.raw_data["response_code"], 200, "{defender:?}");

    let again = bench.run("generate-token", json!({"authorization_url": landed})).await;
    assert!(again.message.contains("was used already"), "{}", again.message);
    let declined = bench
        .run("generate-token", json!({"authorization_url": "http://localhost/?error=access_denied&error_description=User+declined"}))
        .await;
    assert_eq!(declined.message, "Failed to get the refresh token! Error is access_denied: User declined");
    let refused = bench.refused("generate-token", json!({"authorization_url": "http://localhost/?x=1"}));
    assert!(refused.starts_with(
        "Failed to generate a token because the authorization URL that you provided is incorrect. The 'code' parameter is missing."
    ));

    let url = bench.run("get-authorization", json!({"oauth_scopes": "user.read"})).await.result[0].value.as_str().unwrap().to_owned();
    let landed = bench.browse(&url).await;
    let outcome = bench.run("generate-token", json!({"authorization_url": landed})).await;
    assert!(outcome.message.contains("Unable to generate the refresh token with the provided authorization URL."), "{}", outcome.message);
}

#[tokio::test]
async fn refresh_tokens_rotate_and_their_end_is_told() {
    let bench = bench(&[], "").await;
    let url = bench.run("get-authorization", json!({})).await.result[0].value.as_str().unwrap().to_owned();
    let landed = bench.browse(&url).await;
    bench.run("generate-token", json!({"authorization_url": landed})).await;
    bench.azure.set_policy(|policy| policy.strict_rotation = true);
    for _ in 0..3 {
        bench.renew().await.unwrap();
    }
    bench.azure.set_policy(|policy| policy.omit_refresh_token = true);
    bench.renew().await.unwrap();
    bench.azure.set_policy(|policy| policy.omit_refresh_token = false);
    let failure = bench.renew().await.unwrap_err();
    assert!(failure.contains("AADSTS70000"), "the used token was kept, not wiped: {failure}");
    assert_eq!(bench.run("execute-http-request", json!({"url_path": "/v1.0/me"})).await.return_data, ReturnData::Successful);
}

#[tokio::test]
async fn templates_do_what_they_say() {
    let bench = bench(&[], "").await;
    let person = bench.azure_person();
    for (name, given) in [
        ("graph-sign-ins-of-user", json!({"user_principal_name": bench.azure_mail(), "from": "-14d"})),
        ("graph-sign-ins-from-ip", json!({"ip_address": "203.0.113.5", "from": "-14d"})),
        ("graph-failed-sign-ins", json!({})),
        ("graph-non-interactive-sign-ins", json!({"user_id": person})),
        ("graph-directory-audits-by-user", json!({"user_principal_name": bench.azure_mail()})),
        ("graph-application-consents", json!({"from": "-14d"})),
        ("graph-risky-users", json!({})),
        ("graph-risk-history", json!({"user_id": person})),
        ("graph-risk-detections", json!({"user_principal_name": bench.azure_mail()})),
        ("graph-inbox-rules", json!({"user": person})),
        ("graph-mailbox-settings", json!({"user": bench.azure_mail()})),
        ("graph-messages-from-sender", json!({"user": person, "sender": "o'x@y.example"})),
        ("graph-message-trace", json!({"sender": "billing@x.example", "from": "-7d"})),
        ("graph-hunt-mail", json!({})),
        ("graph-hunt-activity", json!({"query": "DeviceNetworkEvents | take 5"})),
        ("graph-grants-of-user", json!({"user": person})),
        ("graph-authentication-methods", json!({"user": person})),
        ("graph-directory-roles", json!({"user": person})),
        ("graph-users-without-mfa", json!({})),
        ("graph-channel-messages", json!({"team_id": "t", "channel_id": "19:general@thread.tacv2"})),
        ("graph-chats-of-user", json!({"user": person})),
        ("graph-alerts", json!({})),
        ("graph-incidents", json!({})),
        ("graph-devices-of-user", json!({"user": person})),
        ("graph-device-by-name", json!({"device_name": "x"})),
        ("graph-conditional-access-policies", json!({})),
        ("graph-named-locations", json!({})),
        ("graph-confirm-compromised", json!({"user_ids": [person]})),
        ("graph-dismiss-risk", json!({"user_ids": [person]})),
        ("graph-set-account-enabled", json!({"user": person})),
        ("graph-revoke-sign-in-sessions", json!({"user": person})),
    ] {
        let outcome = bench.run(name, given).await;
        assert_eq!(outcome.return_data, ReturnData::Successful, "{name}: {}", outcome.message);
        assert!(matches!(outcome.raw_data["response_code"].as_u64(), Some(200 | 204)), "{name}");
    }
    let user = bench.run("execute-http-request", json!({"url_path": format!("/v1.0/users/{person}")})).await;
    assert_eq!(user.raw_data["response_data"]["accountEnabled"], false, "the account is off");
}

#[tokio::test]
async fn templates_with_ids_work_on_what_the_others_list() {
    let bench = bench(&[], "").await;
    let person = bench.azure_person();
    let first = |outcome: &nightdesk::core::outcome::Outcome, field: &str| outcome.raw_data["response_data"]["value"][0][field].clone();
    let good = |name: &str, outcome: &nightdesk::core::outcome::Outcome| {
        assert_eq!(outcome.return_data, ReturnData::Successful, "{name}: {}", outcome.message);
    };
    let list = |path: &str| json!({"url_path": path});

    let message = first(&bench.run("execute-http-request", list(&format!("/v1.0/users/{person}/messages"))).await, "id");
    for name in ["graph-message-headers", "graph-message-source", "graph-move-message"] {
        let outcome = bench.run(name, json!({"user": person, "message_id": message})).await;
        good(name, &outcome);
        assert_eq!(outcome.attachments.len(), usize::from(name == "graph-message-source"));
    }
    let rule = first(&bench.run("graph-inbox-rules", json!({"user": person})).await, "id");
    good("rule", &bench.run("graph-delete-inbox-rule", json!({"user": person, "rule_id": rule})).await);
    let traces = bench.run("execute-http-request", list("/v1.0/admin/exchange/tracing/messageTraces?$top=1")).await;
    let given = json!({"trace_id": first(&traces, "id"), "recipient": first(&traces, "recipientAddress")});
    good("trace", &bench.run("graph-message-trace-details", given).await);
    let application = first(&bench.run("execute-http-request", list("/v1.0/servicePrincipals")).await, "id");
    for name in ["graph-service-principal", "graph-service-principal-roles", "graph-grants-of-application", "graph-set-application-enabled"]
    {
        good(name, &bench.run(name, json!({"service_principal_id": application})).await);
    }
    let grant = first(&bench.run("execute-http-request", list("/v1.0/oauth2PermissionGrants")).await, "id");
    good("grant", &bench.run("graph-delete-grant", json!({"grant_id": grant})).await);
    let item = first(&bench.run("graph-files-of-user", json!({"user": person})).await, "id");
    let share = bench.run("graph-file-permissions", json!({"drive_id": "d", "item_id": item})).await;
    good("shares", &share);
    good(
        "share",
        &bench.run("graph-delete-file-permission", json!({"drive_id": "d", "item_id": item, "permission_id": first(&share, "id")})).await,
    );
    let alerts = bench.run("execute-http-request", list("/v1.0/security/alerts_v2?$top=1")).await;
    let alert = first(&alerts, "id");
    good(
        "alert",
        &bench.run("graph-update-alert", json!({"alert_id": alert, "alert_status": "resolved", "classification": "falsePositive"})).await,
    );
    good("comment", &bench.run("graph-comment-alert", json!({"alert_id": alert, "comment": "seen"})).await);
    good(
        "incident",
        &bench.run("graph-update-incident", json!({"incident_id": first(&alerts, "incidentId"), "incident_status": "resolved"})).await,
    );
    let search = bench.run("graph-audit-search", json!({})).await;
    good("search", &search);
    let query = json!({"query_id": search.raw_data["response_data"]["id"]});
    let waited = bench.run("graph-audit-search-wait", query.clone()).await;
    assert_eq!(waited.raw_data["response_data"]["status"], "succeeded", "{waited:?}");
    assert!(!bench.run("graph-audit-search-records", query).await.raw_data["response_data"]["value"].as_array().unwrap().is_empty());
    let given = json!({"network_message_id": "n", "recipient": bench.azure_mail()});
    assert_eq!(bench.run("graph-remediate-mail", given).await.raw_data["response_code"], 202);

    let machines = bench.run("execute-http-request", list(&format!("{}/api/machines?$top=1", bench.endpoint("azure.defender")))).await;
    let machine = first(&machines, "id");
    let isolated = bench.run("defender-isolate-machine", json!({"machine_id": machine, "comment": "case 7"})).await;
    assert_eq!(isolated.raw_data["response_code"], 201);
    let follow = isolated.follow.clone().unwrap();
    let seen = bench.run(&follow.command, Value::from(follow.arguments)).await;
    assert_eq!(seen.raw_data["response_data"]["status"], "Succeeded");
    let undo = bench.undo("defender-isolate-machine", json!({"machine_id": machine, "comment": "case 7"}), &isolated);
    good("release", &bench.run("defender-release-machine", undo).await);
}

#[tokio::test]
async fn event_sources_bring_every_record_once() {
    let bench = bench(&[], "").await;
    for (source, table) in [
        ("alerts", "security/alerts_v2"),
        ("incidents", "security/incidents"),
        ("sign-ins", "auditLogs/signIns"),
        ("directory-audits", "auditLogs/directoryAudits"),
    ] {
        let count = bench.run("execute-http-request", json!({"url_path": format!("/v1.0/{table}?$count=true&$top=1")})).await;
        let (fetched, events) = bench.fetch(source, 15 * 24, None).await;
        assert!(fetched.errors.is_empty() && fetched.gaps.is_empty(), "{fetched:?}");
        assert_eq!(json!(events.len()), count.raw_data["response_data"]["@odata.count"], "{source}");
        let mut keys: Vec<_> = events.iter().map(|event| event.key.clone()).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), events.len());
        assert!(events.iter().all(|event| !event.title.is_empty() && !event.fields.is_empty() && !event.entities.is_empty()));
        let (part, some) = bench.fetch(source, 15 * 24, Some(2)).await;
        assert!(part.truncated && some.len() == 2 && part.gaps.is_empty(), "{source}");
    }
}

#[tokio::test]
async fn a_link_that_leaves_its_host_is_a_gap() {
    let bench = bench(&[Fault::ForeignNextLink], "").await;
    let (fetched, _) = bench.fetch("sign-ins", 15 * 24, None).await;
    assert_eq!(fetched.gaps.len(), 1, "{fetched:?}");
    assert!(fetched.errors[0].message.contains("another host"));
    assert!(bench.seen().await.is_empty(), "nothing reached it");
}

#[tokio::test]
async fn faults_of_the_service_are_told_or_overcome() {
    for (fault, works) in [
        (Fault::UnauthorizedOnce, true),
        (Fault::Throttled, true),
        (Fault::ServerErrors, true),
        (Fault::SlowDrip, true),
        (Fault::DuplicateRecords, true),
        (Fault::Forbidden, false),
        (Fault::ExpiredToken, false),
        (Fault::CutBody, false),
    ] {
        let bench = bench(&[fault], "").await;
        let outcome = bench.run("execute-http-request", json!({"url_path": "/v1.0/organization?$select=id"})).await;
        assert_eq!(outcome.return_data == ReturnData::Successful, works, "{fault}: {}", outcome.message);
        assert!(works || outcome.message.starts_with("Failed to execute API request. Error: "), "{}", outcome.message);
    }
}

#[tokio::test]
async fn a_dry_run_sends_nothing_and_hides_what_is_secret() {
    let bench = bench(&[], "").await;
    let given = json!({"method": "POST", "url_path": "/v1.0/users", "cookie": {"a": "canary"}, "body_payload": {"a": 1}});
    let plan = bench.plan("execute-http-request", given);
    assert_eq!(plan.len(), 1);
    assert_eq!(plan[0]["url"], format!("{}/v1.0/users", bench.endpoint("azure.graph")));
    assert_eq!(plan[0]["headers"]["Authorization"], "Bearer ***");
    assert!(!plan[0].to_string().contains("canary"));
    let given = json!({"authorization_url": "http://localhost/?code=canary-code-123456"});
    let plan = bench.plan("generate-token", given);
    assert!(!plan[0].to_string().contains("canary"), "{}", plan[0]);
    assert_eq!(bench.azure.grants(), 0);
}

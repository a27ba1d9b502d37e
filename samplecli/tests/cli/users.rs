//! `muster users create` and `muster users update`: requests to QVALON's user resource, and its
//! responses.

use std::fs;

use serde_json::{Value, json};

use crate::home::{CommandOutput, Home};
use crate::mock_server::{MockResponse, MockServer, Request, json_response};

/// A user of the resource.
const KIM: &str = r#"{"id":1615,"active":true,"login":"kim","firstName":"Kim","position":"Lead\u202e","level":"COMPANY","businessDirId":1002,"lang":"ru_RU","timeZoneId":"Europe/Kyiv"}"#;

fn muster(server: &MockServer, args: &[&str]) -> CommandOutput {
    with_input(server, args, b"")
}

fn with_input(server: &MockServer, args: &[&str], input: &[u8]) -> CommandOutput {
    let home = Home::new();
    let mut command = home.muster(args);
    command
        .env("MUSTER_URL", &server.url)
        .env("MUSTER_TOKEN", "r0b0t");
    CommandOutput::with_input(command, input)
}

/// Creates a user with LDAP, who needs no password.
fn create(server: &MockServer, flags: &[&str]) -> CommandOutput {
    let args = ["users", "create", "kim", "--auth-type", "LDAP"];
    muster(server, &[&args, flags].concat())
}

fn update(server: &MockServer, flags: &[&str]) -> CommandOutput {
    muster(server, &[&["users", "update", "1615"], flags].concat())
}

fn refusal(status: u16, message: &str, field: Option<&str>) -> MockResponse {
    let mut body = json!({"status": status, "error": "Refused", "message": message});
    if let Some(field) = field {
        body["field"] = json!(field);
    }
    json_response(status, body.to_string())
}

fn sent(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[test]
fn a_robot_creates_a_user() {
    let server = MockServer::returning(json_response(200, KIM));
    let args = ["users", "create", "kim", "--password-stdin"];
    let flags = [
        "--external-id",
        "e-17",
        "--first-name",
        "Kim",
        "--lang",
        "ru_RU",
        "--admin",
    ];
    let output = with_input(&server, &[&args[..], &flags].concat(), b"s3cret pass\nrest");
    output
        .exits_with(0)
        .stdout_contains("Id                1615\nLogin             kim\nfirst_name        Kim\n")
        .stdout_contains("active            yes\n")
        .stdout_contains("position          Lead\\u{202e}\n")
        .stdout_contains("business_dir_id   1002\n");
    assert_eq!(output.stderr, "");
    assert!(!output.stdout.contains("s3cret"));
    let request = server.request();
    assert_eq!(request.method, "POST");
    assert_eq!(request.uri.to_string(), "/v1/orgstruct/users");
    assert_eq!(request.header("authorization"), "Bearer r0b0t");
    assert_eq!(request.header("content-type"), "application/json");
    let expected = json!({
        "login": "kim", "password": "s3cret pass", "externalId": "e-17", "firstName": "Kim",
        "lang": "ru_RU", "admin": true,
    });
    assert_eq!(sent(&request), expected);
}

#[test]
fn json_output_is_the_user_as_received() {
    let server = MockServer::returning(json_response(200, KIM));
    let output = create(&server, &["--output", "json"]);
    assert_eq!(output.exits_with(0).stdout, format!("{KIM}\n"));
}

#[test]
fn every_kind_of_attribute_is_sent_with_its_json_type() {
    let server = MockServer::returning(json_response(200, KIM));
    let flags = [
        "--email=kim@example.com",
        "--active=false",
        "--supervisor",
        "--can-edit-all-chl-templates=false",
        "--level",
        "SHOP",
        "--business-dir-id",
        "1002",
        "--shop-ids",
        "17, 18",
        "--region-ids",
        "-3",
        "--shop-external-ids",
        "s1,s2",
        "--division-external-ids",
        r#"["north, east","south"]"#,
        "--time-zone",
        "Europe/Kyiv",
        "--ldap-login",
        "17",
    ];
    create(&server, &flags).exits_with(0);
    let expected = json!({
        "login": "kim", "authType": "LDAP", "email": "kim@example.com", "active": false,
        "supervisor": true, "canEditAllChlTemplates": false, "level": "SHOP",
        "businessDirId": 1002, "shopIds": [17, 18], "regionIds": [-3],
        "shopExternalIds": ["s1", "s2"], "divisionExternalIds": ["north, east", "south"],
        "timeZoneId": "Europe/Kyiv", "ldapLogin": "17",
    });
    assert_eq!(sent(&server.request()), expected);
}

#[test]
fn a_user_is_found_by_login_and_changed_by_id() {
    let others = r#"{"id":7,"active":true,"login":"kim.lee"}"#;
    let found = json_response(200, format!("[{others},{KIM}]"));
    let server = MockServer::returning_each([found, json_response(200, KIM)]);
    let args = ["users", "update", "KIM", "--new-login", "kim+lee"];
    let clears = ["--clear", "time-zone", "--clear", "shop-external-ids"];
    muster(&server, &[&args[..], &clears].concat())
        .exits_with(0)
        .stdout_contains("Id                1615\n");
    let requests = server.requests();
    assert_eq!(requests[0].method, "GET");
    assert_eq!(requests[0].uri, "/v1/orgstruct/users?login=KIM");
    assert_eq!(requests[1].method, "PUT");
    assert_eq!(requests[1].uri, "/v1/orgstruct/users/1615");
    let expected = json!({"login": "kim+lee", "timeZoneId": null, "shopExternalIds": null});
    assert_eq!(sent(&requests[1]), expected);
}

#[test]
fn digits_are_an_id_unless_the_login_flag_is_given() {
    let server = MockServer::returning(json_response(200, KIM));
    update(&server, &["--admin=false"]).exits_with(0);
    assert_eq!(server.request().uri, "/v1/orgstruct/users/1615");

    let digits = r#"[{"id":42,"active":true,"login":"1615"}]"#;
    let server = MockServer::returning_each([json_response(200, digits), json_response(200, KIM)]);
    update(&server, &["--login", "--admin=false"]).exits_with(0);
    assert_eq!(server.requests()[0].uri, "/v1/orgstruct/users?login=1615");
    assert_eq!(server.requests()[1].uri, "/v1/orgstruct/users/42");
}

#[test]
fn an_unknown_login_changes_no_other_user() {
    for (login, found) in [
        ("ghost", "[]".to_owned()),
        // The filter accepts comma-separated logins.
        ("kim,ghost", format!("[{KIM}]")),
    ] {
        let server = MockServer::returning(json_response(200, found));
        muster(&server, &["users", "update", login, "--admin"])
            .exits_with(1)
            .stdout_is_empty()
            .stderr_contains(&format!(
                "user {login} was not found\n  `muster users list --text"
            ));
        assert_eq!(server.request().method, "GET");
    }
}

#[test]
fn a_generated_password_is_sent_and_shown_once() {
    let server = MockServer::returning(json_response(200, KIM));
    let output = muster(&server, &["users", "create", "kim", "--generate"]);
    output.exits_with(0).stderr_contains("only this once");
    let password = sent(&server.request())["password"].clone();
    output.stdout_contains(&format!(
        "Password          {}\n",
        password.as_str().unwrap()
    ));

    let server = MockServer::returning(json_response(200, KIM));
    let output = update(&server, &["--generate", "--output", "json"]);
    let shown: Value = serde_json::from_str(&output.exits_with(0).stdout).unwrap();
    assert_eq!(shown["password"], sent(&server.request())["password"]);
}

#[test]
fn a_password_is_required_except_with_ldap() {
    let server = MockServer::returning(json_response(200, KIM));
    for flags in [&[] as &[&str], &["--auth-type", "LOCAL"]] {
        muster(&server, &[&["users", "create", "kim"], flags].concat())
            .exits_with(2)
            .stderr_contains("--generate");
    }
    update(&server, &["--password"])
        .exits_with(2)
        .stderr_contains("--generate");
    with_input(
        &server,
        &["users", "update", "1615", "--password-stdin"],
        b"\n",
    )
    .exits_with(2)
    .stderr_contains("the password is empty");
    assert!(server.requests().is_empty());
    create(&server, &[]).exits_with(0);
    assert_eq!(
        sent(&server.request()),
        json!({"login": "kim", "authType": "LDAP"})
    );
}

#[test]
fn a_refusal_names_the_invalid_flags() {
    let message = "login: this user name is not available";
    create(
        &MockServer::returning(refusal(409, message, Some("login"))),
        &[],
    )
    .exits_with(1)
    .stdout_is_empty()
    .stderr_contains("error: LOGIN: this user name is not available\n  nothing was changed; to change an existing user use `muster users update`");
    update(
        &MockServer::returning(refusal(409, message, Some("login"))),
        &["--new-login", "jo"],
    )
    .exits_with(1)
    .stderr_contains(
        "error: --new-login: this user name is not available\n  nothing was changed: choose",
    );

    let several = "email: not a valid e-mail address; timeZoneId: unknown; see IANA: zones; password: 1 to 128 characters; shopIds: needed \u{1b}[2J";
    create(
        &MockServer::returning(refusal(400, several, Some("email"))),
        &["--email", "x"],
    )
    .exits_with(1)
    .stderr_contains(
        "error: invalid user\n  \
         - --email: not a valid e-mail address\n  \
         - --time-zone: unknown; see IANA: zones\n  \
         - the password: 1 to 128 characters\n  \
         - --shop-ids: needed \\u{1b}[2J\n  \
         nothing was changed: correct this and run it again\n",
    );

    let whole = refusal(400, "must not be null", Some("externalId"));
    update(&MockServer::returning(whole), &["--admin"])
        .exits_with(1)
        .stderr_contains("error: --external-id: must not be null\n");
}

#[test]
fn every_failure_has_a_hint() {
    for (failure, code, message) in [
        (
            refusal(401, "the token is missing or invalid", None),
            4,
            "the token is missing or invalid\n  run `muster login --url http://127",
        ),
        (
            refusal(401, "the token is missing or invalid", None),
            4,
            "the robot needs the scope qvalon",
        ),
        (
            refusal(404, "there is no user with this id", None),
            1,
            "user 1615 was not found\n  `muster users list",
        ),
        (
            refusal(413, "the body is too large", None),
            1,
            "error: the body is too large\n",
        ),
        (
            refusal(429, "others write this user", None).with("retry-after", "2"),
            1,
            "others write this user\n  try again in 2 seconds",
        ),
        (
            json_response(429, r#"{"message":"Too Many Requests"}"#),
            1,
            "too many requests\n  try again in a minute",
        ),
        (
            refusal(500, "it broke", None).with("x-request-id", "r-17"),
            1,
            "it broke\n  (request r-17)",
        ),
        (
            json_response(502, "<html>"),
            1,
            "the server failed with 502",
        ),
        (json_response(404, ""), 1, "not as a Muster server does"),
        (
            json_response(200, "<html>"),
            1,
            "not as a Muster server does",
        ),
    ] {
        update(&MockServer::returning(failure), &["--admin"])
            .exits_with(code)
            .stdout_is_empty()
            .stderr_contains(message);
    }
    Home::new()
        .run(&[
            "users",
            "update",
            "1615",
            "--admin",
            "--token",
            "t",
            "--url",
            "http://127.0.0.1:1",
        ])
        .exits_with(1)
        .stderr_contains("cannot reach http://127.0.0.1:1");
}

#[test]
fn requests_use_the_token_of_the_robot() {
    let server = MockServer::returning(json_response(200, KIM));
    let home = Home::new();
    fs::create_dir_all(home.path().join("muster/profiles")).unwrap();
    let both = json!({
        "url": server.url, "username": "hr-robot", "token": "r0b0t",
        "operator": {"username": "anna", "token": "s3ss10n"},
    });
    fs::write(home.profile("default"), both.to_string()).unwrap();
    home.run(&["users", "update", "1615", "--admin"])
        .exits_with(0);
    assert_eq!(server.request().header("authorization"), "Bearer r0b0t");

    let operator = json!({"url": server.url, "operator": both["operator"]});
    fs::write(home.profile("default"), operator.to_string()).unwrap();
    home.run(&["users", "update", "1615", "--admin"])
        .exits_with(4)
        .stderr_contains("run `muster login --url");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn empty_and_contradictory_changes_are_not_sent() {
    let server = MockServer::returning(json_response(200, KIM));
    for (flags, message) in [
        (&[] as &[&str], "nothing to change"),
        (
            &["--email", "a@example.com", "--clear", "email"],
            "--email and --clear conflict",
        ),
        (&["--email", ""], "a value that is not blank"),
        (&["--new-login", " "], "a value that is not blank"),
        (&["--clear", "level"], "invalid value 'level'"),
        (&["--external-id", "x"], "unexpected argument"),
        (&["--admin", "false"], "unexpected argument 'false'"),
        (
            &["--shop-ids", "1,x"],
            "expected comma-separated whole numbers",
        ),
        (&["--level", "shop"], "possible values: COMPANY"),
    ] {
        update(&server, flags)
            .exits_with(2)
            .stdout_is_empty()
            .stderr_contains(message);
    }
    assert!(server.requests().is_empty());
}

//! `muster import` in one request: the request, and the output for every response.

use crate::home::{CommandOutput, Home, import_args};
use crate::mock_server::{MockResponse, MockServer, json_response};

const USERS: &str = r#"[{"Username":"john.foo"}]"#;
const SUCCESS: &str = "{\"Status\":\"SUCCESS\",\"Total Lines\":1200,\"Empty IDs\":0,\"Ignored Users\":0,\"Duplicated Users\":0}";
const PARTIAL: &str = r#"{"Status":"PARTIAL_SUCCESS","Warnings":["Record 2 (jack.woo), \"E-mail\": not a valid e-mail address [email.malformed]"],"Total Lines":3,"Empty IDs":1,"Ignored Users":1,"Duplicated Users":0}"#;

fn failure(error: &str) -> String {
    serde_json::json!({"Status": "FAILURE", "Errors": [error]}).to_string()
}

fn home() -> Home {
    let home = Home::new();
    home.file("users.json", USERS);
    home
}

fn import(url: &str, flags: &[&str]) -> CommandOutput {
    home().run(&import_args("users.json", url, flags))
}

fn import_returning(response: MockResponse) -> CommandOutput {
    import(&MockServer::returning(response).url, &[])
}

#[test]
fn the_file_is_sent_and_the_counters_are_shown() {
    let run = r#"{"import_id":"0198c7","task":206,"state":"finished","started_at":"2026-11-22T01:02:03.004Z","Status":"SUCCESS","Created":3,"Updated":4,"Unchanged":1193}"#;
    let reply = json_response(200, SUCCESS).with("import-id", "0198c7");
    let notes = r#"{"items":[
        {"number":0,"record":null,"login":null,"key":"Phon","code":"key.unmapped","severity":"info","message":"the key \"Phon\" is not mapped"},
        {"number":1,"record":2,"login":"jo","key":null,"code":"external_id.replaced","severity":"info","message":"about one user"}
    ],"next":null}"#;
    let responses = [reply, json_response(200, run), json_response(200, notes)];
    let server = MockServer::returning_each(responses);
    let output = import(&server.url, &[]);
    output
        .exits_with(0)
        .stdout_contains("\n1 note:\nthe key \"Phon\" is not mapped [key.unmapped]\n")
        .stdout_contains("SUCCESS")
        .stdout_contains("Total Lines       1,200\n")
        .stdout_contains("Created           3\nUpdated           4\nUnchanged         1,193\n")
        .stdout_contains("Import-Id         0198c7");
    assert_eq!(output.stderr, "");
    let [request, then, last] = &server.requests()[..] else {
        panic!("{:#?}", server.requests());
    };
    assert_eq!(then.uri.to_string(), "/v1/imports/0198c7");
    let items = "/v1/imports/0198c7/items?severity=info&limit=1000";
    assert_eq!(last.uri.to_string(), items);
    assert_eq!(request.method, "POST");
    assert_eq!(request.uri.to_string(), "/v1/import/user-data/206");
    assert_eq!(request.header("authorization"), "Bearer t0ken");
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.body, USERS);
}

#[test]
fn debug_shows_the_warnings() {
    let server = MockServer::returning(json_response(200, PARTIAL));
    import(&server.url, &["--debug"])
        .exits_with(3)
        .stdout_contains("1 warning:\nRecord 2 (jack.woo), \"E-mail\": not a valid");
    assert_eq!(
        server.request().uri.to_string(),
        "/v1/import/user-data/206?debug"
    );
}

#[test]
fn a_dry_run_shows_what_would_change() {
    let body = SUCCESS.replace(
        '}',
        ",\"Dry Run\":true,\"Created\":1150,\"Updated\":0,\"Unchanged\":50}",
    );
    let server = MockServer::returning(json_response(200, body));
    import(&server.url, &["--dry-run"])
        .exits_with(0)
        .stdout_contains("Would create      1,150\nWould update      0\nWould not change  50\n")
        .stderr_contains("nothing was changed");
    assert_eq!(
        server.request().uri.to_string(),
        "/v1/import/user-data/206?dryRun"
    );
    let both = MockServer::returning(json_response(200, SUCCESS));
    import(&both.url, &["--dry-run", "--debug"]).exits_with(0);
    assert_eq!(
        both.request().uri.to_string(),
        "/v1/import/user-data/206?debug&dryRun"
    );
}

#[test]
fn an_idempotency_key_is_sent_and_a_replay_is_reported() {
    let replayed = json_response(200, SUCCESS).with("idempotent-replayed", "true");
    let server = MockServer::returning(replayed);
    import(&server.url, &["--idempotency-key", "monday"])
        .exits_with(0)
        .stdout_contains("SUCCESS")
        .stderr_contains("response to an earlier request with the same key");
    assert_eq!(server.request().header("idempotency-key"), "monday");

    let running = json_response(409, failure("still running")).with("retry-after", "30");
    let server = MockServer::returning(running);
    import(&server.url, &["--idempotency-key", "monday"])
        .exits_with(1)
        .stderr_contains("still running")
        .stderr_contains("try again in 30 seconds");

    let server = MockServer::returning(json_response(200, SUCCESS));
    let long = "k".repeat(256);
    for wrong in ["", " k", &long] {
        import(&server.url, &["--idempotency-key", wrong])
            .exits_with(2)
            .stderr_contains("1 to 255 characters");
    }
    assert!(server.requests().is_empty());
}

#[test]
fn warnings_are_mentioned_without_debug() {
    let body = PARTIAL.replace("\"Warnings\"", "\"Unshown\"");
    import_returning(json_response(200, body))
        .exits_with(3)
        .stdout_contains("PARTIAL_SUCCESS")
        .stderr_contains("--debug");
}

#[test]
fn json_output_is_one_object_with_the_changes() {
    let run = r#"{"import_id":"0198c7","task":206,"state":"finished","started_at":"2026-11-22T01:02:03.004Z","Status":"SUCCESS","Created":2,"Updated":0,"Unchanged":1}"#;
    let reply = json_response(200, PARTIAL).with("import-id", "0198c7");
    let server = MockServer::returning_each([reply, json_response(200, run)]);
    let output = import(&server.url, &["--output", "json", "--debug"]);
    let more = r#","Created":2,"Updated":0,"Unchanged":1,"import_id":"0198c7"}"#;
    let all = PARTIAL.replace('}', more);
    assert_eq!(output.exits_with(3).stdout, format!("{all}\n"));
    assert_eq!(output.stderr, "");

    // The import has succeeded even if its status is not found.
    let reply = json_response(200, SUCCESS).with("import-id", "0198c7");
    let server = MockServer::returning_each([reply, json_response(404, "{}")]);
    let output = import(&server.url, &["--output", "json"]);
    let all = SUCCESS.replace('}', r#","import_id":"0198c7"}"#);
    assert_eq!(output.exits_with(0).stdout, format!("{all}\n"));

    let refused = r#"{"Status":"FAILURE","Errors":["the task is disabled"]}"#;
    let output = import(
        &MockServer::returning(json_response(400, refused)).url,
        &["--output", "json"],
    );
    assert_eq!(
        output
            .exits_with(1)
            .stderr_contains("the task is disabled")
            .stdout,
        format!("{refused}\n")
    );
    let page = import(
        &MockServer::returning(json_response(502, "<html>")).url,
        &["--output", "json"],
    );
    page.exits_with(1).stdout_is_empty();
}

#[test]
fn a_dash_is_standard_input() {
    let server = MockServer::returning(json_response(200, SUCCESS));
    let args = [
        "import",
        "-",
        "--task",
        "7",
        "--url",
        &server.url,
        "--token",
        "t",
    ];
    home().run_with_input(&args, b"[]").exits_with(0);
    assert_eq!(server.request().body, "[]");
}

#[test]
fn a_refused_token_has_exit_code_4() {
    let answer = MockResponse {
        status: Some(401),
        headers: vec![("content-type", "text/plain".into())],
        body: "Token is missing or invalid!".into(),
    };
    import_returning(answer)
        .exits_with(4)
        .stderr_contains("Token is missing or invalid!")
        .stderr_contains("muster login --url http://127.0.0.1:");
}

#[test]
fn a_missing_permission_has_exit_code_1() {
    import_returning(json_response(
        401,
        failure("the robot may not run this task"),
    ))
    .exits_with(1)
    .stderr_contains("may not run this task")
    .stderr_contains("permit the robot on task 206");
}

#[test]
fn an_unknown_task_differs_from_an_unexpected_server() {
    import_returning(json_response(404, failure("no such task")))
        .exits_with(1)
        .stderr_contains("task 206 was not found, or belongs to another customer");
    import_returning(json_response(404, r#"{"title":"Not Found","status":404}"#))
        .exits_with(1)
        .stderr_contains("not as a Muster server does");
}

#[test]
fn a_refused_file_is_reported_with_the_reasons() {
    let output = import_returning(json_response(
        400,
        failure("line 9, column 7: expected a comma"),
    ));
    output
        .exits_with(1)
        .stderr_contains("line 9, column 7: expected a comma")
        .stderr_contains("nothing was changed")
        .stdout_is_empty();
    let two = r#"{"Status":"FAILURE","Errors":["first","second"]}"#;
    import_returning(json_response(400, two))
        .exits_with(1)
        .stderr_contains("- first")
        .stderr_contains("- second");
}

#[test]
fn a_busy_task_shows_when_to_retry() {
    let busy =
        json_response(503, failure("the import is already running")).with("retry-after", "42");
    import_returning(busy)
        .exits_with(1)
        .stderr_contains("the import is already running")
        .stderr_contains("try again in 42 seconds");
    import_returning(json_response(503, ""))
        .exits_with(1)
        .stderr_contains("try again in a minute");
}

#[test]
fn a_server_error_says_that_sending_again_is_safe() {
    let answer = json_response(500, failure("internal error")).with("import-id", "0198c7");
    import_returning(answer)
        .exits_with(1)
        .stderr_contains("internal error")
        .stderr_contains("import 0198c7")
        .stderr_contains("sending the same file again is safe");
    import_returning(json_response(504, "Gateway Timeout"))
        .exits_with(1)
        .stderr_contains("504")
        .stderr_contains("sending the same file again is safe");
}

#[test]
fn an_import_that_continues_in_the_background_is_followed() {
    let accepted = json_response(202, r#"{"import_id":"0198c7","state":"queued"}"#)
        .with("import-id", "0198c7")
        .with("location", "/v1/imports/0198c7");
    let run = r#"{"import_id":"0198c7","task":206,"state":"finished","started_at":"2026-11-22T01:02:03.004Z","Status":"SUCCESS","Total Lines":7,"Created":7,"Updated":0,"Unchanged":0}"#;
    let server = MockServer::returning_each([accepted.clone(), json_response(200, run)]);
    import(&server.url, &[])
        .exits_with(0)
        .stderr_contains("import 0198c7 continues in the background")
        .stdout_contains("Created           7\n");
    assert_eq!(server.requests()[0].header("prefer"), "");

    let server = MockServer::returning(accepted);
    let output = import(&server.url, &["--no-wait"]);
    assert_eq!(output.exits_with(0).stdout, "0198c7\n");
    assert_eq!(server.request().header("prefer"), "respond-async");
}

#[test]
fn a_redirect_is_not_followed() {
    let target = MockServer::returning(json_response(200, SUCCESS));
    let answer = json_response(307, "").with(
        "location",
        &format!("{}/v1/import/user-data/206", target.url),
    );
    import_returning(answer)
        .exits_with(1)
        .stderr_contains(&target.url);
    assert!(target.requests().is_empty());
}

#[test]
fn an_unreachable_server_is_reported() {
    import("http://127.0.0.1:1", &[])
        .exits_with(1)
        .stderr_contains("cannot reach http://127.0.0.1:1: Connection refused")
        .stderr_contains("muster-local up");
}

#[test]
fn a_missing_file_is_reported_before_any_request() {
    let server = MockServer::returning(json_response(200, SUCCESS));
    home()
        .run(&import_args("nowhere.json", &server.url, &[]))
        .exits_with(1)
        .stderr_contains("cannot read nowhere.json");
    assert!(server.requests().is_empty());
}

#[test]
fn responses_cannot_control_the_terminal() {
    let body = PARTIAL.replace("jack.woo", "\\u001b]0;owned\\u0007\\u202e");
    let output = import(
        &MockServer::returning(json_response(200, body)).url,
        &["--debug"],
    );
    assert!(
        !output
            .exits_with(3)
            .stdout
            .contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{output:?}"
    );
}

#[test]
fn without_a_token_nothing_is_sent() {
    let server = MockServer::returning(json_response(200, SUCCESS));
    let home = home();
    let args = ["import", "users.json", "--task", "206"];
    home.run(&args)
        .exits_with(4)
        .stderr_contains("not signed in")
        .stderr_contains("muster login");
    home.run(&[&args[..], &["--url", &server.url]].concat())
        .exits_with(4)
        .stderr_contains(&format!("muster login --url {}", server.url));
    home.run(&[&args[..], &["--token", "t"]].concat())
        .exits_with(2)
        .stderr_contains("MUSTER_URL");
    assert!(server.requests().is_empty());
}

#[test]
fn flags_override_the_environment_which_overrides_the_profile() {
    let stored = r#"{"token":"from-profile","status":"SUCCESS"}"#;
    let (home, login) = (home(), MockServer::returning(json_response(200, stored)));
    home.login(&login.url, "r", b"p").exits_with(0);

    let import = |flags: &[&str], env: &[(&str, &str)]| {
        let mut command = home.muster(&[&["import", "users.json", "--task", "1"], flags].concat());
        command.envs(env.iter().copied()).output().unwrap();
    };
    let last_token = |server: &MockServer| {
        server
            .requests()
            .last()
            .unwrap()
            .header("authorization")
            .to_owned()
    };
    import(&[], &[]);
    assert_eq!(last_token(&login), "Bearer from-profile");
    import(&[], &[("MUSTER_TOKEN", ""), ("MUSTER_URL", "")]);
    assert_eq!(last_token(&login), "Bearer from-profile");
    import(&[], &[("MUSTER_TOKEN", "from-environment")]);
    assert_eq!(last_token(&login), "Bearer from-environment");
    import(
        &["--token", "from-flag"],
        &[("MUSTER_TOKEN", "from-environment")],
    );
    assert_eq!(last_token(&login), "Bearer from-flag");

    let other = MockServer::returning(json_response(200, SUCCESS));
    import(
        &["--url", &other.url],
        &[("MUSTER_TOKEN", "t"), ("MUSTER_URL", "http://127.0.0.1:1")],
    );
    assert_eq!(last_token(&other), "Bearer t");
}

#[test]
fn a_stored_token_is_never_sent_to_another_server() {
    let stored = r#"{"token":"from-profile","status":"SUCCESS"}"#;
    let (home, login) = (home(), MockServer::returning(json_response(200, stored)));
    home.login(&login.url, "r", b"p").exits_with(0);
    let other = MockServer::returning(json_response(200, SUCCESS));
    let args = ["import", "users.json", "--task", "1", "--url", &other.url];
    home.run(&args)
        .exits_with(4)
        .stderr_contains(&format!("not signed in to {}", other.url));
    assert!(other.requests().is_empty());
}

#[cfg(unix)]
#[test]
fn an_interrupt_reports_that_the_request_may_have_been_applied() {
    use crate::home::interrupt;
    use crate::mock_server::silence;

    let silent = MockServer::returning(silence());
    let home = home();
    let child = home.start(&import_args("users.json", &silent.url, &[]));
    silent.wait_until(|requests| !requests.is_empty());
    let output = interrupt(child);
    output
        .exits_with(1)
        .stderr_contains("may have been applied")
        .stderr_contains("sending the same file again is safe")
        .stdout_is_empty();
}

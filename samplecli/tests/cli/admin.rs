//! The commands for operators: pages, refusals, failures and malicious texts.

use serde_json::{Value, json};

use crate::home::{CommandOutput, Home};
use crate::mock_server::{MockResponse, MockServer, json_response, problem};

/// Runs a command with an operator's session.
pub fn muster(server: &MockServer, args: &[&str]) -> CommandOutput {
    let home = Home::new();
    let mut command = home.muster(args);
    command
        .env("MUSTER_URL", &server.url)
        .env("MUSTER_OPERATOR_TOKEN", "s3ss10n");
    CommandOutput::new(command.output().unwrap())
}

fn run(id: &str) -> Value {
    json!({
        "id": id, "task": 206, "task_title": "HR", "robot": "hr-robot",
        "started_at": "2026-11-22T01:02:03.004Z", "ended_at": "2026-11-22T01:02:04.254Z",
        "duration_ms": 1250, "size": 12345, "dry_run": false, "state": "finished",
        "status": "SUCCESS", "items": {}, "errors": [],
        "counts": {"total": 1200, "empty": 0, "ignored": 1, "duplicated": 0, "created": 1199,
            "updated": 0, "unchanged": 0},
    })
}

fn page(ids: &[&str], next: Option<&str>) -> MockResponse {
    let items: Vec<Value> = ids.iter().map(|id| run(id)).collect();
    json_response(200, json!({"items": items, "next": next}).to_string())
}

const TASK: &str = r#"{"id":206,"version":3,"created_at":"2026-11-22T01:02:03.004Z","updated_at":"2026-11-22T01:02:03.004Z","created_by":null,"updated_by":"anna","settings":{"id":206,"title":"HR","enabled":false,"attribute_mapping":{"username":"Username"}}}"#;

#[test]
fn a_list_follows_its_pages_even_after_an_empty_one() {
    let server = MockServer::returning_each([
        page(&["a", "b"], Some("two")),
        page(&[], Some("th/ree")),
        page(&["c"], None),
    ]);
    let output = muster(
        &server,
        &["runs", "--task", "206", "--status", "failure,running"],
    );
    output.exits_with(0);
    assert_eq!(
        output.stdout,
        "Started\tTask\tRobot\tStatus\tDuration\tTotal\tIgnored\tId\n".to_owned()
            + &["a", "b", "c"]
                .map(|id| format!(
                    "2026-11-22T01:02:03.004Z\t206\thr-robot\tSUCCESS\t1.2 s\t1200\t1\t{id}\n"
                ))
                .concat()
    );
    assert_eq!(output.stderr, "");
    let uris: Vec<String> = server
        .requests()
        .iter()
        .map(|request| request.uri.to_string())
        .collect();
    assert_eq!(
        uris,
        [
            "/admin/v1/runs?task=206&status=FAILURE%2Crunning&limit=101",
            "/admin/v1/runs?task=206&status=FAILURE%2Crunning&limit=99&after=two",
            "/admin/v1/runs?task=206&status=FAILURE%2Crunning&limit=99&after=th%2Free",
        ]
    );
    assert_eq!(
        server.requests()[0].header("authorization"),
        "Bearer s3ss10n"
    );
}

#[test]
fn a_list_reports_entries_beyond_the_limit() {
    let server = MockServer::returning(page(&["a", "b", "c"], None));
    let output = muster(&server, &["runs", "--limit", "2"]);
    output
        .exits_with(0)
        .stderr_contains("there are more runs: use --limit 4 or --all");
    assert_eq!(output.stdout.lines().count(), 3);
    assert_eq!(server.request().uri.query(), Some("limit=3"));
    let all = muster(&server, &["runs", "--limit", "3"]);
    assert_eq!(all.exits_with(0).stderr, "");
}

#[test]
fn json_output_is_an_array_of_the_objects_as_received() {
    let server = MockServer::returning_each([
        json_response(200, r#"{"items":[{"z":1,"a":2},{"b":3}],"next":"x"}"#),
        json_response(200, r#"{"items":[{"unknown":{"d":4}}],"next":null}"#),
    ]);
    let output = muster(&server, &["items", "r1", "--all", "--output", "json"]);
    assert_eq!(
        output.exits_with(0).stdout,
        "[{\"z\":1,\"a\":2},{\"b\":3},{\"unknown\":{\"d\":4}}]\n"
    );
    assert_eq!(server.requests()[0].uri.path(), "/admin/v1/runs/r1/items");
}

#[test]
fn json_output_is_valid_after_a_failed_page() {
    let server = MockServer::returning_each([
        json_response(200, r#"{"items":[{"a":1}],"next":"x"}"#),
        problem(503, "the store is busy").with("retry-after", "3"),
    ]);
    let output = muster(&server, &["items", "r1", "--output", "json"]);
    output
        .exits_with(1)
        .stderr_contains("try again in 3 seconds");
    assert_eq!(output.stdout, "[{\"a\":1}]\n");
}

#[test]
fn an_empty_list_is_not_a_failure() {
    let server = MockServer::returning(page(&[], None));
    let output = muster(&server, &["users", "list"]);
    output.exits_with(0).stderr_contains("no users");
    assert_eq!(output.stdout.lines().count(), 1, "the column headings");
    let output = muster(&server, &["users", "list", "--output", "json"]);
    assert_eq!(output.exits_with(0).stdout, "[]\n");
}

#[test]
fn every_refusal_has_a_hint() {
    for (refusal, code, message) in [
        (
            problem(401, "the session has ended"),
            4,
            "run `muster login --operator --url http://127",
        ),
        (
            problem(403, "this needs the role manage"),
            1,
            "muster operator update NAME --role manage",
        ),
        (
            problem(404, "not found"),
            1,
            "task 206 was not found\n  see `muster task list`",
        ),
        (problem(409, "the task is in use"), 1, "the task is in use"),
        (
            problem(500, "it broke").with("x-request-id", "r-17"),
            1,
            "(request r-17)",
        ),
        (
            problem(503, "busy").with("retry-after", "1"),
            1,
            "try again in 1 second",
        ),
        (
            json_response(502, "<html>"),
            1,
            "the server failed with 502",
        ),
        (
            json_response(404, "<html>"),
            1,
            "not as a Muster server does",
        ),
        (
            json_response(200, "<html>"),
            1,
            "not as a Muster server does",
        ),
    ] {
        let server = MockServer::returning(refusal);
        muster(&server, &["task", "enable", "206"])
            .exits_with(code)
            .stdout_is_empty()
            .stderr_contains(message);
    }
}

#[test]
fn every_invalid_field_is_listed() {
    let body = r#"{"title":"Unprocessable","status":422,"detail":"the settings cannot be stored","errors":[{"field":"permitted_robots.0","message":"there is no such robot"},{"field":"role_mapping.catman","message":"\u001b[2J"}]}"#;
    let server = MockServer::returning_each([json_response(200, TASK), json_response(422, body)]);
    muster(&server, &["task", "update", "206", "--robot", "ghost"])
        .exits_with(1)
        .stderr_contains("\n  - permitted_robots.0: there is no such robot\n")
        .stderr_contains("- role_mapping.catman: \\u{1b}[2J");
}

#[test]
fn an_update_keeps_other_settings_and_sends_the_version() {
    let server = MockServer::returning(json_response(200, TASK));
    let args = [
        "task",
        "update",
        "206",
        "--map",
        "email=Mail",
        "--threshold",
        "5%",
    ];
    muster(&server, &args)
        .exits_with(0)
        .stdout_contains("Task              206\n");
    let requests = server.requests();
    assert_eq!(requests[1].method, "PUT");
    let sent: Value = serde_json::from_slice(&requests[1].body).unwrap();
    assert_eq!(sent["version"], 3);
    assert_eq!(sent["settings"]["title"], "HR");
    assert_eq!(
        sent["settings"]["attribute_mapping"],
        json!({"username": "Username", "email": "Mail"})
    );
    assert_eq!(sent["settings"]["safety_threshold"], json!({"percent": 5}));
}

#[test]
fn a_concurrent_update_is_reported_with_its_changes() {
    let body = r#"{"title":"Conflict","status":409,"detail":"ben changed title since version 3","errors":[{"field":"title","message":"ben, 2026-11-22T01:02:03.004Z"}]}"#;
    let server = MockServer::returning_each([json_response(200, TASK), json_response(409, body)]);
    muster(&server, &["task", "update", "206", "--title", "x"])
        .exits_with(1)
        .stderr_contains("ben changed title since version 3\n  - title: ben, 2026")
        .stderr_contains("it is safe to run this again");
}

#[test]
fn invalid_settings_are_not_sent() {
    let server = MockServer::returning(json_response(200, TASK));
    muster(&server, &["task", "update", "206", "--enabled"])
        .exits_with(1)
        .stderr_contains("- permitted_robots: an enabled task needs at least one permitted robot");
    muster(&server, &["task", "update", "206", "--no-robot", "ghost"])
        .exits_with(2)
        .stderr_contains("the task does not have it");
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.method == "GET")
    );
}

#[test]
fn a_piped_token_is_printed_alone() {
    let token = r#"{"id":"t1","robot":"hr-robot","title":"","scopes":["quant"],"created_at":"2026-11-22T01:02:03.004Z","created_by":"anna","expires_at":null,"last_used_at":null,"revoked_at":null,"status":"active","token":"m_s3cret"}"#;
    let server = MockServer::returning(json_response(201, token));
    let args = [
        "token",
        "create",
        "--robot",
        "hr-robot",
        "--lifetime",
        "90d",
    ];
    let output = muster(&server, &args);
    assert_eq!(output.exits_with(0).stdout, "m_s3cret\n");
    let sent: Value = serde_json::from_slice(&server.request().body).unwrap();
    assert_eq!(
        sent,
        json!({"robot": "hr-robot", "lifetime_seconds": 7_776_000})
    );
    let output = muster(&server, &[&args[..], &["--output", "json"]].concat());
    assert_eq!(output.exits_with(0).stdout, format!("{token}\n"));
}

#[test]
fn a_generated_password_is_sent_and_shown_once() {
    let robot = r#"{"name":"shop 1","enabled":true,"scopes":["quant"],"created_at":"2026-11-22T01:02:03.004Z","updated_at":"2026-11-22T01:02:03.004Z","last_used_at":null,"tasks":[]}"#;
    let server = MockServer::returning(json_response(200, robot));
    let args = [
        "robot",
        "update",
        "shop 1",
        "--generate",
        "--output",
        "json",
    ];
    let output = muster(&server, &args);
    let shown: Value = serde_json::from_str(
        &output
            .exits_with(0)
            .stderr_contains("only this once")
            .stdout,
    )
    .unwrap();
    let sent: Value = serde_json::from_slice(&server.request().body).unwrap();
    assert_eq!(shown["password"], sent["password"]);
    assert_eq!(server.request().uri.path(), "/admin/v1/robots/shop%201");
}

#[test]
fn a_user_is_found_by_login_and_blocked_by_id() {
    let user = r#"{"id":4711,"login":"jack.woo","version":2,"created_at":"2026-11-22T01:02:03.004Z","updated_at":"2026-11-22T01:02:03.004Z","created_by":{"dialect":"quant","robot":"hr-robot","run":"r1"},"updated_by":{"dialect":"console","operator":"anna"},"attributes":{"name":"Jack\u202e","active":false},"changes":[]}"#;
    let server = MockServer::returning_each([
        json_response(200, format!(r#"{{"items":[{user}],"next":null}}"#)),
        json_response(200, user),
    ]);
    muster(&server, &["users", "block", "jack.woo"])
        .exits_with(0)
        .stdout_contains("name              Jack\\u{202e}\n")
        .stdout_contains("active            no\n")
        .stdout_contains("Changed by        the operator anna\n");
    let requests = server.requests();
    assert_eq!(requests[0].uri.query(), Some("login=jack.woo&limit=1000"));
    assert_eq!(requests[1].uri.path(), "/admin/v1/users/4711/block");
}

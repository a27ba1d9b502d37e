//! `muster status`, `muster cancel` and `muster rejected`.

use serde_json::json;

use crate::home::{CommandOutput, Home};
use crate::mock_server::{MockResponse, MockServer, json_response, problem};
use crate::upload_service::ended;

fn muster(home: &Home, server: &MockServer, args: &[&str]) -> CommandOutput {
    home.run(&[args, &["--url", &server.url, "--token", "t0ken"]].concat())
}

fn applying() -> MockResponse {
    let run = json!({
        "import_id": "0198c7", "task": 206, "state": "applying", "dry_run": true, "size": 12345,
        "started_at": "2026-11-22T01:02:03.004Z",
        "progress": {"records": 300, "records_total": 1200, "chunks": 1, "chunks_total": 4},
        "rate": 100.0, "eta_seconds": 90,
    });
    json_response(200, run.to_string())
}

fn finished(state: &str, status: &str) -> MockResponse {
    let counters = json!({
        "Status": status, "Total Lines": 3, "Empty IDs": 0, "Ignored Users": 0,
        "Duplicated Users": 0, "Created": 2, "Updated": 1, "Unchanged": 0,
    });
    json_response(200, ended(state, &counters).to_string())
}

#[test]
fn the_status_shows_progress_and_outcome() {
    let server = MockServer::returning(applying());
    muster(&Home::new(), &server, &["status", "0198c7"])
        .exits_with(0)
        .stdout_contains("State             applying (dry run)\n")
        .stdout_contains("Started           2026-11-22T01:02:03.004Z\n")
        .stdout_contains("Records           300\nRecords in total  1200\n")
        .stdout_contains("Time left         1 min 30 s\n");
    assert_eq!(server.request().uri.to_string(), "/v1/imports/0198c7");
    assert_eq!(server.request().header("authorization"), "Bearer t0ken");

    let server = MockServer::returning(finished("finished", "FAILURE"));
    muster(&Home::new(), &server, &["status", "0198c7"])
        .exits_with(0)
        .stdout_contains("Status            FAILURE\n")
        .stdout_contains("Created           2\n");
    let shown = muster(
        &Home::new(),
        &server,
        &["status", "0198c7", "--output", "json"],
    );
    assert_eq!(
        shown.exits_with(0).stdout,
        format!("{}\n", finished("finished", "FAILURE").body)
    );
}

#[test]
fn watching_ends_with_the_import_and_its_exit_code() {
    for (status, code) in [("SUCCESS", 0), ("PARTIAL_SUCCESS", 3), ("FAILURE", 1)] {
        let server =
            MockServer::returning_each([applying(), applying(), finished("finished", status)]);
        let output = muster(&Home::new(), &server, &["status", "0198c7", "--watch"]);
        output.exits_with(code).stderr_contains(
            "applying: 300 of 1,200 records (25 %), 100 records/s, about 1 min 30 s left",
        );
        if code != 1 {
            output
                .stdout_contains(status)
                .stdout_contains("Created           2\n");
        }
    }
    let server = MockServer::returning(finished("cancelled", "PARTIAL_SUCCESS"));
    muster(&Home::new(), &server, &["status", "0198c7", "--watch"])
        .exits_with(1)
        .stdout_contains("PARTIAL_SUCCESS")
        .stderr_contains("import 0198c7 was cancelled")
        .stderr_contains("records already written are kept");
    let server = MockServer::returning(finished("cancelled", "FAILURE"));
    muster(&Home::new(), &server, &["status", "0198c7", "--watch"])
        .exits_with(1)
        .stderr_contains("error: the import of the file into task 206 was cancelled")
        .stderr_contains("(import 0198c7)")
        .stderr_contains("nothing was changed");
}

#[test]
fn an_unknown_import_is_reported() {
    let server = MockServer::returning(problem(404, "no such import"));
    for command in ["status", "cancel"] {
        muster(&Home::new(), &server, &[command, "0198c7"])
            .exits_with(1)
            .stderr_contains("import 0198c7 was not found");
    }
    let server = MockServer::returning(problem(401, "the token is wrong"));
    muster(&Home::new(), &server, &["status", "0198c7"])
        .exits_with(4)
        .stderr_contains("muster login");
}

#[test]
fn cancelling_reports_the_effect() {
    let answered = |status: u16, state: &str| {
        let body = json!({"import_id": "0198c7", "state": state}).to_string();
        MockServer::returning(json_response(status, body))
    };
    let server = answered(200, "cancelled");
    muster(&Home::new(), &server, &["cancel", "0198c7"])
        .exits_with(0)
        .stderr_contains("import 0198c7 was cancelled: nothing was changed");
    let request = server.request();
    assert_eq!(request.method, "POST");
    assert_eq!(request.uri.to_string(), "/v1/imports/0198c7/cancel");

    muster(
        &Home::new(),
        &answered(202, "stopping"),
        &["cancel", "0198c7"],
    )
    .exits_with(0)
    .stderr_contains("is stopping; records already written are kept")
    .stderr_contains("muster status 0198c7 --watch");
    muster(
        &Home::new(),
        &MockServer::returning(problem(409, "the import has ended")),
        &["cancel", "0198c7"],
    )
    .exits_with(1)
    .stderr_contains("the import has ended");
}

fn page(lines: &str) -> MockResponse {
    MockResponse {
        status: Some(200),
        headers: vec![("content-type", "application/x-ndjson".into())],
        body: lines.to_owned(),
    }
}

fn rejected() -> MockServer {
    let next = "</v1/imports/0198c7/rejected?from=17>; rel=\"next\"";
    MockServer::returning_each([
        page("{\"a\":1}\n{\"a\":2}\n").with("link", next),
        json_response(502, ""),
        page("{\"a\":3}\n"),
    ])
}

const REJECTED: &str = "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n";

#[test]
fn rejected_records_are_read_page_by_page() {
    let (server, home) = (rejected(), Home::new());
    home.file("rejected.ndjson", "older data");
    muster(
        &home,
        &server,
        &["rejected", "0198c7", "-o", "rejected.ndjson"],
    )
    .exits_with(0)
    .stderr_contains("wrote 3 records to rejected.ndjson")
    .stdout_is_empty();
    let written = std::fs::read_to_string(home.path().join("rejected.ndjson")).unwrap();
    assert_eq!(written, REJECTED);
    let uris: Vec<String> = server
        .requests()
        .iter()
        .map(|request| request.uri.to_string())
        .collect();
    let next = "/v1/imports/0198c7/rejected?from=17";
    assert_eq!(uris, ["/v1/imports/0198c7/rejected", next, next]);

    let output = muster(&home, &rejected(), &["rejected", "0198c7", "-o", "-"]);
    assert_eq!(
        output
            .exits_with(0)
            .stderr_contains("wrote 3 records")
            .stdout,
        REJECTED
    );
}

#[test]
fn a_file_is_replaced_only_if_all_pages_were_read() {
    let home = Home::new();
    let path = home.file("rejected.ndjson", "older data");
    let next = "</v1/imports/0198c7/rejected?from=17>; rel=\"next\"";
    let args = ["rejected", "0198c7", "-o", "rejected.ndjson"];
    let broken =
        MockServer::returning_each([page("{}\n").with("link", next), problem(404, "gone")]);
    muster(&home, &broken, &args)
        .exits_with(1)
        .stderr_contains("was not found");
    let early = MockServer::returning(problem(409, "the import has not ended"));
    muster(&home, &early, &args)
        .exits_with(1)
        .stderr_contains("the import has not ended");
    assert_eq!(std::fs::read_to_string(path).unwrap(), "older data");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);

    muster(&home, &MockServer::returning(page("")), &args)
        .exits_with(0)
        .stderr_contains("no record of import 0198c7 was rejected: rejected.ndjson is empty");
}

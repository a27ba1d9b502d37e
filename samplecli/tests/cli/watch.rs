//! `muster runs --watch`: a line per run that starts or ends, until Ctrl-C.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::home::Home;
use crate::mock_server::{MockResponse, MockServer, json_response};

fn run(id: &str, status: Option<&str>) -> Value {
    json!({
        "id": id, "task": 206, "task_title": "HR", "robot": "hr-robot",
        "started_at": "2026-11-22T01:02:03.004Z",
        "ended_at": status.map(|_| "2026-11-22T01:02:04.254Z"),
        "duration_ms": status.map(|_| 1250), "size": 12, "dry_run": false,
        "state": if status.is_some() { "finished" } else { "applying" },
        "status": status, "items": {}, "errors": [], "counts": null,
    })
}

fn page(items: &[Value]) -> MockResponse {
    json_response(200, json!({"items": items, "next": null}).to_string())
}

#[test]
fn each_run_is_shown_when_it_starts_and_when_it_ends() {
    let server = MockServer::returning_each([
        page(&[run("b", None), run("a", Some("SUCCESS"))]),
        json_response(502, "Bad gateway"),
        page(&[
            run("c", None),
            run("b", Some("FAILURE")),
            run("a", Some("SUCCESS")),
        ]),
    ]);
    let home = Home::new();
    let mut command = home.muster(&["runs", "--watch"]);
    command
        .env("MUSTER_URL", &server.url)
        .env("MUSTER_OPERATOR_TOKEN", "t")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = || {
        let line = out.next().unwrap().unwrap();
        let cells: Vec<&str> = line.split('\t').collect();
        (cells[3].to_owned(), cells[7].to_owned())
    };
    let shown = [lines(), lines(), lines(), lines(), lines()];
    let expected = [
        ("Status", "Id"),
        ("SUCCESS", "a"),
        ("applying", "b"),
        ("FAILURE", "b"),
        ("applying", "c"),
    ];
    assert_eq!(
        shown,
        expected.map(|(status, id)| (status.to_owned(), id.to_owned()))
    );

    let interrupted = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupted.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(
        err.contains("502") && err.contains("still watching"),
        "{err}"
    );
    // It requests the runs that can still change, by the server's clock.
    let query = server.requests()[1].uri.query().unwrap().to_owned();
    assert_eq!(query, "from=2026-11-22T01%3A01%3A03.004Z&limit=1000");
}

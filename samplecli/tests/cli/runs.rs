//! `muster status`, `muster cancel` and `muster rejected`: an import after it was sent.

use serde_json::json;

use crate::muster::{Ended, Home};
use crate::peer::{Answer, Peer, json as answer};

fn muster(home: &Home, peer: &Peer, args: &[&str]) -> Ended {
    home.run(&[args, &["--url", &peer.url, "--token", "t0ken"]].concat())
}

fn applying() -> Answer {
    let run = json!({
        "import_id": "0198c7", "task": 206, "state": "applying", "dry_run": true, "size": 12345,
        "started_at": "2026-11-22T01:02:03.004Z",
        "progress": {"records": 300, "records_total": 1200, "chunks": 1, "chunks_total": 4},
        "rate": 100.0, "eta_seconds": 90,
    });
    answer(200, run.to_string())
}

fn finished(state: &str, status: &str) -> Answer {
    let run = json!({
        "import_id": "0198c7", "task": 206, "state": state, "Status": status,
        "Total Lines": 3, "Empty IDs": 0, "Ignored Users": 0, "Duplicated Users": 0,
        "Created": 2, "Updated": 1, "Unchanged": 0,
    });
    answer(200, run.to_string())
}

fn problem(status: u16, detail: &str) -> Answer {
    answer(
        status,
        json!({"title": "Trouble", "status": status, "detail": detail}).to_string(),
    )
}

#[test]
fn the_status_says_how_far_an_import_is() {
    let peer = Peer::answering(applying());
    muster(&Home::new(), &peer, &["status", "0198c7"])
        .expect(0)
        .prints("State             applying (dry run)\n")
        .prints("Started           2026-11-22T01:02:03.004Z\n")
        .prints("Records           300\nRecords in all    1200\n")
        .prints("Time left         1 min 30 s\n");
    assert_eq!(peer.request().uri.to_string(), "/v1/imports/0198c7");
    assert_eq!(peer.request().header("authorization"), "Bearer t0ken");

    let peer = Peer::answering(finished("finished", "FAILURE"));
    muster(&Home::new(), &peer, &["status", "0198c7"])
        .expect(0)
        .prints("Status            FAILURE\n")
        .prints("Created           2\n");
    let shown = muster(
        &Home::new(),
        &peer,
        &["status", "0198c7", "--output", "json"],
    );
    assert_eq!(
        shown.expect(0).out,
        format!("{}\n", finished("finished", "FAILURE").body)
    );
}

#[test]
fn watching_ends_with_the_import_and_as_it() {
    for (status, code) in [("SUCCESS", 0), ("PARTIAL_SUCCESS", 3), ("FAILURE", 1)] {
        let peer = Peer::answering_each([applying(), applying(), finished("finished", status)]);
        let ended = muster(&Home::new(), &peer, &["status", "0198c7", "--watch"]);
        ended
            .expect(code)
            .says("applying: 300 of 1,200 records (25 %), 100 records/s, about 1 min 30 s left");
        if code != 1 {
            ended.prints(status).prints("Created           2\n");
        }
    }
    let peer = Peer::answering(finished("cancelled", "PARTIAL_SUCCESS"));
    muster(&Home::new(), &peer, &["status", "0198c7", "--watch"])
        .expect(1)
        .prints("PARTIAL_SUCCESS")
        .says("import 0198c7 was cancelled")
        .says("what it had written by then stays");
    let peer = Peer::answering(finished("cancelled", "FAILURE"));
    muster(&Home::new(), &peer, &["status", "0198c7", "--watch"])
        .expect(1)
        .says("error: the import of the file into task 206 was cancelled")
        .says("(import 0198c7)")
        .says("nothing was changed");
}

#[test]
fn an_import_that_is_not_there_is_named() {
    let peer = Peer::answering(problem(404, "no such import"));
    for command in ["status", "cancel"] {
        muster(&Home::new(), &peer, &[command, "0198c7"])
            .expect(1)
            .says("import 0198c7 was not found");
    }
    let peer = Peer::answering(problem(401, "the token is wrong"));
    muster(&Home::new(), &peer, &["status", "0198c7"])
        .expect(4)
        .says("muster login");
}

#[test]
fn cancelling_says_what_became_of_it() {
    let answered = |status: u16, state: &str| {
        let body = json!({"import_id": "0198c7", "state": state}).to_string();
        Peer::answering(answer(status, body))
    };
    let peer = answered(200, "cancelled");
    muster(&Home::new(), &peer, &["cancel", "0198c7"])
        .expect(0)
        .says("import 0198c7 is cancelled: nothing was changed");
    let request = peer.request();
    assert_eq!(request.method, "POST");
    assert_eq!(request.uri.to_string(), "/v1/imports/0198c7/cancel");

    muster(
        &Home::new(),
        &answered(202, "stopping"),
        &["cancel", "0198c7"],
    )
    .expect(0)
    .says("is stopping; what it has written stays")
    .says("muster status 0198c7 --watch");
    muster(
        &Home::new(),
        &Peer::answering(problem(409, "the import has ended")),
        &["cancel", "0198c7"],
    )
    .expect(1)
    .says("the import has ended");
}

fn page(lines: &str) -> Answer {
    Answer {
        status: Some(200),
        headers: vec![("content-type", "application/x-ndjson".into())],
        body: lines.to_owned(),
    }
}

fn rejected() -> Peer {
    let next = "</v1/imports/0198c7/rejected?from=17>; rel=\"next\"";
    Peer::answering_each([
        page("{\"a\":1}\n{\"a\":2}\n").with("link", next),
        answer(502, ""),
        page("{\"a\":3}\n"),
    ])
}

const REJECTED: &str = "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n";

#[test]
fn what_was_not_taken_comes_page_by_page() {
    let (peer, home) = (rejected(), Home::new());
    home.file("rejected.ndjson", "of another day");
    muster(
        &home,
        &peer,
        &["rejected", "0198c7", "-o", "rejected.ndjson"],
    )
    .expect(0)
    .says("wrote 3 records to rejected.ndjson")
    .prints_nothing();
    let written = std::fs::read_to_string(home.path().join("rejected.ndjson")).unwrap();
    assert_eq!(written, REJECTED);
    let asked: Vec<String> = peer
        .requests()
        .iter()
        .map(|request| request.uri.to_string())
        .collect();
    let next = "/v1/imports/0198c7/rejected?from=17";
    assert_eq!(asked, ["/v1/imports/0198c7/rejected", next, next]);

    let ended = muster(&home, &rejected(), &["rejected", "0198c7", "-o", "-"]);
    assert_eq!(ended.expect(0).says("wrote 3 records").out, REJECTED);
}

#[test]
fn a_file_is_replaced_only_by_all_that_there_is() {
    let home = Home::new();
    let path = home.file("rejected.ndjson", "of another day");
    let next = "</v1/imports/0198c7/rejected?from=17>; rel=\"next\"";
    let args = ["rejected", "0198c7", "-o", "rejected.ndjson"];
    let broken = Peer::answering_each([page("{}\n").with("link", next), problem(404, "gone")]);
    muster(&home, &broken, &args)
        .expect(1)
        .says("was not found");
    let early = Peer::answering(problem(409, "the import has not ended"));
    muster(&home, &early, &args)
        .expect(1)
        .says("the import has not ended");
    assert_eq!(std::fs::read_to_string(path).unwrap(), "of another day");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);

    muster(&home, &Peer::answering(page("")), &args)
        .expect(0)
        .says("import 0198c7 took every record: rejected.ndjson is empty");
}

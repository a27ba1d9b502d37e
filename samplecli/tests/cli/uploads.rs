//! `muster import` of what one request cannot carry: how it is sent in parts, what happens when a
//! part or the command is cut off, and what is shown in the end.

use serde_json::{Value, json};

use crate::muster::{Ended, Home};
use crate::peer::{Answer, Peer, json as answer};
use crate::service::{Service, applying, finished, problem, state};

const RECORD: &str = "{\"Username\":\"john.foo\"}\n";

/// A file of so many parts of a hundred bytes, and five bytes more.
fn home(parts: usize) -> (Home, String) {
    let home = Home::new();
    let text: String = RECORD.chars().cycle().take(parts * 100 + 5).collect();
    home.file("users.ndjson", &text);
    (home, text)
}

/// The command that imports the file.
pub fn args<'a>(peer: &'a Peer, flags: &[&'a str]) -> Vec<&'a str> {
    let args = [
        "import",
        "users.ndjson",
        "--task",
        "206",
        "--url",
        &peer.url,
        "--token",
        "t0ken",
    ];
    [&args, flags].concat()
}

fn import(home: &Home, peer: &Peer, flags: &[&str]) -> Ended {
    home.run(&args(peer, flags))
}

fn paths(peer: &Peer, method: &str) -> Vec<String> {
    peer.requests()
        .iter()
        .filter(|request| request.method == method)
        .map(|request| request.uri.to_string())
        .collect()
}

#[test]
fn a_file_that_one_request_cannot_carry_goes_in_parts_and_is_followed() {
    let mut service = Service::new(100);
    let mut checking = state("checking");
    checking["progress"] = json!({"bytes": 500, "bytes_total": 1000});
    service.states = vec![state("queued"), checking, applying(), finished()];
    let (peer, service) = service.start();
    let (home, text) = home(8);
    let ended = import(&home, &peer, &[]);
    ended
        .expect(0)
        .says("import 0198c7: 805 bytes in 9 parts")
        .says("uploading users.ndjson: 805 of 805 bytes (100 %)")
        .says("\nqueued\n")
        .says("checking: 500 of 1,000 bytes (50 %)")
        .says("applying: 300 of 1,200 records (25 %), 123 records/s, about 7.3 s left")
        .prints("SUCCESS")
        .prints("Total Lines       1,200\n")
        .prints("Created           1,000\nUpdated           150\nUnchanged         50\n")
        .prints("Import-Id         0198c7");
    let service = service.lock().unwrap();
    assert_eq!(service.bytes(), text.as_bytes());
    assert_eq!(service.announced["size"], text.len());
    assert_eq!(service.announced["format"], "ndjson");
    assert_eq!(service.announced["compression"], "none");
    assert_eq!(service.announced["sha256"], sha256(text.as_bytes()));
    // Three windows: that of the answer, and two more.
    assert_eq!(
        paths(&peer, "GET")[..2],
        [
            "/v1/imports/0198c7/parts?from=4",
            "/v1/imports/0198c7/parts?from=7"
        ]
    );
    assert_eq!(peer.requests()[0].header("authorization"), "Bearer t0ken");
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn the_way_is_chosen_by_size_name_and_first_bytes() {
    let request = |name: &str, bytes: &[u8], flags: &[&str]| {
        let (peer, service) = Service::new(4_000_000).start();
        let home = Home::new();
        home.file(name, bytes);
        let base = [
            "import", name, "--task", "206", "--url", &peer.url, "--token", "t",
        ];
        home.run(&[&base, flags].concat()).expect(0);
        let announced = &service.lock().unwrap().announced;
        let word = |name: &str| announced[name].as_str().unwrap().to_owned();
        (word("format"), word("compression"))
    };
    let expect = |(format, compression): (String, String), expected: (&str, &str)| {
        assert_eq!((format.as_str(), compression.as_str()), expected);
    };
    let (gzip, large) = (b"\x1f\x8b\x08rest", vec![b' '; 4_000_001]);
    expect(request("a.json", &large, &[]), ("json", "none"));
    expect(request("a.json", gzip, &[]), ("json", "gzip"));
    expect(request("a.JSONL.gz", gzip, &[]), ("ndjson", "gzip"));
    expect(request("a.ndjson.gz", b"{}", &[]), ("ndjson", "none"));
    expect(
        request("a", b"{}", &["--format", "ndjson"]),
        ("ndjson", "none"),
    );
    expect(
        request(
            "a.ndjson",
            gzip,
            &["--format", "json", "--compression", "gzip"],
        ),
        ("json", "gzip"),
    );
    let (peer, _) = Service::new(10).start();
    let (home, _) = self::home(1);
    import(&home, &peer, &["--compression", "gzip"])
        .expect(1)
        .says("does not begin as gzip data does");
    assert!(peer.requests().is_empty());
}

#[test]
fn what_the_server_finds_too_large_for_a_request_is_uploaded() {
    let mut service = Service::new(100);
    let refused = r#"{"Status":"FAILURE","Errors":["the file has more than 20,000 records"]}"#;
    service.troubles = vec![("/v1/import/user-data/206", answer(413, refused))];
    let (peer, service) = service.start();
    let home = Home::new();
    home.file("users.json", "[]");
    let base = [
        "import",
        "users.json",
        "--task",
        "206",
        "--url",
        &peer.url,
        "--token",
        "t",
    ];
    home.run(&[&base[..], &["--dry-run"]].concat()).expect(0);
    assert_eq!(service.lock().unwrap().bytes(), b"[]");
    assert_eq!(
        paths(&peer, "POST")[..2],
        [
            "/v1/import/user-data/206?dryRun",
            "/v1/import/user-data/206/uploads?dryRun=true"
        ]
    );
    let (home, _) = self::home(1);
    import(&home, &peer, &["--idempotency-key", "monday"])
        .expect(2)
        .says("--idempotency-key names a request");
}

#[test]
fn standard_input_that_is_too_large_for_a_request_is_uploaded() {
    let (peer, service) = Service::new(1_000_000).start();
    let text = format!("[{}]", vec!["1"; 2_100_000].join(","));
    let args = [
        "import", "-", "--task", "206", "--url", &peer.url, "--token", "t",
    ];
    Home::new()
        .run_with_input(&args, text.as_bytes())
        .expect(0)
        .says("uploading standard input");
    let service = service.lock().unwrap();
    assert!(service.bytes() == text.as_bytes(), "other bytes arrived");
}

#[test]
fn a_part_that_fails_is_sent_again_to_a_new_url() {
    let mut service = Service::new(100);
    service.troubles = vec![
        ("/store/2?signed=1", answer(500, "")),
        (
            "/store/3?signed=1",
            answer(403, "<Code>AccessDenied</Code>"),
        ),
        ("/store/5", answer(503, "<Code>SlowDown</Code>")),
        ("/v1/imports/0198c7/parts?from=4", answer(502, "")),
        ("/v1/imports/0198c7/complete", answer(502, "")),
        ("/v1/imports/0198c7", answer(502, "")),
    ];
    let (peer, service) = service.start();
    let (home, text) = home(5);
    import(&home, &peer, &[]).expect(0).prints("SUCCESS");
    let service = service.lock().unwrap();
    assert_eq!(service.bytes(), text.as_bytes());
    assert!(service.troubles.is_empty());
    let sent = paths(&peer, "PUT");
    assert_eq!(sent.len(), 6 + 3, "{sent:?}");
    for number in [2, 3, 5] {
        let part = format!("/store/{number}?");
        let of_part: Vec<_> = sent.iter().filter(|path| path.starts_with(&part)).collect();
        assert!(of_part.len() == 2 && of_part[0] != of_part[1], "{sent:?}");
    }
}

#[test]
fn a_token_that_ends_meanwhile_leaves_an_upload_to_resume() {
    let mut service = Service::new(100);
    service.troubles = vec![(
        "/v1/imports/0198c7/parts?from=4",
        problem(401, "the token has ended"),
    )];
    let (peer, _) = service.start();
    import(&home(5).0, &peer, &[])
        .expect(4)
        .says("the token has ended")
        .says("run `muster login --url")
        .says("then `muster import users.ndjson --task 206 --resume 0198c7");
}

#[test]
fn a_part_that_the_store_refuses_ends_the_upload() {
    let mut service = Service::new(100);
    service.troubles = vec![("/store/2", answer(404, "<Code>NoSuchUpload</Code>"))];
    let (peer, _) = service.start();
    let (home, _) = home(3);
    import(&home, &peer, &[])
        .expect(1)
        .says("the upload has ended")
        .prints_nothing();
}

#[test]
fn an_upload_that_is_refused_has_sent_nothing() {
    for (status, detail, code) in [
        (413, "an upload has at most 32,000,000,000 bytes", 1),
        (409, "the task is disabled", 1),
        (401, "the token is wrong", 4),
    ] {
        let peer = Peer::answering(problem(status, detail));
        let (home, _) = home(1);
        import(&home, &peer, &["--no-checksum"])
            .expect(code)
            .says(detail)
            .says("nothing was sent");
        let body: Value = serde_json::from_slice(&peer.request().body).unwrap();
        assert_eq!(body.get("sha256"), None);
    }
    let (home, _) = home(1);
    import(&home, &Peer::answering(problem(404, "no such task")), &[])
        .expect(1)
        .says("task 206 was not found");
}

#[test]
fn a_busy_task_says_how_to_begin_the_import_later() {
    let mut service = Service::new(100);
    let busy = problem(503, "the task runs another import").with("retry-after", "42");
    service.troubles = vec![("/v1/imports/0198c7/complete", busy)];
    service.announced = json!({"size": 205});
    let mut uploading = state("uploading");
    uploading["size"] = json!(205);
    service.states = vec![uploading, finished()];
    let (peer, _) = service.start();
    let (home, text) = home(2);
    assert_eq!(text.len(), 205);
    let ended = import(&home, &peer, &[]);
    let resume = format!(
        "`muster import users.ndjson --task 206 --resume 0198c7 --url {}`",
        peer.url
    );
    ended
        .expect(1)
        .says("task 206 runs another import")
        .says("in 42 seconds")
        .says(&resume)
        .prints_nothing();
    let sent = paths(&peer, "PUT").len();
    import(&home, &peer, &["--resume", "0198c7"])
        .expect(0)
        .prints("SUCCESS");
    assert_eq!(paths(&peer, "PUT").len(), sent, "nothing is sent twice");
}

#[test]
fn resuming_sends_what_has_not_arrived() {
    let mut service = Service::new(100);
    service.announced = json!({"size": 805});
    let (home, text) = home(8);
    for number in [1, 2, 5, 9] {
        let from = (number - 1) * 100;
        let part = &text.as_bytes()[from..(from + 100).min(text.len())];
        service.parts.insert(number, part.to_vec());
    }
    let mut uploading = state("uploading");
    uploading["size"] = json!(805);
    service.states = vec![uploading, finished()];
    let (peer, service) = service.start();
    import(&home, &peer, &["--resume", "0198c7"])
        .expect(0)
        .says("uploading users.ndjson: 200 of 805 bytes (24 %)")
        .prints("SUCCESS");
    assert_eq!(service.lock().unwrap().bytes(), text.as_bytes());
    let mut sent: Vec<String> = paths(&peer, "PUT")
        .iter()
        .map(|path| path.split('?').next().unwrap().to_owned())
        .collect();
    sent.sort();
    let missing = [3, 4, 6, 7, 8].map(|number| format!("/store/{number}"));
    assert_eq!(sent, missing);
}

#[test]
fn another_file_or_task_does_not_resume_an_upload() {
    let resumed = |size: u64, task: u64| {
        let mut run = state("uploading");
        run["size"] = json!(size);
        run["task"] = json!(task);
        let peer = Peer::answering(answer(200, run.to_string()));
        let ended = import(&home(8).0, &peer, &["--resume", "0198c7"]);
        assert_eq!(peer.request().method, "GET");
        ended
    };
    resumed(1_000, 206)
        .expect(1)
        .says("users.ndjson has 805 bytes, and import 0198c7 was begun with a file of 1,000")
        .says("nothing was sent");
    resumed(805, 207)
        .expect(1)
        .says("belongs to task 207, not to task 206");
}

#[test]
fn an_upload_that_had_arrived_is_followed() {
    let mut run = finished();
    run["size"] = json!(805);
    let peer = Peer::answering(answer(200, run.to_string()));
    import(&home(8).0, &peer, &["--resume", "0198c7"])
        .expect(0)
        .says("all of users.ndjson has arrived before")
        .prints("SUCCESS");
}

#[test]
fn without_waiting_it_ends_with_the_id() {
    let (peer, _) = Service::new(100).start();
    let (home, _) = home(2);
    let ended = import(&home, &peer, &["--no-wait"]);
    assert_eq!(ended.expect(0).out, "0198c7\n");
    assert_eq!(paths(&peer, "GET"), [] as [&str; 0]);
    let ended = import(&home, &peer, &["--no-wait", "--output", "json"]);
    assert_eq!(ended.expect(0).out, "{\"import_id\":\"0198c7\"}\n");
}

#[test]
fn json_output_is_the_same_as_that_of_one_request() {
    let (peer, _) = Service::new(100).start();
    let ended = import(&home(2).0, &peer, &["--output", "json"]);
    assert_eq!(
        ended.expect(0).out,
        "{\"Status\":\"SUCCESS\",\"Total Lines\":1200,\"Empty IDs\":0,\"Ignored Users\":0,\
         \"Duplicated Users\":0,\"Created\":1000,\"Updated\":150,\"Unchanged\":50,\
         \"import_id\":\"0198c7\"}\n"
    );
}

#[test]
fn warnings_that_were_asked_for_are_those_of_a_reply() {
    let mut service = Service::new(100);
    let item = json!({
        "record": 2, "login": "jack.woo", "key": "E-mail", "code": "email.malformed",
        "severity": "warning", "message": "not a valid e-mail address",
    });
    let error = json!({"code": "x", "severity": "error", "message": "y"});
    let first = json!({"items": [item, error], "next": "17"}).to_string();
    let second = json!({"items": [item], "next": null}).to_string();
    service.troubles = vec![
        (
            "/v1/imports/0198c7/items?limit=1000&after=17",
            answer(200, second),
        ),
        ("/v1/imports/0198c7/items?limit=1000", answer(200, first)),
    ];
    let mut run = finished();
    run["Status"] = json!("PARTIAL_SUCCESS");
    run["Ignored Users"] = json!(1);
    service.states = vec![run];
    let (peer, _) = service.start();
    let sentence = "Record 2 (jack.woo), \"E-mail\": not a valid e-mail address [email.malformed]";
    import(&home(2).0, &peer, &["--debug"])
        .expect(3)
        .prints(&format!("2 warnings:\n{sentence}\n{sentence}\n"))
        .says("1 record was not taken: `muster rejected 0198c7 -o rejected.ndjson");
}

#[test]
fn an_import_that_fails_says_why() {
    let mut service = Service::new(100);
    let mut run = state("finished");
    run["Status"] = json!("FAILURE");
    run["Errors"] = json!(["line 9, column 7: expected a comma"]);
    service.states = vec![run];
    let (peer, _) = service.start();
    let ended = import(&home(2).0, &peer, &["--output", "json"]);
    ended
        .expect(1)
        .says("the import of users.ndjson into task 206 was refused: line 9, column 7")
        .says("import 0198c7");
    assert_eq!(
        ended.out,
        "{\"Status\":\"FAILURE\",\"Errors\":[\"line 9, column 7: expected a comma\"],\
         \"import_id\":\"0198c7\"}\n"
    );
}

#[cfg(unix)]
mod interrupted {
    use std::time::Duration;

    use super::*;
    use crate::muster::interrupt;

    fn until(peer: &Peer, is_time: impl Fn(&Peer) -> bool) {
        while !is_time(peer) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn silence() -> Answer {
        Answer {
            status: None,
            headers: Vec::new(),
            body: String::new(),
        }
    }

    #[test]
    fn while_it_sends_several_parts_at_once_it_says_how_to_resume() {
        for (parallel, at_once) in [(None, 4), (Some("2"), 2)] {
            let mut service = Service::new(100);
            // No part is ever answered.
            service.troubles = (0..8).map(|_| ("/store/", silence())).collect();
            service.window = 9;
            let (peer, _) = service.start();
            let (home, _) = home(8);
            let flags = parallel.map_or(vec![], |parallel| vec!["--parallel", parallel]);
            let child = home.start(&args(&peer, &flags));
            until(&peer, |peer| paths(peer, "PUT").len() == at_once);
            interrupt(child)
                .expect(1)
                .says("interrupted: import 0198c7 is not complete")
                .says(&format!(
                    "what has arrived is kept: `muster import users.ndjson --task 206 --resume \
                     0198c7 --url {}` sends the rest",
                    peer.url
                ))
                .prints_nothing();
            assert_eq!(paths(&peer, "PUT").len(), at_once);
        }
    }

    #[test]
    fn while_it_runs_at_the_server_it_says_that_it_goes_on() {
        let mut service = Service::new(100);
        service.states = vec![state("applying")];
        let (peer, _) = service.start();
        let (home, _) = home(2);
        let child = home.start(&args(&peer, &[]));
        until(&peer, |peer| {
            paths(peer, "GET").contains(&"/v1/imports/0198c7".to_owned())
        });
        interrupt(child)
            .expect(1)
            .says("import 0198c7 goes on at the server")
            .says("`muster status 0198c7 --watch --url")
            .says("`muster cancel 0198c7 --url")
            .prints_nothing();
    }
}

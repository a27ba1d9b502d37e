//! `muster import` as an upload: parts, retries, interruptions and the output.

use serde_json::{Value, json};

use crate::home::{CommandOutput, Home, import_args};
use crate::mock_server::{MockServer, json_response, problem};
use crate::upload_service::{UploadService, applying, finished, state};

const RECORD: &str = "{\"Username\":\"john.foo\"}\n";

/// Returns a home with a file of `parts` parts of 100 bytes and 5 more bytes, and its text.
pub fn home(parts: usize) -> (Home, String) {
    let home = Home::new();
    let text: String = RECORD.chars().cycle().take(parts * 100 + 5).collect();
    home.file("users.ndjson", &text);
    (home, text)
}

pub fn import(home: &Home, server: &MockServer, flags: &[&str]) -> CommandOutput {
    home.run(&import_args("users.ndjson", &server.url, flags))
}

pub fn paths(server: &MockServer, method: &str) -> Vec<String> {
    server
        .requests()
        .iter()
        .filter(|request| request.method == method)
        .map(|request| request.uri.to_string())
        .collect()
}

#[test]
fn a_file_that_does_not_fit_into_one_request_is_uploaded_and_followed() {
    let mut service = UploadService::new(100);
    let mut checking = state("checking");
    checking["progress"] = json!({"bytes": 500, "bytes_total": 1000});
    service.states = vec![state("queued"), checking, applying(), finished()];
    let (server, service) = service.start();
    let (home, text) = home(8);
    let output = import(&home, &server, &[]);
    output
        .exits_with(0)
        .stderr_contains("import 0198c7: 805 bytes in 9 parts")
        .stderr_contains("uploading users.ndjson: 805 of 805 bytes (100 %)")
        .stderr_contains("\nqueued\n")
        .stderr_contains("checking: 500 of 1,000 bytes (50 %)")
        .stderr_contains("applying: 300 of 1,200 records (25 %), 123 records/s, about 7.0 s left")
        .stdout_contains("SUCCESS")
        .stdout_contains("Total Lines       1,200\n")
        .stdout_contains("Created           1,000\nUpdated           150\nUnchanged         50\n")
        .stdout_contains("Import-Id         0198c7");
    let service = service.lock().unwrap();
    assert_eq!(service.bytes(), text.as_bytes());
    assert_eq!(service.upload_request["size"], text.len());
    assert_eq!(service.upload_request["format"], "ndjson");
    assert_eq!(service.upload_request["compression"], "none");
    assert_eq!(service.upload_request["sha256"], sha256(text.as_bytes()));
    // Three pages of parts: one in the first response, and two more.
    assert_eq!(
        paths(&server, "GET")[..2],
        [
            "/v1/imports/0198c7/parts?from=4",
            "/v1/imports/0198c7/parts?from=7"
        ]
    );
    assert_eq!(server.requests()[0].header("authorization"), "Bearer t0ken");
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn format_and_compression_are_detected_by_name_and_first_bytes() {
    let request = |name: &str, bytes: &[u8], flags: &[&str]| {
        let (server, service) = UploadService::new(4_000_000).start();
        let home = Home::new();
        home.file(name, bytes);
        let base = [
            "import",
            name,
            "--task",
            "206",
            "--url",
            &server.url,
            "--token",
            "t",
        ];
        home.run(&[&base, flags].concat()).exits_with(0);
        let upload_request = &service.lock().unwrap().upload_request;
        let word = |name: &str| upload_request[name].as_str().unwrap().to_owned();
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
    let (server, _) = UploadService::new(10).start();
    let (home, _) = self::home(1);
    import(&home, &server, &["--compression", "gzip"])
        .exits_with(1)
        .stderr_contains("is not gzip data");
    assert!(server.requests().is_empty());
}

#[test]
fn a_file_that_the_server_finds_too_large_for_one_request_is_uploaded() {
    let mut service = UploadService::new(100);
    let refused = r#"{"Status":"FAILURE","Errors":["the file has more than 20,000 records"]}"#;
    service.failures = vec![("/v1/import/user-data/206", json_response(413, refused))];
    let (server, service) = service.start();
    let home = Home::new();
    home.file("users.json", "[]");
    home.run(&import_args("users.json", &server.url, &["--dry-run"]))
        .exits_with(0);
    assert_eq!(service.lock().unwrap().bytes(), b"[]");
    assert_eq!(
        paths(&server, "POST")[..2],
        [
            "/v1/import/user-data/206?dryRun",
            "/v1/import/user-data/206/uploads?dryRun=true"
        ]
    );
    let (home, _) = self::home(1);
    import(&home, &server, &["--idempotency-key", "monday"])
        .exits_with(2)
        .stderr_contains("as --idempotency-key requires");
}

#[test]
fn large_standard_input_is_uploaded() {
    let (server, service) = UploadService::new(1_000_000).start();
    let text = format!("[{}]", vec!["1"; 2_100_000].join(","));
    let args = [
        "import",
        "-",
        "--task",
        "206",
        "--url",
        &server.url,
        "--token",
        "t",
    ];
    Home::new()
        .run_with_input(&args, text.as_bytes())
        .exits_with(0)
        .stderr_contains("uploading standard input");
    let service = service.lock().unwrap();
    assert!(service.bytes() == text.as_bytes(), "other bytes arrived");
}

#[test]
fn a_failed_part_is_retried_with_a_new_url() {
    let mut service = UploadService::new(100);
    service.failures = vec![
        ("/store/2?signed=1", json_response(500, "")),
        (
            "/store/3?signed=1",
            json_response(403, "<Code>AccessDenied</Code>"),
        ),
        ("/store/5", json_response(503, "<Code>SlowDown</Code>")),
        ("/v1/imports/0198c7/parts?from=4", json_response(502, "")),
        ("/v1/imports/0198c7/complete", json_response(502, "")),
        ("/v1/imports/0198c7", json_response(502, "")),
    ];
    let (server, service) = service.start();
    let (home, text) = home(5);
    import(&home, &server, &[])
        .exits_with(0)
        .stdout_contains("SUCCESS");
    let service = service.lock().unwrap();
    assert_eq!(service.bytes(), text.as_bytes());
    assert!(service.failures.is_empty());
    let sent = paths(&server, "PUT");
    assert_eq!(sent.len(), 6 + 3, "{sent:?}");
    for number in [2, 3, 5] {
        let part = format!("/store/{number}?");
        let of_part: Vec<_> = sent.iter().filter(|path| path.starts_with(&part)).collect();
        assert!(of_part.len() == 2 && of_part[0] != of_part[1], "{sent:?}");
    }
}

#[test]
fn a_refused_part_ends_the_upload() {
    let mut service = UploadService::new(100);
    service.failures = vec![("/store/2", json_response(404, "<Code>NoSuchUpload</Code>"))];
    let (server, _) = service.start();
    let (home, _) = home(3);
    import(&home, &server, &[])
        .exits_with(1)
        .stderr_contains("the upload has ended")
        .stdout_is_empty();
}

#[test]
fn a_refused_upload_sends_nothing() {
    for (status, detail, code) in [
        (413, "an upload has at most 32,000,000,000 bytes", 1),
        (409, "the task is disabled", 1),
        (401, "the token is wrong", 4),
    ] {
        let server = MockServer::returning(problem(status, detail));
        let (home, _) = home(1);
        import(&home, &server, &["--no-checksum"])
            .exits_with(code)
            .stderr_contains(detail)
            .stderr_contains("nothing was sent");
        let body: Value = serde_json::from_slice(&server.request().body).unwrap();
        assert_eq!(body.get("sha256"), None);
    }
    let (home, _) = home(1);
    import(
        &home,
        &MockServer::returning(problem(404, "no such task")),
        &[],
    )
    .exits_with(1)
    .stderr_contains("task 206 was not found");
}

#[test]
fn no_wait_prints_the_id() {
    let (server, _) = UploadService::new(100).start();
    let (home, _) = home(2);
    let output = import(&home, &server, &["--no-wait"]);
    assert_eq!(output.exits_with(0).stdout, "0198c7\n");
    assert_eq!(paths(&server, "GET"), [] as [&str; 0]);
    let output = import(&home, &server, &["--no-wait", "--output", "json"]);
    assert_eq!(output.exits_with(0).stdout, "{\"import_id\":\"0198c7\"}\n");
}

#[test]
fn json_output_has_the_form_of_a_single_request() {
    let (server, _) = UploadService::new(100).start();
    let output = import(&home(2).0, &server, &["--output", "json"]);
    assert_eq!(
        output.exits_with(0).stdout,
        "{\"Status\":\"SUCCESS\",\"Total Lines\":1200,\"Empty IDs\":0,\"Ignored Users\":0,\
         \"Duplicated Users\":0,\"Created\":1000,\"Updated\":150,\"Unchanged\":50,\
         \"import_id\":\"0198c7\"}\n"
    );
}

#[test]
fn debug_shows_the_warnings_of_an_upload() {
    let mut service = UploadService::new(100);
    let item = json!({
        "record": 2, "login": "jack.woo", "key": "E-mail", "code": "email.malformed",
        "severity": "warning", "message": "not a valid e-mail address",
    });
    let error = json!({"code": "x", "severity": "error", "message": "y"});
    let first = json!({"items": [item, error], "next": "17"}).to_string();
    let second = json!({"items": [item], "next": null}).to_string();
    service.failures = vec![
        (
            "/v1/imports/0198c7/items?limit=1000&from=17",
            json_response(200, second),
        ),
        (
            "/v1/imports/0198c7/items?limit=1000",
            json_response(200, first),
        ),
    ];
    let mut run = finished();
    run["Status"] = json!("PARTIAL_SUCCESS");
    run["Ignored Users"] = json!(1);
    service.states = vec![run];
    let (server, _) = service.start();
    let sentence = "Record 2 (jack.woo), \"E-mail\": not a valid e-mail address [email.malformed]";
    import(&home(2).0, &server, &["--debug"])
        .exits_with(3)
        .stdout_contains(&format!("2 warnings:\n{sentence}\n{sentence}\n"))
        .stderr_contains("1 record was rejected: get them, with the reasons, with `muster rejected 0198c7 -o rejected.ndjson");
}

#[test]
fn a_failed_import_is_reported_with_the_reasons() {
    let mut service = UploadService::new(100);
    let mut run = state("finished");
    run["Status"] = json!("FAILURE");
    run["Errors"] = json!(["line 9, column 7: expected a comma"]);
    service.states = vec![run];
    let (server, _) = service.start();
    let output = import(&home(2).0, &server, &["--output", "json"]);
    output
        .exits_with(1)
        .stderr_contains("the import of users.ndjson into task 206 was refused: line 9, column 7")
        .stderr_contains("import 0198c7");
    assert_eq!(
        output.stdout,
        "{\"Status\":\"FAILURE\",\"Errors\":[\"line 9, column 7: expected a comma\"],\
         \"import_id\":\"0198c7\"}\n"
    );
}

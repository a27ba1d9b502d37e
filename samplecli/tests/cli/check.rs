//! `muster check` against the counters that the generator expects.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::home::{CommandOutput, Home};

const TASK: &str = r#"{
  "attribute_mapping": {"username": "Username", "name": "Name", "role": "Role", "email": "E-mail",
    "all_stores": "All Stores", "individual_stores": "Individual Stores", "external_id": "External ID"},
  "role_mapping": {"catman": "Category Manager", "store manager": "Store Manager"}
}"#;

const COUNTERS: [&str; 4] = [
    "Total Lines",
    "Empty IDs",
    "Ignored Users",
    "Duplicated Users",
];

fn home_with_task() -> Home {
    let home = Home::new();
    home.file("task.json", TASK);
    home
}

fn check(home: &Home, file: &str, flags: &[&str]) -> CommandOutput {
    home.run(&[&["check", file, "--settings", "task.json"], flags].concat())
}

#[test]
fn the_counters_are_those_that_the_generator_expects() {
    let home = home_with_task();
    for (users, seed) in [("10", "1"), ("10", "2"), ("1000", "3"), ("20000", "4")] {
        let generated = home.run(&["generate", users, "--seed", seed, "--anomalies"]);
        home.file("users.json", &generated.exits_with(0).stdout);
        let expected_counters: Value = serde_json::from_str(&generated.stderr).unwrap();
        for threads in ["1", "2", "5"] {
            let output = check(&home, "users.json", &["--json", "--threads", threads]);
            let summary: Value = serde_json::from_str(&output.exits_with(3).stdout).unwrap();
            for counter in COUNTERS {
                assert_eq!(
                    summary[counter], expected_counters[counter],
                    "{counter}: {users} users, seed {seed}"
                );
            }
        }
    }
}

#[test]
fn a_valid_file_has_no_warnings() {
    let home = home_with_task();
    home.file(
        "users.json",
        &home.run(&["generate", "5000"]).exits_with(0).stdout,
    );
    check(&home, "users.json", &[])
        .exits_with(0)
        .stdout_contains("SUCCESS")
        .stdout_contains("New users         5,000");
}

#[test]
fn json_is_one_object_with_the_counters_and_the_speed() {
    let home = home_with_task();
    home.file("users.json", r#"[{"Username":""}]"#);
    let output = check(&home, "users.json", &["--json"]);
    let summary: Value = serde_json::from_str(&output.exits_with(3).stdout).unwrap();
    let mut keys: Vec<&String> = summary.as_object().unwrap().keys().collect();
    keys.sort_unstable();
    let mut expected: Vec<&str> = COUNTERS.to_vec();
    expected.extend([
        "warnings",
        "notes",
        "seconds",
        "users_per_second",
        "bytes_per_second",
    ]);
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(summary["Empty IDs"], 1);
    assert_eq!(summary["warnings"], 1);
    assert_eq!(summary["notes"], serde_json::json!([]));
    assert!(summary["seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn further_warnings_are_counted() {
    let home = home_with_task();
    home.file("users.json", format!("[{}]", vec!["7"; 50].join(",")));
    check(&home, "users.json", &[])
        .exits_with(3)
        .stdout_contains("Record 1: ")
        .stdout_contains("Record 20: ")
        .stdout_contains("and 30 more warnings");
    let output = check(&home, "users.json", &["--warnings", "2"]);
    assert!(
        !output
            .exits_with(3)
            .stdout_contains("and 48 more warnings")
            .stdout
            .contains("Record 3")
    );
    let output = check(&home, "users.json", &["--warnings", "50"]);
    assert!(
        !output
            .exits_with(3)
            .stdout_contains("Record 50: ")
            .stdout
            .contains("more warning")
    );
}

#[test]
fn limits_that_an_import_would_exceed_are_noted() {
    let home = home_with_task();
    let settings = |threshold: &str| {
        let settings = TASK.trim_end().trim_end_matches('}');
        home.file(
            "task.json",
            format!("{settings}, \"safety_threshold\": {threshold}}}"),
        );
    };
    home.file("users.json", r#"[{"Username":"a"}, {"Username":"b"}, {}]"#);
    settings(r#"{"ignored": {"records": 1}, "empty": {"percent": 40}}"#);
    check(&home, "users.json", &[])
        .exits_with(3)
        .stdout_contains(
            "the safety threshold would stop an import into an empty directory: 2 of 3 users would be \
             ignored, the task allows 1",
        );
    settings(r#"{"ignored": {"percent": 101}}"#);
    check(&home, "users.json", &[])
        .stdout_contains("the service would not store these settings: safety_threshold.ignored");
    settings(r#"{"ignored": {"percent": 12.5}}"#);
    check(&home, "users.json", &[])
        .exits_with(1)
        .stderr_contains("`12.5`, expected a whole number of percent, 0 to 100");
    settings(r#"{"ignored": {"percent": "5"}}"#);
    check(&home, "users.json", &[])
        .exits_with(1)
        .stderr_contains("\"5\", expected a whole number of percent, 0 to 100");
    settings(r#"{"ignored": 5}"#);
    check(&home, "users.json", &[])
        .exits_with(1)
        .stderr_contains("expected an object with `records`, `percent`, or both");
}

#[test]
fn syntax_errors_have_a_position() {
    let home = home_with_task();
    home.file(
        "users.json",
        "[\n  {\"Username\": \"jiří\"},\n  {\"Name\": \"Jiří\" \"Role\": 1}\n]",
    );
    check(&home, "users.json", &[])
        .exits_with(1)
        .stderr_contains("users.json, line 3, column 19: ")
        .stderr_contains("1 complete record before it")
        .stdout_is_empty();
    check(&home, "users.json", &["--json"])
        .exits_with(1)
        .stdout_is_empty();

    home.file("object.json", "{\"Username\": \"jack\"}");
    check(&home, "object.json", &[])
        .exits_with(1)
        .stderr_contains("line 1, column 1");
    home.file("empty.json", "");
    check(&home, "empty.json", &[])
        .exits_with(1)
        .stderr_contains("empty.json, line 1, column 1");
}

#[test]
fn standard_input_can_be_checked() {
    let home = home_with_task();
    let args = ["check", "-", "--settings", "task.json"];
    let users = home.run(&["generate", "100"]).exits_with(0).stdout.clone();
    home.run_with_input(&args, users.as_bytes())
        .exits_with(0)
        .stdout_contains("Total Lines       100");
    home.run_with_input(&args, b"[{}, nil]")
        .exits_with(1)
        .stderr_contains("standard input, byte 7, line 1, record 2: ")
        .stderr_contains("1 complete record");
}

#[test]
fn every_file_that_can_be_imported_can_be_checked() {
    let home = home_with_task();
    let users = home.run(&["generate", "100"]).exits_with(0).stdout.clone();
    let records: Vec<Value> = serde_json::from_str(&users).unwrap();
    let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
    for (name, flags, file) in [
        ("users.ndjson", &[][..], lines.clone().into_bytes()),
        ("users.JSONL", &[], lines.clone().into_bytes()),
        (
            "users.txt",
            &["--format", "ndjson"],
            lines.clone().into_bytes(),
        ),
        ("users.ndjson.gz", &[], gzip(&lines)),
        ("packed", &["--format", "ndjson"], gzip(&lines)),
        ("users.json.gz", &[], gzip(&users)),
        ("users.json", &["--compression", "gzip"], gzip(&users)),
        ("users.ndjson", &["--format", "json"], gzip(&users)),
    ] {
        home.file(name, file);
        check(&home, name, flags)
            .exits_with(0)
            .stdout_contains("Total Lines       100");
    }
    let args = [
        "check",
        "-",
        "--settings",
        "task.json",
        "--format",
        "ndjson",
    ];
    home.run_with_input(&args, &gzip(&lines))
        .exits_with(0)
        .stdout_contains("Total Lines       100");
}

#[test]
fn a_file_that_is_something_else_is_named_with_the_next_step() {
    let home = home_with_task();
    for (name, flags, file, expected) in [
        (
            "a.json",
            &[][..],
            b"{}\n{}\n".to_vec(),
            "use --format ndjson",
        ),
        ("b.ndjson", &[], b"[{}]".to_vec(), "use --format json"),
        (
            "c.json",
            &["--compression", "none"],
            gzip("[]"),
            "use --compression gzip",
        ),
        ("d.json", &[], b"Username,Name\n".to_vec(), "found CSV"),
        ("e.json", &[], b"PK\x03\x04".to_vec(), "XLSX"),
        ("f.json", &[], b"[\0{\0".to_vec(), "encode it as UTF-8"),
        (
            "g.json",
            &[],
            b"{\"users\":[{}]}".to_vec(),
            "send that array alone",
        ),
        ("h.ndjson", &[], b"\n\n".to_vec(), "found nothing"),
        ("i.ndjson", &[], Vec::new(), "found nothing"),
    ] {
        home.file(name, file);
        check(&home, name, flags)
            .exits_with(1)
            .stderr_contains("line 1, column ")
            .stderr_contains(expected)
            .stderr_contains("would change nothing")
            .stdout_is_empty();
    }
    home.file("cut.json.gz", &gzip("[{}]")[..20]);
    check(&home, "cut.json.gz", &[])
        .exits_with(1)
        .stderr_contains("cannot unpack cut.json.gz: ")
        .stderr_contains("would change nothing");
    home.file("plain.json", "[]");
    check(&home, "plain.json", &["--compression", "gzip"])
        .exits_with(1)
        .stderr_contains("plain.json is not gzip data");
    home.file("broken.ndjson.gz", gzip("{}\n\n{\"a\" 1}\n"));
    check(&home, "broken.ndjson.gz", &[])
        .exits_with(1)
        .stderr_contains("broken.ndjson.gz, line 3, column 6: expected `:` after a key")
        .stderr_contains("1 complete record before it");
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

#[test]
fn missing_files_are_reported() {
    let home = home_with_task();
    check(&home, "nowhere.json", &[])
        .exits_with(1)
        .stderr_contains("cannot read nowhere.json");
    check(&home, ".", &[])
        .exits_with(1)
        .stderr_contains("cannot read .");
    home.file("users.json", "[]");
    home.run(&["check", "users.json", "--settings", "no.json"])
        .exits_with(1)
        .stderr_contains("cannot read the settings no.json");
}

#[test]
fn incomplete_settings_are_reported_by_field() {
    let home = Home::new();
    home.file("users.json", "[]");
    for (settings, problem) in [
        ("{}", "attribute_mapping.username"),
        (
            r#"{"attribute_mapping":{"username":"U","password":"P"}}"#,
            "attribute_mapping.password",
        ),
        (r#"{"atribute_mapping":{}}"#, "atribute_mapping"),
        ("[", "line 1"),
    ] {
        home.file("task.json", settings);
        check(&home, "users.json", &[])
            .exits_with(1)
            .stderr_contains(problem)
            .stdout_is_empty();
    }
}

#[test]
fn records_cannot_control_the_terminal() {
    let home = home_with_task();
    home.file(
        "users.json",
        r#"[{"Username":"\u001b]0;owned\u0007 jack\u009b2J"}]"#,
    );
    let output = check(&home, "users.json", &[]);
    assert!(
        !output
            .exits_with(3)
            .stdout
            .contains(|letter: char| letter.is_control() && letter != '\n'),
        "{output:?}"
    );
}

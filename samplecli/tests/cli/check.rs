//! `muster check`: the engine, offline, against the generator's independent reckoning.

use serde_json::Value;

use crate::muster::{Ended, Home};

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

fn check(home: &Home, file: &str, flags: &[&str]) -> Ended {
    home.run(&[&["check", file, "--settings", "task.json"], flags].concat())
}

#[test]
fn its_counters_are_those_that_the_generator_reckons() {
    let home = home_with_task();
    for (users, seed) in [("10", "1"), ("10", "2"), ("1000", "3"), ("20000", "4")] {
        let generated = home.run(&["generate", users, "--seed", seed, "--anomalies"]);
        home.file("users.json", &generated.expect(0).out);
        let reckoning: Value = serde_json::from_str(&generated.err).unwrap();
        for threads in ["1", "2", "5"] {
            let ended = check(&home, "users.json", &["--json", "--threads", threads]);
            let figures: Value = serde_json::from_str(&ended.expect(3).out).unwrap();
            for counter in COUNTERS {
                assert_eq!(
                    figures[counter], reckoning[counter],
                    "{counter}: {users} users, seed {seed}"
                );
            }
        }
    }
}

#[test]
fn a_sound_file_has_no_warnings() {
    let home = home_with_task();
    home.file("users.json", &home.run(&["generate", "5000"]).expect(0).out);
    check(&home, "users.json", &[])
        .expect(0)
        .prints("SUCCESS")
        .prints("New users         5,000");
}

#[test]
fn json_is_one_object_with_the_counters_and_the_speed() {
    let home = home_with_task();
    home.file("users.json", r#"[{"Username":""}]"#);
    let ended = check(&home, "users.json", &["--json"]);
    let figures: Value = serde_json::from_str(&ended.expect(3).out).unwrap();
    let mut keys: Vec<&String> = figures.as_object().unwrap().keys().collect();
    keys.sort_unstable();
    let mut expected: Vec<&str> = COUNTERS.to_vec();
    expected.extend([
        "warnings",
        "seconds",
        "users_per_second",
        "bytes_per_second",
    ]);
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(figures["Empty IDs"], 1);
    assert_eq!(figures["warnings"], 1);
    assert!(figures["seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn the_first_warnings_are_shown_and_the_others_counted() {
    let home = home_with_task();
    home.file("users.json", format!("[{}]", vec!["7"; 50].join(",")));
    check(&home, "users.json", &[])
        .expect(3)
        .prints("Record 1: ")
        .prints("Record 20: ")
        .prints("and 30 more warnings");
    let ended = check(&home, "users.json", &["--warnings", "2"]);
    assert!(
        !ended
            .expect(3)
            .prints("and 48 more warnings")
            .out
            .contains("Record 3")
    );
    let ended = check(&home, "users.json", &["--warnings", "50"]);
    assert!(
        !ended
            .expect(3)
            .prints("Record 50: ")
            .out
            .contains("more warning")
    );
}

#[test]
fn what_does_not_parse_is_located() {
    let home = home_with_task();
    home.file(
        "users.json",
        "[\n  {\"Username\": \"jiří\"},\n  {\"Name\": \"Jiří\" \"Role\": 1}\n]",
    );
    check(&home, "users.json", &[])
        .expect(1)
        .says("users.json, line 3, column 19: ")
        .says("1 complete record before it")
        .prints_nothing();
    check(&home, "users.json", &["--json"])
        .expect(1)
        .prints_nothing();

    home.file("object.json", "{\"Username\": \"jack\"}");
    check(&home, "object.json", &[])
        .expect(1)
        .says("line 1, column 1");
    home.file("empty.json", "");
    check(&home, "empty.json", &[])
        .expect(1)
        .says("empty.json, line 1, column 1");
}

#[test]
fn standard_input_can_be_checked() {
    let home = home_with_task();
    let args = ["check", "-", "--settings", "task.json"];
    let users = home.run(&["generate", "100"]).expect(0).out.clone();
    home.run_with_input(&args, users.as_bytes())
        .expect(0)
        .prints("Total Lines       100");
    home.run_with_input(&args, b"[{}, nil]")
        .expect(1)
        .says("standard input, after ")
        .says("1 complete record");
}

#[test]
fn files_that_are_not_there_are_named() {
    let home = home_with_task();
    check(&home, "nowhere.json", &[])
        .expect(1)
        .says("cannot read nowhere.json");
    check(&home, ".", &[]).expect(1).says("cannot read .");
    home.file("users.json", "[]");
    home.run(&["check", "users.json", "--settings", "no.json"])
        .expect(1)
        .says("cannot read the settings no.json");
}

#[test]
fn settings_that_do_not_allow_an_import_name_the_field() {
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
            .expect(1)
            .says(problem)
            .prints_nothing();
    }
}

#[test]
fn what_a_record_holds_cannot_steer_the_terminal() {
    let home = home_with_task();
    home.file(
        "users.json",
        r#"[{"Username":"\u001b]0;owned\u0007 jack\u009b2J"}]"#,
    );
    let ended = check(&home, "users.json", &[]);
    assert!(
        !ended
            .expect(3)
            .out
            .contains(|letter: char| letter.is_control() && letter != '\n'),
        "{ended:?}"
    );
}

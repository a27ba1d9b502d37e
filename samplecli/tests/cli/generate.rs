//! `muster generate`.

use std::collections::HashSet;
use std::io::Read;
use std::process::Stdio;

use muster_sample::{Options, generate};
use serde_json::Value;

use crate::home::{CommandOutput, Home};

fn users(options: Options) -> Vec<Value> {
    let mut text = Vec::new();
    generate(&options, &mut text).unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[test]
fn output_depends_on_the_seed_only() {
    let home = Home::new();
    let run = |args: &[&str]| home.run(args).exits_with(0).stdout.clone();
    let first = run(&["generate", "500", "--seed", "7", "--anomalies"]);
    assert_eq!(
        run(&["generate", "500", "--seed", "7", "--anomalies"]),
        first
    );
    assert_ne!(
        run(&["generate", "500", "--seed", "8", "--anomalies"]),
        first
    );
    assert_ne!(run(&["generate", "500", "--seed", "7"]), first);
}

/// Files and measurements made with a seed stay comparable.
#[test]
fn the_output_of_a_seed_is_stable_across_versions() {
    let home = Home::new();
    let output = home.run(&["generate", "2"]);
    assert_eq!(output.exits_with(0).stdout, include_str!("two_users.json"));
}

#[test]
fn the_library_and_the_command_write_the_same() {
    let home = Home::new();
    let mut text = Vec::new();
    generate(
        &Options {
            users: 300,
            seed: 1,
            anomalies: false,
        },
        &mut text,
    )
    .unwrap();
    assert_eq!(
        home.run(&["generate", "300"])
            .exits_with(0)
            .stdout
            .as_bytes(),
        text
    );
}

#[test]
fn every_valid_record_has_the_default_keys_and_a_unique_login() {
    let users = users(Options {
        users: 20_000,
        seed: 3,
        anomalies: false,
    });
    let mut logins = HashSet::new();
    for user in &users {
        for key in [
            "Username",
            "Name",
            "Role",
            "E-mail",
            "All Stores",
            "Cost Centre",
            "Hired By",
        ] {
            assert!(user.get(key).is_some(), "{key} is missing: {user}");
        }
        assert!(matches!(
            user["Role"].as_str(),
            Some("catman" | "store manager")
        ));
        assert!(
            logins.insert(user["Username"].as_str().unwrap().to_lowercase()),
            "{user}"
        );
    }
    assert!(
        users
            .iter()
            .any(|user| !user["Username"].as_str().unwrap().is_ascii())
    );
    assert!(
        users
            .iter()
            .any(|user| user["Name"].as_str().unwrap().contains('"'))
    );
    assert!(users.iter().any(|user| user.get("External ID").is_some()));
}

#[test]
fn a_record_takes_about_248_bytes() {
    let mut text = Vec::new();
    generate(
        &Options {
            users: 50_000,
            seed: 1,
            anomalies: false,
        },
        &mut text,
    )
    .unwrap();
    let average = text.len() / 50_000;
    assert!((240..256).contains(&average), "{average} bytes");
    assert!(
        String::from_utf8(text).unwrap().contains("\\u"),
        "some records are written with escapes"
    );
}

#[test]
fn one_record_in_five_is_anomalous_and_counted() {
    for users in [0, 3, 10, 1_000] {
        let expected = generate(
            &Options {
                users,
                seed: 5,
                anomalies: true,
            },
            &mut std::io::sink(),
        )
        .unwrap();
        let put_in: u64 = expected.anomaly_counts.values().sum();
        assert!(
            (users / 5..=users.div_ceil(5)).contains(&put_in),
            "{put_in} of {users}"
        );
        assert_eq!(expected.total_lines, users);
        let kept: u64 = expected
            .anomaly_counts
            .iter()
            .filter(|(name, _)| name.starts_with("kept."))
            .map(|(_, n)| n)
            .sum();
        assert_eq!(expected.created(), users - put_in + kept);
    }
}

#[test]
fn expected_counters_are_one_line_of_json_on_standard_error() {
    let home = Home::new();
    let output = home.run(&["generate", "1000", "--anomalies"]);
    let expected: Value = serde_json::from_str(&output.exits_with(0).stderr).unwrap();
    assert_eq!(output.stderr.lines().count(), 1);
    assert_eq!(expected["Total Lines"], 1000);
    for counter in ["Empty IDs", "Ignored Users", "Duplicated Users"] {
        assert!(expected[counter].as_u64().unwrap() > 0, "{expected}");
    }
    assert_eq!(home.run(&["generate", "1000"]).exits_with(0).stderr, "");
}

#[test]
fn zero_users_are_an_empty_array() {
    let home = Home::new();
    assert_eq!(home.run(&["generate", "0"]).exits_with(0).stdout, "[]\n");
}

#[test]
fn a_closed_pipe_is_not_a_failure() {
    let home = Home::new();
    for flags in [
        &["generate", "1000000"] as &[&str],
        &["generate", "1000000", "--anomalies"],
    ] {
        let mut command = home.muster(flags);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdout
            .take()
            .unwrap()
            .read_exact(&mut [0; 100])
            .unwrap();
        let output = CommandOutput::new(child.wait_with_output().unwrap());
        assert_eq!(output.exits_with(0).stderr, "");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let home = Home::new();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = CommandOutput::new(
        home.muster(&["generate", "10"])
            .stdout(full)
            .output()
            .unwrap(),
    );
    output.exits_with(1).stderr_contains("No space left");
}

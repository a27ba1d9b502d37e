//! A session of an operator against a local stack: the cases in `tests/cmd/live` run in order, from
//! signing in to blocking a user.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use muster_local::{Stack, StackOptions};
use serde_json::{Value, json};

/// Signs the robot in: MUSTER_PASSWORD in the session is the operator's.
fn sign_robot_in(home: &Path, password: &str) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_muster"))
        .args(["login", "--password-stdin"])
        .env("XDG_CONFIG_HOME", home)
        .env_remove("MUSTER_URL")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(password.as_bytes()).unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_operator_manages_a_tenant_from_the_command_line() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stack = runtime
        .block_on(Stack::start(StackOptions::default()))
        .unwrap();
    let ready: Value = serde_json::to_value(stack.ready()).unwrap();
    let (robot, operator) = (
        &ready["tenants"][0]["robot"],
        &ready["tenants"][0]["operator"],
    );

    // The profile has the user names, so that the session contains no generated name.
    let home = tempfile::tempdir().unwrap();
    let profiles = home.path().join("muster/profiles");
    fs::create_dir_all(&profiles).unwrap();
    let profile = json!({
        "url": stack.url,
        "username": robot["username"],
        "operator": {"username": operator["username"]},
    });
    fs::write(profiles.join("default.json"), profile.to_string()).unwrap();
    sign_robot_in(home.path(), robot["password"].as_str().unwrap());

    let cases = trycmd::TestCases::new();
    cases
        .case("tests/cmd/live/*.trycmd")
        .env("XDG_CONFIG_HOME", home.path().to_str().unwrap())
        .env("MUSTER_PASSWORD", operator["password"].as_str().unwrap())
        .insert_var("[URL]", stack.url.clone())
        .unwrap()
        .insert_var(
            "[OPERATOR]",
            operator["username"].as_str().unwrap().to_owned(),
        )
        .unwrap();
    cases.run();
    runtime.block_on(stack.stop()).unwrap();
}

//! Operators sign in and out, independently of the robot of the same profile.

use std::fs;

use serde_json::{Value, json};

use crate::home::{CommandOutput, Home};
use crate::mock_server::{MockServer, empty, json_response};

const SESSION: &str = r#"{"token":"s3ss10n","expires_at":"2026-11-22T09:02:03.004Z","operator":{"name":"anna","tenant":"acme","role":"manage"}}"#;

fn login(home: &Home, url: &str, flags: &[&str]) -> CommandOutput {
    let args = [&["login", "--url", url], flags].concat();
    let mut command = home.muster(&args);
    CommandOutput::new(command.env("MUSTER_PASSWORD", "s3cret").output().unwrap())
}

fn profile(home: &Home) -> Value {
    serde_json::from_slice(&fs::read(home.profile("default")).unwrap()).unwrap()
}

#[test]
fn a_profile_stores_a_robot_and_an_operator() {
    let home = Home::new();
    let server = MockServer::returning_each([
        json_response(200, r#"{"token":"r0b0t","status":"SUCCESS"}"#),
        json_response(201, SESSION),
    ]);
    login(&home, &server.url, &["--username", "hr-robot"]).exits_with(0);
    let output = login(&home, &server.url, &["--operator", "--username", "anna"]);
    output
        .exits_with(0)
        .stdout_is_empty()
        .stderr_contains("as anna, operator of the tenant acme with the role manage")
        .stderr_contains("is valid until 2026-11-22T09:02:03.004Z");
    assert!(!output.stderr.contains("s3ss10n") && !output.stderr.contains("s3cret"));

    let requests = server.requests();
    assert_eq!(requests[1].uri.path(), "/admin/v1/sessions");
    let sent: Value = serde_json::from_slice(&requests[1].body).unwrap();
    assert_eq!(sent, json!({"name": "anna", "password": "s3cret"}));
    let both = json!({
        "url": server.url, "username": "hr-robot", "token": "r0b0t",
        "operator": {"username": "anna", "token": "s3ss10n"},
    });
    assert_eq!(profile(&home), both);
}

#[test]
fn tokens_and_names_are_not_kept_for_another_server() {
    let home = Home::new();
    let first = MockServer::returning(json_response(201, SESSION));
    login(&home, &first.url, &["--operator", "--username", "anna"]).exits_with(0);
    let second = MockServer::returning(json_response(
        200,
        r#"{"token":"r0b0t","status":"SUCCESS"}"#,
    ));
    login(&home, &second.url, &["--username", "hr-robot"]).exits_with(0);
    let stored = json!({"url": second.url, "username": "hr-robot", "token": "r0b0t"});
    assert_eq!(profile(&home), stored);
}

#[test]
fn a_wrong_password_is_refused() {
    let home = Home::new();
    let problem = r#"{"title":"Unauthorized","status":401,"detail":"wrong name or password"}"#;
    let server = MockServer::returning(json_response(401, problem));
    login(&home, &server.url, &["--operator", "--username", "anna"])
        .exits_with(4)
        .stderr_contains("wrong name or password")
        .stderr_contains("--operator is for operators, not for robots");
    assert!(!home.profile("default").exists());
}

#[test]
fn too_many_attempts_show_when_to_retry() {
    let home = Home::new();
    let problem = r#"{"title":"Too Many Requests","status":429,"detail":"too many attempts"}"#;
    let server = MockServer::returning(json_response(429, problem).with("retry-after", "17"));
    login(&home, &server.url, &["--operator", "--username", "anna"])
        .exits_with(1)
        .stderr_contains("too many attempts")
        .stderr_contains("try again in 17 seconds");
}

#[test]
fn signing_out_ends_the_session_and_keeps_the_name() {
    let home = Home::new();
    let server = MockServer::returning_each([json_response(201, SESSION), empty(204)]);
    login(&home, &server.url, &["--operator", "--username", "anna"]).exits_with(0);
    home.run(&["logout", "--operator"])
        .exits_with(0)
        .stderr_contains("anna");
    let request = &server.requests()[1];
    assert_eq!(
        (request.method.as_str(), request.uri.path()),
        ("DELETE", "/admin/v1/session")
    );
    assert_eq!(request.header("authorization"), "Bearer s3ss10n");
    let stored = json!({"url": server.url, "operator": {"username": "anna"}});
    assert_eq!(profile(&home), stored);

    home.run(&["logout", "--operator"])
        .exits_with(0)
        .stderr_contains("no operator is signed in");
    home.run(&["whoami"])
        .exits_with(4)
        .stderr_contains("muster login --operator")
        .stderr_contains("--username anna");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn signing_out_of_an_ended_session_succeeds() {
    let home = Home::new();
    let over = r#"{"title":"Unauthorized","status":401,"detail":"the session has ended"}"#;
    let server =
        MockServer::returning_each([json_response(201, SESSION), json_response(401, over)]);
    login(&home, &server.url, &["--operator", "--username", "anna"]).exits_with(0);
    home.run(&["logout", "--operator"]).exits_with(0);
}

#[test]
fn a_token_is_forgotten_even_if_the_server_fails() {
    let home = Home::new();
    let server = MockServer::returning_each([
        json_response(201, SESSION),
        json_response(502, "Bad gateway"),
    ]);
    login(&home, &server.url, &["--operator", "--username", "anna"]).exits_with(0);
    home.run(&["logout", "--operator"])
        .exits_with(1)
        .stderr_contains("within 8 hours");
    assert_eq!(profile(&home)["operator"], json!({"username": "anna"}));
}

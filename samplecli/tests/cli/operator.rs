//! An operator signs in and out, beside the robot of the same profile.

use std::fs;

use serde_json::{Value, json};

use crate::muster::{Ended, Home};
use crate::peer::{Answer, Peer, json as answer};

const SESSION: &str = r#"{"token":"s3ss10n","expires_at":"2026-11-22T09:02:03.004Z","operator":{"name":"anna","tenant":"acme","role":"manage"}}"#;

fn login(home: &Home, url: &str, flags: &[&str]) -> Ended {
    let args = [&["login", "--url", url], flags].concat();
    let mut command = home.muster(&args);
    Ended::new(command.env("MUSTER_PASSWORD", "s3cret").output().unwrap())
}

fn profile(home: &Home) -> Value {
    serde_json::from_slice(&fs::read(home.profile("default")).unwrap()).unwrap()
}

fn empty(status: u16) -> Answer {
    Answer {
        status: Some(status),
        headers: Vec::new(),
        body: String::new(),
    }
}

#[test]
fn an_operator_stands_beside_the_robot_of_the_profile() {
    let home = Home::new();
    let peer = Peer::answering_each([
        answer(200, r#"{"token":"r0b0t","status":"SUCCESS"}"#),
        answer(201, SESSION),
    ]);
    login(&home, &peer.url, &["--username", "hr-robot"]).expect(0);
    let ended = login(&home, &peer.url, &["--operator", "--username", "anna"]);
    ended
        .expect(0)
        .prints_nothing()
        .says("as anna, of the tenant acme with the role manage")
        .says("is good until 2026-11-22T09:02:03.004Z");
    assert!(!ended.err.contains("s3ss10n") && !ended.err.contains("s3cret"));

    let requests = peer.requests();
    assert_eq!(requests[1].uri.path(), "/admin/v1/sessions");
    let sent: Value = serde_json::from_slice(&requests[1].body).unwrap();
    assert_eq!(sent, json!({"name": "anna", "password": "s3cret"}));
    let both = json!({
        "url": peer.url, "username": "hr-robot", "token": "r0b0t",
        "operator": {"username": "anna", "token": "s3ss10n"},
    });
    assert_eq!(profile(&home), both);
}

#[test]
fn another_server_sees_no_token_and_no_name_of_the_first() {
    let home = Home::new();
    let first = Peer::answering(answer(201, SESSION));
    login(&home, &first.url, &["--operator", "--username", "anna"]).expect(0);
    let second = Peer::answering(answer(200, r#"{"token":"r0b0t","status":"SUCCESS"}"#));
    login(&home, &second.url, &["--username", "hr-robot"]).expect(0);
    let stored = json!({"url": second.url, "username": "hr-robot", "token": "r0b0t"});
    assert_eq!(profile(&home), stored);
}

#[test]
fn a_wrong_password_is_not_signed_in() {
    let home = Home::new();
    let problem = r#"{"title":"Unauthorized","status":401,"detail":"wrong name or password"}"#;
    let peer = Peer::answering(answer(401, problem));
    login(&home, &peer.url, &["--operator", "--username", "anna"])
        .expect(4)
        .says("wrong name or password")
        .says("operators sign in here, not robots");
    assert!(!home.profile("default").exists());
}

#[test]
fn too_many_attempts_say_when_to_come_back() {
    let home = Home::new();
    let problem = r#"{"title":"Too Many Requests","status":429,"detail":"too many attempts"}"#;
    let peer = Peer::answering(answer(429, problem).with("retry-after", "17"));
    login(&home, &peer.url, &["--operator", "--username", "anna"])
        .expect(1)
        .says("too many attempts")
        .says("try again in 17 seconds");
}

#[test]
fn signing_out_ends_the_session_and_keeps_the_name() {
    let home = Home::new();
    let peer = Peer::answering_each([answer(201, SESSION), empty(204)]);
    login(&home, &peer.url, &["--operator", "--username", "anna"]).expect(0);
    home.run(&["logout", "--operator"]).expect(0).says("anna");
    let request = &peer.requests()[1];
    assert_eq!(
        (request.method.as_str(), request.uri.path()),
        ("DELETE", "/admin/v1/session")
    );
    assert_eq!(request.header("authorization"), "Bearer s3ss10n");
    let stored = json!({"url": peer.url, "operator": {"username": "anna"}});
    assert_eq!(profile(&home), stored);

    home.run(&["logout", "--operator"])
        .expect(0)
        .says("no operator is signed in");
    home.run(&["whoami"])
        .expect(4)
        .says("muster login --operator")
        .says("--username anna");
    assert_eq!(peer.requests().len(), 2);
}

#[test]
fn a_session_that_is_over_already_is_signed_out_all_the_same() {
    let home = Home::new();
    let over = r#"{"title":"Unauthorized","status":401,"detail":"the session has ended"}"#;
    let peer = Peer::answering_each([answer(201, SESSION), answer(401, over)]);
    login(&home, &peer.url, &["--operator", "--username", "anna"]).expect(0);
    home.run(&["logout", "--operator"]).expect(0);
}

#[test]
fn a_token_is_forgotten_even_if_the_server_cannot_be_told() {
    let home = Home::new();
    let peer = Peer::answering_each([answer(201, SESSION), answer(502, "Bad gateway")]);
    login(&home, &peer.url, &["--operator", "--username", "anna"]).expect(0);
    home.run(&["logout", "--operator"])
        .expect(1)
        .says("within 8 hours");
    assert_eq!(profile(&home)["operator"], json!({"username": "anna"}));
}

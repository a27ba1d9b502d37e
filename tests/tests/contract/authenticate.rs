//! `POST /authenticate` (contract.md#quant-authenticate): tokens, refusals and the throttle.

use muster_tests::World;
use reqwest::Method;
use serde_json::json;

use crate::support::{assert_all_equal, retry_after};

const WRONG: &str = r#"{"token":"","status":"Wrong username or password!"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_password_returns_a_token_that_permits_an_import() {
    let w = World::start().await;
    let robot = &w.tenants[0].robot;
    let body = json!({"username": robot.username, "password": robot.password}).to_string();
    let reply = w.authenticate(body).await;
    assert_eq!(reply.status, 200, "{reply}");
    assert_eq!(reply.media_type(), Some("application/json"));
    let token = reply.json()["token"].as_str().expect("a token").to_owned();
    assert!(
        token.len() >= 43,
        "{token:?} is too short for 256 random bits"
    );
    assert_eq!(
        reply.compact(),
        format!(r#"{{"token":"{token}","status":"SUCCESS"}}"#)
    );

    w.import(0)
        .await
        .token(&token)
        .body("[]")
        .send()
        .await
        .assert_success(0);
    let store = &w.store;
    let minutes = store.token_seconds(&token).await / 60;
    assert!(
        (29..=30).contains(&minutes),
        "the token is valid for {minutes} minutes"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sign_ins_return_two_valid_tokens() {
    let w = World::start().await;
    let (first, second) = (
        w.sign_in(&w.tenants[0].robot).await,
        w.sign_in(&w.tenants[0].robot).await,
    );
    assert_ne!(first, second);
    for token in [first, second] {
        w.import(0)
            .await
            .token(&token)
            .body("[]")
            .send()
            .await
            .assert_success(0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_an_unknown_robot_get_the_same_response() {
    let w = World::start().await;
    let robot = &w.tenants[0].robot.username;
    let other = &w.tenants[1].robot.password;
    let mut bodies = Vec::new();
    for (username, password) in [
        (robot.as_str(), "not the password"),
        (robot.as_str(), other.as_str()),
        (w.login("nobody").as_str(), "not the password"),
    ] {
        let reply = w
            .authenticate(json!({"username": username, "password": password}).to_string())
            .await;
        assert_eq!(
            (reply.status, reply.compact().as_str()),
            (401, WRONG),
            "{username}: {reply}"
        );
        assert_eq!(reply.media_type(), Some("application/json"), "{reply}");
        bodies.push(reply.body);
    }
    assert_all_equal(&bodies);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_without_the_two_strings_is_a_bad_request() {
    let w = World::start().await;
    for body in [
        "",
        "username=a&password=b",
        "{",
        "[]",
        "null",
        "\"text\"",
        r#"["someone","secret"]"#,
        "{}",
        r#"{"username":"someone"}"#,
        r#"{"password":"secret"}"#,
        r#"{"username":7,"password":"secret"}"#,
        r#"{"username":"someone","password":7}"#,
        r#"{"username":null,"password":"secret"}"#,
        r#"{"username":"someone","password":null}"#,
        r#"{"username":["someone"],"password":"secret"}"#,
        r#"{"username":"","password":"secret"}"#,
        r#"{"username":"someone","password":""}"#,
        r#"{"Username":"someone","Password":"secret"}"#,
        r#"{"username":"someone","password":"secret"} x"#,
    ] {
        let reply = w.authenticate(body).await;
        assert_eq!(reply.status, 400, "{body}: {reply}");
        assert_eq!(
            reply.media_type(),
            Some("application/json"),
            "{body}: {reply}"
        );
        assert_eq!(reply.keys(), ["token", "status"], "{body}: {reply}");
        let json = reply.json();
        assert_eq!(json["token"], "", "{body}: {reply}");
        let status = json["status"].as_str().expect("a status");
        assert!(!status.is_empty() && status != "SUCCESS", "{body}: {reply}");
        assert!(
            !status.contains("secret"),
            "the response repeats the password: {reply}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_byte_order_mark_and_unknown_and_repeated_keys_are_accepted() {
    let w = World::start().await;
    let robot = &w.tenants[0].robot;
    let body = json!({"username": robot.username, "password": robot.password}).to_string();
    for (case, body) in [
        ("a byte order mark", format!("\u{feff}{body}")),
        ("unknown keys", body.replacen('{', r#"{"x":[1e999],"#, 1)),
        (
            "a repeated key, whose last value wins",
            body.replacen('{', r#"{"username":"nobody","#, 1),
        ),
    ] {
        let reply = w.authenticate(body).await;
        assert_eq!(
            (reply.status, &reply.json()["status"]),
            (200, &json!("SUCCESS")),
            "{case}: {reply}"
        );
    }
}

/// Sends wrong passwords until the response is 429; returns the number of attempts. Verifies that
/// response.
async fn fail_until_throttled(w: &World, username: &str) -> usize {
    for attempts in 1..=100 {
        let body =
            json!({"username": username, "password": format!("guess {attempts}")}).to_string();
        let reply = w.authenticate(body).await;
        if reply.status == 401 {
            assert_eq!(reply.compact(), WRONG);
            continue;
        }
        assert_eq!(reply.status, 429, "{reply}");
        assert_eq!(reply.keys(), ["token", "status"], "{reply}");
        assert_eq!(reply.json()["token"], "");
        assert!(
            reply.json()["status"]
                .as_str()
                .is_some_and(|status| !status.is_empty()),
            "{reply}"
        );
        assert!(retry_after(&reply) >= 1, "{reply}");
        return attempts;
    }
    panic!("100 wrong passwords were not throttled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_a_password_throttles_only_that_name() {
    let w = World::start().await;
    let attempts = fail_until_throttled(&w, &w.login("guessed")).await;
    assert!(
        attempts > 3,
        "{} typing mistakes are too few to throttle a person",
        attempts - 1
    );
    w.sign_in(&w.tenants[1].robot).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_name_is_throttled_like_an_unknown_one_even_for_the_right_password() {
    let w = World::start().await;
    let store = &w.store;
    let robot = store.robot(&w, 0).await;
    let unknown = fail_until_throttled(&w, &w.login("unknown")).await;
    let known = fail_until_throttled(&w, &robot.username).await;
    assert_eq!(known, unknown, "the throttle reveals which names exist");
    let right = json!({"username": robot.username, "password": robot.password}).to_string();
    assert_eq!(
        w.authenticate(right).await.status,
        429,
        "the right password passes the throttle"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_methods_get_405_with_the_allowed_one() {
    let w = World::start().await;
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let reply = w.call(method.clone(), "/authenticate").send().await;
        reply.assert_problem(405);
        assert_eq!(reply.header("allow"), Some("POST"), "{method}: {reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_and_passwords_are_not_stored_in_clear() {
    let w = World::start().await;
    let store = &w.store;
    let token = w.sign_in(&w.tenants[0].robot).await;
    let rows = format!("{:?}", store.control().await);
    assert!(!rows.contains(&token), "the token is stored in clear");
    for tenant in &w.tenants {
        assert!(
            !rows.contains(&tenant.robot.password),
            "a password is stored in clear"
        );
    }
}

//! `POST /authenticate`: who gets a token, and what everybody else is told.

use muster_tests::{World, store_or_skip};
use reqwest::Method;
use serde_json::json;

const WRONG: &str = r#"{"token":"","status":"Wrong username or password!"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_password_gives_a_token_that_opens_the_import() {
    let w = World::start().await;
    let robot = &w.tenants[0].robot;
    let body = json!({"username": robot.username, "password": robot.password}).to_string();
    let reply = w.authenticate(body).await;
    assert_eq!(reply.status, 200, "{reply}");
    assert_eq!(reply.media_type(), Some("application/json"));
    let token = reply.json()["token"].as_str().expect("a token").to_owned();
    assert!(
        token.len() >= 43,
        "256 random bits do not fit into {token:?}"
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
    let store = store_or_skip!(w);
    let minutes = store.token_seconds(&token).await / 60;
    assert!(
        (29..=30).contains(&minutes),
        "the token lives {minutes} minutes"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sign_ins_give_two_tokens_and_both_work() {
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
async fn a_wrong_password_and_an_unknown_robot_get_the_same_answer() {
    let w = World::start().await;
    let robot = &w.tenants[0].robot.username;
    let other = &w.tenants[1].robot.password;
    let mut answers = Vec::new();
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
        answers.push(reply.body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "the answers differ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_not_the_two_strings_is_a_bad_request() {
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
        let status = json["status"].as_str().expect("a sentence");
        assert!(!status.is_empty() && status != "SUCCESS", "{body}: {reply}");
        assert!(
            !status.contains("secret"),
            "the password comes back: {reply}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_body_is_json_like_any_other() {
    let w = World::start().await;
    let robot = &w.tenants[0].robot;
    let body = json!({"username": robot.username, "password": robot.password}).to_string();
    for (what, body) in [
        ("a byte order mark", format!("\u{feff}{body}")),
        ("unknown keys", body.replacen('{', r#"{"x":[1e999],"#, 1)),
        (
            "a double key, whose last value wins",
            body.replacen('{', r#"{"username":"nobody","#, 1),
        ),
    ] {
        let reply = w.authenticate(body).await;
        assert_eq!(
            (reply.status, &reply.json()["status"]),
            (200, &json!("SUCCESS")),
            "{what}: {reply}"
        );
    }
}

/// How many wrong passwords a name takes before 429, and that answer.
async fn fail_until_throttled(w: &World, username: &str) -> usize {
    for tries in 1..=100 {
        let body = json!({"username": username, "password": format!("guess {tries}")}).to_string();
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
        let wait: u64 = reply
            .header("retry-after")
            .expect("Retry-After")
            .parse()
            .expect("seconds");
        assert!(wait >= 1, "{reply}");
        return tries;
    }
    panic!("100 wrong passwords and no 429");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_is_throttled_and_other_names_are_not() {
    let w = World::start().await;
    let tries = fail_until_throttled(&w, &w.login("guessed")).await;
    assert!(
        tries > 3,
        "{} wrong passwords are too few for a person",
        tries - 1
    );
    w.sign_in(&w.tenants[1].robot).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_name_is_throttled_like_an_unknown_one_even_for_the_right_password() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let robot = store.robot(&w, 0).await;
    let unknown = fail_until_throttled(&w, &w.login("unknown")).await;
    let known = fail_until_throttled(&w, &robot.username).await;
    assert_eq!(known, unknown, "the throttle tells which names exist");
    let right = json!({"username": robot.username, "password": robot.password}).to_string();
    assert_eq!(w.authenticate(right).await.status, 429, "guessing on pays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_method_is_told_which_one_is_allowed() {
    let w = World::start().await;
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let reply = w.call(method.clone(), "/authenticate").send().await;
        reply.assert_problem(405);
        assert_eq!(reply.header("allow"), Some("POST"), "{method}: {reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_tokens_nor_passwords_stand_in_the_store() {
    let w = World::start().await;
    let store = store_or_skip!(w);
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

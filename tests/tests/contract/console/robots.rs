//! Operators make and change robots.

use muster_local::SignIn;
use muster_tests::{Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

use super::opens;

/// Makes a robot of the first tenant.
async fn robot(w: &World, more: Value) -> Reply {
    let mut new = json!({"name": w.login("bot")});
    new.as_object_mut()
        .expect("an object")
        .extend(more.as_object().expect("an object").clone());
    w.send_json(Method::POST, "/robots", &new).await
}

async fn change(w: &World, change: &Value) -> Reply {
    let path = format!("/robots/{}", w.login("bot"));
    let reply = w.send_json(Method::PATCH, &path, change).await;
    assert_eq!(reply.status, 200, "{reply}");
    reply
}

fn sign_in(w: &World, password: &str) -> SignIn {
    SignIn {
        username: w.login("bot"),
        password: password.to_owned(),
    }
}

async fn authenticate(w: &World, sign_in: &SignIn) -> Reply {
    let body = json!({"username": sign_in.username, "password": sign_in.password});
    w.authenticate(body.to_string()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_robot_is_made_with_a_password_that_is_shown_once() {
    let w = World::start().await;
    let made = robot(&w, json!({})).await;
    assert_eq!(made.status, 201, "{made}");
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let location = format!("/admin/v1/robots/{}", w.login("bot"));
    assert_eq!(made.header("location"), Some(location.as_str()));
    let made = made.json();
    let password = made["password"].as_str().expect("a password");
    assert!(password.len() == 24 && password.bytes().all(|b| b.is_ascii_alphanumeric()));
    assert_eq!(made["scopes"], json!(["quant", "collaborator", "qvalon"]));
    assert_eq!(
        (&made["tasks"], &made["last_used_at"]),
        (&json!([]), &Value::Null)
    );
    let shown = w.get(&format!("/robots/{}", w.login("bot"))).await;
    assert!(!shown.text().contains("password"), "{shown}");
    w.sign_in(&sign_in(&w, password)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn robots_are_listed_without_their_tasks() {
    let w = World::start().await;
    robot(&w, json!({"password": "its own one", "scopes": ["quant"]})).await;
    let listed = w.get("/robots?limit=1000").await.json();
    let items = listed["items"].as_array().expect("a list");
    let find = |name: &str| items.iter().find(|item| item["name"] == name);
    let made = find(&w.login("bot")).expect("the robot");
    assert_eq!(made["scopes"], json!(["quant"]));
    assert!(made.get("tasks").is_none() && made.get("password").is_none());
    assert!(find(&w.tenants[0].robot.username).is_some());
    assert!(find(&w.tenants[1].robot.username).is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_robot_is_refused_like_a_wrong_password_and_its_token_opens_nothing() {
    let w = World::start().await;
    robot(&w, json!({"password": "its own one"})).await;
    let right = sign_in(&w, "its own one");
    let token = w.sign_in(&right).await;
    assert!(opens(&w, &token).await);
    let disabled = change(&w, &json!({"enabled": false})).await.json();
    assert_eq!(disabled["enabled"], false);
    assert!(!opens(&w, &token).await);
    let (refused, wrong) = (
        authenticate(&w, &right).await,
        authenticate(&w, &sign_in(&w, "wrong")).await,
    );
    assert_eq!((refused.status, &refused.body), (401, &wrong.body));
    change(&w, &json!({"enabled": true})).await;
    assert!(opens(&w, &token).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scopes_limit_the_tokens_that_are_there() {
    let w = World::start().await;
    robot(&w, json!({"password": "its own one"})).await;
    let token = w.sign_in(&sign_in(&w, "its own one")).await;
    change(&w, &json!({"scopes": ["qvalon"]})).await;
    assert!(!opens(&w, &token).await);
    let next = w.sign_in(&sign_in(&w, "its own one")).await;
    assert!(!opens(&w, &next).await);
    change(&w, &json!({"scopes": ["quant", "qvalon"]})).await;
    assert!(opens(&w, &token).await);
    assert!(!opens(&w, &next).await, "it was issued for less");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_password_ends_the_tokens_of_sign_ins() {
    let w = World::start().await;
    robot(&w, json!({"password": "its own one"})).await;
    let token = w.sign_in(&sign_in(&w, "its own one")).await;
    let changed = change(&w, &json!({"generate_password": true})).await;
    assert_eq!(changed.header("cache-control"), Some("no-store"));
    assert!(!opens(&w, &token).await);
    let password = changed.json()["password"].as_str().map(str::to_owned);
    let next = w
        .sign_in(&sign_in(&w, &password.expect("a password")))
        .await;
    assert!(opens(&w, &next).await);
    let given = change(&w, &json!({"password": "a third one"})).await;
    assert_eq!(given.json().get("password"), None);
    assert!(!opens(&w, &next).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_wrong_member_of_a_robot_is_named() {
    let w = World::start().await;
    let reply = robot(
        &w,
        json!({"name": "a/b", "password": "short", "scopes": []}),
    )
    .await;
    reply.assert_problem(422);
    let errors = reply.json()["errors"].clone();
    for (n, field) in ["name", "password", "scopes"].into_iter().enumerate() {
        assert_eq!(errors[n]["field"], field);
    }
    robot(&w, json!({"scopes": ["everything"]}))
        .await
        .assert_problem(400);
    robot(&w, json!({})).await;
    let path = format!("/robots/{}", w.login("bot"));
    let both = json!({"password": "another one", "generate_password": true});
    let reply = w.send_json(Method::PATCH, &path, &both).await;
    reply.assert_problem(422);
    assert_eq!(reply.json()["errors"][0]["field"], "generate_password");
    let taken = json!({"name": w.tenants[1].robot.username});
    robot(&w, taken).await.assert_problem(409);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_and_a_foreign_robot_get_the_same_answer() {
    let w = World::start().await;
    let foreign = &w.tenants[1].robot.username;
    let off = json!({"enabled": false});
    let mut answers = Vec::new();
    for name in [foreign.as_str(), "nobody", &"x".repeat(1_000)] {
        let path = format!("/robots/{name}");
        let replies = [
            w.get(&path).await,
            w.send_json(Method::PATCH, &path, &off).await,
        ];
        for reply in replies {
            reply.assert_problem(404);
            answers.push(reply.body);
        }
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    w.sign_in(&w.tenants[1].robot).await;
}

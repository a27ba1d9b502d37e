//! Creating and changing robots.

use muster_local::Credentials;
use muster_tests::{Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

use super::permits_import;
use crate::support::assert_all_equal;

/// Creates a robot of the first tenant.
async fn create_robot(w: &World, more: Value) -> Reply {
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

fn sign_in(w: &World, password: &str) -> Credentials {
    Credentials {
        username: w.login("bot"),
        password: password.to_owned(),
    }
}

async fn authenticate(w: &World, sign_in: &Credentials) -> Reply {
    let body = json!({"username": sign_in.username, "password": sign_in.password});
    w.authenticate(body.to_string()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_password_of_a_new_robot_is_shown_once() {
    let w = World::start().await;
    let created = create_robot(&w, json!({})).await;
    assert_eq!(created.status, 201, "{created}");
    assert_eq!(created.header("cache-control"), Some("no-store"));
    let location = format!("/admin/v1/robots/{}", w.login("bot"));
    assert_eq!(created.header("location"), Some(location.as_str()));
    let created = created.json();
    let password = created["password"].as_str().expect("a password");
    assert!(password.len() == 24 && password.bytes().all(|b| b.is_ascii_alphanumeric()));
    assert_eq!(
        created["scopes"],
        json!(["quant", "collaborator", "qvalon"])
    );
    assert_eq!(
        (&created["tasks"], &created["last_used_at"]),
        (&json!([]), &Value::Null)
    );
    let shown = w.get(&format!("/robots/{}", w.login("bot"))).await;
    assert!(!shown.text().contains("password"), "{shown}");
    w.sign_in(&sign_in(&w, password)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn robots_are_listed_without_their_tasks() {
    let w = World::start().await;
    create_robot(&w, json!({"password": "its own one", "scopes": ["quant"]})).await;
    let listed = w.get("/robots?limit=1000").await.json();
    let items = listed["items"].as_array().expect("a list");
    let find = |name: &str| items.iter().find(|item| item["name"] == name);
    let created = find(&w.login("bot")).expect("the robot");
    assert_eq!(created["scopes"], json!(["quant"]));
    assert!(created.get("tasks").is_none() && created.get("password").is_none());
    assert!(find(&w.tenants[0].robot.username).is_some());
    assert!(find(&w.tenants[1].robot.username).is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_robot_cannot_sign_in_and_its_token_is_invalid() {
    let w = World::start().await;
    create_robot(&w, json!({"password": "its own one"})).await;
    let right = sign_in(&w, "its own one");
    let token = w.sign_in(&right).await;
    assert!(permits_import(&w, &token).await);
    let disabled = change(&w, &json!({"enabled": false})).await.json();
    assert_eq!(disabled["enabled"], false);
    assert!(!permits_import(&w, &token).await);
    let (disabled_reply, wrong_reply) = (
        authenticate(&w, &right).await,
        authenticate(&w, &sign_in(&w, "wrong")).await,
    );
    assert_eq!(
        (disabled_reply.status, &disabled_reply.body),
        (401, &wrong_reply.body)
    );
    change(&w, &json!({"enabled": true})).await;
    assert!(permits_import(&w, &token).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_scopes_of_a_robot_limit_its_existing_tokens() {
    let w = World::start().await;
    create_robot(&w, json!({"password": "its own one"})).await;
    let token = w.sign_in(&sign_in(&w, "its own one")).await;
    change(&w, &json!({"scopes": ["qvalon"]})).await;
    assert!(!permits_import(&w, &token).await);
    let next = w.sign_in(&sign_in(&w, "its own one")).await;
    assert!(!permits_import(&w, &next).await);
    change(&w, &json!({"scopes": ["quant", "qvalon"]})).await;
    assert!(permits_import(&w, &token).await);
    assert!(
        !permits_import(&w, &next).await,
        "the token was issued for fewer scopes"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_revokes_the_tokens_of_sign_ins() {
    let w = World::start().await;
    create_robot(&w, json!({"password": "its own one"})).await;
    let token = w.sign_in(&sign_in(&w, "its own one")).await;
    let changed = change(&w, &json!({"generate_password": true})).await;
    assert_eq!(changed.header("cache-control"), Some("no-store"));
    assert!(!permits_import(&w, &token).await);
    let password = changed.json()["password"].as_str().map(str::to_owned);
    let next = w
        .sign_in(&sign_in(&w, &password.expect("a password")))
        .await;
    assert!(permits_import(&w, &next).await);
    let changed = change(&w, &json!({"password": "a third one"})).await;
    assert_eq!(changed.json().get("password"), None);
    assert!(!permits_import(&w, &next).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_invalid_field_of_a_robot_is_reported() {
    let w = World::start().await;
    let reply = create_robot(
        &w,
        json!({"name": "a/b", "password": "short", "scopes": []}),
    )
    .await;
    reply.assert_problem(422);
    let errors = reply.json()["errors"].clone();
    for (n, field) in ["name", "password", "scopes"].into_iter().enumerate() {
        assert_eq!(errors[n]["field"], field);
    }
    create_robot(&w, json!({"scopes": ["everything"]}))
        .await
        .assert_problem(400);
    create_robot(&w, json!({})).await;
    let path = format!("/robots/{}", w.login("bot"));
    let both = json!({"password": "another one", "generate_password": true});
    let reply = w.send_json(Method::PATCH, &path, &both).await;
    reply.assert_problem(422);
    assert_eq!(reply.json()["errors"][0]["field"], "generate_password");
    let taken = json!({"name": w.tenants[1].robot.username});
    create_robot(&w, taken).await.assert_problem(409);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_and_a_foreign_robot_get_the_same_response() {
    let w = World::start().await;
    let foreign = &w.tenants[1].robot.username;
    let off = json!({"enabled": false});
    let mut bodies = Vec::new();
    for name in [foreign.as_str(), "nobody", &"x".repeat(1_000)] {
        let path = format!("/robots/{name}");
        let replies = [
            w.get(&path).await,
            w.send_json(Method::PATCH, &path, &off).await,
        ];
        for reply in replies {
            reply.assert_problem(404);
            bodies.push(reply.body);
        }
    }
    assert_all_equal(&bodies);
    w.sign_in(&w.tenants[1].robot).await;
}

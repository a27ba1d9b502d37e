//! Issuing and revoking API tokens.

use muster_tests::{Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

use super::permits_import;
use crate::support::assert_all_equal;

/// Issues a token of the first tenant's robot.
async fn issue(w: &World, more: Value) -> Reply {
    let mut new = json!({"robot": w.tenants[0].robot.username});
    new.as_object_mut()
        .expect("an object")
        .extend(more.as_object().expect("an object").clone());
    w.send_json(Method::POST, "/tokens", &new).await
}

async fn revoke(w: &World, id: &str) -> Reply {
    let call = w
        .operator(0, Method::DELETE, &format!("/tokens/{id}"))
        .await;
    call.send().await
}

fn text<'a>(reply: &'a Value, member: &str) -> &'a str {
    reply[member].as_str().expect("a text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_shown_once_and_permits_imports_until_it_is_revoked() {
    let w = World::start().await;
    let issued = issue(&w, json!({"title": "Nightly import"})).await;
    assert_eq!(issued.status, 201, "{issued}");
    assert_eq!(issued.header("cache-control"), Some("no-store"));
    let location = issued.header("location").expect("Location").to_owned();
    let issued = issued.json();
    let (id, token) = (text(&issued, "id"), text(&issued, "token"));
    assert_eq!(location, format!("/admin/v1/tokens/{id}"));
    assert_eq!(
        (&issued["status"], &issued["expires_at"]),
        (&json!("active"), &Value::Null)
    );
    assert_eq!(
        issued["created_by"],
        w.tenants[0].operator.username.as_str()
    );
    assert_eq!(issued["scopes"], json!(["quant", "collaborator", "qvalon"]));
    let import = w.import(0).await.token(token).body("[]").send().await;
    import.assert_success(0);

    let shown = w.get(&format!("/tokens/{id}")).await;
    assert!(!shown.text().contains(token), "{shown}");
    assert!(shown.json()["last_used_at"].is_string());
    let revoked = revoke(&w, id).await;
    assert_eq!(
        (revoked.status, &revoked.json()["status"]),
        (200, &json!("revoked"))
    );
    assert!(!permits_import(&w, token).await);
    assert_eq!(
        revoke(&w, id).await.body,
        revoked.body,
        "revoking is not idempotent"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_listed_newest_first_without_those_of_sign_ins() {
    let w = World::start().await;
    let titles = ["one", "two", "three"].map(|title| w.login(title));
    for title in &titles {
        assert_eq!(issue(&w, json!({"title": title})).await.status, 201);
    }
    w.sign_in(&w.tenants[0].robot).await;
    let listed = w.get("/tokens?limit=3").await.json();
    let items = listed["items"].as_array().expect("a list");
    let listed_titles: Vec<&str> = items.iter().map(|item| text(item, "title")).collect();
    assert_eq!(listed_titles, [&titles[2], &titles[1], &titles[0]]);
    assert!(items.iter().all(|item| item.get("token").is_none()));
    let none = w.get("/tokens?robot=nobody").await.json();
    assert_eq!(none, json!({"items": [], "next": null}));
    let robot = &w.tenants[0].robot.username;
    let own = w
        .get(&format!("/tokens?robot={robot}&limit=1"))
        .await
        .json();
    assert_eq!(own["items"][0], items[0]);
    let foreign = w
        .operator(1, Method::GET, "/tokens")
        .await
        .query("limit=1000");
    assert!(!foreign.send().await.text().contains(&titles[0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_valid_only_for_its_scopes() {
    let w = World::start().await;
    let other = issue(&w, json!({"scopes": ["qvalon"]})).await.json();
    assert!(!permits_import(&w, text(&other, "token")).await);
    let quant = issue(&w, json!({"scopes": ["quant"], "lifetime_seconds": 60})).await;
    let quant = quant.json();
    assert!(quant["expires_at"].is_string());
    assert!(permits_import(&w, text(&quant, "token")).await);
    let session = w.call(Method::GET, "/admin/v1/session");
    let session = session.token(text(&quant, "token")).send().await;
    session.assert_problem(401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_invalid_field_of_a_token_is_reported() {
    let w = World::start().await;
    for (invalid, field) in [
        (json!({"robot": "nobody"}), "robot"),
        (json!({"robot": w.tenants[1].robot.username}), "robot"),
        (json!({"scopes": []}), "scopes"),
        (json!({"title": "x".repeat(201)}), "title"),
        (json!({"lifetime_seconds": 59}), "lifetime_seconds"),
        (json!({"lifetime_seconds": 315_360_001}), "lifetime_seconds"),
    ] {
        let reply = issue(&w, invalid).await;
        reply.assert_problem(422);
        let errors = &reply.json()["errors"];
        assert_eq!(errors[0]["field"], field, "{errors}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_and_a_foreign_token_get_the_same_response() {
    let w = World::start().await;
    let issued = issue(&w, json!({})).await.json();
    let id = text(&issued, "id");
    let mut bodies = Vec::new();
    for id in [
        id,
        "019aa8fd-7c5e-7a10-9a3b-0c5d9f6b1e42",
        "x",
        &"9".repeat(1_000),
    ] {
        for method in [Method::GET, Method::DELETE] {
            let call = w.operator(1, method, &format!("/tokens/{id}")).await;
            let reply = call.send().await;
            reply.assert_problem(404);
            bodies.push(reply.body);
        }
    }
    assert_all_equal(&bodies);
    assert!(permits_import(&w, text(&issued, "token")).await);
}

//! Creating and changing operators.

use muster_import::Times;
use muster_local::Credentials;
use muster_tests::{Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

use super::pages;
use crate::support::assert_all_equal;

const PASSWORD: &str = "correct horse";

/// Creates an operator of the first tenant.
async fn create_operator(w: &World, name: &str, role: &str) -> Credentials {
    let name = w.login(name);
    let new = json!({"name": name, "password": PASSWORD, "role": role});
    let created = w.send_json(Method::POST, "/operators", &new).await;
    assert_eq!(created.status, 201, "{created}");
    let path = format!("/admin/v1/operators/{name}");
    assert_eq!(created.header("location"), Some(path.as_str()));
    Credentials {
        username: name,
        password: PASSWORD.to_owned(),
    }
}

async fn change(w: &World, name: &str, change: &Value) -> Reply {
    w.send_json(Method::PATCH, &format!("/operators/{name}"), change)
        .await
}

/// Sends a GET in this session.
async fn get(w: &World, session: &str, path: &str) -> Reply {
    let call = w.call(Method::GET, &format!("/admin/v1{path}"));
    call.token(session).send().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_can_be_created_read_and_listed() {
    let w = World::start().await;
    let created = create_operator(&w, "otto", "read").await;
    let shown = w
        .get(&format!("/operators/{}", created.username))
        .await
        .json();
    assert_eq!(shown["name"], created.username);
    assert_eq!(
        (&shown["role"], &shown["enabled"]),
        (&json!("read"), &json!(true))
    );
    assert_eq!(shown["created_at"], shown["updated_at"]);
    let listed = w.get("/operators?limit=1000").await.json();
    let items = listed["items"].as_array().expect("a list");
    assert!(items.contains(&shown), "{listed}");
    let seeded = &w.tenants[0].operator.username;
    assert!(items.iter().any(|item| item["name"] == seeded.as_str()));
    let foreign = &w.tenants[1].operator.username;
    assert!(items.iter().all(|item| item["name"] != foreign.as_str()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_can_change_nothing() {
    let w = World::start().await;
    let reader = create_operator(&w, "rita", "read").await;
    let session = w.begin_session(&reader).await;
    assert_eq!(get(&w, &session, "/operators").await.status, 200);
    let name = &w.tenants[0].operator.username;
    for (method, path) in [
        (Method::POST, "/operators".to_owned()),
        (Method::PATCH, format!("/operators/{name}")),
        (Method::POST, "/robots".to_owned()),
        (Method::POST, "/tokens".to_owned()),
        (
            Method::DELETE,
            "/tokens/019aa8fd-7c5e-7a10-9a3b-0c5d9f6b1e42".to_owned(),
        ),
    ] {
        let call = w.call(method, &format!("/admin/v1{path}")).token(&session);
        // The role is checked before the body.
        let reply = call
            .content_type(Some("application/json"))
            .body("x")
            .send()
            .await;
        reply.assert_problem(403);
        assert!(reply.text().contains("manage"), "{reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_name_is_refused_in_any_tenant() {
    let w = World::start().await;
    let mut bodies = Vec::new();
    for tenant in [0, 1] {
        let name = &w.tenants[tenant].operator.username;
        let new = json!({"name": name, "password": PASSWORD, "role": "read"});
        let reply = w.send_json(Method::POST, "/operators", &new).await;
        reply.assert_problem(409);
        bodies.push(reply.body);
    }
    assert_all_equal(&bodies);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_invalid_field_of_a_new_operator_is_reported() {
    let w = World::start().await;
    for name in ["", " x", "a/b", "a%b", ".."] {
        let new = json!({"name": name, "password": "short", "role": "read"});
        let reply = w.send_json(Method::POST, "/operators", &new).await;
        reply.assert_problem(422);
        let errors = &reply.json()["errors"];
        assert_eq!(
            (&errors[0]["field"], &errors[1]["field"]),
            (&json!("name"), &json!("password"))
        );
    }
    let unknown = json!({"name": "x", "password": PASSWORD, "role": "read", "admin": true});
    let reply = w.send_json(Method::POST, "/operators", &unknown).await;
    reply.assert_problem(400);
    assert_eq!(reply.json()["errors"][0]["field"], "admin");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_and_a_foreign_operator_get_the_same_response() {
    let w = World::start().await;
    let foreign = &w.tenants[1].operator.username;
    for (method, body) in [
        (Method::GET, None),
        (Method::PATCH, Some(json!({"enabled": false}))),
    ] {
        let mut bodies = Vec::new();
        for name in [foreign.as_str(), "nobody", "a%20b", &"x".repeat(1_000)] {
            let path = format!("/operators/{name}");
            let reply = match &body {
                None => w.get(&path).await,
                Some(body) => w.send_json(method.clone(), &path, body).await,
            };
            reply.assert_problem(404);
            bodies.push(reply.body);
        }
        assert_all_equal(&bodies);
    }
    w.begin_session(&w.tenants[1].operator).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_operator_loses_access_at_once() {
    let w = World::start().await;
    let otto = create_operator(&w, "otto", "manage").await;
    let session = w.begin_session(&otto).await;
    let disabled = change(&w, &otto.username, &json!({"enabled": false})).await;
    assert_eq!(disabled.json()["enabled"], false);
    get(&w, &session, "/session").await.assert_problem(401);
    let body = json!({"name": otto.username, "password": otto.password});
    let call = w.call(Method::POST, "/admin/v1/sessions");
    let call = call.content_type(Some("application/json"));
    call.body(body.to_string()).send().await.assert_problem(401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_role_applies_at_once_and_a_new_password_ends_the_sessions() {
    let w = World::start().await;
    let otto = create_operator(&w, "otto", "read").await;
    let session = w.begin_session(&otto).await;
    change(&w, &otto.username, &json!({"role": "manage"})).await;
    assert_eq!(get(&w, &session, "/session").await.json()["role"], "manage");
    let reset = change(&w, &otto.username, &json!({"password": "another one"})).await;
    assert_eq!(reset.status, 200, "{reset}");
    assert!(!reset.text().contains("another one"));
    get(&w, &session, "/session").await.assert_problem(401);
    let otto = Credentials {
        password: "another one".to_owned(),
        ..otto
    };
    w.begin_session(&otto).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_manager_cannot_be_disabled_or_demoted() {
    // A running stack can have other managers.
    let w = World::own_with_times(Times::default()).await;
    let last = &w.tenants[0].operator.username;
    for change_request in [json!({"enabled": false}), json!({"role": "read"})] {
        let reply = change(&w, last, &change_request).await;
        reply.assert_problem(409);
    }
    assert_eq!(
        w.get(&format!("/operators/{last}")).await.json()["role"],
        "manage"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_page_continues_after_the_one_before() {
    let w = World::start().await;
    create_operator(&w, "one", "read").await;
    let pages = pages(&w, "/operators?limit=1").await;
    let names: Vec<String> = pages
        .iter()
        .flatten()
        .map(|item| item["name"].to_string())
        .collect();
    assert!(names.len() >= 2 && names.is_sorted(), "{names:?}");
    for invalid in [
        "limit=0",
        "limit=1001",
        "limit=x",
        &format!("after={}", "x".repeat(600)),
    ] {
        let reply = w
            .operator(0, Method::GET, "/operators")
            .await
            .query(invalid);
        reply.send().await.assert_problem(400);
    }
}

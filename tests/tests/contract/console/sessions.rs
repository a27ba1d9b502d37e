//! Sessions and passwords of operators.

use muster_local::Credentials;
use muster_tests::{Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::assert_all_equal;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_shown_until_it_is_ended() {
    let w = World::start().await;
    let operator = &w.tenants[0].operator;
    let reply = w.get("/session").await;
    assert_eq!(reply.status, 200, "{reply}");
    let session = reply.json();
    assert_eq!(session["name"], operator.username.as_str());
    assert_eq!(session["tenant"], w.tenants[0].name.as_str());
    assert_eq!(session["role"], "manage");
    let other = w.begin_session(operator).await;

    let ended = w.operator(0, Method::DELETE, "/session").await.send().await;
    assert_eq!(ended.status, 204, "{ended}");
    w.get("/session").await.assert_problem(401);
    let session = w.call(Method::GET, "/admin/v1/session").token(&other);
    assert_eq!(
        session.send().await.status,
        200,
        "the operator's other session was ended, too"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_an_unknown_name_get_the_same_response() {
    let w = World::start().await;
    let operator = &w.tenants[0].operator.username;
    let mut bodies = Vec::new();
    for name in [operator.as_str(), "nobody", &w.tenants[0].robot.username] {
        let reply = w
            .call(Method::POST, "/admin/v1/sessions")
            .content_type(Some("application/json"))
            .body(json!({"name": name, "password": "wrong"}).to_string())
            .send()
            .await;
        reply.assert_problem(401);
        bodies.push(reply.body);
    }
    assert_all_equal(&bodies);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_not_a_session_and_a_session_is_not_a_token() {
    let w = World::start().await;
    let token = w.token(0).await;
    let session = w.call(Method::GET, "/admin/v1/session").token(token);
    session.send().await.assert_problem(401);
    let import = w.import(0).await.token(w.session(0).await).body("[]");
    assert_eq!(import.send().await.status, 401);
}

/// Creates an operator of the first tenant.
async fn create_operator(w: &World) -> Credentials {
    let sign_in = Credentials {
        username: w.login("otto"),
        password: "correct horse".to_owned(),
    };
    let new = json!({"name": sign_in.username, "password": sign_in.password, "role": "read"});
    let created = w.send_json(Method::POST, "/operators", &new).await;
    assert_eq!(created.status, 201, "{created}");
    sign_in
}

async fn put_password(w: &World, session: &str, body: &Value) -> Reply {
    w.call(Method::PUT, "/admin/v1/session/password")
        .token(session)
        .content_type(Some("application/json"))
        .body(body.to_string())
        .send()
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changing_the_own_password_ends_all_other_sessions() {
    let w = World::start().await;
    let otto = create_operator(&w).await;
    let (this, other) = (w.begin_session(&otto).await, w.begin_session(&otto).await);
    let new = json!({"current": otto.password, "new": "another one"});
    let changed = put_password(&w, &this, &new).await;
    assert_eq!((changed.status, changed.body.as_slice()), (204, &b""[..]));
    let session = |token| w.call(Method::GET, "/admin/v1/session").token(token).send();
    assert_eq!(session(&this).await.status, 200);
    session(&other).await.assert_problem(401);
    let next = Credentials {
        password: "another one".to_owned(),
        ..otto
    };
    w.begin_session(&next).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changing_the_own_password_needs_the_current_one() {
    let w = World::start().await;
    let otto = create_operator(&w).await;
    let session = w.begin_session(&otto).await;
    for (current, new, field) in [
        ("wrong", "another one", "current"),
        (otto.password.as_str(), "short", "new"),
        (&otto.password, &"x".repeat(129), "new"),
    ] {
        let reply = put_password(&w, &session, &json!({"current": current, "new": new})).await;
        reply.assert_problem(422);
        assert_eq!(reply.json()["errors"][0]["field"], field);
    }
    w.begin_session(&otto).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_the_current_password_is_throttled_like_a_sign_in() {
    let w = World::start().await;
    let otto = create_operator(&w).await;
    let session = w.begin_session(&otto).await;
    let guess = json!({"current": "wrong", "new": "another one"});
    for _ in 0..10 {
        put_password(&w, &session, &guess).await.assert_problem(422);
    }
    let throttled = put_password(&w, &session, &guess).await;
    throttled.assert_problem(429);
    assert!(throttled.header("retry-after").is_some());
}

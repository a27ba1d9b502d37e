//! Operators sign in and out.

use muster_tests::World;
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_says_whose_it_is_until_it_is_ended() {
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
    let still = w.call(Method::GET, "/admin/v1/session").token(&other);
    assert_eq!(
        still.send().await.status,
        200,
        "the operator's other session goes on"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_an_unknown_name_get_the_same_answer() {
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
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_robot_s_token_is_no_session_and_a_session_imports_nothing() {
    let w = World::start().await;
    let token = w.token(0).await;
    let session = w.call(Method::GET, "/admin/v1/session").token(token);
    session.send().await.assert_problem(401);
    let import = w.import(0).await.token(w.session(0).await).body("[]");
    assert_eq!(import.send().await.status, 401);
}

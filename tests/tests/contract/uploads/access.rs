//! Access to runs: for everybody else, a run does not exist.

use muster_tests::{Call, World};
use reqwest::Method;
use serde_json::json;

use super::{announce, id, run_call, start_upload};

/// All operations on a run: method, path after the id, and `Allow`.
const OPERATIONS: [(Method, &str, &str); 6] = [
    (Method::GET, "", "GET,HEAD"),
    (Method::GET, "/parts", "GET,HEAD"),
    (Method::GET, "/items", "GET,HEAD"),
    (Method::GET, "/rejected", "GET,HEAD"),
    (Method::POST, "/complete", "POST"),
    (Method::POST, "/cancel", "POST"),
];

/// Returns a request for each operation on a run.
async fn all_calls<'w>(w: &'w World, run: &str) -> Vec<Call<'w>> {
    let mut calls = Vec::new();
    for (method, path, _) in OPERATIONS {
        calls.push(run_call(w, method, run, path).await);
    }
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_run_of_another_robot_gets_the_same_response_as_a_missing_one() {
    let w = World::start().await;
    let upload = start_upload(&w, 2).await;
    let mut strangers = vec![w.token(1).await.to_owned()];
    {
        let store = &w.store;
        strangers.push(w.sign_in(&store.robot(&w, 0).await).await);
    }
    let unknown = "019aa96b-3a64-7c1e-9f52-6d1c2f1b8a70";
    for (known, none) in all_calls(&w, id(&upload))
        .await
        .into_iter()
        .zip(all_calls(&w, unknown).await)
    {
        let expected = none.send().await;
        expected.assert_problem(404);
        for stranger in &strangers {
            let reply = known.clone().token(stranger).send().await;
            assert_eq!((reply.status, reply.text()), (404, expected.text()));
        }
    }
    for id in ["x", "206", "019AA96B-3A64-7C1E-9F52-6D1C2F1B8A70"] {
        for call in all_calls(&w, id).await {
            call.send().await.assert_problem(404);
        }
    }
    for call in all_calls(&w, id(&upload)).await.into_iter().take(1) {
        assert_eq!(call.send().await.json()["state"], "uploading");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_needs_the_scope_of_the_dialect() {
    let w = World::start().await;
    let upload = start_upload(&w, 2).await;
    let robot = &w.tenants[0].robot.username;
    let body =
        json!({"robot": robot, "lifetime_seconds": 60, "scopes": ["qvalon", "collaborator"]});
    let issued = w.send_json(Method::POST, "/tokens", &body).await.json();
    let other = issued["token"].as_str().expect("a token").to_owned();
    let mut calls = all_calls(&w, id(&upload)).await;
    calls.push(announce(&w, &json!({"size": 1})).await);
    for call in calls {
        call.clone().token(&other).send().await.assert_problem(401);
        call.authorization(None).send().await.assert_problem(401);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_methods_get_405_with_the_allowed_ones() {
    let w = World::start().await;
    for ((_, _, allowed), call) in OPERATIONS.into_iter().zip(all_calls(&w, "x").await) {
        let reply = call.method(Method::PUT).send().await;
        reply.assert_problem(405);
        assert_eq!(reply.header("allow"), Some(allowed), "{reply}");
    }
    let call = announce(&w, &json!({})).await.method(Method::GET);
    let reply = call.send().await;
    reply.assert_problem(405);
    assert_eq!(reply.header("allow"), Some("POST"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_robot_without_permission_for_the_task_sees_none_of_its_runs() {
    let w = World::start().await;
    let store = &w.store;
    let other = store.robot(&w, 0).await.username;
    let task = store
        .task(&w, 0, |task| task["permitted_robots"] = json!([other]))
        .await;
    let run = store.queued(&w, 0, task).await;
    for call in all_calls(&w, &run).await {
        call.send().await.assert_problem(404);
    }
}

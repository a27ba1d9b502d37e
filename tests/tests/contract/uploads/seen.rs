//! Who may ask what of a run: everything else is as if there were none.

use muster_tests::{Call, World, store_or_skip};
use reqwest::Method;
use serde_json::json;

use super::{announce, begun, id, of_run};

/// All that can be asked of a run.
const ASKED: [(Method, &str, &str); 6] = [
    (Method::GET, "", "GET,HEAD"),
    (Method::GET, "/parts", "GET,HEAD"),
    (Method::GET, "/items", "GET,HEAD"),
    (Method::GET, "/rejected", "GET,HEAD"),
    (Method::POST, "/complete", "POST"),
    (Method::POST, "/cancel", "POST"),
];

async fn all<'w>(w: &'w World, run: &str) -> Vec<Call<'w>> {
    let mut calls = Vec::new();
    for (method, path, _) in ASKED {
        calls.push(of_run(w, method, run, path).await);
    }
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_of_others_is_no_run() {
    let w = World::start().await;
    let upload = begun(&w, 2).await;
    let mut strangers = vec![w.token(1).await.to_owned()];
    if let Some(store) = &w.store {
        strangers.push(w.sign_in(&store.robot(&w, 0).await).await);
    }
    let unknown = "019aa96b-3a64-7c1e-9f52-6d1c2f1b8a70";
    for (known, none) in all(&w, id(&upload))
        .await
        .into_iter()
        .zip(all(&w, unknown).await)
    {
        let expected = none.send().await;
        expected.assert_problem(404);
        for stranger in &strangers {
            let reply = known.clone().token(stranger).send().await;
            assert_eq!((reply.status, reply.text()), (404, expected.text()));
        }
    }
    for id in ["x", "206", "019AA96B-3A64-7C1E-9F52-6D1C2F1B8A70"] {
        for call in all(&w, id).await {
            call.send().await.assert_problem(404);
        }
    }
    for call in all(&w, id(&upload)).await.into_iter().take(1) {
        assert_eq!(call.send().await.json()["state"], "uploading");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_token_of_this_dialect_opens_a_run() {
    let w = World::start().await;
    let upload = begun(&w, 2).await;
    let robot = &w.tenants[0].robot.username;
    let body =
        json!({"robot": robot, "lifetime_seconds": 60, "scopes": ["qvalon", "collaborator"]});
    let issued = w.send_json(Method::POST, "/tokens", &body).await.json();
    let other = issued["token"].as_str().expect("a token").to_owned();
    let mut calls = all(&w, id(&upload)).await;
    calls.push(announce(&w, &json!({"size": 1})).await);
    for call in calls {
        call.clone().token(&other).send().await.assert_problem(401);
        call.authorization(None).send().await.assert_problem(401);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_method_is_told_which_ones_there_are() {
    let w = World::start().await;
    for ((_, _, allowed), call) in ASKED.into_iter().zip(all(&w, "x").await) {
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
async fn a_robot_that_may_not_run_the_task_sees_none_of_its_runs() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let other = store.robot(&w, 0).await.username;
    let task = store
        .task(&w, 0, |task| task["permitted_robots"] = json!([other]))
        .await;
    let run = store.queued(&w, 0, task).await;
    for call in all(&w, &run).await {
        call.send().await.assert_problem(404);
    }
}

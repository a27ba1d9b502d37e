//! Completing an upload: its conditions, and repeated requests.

use muster_tests::World;
use reqwest::Method;
use serde_json::json;

use super::{
    PART_BYTES, announce, assert_conflict, assert_state, get, id, post, put, start_upload,
    uploaded, url,
};
use crate::support::import_id;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_completed_upload_is_queued_and_completing_it_again_succeeds() {
    let w = World::start().await;
    let run = uploaded(&w).await;
    let reply = post(&w, &run, "/complete").await;
    assert_state(&reply, 202, &run, "queued");
    assert_eq!(reply.header("import-id"), Some(run.as_str()));
    let location = format!("/v1/imports/{run}");
    assert_eq!(reply.header("location"), Some(location.as_str()));
    let repeated = post(&w, &run, "/complete").await;
    assert_eq!(repeated.status, 202, "{repeated}");
    assert_eq!(repeated.json()["import_id"], run.as_str());
    assert_eq!(w.wait_until_ended(0, &run).await["Status"], "SUCCESS");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_parts_and_parts_of_a_wrong_size_are_reported() {
    let w = World::start().await;
    let upload = start_upload(&w, 3 * PART_BYTES + 3).await;
    let run = id(&upload);
    assert_conflict(&post(&w, run, "/complete").await, "not received: 1-4");
    assert_eq!(put(&w, &url(&upload, 2), vec![b' '; 9]).await, 200);
    assert_eq!(put(&w, &url(&upload, 4), vec![b' '; 3]).await, 200);
    let reply = post(&w, run, "/complete").await;
    assert_conflict(&reply, "not received: 1, 3;");
    assert_conflict(&reply, "wrong size: 2;");
    assert_eq!(get(&w, run, "").await.json()["state"], "uploading");
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_concurrent_completions_both_succeed() {
    let w = World::start().await;
    let run = uploaded(&w).await;
    let (one, two) = tokio::join!(post(&w, &run, "/complete"), post(&w, &run, "/complete"));
    for reply in [one, two] {
        assert_eq!(reply.status, 202, "{reply}");
    }
    assert_eq!(w.wait_until_ended(0, &run).await["Status"], "SUCCESS");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_cannot_be_completed_while_another_import_runs() {
    let w = World::start().await;
    let store = &w.store;
    let other = store.queued(&w, 0, w.tenants[0].task_id).await;
    let run = uploaded(&w).await;
    let reply = post(&w, &run, "/complete").await;
    reply.assert_problem(503);
    assert_eq!(reply.header("retry-after"), Some("60"));
    assert_eq!(get(&w, &run, "").await.json()["state"], "uploading");
    // A synchronous import is refused in the same way.
    let import = w.import(0).await.body("[]").send().await;
    import.assert_failure(503);
    assert_eq!(import.header("retry-after"), Some("60"));

    assert_eq!(post(&w, &other, "/cancel").await.status, 200);
    assert_state(&post(&w, &run, "/complete").await, 202, &run, "queued");
    w.wait_until_ended(0, &run).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_uses_the_settings_of_its_completion() {
    let w = World::start().await;
    let store = &w.store;
    let task = store.task(&w, 0, |_| ()).await;
    let mut call = announce(&w, &json!({"size": 2})).await;
    call.path = format!("/v1/import/user-data/{task}/uploads");
    let upload = call.send().await.json();
    assert_eq!(put(&w, &url(&upload, 1), b"[]".to_vec()).await, 200);
    let run = id(&upload).to_owned();
    let path = format!("/tasks/{task}");
    let change = async |field: &str, value: serde_json::Value| {
        let task = w.get(&path).await.json();
        let mut body = json!({"version": task["version"], "settings": task["settings"]});
        body["settings"][field] = value;
        let reply = w.send_json(Method::PUT, &path, &body).await;
        assert_eq!(reply.status, 200, "{reply}");
        reply.json()["version"].as_u64().expect("a version")
    };
    change("enabled", json!(false)).await;
    assert_conflict(&post(&w, &run, "/complete").await, "disabled");
    assert_eq!(store.job(&run).await.settings_version, None);
    let version = change("enabled", json!(true)).await;
    assert_state(&post(&w, &run, "/complete").await, 202, &run, "queued");
    change("title", json!("Another one")).await;
    assert_eq!(post(&w, &run, "/complete").await.status, 202);
    assert_eq!(store.job(&run).await.settings_version, Some(version));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_an_upload_can_be_completed() {
    let w = World::start().await;
    let reply = w.import(0).await.body("[]").send().await;
    let run = import_id(&reply);
    assert_conflict(&post(&w, run, "/complete").await, "not an upload");
    let cancelled = uploaded(&w).await;
    assert_eq!(post(&w, &cancelled, "/cancel").await.status, 200);
    assert_conflict(&post(&w, &cancelled, "/complete").await, "cancelled");
}

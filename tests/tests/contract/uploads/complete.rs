//! The end of an upload: what it takes, and that it can be repeated.

use muster_tests::{World, store_or_skip};
use reqwest::Method;
use serde_json::json;

use super::{PART, announce, assert_conflict, assert_state, begun, get, id, post, put, sent, url};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_is_complete_is_queued_and_can_be_completed_again() {
    let w = World::start().await;
    let run = sent(&w).await;
    let reply = post(&w, &run, "/complete").await;
    assert_state(&reply, 202, &run, "queued");
    assert_eq!(reply.header("import-id"), Some(run.as_str()));
    let location = format!("/v1/imports/{run}");
    assert_eq!(reply.header("location"), Some(location.as_str()));
    let again = post(&w, &run, "/complete").await;
    assert_eq!(again.status, 202, "{again}");
    assert_eq!(again.json()["import_id"], run.as_str());
    assert_eq!(w.ended(0, &run).await["Status"], "SUCCESS");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_or_of_a_wrong_size_is_named() {
    let w = World::start().await;
    let upload = begun(&w, 3 * PART + 3).await;
    let run = id(&upload);
    assert_conflict(&post(&w, run, "/complete").await, "not arrived: 1-4");
    assert_eq!(put(&w, &url(&upload, 2), vec![b' '; 9]).await, 200);
    assert_eq!(put(&w, &url(&upload, 4), vec![b' '; 3]).await, 200);
    let reply = post(&w, run, "/complete").await;
    assert_conflict(&reply, "not arrived: 1, 3;");
    assert_conflict(&reply, "size they must have: 2;");
    assert_eq!(get(&w, run, "").await.json()["state"], "uploading");
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_complete_at_once_both_are_told_that_it_is_queued() {
    let w = World::start().await;
    let run = sent(&w).await;
    let (one, two) = tokio::join!(post(&w, &run, "/complete"), post(&w, &run, "/complete"));
    for reply in [one, two] {
        assert_eq!(reply.status, 202, "{reply}");
    }
    assert_eq!(w.ended(0, &run).await["Status"], "SUCCESS");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_runs_another_import_is_waited_for() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let other = store.queued(&w, 0, w.tenants[0].task_id).await;
    let run = sent(&w).await;
    let reply = post(&w, &run, "/complete").await;
    reply.assert_problem(503);
    assert_eq!(reply.header("retry-after"), Some("60"));
    assert_eq!(get(&w, &run, "").await.json()["state"], "uploading");
    // So does one within a request.
    let import = w.import(0).await.body("[]").send().await;
    import.assert_failure(503);
    assert_eq!(import.header("retry-after"), Some("60"));

    assert_eq!(post(&w, &other, "/cancel").await.status, 200);
    assert_state(&post(&w, &run, "/complete").await, 202, &run, "queued");
    w.ended(0, &run).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_goes_by_the_settings_of_when_it_was_completed() {
    let w = World::start().await;
    let store = store_or_skip!(w);
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
    let run = reply.header("import-id").expect("Import-Id");
    assert_conflict(&post(&w, run, "/complete").await, "no upload");
    let cancelled = sent(&w).await;
    assert_eq!(post(&w, &cancelled, "/cancel").await.status, 200);
    assert_conflict(&post(&w, &cancelled, "/complete").await, "cancelled");
}

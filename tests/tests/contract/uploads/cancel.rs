//! Cancelling a run in each of its states (contract.md#cancel).

use std::collections::BTreeMap;

use jiff::Timestamp;
use muster_aws::runs::{Ending, ReadProgress, StopReason};
use muster_core::run::{Counts, State, Status};
use muster_tests::World;
use serde_json::json;

use super::{assert_conflict, assert_state, get, post, put, uploaded, url};
use crate::support::import_id;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_upload_accepts_no_more_parts() {
    let w = World::start().await;
    let upload = super::start_upload(&w, 2).await;
    let run = super::id(&upload);
    assert_state(&post(&w, run, "/cancel").await, 200, run, "cancelled");
    assert_conflict(&post(&w, run, "/cancel").await, "cancelled");
    assert_eq!(put(&w, &url(&upload, 1), b"[]".to_vec()).await, 404);
    let status = get(&w, run, "").await.json();
    assert_eq!(
        (&status["state"], &status["Status"]),
        (&json!("cancelled"), &json!("FAILURE"))
    );
    assert_eq!(
        status["Errors"],
        json!(["the import was cancelled before all its data were sent"])
    );
    assert_eq!(status.get("Total Lines"), None);
    let logged = w.get(&format!("/runs/{run}")).await.json();
    assert_eq!(
        (&logged["state"], &logged["status"]),
        (&json!("cancelled"), &json!("FAILURE"))
    );
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_has_applied_nothing_is_cancelled_at_once() {
    let w = World::start().await;
    let store = &w.store;
    for state in [None, Some(State::Checking), Some(State::Planning)] {
        let run = store.queued(&w, 0, w.tenants[0].task_id).await;
        if state.is_some() {
            store.begin_checking(&run, ReadProgress::default()).await;
        }
        if state == Some(State::Planning) {
            store
                .advance(&run, State::Planning, Timestamp::now(), |_| ())
                .await;
        }
        assert_state(&post(&w, &run, "/cancel").await, 200, &run, "cancelled");
        let status = get(&w, &run, "").await.json();
        assert_eq!(status["Status"], "FAILURE", "{status}");
        assert_eq!(
            status["Errors"],
            json!(["the import was cancelled before anything was applied"])
        );
        assert_conflict(&post(&w, &run, "/cancel").await, "cancelled");
        w.assert_task_is_free(0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_applying_run_stops_and_locks_its_task_until_it_has_ended() {
    let w = World::start().await;
    let store = &w.store;
    let run = store.queued(&w, 0, w.tenants[0].task_id).await;
    store
        .advance(&run, State::Applying, Timestamp::now(), |_| ())
        .await;
    for _ in 0..2 {
        assert_state(&post(&w, &run, "/cancel").await, 202, &run, "stopping");
    }
    assert_eq!(store.job(&run).await.stopped, Some(StopReason::Cancelled));
    assert_eq!(get(&w, &run, "").await.json()["state"], "stopping");
    w.import(0)
        .await
        .body("[]")
        .send()
        .await
        .assert_failure(503);

    let ending = Ending {
        state: State::Cancelled,
        status: Status::PartialSuccess,
        counts: Some(Counts {
            total: 3,
            created: 3,
            ..Counts::default()
        }),
        item_counts: BTreeMap::new(),
        errors: vec!["the import was cancelled".to_owned()],
        answer: None,
        unanswered: false,
        undo: None,
    };
    store.finish(&run, &ending).await;
    assert_conflict(&post(&w, &run, "/cancel").await, "cancelled");
    let status = get(&w, &run, "").await.json();
    assert_eq!(
        (&status["Status"], &status["Created"]),
        (&json!("PARTIAL_SUCCESS"), &json!(3))
    );
    assert_eq!(status["Errors"], json!(["the import was cancelled"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_synchronous_run_cannot_be_cancelled() {
    let w = World::start().await;
    let reply = w.import(0).await.body("[]").send().await;
    let run = import_id(&reply);
    assert_conflict(&post(&w, run, "/cancel").await, "finished");
    let store = &w.store;
    let task = store.task(&w, 0, |_| ()).await;
    let running = store.lock_task(&w, 0, task).await;
    assert_conflict(&post(&w, &running, "/cancel").await, "synchronous");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_concurrent_completion_and_cancellation_end_the_run_once() {
    let w = World::start().await;
    for _ in 0..5 {
        let run = uploaded(&w).await;
        let (cancelled, completed) =
            tokio::join!(post(&w, &run, "/cancel"), post(&w, &run, "/complete"));
        assert!(matches!(cancelled.status, 200 | 202 | 409), "{cancelled}");
        assert!(matches!(completed.status, 202 | 409), "{completed}");
        if completed.status == 409 {
            assert_state(&cancelled, 200, &run, "cancelled");
        }
        if cancelled.status == 200 {
            assert_eq!(get(&w, &run, "").await.json()["state"], "cancelled");
        }
        w.wait_until_ended(0, &run).await;
        w.assert_task_is_free(0).await;
    }
}

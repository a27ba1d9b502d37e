//! Task locks (protocol.md#task-lock): respected until they expire, taken over afterwards, and
//! never left behind.

use std::time::Duration;

use muster_import::Times;
use muster_tests::World;
use serde_json::json;

use crate::concurrency::{assert_task_busy, new_records};
use crate::support::import_id;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_lock_is_respected() {
    let w = World::start().await;
    let store = &w.store;
    let task = store.task(&w, 0, |_| ()).await;
    let running = store.lock_task(&w, 0, task).await;
    let before = w.directory().await;
    for body in [
        json!([w.record("anna")]).to_string(),
        "[]".to_owned(),
        "not json".to_owned(),
    ] {
        assert_task_busy(&w.import(0).await.task(task).body(body).send().await);
    }
    assert_eq!(w.directory().await, before);
    assert_eq!(
        store.run(&running).await.status,
        None,
        "the run with the lock was ended"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_expired_lock_of_a_dead_run_is_taken_over_and_that_run_is_ended() {
    let w = World::start().await;
    let store = &w.store;
    let task = store.task(&w, 0, |_| ()).await;
    let dead = store.lock_task_for_dead_run(&w, 0, task).await;
    let reply = w
        .import(0)
        .await
        .task(task)
        .records(&json!([w.record("anna")]))
        .send()
        .await;
    reply.assert_success(1);
    assert!(store.users().await.contains_key(&w.login("anna")));

    let run = store.run(&dead).await;
    assert_eq!(run.status.as_deref(), Some("FAILURE"));
    assert!(
        run.counts.is_none(),
        "the counts of an interrupted run are unknown: {run:?}"
    );
    let errors = run.errors.join("\n").to_lowercase();
    for words in [
        "interrupted",
        "part of it may have been applied",
        "send it again",
    ] {
        assert!(errors.contains(words), "{words:?}: {errors}");
    }
    assert_eq!(
        store.lock_rows(task).await,
        Vec::<String>::new(),
        "the task is still locked"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lock_of_a_background_run_never_expires() {
    let w = World::start().await;
    let store = &w.store;
    let task = store.task(&w, 0, |_| ()).await;
    let queued = store.lock_task_for_expired_run(&w, 0, task).await;
    store.mark_lock_background(task).await;
    let retry_after = assert_task_busy(&w.import(0).await.task(task).body("[]").send().await);
    assert_eq!(retry_after, 60);
    assert_eq!(store.run(&queued).await.status, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_run_leaves_no_lock() {
    let w = World::start().await;
    let store = &w.store;
    for body in [
        json!([w.record("anna")]).to_string(),
        "[7,{}]".to_owned(),
        "[]".to_owned(),
        "not json".to_owned(),
        "{}".to_owned(),
    ] {
        let reply = w.import(0).await.body(body.clone()).send().await;
        assert!(matches!(reply.status, 200 | 400), "{reply}");
        assert_eq!(
            store.lock_rows(w.tenants[0].task_id).await,
            Vec::<String>::new(),
            "after {body}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_nears_its_time_limit_continues_in_the_background() {
    let times = Times {
        stop_after: Duration::ZERO,
        ..Times::default()
    };
    let w = World::own_with_times(times).await;
    let records: Vec<_> = (0..2_500).map(|n| w.record(&format!("anna{n}"))).collect();
    let records = serde_json::Value::from(records);
    for (query, keys) in [
        ("dryRun", ["Created", "Updated", "Unchanged"]),
        ("", ["Created", "Updated", "Unchanged"]),
        ("", ["Unchanged", "Created", "Updated"]),
    ] {
        let call = w.import(0).await.query(query).records(&records);
        let reply = call.send().await;
        assert_eq!(reply.status, 202, "{reply}");
        assert_eq!(
            reply.header("preference-applied"),
            None,
            "the client did not prefer it"
        );
        let run = import_id(&reply);
        let location = format!("/v1/imports/{run}");
        assert_eq!(reply.header("location"), Some(location.as_str()));
        let ended = w.wait_until_ended(0, run).await;
        assert_eq!(ended["Status"], "SUCCESS", "{ended}");
        let counts = keys.map(|name| ended[name].as_u64());
        assert_eq!(counts, [Some(2_500), Some(0), Some(0)], "{ended}");
        let store = &w.store;
        let locks = store.lock_rows(w.tenants[0].task_id).await;
        assert_eq!(locks, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_lock_was_taken_over_meanwhile_fails_with_500() {
    let times = Times {
        sync_hold: Duration::from_millis(1),
        ..Times::default()
    };
    let w = World::own_with_times(times).await;
    let store = &w.store;
    let task = w.tenants[0].task_id;
    let gated = w.gated_imports(times).await;
    let late = gated.call(w.import(0).await.records(&new_records(&w, "late", 300)));
    let quick = async {
        gated.reached().await;
        // The lock was acquired before the gate, so it has expired now.
        tokio::time::sleep(times.sync_hold).await;
        let records = new_records(&w, "quick", 3);
        let reply = w.import(0).await.records(&records).send().await;
        gated.open();
        reply
    };
    let (late, quick) = tokio::join!(late.send(), quick);
    quick.assert_success(3);
    late.assert_failure(500);
    let run = store.run(import_id(&late)).await;
    assert_eq!(
        (run.status.as_deref(), run.counts),
        (Some("FAILURE"), None),
        "{:?}",
        run.errors
    );
    let run = store.run(import_id(&quick)).await;
    assert_eq!(run.status.as_deref(), Some("SUCCESS"));
    assert_eq!(store.lock_rows(task).await, Vec::<String>::new());
}

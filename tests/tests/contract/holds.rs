//! Holds of a task and the runs that die with them: taken over when their time is past, respected
//! before, and never left behind (PROTOCOL §3).

use std::time::Duration;

use muster_import::Times;
use muster_tests::{Reply, World, store_or_skip};
use serde_json::json;

use crate::running::{assert_running, users};

fn id(reply: &Reply) -> &str {
    reply.header("import-id").expect("Import-Id")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_hold_is_respected_and_its_run_left_alone() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = store.task(&w, 0, |_| ()).await;
    let holder = store.hold(&w, 0, task).await;
    let before = w.directory().await;
    for body in [
        json!([w.record("anna")]).to_string(),
        "[]".to_owned(),
        "not json".to_owned(),
    ] {
        assert_running(&w.import(0).await.task(task).body(body).send().await);
    }
    assert_eq!(w.directory().await, before);
    assert_eq!(
        store.run(&holder).await.status,
        None,
        "the run that holds the task is not ended"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_expired_hold_of_a_dead_run_is_taken_over_and_that_run_ended() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = store.task(&w, 0, |_| ()).await;
    let dead = store.dead_hold(&w, 0, task).await;
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
        "counts of an interrupted run are unknown, not 0: {run:?}"
    );
    let said = run.errors.join("\n").to_lowercase();
    for words in [
        "interrupted",
        "part of it may have been applied",
        "send it again",
    ] {
        assert!(said.contains(words), "{words:?}: {said}");
    }
    assert_eq!(
        store.hold_rows(task).await,
        Vec::<String>::new(),
        "something is held still"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hold_of_a_queued_run_never_expires() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = store.task(&w, 0, |_| ()).await;
    let queued = store.lapsed_hold(&w, 0, task).await;
    store.queue(task).await;
    let wait = assert_running(&w.import(0).await.task(task).body("[]").send().await);
    assert_eq!(wait, 60);
    assert_eq!(store.run(&queued).await.status, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_run_holds_nothing() {
    let w = World::start().await;
    let store = store_or_skip!(w);
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
            store.hold_rows(w.tenants[0].task_id).await,
            Vec::<String>::new(),
            "after {body}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_nears_its_time_goes_on_in_the_background() {
    let times = Times {
        stop_after: Duration::ZERO,
        ..Times::default()
    };
    let Some(w) = World::with_times(times).await else {
        return;
    };
    let records: Vec<_> = (0..2_500).map(|n| w.record(&format!("anna{n}"))).collect();
    let records = serde_json::Value::from(records);
    for (query, counted) in [
        ("dryRun", ["Created", "Updated", "Unchanged"]),
        ("", ["Created", "Updated", "Unchanged"]),
        ("", ["Unchanged", "Created", "Updated"]),
    ] {
        let call = w.import(0).await.query(query).records(&records);
        let reply = call.send().await;
        assert_eq!(reply.status, 202, "{reply}");
        assert_eq!(reply.header("preference-applied"), None, "nobody asked");
        let run = reply.header("import-id").expect("Import-Id");
        let location = format!("/v1/imports/{run}");
        assert_eq!(reply.header("location"), Some(location.as_str()));
        let ended = w.ended(0, run).await;
        assert_eq!(ended["Status"], "SUCCESS", "{ended}");
        let figures = counted.map(|name| ended[name].as_u64());
        assert_eq!(figures, [Some(2_500), Some(0), Some(0)], "{ended}");
        let store = store_or_skip!(w);
        let holds = store.hold_rows(w.tenants[0].task_id).await;
        assert_eq!(holds, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_wakes_up_after_its_hold_was_taken_over_reports_nothing() {
    let times = Times {
        sync_hold: Duration::from_millis(1),
        ..Times::default()
    };
    let Some(w) = World::with_times(times).await else {
        return;
    };
    let store = store_or_skip!(w);
    let task = w.tenants[0].task_id;
    let late = w.import(0).await.records(&users(&w, "late", 3_000)).send();
    let done = async {
        while store.hold_rows(task).await.is_empty() {
            tokio::task::yield_now().await;
        }
        w.import(0)
            .await
            .records(&users(&w, "done", 3))
            .send()
            .await
    };
    let (late, done) = tokio::join!(late, done);
    done.assert_success(3);
    late.assert_failure(500);
    let run = store.run(id(&late)).await;
    assert_eq!(
        (run.status.as_deref(), run.counts),
        (Some("FAILURE"), None),
        "{:?}",
        run.errors
    );
    assert_eq!(
        store.run(id(&done)).await.status.as_deref(),
        Some("SUCCESS")
    );
    assert_eq!(
        store.hold_rows(w.tenants[0].task_id).await,
        Vec::<String>::new()
    );
}

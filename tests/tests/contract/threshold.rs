//! The safety threshold of a task: an import that would ignore too many users is refused as a
//! whole, before anything is written (CONTRACT §1).

use muster_tests::{Access, Reply, World, store_or_skip};
use serde_json::{Value, json};

/// `good` complete records, then `bad` ones that are ignored for their role.
fn records(w: &World, good: usize, bad: usize) -> Value {
    let good = (0..good).map(|n| w.record(&format!("good{n}")));
    let bad = (0..bad).map(|n| {
        let mut record = w.record(&format!("bad{n}"));
        record["Role"] = json!("king");
        record
    });
    good.chain(bad).collect()
}

async fn task(w: &World, store: &Access, threshold: Value) -> u64 {
    store
        .task(w, 0, |task| task["safety_threshold"] = threshold)
        .await
}

async fn send(w: &World, task: u64, query: &str, records: &Value) -> Reply {
    let call = w.import(0).await.task(task).query(query);
    call.records(records).send().await
}

/// Asserts a tripped threshold, the figures in its one error.
#[track_caller]
fn assert_tripped(reply: &Reply, figures: [&str; 3]) {
    assert_eq!(reply.status, 400, "{reply}");
    assert_eq!(reply.json()["Status"], "FAILURE", "{reply}");
    let errors = reply.errors();
    assert_eq!(errors.len(), 1, "{reply}");
    for figure in figures {
        assert!(
            errors[0].contains(figure),
            "{figure:?} is not in {errors:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_ignored_users_as_the_threshold_pass_and_one_more_does_not() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    for (threshold, passes, trips, limit) in [
        (json!({"records": 2}), (1, 2), (1, 3), "allows 2"),
        (json!({"records": 0}), (2, 0), (9, 1), "allows 0"),
        (json!({"percent": 25}), (3, 1), (2, 1), "25 %"),
        (json!({"percent": 0}), (1, 0), (99, 1), "0 %"),
    ] {
        let task = task(&w, store, threshold.clone()).await;
        let reply = send(&w, task, "", &records(&w, passes.0, passes.1)).await;
        let total = (passes.0 + passes.1) as u64;
        assert_eq!(
            reply.counts(),
            [total, 0, passes.1 as u64, 0],
            "{threshold}"
        );
        let reply = send(&w, task, "", &records(&w, trips.0, trips.1)).await;
        reply.assert_failure(400);
        let figures = format!("{} of {}", trips.1, trips.0 + trips.1);
        assert_tripped(&reply, [&figures, limit, "nothing was imported"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tripped_threshold_writes_nothing_and_the_log_has_the_figures() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = task(&w, store, json!({"records": 1})).await;
    let before = store.directory().await;
    let mut file = records(&w, 2, 2);
    let list = file.as_array_mut().expect("a list");
    list[0]["External ID"] = json!(w.login("id"));
    list.extend([json!({}), w.record("good1")]);
    let reply = send(&w, task, "", &file).await;
    reply.assert_failure(400);
    assert_tripped(&reply, ["2 of 6", "allows 1", "nothing was imported"]);
    assert_eq!(store.directory().await, before);
    assert_eq!(store.directory_writes(), 0, "no claim, no user");

    let run = store.run(reply.header("import-id").expect("a run")).await;
    assert_eq!(run.status.as_deref(), Some("FAILURE"));
    assert_eq!(run.errors, reply.errors());
    let counts = run.counts.expect("counts");
    assert_eq!(
        [
            counts.total,
            counts.empty,
            counts.ignored,
            counts.duplicated
        ],
        [6, 1, 2, 1]
    );
    assert_eq!(
        [counts.created, counts.updated, counts.unchanged],
        [0, 0, 0]
    );
    assert_eq!(run.items.len(), 4, "{:?}", run.items);
    assert_eq!(store.hold_rows(task).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_warnings_come_with_debug_and_only_then() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = task(&w, store, json!({"percent": 10})).await;
    let file = records(&w, 1, 2);
    send(&w, task, "", &file).await.assert_failure(400);
    let reply = send(&w, task, "debug", &file).await;
    assert_eq!(reply.keys(), ["Status", "Warnings", "Errors"], "{reply}");
    assert_tripped(&reply, ["2 of 3", "10 %", "nothing was imported"]);
    assert_eq!(reply.warnings().len(), 2, "{reply}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_ignored_users_count_and_those_the_directory_refuses_do_too() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let theirs = json!([w.record("theirs1"), w.record("theirs2")]);
    w.import(1)
        .await
        .records(&theirs)
        .send()
        .await
        .assert_success(2);
    let task = task(&w, store, json!({"records": 1})).await;
    // Empty and duplicated ones are none.
    let file = json!([
        {},
        {},
        {},
        w.record("ann"),
        w.record("ann"),
        w.record("theirs1")
    ]);
    assert_eq!(send(&w, task, "", &file).await.counts(), [6, 3, 1, 1]);
    let before = store.directory().await;
    let file = json!([w.record("bob"), w.record("theirs1"), w.record("theirs2")]);
    let reply = send(&w, task, "", &file).await;
    assert_tripped(&reply, ["2 of 3", "allows 1", "nothing was imported"]);
    assert_eq!(store.directory().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_is_refused_where_the_import_would_be() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = task(&w, store, json!({"records": 1})).await;
    let file = records(&w, 3, 2);
    let planned = send(&w, task, "dryRun&debug", &file).await;
    let real = send(&w, task, "debug", &file).await;
    assert_tripped(&planned, ["2 of 5", "allows 1", "nothing was imported"]);
    assert_eq!(planned.text(), real.text());
}

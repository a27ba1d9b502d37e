//! The safety threshold of a task (contract.md#safety-threshold): an import that would ignore too
//! many users is refused as a whole, before anything is written.

use muster_tests::{Access, Reply, World};
use serde_json::{Value, json};

use crate::support::{import_id, put_as};

/// Returns `good` complete records, then `bad` ones that are ignored for their role.
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

/// Asserts a refusal by the threshold whose only error contains these texts.
#[track_caller]
fn assert_exceeded(reply: &Reply, texts: [&str; 3]) {
    assert_eq!(reply.status, 400, "{reply}");
    assert_eq!(reply.json()["Status"], "FAILURE", "{reply}");
    let errors = reply.errors();
    assert_eq!(errors.len(), 1, "{reply}");
    for text in texts {
        assert!(
            errors[0].contains(text),
            "expected {text:?}, found {errors:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_passes_at_the_threshold_and_is_refused_above_it() {
    let w = World::start().await;
    let store = &w.store;
    for (threshold, passes, exceeds, limit) in [
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
        let reply = send(&w, task, "", &records(&w, exceeds.0, exceeds.1)).await;
        reply.assert_failure(400);
        let ratio = format!("{} of {}", exceeds.1, exceeds.0 + exceeds.1);
        assert_exceeded(&reply, [&ratio, limit, "nothing was imported"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exceeded_threshold_writes_nothing_and_the_log_has_the_figures() {
    let w = World::start().await;
    let store = &w.store;
    let task = task(&w, store, json!({"records": 1})).await;
    let before = store.directory().await;
    let mut file = records(&w, 2, 2);
    let list = file.as_array_mut().expect("a list");
    list[0]["External ID"] = json!(w.login("id"));
    list.extend([json!({}), w.record("good1")]);
    let reply = send(&w, task, "", &file).await;
    reply.assert_failure(400);
    assert_exceeded(&reply, ["2 of 6", "allows 1", "nothing was imported"]);
    assert_eq!(store.directory().await, before);
    assert_eq!(store.directory_writes(), 0, "a claim or a user was written");

    let run = store.run(import_id(&reply)).await;
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
    assert_eq!(store.lock_rows(task).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_refusal_has_warnings_only_with_debug() {
    let w = World::start().await;
    let store = &w.store;
    let task = task(&w, store, json!({"percent": 10})).await;
    let file = records(&w, 1, 2);
    send(&w, task, "", &file).await.assert_failure(400);
    let reply = send(&w, task, "debug", &file).await;
    assert_eq!(reply.keys(), ["Status", "Warnings", "Errors"], "{reply}");
    assert_exceeded(&reply, ["2 of 3", "10 %", "nothing was imported"]);
    assert_eq!(reply.warnings().len(), 2, "{reply}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_threshold_counts_users_ignored_for_their_record_or_for_the_directory() {
    let w = World::start().await;
    let store = &w.store;
    let theirs = json!([w.record("theirs1"), w.record("theirs2")]);
    put_as(&w, 1, &theirs).await;
    let task = task(&w, store, json!({"records": 1})).await;
    // Empty and duplicated records do not count.
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
    assert_exceeded(&reply, ["2 of 3", "allows 1", "nothing was imported"]);
    assert_eq!(store.directory().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_is_refused_like_the_import() {
    let w = World::start().await;
    let store = &w.store;
    let task = task(&w, store, json!({"records": 1})).await;
    let file = records(&w, 3, 2);
    let dry = send(&w, task, "dryRun&debug", &file).await;
    let real = send(&w, task, "debug", &file).await;
    assert_exceeded(&dry, ["2 of 5", "allows 1", "nothing was imported"]);
    assert_eq!(dry.text(), real.text());
}

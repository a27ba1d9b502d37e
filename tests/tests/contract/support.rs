//! Steps that many tests share.

use std::fmt::Debug;

use muster_tests::{Reply, World};
use serde_json::{Value, json};

/// Returns the id of the run that produced a reply.
#[track_caller]
pub fn import_id(reply: &Reply) -> &str {
    reply.header("import-id").expect("Import-Id")
}

/// Returns a complete record with an external id of this test.
pub fn with_external_id(w: &World, name: &str, external_id: &str) -> Value {
    let mut record = w.record(name);
    record["External ID"] = json!(w.login(external_id));
    record
}

/// Creates a task of the first tenant that applies records whose external id is taken.
pub async fn applying_task(w: &World) -> u64 {
    let apply = |task: &mut Value| task["external_id_conflicts"] = json!("apply");
    w.store.task(w, 0, apply).await
}

/// Imports records into a task of the first tenant, with warnings shown.
pub async fn send_to(w: &World, task: u64, records: &Value) -> Reply {
    let call = w.import(0).await.task(task).debug();
    call.records(records).send().await
}

/// Imports records into a task of the first tenant and asserts that all of them were accepted.
pub async fn put_into(w: &World, task: u64, records: &Value) {
    let reply = send_to(w, task, records).await;
    reply.assert_success(records.as_array().expect("a list").len() as u64);
}

/// Imports records into a tenant's own task and asserts that all of them were accepted.
pub async fn put_as(w: &World, tenant: usize, records: &Value) {
    let reply = w.import(tenant).await.records(records).send().await;
    reply.assert_success(records.as_array().expect("a list").len() as u64);
}

/// Imports users into the second tenant; returns their logins.
pub async fn import_foreign_users(w: &World, count: usize) -> Vec<String> {
    let names = || (0..count).map(|n| format!("theirs{n}"));
    let records: Value = names().map(|name| w.record(&name)).collect();
    put_as(w, 1, &records).await;
    names().map(|name| w.login(&name)).collect()
}

/// Returns `Retry-After` in seconds.
#[track_caller]
pub fn retry_after(reply: &Reply) -> u64 {
    let seconds = reply.header("retry-after").expect("Retry-After");
    seconds.parse().expect("seconds")
}

/// Asserts that an import was applied with warnings, and its counters.
#[track_caller]
pub fn assert_partial_success(reply: &Reply, counts: [u64; 4]) {
    let expected = (200, "PARTIAL_SUCCESS".to_owned(), counts);
    assert_eq!(reply.outcome(), expected, "{reply}");
}

/// Asserts that all of these, usually response bodies, are the same.
#[track_caller]
pub fn assert_all_equal<T: PartialEq + Debug>(all: &[T]) {
    for pair in all.windows(2) {
        assert_eq!(pair[0], pair[1], "the responses differ");
    }
}

//! Results of uploaded files: dry runs, the safety threshold, references to the directory, and
//! other tenants.

use muster_tests::World;
use serde_json::{Value, json};

use super::{TWO_CHUNKS_RECORDS, assert_failed, counters, get, item_count, new_records, rejected};
use crate::single_users::rows::dangling;
use crate::support::put_as;
use crate::values::full_mapping_task;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_of_a_file_predicts_the_import() {
    let w = World::start().await;
    let task = w.tenants[0].task_id;
    let mut records = new_records(&w, 0, TWO_CHUNKS_RECORDS);
    put_as(&w, 0, &json!(records[..40])).await;
    for record in &mut records[..10] {
        record["Name"] = json!("Another");
    }
    records.push(json!({"Username": w.login("new")}));
    let file = json!(records).to_string().into_bytes();
    let total = TWO_CHUNKS_RECORDS as u64 + 1;
    let expected = [total, 0, 1, 0, total - 41, 10, 30];

    let before = w.directory().await;
    let run = w.upload(0, task, "dryRun", json!({}), &file).await;
    let status = w.wait_until_ended(0, &run).await;
    assert_eq!(
        (&status["Dry Run"], &status["Status"]),
        (&json!(true), &json!("PARTIAL_SUCCESS")),
        "{status}"
    );
    assert_eq!(counters(&status), expected);
    assert!(w.directory().await == before, "a dry run wrote something");
    let predicted = (item_count(&w, &run).await, rejected(&w, &run).await);

    let run = w.upload(0, task, "", json!({}), &file).await;
    let status = w.wait_until_ended(0, &run).await;
    assert_eq!(status.get("Dry Run"), None, "{status}");
    assert_eq!(counters(&status), expected);
    assert!(predicted == (item_count(&w, &run).await, rejected(&w, &run).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_threshold_is_checked_for_the_whole_file_before_anything_is_written() {
    let w = World::start().await;
    let store = &w.store;
    let task = store
        .task(&w, 0, |task| {
            task["safety_threshold"] = json!({"records": 2})
        })
        .await;
    // In both chunks.
    let mut records = new_records(&w, 0, TWO_CHUNKS_RECORDS);
    for index in [0, 1, TWO_CHUNKS_RECORDS - 1] {
        records[index]["Role"] = json!("king");
    }
    let total = TWO_CHUNKS_RECORDS as u64;
    let before = w.directory().await;
    let file = json!(records).to_string().into_bytes();
    let run = w.upload(0, task, "", json!({}), &file).await;
    let status = w.wait_until_ended(0, &run).await;
    let error = format!("3 of {total} users would be ignored, the task allows 2");
    assert_failed(&status, &[&error]);
    assert_eq!(counters(&status), [total, 0, 3, 0, 0, 0, 0]);
    assert!(w.directory().await == before, "something was written");

    records[1] = w.record("u1");
    let file = json!(records).to_string().into_bytes();
    let run = w.upload(0, task, "", json!({}), &file).await;
    let status = w.wait_until_ended(0, &run).await;
    assert_eq!(counters(&status), [total, 0, 2, 0, total - 2, 0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn external_ids_and_managers_of_a_file_are_resolved_in_the_directory() {
    let w = World::start().await;
    let store = &w.store;
    let task = full_mapping_task(&w, store).await;
    let import = async |records: Value| {
        let file = records.to_string().into_bytes();
        let run = w.upload(0, task, "", json!({}), &file).await;
        w.wait_until_ended(0, &run).await
    };
    let with = |name: &str, key: &str, value: Value| {
        let mut record = w.record(name);
        record[key] = value;
        record
    };
    let (one, two) = (w.login("one"), w.login("two"));
    let status = import(json!([
        with("boss", "External ID", json!(one)),
        with("anna", "External ID", json!(two)),
    ]))
    .await;
    assert_eq!(counters(&status), [2, 0, 0, 0, 2, 0, 0]);
    let users = store.users().await;
    let boss = users[&w.login("boss")]["id"].clone();
    let status = import(json!([
        with("anna", "External ID", json!(one)),
        with("ben", "Manager ID", boss.clone()),
        with("cleo", "Manager ID", json!(999_999_999)),
    ]))
    .await;
    assert_eq!(counters(&status), [3, 0, 1, 0, 2, 0, 0], "{status}");
    assert_eq!(status["Status"], "PARTIAL_SUCCESS", "{status}");
    let users = store.users().await;
    assert_eq!(users[&w.login("anna")]["external_id"], two);
    assert_eq!(users[&w.login("ben")]["manager_id"], boss);
    assert_eq!(users[&w.login("cleo")].get("manager_id"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_tenants_that_upload_the_same_users_at_once_exactly_one_gets_each() {
    const USERS: usize = 600;
    let w = World::start().await;
    let mut records = new_records(&w, 0, USERS);
    for record in &mut records {
        record["External ID"] = record["Username"].clone();
    }
    let file = json!(records).to_string().into_bytes();
    let import = async |tenant: usize| {
        let task = w.tenants[tenant].task_id;
        let run = w.upload(tenant, task, "", json!({}), &file).await;
        counters(&w.wait_until_ended(tenant, &run).await)
    };
    let (one, two) = tokio::join!(import(0), import(1));
    let total = USERS as u64;
    for [all, empty, ignored, duplicated, created, updated, unchanged] in [one, two] {
        assert_eq!([all, empty, duplicated], [total, 0, 0]);
        assert_eq!([created + ignored, updated, unchanged], [total, 0, 0]);
    }
    assert_eq!(one[4] + two[4], total, "{one:?} {two:?}");
    {
        let rows = w.directory().await;
        assert!(dangling(&rows).is_empty(), "a claim without a user");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_login_is_reported_without_its_owner() {
    let w = World::start().await;
    put_as(&w, 1, &json!(new_records(&w, 0, 3))).await;
    let file = json!(new_records(&w, 1, 5)).to_string().into_bytes();
    let run = w
        .upload(0, w.tenants[0].task_id, "", json!({}), &file)
        .await;
    let status = w.wait_until_ended(0, &run).await;
    assert_eq!(counters(&status), [4, 0, 2, 0, 2, 0, 0], "{status}");
    let taken = get(&w, &run, "/items?code=username.taken").await;
    let records = taken.json();
    let records = records["items"].as_array().expect("items").iter();
    let records: Vec<_> = records.map(|item| item["record"].clone()).collect();
    assert_eq!(records, [1, 2], "{taken}");
    let rejected = json!(rejected(&w, &run).await);
    let other = &w.tenants[1];
    for text in [taken.text(), &rejected.to_string(), &status.to_string()] {
        assert!(!text.contains(&other.name), "{text}");
        assert!(!text.contains(&other.robot.username), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn elements_that_are_no_objects_keep_their_content_and_count_the_same_when_sent_again() {
    let w = World::start().await;
    let task = w.tenants[0].task_id;
    let elements = [
        json!(7),
        json!(null),
        json!("text"),
        json!([1, {"Username": "x"}]),
    ];
    let mut file = json!(elements);
    file.as_array_mut().expect("a list").push(w.record("ann"));
    let mut returned: Vec<Value> = Vec::new();
    for _ in 0..2 {
        let bytes = file.to_string().into_bytes();
        let run = w.upload(0, task, "dryRun", json!({}), &bytes).await;
        let status = w.wait_until_ended(0, &run).await;
        assert_eq!(counters(&status), [5, 0, 4, 0, 1, 0, 0], "{status}");
        let records = rejected(&w, &run).await;
        for (element, record) in elements.iter().zip(&records) {
            let keys: Vec<_> = record.as_object().expect("an object").keys().collect();
            assert_eq!(keys, ["_element", "_errors"]);
            assert_eq!(&record["_element"], element);
            let error = record["_errors"][0].as_str().expect("an error");
            assert!(error.ends_with("[record.not_object]"), "{error}");
        }
        assert!(returned.is_empty() || returned == records);
        returned = records;
        let again = returned.iter().cloned().chain([w.record("ann")]);
        let again: Value = again.collect();
        // A request counts them the same.
        let query = w.import(0).await.query("dryRun").records(&again);
        assert_eq!(query.send().await.counts(), [5, 0, 4, 0]);
        file = again;
    }
}

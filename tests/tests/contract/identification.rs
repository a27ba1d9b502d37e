//! Tasks that identify people by external id (contract.md#identification).

use muster_tests::{Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

use crate::external_ids::with_code;
use crate::support::{assert_partial_success, import_id, put_into, send_to, with_external_id};

/// Creates a task of the first tenant that identifies people by external id.
async fn task_by_external_id(w: &World) -> u64 {
    task_with(w, json!({})).await
}

async fn task_with(w: &World, threshold: Value) -> u64 {
    let change = |task: &mut Value| {
        task["identify_by"] = json!("external_id");
        task["attribute_mapping"]["active"] = json!("Active");
        task["attribute_mapping"]["city"] = json!("City");
        task["safety_threshold"] = threshold;
    };
    w.store.task(w, 0, change).await
}

/// Returns a run of the execution log.
async fn logged_counts(w: &World, reply: &Reply) -> Value {
    let run = w.get(&format!("/runs/{}", import_id(reply))).await.json();
    run["counts"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_renames_whoever_has_its_external_id() {
    let w = World::start().await;
    let task = task_by_external_id(&w).await;
    let mut ann = with_external_id(&w, "ann", "e1");
    ann["City"] = json!("Kyiv");
    put_into(&w, task, &json!([ann, with_external_id(&w, "bob", "e2")])).await;
    let before = w.store.user(&w.login("ann")).await.expect("ann");

    let mut married = with_external_id(&w, "Ann-Marie", "e1");
    married["City"] = json!("Lviv");
    let records = json!([married, with_external_id(&w, "bob", "e2")]);
    let reply = send_to(&w, task, &records).await;
    reply.assert_success(2);
    let counts = logged_counts(&w, &reply).await;
    assert_eq!(
        [&counts["updated"], &counts["renamed"], &counts["unchanged"]],
        [&json!(1), &json!(1), &json!(1)],
        "{counts}"
    );
    assert_eq!(w.store.user(&w.login("ann")).await, None);
    let after = w.store.user(&w.login("Ann-Marie")).await.expect("a user");
    assert_eq!(after["id"], before["id"]);
    assert_eq!(after["city"], "Lviv");
    assert_eq!(after["role"], before["role"]);
    // The history tells, and the user is found by id at once.
    let path = format!("/users/{}", before["id"]);
    let shown = w.get(&path).await.json();
    assert_eq!(shown["login"], w.login("Ann-Marie"), "{shown}");
    let changed = shown["changes"][0].to_string();
    for attribute in ["username", "city"] {
        assert!(changed.contains(attribute), "{shown}");
    }

    // Again: nothing is written.
    let writes = w.store.directory_writes();
    let again = send_to(&w, task, &records).await;
    again.assert_success(2);
    assert_eq!(w.store.directory_writes(), writes);
    assert_eq!(logged_counts(&w, &again).await["unchanged"], 2);
    // The old user name is free, and the person may come back to it.
    put_into(&w, task, &json!([with_external_id(&w, "ann", "e3")])).await;
    put_into(&w, task, &json!([with_external_id(&w, "ann2", "e3")])).await;
    put_into(&w, task, &json!([with_external_id(&w, "ann", "e1")])).await;
    let back = w.store.user(&w.login("ann")).await.expect("ann");
    assert_eq!(back["id"], before["id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_spelling_of_the_user_name_renames_nobody() {
    let w = World::start().await;
    let task = task_by_external_id(&w).await;
    put_into(&w, task, &json!([with_external_id(&w, "ann", "e1")])).await;
    let writes = w.store.directory_writes();
    let mut other = with_external_id(&w, "ann", "e1");
    other["Username"] = json!(w.login("ANN"));
    let reply = send_to(&w, task, &json!([other])).await;
    reply.assert_success(1);
    assert_eq!(w.store.directory_writes(), writes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_without_an_external_id_are_adopted_by_user_name() {
    let w = World::start().await;
    let task = task_by_external_id(&w).await;
    w.put(&json!([w.record("ann"), w.record("left")])).await;
    let before = w.store.user(&w.login("ann")).await.expect("ann");
    let block =
        json!([{"Username": w.login("left"), "External ID": w.login("x"), "Active": false}]);
    put_into(&w, task, &block).await;
    let clear = json!([{"Username": w.login("left"), "External ID": null}]);
    w.put(&clear).await;

    let mut left = with_external_id(&w, "left", "e2");
    left["Active"] = json!(true);
    let records = json!([with_external_id(&w, "ann", "e1"), left]);
    let reply = send_to(&w, task, &records).await;
    assert_partial_success(&reply, [2, 0, 1, 0]);
    let blocked = with_code(&reply, "username.blocked_user");
    assert_eq!(blocked.len(), 1, "{reply}");
    let after = w.store.user(&w.login("ann")).await.expect("ann");
    assert_eq!(after["id"], before["id"]);
    assert_eq!(after["external_id"], w.login("e1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_name_of_another_user_is_not_taken() {
    let w = World::start().await;
    let task = task_by_external_id(&w).await;
    let with_id = |name: &str, id: &str| with_external_id(&w, name, id);
    let users = json!([with_id("a", "e1"), with_id("b", "e2"), with_id("c", "e3")]);
    put_into(&w, task, &users).await;
    w.put(&json!([w.record("d")])).await;
    crate::support::put_as(&w, 1, &json!([w.record("theirs")])).await;
    let before = w.directory().await;

    // Two who exchange their user names, one who wants that of a user without an id while having one,
    // one who wants that of somebody of another tenant, and a new one with the name of somebody.
    let records = json!([
        with_id("b", "e1"),
        with_id("a", "e2"),
        with_id("d", "e3"),
        with_id("theirs", "e4"),
        with_id("c", "e5"),
    ]);
    for query in ["debug", "debug&dryRun"] {
        let call = w.import(0).await.task(task).query(query);
        let reply = call.records(&records).send().await;
        assert_partial_success(&reply, [5, 0, 5, 0]);
        assert_eq!(with_code(&reply, "username.other_user").len(), 3, "{reply}");
        let taken = with_code(&reply, "username.taken");
        assert_eq!(taken.len(), 2, "{reply}");
        assert!(taken[0].contains("one person"), "{reply}");
        assert!(!taken[1].contains("id "), "{reply}");
        assert!(w.directory().await == before, "something was written");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_without_or_with_a_repeated_external_id_are_counted() {
    let w = World::start().await;
    let task = task_by_external_id(&w).await;
    let with_id = |name: &str, id: Value| {
        let mut record = w.record(name);
        record["External ID"] = id;
        record
    };
    let id = |name: &str| json!(w.login(name));
    let mut misnamed = w.record("absent");
    misnamed["Username"] = json!("no name!");
    let records = json!([
        w.record("absent"),
        with_id("null", Value::Null),
        with_id("blank", json!("")),
        misnamed,
        // A record without an id is about nobody: this one repeats nothing.
        with_id("absent", id("e1")),
        with_id("unreadable", json!(true)),
        with_id("second", id("e1")),
        // Whatever an earlier record has, it has, even if that is counted as duplicated.
        with_id("Absent", id("e2")),
        with_id("third", id("e2")),
        with_id("Second", id("e3")),
        with_id("last", id("e4")),
    ]);
    let file = records.to_string().into_bytes();
    let run = w.upload(0, task, "?dryRun", json!({}), &file).await;
    let status = w.wait_until_ended(0, &run).await;
    for (key, count) in [
        ("Empty IDs", 4),
        ("Ignored Users", 1),
        ("Duplicated Users", 4),
        ("Created", 2),
    ] {
        assert_eq!(status[key], count, "{key}: {status}");
    }
    let reply = send_to(&w, task, &records).await;
    assert_partial_success(&reply, [11, 4, 1, 4]);
    for (code, count) in [
        ("external_id.missing", 4),
        ("external_id.wrong_type", 1),
        ("external_id.duplicate", 2),
        ("username.duplicate", 2),
    ] {
        assert_eq!(with_code(&reply, code).len(), count, "{code}: {reply}");
    }
    let absent = w.store.user(&w.login("absent")).await.expect("absent");
    assert_eq!(absent["external_id"], id("e1"));
    assert_eq!(w.store.user(&w.login("second")).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renames_are_foretold_and_limited() {
    let w = World::start().await;
    let task = task_with(&w, json!({"renamed": {"records": 1}})).await;
    let with_id = |name: &str, id: &str| with_external_id(&w, name, id);
    put_into(&w, task, &json!([with_id("a", "e1"), with_id("b", "e2")])).await;
    let one = json!([with_id("a2", "e1"), with_id("b", "e2"), with_id("c", "e3")]);
    let two = json!([with_id("a2", "e1"), with_id("b2", "e2")]);
    let before = w.directory().await;
    let call = w.import(0).await.task(task).query("dryRun");
    let planned = call.records(&one).send().await.json();
    assert_eq!(
        ["Created", "Updated", "Renamed", "Unchanged"].map(|key| planned[key].clone()),
        [1, 1, 1, 1].map(|count| json!(count)),
        "{planned}"
    );
    let refused = send_to(&w, task, &two).await;
    assert_eq!(refused.status, 400, "{refused}");
    let error = "2 of 2 users would be renamed, the task allows 1";
    assert!(refused.errors()[0].contains(error), "{refused}");
    let file = two.to_string().into_bytes();
    let run = w.upload(0, task, "", json!({}), &file).await;
    let status = w.wait_until_ended(0, &run).await;
    assert_eq!(status["Status"], "FAILURE", "{status}");
    assert!(w.directory().await == before, "something was written");

    let file = one.to_string().into_bytes();
    let run = w.upload(0, task, "", json!({}), &file).await;
    let status = w.wait_until_ended(0, &run).await;
    assert_eq!(status["Status"], "SUCCESS", "{status}");
    let counts = ["Created", "Updated", "Renamed", "Unchanged"].map(|key| status[key].clone());
    assert_eq!(counts, [1, 1, 1, 1].map(|count| json!(count)), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_setting_needs_the_external_id_and_is_kept_by_clients_that_do_not_know_it() {
    let w = World::start().await;
    let task = task_by_external_id(&w).await;
    let path = format!("/tasks/{task}");
    let stored = w.get(&path).await.json();
    assert_eq!(stored["settings"]["identify_by"], "external_id", "{stored}");
    let put = async |settings: &Value, version: &Value| {
        let body = json!({"version": version, "settings": settings});
        w.send_json(Method::PUT, &path, &body).await
    };
    let mut unmapped = stored["settings"].clone();
    let mapping = unmapped["attribute_mapping"]
        .as_object_mut()
        .expect("a mapping");
    mapping.remove("external_id");
    let refused = put(&unmapped, &stored["version"]).await;
    assert_eq!(refused.status, 422, "{refused}");
    let text = refused.text();
    assert!(text.contains("attribute_mapping.external_id"), "{refused}");

    let mut unknown = stored["settings"].clone();
    unknown["title"] = json!("another title");
    unknown
        .as_object_mut()
        .expect("settings")
        .remove("identify_by");
    let saved = put(&unknown, &stored["version"]).await.json();
    assert_eq!(saved["settings"]["identify_by"], "external_id", "{saved}");
    unknown["identify_by"] = json!("username");
    let saved = put(&unknown, &saved["version"]).await.json();
    assert_eq!(saved["settings"]["identify_by"], "username", "{saved}");
}

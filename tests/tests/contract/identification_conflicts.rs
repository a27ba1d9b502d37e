//! Tasks that identify people by external id: claims and ids that earlier requests have left, and
//! managers (contract.md#identification).

use muster_tests::{Reply, World};
use serde_json::{Value, json};

use crate::external_ids::with_code;
use crate::support::{assert_partial_success, put_into, send_to, with_external_id};

async fn task_by_external_id(w: &World) -> u64 {
    let change = |task: &mut Value| {
        task["identify_by"] = json!("external_id");
        task["attribute_mapping"]["active"] = json!("Active");
        task["attribute_mapping"]["manager_uid"] = json!("Manager UID");
        task["safety_threshold"] = json!({});
    };
    w.store.task(w, 0, change).await
}

async fn dry_run(w: &World, task: u64, records: &Value) -> Value {
    let call = w.import(0).await.task(task).query("dryRun");
    let reply: Reply = call.records(records).send().await;
    reply.json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_somebody_had_before_hides_nobody() {
    let w = World::start().await;
    let task = task_by_external_id(&w).await;
    let with_id = |name: &str, id: &str| with_external_id(&w, name, id);
    for (name, left, id) in [("a", "a1", "a2"), ("b", "b1", "b2")] {
        // The claim on the id that is replaced still names the user.
        w.put(&json!([with_id(name, left)])).await;
        let clear = json!([{"Username": w.login(name), "External ID": null}]);
        w.put(&clear).await;
        w.put(&json!([with_id(name, id)])).await;
    }
    let records = json!([
        with_id("new1", "a1"),
        with_id("a3", "a2"),
        with_id("b3", "b2"),
        with_id("new2", "b1"),
    ]);
    let planned = dry_run(&w, task, &records).await;
    let counts = ["Created", "Renamed", "Ignored Users"].map(|key| planned[key].clone());
    assert_eq!(counts, [2, 2, 0].map(|count| json!(count)), "{planned}");
    put_into(&w, task, &records).await;
    for (left, new) in [("a", "a3"), ("b", "b3")] {
        assert_eq!(w.store.user(&w.login(left)).await, None);
        assert!(w.store.user(&w.login(new)).await.is_some());
    }
}

/// Stores a user's external id with its accents apart, as an earlier version did, under its claim.
async fn set_apart(w: &World, name: &str, composed: &str, apart: &str) {
    let login = w.login(name);
    w.store.set_external_id(&login, composed, apart).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_with_its_accents_apart_is_found() {
    let w = World::start().await;
    let task = task_by_external_id(&w).await;
    let with_id = |name: &str, id: &str| with_external_id(&w, name, id);
    let records = json!([with_id("ann", "\u{e9}1"), with_id("bob", "\u{e9}2")]);
    put_into(&w, task, &records).await;
    for (name, n) in [("ann", 1), ("bob", 2)] {
        let (composed, apart) = (format!("\u{e9}{n}"), format!("e\u{301}{n}"));
        set_apart(&w, name, &w.login(&composed), &w.login(&apart)).await;
    }
    let before = w.store.user(&w.login("ann")).await.expect("ann");
    // One is renamed, and one with the same user name gets the id as it is sent.
    let records = json!([with_id("ann2", "e\u{301}1"), with_id("bob", "\u{e9}2")]);
    let planned = dry_run(&w, task, &records).await;
    let counts = ["Created", "Updated", "Renamed"].map(|key| planned[key].clone());
    assert_eq!(counts, [0, 2, 1].map(|count| json!(count)), "{planned}");
    put_into(&w, task, &records).await;
    let after = w.store.user(&w.login("ann2")).await.expect("ann2");
    assert_eq!(after["id"], before["id"]);
    for (name, id) in [("ann2", "\u{e9}1"), ("bob", "\u{e9}2")] {
        let user = w.store.user(&w.login(name)).await.expect("a user");
        assert_eq!(user["external_id"], w.login(id));
    }
    // The claims name them: nobody else gets the ids.
    let other = json!([with_id("ann3", "\u{e9}1")]);
    put_into(&w, task, &other).await;
    let moved = w.store.user(&w.login("ann3")).await.expect("ann3");
    assert_eq!(moved["id"], before["id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_two_users_have_in_two_forms_is_taken() {
    let w = World::start().await;
    let task = task_by_external_id(&w).await;
    let (composed, apart) = (w.login("\u{e9}"), w.login("e\u{301}"));
    put_into(&w, task, &json!([with_external_id(&w, "ann", "\u{e9}")])).await;
    set_apart(&w, "ann", &composed, &apart).await;
    w.put(&json!([with_external_id(&w, "bob", "x")])).await;
    w.store
        .set_external_id(&w.login("bob"), &w.login("x"), &composed)
        .await;
    let reply = send_to(&w, task, &json!([with_external_id(&w, "ann", "\u{e9}")])).await;
    assert_partial_success(&reply, [1, 0, 1, 0]);
    assert_eq!(with_code(&reply, "external_id.taken").len(), 1, "{reply}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_somebody_has_with_its_accents_apart_is_taken_by_user_name_too() {
    let w = World::start().await;
    w.put(&json!([with_external_id(&w, "ann", "\u{e9}")])).await;
    let (composed, apart) = (w.login("\u{e9}"), w.login("e\u{301}"));
    set_apart(&w, "ann", &composed, &apart).await;
    for query in ["debug", "debug&dryRun"] {
        let other = json!([with_external_id(&w, "bob", "\u{e9}")]);
        let call = w.import(0).await.query(query);
        let reply = call.records(&other).send().await;
        assert_partial_success(&reply, [1, 0, 1, 0]);
        assert_eq!(with_code(&reply, "external_id.taken").len(), 1, "{reply}");
    }
    // Ann herself gets it as it is sent.
    w.put(&json!([with_external_id(&w, "ann", "\u{e9}")])).await;
    let ann = w.store.user(&w.login("ann")).await.expect("ann");
    assert_eq!(ann["external_id"], composed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_would_make_somebody_their_own_manager_ignores_the_record() {
    let w = World::start().await;
    let by_id = task_by_external_id(&w).await;
    let by_name = |task: &mut Value| {
        task["attribute_mapping"]["active"] = json!("Active");
        task["attribute_mapping"]["manager_uid"] = json!("Manager UID");
        task["safety_threshold"] = json!({});
    };
    let by_name = w.store.task(&w, 0, by_name).await;
    let mut left = w.record("left");
    left["Active"] = json!(false);
    left["Manager UID"] = json!(w.login("e1"));
    put_into(&w, by_name, &json!([left])).await;
    // By user name alone this would let in somebody who left.
    let mut back = with_external_id(&w, "left", "e1");
    back["Active"] = json!(true);
    let before = w.directory().await;
    for task in [by_id, by_name] {
        let reply = send_to(&w, task, &json!([back])).await;
        assert_partial_success(&reply, [1, 0, 1, 0]);
        let own = with_code(&reply, "external_id.own_manager");
        assert_eq!(own.len(), 1, "{reply}");
        assert!(w.directory().await == before, "something was written");
    }
    // Who has the id already is found by it, and renamed.
    let mut own = with_external_id(&w, "boss", "e2");
    put_into(&w, by_id, &json!([own])).await;
    w.store
        .set_text(&w.login("boss"), "manager_uid", &w.login("e2"))
        .await;
    own["Username"] = json!(w.login("boss2"));
    put_into(&w, by_id, &json!([own])).await;
    assert_eq!(w.store.user(&w.login("boss")).await, None);
}

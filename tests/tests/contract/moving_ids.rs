//! External ids that move between the users of one request (contract.md#ids-that-move).

use muster_tests::{Reply, World};
use serde_json::{Value, json};

use crate::external_ids::with_code;
use crate::support::{
    applying_task, assert_partial_success, import_id, put_into, send_to, with_external_id,
};

fn records(w: &World, users: &[(&str, &str)]) -> Value {
    let record = |(name, id): &(&str, &str)| with_external_id(w, name, id);
    users.iter().map(record).collect()
}

async fn logged_counts(w: &World, reply: &Reply) -> Value {
    let run = w.get(&format!("/runs/{}", import_id(reply))).await.json();
    run["counts"].clone()
}

/// Asserts which external ids users have, and that nobody else can get them.
async fn assert_ids(w: &World, users: &[(&str, &str)]) {
    for (name, id) in users {
        let user = w.store.user(&w.login(name)).await.expect("a user");
        assert_eq!(user["external_id"], w.login(id), "{name}");
        let found = w.get(&format!("/users?external_id={}", w.login(id))).await;
        let found = found.json();
        assert_eq!(found["items"][0]["login"], w.login(name), "{found}");
    }
}

/// Imports records, after a dry run, into a task that applies them. All are applied, and this many ids
/// move. Again, nothing is written.
async fn move_ids(w: &World, task: u64, users: &[(&str, &str)], created: u64, moved: u64) {
    let body = records(w, users);
    let before = w.directory().await;
    let call = w.import(0).await.task(task).query("dryRun&debug");
    let planned = call.records(&body).send().await;
    assert!(w.directory().await == before, "a dry run has written");
    let planned = planned.json();
    let counts = ["Created", "Moved", "Ignored Users"].map(|key| planned[key].clone());
    let expected = [created, moved, 0].map(|count| json!(count));
    assert_eq!(counts, expected, "{planned}");
    let reply = send_to(w, task, &body).await;
    reply.assert_success(users.len() as u64);
    let counts = logged_counts(w, &reply).await;
    let counts = [&counts["created"], &counts["moved"]];
    assert_eq!(counts, [&json!(created), &json!(moved)], "{reply}");
    assert_ids(w, users).await;
    let writes = w.store.directory_writes();
    put_into(w, task, &body).await;
    assert_eq!(w.store.directory_writes(), writes, "written again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_are_exchanged_and_go_round_in_circles() {
    let w = World::start().await;
    let task = applying_task(&w).await;
    let before = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e", "5")];
    put_into(&w, task, &records(&w, &before)).await;
    let ids = |name: &str| {
        let login = w.login(name);
        let store = w.store.clone();
        async move { store.user(&login).await.expect("a user")["id"].clone() }
    };
    let (a, b) = (ids("a").await, ids("b").await);
    let after = [("a", "2"), ("b", "1"), ("c", "4"), ("d", "5"), ("e", "3")];
    move_ids(&w, task, &after, 0, 5).await;
    assert_eq!((ids("a").await, ids("b").await), (a, b));
    // In another order.
    let back = [("e", "5"), ("c", "3"), ("d", "4"), ("b", "2"), ("a", "1")];
    move_ids(&w, task, &back, 0, 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_may_be_shifted_by_one_row() {
    let w = World::start().await;
    let task = applying_task(&w).await;
    let names: Vec<String> = (0..40).map(|n| format!("u{n}")).collect();
    let ids: Vec<String> = (0..41).map(|n| format!("i{n}")).collect();
    let shifted = |by: usize| -> Vec<(&str, &str)> {
        let ids = ids.iter().skip(by).map(String::as_str);
        names.iter().map(String::as_str).zip(ids).collect()
    };
    put_into(&w, task, &records(&w, &shifted(0))).await;
    move_ids(&w, task, &shifted(1), 0, 39).await;
    move_ids(&w, task, &shifted(0), 0, 39).await;
    // The last id goes to a new user, who comes first.
    let mut with_new = vec![("new", "i39")];
    with_new.extend(shifted(1).into_iter().take(39));
    with_new[39].1 = "i41";
    with_new.push(("u39", "i40"));
    move_ids(&w, task, &with_new, 1, 39).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_is_cleared_goes_to_another_user() {
    let w = World::start().await;
    let before = records(&w, &[("a", "1"), ("b", "2")]);
    w.put(&before).await;
    w.put(&json!([w.record("c")])).await;
    let clear = json!([
        with_external_id(&w, "c", "1"),
        {"Username": w.login("a"), "External ID": null},
    ]);
    let reply = w.import(0).await.records(&clear).send().await;
    reply.assert_success(2);
    assert_eq!(logged_counts(&w, &reply).await["moved"], 1);
    assert_ids(&w, &[("c", "1"), ("b", "2")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_moves_on_a_path_whose_last_id_is_kept() {
    let w = World::start().await;
    let task = applying_task(&w).await;
    let before = [("a", "1"), ("b", "2"), ("c", "3"), ("x", "4"), ("y", "5")];
    put_into(&w, task, &records(&w, &before)).await;
    // c cannot get the id of x, who is not in the file.
    let path = records(&w, &[("a", "2"), ("b", "3"), ("c", "4"), ("y", "6")]);
    let before_rows = w.store.users().await;
    let call = w.import(0).await.task(task).query("dryRun&debug");
    let planned = call.records(&path).send().await;
    let reply = send_to(&w, task, &path).await;
    for reply in [&planned, &reply] {
        assert_partial_success(reply, [4, 0, 0, 0]);
        assert_eq!(with_code(reply, "external_id.taken").len(), 3, "{reply}");
    }
    assert_eq!(planned.json()["Moved"], 0);
    assert_eq!(planned.warnings(), reply.warnings());
    assert_ids(&w, &[("a", "1"), ("b", "2"), ("c", "3"), ("x", "4")]).await;
    let rows = w.store.users().await;
    assert_eq!(rows[&w.login("a")], before_rows[&w.login("a")]);
    // A repeated id gives nothing up: the first record has it.
    let repeated = records(&w, &[("a", "2"), ("b", "2")]);
    let reply = send_to(&w, task, &repeated).await;
    assert_partial_success(&reply, [2, 0, 0, 0]);
    assert_ids(&w, &[("a", "1"), ("b", "2")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_ignores_records_about_other_people_moves_no_id() {
    let w = World::start().await;
    let before = [("a", "1"), ("b", "2")];
    w.put(&records(&w, &before)).await;
    let swap = records(&w, &[("a", "2"), ("b", "1")]);
    let call = w.import(0).await.query("debug");
    let reply = call.records(&swap).send().await;
    assert_partial_success(&reply, [2, 0, 2, 0]);
    assert_eq!(with_code(&reply, "external_id.other_user").len(), 2);
    assert_ids(&w, &before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moved_ids_are_limited() {
    let w = World::start().await;
    let settings = |task: &mut Value| {
        task["external_id_conflicts"] = json!("apply");
        task["safety_threshold"] = json!({"moved": {"records": 2}});
    };
    let task = w.store.task(&w, 0, settings).await;
    let before = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")];
    put_into(&w, task, &records(&w, &before)).await;
    let circle = records(&w, &[("a", "2"), ("b", "3"), ("c", "1")]);
    let refused = send_to(&w, task, &circle).await;
    assert_eq!(refused.status, 400, "{refused}");
    let error = "3 of 3 external ids would move to other users, the task allows 2";
    assert!(refused.errors()[0].contains(error), "{refused}");
    assert_ids(&w, &before).await;
    // Judged on the plan, and applied.
    move_ids(
        &w,
        task,
        &[("a", "2"), ("b", "1"), ("d", "4"), ("e", "5")],
        1,
        2,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_may_be_whoever_gets_the_id_in_the_same_request() {
    let w = World::start().await;
    let settings = |task: &mut Value| {
        task["external_id_conflicts"] = json!("apply");
        task["attribute_mapping"]["manager_id"] = json!("Manager ID");
        task["attribute_mapping"]["manager_uid"] = json!("Manager UID");
    };
    let task = w.store.task(&w, 0, settings).await;
    let before = [("old", "1"), ("new", "2"), ("other", "3")];
    put_into(&w, task, &records(&w, &before)).await;
    let boss = w.store.user(&w.login("new")).await.expect("a user")["id"].clone();
    let mut file = records(&w, &[("new", "1"), ("old", "2"), ("member", "4")]);
    file[2]["Manager ID"] = boss.clone();
    file[2]["Manager UID"] = json!(w.login("1"));
    put_into(&w, task, &file).await;
    let member = w.store.user(&w.login("member")).await.expect("a user");
    assert_eq!(member["manager_id"], boss);
    assert_eq!(member["manager_uid"], w.login("1"));
    // An id that stays with somebody else does not make the user of a record a manager.
    let mut kept = records(&w, &[("old", "3"), ("member", "4")]);
    let old = w.store.user(&w.login("old")).await.expect("a user")["id"].clone();
    kept[1]["Manager ID"] = old;
    kept[1]["Manager UID"] = json!(w.login("3"));
    let reply = send_to(&w, task, &kept).await;
    assert_partial_success(&reply, [2, 0, 0, 0]);
    assert_eq!(
        with_code(&reply, "manager_id.disagrees").len(),
        1,
        "{reply}"
    );
    // Whom the request does not give the id to is another manager.
    let other = w.store.user(&w.login("other")).await.expect("a user")["id"].clone();
    file[2]["Manager ID"] = other;
    let reply = send_to(&w, task, &file).await;
    assert_partial_success(&reply, [3, 0, 0, 0]);
    assert_eq!(
        with_code(&reply, "manager_id.disagrees").len(),
        1,
        "{reply}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ids_of_all_users_are_kept_for_an_undo() {
    let w = World::start().await;
    let task = applying_task(&w).await;
    let before = [("a", "1"), ("b", "2"), ("c", "3")];
    put_into(&w, task, &records(&w, &before)).await;
    let circle = records(&w, &[("a", "2"), ("b", "3"), ("c", "1")]);
    let reply = send_to(&w, task, &circle).await;
    reply.assert_success(3);
    let mut entries = w.store.kept_entries(import_id(&reply)).await;
    entries.sort_by_key(|entry| entry["seen"].as_u64());
    // The entries of a user follow each other from the version before the run to the present one.
    for (name, id) in before {
        let user = w.store.user(&w.login(name)).await.expect("a user");
        let own = entries.iter().filter(|entry| entry["id"] == user["id"]);
        let (mut version, mut first) = (json!(1), None);
        for entry in own {
            if entry["seen"] == version {
                version = entry["after"].clone();
                first.get_or_insert(&entry["before"]);
            }
        }
        assert_eq!(version, user["version"], "{name}: {entries:?}");
        let expected = json!({"external_id": w.login(id)});
        assert_eq!(first, Some(&expected), "{name}: {entries:?}");
    }
}

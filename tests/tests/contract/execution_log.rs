//! Traces of a run that has ended: its entry in the execution log (contract.md#execution-log), and
//! its stamps on the users it wrote (contract.md#attributes, protocol.md#stamps).

use muster_core::item::Severity;
use muster_tests::{Reply, World};
use serde_json::json;

use crate::support::{assert_partial_success, import_id};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_logged_with_its_robot_counts_and_items() {
    let w = World::start().await;
    let store = &w.store;
    w.put(&json!([w.record("same"), w.record("changed")])).await;
    let mut changed = w.record("changed");
    changed["Name"] = json!("Other");
    let records = json!([
        w.record("same"), changed, w.record("new"), {"Username": ""}, 7, w.record("new"),
        {"Username": "a/b"}, {"Username": w.login("same"), "E-mail": "x"},
        {"Username": w.login("bent"), "Role": "catman", "E-mail": "a@example.com", "All Stores": "perhaps"},
    ]);
    let reply = w.send(&records).await;
    assert_partial_success(&reply, [9, 1, 2, 2]);

    let run = store.run(import_id(&reply)).await;
    let counts = run.counts.expect("a finished run");
    assert_eq!(
        [
            counts.total,
            counts.empty,
            counts.ignored,
            counts.duplicated,
            counts.created,
            counts.updated,
            counts.unchanged
        ],
        [9, 1, 2, 2, 2, 1, 1]
    );
    assert_eq!(
        (run.status.as_deref(), run.task),
        (Some("PARTIAL_SUCCESS"), w.tenants[0].task_id)
    );
    assert_eq!(run.robot, w.tenants[0].robot.username);
    let logged: Vec<Option<u64>> = run.items.iter().map(|item| item.record).collect();
    let numbers: Vec<u64> = logged.into_iter().flatten().collect();
    for number in [4, 5, 6, 7, 8, 9] {
        assert!(
            numbers.contains(&number),
            "no item of record {number}: {:?}",
            run.items
        );
    }
    let warnings = run.items.iter();
    let warnings = warnings.filter(|item| item.severity == Severity::Warning);
    let warnings: Vec<String> = warnings.map(ToString::to_string).collect();
    assert_eq!(warnings, reply.warnings(), "log and reply differ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_body_is_logged_as_a_failed_run_with_its_error() {
    let w = World::start().await;
    let store = &w.store;
    let reply = w.import(0).await.body("[1 2]").send().await;
    reply.assert_failure(400);
    let run = store.run(import_id(&reply)).await;
    assert_eq!(run.status.as_deref(), Some("FAILURE"));
    assert_eq!(run.errors, reply.errors(), "log and reply differ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_request_is_not_logged_as_a_run() {
    let w = World::start().await;
    let store = &w.store;
    w.token(0).await;
    let runs = store.run_count().await;
    for call in [
        w.import(0).await.authorization(None),
        w.import(0).await.task("abc"),
        w.import(0).await.content_type(None),
        w.import(0).await.body(vec![b' '; 4_000_001]),
    ] {
        assert!(matches!(call.send().await.status, 401 | 404 | 413 | 415));
    }
    assert_eq!(store.run_count().await, runs);
    w.import(0).await.body("[]").send().await.assert_success(0);
    assert_eq!(store.run_count().await, runs + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_of_many_items_are_kept() {
    let w = World::start().await;
    let store = &w.store;
    let reply = w
        .import(0)
        .await
        .body(format!("[{}]", vec!["{}"; 12_345].join(",")))
        .send()
        .await;
    let run = store.run(import_id(&reply)).await;
    let numbers: Vec<u64> = run.items.iter().filter_map(|item| item.record).collect();
    assert_eq!(numbers, (1..=12_345).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_records_who_created_and_who_changed_it() {
    let w = World::start().await;
    let store = &w.store;
    let robot = &w.tenants[0].robot.username;
    let mut record = w.record("anna");
    let creation = w.send(&json!([record])).await;
    let first = store.user(&w.login("anna")).await.expect("the user");
    record["Name"] = json!("Other");
    let update = w.send(&json!([record])).await;
    let second = store.user(&w.login("anna")).await.expect("the user");

    let by = |change: &serde_json::Value| {
        let text = change.as_str().expect("a change");
        let [_at, by, run, _attributes, name] =
            <[&str; 5]>::try_from(text.splitn(5, ' ').collect::<Vec<_>>()).expect("its parts");
        [by.to_owned(), run.to_owned(), name.to_owned()]
    };
    let robot_in = |reply: &Reply| {
        [
            "quant".to_owned(),
            import_id(reply).to_owned(),
            robot.clone(),
        ]
    };
    assert_eq!(by(&first["created"]), robot_in(&creation));
    assert_eq!(first.get("changes"), None, "nobody has changed it yet");
    assert_eq!(by(&second["changes"][0]), robot_in(&update));
    assert_eq!(
        (&second["id"], &second["created"]),
        (&first["id"], &first["created"])
    );
    assert!(
        first["id"]
            .as_u64()
            .is_some_and(|id| id > 0 && id < 1 << 53),
        "{first:?}"
    );
    assert!(
        second["version"].as_u64() > first["version"].as_u64(),
        "{second:?}"
    );
    let at = |change: &serde_json::Value| {
        let text = change.as_str().expect("a change");
        text.split(' ').next().map(str::to_owned)
    };
    assert_ne!(at(&second["changes"][0]), at(&second["created"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_has_the_stamp_of_the_last_run_of_each_task() {
    let w = World::start().await;
    let store = &w.store;
    let other = store.task(&w, 0, |_| ()).await;
    let own = w.tenants[0].task_id;
    let mut last = std::collections::BTreeMap::new();
    for (number, task) in [own, own, other, other, own].into_iter().enumerate() {
        let mut record = w.record("anna");
        record["Name"] = json!(format!("Name {number}"));
        let reply = w
            .import(0)
            .await
            .task(task)
            .records(&json!([{}, record]))
            .send()
            .await;
        assert_eq!(reply.counts(), [2, 1, 0, 0], "{reply}");
        last.insert(task, import_id(&reply).to_owned());
        let user = store.user(&w.login("anna")).await.expect("the user");
        let stamps = user["stamps"].as_str().expect("stamps");
        let mut stamps: Vec<String> = stamps
            .lines()
            .map(|stamp| stamp.split(' ').take(3).collect::<Vec<_>>().join(" "))
            .collect();
        stamps.sort();
        // Run, task and record number.
        let mut expected: Vec<String> = last
            .iter()
            .map(|(task, run)| format!("{run} {task} 2"))
            .collect();
        expected.sort();
        assert_eq!(stamps, expected, "after import {number}");
    }
}

//! The safety threshold of a task (contract.md#safety-thresholds): an import that would ignore too
//! many users is refused as a whole, before anything is written.

use muster_core::item::Severity;
use muster_tests::{Access, Reply, World};
use serde_json::{Value, json};

use crate::support::{import_id, put_as, put_into};

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
    let warnings = run.items.iter();
    let warnings = warnings.filter(|item| item.severity == Severity::Warning);
    assert_eq!(warnings.count(), 4, "{:?}", run.items);
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

/// Creates a task that maps all attributes, with this threshold.
async fn full_task(w: &World, threshold: Value) -> u64 {
    let mapping = |task: &mut Value| {
        for (name, key) in [("active", "Active"), ("city", "City"), ("phone", "Phone")] {
            task["attribute_mapping"][name] = json!(key);
        }
        task["safety_threshold"] = threshold;
    };
    w.store.task(w, 0, mapping).await
}

/// Returns records of `count` users with these values.
fn users(w: &World, count: usize, values: &Value) -> Value {
    let user = |number: usize| {
        let mut record = w.record(&format!("user{number}"));
        let values = values.as_object().expect("an object").clone();
        record.as_object_mut().expect("an object").extend(values);
        record
    };
    (0..count).map(user).collect()
}

fn stored_user() -> Value {
    json!({"Active": true, "City": "Kyiv", "Phone": "+380971234567"})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_figure_can_be_limited() {
    let w = World::start().await;
    let free = full_task(&w, json!({})).await;
    put_into(&w, free, &users(&w, 8, &stored_user())).await;
    let blocked = users(&w, 4, &json!({"Active": false}));
    let cleared = users(&w, 2, &json!({"City": null, "Phone": ""}));
    let ignored = json!([{"Username": w.login("nobody")}, w.record("user1")]);
    let duplicated = json!([w.record("user1"), w.record("user1")]);
    let created = json!([w.record("new1"), w.record("user1")]);
    let updated = users(&w, 3, &json!({"City": "Lviv"}));
    let empty = json!([{}, w.record("user1")]);
    let before = w.directory().await;
    for (figure, records, number, total) in [
        ("blocked", &blocked, 4, 4),
        ("cleared", &cleared, 4, 2),
        ("ignored", &ignored, 1, 2),
        ("duplicated", &duplicated, 1, 2),
        ("created", &created, 1, 2),
        ("updated", &updated, 3, 3),
        ("empty", &empty, 1, 2),
    ] {
        let limit = |records: u64| json!({figure: {"records": records}});
        let exceeded = full_task(&w, limit(number - 1)).await;
        for query in ["", "dryRun", "debug&overrideThreshold=false"] {
            let reply = send(&w, exceeded, query, records).await;
            let allows = format!("the task allows {}", number - 1);
            let (number, total) = (number.to_string(), format!("{total} "));
            assert_exceeded(&reply, [&number, &total, &allows]);
            assert!(reply.errors()[0].contains("overrideThreshold"), "{reply}");
        }
        assert!(
            w.directory().await == before,
            "{figure}: something was written"
        );
        let met = full_task(&w, limit(number)).await;
        let reply = send(&w, met, "dryRun", records).await;
        assert_eq!(reply.status, 200, "{figure}: {reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_task_blocks_and_clears_few_users_at_once() {
    let w = World::start().await;
    let new = full_task(&w, Value::Null).await;
    put_into(&w, new, &users(&w, 120, &stored_user())).await;
    // The greater of 5 and 5 %.
    let blocked = |count| users(&w, count, &json!({"Active": false}));
    assert_exceeded(
        &send(&w, new, "", &blocked(120)).await,
        ["120 of 120 users", "blocked", "5 or 5 %"],
    );
    let cleared = |count| users(&w, count, &json!({"City": null}));
    assert_exceeded(
        &send(&w, new, "", &cleared(7)).await,
        ["7 values", "cleared", "5 or 5 %"],
    );
    send(&w, new, "", &cleared(5)).await.assert_success(5);
    send(&w, new, "", &blocked(5)).await.assert_success(5);
    let mut six_percent = users(&w, 120, &json!({}));
    for record in six_percent
        .as_array_mut()
        .expect("a list")
        .iter_mut()
        .skip(5)
        .take(6)
    {
        record["Active"] = json!(false);
    }
    send(&w, new, "", &six_percent).await.assert_success(120);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overridden_threshold_is_logged_with_the_robot() {
    let w = World::start().await;
    let task = full_task(
        &w,
        json!({"blocked": {"records": 0}, "cleared": {"records": 0}}),
    )
    .await;
    send(&w, task, "", &users(&w, 3, &stored_user()))
        .await
        .assert_success(3);
    let records = users(&w, 3, &json!({"Active": false, "City": null}));
    let reply = send(&w, task, "", &records).await;
    assert_eq!((reply.status, reply.errors().len()), (400, 2), "{reply}");
    for unclear in ["overrideThreshold=", "overrideThreshold=null"] {
        let reply = send(&w, task, unclear, &records).await;
        let texts = ["overrideThreshold", "expected `true` or `false`", "nothing"];
        assert_exceeded(&reply, texts);
    }
    let reply = send(&w, task, "overrideThreshold", &records).await;
    reply.assert_success(3);
    let run = w.get(&format!("/runs/{}", import_id(&reply))).await.json();
    assert_eq!(run["threshold_overridden"], true, "{run}");
    assert!(run["robot"].is_string(), "{run}");
    let counts =
        ["updated", "blocked", "unblocked", "cleared"].map(|name| run["counts"][name].clone());
    assert_eq!(counts, [3, 3, 0, 3].map(|number| json!(number)), "{run}");
    let reply = send(&w, task, "", &users(&w, 3, &json!({"Active": true}))).await;
    let run = w.get(&format!("/runs/{}", import_id(&reply))).await.json();
    assert_eq!(run["threshold_overridden"], false, "{run}");
    assert_eq!(run["counts"]["unblocked"], 3, "{run}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_is_judged_and_overridden_like_a_request() {
    let w = World::start().await;
    let task = full_task(
        &w,
        json!({"blocked": {"records": 1}, "cleared": {"records": 1}}),
    )
    .await;
    put_into(&w, task, &users(&w, 3, &stored_user())).await;
    let records = users(&w, 3, &json!({"Active": false, "City": ""}));
    let file = records.to_string().into_bytes();
    let before = w.directory().await;
    for query in ["", "?dryRun"] {
        let run = w.upload(0, task, query, json!({}), &file).await;
        let status = w.wait_until_ended(0, &run).await;
        assert_eq!(status["Status"], "FAILURE", "{status}");
        assert_eq!(
            status["Errors"].as_array().map(Vec::len),
            Some(2),
            "{status}"
        );
        assert!(w.directory().await == before, "something was written");
    }
    let run = w
        .upload(0, task, "?overrideThreshold", json!({}), &file)
        .await;
    let status = w.wait_until_ended(0, &run).await;
    assert_eq!(status["Status"], "SUCCESS", "{status}");
    let counts = ["Updated", "Blocked", "Unblocked", "Cleared"].map(|name| status[name].clone());
    assert_eq!(counts, [3, 3, 0, 3].map(|number| json!(number)), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_in_percent_is_of_all_chunks_of_an_upload() {
    let w = World::start().await;
    let task = full_task(&w, json!({"blocked": {"percent": 5}})).await;
    // Two chunks. All who are blocked are in the first one.
    let number_of_users = 2_100;
    let file = |blocked: usize| {
        let mut records = users(&w, number_of_users, &stored_user());
        let list = records.as_array_mut().expect("a list");
        for record in list.iter_mut().take(blocked) {
            record["Active"] = json!(false);
        }
        records.to_string().into_bytes()
    };
    let upload = async |blocked| {
        let run = w.upload(0, task, "", json!({}), &file(blocked)).await;
        w.wait_until_ended(0, &run).await
    };
    assert_eq!(upload(0).await["Created"], number_of_users);
    let before = w.directory().await;
    let status = upload(106).await;
    assert_eq!(status["Status"], "FAILURE", "{status}");
    let error = status["Errors"][0].as_str().expect("an error");
    for text in ["106 of 2100 users", "blocked", "5 %"] {
        assert!(error.contains(text), "expected {text:?}, found {error:?}");
    }
    assert!(w.directory().await == before, "something was written");
    let status = upload(105).await;
    assert_eq!(status["Status"], "SUCCESS", "{status}");
    assert_eq!(status["Blocked"], 105, "{status}");
}

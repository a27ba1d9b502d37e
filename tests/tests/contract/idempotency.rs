//! `Idempotency-Key` (contract.md#idempotency-keys, protocol.md#idempotency): a repeated request
//! gets the first response again and has no second effect.

use std::time::Duration;

use muster_import::Times;
use muster_tests::{Call, Reply, World};
use serde_json::json;

use crate::concurrency::new_records;
use crate::support::{import_id, retry_after};

/// Asserts that `second` replays `first`.
#[track_caller]
fn assert_replayed(first: &Reply, second: &Reply) {
    assert_eq!(first.header("idempotent-replayed"), None, "{first}");
    assert_eq!(
        second.header("idempotent-replayed"),
        Some("true"),
        "{second}"
    );
    assert_eq!(second.status, first.status);
    assert!(second.body == first.body, "{first}\n{second}");
    for header in ["import-id", "content-type"] {
        assert!(first.header(header).is_some(), "{first}");
        assert_eq!(second.header(header), first.header(header));
    }
}

#[track_caller]
fn assert_fresh(reply: &Reply) {
    assert_eq!(reply.header("idempotent-replayed"), None, "{reply}");
}

/// Asserts a refusal that is not a run, with an error that contains `text`.
#[track_caller]
fn assert_refused(reply: &Reply, status: u16, text: &str) {
    reply.assert_failure(status);
    assert_eq!(reply.header("import-id"), None, "{reply}");
    assert!(reply.errors()[0].contains(text), "{reply}");
}

async fn keyed<'w>(w: &'w World, key: &str) -> Call<'w> {
    w.import(0).await.key(&format!("{key}.{}", w.tag))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_gets_the_same_response_without_another_run() {
    let w = World::start().await;
    let file = json!([w.record("ann"), {"Username": ""}]);
    let first = keyed(&w, "k").await.debug().records(&file).send().await;
    assert_eq!(first.counts(), [2, 1, 0, 0], "{first}");
    let before = w.directory().await;
    let runs = w.store.run_count().await;
    for _ in 0..2 {
        let repeated = keyed(&w, "k").await.debug().records(&file).send().await;
        assert_replayed(&first, &repeated);
    }
    assert!(w.directory().await == before);
    {
        let store = &w.store;
        assert_eq!(store.run_count().await, runs);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_of_megabytes_is_replayed_byte_for_byte() {
    let w = World::start().await;
    let store = &w.store;
    // A warning names the missing key: long keys make long warnings.
    let email = "邮件".repeat(100);
    let task = store
        .task(&w, 0, |task| {
            task["attribute_mapping"] = json!({"username": "u", "role": "r", "email": email});
        })
        .await;
    let file: serde_json::Value = (0..1_500)
        .map(|n| json!({"u": w.login(&format!("u{n}")), "r": "catman"}))
        .collect();
    let call = keyed(&w, "k").await.task(task).debug().records(&file);
    let first = call.clone().send().await;
    assert_eq!(first.counts(), [1_500, 0, 1_500, 0]);
    assert!(first.body.len() > 800_000, "{} bytes", first.body.len());
    assert_replayed(&first, &call.send().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_body_and_an_exceeded_threshold_are_replayed() {
    let w = World::start().await;
    let call = keyed(&w, "syntax").await.body("[1 2]");
    let first = call.clone().send().await;
    first.assert_failure(400);
    assert_replayed(&first, &call.send().await);

    let store = &w.store;
    let task = store
        .task(&w, 0, |task| {
            task["safety_threshold"] = json!({"records": 0})
        })
        .await;
    let call = keyed(&w, "threshold").await.task(task).debug().body("[7]");
    let first = call.clone().send().await;
    assert_eq!(first.status, 400, "{first}");
    assert_replayed(&first, &call.send().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_with_another_body_is_refused() {
    let w = World::start().await;
    let first = keyed(&w, "k").await.body("[]").send().await;
    first.assert_success(0);
    let before = w.directory().await;
    let file = json!([w.record("ann")]);
    let other = keyed(&w, "k").await.records(&file).send().await;
    assert_refused(&other, 422, "Idempotency-Key");
    assert!(w.directory().await == before);
    // Even if it means the same.
    assert_refused(
        &keyed(&w, "k").await.body("[ ]").send().await,
        422,
        "Idempotency-Key",
    );
    assert_replayed(&first, &keyed(&w, "k").await.body("[]").send().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_tenant_task_and_query_has_its_own_keys() {
    let w = World::start().await;
    let first = keyed(&w, "k").await.body("[]").send().await;
    let key = format!("k.{}", w.tag);
    let mut others = vec![
        keyed(&w, "K").await.body("[]"),
        keyed(&w, "k").await.debug().body("[]"),
        keyed(&w, "k").await.query("dryRun").body("[]"),
        w.import(1).await.key(&key).body("[]"),
    ];
    {
        let store = &w.store;
        let task = store.task(&w, 0, |_| ()).await;
        others.push(keyed(&w, "k").await.task(task).body("[]"));
    }
    for other in others {
        let fresh = other.clone().send().await;
        assert_fresh(&fresh);
        assert_eq!(fresh.status, 200, "{fresh}");
        assert_ne!(fresh.header("import-id"), first.header("import-id"));
        assert_replayed(&fresh, &other.send().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_of_a_running_request_is_refused() {
    let w = World::start().await;
    let gated = w.gated_imports(Times::default()).await;
    let call = keyed(&w, "k").await.records(&new_records(&w, "u", 300));
    let second = async {
        gated.reached().await;
        let reply = call.clone().send().await;
        gated.open();
        reply
    };
    let (first, second) = tokio::join!(gated.call(call.clone()).send(), second);
    first.assert_success(300);
    assert_fresh(&first);
    assert_refused(&second, 409, "still running");
    assert!((1..=60).contains(&retry_after(&second)));
    assert_replayed(&first, &call.send().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_without_a_run_does_not_use_the_key() {
    let w = World::start().await;
    let call = keyed(&w, "k").await.body("[]");
    let text = call.clone().content_type(Some("text/plain"));
    text.send().await.assert_failure(415);
    let large = vec![b' '; 4_000_001];
    call.clone().body(large).send().await.assert_failure(413);
    assert_eq!(call.clone().token("garbage").send().await.status, 401);

    let fresh = call.clone().send().await;
    assert_fresh(&fresh);
    fresh.assert_success(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_or_disabled_task_does_not_use_the_key() {
    let w = World::start().await;
    let store = &w.store;
    let disabled = store
        .task(&w, 0, |task| task["enabled"] = json!(false))
        .await;
    let call = keyed(&w, "k").await.task(disabled).body("[]");
    let first = call.clone().send().await;
    let second = call.send().await;
    for reply in [&first, &second] {
        reply.assert_failure(400);
        assert_fresh(reply);
    }
    assert_ne!(first.header("import-id"), second.header("import-id"));

    let locked = store.task(&w, 0, |_| ()).await;
    store.lock_task_for_expired_run(&w, 0, locked).await;
    store.mark_lock_background(locked).await;
    let call = keyed(&w, "k").await.task(locked).body("[]");
    let before = store.idempotency_rows().await;
    call.send().await.assert_failure(503);
    assert!(store.idempotency_rows().await == before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_is_replayed_while_the_task_is_locked() {
    let w = World::start().await;
    let store = &w.store;
    let task = store.task(&w, 0, |_| ()).await;
    let call = keyed(&w, "k").await.task(task).body("[1,");
    let first = call.clone().send().await;
    first.assert_failure(400);
    store.lock_task(&w, 0, task).await;
    assert_replayed(&first, &call.clone().send().await);
    call.body("[]").send().await.assert_failure(422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_has_1_to_255_characters_and_is_sent_once() {
    let w = World::start().await;
    // A gateway may refuse other letters, and drops an empty header.
    let letter = if w.behind_gateway() { "e" } else { "é" };
    let longest = format!("{}{}", letter.repeat(245), w.tag);
    assert_eq!(longest.chars().count(), 255);
    let call = w.import(0).await.key(&longest).body("[]");
    call.send().await.assert_success(0);

    let call = w.import(0).await.body("[1,");
    let over = call.clone().key(&format!("{longest}x")).send().await;
    assert_refused(&over, 400, "Idempotency-Key");
    if !w.behind_gateway() {
        let empty = call.clone().key("").send().await;
        assert_refused(&empty, 400, "Idempotency-Key");
        let twice = call.clone().key("a").key("b").send().await;
        assert_refused(&twice, 400, "Idempotency-Key");
    }
    // The other checks of the request come first.
    call.key(&format!("{longest}x"))
        .content_type(None)
        .send()
        .await
        .assert_failure(415);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_expires_after_a_day() {
    let w = World::start().await;
    let store = &w.store;
    let call = keyed(&w, "k").await.body("[]");
    let before = store.idempotency_rows().await;
    let first = call.clone().send().await;
    let mut rows = store.idempotency_rows().await;
    rows.retain(|name, _| !before.contains_key(name));
    let (name, row) = rows.first_key_value().expect("the row of the key");
    assert!(!name.contains(&w.tag), "the key is stored in clear: {name}");
    let end: i64 = row["expires_at"]
        .as_n()
        .expect("seconds")
        .parse()
        .expect("a number");
    let left = end - jiff::Timestamp::now().as_second();
    assert!((86_000..=86_401).contains(&left), "{left} s");

    // DynamoDB deletes expired rows late: the row still exists.
    store.expire_idempotency_keys().await;
    let second = call.clone().body("[ ]").send().await;
    assert_fresh(&second);
    assert_ne!(first.header("import-id"), second.header("import-id"));
    assert_replayed(&second, &call.body("[ ]").send().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_response_of_a_handed_over_run_is_replayed_during_and_after_the_run() {
    let times = Times {
        stop_after: Duration::ZERO,
        ..Times::default()
    };
    let w = World::own_with_times(times).await;
    let call = keyed(&w, "k").await.records(&json!([w.record("ann")]));
    let first = call.clone().send().await;
    assert_eq!(first.status, 202, "{first}");
    assert_fresh(&first);
    let run = import_id(&first).to_owned();
    for _ in 0..2 {
        let repeated = call.clone().send().await;
        assert_replayed(&first, &repeated);
        let ended = w.wait_until_ended(0, &run).await;
        assert_eq!(ended["Created"], 1, "{ended}");
    }
    let store = &w.store;
    assert_eq!(store.run_count().await, 1);
}

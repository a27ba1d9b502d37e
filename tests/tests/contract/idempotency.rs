//! `Idempotency-Key`: a request that is sent again gets the answer it got, and has no second effect
//! (CONTRACT §1, PROTOCOL §11).

use std::time::Duration;

use muster_import::Times;
use muster_tests::{Call, Reply, World, store_or_skip};
use serde_json::json;

/// Asserts that `second` is `first`, given again.
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

/// A refusal that is no run.
#[track_caller]
fn assert_refused(reply: &Reply, status: u16, says: &str) {
    reply.assert_failure(status);
    assert_eq!(reply.header("import-id"), None, "{reply}");
    assert!(reply.errors()[0].contains(says), "{reply}");
}

async fn keyed<'w>(w: &'w World, key: &str) -> Call<'w> {
    w.import(0).await.key(&format!("{key}.{}", w.tag))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_again_gets_the_same_answer_and_makes_no_run() {
    let w = World::start().await;
    let file = json!([w.record("ann"), {"Username": ""}]);
    let first = keyed(&w, "k").await.debug().records(&file).send().await;
    assert_eq!(first.counts(), [2, 1, 0, 0], "{first}");
    let before = w.directory().await;
    let runs = match &w.store {
        Some(store) => Some(store.run_count().await),
        None => None,
    };
    for _ in 0..2 {
        let again = keyed(&w, "k").await.debug().records(&file).send().await;
        assert_replayed(&first, &again);
    }
    assert!(w.directory().await == before);
    if let Some(store) = &w.store {
        assert_eq!(Some(store.run_count().await), runs);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_megabytes_comes_back_byte_for_byte() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    // Warnings name the key of what is missing: long keys make long warnings.
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
async fn a_refused_body_and_a_tripped_threshold_are_kept_as_well() {
    let w = World::start().await;
    let call = keyed(&w, "syntax").await.body("[1 2]");
    let first = call.clone().send().await;
    first.assert_failure(400);
    assert_replayed(&first, &call.send().await);

    let store = store_or_skip!(w);
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
async fn a_key_is_no_key_for_another_body() {
    let w = World::start().await;
    let first = keyed(&w, "k").await.body("[]").send().await;
    first.assert_success(0);
    let before = w.directory().await;
    let file = json!([w.record("ann")]);
    let other = keyed(&w, "k").await.records(&file).send().await;
    assert_refused(&other, 422, "Idempotency-Key");
    assert!(w.directory().await == before);
    // Not even for one that means the same.
    assert_refused(
        &keyed(&w, "k").await.body("[ ]").send().await,
        422,
        "Idempotency-Key",
    );
    assert_replayed(&first, &keyed(&w, "k").await.body("[]").send().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_its_own_for_each_tenant_task_and_query() {
    let w = World::start().await;
    let first = keyed(&w, "k").await.body("[]").send().await;
    let key = format!("k.{}", w.tag);
    let mut others = vec![
        keyed(&w, "K").await.body("[]"),
        keyed(&w, "k").await.debug().body("[]"),
        keyed(&w, "k").await.query("dryRun").body("[]"),
        w.import(1).await.key(&key).body("[]"),
    ];
    if let Some(store) = &w.store {
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
async fn a_request_that_is_still_running_is_not_begun_again() {
    let w = World::start().await;
    // Large enough for the first to be at it when the second arrives.
    let file = crate::running::users(&w, "u", 3_000);
    let call = keyed(&w, "k").await.records(&file);
    let (one, two) = tokio::join!(call.clone().send(), call.clone().send());
    let (ran, refused) = if one.status == 200 {
        (one, two)
    } else {
        (two, one)
    };
    ran.assert_success(3_000);
    assert_refused(&refused, 409, "still running");
    let wait = refused.header("retry-after").expect("Retry-After");
    assert!((1..=60).contains(&wait.parse::<u64>().expect("seconds")));
    assert_replayed(&ran, &call.send().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_that_are_no_finished_runs_are_not_kept() {
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
async fn neither_a_busy_task_nor_one_that_is_disabled_uses_a_key_up() {
    let w = World::start().await;
    let store = store_or_skip!(w);
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

    let held = store.task(&w, 0, |_| ()).await;
    store.lapsed_hold(&w, 0, held).await;
    store.queue(held).await;
    let call = keyed(&w, "k").await.task(held).body("[]");
    let before = store.key_rows().await;
    call.send().await.assert_failure(503);
    assert!(store.key_rows().await == before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_replayed_though_the_task_is_running() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = store.task(&w, 0, |_| ()).await;
    let call = keyed(&w, "k").await.task(task).body("[1,");
    let first = call.clone().send().await;
    first.assert_failure(400);
    store.hold(&w, 0, task).await;
    assert_replayed(&first, &call.clone().send().await);
    call.body("[]").send().await.assert_failure(422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_has_1_to_255_characters_and_comes_once() {
    let w = World::start().await;
    // Gateways may not take other letters, nor tell an empty header from none.
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
    // After what is wrong with the request as such.
    call.key(&format!("{longest}x"))
        .content_type(None)
        .send()
        .await
        .assert_failure(415);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_free_again_after_a_day() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let call = keyed(&w, "k").await.body("[]");
    let before = store.key_rows().await;
    let first = call.clone().send().await;
    let mut rows = store.key_rows().await;
    rows.retain(|name, _| !before.contains_key(name));
    let (name, row) = rows.first_key_value().expect("the key");
    assert!(!name.contains(&w.tag), "the key itself is stored: {name}");
    let end: i64 = row["expires_at"]
        .as_n()
        .expect("seconds")
        .parse()
        .expect("a number");
    let left = end - jiff::Timestamp::now().as_second();
    assert!((86_000..=86_401).contains(&left), "{left} s");

    // DynamoDB deletes late: the row is still there.
    store.expire_keys().await;
    let second = call.clone().body("[ ]").send().await;
    assert_fresh(&second);
    assert_ne!(first.header("import-id"), second.header("import-id"));
    assert_replayed(&second, &call.body("[ ]").send().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_handed_over_answers_its_key_at_once_and_for_good() {
    let times = Times {
        stop_after: Duration::ZERO,
        ..Times::default()
    };
    let Some(w) = World::with_times(times).await else {
        return;
    };
    let call = keyed(&w, "k").await.records(&json!([w.record("ann")]));
    let first = call.clone().send().await;
    assert_eq!(first.status, 202, "{first}");
    assert_fresh(&first);
    let run = first.header("import-id").expect("Import-Id").to_owned();
    for _ in 0..2 {
        let again = call.clone().send().await;
        assert_replayed(&first, &again);
        let ended = w.ended(0, &run).await;
        assert_eq!(ended["Created"], 1, "{ended}");
    }
    let store = store_or_skip!(w);
    assert_eq!(store.run_count().await, 1);
}

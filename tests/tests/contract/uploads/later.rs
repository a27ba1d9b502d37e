//! `Prefer: respond-async`: a request whose client does not wait.

use muster_tests::{Call, World, store_or_skip};
use serde_json::json;

use super::{assert_state, get};

async fn later<'w>(w: &'w World) -> Call<'w> {
    w.import(0).await.header("prefer", "respond-async")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_does_not_wait_is_queued() {
    let w = World::start().await;
    // What is wrong with the body is said by the run.
    let reply = later(&w).await.body("[1,").send().await;
    let run = reply.header("import-id").expect("Import-Id");
    assert_state(&reply, 202, run, "queued");
    assert_eq!(reply.media_type(), Some("application/json"));
    assert_eq!(reply.header("preference-applied"), Some("respond-async"));
    let location = format!("/v1/imports/{run}");
    assert_eq!(reply.header("location"), Some(location.as_str()));
    let status = get(&w, run, "").await.json();
    assert_eq!(
        (&status["import_id"], &status["size"]),
        (&json!(run), &json!(3))
    );
    if let Some(store) = &w.store {
        assert_eq!(store.job(run).await.settings_version, Some(1));
    }
    assert_eq!(w.ended(0, run).await["Status"], "FAILURE");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_preference_is_read_as_the_standard_has_it() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    for (prefer, status) in [
        ("Respond-Async", 202),
        ("wait=10, respond-async;x=y", 202),
        ("respond-sync", 200),
        ("wait=10", 200),
    ] {
        let task = store.task(&w, 0, |_| ()).await;
        let call = w.import(0).await.task(task).header("prefer", prefer);
        let reply = call.body("[]").send().await;
        assert_eq!(reply.status, status, "{prefer}: {reply}");
        let applied = reply.header("preference-applied").is_some();
        assert_eq!(applied, status == 202, "{prefer}: {reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_again_gets_the_same_answer_and_makes_no_run() {
    let w = World::start().await;
    let call = later(&w).await.key(&format!("k.{}", w.tag)).body("[]");
    let (one, two) = tokio::join!(call.clone().send(), call.clone().send());
    let replayed = |reply: &muster_tests::Reply| reply.header("idempotent-replayed").is_some();
    let again = call.clone().send().await;
    assert!(replayed(&one) != replayed(&two), "{one}\n{two}");
    assert!(replayed(&again));
    for reply in [&one, &two, &again] {
        assert_eq!((reply.status, reply.text()), (202, one.text()), "{reply}");
        for header in ["import-id", "location", "preference-applied"] {
            assert!(reply.header(header).is_some(), "{reply}");
            assert_eq!(reply.header(header), one.header(header));
        }
    }
    call.clone().body("[ ]").send().await.assert_failure(422);
    // Whoever waits gets it, too: it is the same request.
    let mut waiting = call;
    waiting.headers.clear();
    let reply = waiting.send().await;
    assert_eq!((reply.status, reply.text()), (202, one.text()));
    assert_eq!(reply.header("location"), one.header("location"));
    assert_eq!(reply.header("preference-applied"), None);
    let run = one.header("import-id").expect("Import-Id");
    assert_eq!(w.ended(0, run).await["Status"], "SUCCESS");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_refused_as_one_that_waits() {
    let w = World::start().await;
    later(&w)
        .await
        .content_type(None)
        .send()
        .await
        .assert_failure(415);
    let large = format!("[{}1]", "1,".repeat(20_000));
    later(&w).await.body(large).send().await.assert_failure(413);
    let store = store_or_skip!(w);
    let disabled = store
        .task(&w, 0, |task| task["enabled"] = json!(false))
        .await;
    let call = later(&w).await.task(disabled).key("k").body("[]");
    let refused = call.send().await;
    refused.assert_failure(400);
    let run = refused.header("import-id").expect("Import-Id");
    let status = get(&w, run, "").await.json();
    assert_eq!(
        (&status["state"], &status["Errors"]),
        (&json!("finished"), &refused.json()["Errors"])
    );

    let task = store.task(&w, 0, |_| ()).await;
    store.hold(&w, 0, task).await;
    let before = (store.run_count().await, store.key_rows().await);
    let busy = later(&w).await.task(task).key("k").body("[]").send().await;
    busy.assert_failure(503);
    assert!(busy.header("retry-after").is_some(), "{busy}");
    assert!(before == (store.run_count().await, store.key_rows().await));
}

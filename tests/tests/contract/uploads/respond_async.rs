//! `Prefer: respond-async` (contract.md#respond-async): imports whose client does not wait.

use muster_tests::{Call, World};
use serde_json::json;

use super::{assert_state, get};
use crate::support::import_id;

/// Returns an asynchronous import into the first tenant's task.
async fn async_import<'w>(w: &'w World) -> Call<'w> {
    w.import(0).await.header("prefer", "respond-async")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_asynchronous_import_is_queued() {
    let w = World::start().await;
    // The run reports the invalid body, not the response.
    let reply = async_import(&w).await.body("[1,").send().await;
    let run = import_id(&reply);
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
    {
        let store = &w.store;
        assert_eq!(store.job(run).await.settings_version, Some(1));
    }
    assert_eq!(w.wait_until_ended(0, run).await["Status"], "FAILURE");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_preference_is_parsed_as_in_rfc_7240() {
    let w = World::start().await;
    let store = &w.store;
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
async fn a_repeated_request_gets_the_same_response_without_another_run() {
    let w = World::start().await;
    let call = async_import(&w)
        .await
        .key(&format!("k.{}", w.tag))
        .body("[]");
    let (one, two) = tokio::join!(call.clone().send(), call.clone().send());
    let replayed = |reply: &muster_tests::Reply| reply.header("idempotent-replayed").is_some();
    let third = call.clone().send().await;
    assert!(replayed(&one) != replayed(&two), "{one}\n{two}");
    assert!(replayed(&third));
    for reply in [&one, &two, &third] {
        assert_eq!((reply.status, reply.text()), (202, one.text()), "{reply}");
        for header in ["import-id", "location", "preference-applied"] {
            assert!(reply.header(header).is_some(), "{reply}");
            assert_eq!(reply.header(header), one.header(header));
        }
    }
    call.clone().body("[ ]").send().await.assert_failure(422);
    // Without the preference it is still the same request.
    let mut synchronous = call;
    synchronous.headers.clear();
    let reply = synchronous.send().await;
    assert_eq!((reply.status, reply.text()), (202, one.text()));
    assert_eq!(reply.header("location"), one.header("location"));
    assert_eq!(reply.header("preference-applied"), None);
    let run = import_id(&one);
    assert_eq!(w.wait_until_ended(0, run).await["Status"], "SUCCESS");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_asynchronous_import_is_refused_like_a_synchronous_one() {
    let w = World::start().await;
    async_import(&w)
        .await
        .content_type(None)
        .send()
        .await
        .assert_failure(415);
    let large = format!("[{}1]", "1,".repeat(20_000));
    async_import(&w)
        .await
        .body(large)
        .send()
        .await
        .assert_failure(413);
    let store = &w.store;
    let disabled = store
        .task(&w, 0, |task| task["enabled"] = json!(false))
        .await;
    let call = async_import(&w).await.task(disabled).key("k").body("[]");
    let refused = call.send().await;
    refused.assert_failure(400);
    let run = import_id(&refused);
    let status = get(&w, run, "").await.json();
    assert_eq!(
        (&status["state"], &status["Errors"]),
        (&json!("finished"), &refused.json()["Errors"])
    );

    let task = store.task(&w, 0, |_| ()).await;
    store.lock_task(&w, 0, task).await;
    let before = (store.run_count().await, store.idempotency_rows().await);
    let busy = async_import(&w)
        .await
        .task(task)
        .key("k")
        .body("[]")
        .send()
        .await;
    busy.assert_failure(503);
    assert!(busy.header("retry-after").is_some(), "{busy}");
    assert!(before == (store.run_count().await, store.idempotency_rows().await));
}

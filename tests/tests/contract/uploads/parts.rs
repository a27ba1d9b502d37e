//! Sending and listing the parts of an upload.

use muster_tests::World;
use serde_json::json;

use super::{
    PART_BYTES, assert_conflict, get, id, numbers, post, put, start_upload, uploaded, url,
};
use crate::support::import_id;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn received_parts_are_listed_and_the_others_have_new_urls() {
    let w = World::start().await;
    let upload = start_upload(&w, PART_BYTES + 3).await;
    let run = id(&upload);
    let before = get(&w, run, "/parts").await;
    let keys = [
        "import_id",
        "part_size",
        "part_count",
        "received",
        "parts",
        "expires_at",
    ];
    assert_eq!(before.keys(), keys);
    assert_eq!(before.json()["received"], json!([]));

    assert_eq!(put(&w, &url(&upload, 2), vec![b' '; 3]).await, 200);
    // A part of a wrong size does not count as received.
    assert_eq!(put(&w, &url(&upload, 1), vec![b' '; 5]).await, 200);
    let listed = get(&w, run, "/parts").await.json();
    assert_eq!(listed["received"], json!([{"number": 2, "size": 3}]));
    assert_eq!(numbers(&listed["parts"]), [1]);
    let second = get(&w, run, "/parts?from=2").await.json();
    assert_eq!(
        (&second["received"], &second["parts"]),
        (&listed["received"], &json!([]))
    );

    assert_eq!(put(&w, &url(&listed, 1), vec![b' '; PART_BYTES]).await, 200);
    let all = get(&w, run, "/parts").await.json();
    assert_eq!(
        (numbers(&all["received"]), numbers(&all["parts"])),
        (vec![1, 2], vec![])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_is_valid_only_for_its_part() {
    let w = World::start().await;
    let upload = start_upload(&w, PART_BYTES + 3).await;
    let first = url(&upload, 1);
    let other = first.replace("partNumber=1", "partNumber=2");
    assert_ne!(first, other);
    assert_eq!(put(&w, &other, vec![b' '; 3]).await, 403);
    let listed = get(&w, id(&upload), "/parts").await.json();
    assert_eq!(listed["received"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_500_parts_reach_the_last_one() {
    let w = World::start().await;
    let upload = start_upload(&w, 1_001 * PART_BYTES).await;
    let (mut from, mut all) = (1, Vec::new());
    for last in [500, 1_000, 1_001] {
        let page = get(&w, id(&upload), &format!("/parts?from={from}"))
            .await
            .json();
        all.extend(numbers(&page["parts"]));
        assert_eq!(all.last(), Some(&last));
        from = page["next"].as_u64().unwrap_or_default();
    }
    assert_eq!(from, 0, "there is a page after the last");
    assert_eq!(all, (1..=1_001).collect::<Vec<u64>>());
    let after_last = get(&w, id(&upload), "/parts?from=1002").await.json();
    assert_eq!(
        (&after_last["parts"], after_last.get("next")),
        (&json!([]), None)
    );
    for from in ["0", "-1", "x", "4294967296", ""] {
        let reply = get(&w, id(&upload), &format!("/parts?from={from}")).await;
        reply.assert_problem(400);
        assert_eq!(reply.json()["errors"][0]["field"], "from", "{reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_an_unfinished_upload_has_parts() {
    let w = World::start().await;
    let reply = w.import(0).await.body("[]").send().await;
    let run = import_id(&reply);
    assert_conflict(&get(&w, run, "/parts").await, "not an upload");
    let cancelled = uploaded(&w).await;
    assert_eq!(post(&w, &cancelled, "/cancel").await.status, 200);
    assert_conflict(&get(&w, &cancelled, "/parts").await, "cancelled");
    let completed = uploaded(&w).await;
    assert_eq!(post(&w, &completed, "/complete").await.status, 202);
    get(&w, &completed, "/parts").await.assert_problem(409);
    // The next test must find the task free.
    w.wait_until_ended(0, &completed).await;
}

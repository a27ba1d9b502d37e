//! Starting an upload, and refusals.

use muster_tests::World;
use serde_json::json;

use crate::support::assert_all_equal;

use super::{announce, assert_conflict, get, id, numbers, start_upload, url};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_upload_has_a_url_for_each_part() {
    let w = World::start().await;
    let body = json!({"size": 20_000_000, "format": "ndjson", "compression": "gzip", "sha256": "Ab".repeat(32)});
    let reply = announce(&w, &body).await.send().await;
    assert_eq!(reply.status, 201, "{reply}");
    let keys = [
        "import_id",
        "part_size",
        "part_count",
        "parts",
        "expires_at",
    ];
    assert_eq!(reply.keys(), keys);
    let upload = reply.json();
    let run = id(&upload);
    assert_eq!(reply.header("import-id"), Some(run));
    let location = format!("/v1/imports/{run}");
    assert_eq!(reply.header("location"), Some(location.as_str()));
    assert_eq!(
        (&upload["part_size"], &upload["part_count"]),
        (&json!(8_388_608), &json!(3))
    );
    assert_eq!(numbers(&upload["parts"]), [1, 2, 3]);
    assert_ne!(url(&upload, 1), url(&upload, 2));

    let status = get(&w, run, "").await.json();
    assert_eq!(status["state"], "uploading", "{status}");
    assert_eq!(
        (&status["size"], &status["dry_run"]),
        (&json!(20_000_000), &json!(false))
    );
    w.assert_task_is_free(0).await;
    {
        let store = &w.store;
        let source = store.job(run).await.source.expect("a source");
        assert_eq!(source.sha256, Some("ab".repeat(32)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_has_1_to_32_000_000_000_bytes() {
    let w = World::start().await;
    for (size, status) in [(0_u64, 400), (32_000_000_001, 413), (u64::MAX, 413)] {
        let reply = announce(&w, &json!({ "size": size })).await.send().await;
        reply.assert_problem(status);
        assert!(reply.text().contains("32,000,000,000"), "{reply}");
        assert_eq!(reply.json()["errors"][0]["field"], "size", "{reply}");
    }
    let largest = start_upload(&w, 32_000_000_000).await;
    assert_eq!(largest["part_count"], 3_815);
    assert_eq!(numbers(&largest["parts"]).len(), 500);
    assert_eq!(start_upload(&w, 1).await["part_count"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_announcement_is_refused_with_its_field() {
    let w = World::start().await;
    for (body, field) in [
        (json!({}), ""),
        (json!({"size": -1}), "size"),
        (json!({"size": 1.5}), "size"),
        (json!({"size": "1"}), "size"),
        (json!({"size": 1, "format": "xml"}), "format"),
        (json!({"size": 1, "compression": "zip"}), "compression"),
        (json!({"size": 1, "sha256": "a".repeat(63)}), "sha256"),
        (json!({"size": 1, "sha256": "g".repeat(64)}), "sha256"),
        (json!({"size": 1, "part_size": 5}), "part_size"),
    ] {
        let reply = announce(&w, &body).await.send().await;
        reply.assert_problem(400);
        assert_eq!(reply.json()["errors"][0]["field"], field, "{reply}");
    }
    let broken = announce(&w, &json!({})).await.body("{");
    broken.send().await.assert_problem(400);
    let text = announce(&w, &json!({"size": 1})).await;
    let text = text.content_type(Some("text/plain"));
    text.send().await.assert_problem(415);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_task_accepts_no_upload() {
    let w = World::start().await;
    let store = &w.store;
    let disabled = |task: &mut serde_json::Value| task["enabled"] = json!(false);
    let disabled = store.task(&w, 0, disabled).await;
    let before = store.run_count().await;
    let mut call = announce(&w, &json!({"size": 1})).await;
    call.path = format!("/v1/import/user-data/{disabled}/uploads");
    assert_conflict(&call.clone().send().await, "disabled");
    // The request itself is checked first.
    call.body(r#"{"size":0}"#).send().await.assert_problem(400);
    assert_eq!(store.run_count().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_token_task_or_permission_is_reported_as_a_problem() {
    let w = World::start().await;
    let call = announce(&w, &json!({"size": 1})).await;
    for authorization in [None, Some("Bearer garbage")] {
        let reply = call.clone().authorization(authorization).send().await;
        reply.assert_problem(401);
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    }
    let mut unknown = Vec::new();
    for task in ["987654321987", "abc", &w.tenants[1].task_id.to_string()] {
        let mut call = call.clone();
        call.path = format!("/v1/import/user-data/{task}/uploads");
        let reply = call.send().await;
        reply.assert_problem(404);
        unknown.push(reply.text().to_owned());
    }
    assert_all_equal(&unknown);
    let store = &w.store;
    let stranger = w.sign_in(&store.robot(&w, 0).await).await;
    let reply = call.token(&stranger).send().await;
    reply.assert_problem(401);
    assert!(reply.text().contains("permission"), "{reply}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_can_be_a_dry_run() {
    let w = World::start().await;
    let call = announce(&w, &json!({"size": 1})).await.query("dryRun");
    let upload = call.send().await.json();
    assert_eq!(get(&w, id(&upload), "").await.json()["dry_run"], true);
}

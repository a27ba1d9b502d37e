//! Refusals of a request as a whole, one at a time (contract.md#quant-import).

use muster_tests::{Reply, World};
use reqwest::Method;
use serde_json::json;

use crate::support::import_id;

/// Body of the response to a request without a valid token.
const INVALID_TOKEN_BODY: &str = "Token is missing or invalid!";

/// Asserts the plain-text response to a request without a valid token.
#[track_caller]
pub fn assert_no_token(reply: &Reply) {
    assert_eq!(
        (reply.status, reply.text()),
        (401, INVALID_TOKEN_BODY),
        "{reply}"
    );
    assert_eq!(reply.media_type(), Some("text/plain"), "{reply}");
    assert_eq!(reply.header("import-id"), None, "{reply}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_without_a_valid_token_gets_the_same_plain_text() {
    let w = World::start().await;
    let good = w.token(0).await;
    let other_letter = if good.ends_with('A') { "B" } else { "A" };
    let changed = format!("Bearer {}{other_letter}", &good[..good.len() - 1]);
    for authorization in [
        None,
        Some(""),
        Some("Bearer"),
        Some("Bearer "),
        Some("Bearer garbage"),
        Some("Basic dXNlcjpwYXNzd29yZA=="),
        Some(good),
        Some(changed.as_str()),
        Some(&format!("Bearer {good}x")),
        Some(&format!("Bearer {}", "x".repeat(5_000))),
    ] {
        assert_no_token(
            &w.import(0)
                .await
                .authorization(authorization)
                .body("[]")
                .send()
                .await,
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_or_revoked_token_is_refused() {
    let w = World::start().await;
    let store = &w.store;
    let (expired, revoked) = (
        store.expired_token(&w).await,
        w.sign_in(&w.tenants[0].robot).await,
    );
    w.import(0)
        .await
        .token(&revoked)
        .body("[]")
        .send()
        .await
        .assert_success(0);
    store.revoke(&revoked).await;
    for token in [expired, revoked] {
        assert_no_token(&w.import(0).await.token(&token).body("[]").send().await);
    }
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_foreign_and_non_integer_tasks_get_the_same_bytes() {
    let w = World::start().await;
    let mut first: Option<Reply> = None;
    let foreign = w.tenants[1].task_id.to_string();
    for task in [
        "987654321987",
        &foreign,
        "abc",
        "1.5",
        "-1",
        "0",
        "206abc",
        "99999999999999999999999",
        "%20",
        "206%00",
    ] {
        if w.behind_gateway() && task.contains('%') {
            // The gateway decodes paths and trims white space at their end.
            continue;
        }
        let reply = w.import(0).await.task(task).body("[]").send().await;
        reply.assert_failure(404);
        assert_eq!(reply.header("import-id"), None, "{reply}");
        let first = first.get_or_insert_with(|| reply.clone());
        assert_eq!(reply.body, first.body, "task {task}");
        let names = |reply: &Reply| {
            reply
                .headers
                .keys()
                .map(|name| name.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&reply), names(first), "task {task}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_robot_without_permission_for_the_task_is_refused() {
    let w = World::start().await;
    let store = &w.store;
    let robot = store.robot(&w, 0).await;
    let token = w.sign_in(&robot).await;
    let before = store.directory().await;
    let records = json!([w.record("anna")]);
    let reply = w
        .import(0)
        .await
        .token(&token)
        .records(&records)
        .send()
        .await;
    reply.assert_failure(401);
    assert_eq!(reply.header("import-id"), None, "{reply}");
    assert_eq!(store.directory().await, before);
    w.assert_task_is_free(0).await;

    let permitted = store
        .task(&w, 0, |task| {
            task["permitted_robots"] = json!([robot.username])
        })
        .await;
    w.import(0)
        .await
        .task(permitted)
        .token(&token)
        .body("[]")
        .send()
        .await
        .assert_success(0);
    w.import(0)
        .await
        .task(permitted)
        .body("[]")
        .send()
        .await
        .assert_failure(401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_json_media_type_is_accepted_in_any_spelling() {
    let w = World::start().await;
    for accepted in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
        "application/json ; x=y",
    ] {
        w.import(0)
            .await
            .content_type(Some(accepted))
            .body("[]")
            .send()
            .await
            .assert_success(0);
    }
    for refused in [
        None,
        Some(""),
        Some("text/plain"),
        Some("text/json"),
        Some("application/jsonx"),
        Some("application/x-ndjson"),
        Some("application/vnd.api+json"),
        Some("text/plain; x=application/json"),
        Some("multipart/form-data; boundary=x"),
    ] {
        let reply = w
            .import(0)
            .await
            .content_type(refused)
            .body("[]")
            .send()
            .await;
        reply.assert_failure(415);
        assert_eq!(reply.header("import-id"), None, "{reply}");
    }
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_methods_get_405_with_the_allowed_one() {
    let w = World::start().await;
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let reply = w.import(0).await.method(method.clone()).send().await;
        reply.assert_failure(405);
        assert_eq!(reply.header("allow"), Some("POST"), "{method}: {reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_path_is_not_found_with_or_without_a_token() {
    let w = World::start().await;
    for path in [
        "/",
        "/nothing",
        "/v1",
        "/v1/import/user-data",
        "/v2/import/user-data/1",
        "/authenticate/x",
    ] {
        for call in [
            w.call(Method::GET, path),
            w.call(Method::POST, path).token(w.token(0).await),
        ] {
            let reply = call.send().await;
            reply.assert_problem(404);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_accept_header_is_ignored() {
    let w = World::start().await;
    let url = format!("{}/v1/import/user-data/{}", w.url, w.tenants[0].task_id);
    for accept in ["text/html", "application/xml", "nonsense", "*/*;q=0"] {
        let response = w
            .client()
            .post(&url)
            .bearer_auth(w.token(0).await)
            .header("content-type", "application/json")
            .header("accept", accept)
            .body("[]")
            .send()
            .await
            .expect("a response");
        assert_eq!(response.status(), 200, "{accept}");
        assert_eq!(
            response.headers()["content-type"],
            "application/json",
            "{accept}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_task_is_a_bad_request_and_is_logged() {
    let w = World::start().await;
    let store = &w.store;
    let disabled = store
        .task(&w, 0, |task| task["enabled"] = json!(false))
        .await;
    let before = store.directory().await;
    let reply = w
        .import(0)
        .await
        .task(disabled)
        .records(&json!([w.record("anna")]))
        .send()
        .await;
    reply.assert_failure(400);
    assert_eq!(store.directory().await, before);
    let run = store.run(import_id(&reply)).await;
    assert_eq!(
        (run.task, run.status.as_deref()),
        (disabled, Some("FAILURE"))
    );
    assert_eq!(
        store.lock_rows(disabled).await,
        Vec::<String>::new(),
        "a refused request locks the task"
    );
}

//! What is wrong with a request as a whole, each refusal by itself (CONTRACT §1).

use muster_tests::{Reply, World, store_or_skip};
use reqwest::Method;
use serde_json::json;

/// What everybody without a valid token reads.
const NO_TOKEN: &str = "Token is missing or invalid!";

/// Asserts the one plain answer without a valid token.
#[track_caller]
pub fn assert_no_token(reply: &Reply) {
    assert_eq!((reply.status, reply.text()), (401, NO_TOKEN), "{reply}");
    assert_eq!(reply.media_type(), Some("text/plain"), "{reply}");
    assert_eq!(reply.header("import-id"), None, "{reply}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_valid_token_there_is_one_plain_answer() {
    let w = World::start().await;
    let good = w.token(0).await;
    let other_end = if good.ends_with('A') { "B" } else { "A" };
    let changed = format!("Bearer {}{other_end}", &good[..good.len() - 1]);
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
async fn an_expired_or_revoked_token_is_no_token() {
    let w = World::start().await;
    let store = store_or_skip!(w);
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
async fn unknown_foreign_and_non_integer_tasks_answer_alike_to_the_byte() {
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
            // It decodes paths, and what stands at their end is trimmed.
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
async fn a_robot_that_the_task_does_not_name_is_refused() {
    let w = World::start().await;
    let store = store_or_skip!(w);
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
async fn only_json_is_taken_however_it_is_spelt() {
    let w = World::start().await;
    for right in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
        "application/json ; x=y",
    ] {
        w.import(0)
            .await
            .content_type(Some(right))
            .body("[]")
            .send()
            .await
            .assert_success(0);
    }
    for wrong in [
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
            .content_type(wrong)
            .body("[]")
            .send()
            .await;
        reply.assert_failure(415);
        assert_eq!(reply.header("import-id"), None, "{reply}");
    }
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_method_is_told_which_one_is_allowed() {
    let w = World::start().await;
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let reply = w.import(0).await.method(method.clone()).send().await;
        reply.assert_failure(405);
        assert_eq!(reply.header("allow"), Some("POST"), "{method}: {reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_path_is_a_problem_with_or_without_a_token() {
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
async fn accept_is_never_checked() {
    let w = World::start().await;
    let url = format!("{}/v1/import/user-data/{}", w.url, w.tenants[0].task_id);
    for accept in ["text/html", "application/xml", "nonsense", "*/*;q=0"] {
        let answer = reqwest::Client::new()
            .post(&url)
            .bearer_auth(w.token(0).await)
            .header("content-type", "application/json")
            .header("accept", accept)
            .body("[]")
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 200, "{accept}");
        assert_eq!(
            answer.headers()["content-type"],
            "application/json",
            "{accept}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_task_is_a_bad_request_that_stands_in_the_log() {
    let w = World::start().await;
    let store = store_or_skip!(w);
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
    let run = store
        .run(reply.header("import-id").expect("Import-Id"))
        .await;
    assert_eq!(
        (run.task, run.status.as_deref()),
        (disabled, Some("FAILURE"))
    );
    assert_eq!(
        store.hold_rows(disabled).await,
        Vec::<String>::new(),
        "a refusal holds nothing"
    );
}

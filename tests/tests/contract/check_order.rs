//! The order of the checks of a request (contract.md#quant-import): the first that fails decides
//! the response.

use muster_tests::{Access, Call, Reply, World};
use serde_json::json;

use crate::request_checks::assert_no_token;
use crate::support::retry_after;

/// The checks, in their order.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Check {
    Method,
    Token,
    Task,
    Permission,
    Query,
    ContentType,
    Size,
    Records,
    Disabled,
    Running,
    Body,
}
use Check::*;

/// Tasks and tokens for requests that fail a check.
struct Fixture {
    stranger: String,
    disabled: u64,
    running: u64,
    disabled_and_running: u64,
    foreign: u64,
}

impl Fixture {
    async fn new(w: &World, store: &Access) -> Fixture {
        let stranger = w.sign_in(&store.robot(w, 0).await).await;
        let disabled = store
            .task(w, 0, |task| task["enabled"] = json!(false))
            .await;
        let running = store.task(w, 0, |_| ()).await;
        let disabled_and_running = store
            .task(w, 0, |task| task["enabled"] = json!(false))
            .await;
        for task in [running, disabled_and_running] {
            store.lock_task(w, 0, task).await;
        }
        Fixture {
            stranger,
            disabled,
            running,
            disabled_and_running,
            foreign: w.tenants[1].task_id,
        }
    }

    /// Returns a request that fails both checks, if there can be one.
    async fn call<'w>(&self, w: &'w World, failed: [Check; 2]) -> Option<Call<'w>> {
        let mut call = w.import(0).await.body("[]");
        for check in failed {
            call = match check {
                Method => call.method(reqwest::Method::PUT),
                Token => call.token("garbage"),
                // Another tenant's task represents every reason for 404, and can fail other checks,
                // too.
                Task => call.task(self.foreign),
                Permission if failed.contains(&Token) => return None,
                Permission => call.token(&self.stranger),
                Query => call.query("validate"),
                ContentType => call.content_type(Some("text/plain")),
                Size => call.body([vec![b' '; 4_000_000], b"[]".to_vec()].concat()),
                Records if failed.contains(&Size) => return None,
                Records => call.body(format!("[{}1]", "1,".repeat(20_000))),
                Disabled | Running if failed.contains(&Task) => return None,
                Disabled => call.task(self.disabled),
                Running if failed.contains(&Disabled) => call.task(self.disabled_and_running),
                Running => call.task(self.running),
                Body if failed.contains(&Size) => call.body(vec![b'x'; 4_000_001]),
                Body if failed.contains(&Records) => return None,
                Body => call.body("[1,"),
            };
        }
        Some(call)
    }
}

#[track_caller]
fn assert_refused_by(check: Check, reply: &Reply) {
    match check {
        Method => {
            reply.assert_failure(405);
            assert_eq!(reply.header("allow"), Some("POST"), "{reply}");
        }
        Token => assert_no_token(reply),
        Task => reply.assert_failure(404),
        Permission => reply.assert_failure(401),
        ContentType => reply.assert_failure(415),
        Size | Records => reply.assert_failure(413),
        Query | Disabled | Body => reply.assert_failure(400),
        Running => {
            reply.assert_failure(503);
            assert!(retry_after(reply) >= 1, "{reply}");
        }
    }
    let is_a_run = matches!(check, Disabled | Body);
    assert_eq!(
        reply.header("import-id").is_some(),
        is_a_run,
        "Import-Id of {check:?}: {reply}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_failed_checks_the_earlier_one_decides_the_response() {
    let w = World::start().await;
    let store = &w.store;
    let fixture = Fixture::new(&w, store).await;
    let before = store.directory().await;
    let order = [
        Method,
        Token,
        Task,
        Permission,
        Query,
        ContentType,
        Size,
        Records,
        Disabled,
        Running,
        Body,
    ];
    for (index, &first) in order.iter().enumerate() {
        for &second in &order[index..] {
            if let Some(call) = fixture.call(&w, [first, second]).await {
                let reply = call.send().await;
                println!("{first:?} before {second:?}: {}", reply.status);
                assert_refused_by(first, &reply);
            }
        }
    }
    assert_eq!(store.directory().await, before);
    w.assert_task_is_free(0).await;
}

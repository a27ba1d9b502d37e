//! Which refusal comes first when two things are wrong with a request (CONTRACT §1, "First match
//! wins").

use muster_tests::{Access, Call, Reply, World, store_or_skip};
use serde_json::json;

use crate::checks::assert_no_token;

/// The checks, in their order, and how a request fails each.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Method,
    Token,
    Task,
    Permission,
    ContentType,
    Size,
    Records,
    Disabled,
    Running,
    Body,
}
use Fault::*;

/// What tasks and tokens the faults need.
struct Prepared {
    stranger: String,
    disabled: u64,
    running: u64,
    disabled_and_running: u64,
    foreign: u64,
}

impl Prepared {
    async fn new(w: &World, store: &Access) -> Prepared {
        let stranger = w.sign_in(&store.robot(w, 0).await).await;
        let disabled = store
            .task(w, 0, |task| task["enabled"] = json!(false))
            .await;
        let running = store.task(w, 0, |_| ()).await;
        let disabled_and_running = store
            .task(w, 0, |task| task["enabled"] = json!(false))
            .await;
        for task in [running, disabled_and_running] {
            store.hold(w, 0, task).await;
        }
        Prepared {
            stranger,
            disabled,
            running,
            disabled_and_running,
            foreign: w.tenants[1].task_id,
        }
    }

    /// A request that fails both checks, if there can be one.
    async fn call<'w>(&self, w: &'w World, faults: [Fault; 2]) -> Option<Call<'w>> {
        let mut call = w.import(0).await.body("[]");
        for fault in faults {
            call = match fault {
                Method => call.method(reqwest::Method::PUT),
                Token => call.token("garbage"),
                // A foreign task stands for every reason not to see one: it can be anything else, too.
                Task => call.task(self.foreign),
                Permission if faults.contains(&Token) => return None,
                Permission => call.token(&self.stranger),
                ContentType => call.content_type(Some("text/plain")),
                Size => call.body([vec![b' '; 4_000_000], b"[]".to_vec()].concat()),
                Records if faults.contains(&Size) => return None,
                Records => call.body(format!("[{}1]", "1,".repeat(20_000))),
                Disabled | Running if faults.contains(&Task) => return None,
                Disabled => call.task(self.disabled),
                Running if faults.contains(&Disabled) => call.task(self.disabled_and_running),
                Running => call.task(self.running),
                Body if faults.contains(&Size) => call.body(vec![b'x'; 4_000_001]),
                Body if faults.contains(&Records) => return None,
                Body => call.body("[1,"),
            };
        }
        Some(call)
    }
}

#[track_caller]
fn assert_fault(fault: Fault, reply: &Reply) {
    match fault {
        Method => {
            reply.assert_failure(405);
            assert_eq!(reply.header("allow"), Some("POST"), "{reply}");
        }
        Token => assert_no_token(reply),
        Task => reply.assert_failure(404),
        Permission => reply.assert_failure(401),
        ContentType => reply.assert_failure(415),
        Size | Records => reply.assert_failure(413),
        Disabled | Body => reply.assert_failure(400),
        Running => {
            reply.assert_failure(503);
            let wait: u64 = reply
                .header("retry-after")
                .expect("Retry-After")
                .parse()
                .expect("seconds");
            assert!(wait >= 1, "{reply}");
        }
    }
    let is_a_run = matches!(fault, Disabled | Body);
    assert_eq!(
        reply.header("import-id").is_some(),
        is_a_run,
        "Import-Id of {fault:?}: {reply}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_faults_the_earlier_check_answers() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let prepared = Prepared::new(&w, store).await;
    let before = store.directory().await;
    let order = [
        Method,
        Token,
        Task,
        Permission,
        ContentType,
        Size,
        Records,
        Disabled,
        Running,
        Body,
    ];
    for (place, &first) in order.iter().enumerate() {
        for &second in &order[place..] {
            if let Some(call) = prepared.call(&w, [first, second]).await {
                let reply = call.send().await;
                println!("{first:?} before {second:?}: {}", reply.status);
                assert_fault(first, &reply);
            }
        }
    }
    assert_eq!(store.directory().await, before);
    w.assert_task_is_free(0).await;
}

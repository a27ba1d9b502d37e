//! Runs whose message, processor, writer or request is gone: the sweep takes them up again.

use jiff::{Timestamp, ToSpan};
use muster_aws::rounds::Round;
use muster_aws::runs::{Chunked, Stopped};
use muster_core::run::State;
use muster_tests::{Access, World, store_or_skip};
use serde_json::{Value, json};

/// The attempt that made the chunks.
const ATTEMPT: &str = "a";

/// A run of a task of its own that has come, long ago, into a state with one chunk of one user.
async fn standing(w: &World, store: &Access, name: &str, state: State) -> String {
    let long_ago = Timestamp::now() - 5.minutes();
    let task = store.task(w, 0, |_| ()).await;
    let file = json!([w.record(name)]).to_string();
    let run = store.queued_since(w, 0, task, long_ago, &file).await;
    if state == State::Checking {
        return run;
    }
    store.put_chunk(&run, ATTEMPT, 0, 1, &file).await;
    let chunked = Chunked {
        attempt: ATTEMPT.to_owned(),
        chunks: 1,
        records: 1,
    };
    let stopped = (state == State::Stopping).then_some(Stopped::Cancelled);
    let change = |job: &mut muster_aws::runs::Job| {
        job.chunked = Some(chunked);
        job.stopped = stopped;
    };
    store.advance(&run, state, long_ago, change).await;
    run
}

fn created(standing: &Value) -> (Value, Value) {
    (standing["Status"].clone(), standing["Created"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_stand_still_come_to_their_end() {
    let w = World::swept().await;
    let store = store_or_skip!(w);
    let long_ago = Timestamp::now() - 5.minutes();
    let unread = standing(&w, store, "ann", State::Checking).await;
    let unqueued = standing(&w, store, "ben", State::Applying).await;
    let lost = standing(&w, store, "cleo", State::Applying).await;
    store.note_queued(&lost, long_ago).await;
    let left = standing(&w, store, "dan", State::Applying).await;
    store.start(&left, Round::Apply, 0, long_ago).await;
    let stopping = standing(&w, store, "eve", State::Stopping).await;
    let task = store.task(&w, 0, |_| ()).await;
    let interrupted = store.dead_hold(&w, 0, task).await;

    for run in [&unread, &unqueued, &lost, &left] {
        let ended = w.ended(0, run).await;
        assert_eq!(created(&ended), (json!("SUCCESS"), json!(1)), "{ended}");
    }
    let ended = w.ended(0, &stopping).await;
    assert_eq!(ended["state"], "cancelled", "{ended}");
    assert_eq!(created(&ended), (json!("FAILURE"), json!(0)), "{ended}");
    let ended = w.ended(0, &interrupted).await;
    let said = ended["Errors"][0].as_str().expect("a reason");
    assert!(said.contains("interrupted"), "{ended}");
    assert_eq!(store.hold_rows(task).await, [""; 0]);
}

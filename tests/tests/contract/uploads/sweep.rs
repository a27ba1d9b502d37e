//! The sweep (protocol.md#sweeper) resumes runs whose message, processor, writer or request was
//! lost.

use jiff::{Timestamp, ToSpan};
use muster_aws::runs::chunks::Round;
use muster_aws::runs::{Chunked, StopReason};
use muster_core::run::State;
use muster_tests::{Access, World};
use serde_json::{Value, json};

/// The attempt that wrote the chunks.
const ATTEMPT: &str = "a";

/// Creates a run with one record in a new task and takes it to a state that it entered at `since`.
///
/// A sweep can take place at any time: until the last write, the run is too young for it.
async fn run_in_state(
    w: &World,
    store: &Access,
    name: &str,
    state: State,
    since: Timestamp,
) -> String {
    let task = store.task(w, 0, |_| ()).await;
    let file = json!([w.record(name)]).to_string();
    if state == State::Checking {
        return store.queued_since(w, 0, task, since, &file).await;
    }
    let now = Timestamp::now();
    let run = store.queued_since(w, 0, task, now, &file).await;
    store.put_chunk(&run, ATTEMPT, 0, 1, &file).await;
    let chunked = Chunked {
        attempt: ATTEMPT.to_owned(),
        chunks: 1,
        records: 1,
    };
    let stopped = (state == State::Stopping).then_some(StopReason::Cancelled);
    let change = |job: &mut muster_aws::runs::Job| {
        job.chunked = Some(chunked);
        job.stopped = stopped;
    };
    store.advance(&run, state, since, change).await;
    run
}

/// Returns the members `Status` and `Created`.
fn status_and_created(status: &Value) -> (Value, Value) {
    (status["Status"].clone(), status["Created"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sweep_completes_runs_that_make_no_progress() {
    let w = World::start_swept().await;
    let store = &w.store;
    let now = Timestamp::now();
    let long_ago = now - 5.minutes();
    let unread = run_in_state(&w, store, "ann", State::Checking, long_ago).await;
    let unqueued = run_in_state(&w, store, "ben", State::Applying, long_ago).await;
    let message_lost = run_in_state(&w, store, "cleo", State::Applying, now).await;
    store.note_queued(&message_lost, long_ago).await;
    let writer_lost = run_in_state(&w, store, "dan", State::Applying, now).await;
    store
        .lease_chunk(&writer_lost, Round::Apply, 0, long_ago)
        .await;
    let stopping = run_in_state(&w, store, "eve", State::Stopping, long_ago).await;
    let task = store.task(&w, 0, |_| ()).await;
    let interrupted = store.lock_task_for_dead_run(&w, 0, task).await;

    for run in [&unread, &unqueued, &message_lost, &writer_lost] {
        let status = w.wait_until_ended(0, run).await;
        assert_eq!(
            status_and_created(&status),
            (json!("SUCCESS"), json!(1)),
            "{status}"
        );
    }
    let status = w.wait_until_ended(0, &stopping).await;
    assert_eq!(status["state"], "cancelled", "{status}");
    assert_eq!(
        status_and_created(&status),
        (json!("FAILURE"), json!(0)),
        "{status}"
    );
    let status = w.wait_until_ended(0, &interrupted).await;
    let error = status["Errors"][0].as_str().expect("a reason");
    assert!(error.contains("interrupted"), "{status}");
    assert_eq!(store.lock_rows(task).await, [""; 0]);
}

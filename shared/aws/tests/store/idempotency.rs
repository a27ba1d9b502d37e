//! An idempotency key is put at the start of its run, and gets a response or is deleted at its end.

use muster_aws::Store;
use muster_aws::runs::idempotency::{Answer, KeyState, RequestKey};
use muster_aws::runs::task_lock::{Acquired, Finished};
use muster_aws::runs::{Ending, NewRun};

use crate::faults::{Fault, Faults};
use crate::support::{at, rows, run, store};
use crate::task_locks::{GRACE, acquire, assert_interrupted, ending, finish};

const DAY: u64 = 24 * 3_600;

fn request(body: &str) -> RequestKey {
    RequestKey::new("acme", 206, "/206", "debug", "monday", body.as_bytes())
}

/// Returns a new run under the key, which must be free.
async fn run_under_key(store: &Store, seconds: u64) -> NewRun {
    let state = store
        .idempotency()
        .look_up(&request("[]"), at(seconds))
        .await;
    let KeyState::Free(key) = state.unwrap() else {
        unreachable!("the key is taken");
    };
    NewRun {
        key: Some(key),
        ..run(at(seconds))
    }
}

async fn begin(store: &Store, seconds: u64) -> NewRun {
    let run = run_under_key(store, seconds).await;
    let acquired = acquire(store, &run, at(seconds)).await;
    assert_eq!(acquired, Acquired::Locked);
    run
}

fn answer(body: &str) -> Answer {
    Answer {
        status: 200,
        body: body.to_owned(),
    }
}

async fn answered(store: &Store, run: &NewRun, answer: &Answer, seconds: u64) -> Ending {
    let key = run.key.as_ref().unwrap();
    let kept = store
        .idempotency()
        .store_answer(key, &run.id, answer, at(seconds))
        .await;
    Ending {
        answer: Some(kept.unwrap()),
        unanswered: false,
        undo: None,
        ..ending()
    }
}

#[tokio::test]
async fn a_key_is_live_with_its_run_and_keeps_its_response_for_a_day() {
    let store = store().await;
    let run = begin(&store, 0).await;
    let state = store
        .idempotency()
        .look_up(&request("[]"), at(59))
        .await
        .unwrap();
    assert_eq!(state, KeyState::Running { until: at(60) });
    let other = store
        .idempotency()
        .look_up(&request("[1]"), at(1))
        .await
        .unwrap();
    assert_eq!(other, KeyState::OtherBody);

    let response = answer(&"é".repeat(300_000));
    let end = answered(&store, &run, &response, 2).await;
    finish(&store, &run, &end, at(2)).await;
    let kept = KeyState::Answered {
        run: run.id,
        answer: response,
    };
    for seconds in [2, DAY] {
        let state = store
            .idempotency()
            .look_up(&request("[]"), at(seconds))
            .await;
        assert_eq!(state.unwrap(), kept);
    }
    // An expired row may still exist.
    begin(&store, DAY + 3).await;
}

#[tokio::test]
async fn a_run_that_ends_without_a_response_frees_its_key() {
    let store = store().await;
    let run = begin(&store, 0).await;
    finish(&store, &run, &ending(), at(1)).await;
    assert_eq!(rows(&store, "KEY#").await, 0);
    begin(&store, 2).await;
}

#[tokio::test]
async fn lost_responses_of_the_store_do_not_lose_the_response_of_a_key() {
    let direct = store().await;
    let (faults, store) = Faults::on_every_attempt("TransactWriteItems", &direct);
    faults.next(2, Fault::LostResponse);
    let run = begin(&store, 0).await;
    let end = answered(&store, &run, &answer("{}"), 1).await;
    faults.next(2, Fault::LostResponse);
    assert_eq!(finish(&store, &run, &end, at(1)).await, Finished::Done);
    assert_eq!(faults.left(), 0);
    let state = direct
        .idempotency()
        .look_up(&request("[]"), at(2))
        .await
        .unwrap();
    assert!(matches!(state, KeyState::Answered { .. }), "{state:?}");
}

#[tokio::test]
async fn the_second_of_two_runs_that_found_a_key_free_does_not_start() {
    let store = store().await;
    let late = run_under_key(&store, 0).await;
    let first = begin(&store, 0).await;
    let end = answered(&store, &first, &answer("{}"), 1).await;
    finish(&store, &first, &end, at(1)).await;
    let acquired = acquire(&store, &late, at(2)).await;
    assert_eq!(acquired, Acquired::KeyUsed);
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (0, 0)
    );
}

#[tokio::test]
async fn the_key_of_a_dead_run_can_be_reused_by_the_same_request() {
    let store = store().await;
    let dead = begin(&store, 0).await;
    let end = answered(&store, &dead, &answer("late"), 1).await;
    let next = begin(&store, 60).await;
    assert_interrupted(&store, &dead).await;
    assert_eq!(
        finish(&store, &dead, &end, at(61)).await,
        Finished::EndedByOther
    );
    let end = answered(&store, &next, &answer("{}"), 62).await;
    finish(&store, &next, &end, at(62)).await;
    let state = store
        .idempotency()
        .look_up(&request("[]"), at(63))
        .await
        .unwrap();
    assert_eq!(
        state,
        KeyState::Answered {
            run: next.id,
            answer: answer("{}"),
        }
    );
}

#[tokio::test]
async fn a_dead_run_that_finished_in_the_meantime_keeps_its_response() {
    let store = store().await;
    let slow = begin(&store, 0).await;
    let next = run_under_key(&store, 60).await;
    let end = answered(&store, &slow, &answer("{}"), 60).await;
    finish(&store, &slow, &end, at(60)).await;
    let acquired = acquire(&store, &next, at(61)).await;
    assert_eq!(acquired, Acquired::KeyUsed);
}

#[tokio::test]
async fn ending_a_dead_run_frees_its_key() {
    let store = store().await;
    begin(&store, 0).await;
    let other = run(at(60));
    assert_eq!(acquire(&store, &other, at(60)).await, Acquired::Locked);
    assert_eq!(rows(&store, "KEY#").await, 0);
    finish(&store, &other, &ending(), at(61)).await;

    begin(&store, 100).await;
    assert_eq!(
        store
            .task_locks()
            .end_expired(at(169), GRACE)
            .await
            .unwrap(),
        []
    );
    assert_eq!(rows(&store, "KEY#").await, 1);
    assert_eq!(
        store
            .task_locks()
            .end_expired(at(170), GRACE)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(rows(&store, "KEY#").await, 0);
}

//! A key goes with its run: put when it begins, answered or free when it ends.

use muster_aws::Store;
use muster_aws::holds::{Acquired, Finished};
use muster_aws::keys::{Answer, KeyState, RequestKey};
use muster_aws::runs::{Ending, NewRun};

use crate::faults::{Fault, Faults};
use crate::holds::{GRACE, HOLD, assert_interrupted, ending};
use crate::support::{at, rows, run, store};

const DAY: u64 = 24 * 3_600;

fn request(body: &str) -> RequestKey {
    RequestKey::new("acme", 206, "/206", "debug", "monday", body.as_bytes())
}

/// A run under the key, if that is free.
async fn keyed(store: &Store, seconds: u64) -> NewRun {
    let state = store.look_up_key(&request("[]"), at(seconds)).await;
    let KeyState::Free(key) = state.unwrap() else {
        unreachable!("the key is taken");
    };
    NewRun {
        key: Some(key),
        ..run(at(seconds))
    }
}

async fn begin(store: &Store, seconds: u64) -> NewRun {
    let run = keyed(store, seconds).await;
    let acquired = store.acquire(&run, at(seconds), HOLD).await.unwrap();
    assert_eq!(acquired, Acquired::Mine);
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
    let kept = store.keep_answer(key, &run.id, answer, at(seconds)).await;
    Ending {
        answer: Some(kept.unwrap()),
        ..ending()
    }
}

#[tokio::test]
async fn a_key_is_live_with_its_run_and_keeps_its_answer_for_a_day() {
    let store = store().await;
    let run = begin(&store, 0).await;
    let state = store.look_up_key(&request("[]"), at(59)).await.unwrap();
    assert_eq!(state, KeyState::Running { until: at(60) });
    let other = store.look_up_key(&request("[1]"), at(1)).await.unwrap();
    assert_eq!(other, KeyState::OtherBody);

    let told = answer(&"é".repeat(300_000));
    let end = answered(&store, &run, &told, 2).await;
    store.finish(&run, &end, at(2)).await.unwrap();
    let kept = KeyState::Answered {
        run: run.id,
        answer: told,
    };
    for seconds in [2, DAY] {
        let state = store.look_up_key(&request("[]"), at(seconds)).await;
        assert_eq!(state.unwrap(), kept);
    }
    // Rows past their time are still there.
    begin(&store, DAY + 3).await;
}

#[tokio::test]
async fn a_run_that_ends_without_an_answer_leaves_its_key_free() {
    let store = store().await;
    let run = begin(&store, 0).await;
    store.finish(&run, &ending(), at(1)).await.unwrap();
    assert_eq!(rows(&store, "KEY#").await, 0);
    begin(&store, 2).await;
}

#[tokio::test]
async fn answers_that_are_lost_on_the_way_lose_no_answer_of_a_key() {
    let direct = store().await;
    let (faults, store) = Faults::on_every_try("TransactWriteItems", &direct);
    faults.next(2, Fault::LostAnswer);
    let run = begin(&store, 0).await;
    let end = answered(&store, &run, &answer("{}"), 1).await;
    faults.next(2, Fault::LostAnswer);
    assert_eq!(
        store.finish(&run, &end, at(1)).await.unwrap(),
        Finished::Done
    );
    assert_eq!(faults.left(), 0);
    let state = direct.look_up_key(&request("[]"), at(2)).await.unwrap();
    assert!(matches!(state, KeyState::Answered { .. }), "{state:?}");
}

#[tokio::test]
async fn of_two_runs_that_found_a_key_free_the_second_does_not_begin() {
    let store = store().await;
    let late = keyed(&store, 0).await;
    let first = begin(&store, 0).await;
    let end = answered(&store, &first, &answer("{}"), 1).await;
    store.finish(&first, &end, at(1)).await.unwrap();
    let acquired = store.acquire(&late, at(2), HOLD).await.unwrap();
    assert_eq!(acquired, Acquired::KeyUsed);
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (0, 0)
    );
}

#[tokio::test]
async fn a_dead_run_gives_its_key_to_the_same_request() {
    let store = store().await;
    let dead = begin(&store, 0).await;
    let end = answered(&store, &dead, &answer("late"), 1).await;
    let next = begin(&store, 60).await;
    assert_interrupted(&store, &dead).await;
    assert_eq!(
        store.finish(&dead, &end, at(61)).await.unwrap(),
        Finished::EndedByOther
    );
    let end = answered(&store, &next, &answer("{}"), 62).await;
    store.finish(&next, &end, at(62)).await.unwrap();
    let state = store.look_up_key(&request("[]"), at(63)).await.unwrap();
    assert_eq!(
        state,
        KeyState::Answered {
            run: next.id,
            answer: answer("{}"),
        }
    );
}

#[tokio::test]
async fn a_dead_run_that_finished_meanwhile_keeps_its_answer() {
    let store = store().await;
    let slow = begin(&store, 0).await;
    let next = keyed(&store, 60).await;
    let end = answered(&store, &slow, &answer("{}"), 60).await;
    store.finish(&slow, &end, at(60)).await.unwrap();
    let acquired = store.acquire(&next, at(61), HOLD).await.unwrap();
    assert_eq!(acquired, Acquired::KeyUsed);
}

#[tokio::test]
async fn whoever_ends_a_dead_run_frees_its_key() {
    let store = store().await;
    begin(&store, 0).await;
    let other = run(at(60));
    assert_eq!(
        store.acquire(&other, at(60), HOLD).await.unwrap(),
        Acquired::Mine
    );
    assert_eq!(rows(&store, "KEY#").await, 0);
    store.finish(&other, &ending(), at(61)).await.unwrap();

    begin(&store, 100).await;
    assert_eq!(store.end_expired(at(169), GRACE).await.unwrap(), []);
    assert_eq!(rows(&store, "KEY#").await, 1);
    assert_eq!(store.end_expired(at(170), GRACE).await.unwrap().len(), 1);
    assert_eq!(rows(&store, "KEY#").await, 0);
}

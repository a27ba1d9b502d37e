//! Task locks: one run of a task at a time, despite failures and contention.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use jiff::{Timestamp, ToSpan as _};
use muster_aws::runs::task_lock::{Acquired, Finished, INTERRUPTED, LockKind};
use muster_aws::runs::undo::RecordNumbers;
use muster_aws::runs::{Ending, NewRun, Run};
use muster_aws::{Store, StoreError};
use muster_core::run::{Counts, State, Status};

use crate::faults::{Fault, Faults};
use crate::support::{at, raw, rows, run, start, store};

pub const LOCK_DURATION: Duration = Duration::from_secs(60);
pub const GRACE: Duration = Duration::from_secs(10);

pub fn ending() -> Ending {
    Ending {
        state: State::Finished,
        status: Status::PartialSuccess,
        counts: Some(Counts {
            total: 3,
            ignored: 1,
            created: 2,
            ..Counts::default()
        }),
        item_counts: BTreeMap::from([("email.malformed".to_owned(), 1)]),
        errors: Vec::new(),
        answer: None,
        unanswered: false,
        undo: None,
    }
}

/// Acquires the lock of a run's task.
pub async fn acquire(store: &Store, run: &NewRun, now: Timestamp) -> Acquired {
    let acquired = store.task_locks().acquire(run, now, LOCK_DURATION);
    acquired.await.unwrap()
}

/// Ends a run and frees its task.
pub async fn finish(store: &Store, run: &NewRun, ending: &Ending, now: Timestamp) -> Finished {
    let finished = store.task_locks().finish(run, ending, now);
    finished.await.unwrap()
}

pub async fn read(store: &Store, run: &NewRun) -> Run {
    store.runs().get(&run.id, at(0)).await.unwrap().unwrap()
}

pub async fn assert_interrupted(store: &Store, run: &NewRun) {
    let run = read(store, run).await;
    assert_eq!(run.state, State::Finished);
    assert_eq!(run.status, Some(Status::Failure));
    assert_eq!(run.counts, None);
    assert_eq!(run.errors, [INTERRUPTED]);
    // A statement may still be under way, for less than a minute.
    let ended_at = run.ended_at.unwrap();
    assert_eq!(run.rests_until, Some(ended_at + 60.seconds()));
    assert!(!run.is_over(ended_at + 59.seconds()) && run.is_over(ended_at + 60.seconds()));
}

#[tokio::test]
async fn a_second_run_of_the_same_task_is_refused_until_the_first_has_ended() {
    let store = store().await;
    let (first, second) = (run(at(0)), run(at(1)));
    assert_eq!(acquire(&store, &first, at(0)).await, Acquired::Locked);
    assert_eq!(
        acquire(&store, &second, at(1)).await,
        Acquired::Held {
            kind: LockKind::Sync,
            until: Some(at(60)),
        }
    );
    assert_eq!(store.runs().get(&second.id, at(1)).await.unwrap(), None);

    assert_eq!(
        finish(&store, &first, &ending(), at(2)).await,
        Finished::Done
    );
    assert_eq!(acquire(&store, &second, at(3)).await, Acquired::Locked);
}

#[tokio::test]
async fn runs_of_different_tasks_do_not_exclude_each_other() {
    let store = store().await;
    let other = NewRun {
        task: 207,
        ..run(at(0))
    };
    assert_eq!(acquire(&store, &run(at(0)), at(0)).await, Acquired::Locked);
    assert_eq!(acquire(&store, &other, at(0)).await, Acquired::Locked);
}

#[tokio::test]
async fn a_finished_run_has_its_ending_and_leaves_no_lock() {
    let store = store().await;
    let run = run(start());
    acquire(&store, &run, start()).await;
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (1, 1)
    );
    let row = raw(&store, &format!("RUN#{}", run.id), "RUN")
        .await
        .unwrap();
    assert!(
        !row.contains_key("expires_at"),
        "a run that has not ended must not expire"
    );

    finish(&store, &run, &ending(), at(5)).await;
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (0, 0)
    );
    assert_eq!(
        read(&store, &run).await,
        Run {
            id: run.id,
            tenant: "acme".to_owned(),
            task: 206,
            robot: "robot".to_owned(),
            started_at: start(),
            ended_at: Some(at(5)),
            size: 1_234,
            dry_run: false,
            threshold_overridden: false,
            state: State::Finished,
            status: Some(Status::PartialSuccess),
            counts: ending().counts,
            item_counts: ending().item_counts,
            errors: Vec::new(),
            job: None,
            rests_until: None,
            undo_until: None,
            applied: RecordNumbers::default(),
        }
    );
    let day = 24 * 3_600;
    assert!(
        store
            .runs()
            .get(&run.id, at(89 * day))
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        store
            .runs()
            .get(&run.id, at(91 * day))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn exactly_one_of_many_concurrent_acquires_succeeds() {
    let store = store().await;
    for (round, parallel) in [2, 2, 2, 8, 8].into_iter().enumerate() {
        let now = at(round as u64);
        let runs: Vec<_> = (0..parallel).map(|_| run(now)).collect();
        let results = join_all(
            runs.iter()
                .map(|run| store.task_locks().acquire(run, now, LOCK_DURATION)),
        )
        .await;
        let winners: Vec<_> = results
            .into_iter()
            .zip(&runs)
            .filter_map(|(result, run)| match result.unwrap() {
                Acquired::Locked => Some(run),
                Acquired::Held { .. } | Acquired::KeyUsed => None,
            })
            .collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(rows(&store, "OPEN#").await, 1);
        assert_eq!(
            rows(&store, "RUN#").await,
            round + 1,
            "a refused acquire left a run row"
        );
        store
            .task_locks()
            .finish(winners[0], &ending(), now)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn an_acquire_can_be_repeated_after_a_lost_response() {
    let store = store().await;
    let run = run(at(0));
    for _ in 0..2 {
        assert_eq!(acquire(&store, &run, at(0)).await, Acquired::Locked);
    }
    assert_eq!(
        (rows(&store, "LOG#").await, rows(&store, "OPEN#").await),
        (1, 1)
    );

    // An acquire cannot be repeated once the run has ended.
    finish(&store, &run, &ending(), at(1)).await;
    assert!(matches!(
        acquire(&store, &run, at(2)).await,
        Acquired::Held { .. }
    ));
    assert_eq!(rows(&store, "LOCK#").await, 0);
}

#[tokio::test]
async fn lost_responses_are_recognised() {
    let direct = store().await;
    // The SDK makes three attempts; the fourth is ours.
    for attempts in [1, 3] {
        let run = run(at(0));
        let (faults, store) = Faults::on("TransactWriteItems", &direct);
        faults.next(attempts, Fault::LostResponse);
        assert_eq!(acquire(&store, &run, at(0)).await, Acquired::Locked);
        assert_eq!(faults.left(), 0);
        faults.next(attempts, Fault::LostResponse);
        assert_eq!(finish(&store, &run, &ending(), at(1)).await, Finished::Done);
        assert_eq!(faults.left(), 0);
        assert_eq!(rows(&direct, "LOCK#").await, 0);
    }
}

#[tokio::test]
async fn the_rows_decide_if_every_response_was_lost() {
    let direct = store().await;
    let run = run(at(0));
    let (faults, store) = Faults::on_every_attempt("TransactWriteItems", &direct);
    faults.next(2, Fault::LostResponse);
    assert_eq!(acquire(&store, &run, at(0)).await, Acquired::Locked);
    assert_eq!(faults.left(), 0);
    faults.next(2, Fault::LostResponse);
    assert_eq!(finish(&store, &run, &ending(), at(1)).await, Finished::Done);
    assert_eq!(faults.left(), 0);
    assert_eq!(
        (rows(&direct, "LOCK#").await, rows(&direct, "OPEN#").await),
        (0, 0)
    );

    // An earlier ending is not mistaken for the requested one.
    faults.next(2, Fault::LostResponse);
    assert_eq!(
        finish(&store, &run, &ending(), at(2)).await,
        Finished::EndedByOther
    );
}

#[tokio::test]
async fn a_refused_run_does_not_contend_with_the_owner_of_the_lock() {
    let direct = store().await;
    let (owner, other) = (run(at(0)), run(at(1)));
    direct
        .task_locks()
        .acquire(&owner, at(0), LOCK_DURATION)
        .await
        .unwrap();
    let (faults, store) = Faults::on("TransactWriteItems", &direct);
    faults.next(1, Fault::Conflict);
    assert!(matches!(
        acquire(&store, &other, at(1)).await,
        Acquired::Held { .. }
    ));
    assert_eq!(faults.left(), 1, "a transaction was attempted");
}

#[tokio::test]
async fn a_finish_is_retried_under_contention() {
    let direct = store().await;
    let (faults, store) = Faults::on_every_attempt("TransactWriteItems", &direct);
    for fault in [Fault::Conflict, Fault::Throttled] {
        let run = run(at(0));
        acquire(&store, &run, at(0)).await;
        faults.next(9, fault);
        assert_eq!(finish(&store, &run, &ending(), at(1)).await, Finished::Done);
        assert_eq!(faults.left(), 0);
    }

    // Retries are bounded; the sweep then ends the run.
    let run = run(at(2));
    acquire(&store, &run, at(2)).await;
    faults.next(1_000, Fault::Conflict);
    let error = store
        .task_locks()
        .finish(&run, &ending(), at(3))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Contended(_)), "{error}");
}

#[tokio::test]
async fn a_conflicting_transaction_is_retried() {
    let direct = store().await;
    let (faults, store) = Faults::on("TransactWriteItems", &direct);
    let (run, other) = (run(at(0)), run(at(0)));
    faults.next(3, Fault::Conflict);
    assert_eq!(acquire(&store, &run, at(0)).await, Acquired::Locked);
    faults.next(3, Fault::Conflict);
    assert_eq!(finish(&store, &run, &ending(), at(1)).await, Finished::Done);
    assert_eq!(faults.left(), 0);

    // Under constant contention the acquire is refused, and the run has no lock.
    faults.next(6, Fault::Conflict);
    assert_eq!(
        acquire(&store, &other, at(2)).await,
        Acquired::Held {
            kind: LockKind::Sync,
            until: Some(at(2)),
        }
    );
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (0, 0)
    );
}

//! One run at a time, whatever happens to the others.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use muster_aws::holds::{Acquired, Finished, HoldKind, INTERRUPTED};
use muster_aws::runs::{Ending, NewRun, Run};
use muster_aws::{Store, StoreError};
use muster_core::run::{Counts, State, Status};

use crate::faults::{Fault, Faults};
use crate::support::{at, raw, rows, run, start, store};

pub const HOLD: Duration = Duration::from_secs(60);
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
    }
}

pub async fn read(store: &Store, run: &NewRun) -> Run {
    store.get_run(&run.id, at(0)).await.unwrap().unwrap()
}

pub async fn assert_interrupted(store: &Store, run: &NewRun) {
    let run = read(store, run).await;
    assert_eq!(run.state, State::Finished);
    assert_eq!(run.status, Some(Status::Failure));
    assert_eq!(run.counts, None);
    assert_eq!(run.errors, [INTERRUPTED]);
}

#[tokio::test]
async fn a_second_run_of_the_same_task_is_refused_until_the_first_has_ended() {
    let store = store().await;
    let (first, second) = (run(at(0)), run(at(1)));
    assert_eq!(
        store.acquire(&first, at(0), HOLD).await.unwrap(),
        Acquired::Mine
    );
    assert_eq!(
        store.acquire(&second, at(1), HOLD).await.unwrap(),
        Acquired::Held {
            kind: HoldKind::Sync,
            until: Some(at(60)),
        }
    );
    assert_eq!(store.get_run(&second.id, at(1)).await.unwrap(), None);

    assert_eq!(
        store.finish(&first, &ending(), at(2)).await.unwrap(),
        Finished::Done
    );
    assert_eq!(
        store.acquire(&second, at(3), HOLD).await.unwrap(),
        Acquired::Mine
    );
}

#[tokio::test]
async fn runs_of_different_tasks_do_not_meet() {
    let store = store().await;
    let other = NewRun {
        task: 207,
        ..run(at(0))
    };
    assert_eq!(
        store.acquire(&run(at(0)), at(0), HOLD).await.unwrap(),
        Acquired::Mine
    );
    assert_eq!(
        store.acquire(&other, at(0), HOLD).await.unwrap(),
        Acquired::Mine
    );
}

#[tokio::test]
async fn a_run_leaves_nothing_open_and_says_how_it_ended() {
    let store = store().await;
    let run = run(start());
    store.acquire(&run, start(), HOLD).await.unwrap();
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

    store.finish(&run, &ending(), at(5)).await.unwrap();
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
            state: State::Finished,
            status: Some(Status::PartialSuccess),
            counts: ending().counts,
            item_counts: ending().item_counts,
            errors: Vec::new(),
            job: None,
        }
    );
    let day = 24 * 3_600;
    assert!(
        store
            .get_run(&run.id, at(89 * day))
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        store
            .get_run(&run.id, at(91 * day))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn of_many_acquires_at_once_exactly_one_gets_the_task() {
    let store = store().await;
    for (round, parallel) in [2, 2, 2, 8, 8].into_iter().enumerate() {
        let now = at(round as u64);
        let runs: Vec<_> = (0..parallel).map(|_| run(now)).collect();
        let results = join_all(runs.iter().map(|run| store.acquire(run, now, HOLD))).await;
        let winners: Vec<_> = results
            .into_iter()
            .zip(&runs)
            .filter_map(|(result, run)| match result.unwrap() {
                Acquired::Mine => Some(run),
                Acquired::Held { .. } | Acquired::KeyUsed => None,
            })
            .collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(rows(&store, "OPEN#").await, 1);
        assert_eq!(
            rows(&store, "RUN#").await,
            round + 1,
            "a loser left a run behind"
        );
        store.finish(winners[0], &ending(), now).await.unwrap();
    }
}

#[tokio::test]
async fn an_acquire_whose_answer_was_lost_is_repeated_with_success() {
    let store = store().await;
    let run = run(at(0));
    for _ in 0..2 {
        assert_eq!(
            store.acquire(&run, at(0), HOLD).await.unwrap(),
            Acquired::Mine
        );
    }
    assert_eq!(
        (rows(&store, "LOG#").await, rows(&store, "OPEN#").await),
        (1, 1)
    );

    // Once the run has ended there is nothing to repeat.
    store.finish(&run, &ending(), at(1)).await.unwrap();
    assert!(matches!(
        store.acquire(&run, at(2), HOLD).await.unwrap(),
        Acquired::Held { .. }
    ));
    assert_eq!(rows(&store, "LOCK#").await, 0);
}

#[tokio::test]
async fn answers_lost_on_the_way_are_recognised() {
    let direct = store().await;
    // The SDK tries three times; the fourth attempt is ours.
    for attempts in [1, 3] {
        let run = run(at(0));
        let (faults, store) = Faults::on("TransactWriteItems", &direct);
        faults.next(attempts, Fault::LostAnswer);
        assert_eq!(
            store.acquire(&run, at(0), HOLD).await.unwrap(),
            Acquired::Mine
        );
        assert_eq!(faults.left(), 0);
        faults.next(attempts, Fault::LostAnswer);
        assert_eq!(
            store.finish(&run, &ending(), at(1)).await.unwrap(),
            Finished::Done
        );
        assert_eq!(faults.left(), 0);
        assert_eq!(rows(&direct, "LOCK#").await, 0);
    }
}

#[tokio::test]
async fn a_run_whose_every_answer_was_lost_is_found_in_the_rows() {
    let direct = store().await;
    let run = run(at(0));
    let (faults, store) = Faults::on_every_try("TransactWriteItems", &direct);
    faults.next(2, Fault::LostAnswer);
    assert_eq!(
        store.acquire(&run, at(0), HOLD).await.unwrap(),
        Acquired::Mine
    );
    assert_eq!(faults.left(), 0);
    faults.next(2, Fault::LostAnswer);
    assert_eq!(
        store.finish(&run, &ending(), at(1)).await.unwrap(),
        Finished::Done
    );
    assert_eq!(faults.left(), 0);
    assert_eq!(
        (rows(&direct, "LOCK#").await, rows(&direct, "OPEN#").await),
        (0, 0)
    );

    // An earlier end is not taken for one's own.
    faults.next(2, Fault::LostAnswer);
    assert_eq!(
        store.finish(&run, &ending(), at(2)).await.unwrap(),
        Finished::EndedByOther
    );
}

#[tokio::test]
async fn a_run_that_is_refused_does_not_get_in_the_way_of_the_holder() {
    let direct = store().await;
    let (holder, other) = (run(at(0)), run(at(1)));
    direct.acquire(&holder, at(0), HOLD).await.unwrap();
    let (faults, store) = Faults::on("TransactWriteItems", &direct);
    faults.next(1, Fault::Conflict);
    assert!(matches!(
        store.acquire(&other, at(1), HOLD).await.unwrap(),
        Acquired::Held { .. }
    ));
    assert_eq!(faults.left(), 1, "a transaction was tried");
}

#[tokio::test]
async fn a_finish_outlasts_those_who_want_the_task() {
    let direct = store().await;
    let (faults, store) = Faults::on_every_try("TransactWriteItems", &direct);
    for fault in [Fault::Conflict, Fault::Throttled] {
        let run = run(at(0));
        store.acquire(&run, at(0), HOLD).await.unwrap();
        faults.next(9, fault);
        assert_eq!(
            store.finish(&run, &ending(), at(1)).await.unwrap(),
            Finished::Done
        );
        assert_eq!(faults.left(), 0);
    }

    // Not for ever: then the sweep ends it.
    let run = run(at(2));
    store.acquire(&run, at(2), HOLD).await.unwrap();
    faults.next(1_000, Fault::Conflict);
    let error = store.finish(&run, &ending(), at(3)).await.unwrap_err();
    assert!(matches!(error, StoreError::Contended(_)), "{error}");
}

#[tokio::test]
async fn a_transaction_that_meets_another_is_tried_again() {
    let direct = store().await;
    let (faults, store) = Faults::on("TransactWriteItems", &direct);
    let (run, other) = (run(at(0)), run(at(0)));
    faults.next(3, Fault::Conflict);
    assert_eq!(
        store.acquire(&run, at(0), HOLD).await.unwrap(),
        Acquired::Mine
    );
    faults.next(3, Fault::Conflict);
    assert_eq!(
        store.finish(&run, &ending(), at(1)).await.unwrap(),
        Finished::Done
    );
    assert_eq!(faults.left(), 0);

    // One that meets others all the time is told to come back; it holds nothing.
    faults.next(6, Fault::Conflict);
    assert_eq!(
        store.acquire(&other, at(2), HOLD).await.unwrap(),
        Acquired::Held {
            kind: HoldKind::Sync,
            until: Some(at(2)),
        }
    );
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (0, 0)
    );
}

#[tokio::test]
async fn an_expired_hold_is_taken_over_and_its_run_ended() {
    let store = store().await;
    let (old, new) = (run(at(0)), run(at(60)));
    store.acquire(&old, at(0), HOLD).await.unwrap();
    assert!(matches!(
        store.acquire(&new, at(59), HOLD).await.unwrap(),
        Acquired::Held { .. }
    ));
    assert_eq!(
        store.acquire(&new, at(60), HOLD).await.unwrap(),
        Acquired::Mine
    );
    assert_interrupted(&store, &old).await;
    assert_eq!(read(&store, &old).await.ended_at, Some(at(60)));
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (1, 1)
    );

    // The old run wakes up: too late, and without harm to the new one.
    assert_eq!(
        store.finish(&old, &ending(), at(61)).await.unwrap(),
        Finished::EndedByOther
    );
    assert_interrupted(&store, &old).await;
    assert_eq!(
        store.finish(&new, &ending(), at(62)).await.unwrap(),
        Finished::Done
    );
    assert_eq!(
        read(&store, &new).await.status,
        Some(Status::PartialSuccess)
    );
}

#[tokio::test]
async fn an_expired_hold_is_taken_over_by_one_only() {
    let store = store().await;
    let old = run(at(0));
    store.acquire(&old, at(0), HOLD).await.unwrap();
    let runs: Vec<_> = (0..8).map(|_| run(at(61))).collect();
    let results = join_all(runs.iter().map(|run| store.acquire(run, at(61), HOLD))).await;
    let mine = results
        .into_iter()
        .filter(|result| matches!(result, Ok(Acquired::Mine)))
        .count();
    assert_eq!(mine, 1);
    assert_interrupted(&store, &old).await;
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (1, 1)
    );
}

#[tokio::test]
async fn finish_against_take_over_has_one_winner() {
    let store = store().await;
    for round in 0..10 {
        let now = at(round * 200);
        let late = at(round * 200 + 61);
        let (old, new) = (run(now), run(late));
        store.acquire(&old, now, HOLD).await.unwrap();
        let (ending, hold) = (ending(), HOLD);
        let (finished, acquired) = tokio::join!(
            store.finish(&old, &ending, late),
            store.acquire(&new, late, hold)
        );
        // The task is free for the new run either way.
        assert_eq!(acquired.unwrap(), Acquired::Mine);
        match finished.unwrap() {
            Finished::Done => assert_eq!(read(&store, &old).await.counts, ending.counts),
            Finished::EndedByOther => assert_interrupted(&store, &old).await,
        }
        assert_eq!(
            (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
            (1, 1)
        );
        store.finish(&new, &ending, late).await.unwrap();
    }
}

#[tokio::test]
async fn a_hold_whose_run_is_gone_is_taken_over_too() {
    use aws_sdk_dynamodb::types::AttributeValue::S;

    let store = store().await;
    let (old, new) = (run(at(0)), run(at(61)));
    store.acquire(&old, at(0), HOLD).await.unwrap();
    store
        .client()
        .delete_item()
        .table_name(&store.tables.control)
        .key("pk", S(format!("RUN#{}", old.id)))
        .key("sk", S("RUN".to_owned()))
        .send()
        .await
        .unwrap();
    assert_eq!(
        store.acquire(&new, at(61), HOLD).await.unwrap(),
        Acquired::Mine
    );
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (1, 1)
    );
    assert_eq!(store.get_run(&old.id, at(61)).await.unwrap(), None);
}

#[tokio::test]
async fn nobody_frees_a_task_that_another_run_holds() {
    use aws_sdk_dynamodb::types::AttributeValue::S;

    let store = store().await;
    let (mine, other) = (run(at(0)), run(at(0)));
    store.acquire(&mine, at(0), HOLD).await.unwrap();
    store
        .client()
        .update_item()
        .table_name(&store.tables.control)
        .key("pk", S("LOCK#206".to_owned()))
        .key("sk", S("LOCK".to_owned()))
        .update_expression("SET #run = :other")
        .expression_attribute_names("#run", "run")
        .expression_attribute_values(":other", S(other.id.to_string()))
        .send()
        .await
        .unwrap();
    assert_eq!(
        store.finish(&mine, &ending(), at(1)).await.unwrap(),
        Finished::EndedByOther
    );
    assert_eq!(read(&store, &mine).await.state, State::Applying);
    // The sweep ends the run, which holds nothing, and leaves the hold alone.
    assert_eq!(store.end_expired(at(100), GRACE).await.unwrap().len(), 1);
    assert_interrupted(&store, &mine).await;
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (1, 0)
    );
}

//! Task locks that have expired: their take-over by another run.

use aws_sdk_dynamodb::types::AttributeValue::S;
use futures::future::join_all;
use muster_aws::runs::task_lock::{Acquired, Finished};
use muster_core::run::{State, Status};

use crate::support::{at, rows, run, store};
use crate::task_locks::{GRACE, LOCK_DURATION, acquire, assert_interrupted, ending, finish, read};

#[tokio::test]
async fn an_expired_lock_is_taken_over_and_its_run_ended() {
    let store = store().await;
    let (old, new) = (run(at(0)), run(at(60)));
    acquire(&store, &old, at(0)).await;
    assert!(matches!(
        acquire(&store, &new, at(59)).await,
        Acquired::Held { .. }
    ));
    assert_eq!(acquire(&store, &new, at(60)).await, Acquired::Locked);
    assert_interrupted(&store, &old).await;
    assert_eq!(read(&store, &old).await.ended_at, Some(at(60)));
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (1, 1)
    );

    // The old run wakes up too late, and does not affect the new one.
    assert_eq!(
        finish(&store, &old, &ending(), at(61)).await,
        Finished::EndedByOther
    );
    assert_interrupted(&store, &old).await;
    assert_eq!(
        finish(&store, &new, &ending(), at(62)).await,
        Finished::Done
    );
    assert_eq!(
        read(&store, &new).await.status,
        Some(Status::PartialSuccess)
    );
}

#[tokio::test]
async fn an_expired_lock_is_taken_over_by_one_run_only() {
    let store = store().await;
    let old = run(at(0));
    acquire(&store, &old, at(0)).await;
    let runs: Vec<_> = (0..8).map(|_| run(at(61))).collect();
    let results = join_all(
        runs.iter()
            .map(|run| store.task_locks().acquire(run, at(61), LOCK_DURATION)),
    )
    .await;
    let mine = results
        .into_iter()
        .filter(|result| matches!(result, Ok(Acquired::Locked)))
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
        acquire(&store, &old, now).await;
        let (ending, duration) = (ending(), LOCK_DURATION);
        let (finished, acquired) = tokio::join!(
            store.task_locks().finish(&old, &ending, late),
            store.task_locks().acquire(&new, late, duration)
        );
        // The task is free for the new run either way.
        assert_eq!(acquired.unwrap(), Acquired::Locked);
        match finished.unwrap() {
            Finished::Done => assert_eq!(read(&store, &old).await.counts, ending.counts),
            Finished::EndedByOther => assert_interrupted(&store, &old).await,
        }
        assert_eq!(
            (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
            (1, 1)
        );
        finish(&store, &new, &ending, late).await;
    }
}

#[tokio::test]
async fn an_expired_lock_without_a_run_is_taken_over() {
    let store = store().await;
    let (old, new) = (run(at(0)), run(at(61)));
    acquire(&store, &old, at(0)).await;
    store
        .client()
        .delete_item()
        .table_name(&store.tables.control)
        .key("pk", S(format!("RUN#{}", old.id)))
        .key("sk", S("RUN".to_owned()))
        .send()
        .await
        .unwrap();
    assert_eq!(acquire(&store, &new, at(61)).await, Acquired::Locked);
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (1, 1)
    );
    assert_eq!(store.runs().get(&old.id, at(61)).await.unwrap(), None);
}

#[tokio::test]
async fn a_run_cannot_free_the_lock_of_another_run() {
    let store = store().await;
    let (mine, other) = (run(at(0)), run(at(0)));
    acquire(&store, &mine, at(0)).await;
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
        finish(&store, &mine, &ending(), at(1)).await,
        Finished::EndedByOther
    );
    assert_eq!(read(&store, &mine).await.state, State::Applying);
    // The sweep ends the run, which has lost its lock, and keeps the lock of the other run.
    assert_eq!(
        store
            .task_locks()
            .end_expired(at(100), GRACE)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_interrupted(&store, &mine).await;
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (1, 0)
    );
}

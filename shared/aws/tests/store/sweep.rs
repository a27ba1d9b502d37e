//! The sweep ends interrupted runs, and no others.

use aws_sdk_dynamodb::types::AttributeValue::S;
use futures::future::join_all;
use muster_aws::runs::NewRun;
use muster_aws::runs::task_lock::Finished;
use muster_aws::{Store, StoreError};
use muster_core::run::State;

use crate::support::{at, raw, rows, run, store};
use crate::task_locks::{GRACE, LOCK_DURATION, acquire, assert_interrupted, ending, read};

#[tokio::test]
async fn the_sweep_ends_runs_whose_lock_expired_before_the_grace_period() {
    let store = store().await;
    let expired: Vec<_> = (0..5).map(|task| NewRun { task, ..run(at(0)) }).collect();
    let running = NewRun {
        task: 300,
        ..run(at(30))
    };
    for run in &expired {
        store
            .task_locks()
            .acquire(run, at(0), LOCK_DURATION)
            .await
            .unwrap();
    }
    acquire(&store, &running, at(30)).await;

    assert_eq!(
        store.task_locks().end_expired(at(69), GRACE).await.unwrap(),
        []
    );
    let mut tasks: Vec<_> = store
        .task_locks()
        .end_expired(at(70), GRACE)
        .await
        .unwrap()
        .into_iter()
        .map(|ended| ended.task)
        .collect();
    tasks.sort_unstable();
    assert_eq!(tasks, [0, 1, 2, 3, 4]);
    for run in &expired {
        assert_interrupted(&store, run).await;
        assert_eq!(
            store
                .task_locks()
                .finish(run, &ending(), at(71))
                .await
                .unwrap(),
            Finished::EndedByOther
        );
    }
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (1, 1)
    );
    assert_eq!(read(&store, &running).await.state, State::Applying);
    assert_eq!(
        store.task_locks().end_expired(at(70), GRACE).await.unwrap(),
        []
    );
}

#[tokio::test]
async fn concurrent_sweeps_end_a_run_once() {
    let store = store().await;
    let run = run(at(0));
    acquire(&store, &run, at(0)).await;
    let sweeps = join_all((0..4).map(|_| store.task_locks().end_expired(at(100), GRACE))).await;
    let ended: usize = sweeps.into_iter().map(|sweep| sweep.unwrap().len()).sum();
    assert_eq!(ended, 1);
    assert_interrupted(&store, &run).await;
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (0, 0)
    );
}

#[tokio::test]
async fn the_sweep_deletes_an_open_row_without_a_run() {
    let store = store().await;
    let run = run(at(0));
    acquire(&store, &run, at(0)).await;
    store
        .client()
        .delete_item()
        .table_name(&store.tables.control)
        .key("pk", S(format!("RUN#{}", run.id)))
        .key("sk", S("RUN".to_owned()))
        .send()
        .await
        .unwrap();
    assert_eq!(
        store
            .task_locks()
            .end_expired(at(100), GRACE)
            .await
            .unwrap(),
        []
    );
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (0, 0)
    );
}

/// Overwrites an attribute of a row with an invalid value.
async fn corrupt(store: &Store, pk: &str, sk: &str, attribute: &str) {
    store
        .client()
        .update_item()
        .table_name(&store.tables.control)
        .key("pk", S(pk.to_owned()))
        .key("sk", S(sk.to_owned()))
        .update_expression("SET #attribute = :planted")
        .expression_attribute_names("#attribute", attribute)
        .expression_attribute_values(":planted", S("jack.woo@example.org".to_owned()))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn an_unreadable_row_does_not_keep_other_runs_from_being_ended() {
    let store = store().await;
    let runs: Vec<_> = (0..40).map(|task| NewRun { task, ..run(at(0)) }).collect();
    for run in &runs {
        store
            .task_locks()
            .acquire(run, at(0), LOCK_DURATION)
            .await
            .unwrap();
    }
    for run in &runs[..3] {
        let open = open_run_pk(&store, run).await;
        corrupt(&store, &open, &run.id.to_string(), "until").await;
    }
    for run in &runs[3..6] {
        corrupt(&store, &format!("LOCK#{}", run.task), "LOCK", "kind").await;
    }
    for run in &runs[6..9] {
        corrupt(&store, &format!("RUN#{}", run.id), "RUN", "size").await;
    }

    let error = store
        .task_locks()
        .end_expired(at(100), GRACE)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Row { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("jack"), "{error}");
    for run in &runs[9..] {
        assert_interrupted(&store, run).await;
    }
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (9, 9)
    );
    let (queued, error) = store.task_locks().open_background_runs().await;
    assert_eq!(queued, [], "there is no background run");
    let error = error.expect("three rows cannot be read");
    assert!(!format!("{error} {error:?}").contains("jack"), "{error}");
}

/// Returns the partition of a run's `OPEN` row.
async fn open_run_pk(store: &Store, run: &NewRun) -> String {
    let mut shard = 0;
    loop {
        let pk = format!("OPEN#{shard}");
        if raw(store, &pk, &run.id.to_string()).await.is_some() {
            return pk;
        }
        shard += 1;
        assert!(shard < 16, "the run has no OPEN row");
    }
}

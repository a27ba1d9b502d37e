//! The sweep ends what nobody else ends, and nothing else.

use aws_sdk_dynamodb::types::AttributeValue::S;
use futures::future::join_all;
use muster_aws::holds::Finished;
use muster_aws::runs::NewRun;
use muster_aws::{Store, StoreError};
use muster_core::run::State;

use crate::holds::{GRACE, HOLD, assert_interrupted, ending, read};
use crate::support::{at, raw, rows, run, store};

#[tokio::test]
async fn the_sweep_ends_what_has_been_over_for_the_grace() {
    let store = store().await;
    let over: Vec<_> = (0..5).map(|task| NewRun { task, ..run(at(0)) }).collect();
    let running = NewRun {
        task: 300,
        ..run(at(30))
    };
    for run in &over {
        store.acquire(run, at(0), HOLD).await.unwrap();
    }
    store.acquire(&running, at(30), HOLD).await.unwrap();

    assert_eq!(store.end_expired(at(69), GRACE).await.unwrap(), []);
    let mut tasks: Vec<_> = store
        .end_expired(at(70), GRACE)
        .await
        .unwrap()
        .into_iter()
        .map(|ended| ended.task)
        .collect();
    tasks.sort_unstable();
    assert_eq!(tasks, [0, 1, 2, 3, 4]);
    for run in &over {
        assert_interrupted(&store, run).await;
        assert_eq!(
            store.finish(run, &ending(), at(71)).await.unwrap(),
            Finished::EndedByOther
        );
    }
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (1, 1)
    );
    assert_eq!(read(&store, &running).await.state, State::Applying);
    assert_eq!(store.end_expired(at(70), GRACE).await.unwrap(), []);
}

#[tokio::test]
async fn two_sweeps_at_once_end_a_run_once() {
    let store = store().await;
    let run = run(at(0));
    store.acquire(&run, at(0), HOLD).await.unwrap();
    let sweeps = join_all((0..4).map(|_| store.end_expired(at(100), GRACE))).await;
    let ended: usize = sweeps.into_iter().map(|sweep| sweep.unwrap().len()).sum();
    assert_eq!(ended, 1);
    assert_interrupted(&store, &run).await;
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (0, 0)
    );
}

#[tokio::test]
async fn the_sweep_deletes_an_open_row_that_names_no_run() {
    let store = store().await;
    let run = run(at(0));
    store.acquire(&run, at(0), HOLD).await.unwrap();
    store
        .client()
        .delete_item()
        .table_name(&store.tables.control)
        .key("pk", S(format!("RUN#{}", run.id)))
        .key("sk", S("RUN".to_owned()))
        .send()
        .await
        .unwrap();
    assert_eq!(store.end_expired(at(100), GRACE).await.unwrap(), []);
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (0, 0)
    );
}

/// Puts a value that does not belong there into a row.
async fn spoil(store: &Store, pk: &str, sk: &str, attribute: &str) {
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
async fn what_the_sweep_cannot_read_keeps_no_other_run_from_its_end() {
    let store = store().await;
    let runs: Vec<_> = (0..40).map(|task| NewRun { task, ..run(at(0)) }).collect();
    for run in &runs {
        store.acquire(run, at(0), HOLD).await.unwrap();
    }
    for run in &runs[..3] {
        let open = open_list(&store, run).await;
        spoil(&store, &open, &run.id.to_string(), "until").await;
    }
    for run in &runs[3..6] {
        spoil(&store, &format!("LOCK#{}", run.task), "LOCK", "kind").await;
    }
    for run in &runs[6..9] {
        spoil(&store, &format!("RUN#{}", run.id), "RUN", "size").await;
    }

    let error = store.end_expired(at(100), GRACE).await.unwrap_err();
    assert!(matches!(error, StoreError::Row { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("jack"), "{error}");
    for run in &runs[9..] {
        assert_interrupted(&store, run).await;
    }
    assert_eq!(
        (rows(&store, "LOCK#").await, rows(&store, "OPEN#").await),
        (9, 9)
    );
    let (queued, trouble) = store.open_queued().await;
    assert_eq!(queued, [], "none is in the background");
    let trouble = trouble.expect("three rows cannot be read");
    assert!(
        !format!("{trouble} {trouble:?}").contains("jack"),
        "{trouble}"
    );
}

/// The partition of a run's open row.
async fn open_list(store: &Store, run: &NewRun) -> String {
    let mut shard = 0;
    loop {
        let pk = format!("OPEN#{shard}");
        if raw(store, &pk, &run.id.to_string()).await.is_some() {
            return pk;
        }
        shard += 1;
        assert!(shard < 16, "the run has no open row");
    }
}

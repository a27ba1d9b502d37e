//! Sweeps of runs that make no progress, take too long, or have unreadable rows.

use muster_aws::runs::StopReason;
use muster_aws::runs::chunks::Round;
use muster_core::run::{State, Status};
use muster_import::SweepReport;
use muster_tests::faults::{BATCH_EXECUTE_STATEMENT, Fault, Faults};

use aws_sdk_dynamodb::types::AttributeValue;

use crate::aging::{RUN_OVER, STUCK, string};
use crate::harness::{Harness, QueueMessage, times_without_chunk_deadline};
use crate::import::{DeliveryOutcome, Import, import_synchronously};
use crate::import_file::{ImportFile, RecordKind};
use crate::verifier::ConcurrentWrites;

impl Harness {
    /// Sweeps all runs without faults and returns the result.
    async fn sweep_result(&self) -> SweepReport {
        self.runner().sweep().await.expect("the sweep")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_takes_too_long_leases_no_more_chunks_and_counts_its_writes() {
    let harness = Harness::start_with(2, times_without_chunk_deadline()).await;
    let kinds = [RecordKind::New, RecordKind::Stale, RecordKind::Stale];
    let import = Import::begin(&harness, ImportFile::new("over", &kinds)).await;
    let messages = import.run_processor().await;
    import.deliver_without_faults(&messages[0]).await;
    import.set_begin_back(RUN_OVER).await;
    import.deliver_without_faults(&messages[1]).await;
    let store = &harness.stack.store;
    let chunk = store.chunks().get(&import.run, Round::Apply, 1).await;
    assert_eq!(chunk.expect("reading the chunk"), None, "it was leased");

    let run = import.finish_and_verify().await;
    let counts = run.counts.expect("the run has counts");
    assert_eq!((counts.created, counts.updated), (1, 1), "{run:?}");
    let stopped = run.job.and_then(|job| job.stopped);
    assert_eq!(
        (run.state, stopped),
        (State::Finished, Some(StopReason::Abandoned))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_takes_too_long_with_all_chunks_committed_is_complete() {
    let harness = Harness::start_with(3, times_without_chunk_deadline()).await;
    let file = ImportFile::new("end", &[RecordKind::New, RecordKind::Stale]);
    let import = Import::begin(&harness, file).await;
    let messages = import.run_processor().await;
    // The writer crashes when it finishes the run.
    let crash = Faults::new(|request| match request.operation {
        "TransactWriteItems" => Fault::CrashBefore,
        _ => Fault::None,
    });
    let crash = crash.without_timeouts();
    let (outcome, _) = import.deliver(&messages[0], crash).await;
    assert!(matches!(outcome, DeliveryOutcome::Crashed), "{outcome:?}");
    let store = &harness.stack.store;
    let chunk = store.chunks().get(&import.run, Round::Apply, 0).await;
    let chunk = chunk.expect("reading the chunk").expect("the chunk exists");
    assert!(chunk.result.is_some(), "{chunk:?}");
    import.set_begin_back(RUN_OVER).await;
    let run = import.finish_and_verify().await;
    assert_eq!(run.counts, Some(import.file.counts()));
    assert_eq!(run.job.expect("the run has a job").stopped, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_is_not_read_in_time_ends_its_run() {
    let harness = Harness::start().await;
    let import = Import::begin(&harness, ImportFile::small("unread")).await;
    import.set_begin_back(RUN_OVER).await;
    harness.sweep_result().await;
    let run = import.stored_run().await;
    assert_eq!(
        (run.state, run.status, run.counts),
        (State::Finished, Some(Status::Failure), None)
    );
    import.verify(&run, ConcurrentWrites::None).await;
    let counts = import_synchronously(&harness, &import.task, &import.file.body()).await;
    assert_eq!(counts, import.file.counts(), "the task must be free");
}

/// Delivers the message of a chunk to a writer that crashes before its first statements.
async fn crash_writer(import: &Import, message: &QueueMessage) {
    let crash = Faults::new(|request| match request.operation {
        BATCH_EXECUTE_STATEMENT => Fault::CrashBefore,
        _ => Fault::None,
    });
    let crash = crash.without_timeouts();
    let (outcome, _) = import.deliver(message, crash).await;
    assert!(matches!(outcome, DeliveryOutcome::Crashed), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_without_progress_is_stuck_unless_writers_are_busy_with_other_runs() {
    let entered = ["job", "entered_at"];
    let harness = Harness::start_with(1, times_without_chunk_deadline()).await;
    let file = ImportFile::new("failing", &[RecordKind::New]);
    let failing = Import::begin(&harness, file).await;
    let messages = failing.run_processor().await;
    crash_writer(&failing, &messages[0]).await;
    let stuck = harness.sweep_result().await.stuck;
    assert_eq!(stuck, 0, "its writer may still succeed");
    failing.expire_chunk_lease(0).await;
    crash_writer(&failing, &messages[0]).await;
    failing.set_back("RUN", &entered, STUCK).await;
    let stuck = harness.sweep_result().await.stuck;
    assert_eq!(stuck, 1, "two attempts have failed");

    let file = ImportFile::new("waiting", &[RecordKind::New; 3]);
    let waiting = Import::begin(&harness, file).await;
    drop(waiting.run_processor().await);
    waiting.set_back("RUN", &entered, STUCK).await;
    let stuck = harness.sweep_result().await.stuck;
    assert_eq!(stuck, 1, "writers are busy with the other run");
    failing.expire_chunk_lease(0).await;
    let stuck = harness.sweep_result().await.stuck;
    assert_eq!(stuck, 2, "no writer is busy");
    failing.finish_completely().await;
    waiting.finish_completely().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreadable_run_does_not_keep_the_sweep_from_other_runs() {
    let harness = Harness::start().await;
    let unreadable = Import::begin(&harness, ImportFile::small("unreadable")).await;
    let other = Import::begin(&harness, ImportFile::small("other")).await;
    assert_eq!(other.receive().await.len(), 1, "a message, which is lost");
    let store = &harness.stack.store;
    let mut broken = 0;
    for shard in 0..16 {
        let update = store
            .client()
            .update_item()
            .table_name(&store.tables.control);
        let update = update
            .key("pk", string(&format!("OPEN#{shard}")))
            .key("sk", string(&unreadable.run.to_string()))
            .condition_expression("attribute_exists(pk)")
            .update_expression("SET #kind = :kind")
            .expression_attribute_names("#kind", "kind")
            .expression_attribute_values(":kind", AttributeValue::Null(true));
        broken += usize::from(update.send().await.is_ok());
    }
    assert_eq!(broken, 1, "the run has one open-run row");
    let swept = harness.runner().sweep().await;
    swept.expect_err("the sweep reports the unreadable row");
    let resent = other.sweep_until_resent().await;
    other.deliver_without_faults(&resent[0]).await;
    other.finish_completely().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_locked_by_a_run_that_does_not_exist_is_freed() {
    let harness = Harness::start().await;
    let import = Import::begin(&harness, ImportFile::small("none")).await;
    let store = &harness.stack.store;
    let delete = store
        .client()
        .delete_item()
        .table_name(&store.tables.control);
    let delete = delete
        .key("pk", string(&format!("RUN#{}", import.run)))
        .key("sk", string("RUN"));
    delete.send().await.expect("deleting the run");
    assert_eq!(harness.sweep_result().await.freed, 1);
    let counts = import_synchronously(&harness, &import.task, &import.file.body()).await;
    assert_eq!(counts, import.file.counts());
    assert_eq!(
        harness.sweep_result().await,
        SweepReport::default(),
        "no row of the run is left"
    );
}

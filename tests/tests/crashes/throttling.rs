//! Chunks that take longer than their writer has time, and statements that are rejected.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use muster_aws::runs::StopReason;
use muster_core::run::State;
use muster_import::{Clock, ManualClock, Times};
use muster_tests::faults::{BATCH_EXECUTE_STATEMENT, Fault, Faults, StatementFault};

use crate::harness::{Harness, short_times, times_without_chunk_deadline};
use crate::import::{DeliveryOutcome, Import, poll_until};
use crate::import_file::{ImportFile, RecordKind};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_throttled_for_longer_than_its_writer_has_time_is_continued_by_the_next() {
    let clock = ManualClock::leak();
    let times = Times {
        chunk_tries: 2,
        clock: Clock::Manual(clock),
        ..times_without_chunk_deadline()
    };
    let harness = Harness::start_with(8, times).await;
    let file = ImportFile::new("slow", &[RecordKind::Stale; 8]);
    let import = Import::begin(&harness, file).await;
    let mut messages = import.run_processor().await;
    // Each writer gets one statement through. There are more writers than attempts at a chunk.
    for _ in 0..4 {
        let is_first_sent = AtomicBool::new(false);
        let faults = Faults::new(move |request| match request.operation {
            BATCH_EXECUTE_STATEMENT if is_first_sent.swap(true, Ordering::SeqCst) => {
                clock.advance(times.chunk_stop_after);
                Fault::Throttled
            }
            BATCH_EXECUTE_STATEMENT => Fault::Statements(0b1111_1110, StatementFault::Throttled),
            _ => Fault::None,
        })
        .without_timeouts();
        let (outcome, _) = import.deliver(&messages[0], faults).await;
        assert!(
            matches!(outcome, DeliveryOutcome::Acknowledged),
            "{outcome:?}"
        );
        messages = import.receive().await;
        assert_eq!(messages.len(), 1, "the chunk must be queued again");
    }
    assert_eq!(import.effects.effects().len(), 4);
    import.write_chunk(&messages[0]).await;
    import.finish_completely().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_with_a_chunk_that_cannot_be_applied_is_abandoned() {
    let clock = ManualClock::leak();
    let times = Times {
        chunk_tries: 2,
        clock: Clock::Manual(clock),
        ..short_times()
    };
    let harness = Harness::start_with(2, times).await;
    let kinds = [RecordKind::New, RecordKind::Stale, RecordKind::Stale];
    let import = Import::begin(&harness, ImportFile::new("stuck", &kinds)).await;
    let messages = import.run_processor().await;
    import.write_chunk(&messages[0]).await;
    let stuck = messages.last().expect("two chunks").clone();
    poll_until("the run stops", async || {
        if import.stored_run().await.state != State::Applying {
            return Some(());
        }
        let throttled = Faults::new(move |request| match request.operation {
            BATCH_EXECUTE_STATEMENT => {
                clock.advance(times.chunk_stop_after);
                Fault::Throttled
            }
            _ => Fault::None,
        });
        drop(import.deliver(&stuck, throttled).await);
        import.sweep(Faults::none()).await;
        None
    })
    .await;
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
async fn statements_that_are_throttled_contended_or_of_unknown_outcome_are_sent_again() {
    let harness = Harness::start_with(3, times_without_chunk_deadline()).await;
    for (number, fault) in [
        StatementFault::Throttled,
        StatementFault::Conflict,
        StatementFault::OutcomeUnknown,
    ]
    .into_iter()
    .enumerate()
    {
        for pattern in [0b001, 0b010, 0b110, 0b111] {
            let kinds = [
                RecordKind::New,
                RecordKind::Stale,
                RecordKind::UnchangedWithWarning,
            ];
            let tag = format!("part{number}x{pattern}x");
            let import = Import::begin(&harness, ImportFile::new(tag, &kinds)).await;
            let messages = import.run_processor().await;
            let is_faulty = Arc::new(AtomicBool::new(true));
            // Every second batch, so that batches that are sent again have the fault as well.
            let faults = Faults::new(move |request| match request.operation {
                BATCH_EXECUTE_STATEMENT if is_faulty.fetch_not(Ordering::SeqCst) => {
                    Fault::Statements(pattern, fault)
                }
                _ => Fault::None,
            });
            let (outcome, _) = import.deliver(&messages[0], faults).await;
            assert!(
                matches!(outcome, DeliveryOutcome::Acknowledged),
                "{outcome:?}"
            );
            let state = import.stored_run().await.state;
            assert_eq!(
                state,
                State::Finished,
                "the first writer must finish the run"
            );
            import.finish_completely().await;
        }
    }
}

//! Runs that are cancelled while they are applied: they count what was applied, and apply no more.

use std::sync::{Arc, Mutex};

use muster_core::run::State;
use muster_import::uploads::CancelOutcome;
use muster_tests::faults::{BATCH_EXECUTE_STATEMENT, Fault, Faults, Gate};

use crate::harness::Harness;
use crate::import::{DeliveryOutcome, Import, for_each_fault_and_request, for_each_request};
use crate::import_file::{ImportFile, RecordKind};
use crate::verifier::ConcurrentWrites;

/// Returns a file of two chunks of three.
fn two_chunks(tag: &str, number: usize) -> ImportFile {
    use RecordKind::{Invalid, New, Stale, Unchanged, UnchangedWithWarning};
    let first = [New, Stale, UnchangedWithWarning];
    let second = [New, Invalid, Unchanged];
    ImportFile::new(format!("{tag}{number}x"), &[first, second].concat())
}

/// Returns a file of two chunks of three, for a task that identifies people by external id. The first
/// chunk renames users.
fn two_chunks_with_renames(tag: &str, number: usize) -> ImportFile {
    use RecordKind::{Invalid, New, Renamed, Stale, Unchanged};
    let first = [Renamed, Stale, Renamed];
    let second = [New, Invalid, Unchanged];
    ImportFile::by_external_id(format!("{tag}{number}x"), &[first, second].concat())
}

/// Returns a file of one chunk.
fn one_chunk(tag: String) -> ImportFile {
    let kinds = [
        RecordKind::New,
        RecordKind::Stale,
        RecordKind::UnchangedWithWarning,
    ];
    ImportFile::new(tag, &kinds)
}

/// Runs the writer of one of two chunks with faults, and cancels the run.
async fn write_and_cancel(import: &Import, faults: Faults) -> Arc<Faults> {
    let messages = import.run_processor().await;
    let (_, faults) = import.deliver(&messages[0], faults).await;
    let cancelled = import.cancel(Faults::none()).await.expect("no crash");
    assert_eq!(
        cancelled.expect("cancelling the run"),
        CancelOutcome::Stopping,
        "a chunk is not written yet"
    );
    faults
}

/// Cancels a run whose writer has faults. Returns true if a fault was injected.
async fn cancel_after_faults(
    harness: Arc<Harness>,
    tag: &str,
    number: usize,
    faults: Faults,
) -> bool {
    let import = Import::begin(&harness, two_chunks(tag, number)).await;
    let faults = write_and_cancel(&import, faults).await;
    let run = import.finish_and_verify().await;
    assert_eq!(run.state, State::Cancelled);
    faults.were_injected()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_may_be_cancelled_after_a_writer_crashed_around_any_of_its_requests() {
    for_each_request(|harness, number| {
        let faults = Faults::at_write(number, Fault::CrashBefore);
        cancel_after_faults(harness, "before", number, faults)
    })
    .await;
    for_each_request(|harness, number| {
        let faults = Faults::at_write(number, Fault::CrashAfter);
        cancel_after_faults(harness, "after", number, faults)
    })
    .await;
}

/// Cancels a run, one of whose writes arrives after its end. Returns true if it was held back.
async fn cancel_with_a_write_in_flight(
    harness: Arc<Harness>,
    file: ImportFile,
    number: usize,
) -> bool {
    let import = Import::begin(&harness, file).await;
    let gate = Gate::default();
    let faults = Faults::at_write(number, Fault::GatedRequest(gate.clone()));
    let faults = write_and_cancel(&import, faults).await;
    let run = import.finish_without_faults().await;
    gate.open();
    import.verify(&run, ConcurrentWrites::None).await;
    assert_eq!(run.state, State::Cancelled);
    faults.were_injected()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_may_be_cancelled_while_a_write_is_in_flight() {
    for_each_request(|harness, number| {
        cancel_with_a_write_in_flight(harness, two_chunks("late", number), number)
    })
    .await;
    for_each_request(|harness, number| {
        let file = two_chunks_with_renames("renamelate", number);
        cancel_with_a_write_in_flight(harness, file, number)
    })
    .await;
}

/// Cancels a run of one chunk just before a request of its writer. Returns false if the writer ends
/// before that request.
async fn cancel_before_request(harness: Arc<Harness>, number: usize) -> bool {
    let import = Import::begin(&harness, one_chunk(format!("beside{number}x"))).await;
    let messages = import.run_processor().await;
    let cancelled = Arc::new(Mutex::new(None));
    let action = {
        let (import, cancelled) = (import.clone(), Arc::clone(&cancelled));
        Box::pin(async move {
            let result = import.cancel(Faults::none()).await;
            *cancelled.lock().expect("no panic") = result;
        })
    };
    let faults = Faults::none();
    let faults = faults.before_request(Some((number, action)));
    let (_, faults) = import.deliver(&messages[0], faults).await;
    let run = import.finish_and_verify().await;
    if faults.has_pending_action() {
        return false;
    }
    let cancelled = cancelled.lock().expect("no panic").take();
    match cancelled.expect("no crash").expect("cancelling the run") {
        // No writer finishes a stopping run as applied.
        CancelOutcome::Stopping => assert_eq!(run.state, State::Cancelled),
        CancelOutcome::Ended(_) => assert_eq!(run.state, State::Finished),
        other => panic!("expected stopping or ended, found {other:?}"),
    }
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_and_the_end_of_a_run_exclude_each_other() {
    for_each_request(cancel_before_request).await;
}

/// Cancels and sweeps a run, each with a crash. Returns true if the sweep crashed.
async fn cancel_with(harness: Arc<Harness>, number: usize, fault: Fault) -> bool {
    let import = Import::begin(&harness, two_chunks("cancel", number)).await;
    let messages = import.run_processor().await;
    let writing = Faults::at(12, Fault::CrashAfter);
    drop(import.deliver(&messages[0], writing).await);
    let cancelling = Faults::at_write(number, fault.clone());
    drop(import.cancel(cancelling).await);
    import.in_flight.drained().await;
    drop(import.cancel(Faults::none()).await);
    let sweep = import.sweep(Faults::at_write(number, fault)).await;
    let run = import.finish_and_verify().await;
    assert_eq!(run.state, State::Cancelled);
    sweep.were_injected()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_and_a_sweep_may_crash_around_any_request() {
    for_each_fault_and_request([Fault::CrashBefore, Fault::CrashAfter], cancel_with).await;
}

/// Cancels a run and reconciles its chunk with a crash, while the writer's statements are in flight.
/// Returns true if the crash happened.
async fn reconcile_with(harness: Arc<Harness>, number: usize, fault: Fault) -> bool {
    let import = Import::begin(&harness, one_chunk(format!("fence{number}x"))).await;
    let messages = import.run_processor().await;
    let gate = Gate::default();
    let late = || {
        let gate = gate.clone();
        Faults::new(move |request| match request.operation {
            BATCH_EXECUTE_STATEMENT => Fault::GatedRequest(gate.clone()),
            _ => Fault::None,
        })
    };
    import.deliver_until_injected(&messages[0], late).await;
    drop(import.cancel(Faults::none()).await);
    // A leased chunk is reconciled once its lease has expired.
    let messages = import.sweep_until_resent().await;
    let message = messages.last().expect("a message to reconcile the chunk");
    let crash = Faults::at_write(number, fault);
    let (outcome, faults) = import.deliver(message, crash).await;
    let injected = faults.were_injected();
    assert_eq!(
        injected,
        matches!(outcome, DeliveryOutcome::Crashed),
        "{outcome:?}"
    );
    let run = import.finish_without_faults().await;
    gate.open();
    import.verify(&run, ConcurrentWrites::None).await;
    assert_eq!(run.state, State::Cancelled);
    injected
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reconciling_writer_may_crash_around_any_request() {
    for_each_fault_and_request([Fault::CrashBefore, Fault::CrashAfter], reconcile_with).await;
}

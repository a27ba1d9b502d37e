//! A writer that crashes, or loses a request or a response, at each of its requests in turn. The
//! last requests finish the run, when its last chunk is committed.

use std::sync::Arc;

use muster_core::settings::{Limit, SafetyThreshold};
use muster_tests::faults::{Fault, Faults, Gate};

use crate::harness::Harness;
use crate::import::{Import, for_each_fault_and_request, for_each_request};
use crate::import_file::{ImportFile, RecordKind};
use crate::verifier::ConcurrentWrites;

/// Returns a file of one chunk, with each kind of record that makes a difference to a writer.
fn one_chunk(tag: &str, number: usize) -> ImportFile {
    let kinds = [
        RecordKind::New,
        RecordKind::Stale,
        RecordKind::UnchangedWithWarning,
    ];
    ImportFile::new(format!("{tag}{number}x"), &kinds)
}

/// Returns a file of one chunk, one record of which renames its user.
fn with_a_rename(tag: &str, number: usize) -> ImportFile {
    let kinds = [RecordKind::New, RecordKind::Stale, RecordKind::Renamed];
    ImportFile::by_external_id(format!("{tag}{number}x"), &kinds)
}

/// Runs the writer of the only chunk with faults. Returns true if a fault was injected.
async fn write_with(harness: Arc<Harness>, tag: &str, number: usize, faults: Faults) -> bool {
    write_file(harness, one_chunk(tag, number), faults).await
}

async fn write_file(harness: Arc<Harness>, file: ImportFile, faults: Faults) -> bool {
    let import = Import::begin(&harness, file).await;
    let messages = import.run_processor().await;
    // On a busy machine a sweep may have sent a message twice, that of the processor, too.
    let of_chunk = messages.iter().find(|message| message.is_of_first_chunk());
    let of_chunk = of_chunk.expect("a message of the chunk");
    let (_, faults) = import.deliver(of_chunk, faults).await;
    import.finish_completely().await;
    faults.were_injected()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_may_crash_before_any_of_its_requests() {
    for_each_request(|harness, number| {
        let faults = Faults::at_write(number, Fault::CrashBefore);
        write_with(harness, "before", number, faults)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_may_crash_after_any_of_its_requests() {
    for_each_request(|harness, number| {
        let faults = Faults::at_write(number, Fault::CrashAfter);
        write_with(harness, "after", number, faults)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_may_lose_the_response_to_any_of_its_requests() {
    for_each_request(|harness, number| {
        let faults = Faults::at(number, Fault::LostResponse);
        write_with(harness, "response", number, faults)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_may_lose_any_of_its_requests() {
    for_each_request(|harness, number| {
        let faults = Faults::at(number, Fault::LostRequest);
        write_with(harness, "request", number, faults)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_renames_a_user_may_crash_or_lose_a_response() {
    for_each_request(|harness, number| {
        let faults = Faults::at_write(number, Fault::CrashAfter);
        write_file(harness, with_a_rename("renameafter", number), faults)
    })
    .await;
    for_each_request(|harness, number| {
        let faults = Faults::at(number, Fault::LostResponse);
        write_file(harness, with_a_rename("renameresponse", number), faults)
    })
    .await;
}

/// Runs the writer of the only chunk, one of whose writes arrives after the end of the run. Returns
/// true if it was held back.
async fn write_late(harness: Arc<Harness>, file: ImportFile, number: usize) -> bool {
    let import = Import::begin(&harness, file).await;
    let messages = import.run_processor().await;
    let gate = Gate::default();
    let faults = Faults::at_write(number, Fault::GatedRequest(gate.clone()));
    let (_, faults) = import.deliver(&messages[0], faults).await;
    let run = import.finish_without_faults().await;
    gate.open();
    import.verify(&run, ConcurrentWrites::None).await;
    assert_eq!(run.counts, Some(import.file.counts()), "{run:?}");
    faults.were_injected()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_write_of_a_writer_may_arrive_after_others_have_done_its_work() {
    for_each_request(|harness, number| write_late(harness, one_chunk("late", number), number))
        .await;
    for_each_request(|harness, number| {
        write_late(harness, with_a_rename("renamelate", number), number)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_may_be_throttled_or_contended_at_any_of_its_requests() {
    for_each_request(|harness, number| {
        let faults = Faults::at(number, Fault::Throttled);
        write_with(harness, "throttled", number, faults)
    })
    .await;
    for_each_request(|harness, number| {
        let faults = Faults::at_write(number, Fault::Conflict);
        write_with(harness, "conflict", number, faults)
    })
    .await;
}

/// Runs the writer that plans the only chunk and moves the run to its next state, with faults.
/// Returns true if a fault was injected.
async fn plan_with(harness: Arc<Harness>, number: usize, faults: Faults) -> bool {
    let task = harness.create_task(0, |task| {
        task.safety_threshold = Some(SafetyThreshold::of_ignored(Limit::records(9)))
    });
    let task = task.await;
    let file = one_chunk(&format!("plan{}y", task.settings.id), number);
    let import = Import::begin_for_task(&harness, &task, file).await;
    let messages = import.run_processor().await;
    let (_, faults) = import.deliver(&messages[0], faults).await;
    import.finish_completely().await;
    faults.were_injected()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planning_writer_may_crash_around_any_request() {
    for_each_fault_and_request(
        [Fault::CrashBefore, Fault::CrashAfter],
        |harness, number, fault| plan_with(harness, number, Faults::at_write(number, fault)),
    )
    .await;
}

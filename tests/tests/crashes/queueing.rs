//! Crashes around the request that queues an import.

use std::sync::Arc;

use muster_tests::faults::{Fault, Faults, InFlight};

use crate::harness::Harness;
use crate::import::{Import, for_each_request, import_synchronously};
use crate::import_file::ImportFile;

/// Queues an import with faults. Returns true if a fault was injected.
async fn queue_with(harness: Arc<Harness>, faults: Faults) -> bool {
    let task = harness.create_task(0, |_| ()).await;
    let file = ImportFile::small(format!("q{}x", task.settings.id));
    import_synchronously(&harness, &task, &file.existing_users()).await;
    let in_flight = InFlight::default();
    let faults = Arc::new(faults.counted_in(&in_flight));
    let response = Import::queue(&harness, &task, &file, false, &faults).await;
    in_flight.drained().await;
    let runs = Import::runs_of(&harness, &task).await;
    assert!(runs.len() <= 1, "one request made two runs: {runs:?}");
    match runs.first() {
        Some(run) => {
            assert!(response.is_none_or(|id| id == run.id));
            let import = Import::new(&harness, &task, file, run.id, &in_flight);
            import.finish_completely().await;
        }
        None => {
            assert_eq!(
                response, None,
                "the response names a run that does not exist"
            );
            let locks = harness.access().lock_rows(task.settings.id).await;
            assert!(locks.is_empty(), "locked without a run: {locks:?}");
            let import = Import::begin_for_task(&harness, &task, file).await;
            import.finish_completely().await;
        }
    }
    faults.were_injected()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_before_a_request_that_queues_an_import_leaves_all_of_it_or_nothing() {
    for_each_request(|harness, number| {
        queue_with(harness, Faults::at_write(number, Fault::CrashBefore))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_after_a_request_that_queues_an_import_leaves_all_of_it_or_nothing() {
    for_each_request(|harness, number| {
        queue_with(harness, Faults::at_write(number, Fault::CrashAfter))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_response_while_an_import_is_queued_leaves_one_run() {
    for_each_request(|harness, number| {
        queue_with(harness, Faults::at(number, Fault::LostResponse))
    })
    .await;
}

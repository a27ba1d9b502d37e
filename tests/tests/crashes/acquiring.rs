//! Crashes around the request that queues an import.

use std::sync::Arc;

use muster_tests::faults::{Fault, Faults, UnderWay};

use crate::file::File;
use crate::import::{Import, at_every_request, import_now};
use crate::stage::Stage;

/// Queues an import under a fault; whether the fault was met.
async fn queue_under(stage: Arc<Stage>, faults: Faults) -> bool {
    let task = stage.task(0, |_| ()).await;
    let file = File::small(format!("q{}x", task.settings.id));
    import_now(&stage, &task, &file.before()).await;
    let under_way = UnderWay::default();
    let faults = Arc::new(faults.among(&under_way));
    let told = Import::queue(&stage, &task, &file, false, &faults).await;
    under_way.arrived().await;
    let runs = Import::runs_of(&stage, &task).await;
    assert!(runs.len() <= 1, "{runs:?}");
    match runs.first() {
        Some(run) => {
            assert!(told.is_none_or(|told| told == run.id));
            let import = Import::of(&stage, &task, file, run.id, &under_way);
            import.end_complete().await;
        }
        None => {
            assert_eq!(told, None, "told of a run that is none");
            let held = stage.access().hold_rows(task.settings.id).await;
            assert!(held.is_empty(), "held by nobody: {held:?}");
            let import = Import::begin_by(&stage, &task, file).await;
            import.end_complete().await;
        }
    }
    faults.were_met()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_before_a_request_of_the_acquire_leaves_all_of_it_or_nothing() {
    at_every_request(|stage, k| queue_under(stage, Faults::at_write(k, Fault::CrashBefore))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_after_a_request_of_the_acquire_leaves_all_of_it_or_nothing() {
    at_every_request(|stage, k| queue_under(stage, Faults::at_write(k, Fault::CrashAfter))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_the_acquire_that_is_lost_leaves_one_run() {
    at_every_request(|stage, k| queue_under(stage, Faults::at(k, Fault::LostAnswer))).await;
}

//! Claims on external ids of an interrupted request: they stay promised while one of its statements
//! may be under way.

use std::time::Duration;

use muster_core::run::Status;
use muster_import::{Clock, ManualClock, Times};
use muster_tests::faults::{BATCH_EXECUTE_STATEMENT, Fault, Faults, Gate};
use serde_json::json;

use crate::hand_over::{crashing_request_times, send_request};
use crate::harness::Harness;
use crate::import::{all_runs_of, import_synchronously};
use crate::import_file::{ImportFile, RecordKind};

/// Longer than an interrupted run rests.
const RESTED: Duration = Duration::from_secs(61);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_of_an_interrupted_request_is_promised_until_it_has_rested_and_free_then() {
    let times = Times {
        clock: Clock::Manual(ManualClock::leak()),
        ..crashing_request_times()
    };
    let harness = Harness::start_with(3, times).await;
    let task = harness.create_task(0, |_| ()).await;
    let file = ImportFile::new("resting", &[RecordKind::New]);
    // The first batch claims the external id.
    let crash = Faults::new(|request| match request.operation {
        BATCH_EXECUTE_STATEMENT => Fault::CrashAfter,
        _ => Fault::None,
    });
    let crash = crash.without_timeouts();
    let gate = Gate::default();
    let (_, sent) = send_request(&harness, &task, file, crash, times, &gate).await;
    let import = sent.expect("a run has begun");
    let run = import.finish_without_faults().await;
    assert_eq!(run.status, Some(Status::Failure), "{run:?}");
    assert!(run.rests_until.is_some(), "{run:?}");
    let login = import.file.login(0);
    assert_eq!(harness.user(&login).await, None);

    let other = harness.create_task(0, |_| ()).await;
    let mut body = import.file.body();
    body[0]["u"] = json!("another.resting");
    let counts = import_synchronously(&harness, &other, &body).await;
    assert_eq!((counts.ignored, counts.created), (1, 0), "{counts:?}");
    let runs = all_runs_of(&harness, &other).await;
    assert_eq!(runs[0].item_counts["external_id.promised"], 1, "{runs:?}");
    assert_eq!(harness.user("another.resting").await, None);

    import.set_back("RUN", &["rests_until"], RESTED).await;
    let counts = import_synchronously(&harness, &other, &body).await;
    assert_eq!((counts.ignored, counts.created), (0, 1), "{counts:?}");
    // The client that was interrupted sends its file again: the id is somebody else's now.
    let counts = import_synchronously(&harness, &task, &import.file.body()).await;
    assert_eq!((counts.ignored, counts.created), (1, 0), "{counts:?}");
    let runs = all_runs_of(&harness, &task).await;
    let taken = runs
        .iter()
        .filter_map(|run| run.item_counts.get("external_id.taken"));
    assert_eq!(taken.sum::<u64>(), 1, "{runs:?}");
}

//! Synchronous requests that run out of time and continue in the background, and those that crash
//! before: whichever of the lock, the chunks, the hand-over and its messages is lost, the run ends
//! and its task is free.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use muster_aws::tasks::Task;
use muster_core::run::{State, Status};
use muster_import::{Clock, Deadline, ImportResult, ManualClock, RunOutcome, Times, import};
use muster_tests::faults::{
    BATCH_EXECUTE_STATEMENT, EffectLog, Fault, Faults, Gate, InFlight, OutgoingRequest,
    StatementFault,
};
use tokio::task::JoinSet;

use crate::harness::{Harness, short_times};
use crate::import::{Import, all_runs_of, for_each_request_on, import_synchronously, request};
use crate::import_file::ImportFile;

/// Time after which a request starts no further writes.
const STOP_AFTER: Duration = Duration::from_millis(400);

/// Times of a request that has enough time for three batches, whose backoff takes 150 ms at most,
/// but not to write what is throttled, and then some to hand over.
pub fn short_request_times() -> Times {
    Times {
        stop_after: STOP_AFTER,
        give_up_after: Duration::from_millis(1_500),
        sync_hold: Duration::from_millis(1_800),
        sweep_grace: Duration::from_millis(100),
        ..short_times()
    }
}

/// Times of a request that keeps its lock until it hands over, even on a busy machine.
fn generous_request_times() -> Times {
    Times {
        sync_hold: Duration::from_secs(70),
        ..short_request_times()
    }
}

/// Times of a request that sends three batches even on a busy machine, and then crashes.
pub fn crashing_request_times() -> Times {
    Times {
        sync_hold: Duration::from_secs(4),
        ..short_request_times()
    }
}

/// The faults of a request that cannot write all statements in time: the first three batches get
/// some of them through, and with the next one the time for writes is over. One request has another
/// fault.
struct RequestFaults {
    faults: Faults,
    /// True once the other fault was injected.
    injected: Arc<AtomicBool>,
    /// The gate of the other fault.
    gate: Gate,
    /// The clock of the request.
    clock: &'static ManualClock,
}

impl RequestFaults {
    /// Injects `fault` into request `number` of those that `is_counted` counts.
    fn at(
        number: usize,
        is_counted: impl Fn(OutgoingRequest<'_>) -> bool + Send + 'static,
        fault: Fault,
    ) -> Self {
        let injected = Arc::new(AtomicBool::new(false));
        let gate = match &fault {
            Fault::GatedRequest(gate) => gate.clone(),
            _ => Gate::default(),
        };
        let (is_injected, mut counted, mut batches) = (Arc::clone(&injected), 0, 0);
        let clock = ManualClock::leak();
        let faults = Faults::new(move |request| {
            batches += usize::from(request.operation == BATCH_EXECUTE_STATEMENT);
            if is_counted(request) {
                counted += 1;
                if counted == number + 1 {
                    is_injected.store(true, Ordering::SeqCst);
                    return fault.clone();
                }
            }
            match (request.operation, batches) {
                (BATCH_EXECUTE_STATEMENT, 1..=3) => {
                    Fault::Statements(0b1010_1010, StatementFault::Throttled)
                }
                (BATCH_EXECUTE_STATEMENT, _) => {
                    clock.advance(STOP_AFTER);
                    Fault::Throttled
                }
                _ => Fault::None,
            }
        });
        Self {
            faults,
            injected,
            gate,
            clock,
        }
    }

    /// Injects `fault` into a write other than a batch: the lock, a chunk, the hand-over, the
    /// messages, the record that they were sent.
    fn at_other_write(number: usize, fault: Fault) -> Self {
        let is_counted = |request: OutgoingRequest<'_>| {
            request.is_write() && request.operation != BATCH_EXECUTE_STATEMENT
        };
        Self::at(number, is_counted, fault)
    }

    /// Injects `fault` into a batch.
    fn at_batch(number: usize, fault: Fault) -> Self {
        let is_counted =
            |request: OutgoingRequest<'_>| request.operation == BATCH_EXECUTE_STATEMENT;
        Self::at(number, is_counted, fault)
    }
}

/// Sends a request with these times. Opens the gate when its function has ended. Returns its
/// response and its run; the file, if it has none.
pub async fn send_request(
    harness: &Arc<Harness>,
    task: &Task,
    file: ImportFile,
    faults: Faults,
    times: Times,
    gate: &Gate,
) -> (Option<ImportResult>, Result<Import, ImportFile>) {
    let before = all_runs_of(harness, task).await;
    let (in_flight, effects) = (InFlight::default(), EffectLog::default());
    let faults = Arc::new(faults.counted_in(&in_flight).recorded_in(&effects));
    let runner = faults.runner(&harness.runner());
    let sent = request(task, &file.body(), false);
    let deadline = Deadline::start(times);
    let importing = import(&runner.store, &runner.background, deadline, sent);
    let response = faults.run_until_crash(importing).await;
    let response = response.and_then(Result::ok);
    gate.open();
    in_flight.drained().await;

    let mut runs = all_runs_of(harness, task).await;
    runs.retain(|run| before.iter().all(|other| other.id != run.id));
    assert!(runs.len() <= 1, "one request made two runs: {runs:?}");
    let Some(run) = runs.pop() else {
        assert!(
            !matches!(response, Some(ImportResult::Background { .. })),
            "{response:?}"
        );
        return (response, Err(file));
    };
    let mut import = Import::new(harness, task, file, run.id, &in_flight);
    import.effects = effects.of_run(run.id);
    (response, Ok(import))
}

/// The outcome of a request that runs out of time.
struct RequestOutcome {
    injected: bool,
    handed_over: bool,
}

/// Sends a request that runs out of time, and verifies its run.
async fn run_out_of_time(
    harness: Arc<Harness>,
    tag: &'static str,
    faults: RequestFaults,
    times: Times,
) -> RequestOutcome {
    let RequestFaults {
        faults,
        injected,
        gate,
        clock,
    } = faults;
    let times = Times {
        clock: Clock::Manual(clock),
        ..times
    };
    let task = harness.create_task(0, |_| ()).await;
    let file = ImportFile::small(format!("{tag}{}x", task.settings.id));
    import_synchronously(&harness, &task, &file.existing_users()).await;
    let (response, sent) = send_request(&harness, &task, file, faults, times, &gate).await;
    let injected = injected.load(Ordering::SeqCst);
    let import = match sent {
        Ok(import) => import,
        Err(file) => {
            assert_resend_completes(&harness, &task, &file).await;
            return RequestOutcome {
                injected,
                handed_over: false,
            };
        }
    };
    let handed_over = import.stored_run().await.job.is_some();
    if handed_over {
        import.finish_completely().await;
    } else {
        assert_failed_without_hand_over(&import, response).await;
    }
    RequestOutcome {
        injected,
        handed_over,
    }
}

/// Asserts that a run that was not handed over fails; the sweep ends it if its function has not.
pub async fn assert_failed_without_hand_over(import: &Import, response: Option<ImportResult>) {
    match response {
        None
        | Some(ImportResult::Busy { .. })
        | Some(ImportResult::Ended {
            outcome: RunOutcome::Failed { .. },
            ..
        }) => {}
        Some(other) => panic!("the run is not in the background, but its response is {other:?}"),
    }
    let run = import.finish_without_faults().await;
    assert_eq!(
        (run.state, run.status),
        (State::Finished, Some(Status::Failure)),
        "{run:?}"
    );
    let repeated = import.effects.repeated();
    assert!(repeated.is_empty(), "applied more than once: {repeated:?}");
    let locks = import.harness.access().lock_rows(run.task).await;
    assert!(locks.is_empty(), "the task is still locked: {locks:?}");
    assert_resend_completes(&import.harness, &import.task, &import.file).await;
}

/// Asserts that sending the same file again applies whatever is left.
pub async fn assert_resend_completes(harness: &Arc<Harness>, task: &Task, file: &ImportFile) {
    let counts = import_synchronously(harness, task, &file.body()).await;
    let (users, expected) = (file.logins().len() as u64, file.counts());
    assert_eq!(counts.created + counts.updated + counts.unchanged, users);
    assert_eq!(
        [counts.total, counts.ignored],
        [expected.total, expected.ignored],
        "{counts:?}"
    );
    let counts = import_synchronously(harness, task, &file.body()).await;
    assert_eq!(counts.unchanged, users, "{counts:?}");
}

async fn at_every_other_write(tag: &'static str, fault: impl Fn() -> Fault) {
    let times = short_request_times();
    let harness = Harness::start_with(3, times).await;
    for_each_request_on(&harness, |harness, number| {
        let faults = RequestFaults::at_other_write(number, fault());
        let outcome = run_out_of_time(harness, tag, faults, times);
        async move { outcome.await.injected }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_runs_out_of_time_continues_in_the_background() {
    let times = generous_request_times();
    let harness = Harness::start_with(3, times).await;
    let faults = RequestFaults::at(0, |_| false, Fault::None);
    let outcome = run_out_of_time(harness, "plain", faults, times).await;
    assert!(outcome.handed_over);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hand_over_may_crash_around_any_write() {
    at_every_other_write("before", || Fault::CrashBefore).await;
    at_every_other_write("after", || Fault::CrashAfter).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hand_over_may_lose_any_of_its_requests_or_responses() {
    at_every_other_write("request", || Fault::LostRequest).await;
    at_every_other_write("response", || Fault::LostResponse).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_write_of_a_hand_over_may_arrive_after_its_function_has_ended() {
    at_every_other_write("late", || Fault::GatedRequest(Gate::default())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_crashes_before_its_hand_over_fails_and_can_be_sent_again() {
    let harness = Harness::start_with(3, short_request_times()).await;
    let mut requests = JoinSet::new();
    for (tag, fault) in [
        ("first", Fault::CrashBefore),
        ("then", Fault::CrashAfter),
        ("lost", Fault::LostResponse),
    ] {
        let crashes = fault != Fault::LostResponse;
        let times = match crashes {
            true => crashing_request_times(),
            false => generous_request_times(),
        };
        for batch in 0..3 {
            let (harness, fault) = (Arc::clone(&harness), fault.clone());
            requests.spawn(async move {
                let faults = RequestFaults::at_batch(batch, fault.clone());
                let outcome = run_out_of_time(harness, tag, faults, times).await;
                assert!(
                    outcome.injected && outcome.handed_over != crashes,
                    "{fault:?} at batch {batch}"
                );
            });
        }
    }
    requests.join_all().await;
}

//! Requests that near their time and go on in the background, and those that die before: whatever of
//! the hold, the chunks, the hand-over and its messages is lost, the run ends and its task is free.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use muster_aws::tasks::Task;
use muster_core::run::{State, Status};
use muster_import::{Deadline, Outcome, SyncImport, Times, import};
use muster_tests::faults::{Applied, Asked, BATCH, Fault, Faults, Trouble, UnderWay};

use crate::file::File;
use crate::import::{Import, all_runs_of, at_every_request_of, import_now, request};
use crate::stage::{Stage, times};

/// A request has no time to write what is throttled, but for three batches, whose pauses take 150 ms
/// at most; and some to hand it over.
pub fn hurried() -> Times {
    Times {
        stop_after: Duration::from_millis(400),
        give_up_after: Duration::from_millis(1_500),
        sync_hold: Duration::from_millis(1_800),
        sweep_grace: Duration::from_millis(100),
        ..times()
    }
}

/// What meets a request: only some of its statements ever get through, and one request gets this.
struct Hurry {
    faults: Faults,
    /// Whether that one was there.
    met: Arc<AtomicBool>,
}

impl Hurry {
    /// The request of that number, of those that count.
    fn at(
        number: usize,
        counts: impl Fn(Asked<'_>) -> bool + Send + 'static,
        fault: Fault,
    ) -> Self {
        let met = Arc::new(AtomicBool::new(false));
        let (meets, mut before, mut batches) = (Arc::clone(&met), 0, 0);
        let faults = Faults::new(move |asked| {
            batches += usize::from(asked.operation == BATCH);
            if counts(asked) {
                before += 1;
                if before == number + 1 {
                    meets.store(true, Ordering::SeqCst);
                    return fault.clone();
                }
            }
            match (asked.operation, batches) {
                (BATCH, 1..=3) => Fault::Statements(0b1010_1010, Trouble::Throttled),
                (BATCH, _) => Fault::Throttled,
                _ => Fault::Passes,
            }
        });
        Self { faults, met }
    }

    /// A write that is no batch of statements: the acquire, a chunk, the hand-over, the messages,
    /// the note that they were sent.
    fn at_other_write(number: usize, fault: Fault) -> Self {
        Self::at(
            number,
            |asked| asked.writes() && asked.operation != BATCH,
            fault,
        )
    }

    fn at_batch(number: usize, fault: Fault) -> Self {
        Self::at(number, |asked| asked.operation == BATCH, fault)
    }
}

/// Sends a request that has not enough time; what its client was told, and its run, if there is
/// one.
pub async fn send_in_a_hurry(
    stage: &Arc<Stage>,
    task: &Task,
    file: File,
    faults: Faults,
) -> (Option<SyncImport>, Result<Import, File>) {
    let before = all_runs_of(stage, task).await;
    let (under_way, applied) = (UnderWay::default(), Applied::default());
    let faults = Arc::new(faults.among(&under_way).noting(&applied));
    let runner = faults.runner(&stage.runner());
    let sent = request(task, &file.body(), false);
    let deadline = Deadline::start(hurried());
    let imported = import(&runner.store, &runner.background, deadline, sent);
    let told = faults.alive(imported).await.and_then(Result::ok);
    under_way.arrived().await;

    let mut runs = all_runs_of(stage, task).await;
    runs.retain(|run| before.iter().all(|other| other.id != run.id));
    assert!(runs.len() <= 1, "runs of one request: {runs:?}");
    let Some(run) = runs.pop() else {
        assert!(!matches!(told, Some(SyncImport::Queued { .. })), "{told:?}");
        return (told, Err(file));
    };
    let mut import = Import::of(stage, task, file, run.id, &under_way);
    import.applied = applied.by(run.id);
    (told, Ok(import))
}

/// A request that has not enough time; whether it met what it was to meet, and whether its run went
/// on in the background.
async fn hurry(stage: Arc<Stage>, tag: &'static str, hurry: Hurry) -> (bool, bool) {
    let Hurry { faults, met } = hurry;
    let task = stage.task(0, |_| ()).await;
    let file = File::small(format!("{tag}{}x", task.settings.id));
    import_now(&stage, &task, &file.before()).await;
    let (told, sent) = send_in_a_hurry(&stage, &task, file, faults).await;
    let met = met.load(Ordering::SeqCst);
    let import = match sent {
        Ok(import) => import,
        Err(file) => {
            again(&stage, &task, &file).await;
            return (met, false);
        }
    };
    let handed_over = import.row().await.job.is_some();
    if handed_over {
        import.end_complete().await;
    } else {
        ended_alone(&import, told).await;
    }
    (met, handed_over)
}

/// A run that was not handed over has failed; the sweep says so if nobody else does.
pub async fn ended_alone(import: &Import, told: Option<SyncImport>) {
    match told {
        None
        | Some(SyncImport::Busy { .. })
        | Some(SyncImport::Ended {
            outcome: Outcome::Failed { .. },
            ..
        }) => {}
        Some(other) => panic!("not in the background, and yet {other:?}"),
    }
    let run = import.end_calmly().await;
    assert_eq!(
        (run.state, run.status),
        (State::Finished, Some(Status::Failure)),
        "{run:?}"
    );
    let repeated = import.applied.repeated();
    assert!(repeated.is_empty(), "applied more than once: {repeated:?}");
    let held = import.stage.access().hold_rows(run.task).await;
    assert!(held.is_empty(), "held in the end: {held:?}");
    again(&import.stage, &import.task, &import.file).await;
}

/// The same file, sent again, does all that is left.
pub async fn again(stage: &Arc<Stage>, task: &Task, file: &File) {
    let counts = import_now(stage, task, &file.body()).await;
    let (all, whole) = (file.logins().len() as u64, file.counts());
    assert_eq!(counts.created + counts.updated + counts.unchanged, all);
    assert_eq!(
        [counts.total, counts.ignored],
        [whole.total, whole.ignored],
        "{counts:?}"
    );
    let counts = import_now(stage, task, &file.body()).await;
    assert_eq!(counts.unchanged, all, "{counts:?}");
}

async fn at_every_other_write(tag: &'static str, fault: Fault) {
    let stage = Stage::with(3, hurried()).await;
    at_every_request_of(&stage, |stage, k| {
        let hurried = hurry(stage, tag, Hurry::at_other_write(k, fault.clone()));
        async move { hurried.await.0 }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_nears_its_time_goes_on_in_the_background() {
    let stage = Stage::with(3, hurried()).await;
    let (_, handed_over) = hurry(stage, "plain", Hurry::at(0, |_| false, Fault::Passes)).await;
    assert!(handed_over);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_hands_over_may_die_around_any_write() {
    at_every_other_write("before", Fault::CrashBefore).await;
    at_every_other_write("after", Fault::CrashAfter).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hand_over_may_lose_any_of_its_requests_or_answers() {
    at_every_other_write("request", Fault::LostRequest).await;
    at_every_other_write("answer", Fault::LostAnswer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hand_over_may_arrive_when_it_is_not_waited_for_any_more() {
    at_every_other_write("late", Fault::LateRequest(Duration::from_millis(1_700))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_dies_before_its_hand_over_has_failed_and_can_be_sent_again() {
    let stage = Stage::with(3, hurried()).await;
    for (tag, fault) in [
        ("first", Fault::CrashBefore),
        ("then", Fault::CrashAfter),
        ("lost", Fault::LostAnswer),
    ] {
        for batch in 0..3 {
            let (stage, dies) = (Arc::clone(&stage), fault != Fault::LostAnswer);
            let hurried = Hurry::at_batch(batch, fault.clone());
            let (met, handed_over) = hurry(stage, tag, hurried).await;
            assert!(met && handed_over != dies, "{fault:?} at batch {batch}");
        }
    }
}

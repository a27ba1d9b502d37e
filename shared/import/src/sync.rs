//! A synchronous import: one request, one run, one reply (CONTRACT §1, PROTOCOL §3).

use std::ops::ControlFlow::{self, Break, Continue};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use jiff::Timestamp;
use muster_aws::holds::{Acquired, HoldKind};
use muster_aws::keys::Answer;
use muster_aws::runs::{NewRun, RunId};
use muster_aws::{Background, Store, StoreError};
use muster_core::item::Item;
use muster_core::limits;
use muster_core::reader::{Position, ReadError, Sizes};
use muster_core::rules::Rules;
use muster_core::run::{Counts, State};
use muster_core::settings::{SafetyThreshold, TaskSettings};
use muster_core::survey::{Collected, collect};
use tracing::Instrument as _;

use crate::apply::apply;
use crate::deadline::Deadline;
use crate::ending::End;
use crate::foresight::count;
use crate::handing::{HandOver, HandedOver};
use crate::keyed::{kept_out, under_key};
use crate::planning::plan_all;
use crate::sending::{Halt, Sender};
use crate::threshold::tripped;
use crate::work::{Ledger, RunContext};

/// What is to be imported, and for whom.
#[derive(Debug, Clone)]
pub struct SyncRequest {
    /// The tenant that the token stands for.
    pub tenant: String,
    /// The robot, permitted on the task.
    pub robot: String,
    /// The task's settings, as they are now.
    pub task: TaskSettings,
    /// The version of these settings.
    pub settings_version: u64,
    /// The request's body, within the limits of a synchronous import.
    pub body: Bytes,
    /// Whether the reply shows the warnings.
    pub debug: bool,
    /// Whether nothing is to be written but the log.
    pub dry_run: bool,
    /// What the client calls the request, if it may send it again.
    pub key: Option<IdempotencyKey>,
}

/// What a client calls a request: the same name is the same request only at the same place.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    /// The header's text.
    pub text: String,
    /// The request's path.
    pub path: String,
    /// The URL's query, without its question mark.
    pub query: String,
}

/// What became of a request.
#[derive(Debug)]
pub enum SyncImport {
    /// The task runs another import; there is no run.
    Busy {
        /// Seconds to wait, at least 1.
        retry_after: u64,
    },
    /// The request's key names another body; there is no run.
    KeyReused,
    /// The request is running already, under the same key.
    KeyRunning {
        /// Seconds to wait, at least 1.
        retry_after: u64,
    },
    /// The request was answered before, under the same key.
    Replayed {
        /// The run that was made then.
        run: RunId,
        /// The answer of then.
        answer: Answer,
    },
    /// There is a run, and it goes on in the background.
    Queued {
        /// Its name.
        run: RunId,
        /// What the client gets.
        answer: Answer,
    },
    /// There is a run, and it has ended.
    Ended {
        /// Its name.
        run: RunId,
        /// How.
        outcome: Outcome,
    },
}

/// How a run ended.
#[derive(Debug)]
pub enum Outcome {
    /// The import went through.
    Imported {
        /// What became of the records.
        counts: Counts,
        /// The warnings, in record order.
        items: Vec<Item>,
        /// What the client gets.
        answer: Answer,
    },
    /// The request was refused: nothing of it was applied.
    Refused {
        /// What the client gets.
        answer: Answer,
    },
    /// The service gave up; part of it may have been applied.
    Failed {
        /// What the client may read.
        message: String,
    },
}

/// Imports a request's body; one that nears its time goes on in the background. The work goes on if the caller stops waiting: a client that hangs up
/// must leave neither half a run nor a held task.
///
/// # Errors
/// The store's, as long as there is no run.
pub async fn import(
    store: &Store,
    background: &Background,
    deadline: Deadline,
    request: SyncRequest,
) -> Result<SyncImport, StoreError> {
    let (store, background) = (store.clone(), background.clone());
    to_its_end(async move { run(&store, &background, deadline, request).await }).await
}

/// Does the work, though the caller may stop waiting for it.
pub(crate) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    match tokio::spawn(work.in_current_span()).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

async fn run(
    store: &Store,
    background: &Background,
    deadline: Deadline,
    request: SyncRequest,
) -> Result<SyncImport, StoreError> {
    let started_at = Timestamp::now();
    let (run, rules) = match prepare(store, &request, started_at).await? {
        Continue(prepared) => prepared,
        Break(answered) => return Ok(answered),
    };
    if let Some(refused) = acquire(store, deadline, &request.task, &run, started_at).await? {
        return Ok(refused);
    }
    tracing::info!(import.id = %run.id, task.id = run.task, bytes = run.size, "import began");
    let context = RunContext::new(&run, started_at, started_at, deadline.times());
    let mut sender = Sender::new(store, deadline);
    let threshold = request.task.safety_threshold;
    let (rules, body) = (Arc::new(rules), request.body);
    let work = work(&mut sender, &rules, &context, threshold, body.clone());
    let worked = AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or_else(|_panic| {
            tracing::error!(import.id = %run.id, "import panicked");
            Worked::Ended(End::panicked(&run))
        });
    let end = match worked {
        Worked::Ended(end) => end,
        Worked::OutOfTime { to, end } => {
            let hand_over = HandOver {
                store,
                background,
                deadline,
                run: &run,
                settings_version: request.settings_version,
                acquired_at: started_at,
            };
            match hand_over.to(to, rules, body).await {
                HandedOver::Done(answer) => {
                    let run = run.id;
                    return Ok(SyncImport::Queued { run, answer });
                }
                HandedOver::NotBegun => end,
                HandedOver::Unknown => return Ok(end.unrecorded(&run)),
            }
        }
    };
    Ok(end.record(store, &run, request.debug, deadline).await)
}

/// What the work within a request came to.
enum Worked {
    /// Its end.
    Ended(End),
    /// The time for writes was over: it can go on in this state, or end so.
    OutOfTime { to: State, end: End },
}

/// What comes before a run may take its task: its key, and the task's settings. Or what these say
/// the answer is.
pub(crate) async fn prepare(
    store: &Store,
    request: &SyncRequest,
    now: Timestamp,
) -> Result<ControlFlow<SyncImport, (NewRun, Rules)>, StoreError> {
    let key = match under_key(store, request, now).await? {
        Continue(key) => key,
        Break(known) => return Ok(Break(known)),
    };
    let run = NewRun {
        id: RunId::generate(now),
        tenant: request.tenant.clone(),
        task: request.task.id,
        robot: request.robot.clone(),
        size: request.body.len() as u64,
        dry_run: request.dry_run,
        key,
    };
    match rules(&request.task) {
        Ok(rules) => Ok(Continue((run, rules))),
        Err(errors) => {
            let end = End::refused(errors, None, Vec::new());
            let ended = end.record_alone(store, &run, request.debug, now);
            ended.await.map(Break)
        }
    }
}

/// Takes the task's hold. `Some`: it is not to be had, and why.
async fn acquire(
    store: &Store,
    deadline: Deadline,
    task: &TaskSettings,
    run: &NewRun,
    now: Timestamp,
) -> Result<Option<SyncImport>, StoreError> {
    let hold = deadline.times().sync_hold;
    let acquired = deadline
        .before_giving_up(store.acquire(run, now, hold))
        .await;
    kept_from(store, task, run, acquired, hold.as_secs().max(1)).await
}

/// What keeps a run from its task, given what an acquire was answered with, if it was in time.
/// `Some`: there is something. It may be the run itself, if the answer was lost: then for `unknown`
/// seconds, as far as anybody can tell.
pub(crate) async fn kept_from(
    store: &Store,
    task: &TaskSettings,
    run: &NewRun,
    acquired: Option<Result<Acquired, StoreError>>,
    unknown: u64,
) -> Result<Option<SyncImport>, StoreError> {
    let unknown = SyncImport::Busy {
        retry_after: unknown,
    };
    match acquired {
        Some(Ok(Acquired::Mine)) => Ok(None),
        Some(Ok(Acquired::Held { kind, until })) => {
            let wait = retry_after(task, kind, until, Timestamp::now());
            kept_out(store, task, run, wait).await.map(Some)
        }
        Some(Ok(Acquired::KeyUsed)) => kept_out(store, task, run, 1).await.map(Some),
        Some(Err(error)) if error.retryable() => {
            tracing::error!(task.id = run.task, %error, "the hold of a task was not answered");
            Ok(Some(unknown))
        }
        Some(Err(error)) => Err(error),
        None => {
            tracing::error!(
                task.id = run.task,
                "the hold of a task was not answered in time"
            );
            Ok(Some(unknown))
        }
    }
}

/// The rules of a task that may run.
pub(crate) fn rules(task: &TaskSettings) -> Result<Rules, Vec<String>> {
    if !task.enabled {
        return Err(vec![format!(
            "the task {} is disabled: enable it in its settings, then send the data again",
            task.id
        )]);
    }
    Rules::new(task).map_err(|problems| {
        let problems = problems.iter();
        problems
            .map(|problem| format!("the settings of task {} are incomplete: {problem}", task.id))
            .collect()
    })
}

/// Seconds to wait for a run in the background: what it may take is not known.
pub(crate) const QUEUED: u64 = 60;

/// Seconds that a client is told to wait while another run holds the task.
pub(crate) fn retry_after(
    task: &TaskSettings,
    kind: HoldKind,
    until: Option<Timestamp>,
    now: Timestamp,
) -> u64 {
    if let Some(seconds) = task.retry_after_seconds {
        return u64::from(seconds);
    }
    match kind {
        HoldKind::Queued => QUEUED,
        HoldKind::Sync => {
            let left = until.map_or(0, |until| until.as_millisecond() - now.as_millisecond());
            u64::try_from(left).unwrap_or(0).div_ceil(1_000).max(1)
        }
    }
}

/// Checks, plans and applies the body.
async fn work(
    sender: &mut Sender<'_>,
    rules: &Arc<Rules>,
    context: &RunContext<'_>,
    threshold: Option<SafetyThreshold>,
    body: Bytes,
) -> Worked {
    let collected = match check(Arc::clone(rules), body).await {
        Ok(collected) => collected,
        Err(error) => return Worked::Ended(End::refused(vec![error], None, Vec::new())),
    };
    let (mut ledger, records) = Ledger::open(collected);
    // Nothing is written before all of it is planned, if that is what decides.
    let planned_first = context.run.dry_run || threshold.is_some();
    let (records, standing) = match plan_all(sender, rules, context, records, &mut ledger).await {
        Ok(planned) => planned,
        Err(cause) if planned_first => return halted(context, cause, ledger, State::Planning),
        Err(cause) => return halted(context, cause, ledger, State::Applying),
    };
    if let Some(error) = threshold.and_then(|threshold| tripped(threshold, ledger.counts)) {
        let (counts, items) = ledger.close();
        return Worked::Ended(End::refused(vec![error], Some(counts), items));
    }
    let (done, goes_on) = if context.run.dry_run {
        let counted = count(sender, rules, context, records, &standing, &mut ledger).await;
        (counted, State::Planning)
    } else {
        let applied = apply(sender, rules, context, records, standing, &mut ledger).await;
        (applied, State::Applying)
    };
    match done {
        Ok(()) => Worked::Ended(End::imported(ledger.close())),
        Err(cause) => halted(context, cause, ledger, goes_on),
    }
}

/// A run that cannot go on here: in the background, it may.
fn halted(context: &RunContext<'_>, cause: Halt, ledger: Ledger, to: State) -> Worked {
    let out_of_time = matches!(cause, Halt::OutOfTime { .. });
    let end = gave_up(context, &cause, ledger);
    if out_of_time {
        Worked::OutOfTime { to, end }
    } else {
        Worked::Ended(end)
    }
}

fn gave_up(context: &RunContext<'_>, cause: &Halt, ledger: Ledger) -> End {
    tracing::warn!(import.id = %context.run.id, %cause, "import cannot go on");
    End::gave_up(context.run, cause, ledger.close())
}

/// Parsing and validation keep a core busy, so they stay off the tokio workers.
async fn check(rules: Arc<Rules>, body: Bytes) -> Result<Collected, String> {
    let sizes = Sizes {
        window: limits::SYNC_BYTES + 1,
        ..Sizes::default()
    };
    let key = rand::random();
    let input = body.clone();
    let checked =
        tokio::task::spawn_blocking(move || collect(input.as_ref(), &rules, sizes, &key)).await;
    let error = match checked {
        Ok(Ok(collected)) => return Ok(collected),
        Ok(Err(error)) => error,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    };
    Err(not_an_array(&error, &body))
}

fn not_an_array(error: &ReadError, body: &[u8]) -> String {
    match error {
        ReadError::Io(error) => format!("the body could not be read: {error}"),
        ReadError::Syntax(syntax) => match Position::locate(body, syntax.offset) {
            Ok(position) => format!(
                "the body is not a JSON array of objects: {} at {position}; nothing was imported",
                syntax.reason
            ),
            Err(error) => format!("the body could not be read: {error}"),
        },
    }
}

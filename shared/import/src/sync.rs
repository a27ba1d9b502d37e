//! A synchronous import: one request, one run, one reply (CONTRACT §1, PROTOCOL §3).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use jiff::Timestamp;
use muster_aws::holds::{Acquired, HoldKind};
use muster_aws::runs::{NewRun, RunId};
use muster_aws::{Store, StoreError};
use muster_core::item::Item;
use muster_core::limits;
use muster_core::reader::{Position, ReadError, Sizes};
use muster_core::rules::Rules;
use muster_core::run::Counts;
use muster_core::settings::{SafetyThreshold, TaskSettings};
use muster_core::survey::{Collected, collect};
use tracing::Instrument as _;

use crate::apply::apply;
use crate::deadline::Deadline;
use crate::ending::End;
use crate::planning::plan_all;
use crate::sending::{Halt, Sender};
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
    /// The request's body, within the limits of a synchronous import.
    pub body: Bytes,
}

/// What became of a request.
#[derive(Debug)]
pub enum SyncImport {
    /// The task runs another import; there is no run.
    Busy {
        /// Seconds to wait, at least 1.
        retry_after: u64,
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
    },
    /// The request was refused: nothing of it was applied.
    Refused {
        /// Why.
        errors: Vec<String>,
        /// The warnings, where records were looked at.
        items: Vec<Item>,
    },
    /// The service gave up; part of it may have been applied.
    Failed {
        /// What the client may read.
        message: String,
    },
}

/// Imports a request's body. The work goes on if the caller stops waiting: a client that hangs up
/// must leave neither half a run nor a held task.
///
/// # Errors
/// The store's, as long as there is no run.
pub async fn import(
    store: &Store,
    deadline: Deadline,
    request: SyncRequest,
) -> Result<SyncImport, StoreError> {
    let store = store.clone();
    let work = async move { run(&store, deadline, request).await };
    match tokio::spawn(work.in_current_span()).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

async fn run(
    store: &Store,
    deadline: Deadline,
    request: SyncRequest,
) -> Result<SyncImport, StoreError> {
    let started_at = Timestamp::now();
    let run = NewRun {
        id: RunId::generate(started_at),
        tenant: request.tenant,
        task: request.task.id,
        robot: request.robot,
        size: request.body.len() as u64,
        dry_run: false,
    };
    let rules = match rules(&request.task) {
        Ok(rules) => rules,
        Err(errors) => {
            let end = End::refused(errors, None, Vec::new());
            let outcome = end.record_alone(store, &run, started_at).await?;
            return Ok(SyncImport::Ended {
                run: run.id,
                outcome,
            });
        }
    };
    if let Some(retry_after) = acquire(store, deadline, &request.task, &run, started_at).await? {
        return Ok(SyncImport::Busy { retry_after });
    }
    tracing::info!(import.id = %run.id, task.id = run.task, bytes = run.size, "import began");
    let context = RunContext::new(&run, started_at, deadline.times());
    let mut sender = Sender::new(store, deadline);
    let threshold = request.task.safety_threshold;
    let work = work(&mut sender, rules, &context, threshold, request.body);
    let end = AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or_else(|_panic| {
            tracing::error!(import.id = %run.id, "import panicked");
            End::panicked()
        });
    let outcome = end.record(store, &run, deadline).await;
    Ok(SyncImport::Ended {
        run: run.id,
        outcome,
    })
}

/// Takes the task's hold. `Some`: it is not to be had, come again in so many seconds.
async fn acquire(
    store: &Store,
    deadline: Deadline,
    task: &TaskSettings,
    run: &NewRun,
    now: Timestamp,
) -> Result<Option<u64>, StoreError> {
    let hold = deadline.times().sync_hold;
    match deadline
        .before_giving_up(store.acquire(run, now, hold))
        .await
    {
        Some(Ok(Acquired::Mine)) => Ok(None),
        Some(Ok(Acquired::Held { kind, until })) => {
            Ok(Some(retry_after(task, kind, until, Timestamp::now())))
        }
        // Whether the task is held now nobody knows; if it is, then for this long at most.
        Some(Err(error)) if error.retryable() => {
            tracing::error!(task.id = run.task, %error, "the hold of a task was not answered");
            Ok(Some(hold.as_secs().max(1)))
        }
        Some(Err(error)) => Err(error),
        None => {
            tracing::error!(
                task.id = run.task,
                "the hold of a task was not answered in time"
            );
            Ok(Some(hold.as_secs().max(1)))
        }
    }
}

/// The rules of a task that may run.
fn rules(task: &TaskSettings) -> Result<Rules, Vec<String>> {
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

/// Seconds that a client is told to wait while another run holds the task.
fn retry_after(
    task: &TaskSettings,
    kind: HoldKind,
    until: Option<Timestamp>,
    now: Timestamp,
) -> u64 {
    /// What a queued run may take is not known.
    const QUEUED: u64 = 60;
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
    rules: Rules,
    context: &RunContext<'_>,
    threshold: Option<SafetyThreshold>,
    body: Bytes,
) -> End {
    let rules = Arc::new(rules);
    let collected = match check(Arc::clone(&rules), body).await {
        Ok(collected) => collected,
        Err(error) => return End::refused(vec![error], None, Vec::new()),
    };
    let (mut ledger, records) = Ledger::open(collected);
    let (records, standing) = match plan_all(sender, &rules, context, records, &mut ledger).await {
        Ok(planned) => planned,
        Err(cause) => return gave_up(context, &cause, ledger),
    };
    if let Some(error) = threshold.and_then(|threshold| tripped(threshold, ledger.counts)) {
        let (counts, items) = ledger.close();
        return End::refused(vec![error], Some(counts), items);
    }
    match apply(sender, &rules, context, records, standing, &mut ledger).await {
        Ok(()) => End::imported(ledger.close()),
        Err(cause) => gave_up(context, &cause, ledger),
    }
}

fn gave_up(context: &RunContext<'_>, cause: &Halt, ledger: Ledger) -> End {
    tracing::error!(import.id = %context.run.id, %cause, "import given up");
    End::gave_up(cause, ledger.close())
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

/// What a tripped threshold says; `None`: it is kept.
fn tripped(threshold: SafetyThreshold, counts: Counts) -> Option<String> {
    let Counts { ignored, total, .. } = counts;
    let (trips, limit) = match threshold {
        SafetyThreshold::Records(most) => (ignored > most, most.to_string()),
        SafetyThreshold::Percent(percent) => (
            u128::from(ignored) * 100 > u128::from(total) * u128::from(percent),
            format!("{percent} %"),
        ),
    };
    trips.then(|| {
        format!(
            "the safety threshold stopped the import: {ignored} of {total} users would be \
             ignored, the task allows {limit}; nothing was imported"
        )
    })
}

//! A synchronous import: one request, one run, one reply (CONTRACT §1, PROTOCOL §3).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use jiff::Timestamp;
use muster_aws::error::Cause;
use muster_aws::holds::{Acquired, Finished, HoldKind};
use muster_aws::items::count_codes;
use muster_aws::runs::{Ending, NewRun, RunId};
use muster_aws::{Store, StoreError};
use muster_core::dialect::quant;
use muster_core::item::Item;
use muster_core::limits;
use muster_core::reader::{Position, ReadError, Sizes};
use muster_core::rules::Rules;
use muster_core::run::{Counts, Status};
use muster_core::settings::{SafetyThreshold, TaskSettings};
use muster_core::survey::{Collected, collect};

use crate::Times;
use crate::apply::apply;
use crate::deadline::Deadline;
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

/// What a client reads when time has run out.
const OUT_OF_TIME: &str = "out of time, part of it may have been applied, send it again";

/// Imports a request's body. The work goes on if the caller stops waiting: a client that hangs up
/// must leave neither half a run nor a held task.
///
/// # Errors
/// The store's, as long as there is no run.
pub async fn import(
    store: &Store,
    times: Times,
    request: SyncRequest,
) -> Result<SyncImport, StoreError> {
    let store = store.clone();
    let work = tokio::spawn(async move { run(&store, times, request).await });
    match work.await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

async fn run(store: &Store, times: Times, request: SyncRequest) -> Result<SyncImport, StoreError> {
    let deadline = Deadline::start(times);
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
            let ending = failure(errors.clone(), None, &[]);
            store.record_ended_run(&run, &ending, started_at).await?;
            return Ok(SyncImport::Ended {
                run: run.id,
                outcome: Outcome::Refused {
                    errors,
                    items: Vec::new(),
                },
            });
        }
    };
    let acquired = deadline.before_giving_up(store.acquire(&run, started_at, times.sync_hold));
    match acquired.await.ok_or_else(acquire_unanswered)?? {
        Acquired::Mine => {}
        Acquired::Held { kind, until } => {
            return Ok(SyncImport::Busy {
                retry_after: retry_after(&request.task, kind, until, Timestamp::now()),
            });
        }
    }
    tracing::info!(import.id = %run.id, task.id = run.task, bytes = run.size, "import began");
    let context = RunContext::new(&run, started_at, times);
    let mut sender = Sender::new(store, deadline);
    let threshold = request.task.safety_threshold;
    let work = work(&mut sender, rules, &context, threshold, request.body);
    let result = AssertUnwindSafe(work).catch_unwind().await;
    let outcome = end(store, &run, deadline, result).await;
    Ok(SyncImport::Ended {
        run: run.id,
        outcome,
    })
}

/// Whether the task is held nobody knows then; if it is, the sweep will free it.
fn acquire_unanswered() -> StoreError {
    StoreError::Unanswered(Cause {
        operation: "TransactWriteItems",
        code: None,
        message: "no time left to wait for the hold of the task".to_owned(),
        request_id: None,
    })
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

/// Why a run ends early.
enum Stop {
    /// The body, or the safety threshold.
    Refused {
        errors: Vec<String>,
        items: Vec<Item>,
        counts: Option<Counts>,
    },
    /// The service.
    GaveUp {
        cause: Halt,
        counts: Counts,
        items: Vec<Item>,
    },
}

/// Checks, plans and applies the body.
async fn work(
    sender: &mut Sender<'_>,
    rules: Rules,
    context: &RunContext<'_>,
    threshold: Option<SafetyThreshold>,
    body: Bytes,
) -> Result<(Counts, Vec<Item>), Stop> {
    let rules = Arc::new(rules);
    let collected = check(Arc::clone(&rules), body).await?;
    let (mut ledger, records) = Ledger::open(collected);
    let planning = plan_all(sender.store, &rules, context, records, &mut ledger);
    let (records, standing) = match sender.deadline.before_stop(planning).await {
        Some(Ok(planned)) => planned,
        Some(Err(error)) => return Err(gave_up(Halt::Store(error), ledger)),
        None => return Err(gave_up(Halt::OutOfTime { certain: true }, ledger)),
    };
    if let Some(error) = threshold.and_then(|threshold| tripped(threshold, ledger.counts)) {
        let (counts, items) = ledger.close();
        return Err(Stop::Refused {
            errors: vec![error],
            items,
            counts: Some(counts),
        });
    }
    match apply(sender, &rules, context, records, standing, &mut ledger).await {
        Ok(()) => Ok(ledger.close()),
        Err(cause) => Err(gave_up(cause, ledger)),
    }
}

fn gave_up(cause: Halt, ledger: Ledger) -> Stop {
    let (counts, items) = ledger.close();
    Stop::GaveUp {
        cause,
        counts,
        items,
    }
}

/// Parsing and validation keep a core busy, so they stay off the tokio workers.
async fn check(rules: Arc<Rules>, body: Bytes) -> Result<Collected, Stop> {
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
    Err(Stop::Refused {
        errors: vec![not_an_array(&error, &body)],
        items: Vec::new(),
        counts: None,
    })
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

/// Writes the log and frees the task, whatever happened.
async fn end(
    store: &Store,
    run: &NewRun,
    deadline: Deadline,
    result: std::thread::Result<Result<(Counts, Vec<Item>), Stop>>,
) -> Outcome {
    let (mut ending, items, mut outcome) = match result {
        Ok(Ok((counts, items))) => {
            let ending = Ending {
                status: quant::status(&items),
                counts: Some(counts),
                item_counts: count_codes(&items),
                errors: Vec::new(),
            };
            (ending, items.clone(), Outcome::Imported { counts, items })
        }
        Ok(Err(Stop::Refused {
            errors,
            items,
            counts,
        })) => {
            let ending = failure(errors.clone(), counts, &items);
            (ending, items.clone(), Outcome::Refused { errors, items })
        }
        Ok(Err(Stop::GaveUp {
            cause,
            counts,
            items,
        })) => {
            tracing::error!(import.id = %run.id, error = %cause, "import given up");
            let (message, known) = match cause {
                Halt::OutOfTime { certain } => (OUT_OF_TIME.to_owned(), certain),
                Halt::Store(error) => (error.client_message().to_owned(), false),
            };
            let ending = failure(vec![message.clone()], known.then_some(counts), &items);
            (ending, items, Outcome::Failed { message })
        }
        Err(_panic) => {
            tracing::error!(import.id = %run.id, "import panicked");
            let message = "the service failed; part of it may have been applied".to_owned();
            let ending = failure(vec![message.clone()], None, &[]);
            (ending, Vec::new(), Outcome::Failed { message })
        }
    };
    if let Err(error) = store.write_items(&run.id, &items, Timestamp::now()).await {
        tracing::error!(import.id = %run.id, %error, "the items of the import were not written");
        let message = error.client_message().to_owned();
        ending.status = Status::Failure;
        ending.errors = vec![message.clone()];
        outcome = Outcome::Failed { message };
    }
    match store.finish(run, &ending, Timestamp::now()).await {
        Ok(Finished::Done) => log_end(run, &ending, deadline),
        Ok(Finished::EndedByOther) => {
            tracing::warn!(import.id = %run.id, "the import had been ended as interrupted");
            outcome = Outcome::Failed {
                message: muster_aws::holds::INTERRUPTED.to_owned(),
            };
        }
        Err(error) => {
            // The sweep will find the run and free the task.
            tracing::error!(import.id = %run.id, %error, "the import could not be finished");
            outcome = Outcome::Failed {
                message: error.client_message().to_owned(),
            };
        }
    }
    outcome
}

fn failure(errors: Vec<String>, counts: Option<Counts>, items: &[Item]) -> Ending {
    Ending {
        status: Status::Failure,
        counts,
        item_counts: count_codes(items),
        errors,
    }
}

fn log_end(run: &NewRun, ending: &Ending, deadline: Deadline) {
    let counts = ending.counts.unwrap_or_default();
    tracing::info!(
        import.id = %run.id,
        task.id = run.task,
        status = %ending.status,
        records = counts.total,
        created = counts.created,
        updated = counts.updated,
        ignored = counts.ignored,
        duration_ms = deadline.elapsed().as_millis(),
        "import finished"
    );
}

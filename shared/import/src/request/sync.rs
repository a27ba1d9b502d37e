//! A synchronous import: one request, one run, one reply (contract.md#quant-import,
//! protocol.md#synchronous-runs).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use muster_aws::runs::NewRun;
use muster_aws::{Background, Store, StoreError};
use muster_core::limits;
use muster_core::reader::{Foreign, Format, Position, ReadError, SentAs, Sizes, SyntaxError};
use muster_core::rules::Rules;
use muster_core::run::State;
use muster_core::scan::{Collected, collect};
use muster_core::settings::{SafetyThreshold, TaskSettings};
use tracing::Instrument as _;

use super::finish::RunEnd;
use super::hand_over::{HandOver, HandOverResult};
use super::outcome::{ImportRequest, ImportResult};
use super::prepare::{Prepared, lock_refusal, prepare, run_to_completion};
use crate::deadline::Deadline;
use crate::records::apply::apply;
use crate::records::dry_run;
use crate::records::kept::Keeper;
use crate::records::moves::GivenUp;
use crate::records::plan::plan_all;
use crate::records::record::RecordOutcomes;
use crate::records::sender::{RunError, Sender};
use crate::records::threshold::{bounds, exceeded, in_effect};
use crate::run::context::RunContext;
use crate::{blocking, span};

/// Imports a request's body. A run that nears its deadline continues in the background.
///
/// The work continues if the caller stops waiting: a client that hangs up must leave neither half a
/// run nor a locked task.
///
/// # Errors
/// Returns an error if a store request fails before there is a run.
pub fn import(
    store: &Store,
    background: &Background,
    deadline: Deadline,
    request: ImportRequest,
) -> BoxFuture<'static, Result<ImportResult, StoreError>> {
    let (store, background) = (store.clone(), background.clone());
    let work = async move { run(&store, &background, deadline, request).await };
    Box::pin(run_to_completion(work))
}

async fn run(
    store: &Store,
    background: &Background,
    deadline: Deadline,
    request: ImportRequest,
) -> Result<ImportResult, StoreError> {
    let started_at = Timestamp::now();
    let (run, rules) = match prepare(store, &request, started_at).await? {
        Prepared::Run(run, rules) => (run, rules),
        Prepared::Answered(response) => return Ok(response),
    };
    let span = span::import(&run.id, run.task);
    run_prepared(
        store, background, deadline, request, run, *rules, started_at,
    )
    .instrument(span)
    .await
}

async fn run_prepared(
    store: &Store,
    background: &Background,
    deadline: Deadline,
    request: ImportRequest,
    run: NewRun,
    rules: Rules,
    started_at: Timestamp,
) -> Result<ImportResult, StoreError> {
    if let Some(refusal) = acquire(store, deadline, &request.task, &run, started_at).await? {
        return Ok(refusal);
    }
    tracing::info!(bytes = run.size, "import started");
    let context = RunContext::new(&run, started_at, started_at, deadline.times());
    let mut sender = Sender::new(store, deadline);
    if !run.dry_run {
        let undo_days = request.task.undo_days();
        sender.keeper = Keeper::of_request(&background.objects, run.id, undo_days);
    }
    let threshold = in_effect(&request.task, run.threshold_overridden);
    let (rules, body) = (Arc::new(rules), request.body);
    let work = work(&mut sender, &rules, &context, threshold, body.clone());
    let result = AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or_else(|_panic| {
            tracing::error!("import panicked");
            WorkResult::Ended(RunEnd::panicked(&run))
        });
    let end = match result {
        WorkResult::Ended(end) => end,
        WorkResult::OutOfTime { resume_in, end } => {
            let hand_over = HandOver {
                store,
                background,
                deadline,
                run: &run,
                settings_version: request.settings_version,
                acquired_at: started_at,
            };
            match hand_over.to(resume_in, rules, body).await {
                HandOverResult::Done(response) => {
                    return Ok(ImportResult::Background {
                        run: run.id,
                        response,
                    });
                }
                HandOverResult::NotStarted => end,
                HandOverResult::Unknown => return Ok(end.into_unrecorded(&run)),
            }
        }
    };
    Ok(end.record(store, &run, request.debug, deadline).await)
}

/// The result of the work within a request.
enum WorkResult {
    /// The run ends here.
    Ended(RunEnd),
    /// Writes may no longer start. The run can be handed over in state `resume_in`; if that fails,
    /// it ends with `end`.
    OutOfTime { resume_in: State, end: RunEnd },
}

/// Acquires the task lock. Returns the response if it is not available.
async fn acquire(
    store: &Store,
    deadline: Deadline,
    task: &TaskSettings,
    run: &NewRun,
    now: Timestamp,
) -> Result<Option<ImportResult>, StoreError> {
    let duration = deadline.times().sync_hold;
    let acquired = deadline
        .before_giving_up(store.task_locks().acquire(run, now, duration))
        .await;
    lock_refusal(store, task, run, acquired, duration.as_secs().max(1)).await
}

/// Checks, plans and applies the body.
async fn work(
    sender: &mut Sender<'_>,
    rules: &Arc<Rules>,
    context: &RunContext<'_>,
    threshold: Option<SafetyThreshold>,
    body: Bytes,
) -> WorkResult {
    let collected = match check(Arc::clone(rules), body).await {
        Ok(collected) => collected,
        Err(error) => return WorkResult::Ended(RunEnd::refused(vec![error], None, Vec::new())),
    };
    let (mut outcomes, records) = RecordOutcomes::split(collected);
    let bounds = bounds(rules, outcomes.counts, &records);
    let threshold = threshold.filter(|threshold| threshold.needs_plan(bounds));
    let given_up = GivenUp::of(rules, &records);
    // A dry run and a safety threshold need the plan of all records before the first write.
    let planned_first = context.run.dry_run || threshold.is_some();
    let (mut records, snapshot) =
        match plan_all(sender, rules, context, records, &given_up, &mut outcomes).await {
            Ok(planned) => planned,
            Err(cause) if planned_first => {
                return interrupted(sender, context, &cause, outcomes, State::Planning);
            }
            Err(cause) => return interrupted(sender, context, &cause, outcomes, State::Applying),
        };
    if let Some(threshold) = &threshold {
        let (records, outcomes) = (&mut records, &mut outcomes);
        let forecast = dry_run::forecast(
            sender, rules, context, records, &snapshot, &given_up, outcomes,
        );
        let errors = match forecast.await {
            Ok(counts) => exceeded(threshold, counts),
            Err(cause) => {
                let outcomes = std::mem::replace(outcomes, RecordOutcomes::empty());
                return interrupted(sender, context, &cause, outcomes, State::Planning);
            }
        };
        if !errors.is_empty() {
            let outcomes = std::mem::replace(outcomes, RecordOutcomes::empty());
            let (counts, items) = outcomes.into_counts_and_items();
            return WorkResult::Ended(RunEnd::refused(errors, Some(counts), items));
        }
    }
    let (done, resume_in) = if context.run.dry_run {
        let outcomes = &mut outcomes;
        let counted = dry_run::count(
            sender, rules, context, records, &snapshot, &given_up, outcomes,
        );
        (counted.await, State::Planning)
    } else {
        let outcomes = &mut outcomes;
        let applied = apply(
            sender, rules, context, records, snapshot, &given_up, outcomes,
        );
        (applied.await, State::Applying)
    };
    match done {
        Ok(()) => {
            let undo = sender.keeper.request_undo(&outcomes.applied);
            let end = RunEnd::imported(outcomes.into_counts_and_items());
            WorkResult::Ended(end.with_undo(undo))
        }
        Err(cause) => interrupted(sender, context, &cause, outcomes, resume_in),
    }
}

/// Returns the result of a run that an error has interrupted. One that ran out of time can continue
/// in the background.
fn interrupted(
    sender: &Sender<'_>,
    context: &RunContext<'_>,
    cause: &RunError,
    outcomes: RecordOutcomes,
    resume_in: State,
) -> WorkResult {
    tracing::warn!(%cause, "import interrupted");
    let undo = sender.keeper.request_undo(&outcomes.applied);
    let end = RunEnd::abandoned(context.run, cause, outcomes.into_counts_and_items());
    let end = end.with_undo(undo);
    match cause {
        RunError::OutOfTime { .. } => WorkResult::OutOfTime { resume_in, end },
        RunError::Store(_) => WorkResult::Ended(end),
    }
}

/// Parses and validates the body, off the async worker threads. The error is for the client.
async fn check(rules: Arc<Rules>, body: Bytes) -> Result<Collected, String> {
    let sizes = Sizes {
        window: limits::MAX_SYNC_BYTES + 1,
        ..Sizes::default()
    };
    let key = rand::random();
    let input = body.clone();
    let checked = blocking::run(move || collect(input.as_ref(), &rules, sizes, &key)).await;
    checked.map_err(|error| parse_error_message(&error, &body))
}

fn parse_error_message(error: &ReadError, body: &[u8]) -> String {
    match error {
        ReadError::Io(error) => format!("the body could not be read: {error}"),
        ReadError::Syntax(syntax) => match Position::locate(body, syntax.offset) {
            Ok(position) => format!(
                "the body is not a JSON array of objects: {}; nothing was imported",
                syntax_error_message(syntax, position, body)
            ),
            Err(error) => format!("the body could not be read: {error}"),
        },
    }
}

fn syntax_error_message(error: &SyntaxError, position: Position, body: &[u8]) -> String {
    // Only the start of a body shows what it is.
    let found = if error.records == 0 {
        Foreign::instead_of_records(body, Format::Json)
    } else {
        None
    };
    match found {
        None => format!("{} at {position}", error.reason),
        Some(found) => {
            let advice = found.advice(SentAs::Request);
            format!("found {found} at {position}: {advice}")
        }
    }
}

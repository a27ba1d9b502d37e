//! The steps of a request up to its task lock.

use jiff::Timestamp;
use muster_aws::runs::task_lock::Acquired;
use muster_aws::runs::{NewRun, RunId};
use muster_aws::{Store, StoreError};
use muster_core::rules::Rules;
use muster_core::settings::TaskSettings;
use tracing::Instrument as _;

use super::finish::RunEnd;
use super::idempotency::{KeyCheck, check_key, refusal_under_key};
use super::outcome::{ImportRequest, ImportResult};
use crate::run::task::{retry_after, rules};
use crate::span;

/// The result of [`prepare`].
pub(crate) enum Prepared {
    /// The run may acquire its task.
    Run(NewRun, Box<Rules>),
    /// The request has its response; no run acquires the task.
    Answered(ImportResult),
}

/// Checks the idempotency key and the task's settings.
///
/// # Errors
/// Returns an error if a store request fails.
pub(crate) async fn prepare(
    store: &Store,
    request: &ImportRequest,
    now: Timestamp,
) -> Result<Prepared, StoreError> {
    let key = match check_key(store, request, now).await? {
        KeyCheck::Proceed(key) => key,
        KeyCheck::Answered(response) => return Ok(Prepared::Answered(response)),
    };
    let run = NewRun {
        id: RunId::generate(now),
        tenant: request.tenant.clone(),
        task: request.task.id,
        robot: request.robot.clone(),
        size: request.body.len() as u64,
        dry_run: request.dry_run,
        threshold_overridden: request.override_threshold,
        key,
    };
    match rules(&request.task) {
        Ok(rules) => Ok(Prepared::Run(run, Box::new(rules))),
        Err(errors) => {
            let end = RunEnd::refused(errors, None, Vec::new());
            let recorded = end.record_without_lock(store, &run, request.debug, now);
            let recorded = recorded.instrument(span::import(&run.id, run.task)).await;
            recorded.map(Prepared::Answered)
        }
    }
}

/// Runs `work` to its end even if the caller stops waiting for it: a client that hangs up must
/// leave neither half a run nor a locked task.
pub(crate) async fn run_to_completion<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    match tokio::spawn(work.in_current_span()).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Returns the response to a request that did not get the task lock, or `None` if it did.
///
/// `acquired` is `None` if the lock request got no response in time. The lock may be this run's own
/// then, and the client is told to wait for `outcome_unknown_seconds`.
///
/// # Errors
/// Returns an error if the lock request failed for good, or if a store request fails.
pub(crate) async fn lock_refusal(
    store: &Store,
    task: &TaskSettings,
    run: &NewRun,
    acquired: Option<Result<Acquired, StoreError>>,
    outcome_unknown_seconds: u64,
) -> Result<Option<ImportResult>, StoreError> {
    let outcome_unknown = ImportResult::Busy {
        retry_after: outcome_unknown_seconds,
    };
    match acquired {
        Some(Ok(Acquired::Locked)) => Ok(None),
        Some(Ok(Acquired::Held { kind, until })) => {
            let wait = retry_after(task, kind, until, Timestamp::now());
            refusal_under_key(store, task, run, wait).await.map(Some)
        }
        Some(Ok(Acquired::KeyUsed)) => refusal_under_key(store, task, run, 1).await.map(Some),
        Some(Err(error)) if error.retryable() => {
            tracing::error!(%error, "the task lock request got no response");
            Ok(Some(outcome_unknown))
        }
        Some(Err(error)) => Err(error),
        None => {
            tracing::error!("the task lock request timed out");
            Ok(Some(outcome_unknown))
        }
    }
}

//! Cancellation of a run (contract.md#cancel, protocol.md#stopping).

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use jiff::Timestamp;
use muster_aws::runs::task_lock::Finished;
use muster_aws::runs::{Ending, Run, StopReason};
use muster_aws::{Background, Store, StoreError};
use muster_core::run::{ImportState, State, Status};
use tracing::Instrument as _;

use super::run::{MAX_ATTEMPTS, contended, upload};
use super::status::public_state;
use crate::run::job::as_new_run;
use crate::run::processor_queue::object_key;
use crate::run::report::report_finished;
use crate::span;

/// Error of a run that was cancelled while its data were sent.
const CANCELLED_UPLOADING: &str = "the import was cancelled before all its data were sent";
/// Error of a run that was cancelled after its upload and before its first write.
const CANCELLED_UNAPPLIED: &str = "the import was cancelled before anything was applied";

/// The outcome of a request to cancel a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOutcome {
    /// The run has ended; nothing was applied.
    Cancelled,
    /// The run starts no further record.
    Stopping,
    /// The run had ended before.
    Ended(ImportState),
    /// The run is synchronous, and cannot be stopped.
    Synchronous,
    /// The run does not exist any more.
    Gone,
}

/// Ends a run, or makes it stop.
///
/// # Errors
/// Returns an error if a store request fails. The run may have ended, or be stopping, then.
pub fn cancel<'a>(
    store: &'a Store,
    background: &'a Background,
    run: Run,
    now: Timestamp,
) -> BoxFuture<'a, Result<CancelOutcome, StoreError>> {
    let span = span::import(&run.id, run.task);
    Box::pin(cancel_run(store, background, run, now).instrument(span))
}

async fn cancel_run(
    store: &Store,
    background: &Background,
    run: Run,
    now: Timestamp,
) -> Result<CancelOutcome, StoreError> {
    let mut run = run;
    for _ in 0..MAX_ATTEMPTS {
        let Some(job) = &run.job else {
            return Ok(match run.state.is_terminal() {
                true => CancelOutcome::Ended(public_state(&run)),
                false => CancelOutcome::Synchronous,
            });
        };
        let done = match run.state {
            State::Uploading => {
                let ended = end(store, &run, CANCELLED_UPLOADING, now).await?;
                if ended {
                    delete_parts(background, &run).await;
                }
                ended.then_some(CancelOutcome::Cancelled)
            }
            State::Checking | State::Planning => {
                let ended = end(store, &run, CANCELLED_UNAPPLIED, now).await?;
                ended.then_some(CancelOutcome::Cancelled)
            }
            State::Applying => {
                let mut job = job.clone();
                job.stopped = Some(StopReason::Cancelled);
                let stopping = store
                    .runs()
                    .advance(&run, State::Stopping, &job, now)
                    .await?;
                stopping.then_some(CancelOutcome::Stopping)
            }
            State::Stopping => Some(CancelOutcome::Stopping),
            State::Finished | State::Cancelled => Some(CancelOutcome::Ended(public_state(&run))),
        };
        if let Some(done) = done {
            return Ok(done);
        }
        // The run has changed since it was read.
        let Some(found) = store.runs().get(&run.id, now).await? else {
            return Ok(CancelOutcome::Gone);
        };
        run = found;
    }
    Err(contended())
}

/// Ends a run of which nothing was applied. Returns false if its state has changed.
async fn end(
    store: &Store,
    run: &Run,
    error: &'static str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let ending = Ending {
        state: State::Cancelled,
        status: Status::Failure,
        counts: None,
        item_counts: BTreeMap::new(),
        errors: vec![error.to_owned()],
        answer: None,
        unanswered: false,
        undo: None,
    };
    let done = match store
        .task_locks()
        .finish_background(run, &ending, now)
        .await?
    {
        Finished::Done => true,
        Finished::EndedByOther => false,
    };
    if done {
        report_finished(&as_new_run(run), &ending, None);
    }
    Ok(done)
}

/// Deletes the parts of a cancelled upload. If that fails, the bucket's lifecycle rule deletes them
/// in a week.
async fn delete_parts(background: &Background, run: &Run) {
    let Some(upload) = upload(run) else {
        return;
    };
    let key = object_key(&run.id);
    if let Err(error) = background.objects.abort_upload(&key, &upload.id).await {
        tracing::warn!(%error, "failed to delete the parts of a cancelled upload");
    }
}

//! The wish of a client that a run stop (PROTOCOL §9).

use std::collections::BTreeMap;

use jiff::Timestamp;
use muster_aws::holds::Finished;
use muster_aws::runs::{Ending, Run, Stopped};
use muster_aws::{Background, Store, StoreError};
use muster_core::run::{Shown, State, Status};

use crate::background::writing_as;

use super::{LOOKS, object_key, restless, shown, upload};
use crate::ending::report;

/// What a run says of itself that was cancelled while its data were sent.
const UPLOADING: &str = "the import was cancelled before all its data were sent";
/// What it says when it was cancelled later, but in time.
const UNAPPLIED: &str = "the import was cancelled before anything was applied";

/// What became of the wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    /// The run has ended; nothing of it was applied.
    Cancelled,
    /// No further record is begun with.
    Stopping,
    /// It had ended before.
    Ended(Shown),
    /// It is one within a request, which nobody can stop.
    Synchronous,
    /// There is no such run any more.
    Gone,
}

/// Ends a run, or has it stop.
///
/// # Errors
/// The store's; the run may have ended, or be stopping, then.
pub async fn cancel(
    store: &Store,
    background: &Background,
    run: Run,
    now: Timestamp,
) -> Result<Cancel, StoreError> {
    let mut run = run;
    for _ in 0..LOOKS {
        let Some(job) = &run.job else {
            return Ok(match run.state.is_terminal() {
                true => Cancel::Ended(shown(&run)),
                false => Cancel::Synchronous,
            });
        };
        let done = match run.state {
            State::Uploading => {
                let ended = end(store, &run, UPLOADING, now).await?;
                if ended {
                    drop_parts(background, &run).await;
                }
                ended.then_some(Cancel::Cancelled)
            }
            State::Checking | State::Planning => {
                let ended = end(store, &run, UNAPPLIED, now).await?;
                ended.then_some(Cancel::Cancelled)
            }
            State::Applying => {
                let mut job = job.clone();
                job.stopped = Some(Stopped::Cancelled);
                let stopping = store.advance(&run, State::Stopping, &job, now).await?;
                stopping.then_some(Cancel::Stopping)
            }
            State::Stopping => Some(Cancel::Stopping),
            State::Finished | State::Cancelled => Some(Cancel::Ended(shown(&run))),
        };
        if let Some(done) = done {
            return Ok(done);
        }
        // Somebody was faster.
        let Some(found) = store.get_run(&run.id, now).await? else {
            return Ok(Cancel::Gone);
        };
        run = found;
    }
    Err(restless())
}

/// Ends a run of which nothing was applied. `false`: it is not in this state any more.
async fn end(
    store: &Store,
    run: &Run,
    why: &'static str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let ending = Ending {
        state: State::Cancelled,
        status: Status::Failure,
        counts: None,
        item_counts: BTreeMap::new(),
        errors: vec![why.to_owned()],
        answer: None,
    };
    let done = match store.finish_queued(run, &ending, now).await? {
        Finished::Done => true,
        Finished::EndedByOther => false,
    };
    if done {
        report(&writing_as(run), &ending, None);
    }
    Ok(done)
}

/// The parts of an upload that is not wanted any more. If they stay, the bucket drops them in a
/// week.
async fn drop_parts(background: &Background, run: &Run) {
    let Some(upload) = upload(run) else {
        return;
    };
    let key = object_key(&run.id);
    if let Err(error) = background.objects.abort_upload(&key, &upload.id).await {
        tracing::warn!(import.id = %run.id, %error, "the parts of a cancelled upload were not dropped");
    }
}

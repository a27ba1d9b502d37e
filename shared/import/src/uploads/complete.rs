//! The end of an upload: its run acquires the task, and waits for the processor. A client that got
//! no response may repeat the request.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use jiff::Timestamp;
use muster_aws::background::UploadedPart;
use muster_aws::runs::Run;
use muster_aws::runs::task_lock::Acquired;
use muster_aws::tasks::Task;
use muster_aws::{Background, Store, StoreError};
use muster_core::run::{ImportState, State};
use tracing::Instrument as _;

use super::parts::Layout;
use super::run::{MAX_ATTEMPTS, contended, upload};
use super::status::public_state;
use crate::run::job::as_new_run;
use crate::run::processor_queue::{notify_processor, object_key};
use crate::run::task::{retry_after, rules};
use crate::span;

/// The outcome of a request to complete an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompleteOutcome {
    /// The run has begun, now or by an earlier request.
    Began(ImportState),
    /// The task runs another import.
    Busy {
        /// Seconds to wait, at least 1.
        retry_after: u64,
    },
    /// Parts are missing or have the wrong size.
    Incomplete(Incomplete),
    /// The settings of the task do not allow a run.
    NotReady(Vec<String>),
    /// The run is not an upload.
    NotAnUpload,
    /// The upload was cancelled.
    Cancelled,
    /// The parts have expired.
    Gone,
}

/// The numbers of the parts that an upload lacks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Incomplete {
    /// Parts that have not arrived.
    pub missing: Vec<u32>,
    /// Parts that do not have the expected size.
    pub wrong_size: Vec<u32>,
}

impl Incomplete {
    /// Returns `None` if the upload is complete.
    fn of(layout: Layout, parts: &[UploadedPart]) -> Option<Self> {
        let arrived: BTreeMap<u32, &UploadedPart> =
            parts.iter().map(|part| (part.number, part)).collect();
        let mut incomplete = Self::default();
        for number in 1..=layout.count() {
            match arrived.get(&number) {
                None => incomplete.missing.push(number),
                Some(part) if !layout.fits(part) => incomplete.wrong_size.push(number),
                Some(_) => {}
            }
        }
        (incomplete != Self::default()).then_some(incomplete)
    }
}

/// Begins the run of a complete upload, with the current settings of its task.
///
/// # Errors
/// Returns an error if a store or bucket request fails. The run may have begun then.
pub fn complete<'a>(
    store: &'a Store,
    background: &'a Background,
    run: Run,
    task: &'a Task,
    now: Timestamp,
) -> BoxFuture<'a, Result<CompleteOutcome, StoreError>> {
    let span = span::import(&run.id, run.task);
    Box::pin(complete_run(store, background, run, task, now).instrument(span))
}

async fn complete_run(
    store: &Store,
    background: &Background,
    run: Run,
    task: &Task,
    now: Timestamp,
) -> Result<CompleteOutcome, StoreError> {
    let mut run = run;
    for _ in 0..MAX_ATTEMPTS {
        let Some(upload) = upload(&run) else {
            return Ok(CompleteOutcome::NotAnUpload);
        };
        match run.state {
            State::Uploading => {}
            State::Cancelled => return Ok(CompleteOutcome::Cancelled),
            State::Checking
            | State::Planning
            | State::Applying
            | State::Stopping
            | State::Finished => return Ok(CompleteOutcome::Began(public_state(&run))),
        }
        if let Err(problems) = rules(&task.settings) {
            return Ok(CompleteOutcome::NotReady(problems));
        }
        let key = object_key(&run.id);
        let refusal = match background.objects.all_parts(&key, &upload.id).await? {
            None => CompleteOutcome::Gone,
            Some(parts) => {
                if let Some(lacks) = Incomplete::of(Layout::of(&run, upload), &parts) {
                    return Ok(CompleteOutcome::Incomplete(lacks));
                }
                match begin(store, background, &run, task, now).await? {
                    None => return Ok(CompleteOutcome::Began(ImportState::Queued)),
                    Some(refusal) => refusal,
                }
            }
        };
        // Another request may have completed or cancelled the upload meanwhile.
        match store.runs().get(&run.id, now).await? {
            Some(found) if found.state != State::Uploading => run = found,
            Some(_) => return Ok(refusal),
            None => return Ok(CompleteOutcome::Gone),
        }
    }
    Err(contended())
}

/// Acquires the task for the run, and notifies the processor. Returns the refusal, if any.
async fn begin(
    store: &Store,
    background: &Background,
    run: &Run,
    task: &Task,
    now: Timestamp,
) -> Result<Option<CompleteOutcome>, StoreError> {
    let run = as_new_run(run);
    let retry_after = match store
        .task_locks()
        .acquire_uploaded(&run, task.version, now)
        .await?
    {
        Acquired::Locked => {
            tracing::info!(bytes = run.size, "import queued");
            notify_processor(store, background, &run, now).await;
            return Ok(None);
        }
        Acquired::Held { kind, until } => retry_after(&task.settings, kind, until, now),
        // Uploads have no idempotency keys.
        Acquired::KeyUsed => 1,
    };
    Ok(Some(CompleteOutcome::Busy { retry_after }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_wrong_parts_are_listed_by_number() {
        let layout = Layout {
            size: 25,
            part_size: 10,
        };
        let part = |number, size| UploadedPart {
            number,
            size,
            etag: String::new(),
        };
        let all = [part(1, 10), part(2, 10), part(3, 5)];
        assert_eq!(Incomplete::of(layout, &all), None);
        assert_eq!(
            Incomplete::of(layout, &[part(2, 9), part(3, 5)]),
            Some(Incomplete {
                missing: vec![1],
                wrong_size: vec![2],
            })
        );
    }
}

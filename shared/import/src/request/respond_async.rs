//! An import whose client does not want to wait for its end (`Prefer: respond-async`,
//! contract.md#respond-async): the body goes to the bucket, the run to the processor's queue.

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use muster_aws::runs::idempotency::StoredAnswer;
use muster_aws::runs::{Compression, Format, Job, NewRun, RunId, Source};
use muster_aws::{Background, Store, StoreError};
use muster_core::settings::TaskSettings;
use tracing::Instrument as _;

use super::outcome::{ImportRequest, ImportResult, accepted};
use super::prepare::{Prepared, lock_refusal, prepare, run_to_completion};
use crate::deadline::Deadline;
use crate::run::processor_queue::{notify_processor, object_key};
use crate::run::task::BACKGROUND_RETRY_AFTER_SECONDS;
use crate::span;

/// Queues a request's body for the processor, after the checks that [`crate::import`] makes.
///
/// # Errors
/// Returns an error if a store or bucket request fails before there is a run.
pub fn enqueue_import(
    store: &Store,
    background: &Background,
    deadline: Deadline,
    request: ImportRequest,
) -> BoxFuture<'static, Result<ImportResult, StoreError>> {
    let (store, background) = (store.clone(), background.clone());
    let work = async move { enqueue(&store, &background, deadline, request).await };
    Box::pin(run_to_completion(work))
}

async fn enqueue(
    store: &Store,
    background: &Background,
    deadline: Deadline,
    request: ImportRequest,
) -> Result<ImportResult, StoreError> {
    let now = Timestamp::now();
    let run = match prepare(store, &request, now).await? {
        Prepared::Run(run, _) => run,
        Prepared::Answered(response) => return Ok(response),
    };
    let ImportRequest {
        task,
        settings_version,
        body,
        ..
    } = request;
    let span = span::import(&run.id, run.task);
    enqueue_run(
        store,
        background,
        deadline,
        run,
        (&task, settings_version),
        body,
        now,
    )
    .instrument(span)
    .await
}

async fn enqueue_run(
    store: &Store,
    background: &Background,
    deadline: Deadline,
    run: NewRun,
    (task, settings_version): (&TaskSettings, u64),
    body: Bytes,
    now: Timestamp,
) -> Result<ImportResult, StoreError> {
    let response = accepted(&run.id);
    put_body(background, deadline, &run.id, body).await?;
    let source = Source {
        format: Format::Json,
        compression: Compression::None,
        sha256: None,
        upload: None,
    };
    let job = Job::begun(Some(source), Some(settings_version), now);
    let kept = run.key.is_some().then(|| StoredAnswer::whole(&response));
    let acquired = store
        .task_locks()
        .acquire_background(&run, &job, kept.as_ref(), now);
    let acquired = deadline.before_giving_up(acquired).await;
    let refusal = lock_refusal(store, task, &run, acquired, BACKGROUND_RETRY_AFTER_SECONDS).await?;
    if let Some(refusal) = refusal {
        return Ok(refusal);
    }
    tracing::info!(bytes = run.size, "import queued");
    notify(store, background, deadline, &run, now).await;
    Ok(ImportResult::Background {
        run: run.id,
        response,
    })
}

/// Writes the body to where the processor reads it. If the run does not get its task, the bucket's
/// lifecycle rule deletes the object.
async fn put_body(
    background: &Background,
    deadline: Deadline,
    run: &RunId,
    body: Bytes,
) -> Result<(), StoreError> {
    let key = object_key(run);
    let put = background.objects.put(&key, body);
    let put = deadline.before_giving_up(put).await;
    put.unwrap_or_else(|| Err(StoreError::out_of_time("PutObject")))
}

/// Notifies the processor, if there is time left.
async fn notify(
    store: &Store,
    background: &Background,
    deadline: Deadline,
    run: &NewRun,
    now: Timestamp,
) {
    let notified = deadline.before_giving_up(notify_processor(store, background, run, now));
    if notified.await.is_none() {
        tracing::warn!("no time left to notify the processor; the sweeper will");
    }
}

//! An import within one request whose client does not want to wait for it (`Prefer: respond-async`,
//! CONTRACT §1): the body goes to the bucket, the run to the queue.

use std::ops::ControlFlow::{Break, Continue};

use bytes::Bytes;
use jiff::Timestamp;
use muster_aws::keys::{Answer, KeptAnswer};
use muster_aws::runs::{Compression, Format, Job, NewRun, RunId, Source};
use muster_aws::{Background, Store, StoreError};

use crate::deadline::Deadline;
use crate::sync::{QUEUED, SyncImport, SyncRequest, kept_from, prepare, to_its_end};
use crate::uploads::{object_key, tell_processor};

/// Queues a request's body, after the checks that [`crate::import`] makes.
///
/// # Errors
/// The store's or the bucket's, as long as there is no run.
pub async fn import_later(
    store: &Store,
    background: &Background,
    deadline: Deadline,
    request: SyncRequest,
) -> Result<SyncImport, StoreError> {
    let (store, background) = (store.clone(), background.clone());
    to_its_end(async move { queue(&store, &background, deadline, request).await }).await
}

async fn queue(
    store: &Store,
    background: &Background,
    deadline: Deadline,
    request: SyncRequest,
) -> Result<SyncImport, StoreError> {
    let now = Timestamp::now();
    let (run, _) = match prepare(store, &request, now).await? {
        Continue(prepared) => prepared,
        Break(answered) => return Ok(answered),
    };
    let SyncRequest {
        task,
        settings_version,
        body,
        ..
    } = request;
    let answer = accepted(&run.id);
    put(background, deadline, &run.id, body).await?;
    let source = Source {
        format: Format::Json,
        compression: Compression::None,
        sha256: None,
        upload: None,
    };
    let job = Job::begun(Some(source), Some(settings_version), now);
    let kept = run.key.is_some().then(|| KeptAnswer::whole(&answer));
    let acquired = store.acquire_queued(&run, &job, kept.as_ref(), now);
    let acquired = deadline.before_giving_up(acquired).await;
    if let Some(kept_out) = kept_from(store, &task, &run, acquired, QUEUED).await? {
        return Ok(kept_out);
    }
    tracing::info!(import.id = %run.id, task.id = run.task, bytes = run.size, "import was queued");
    tell(store, background, deadline, &run, now).await;
    Ok(SyncImport::Queued {
        run: run.id,
        answer,
    })
}

/// Puts the data to where the processor finds them. Those of a run that does not come to be stay
/// until the bucket drops them.
async fn put(
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

/// Tells the processor, as long as there is time.
async fn tell(
    store: &Store,
    background: &Background,
    deadline: Deadline,
    run: &NewRun,
    now: Timestamp,
) {
    let told = deadline.before_giving_up(tell_processor(store, background, run, now));
    if told.await.is_none() {
        tracing::warn!(import.id = %run.id, "no time was left to tell the processor of an import; the sweep tells it");
    }
}

/// What a client gets whose import goes on in the background.
pub(crate) fn accepted(run: &RunId) -> Answer {
    Answer {
        status: 202,
        body: format!(r#"{{"import_id":"{run}","state":"queued"}}"#),
    }
}

//! The beginning of an upload: a run without a task lock, and URLs for its data.

use jiff::Timestamp;
use muster_aws::runs::{Compression, Format, Job, NewRun, RunId, Source, Upload};
use muster_aws::{Background, Store, StoreError};
use muster_core::limits;
use muster_core::settings::TaskSettings;

use super::parts::{Layout, PartsPage, page};
use crate::run::processor_queue::object_key;
use crate::run::task::rules;
use crate::span;

/// A request to upload a file.
#[derive(Debug, Clone)]
pub struct UploadRequest {
    /// The tenant of the request's token.
    pub tenant: String,
    /// The robot, permitted on the task.
    pub robot: String,
    /// The task's current settings.
    pub task: TaskSettings,
    /// Bytes of the file as sent: from 1 to [`limits::MAX_UPLOAD_BYTES`].
    pub size: u64,
    /// Format of the text.
    pub format: Format,
    /// Compression of the file.
    pub compression: Compression,
    /// SHA-256 of the file as sent, in lower-case hex.
    pub sha256: Option<String>,
    /// True if only the execution log is written.
    pub dry_run: bool,
    /// True if the task's safety threshold does not apply.
    pub override_threshold: bool,
}

/// The outcome of a request to upload a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateOutcome {
    /// The run waits for its data.
    Uploading {
        /// The run.
        run: RunId,
        /// Its first parts.
        page: PartsPage,
    },
    /// The settings of the task do not allow a run; there is no run.
    NotReady(Vec<String>),
}

/// Begins an upload, which expires after a week.
///
/// # Errors
/// Returns an error if a store or bucket request fails. A run that was created nevertheless is
/// known to nobody, and expires.
pub async fn create(
    store: &Store,
    background: &Background,
    request: UploadRequest,
    now: Timestamp,
) -> Result<CreateOutcome, StoreError> {
    let UploadRequest {
        tenant,
        robot,
        task,
        size,
        format,
        compression,
        sha256,
        dry_run,
        override_threshold,
    } = request;
    if let Err(problems) = rules(&task) {
        return Ok(CreateOutcome::NotReady(problems));
    }
    let run = NewRun {
        id: RunId::generate(now),
        tenant,
        task: task.id,
        robot,
        size,
        dry_run,
        threshold_overridden: override_threshold,
        key: None,
    };
    let key = object_key(&run.id);
    let upload = Upload {
        id: background.objects.begin_upload(&key).await?,
        part_size: limits::part_size(size),
    };
    let source = Source {
        format,
        compression,
        sha256,
        upload: Some(upload.clone()),
    };
    let job = Job::begun(Some(source), None, now);
    store.runs().begin_upload(&run, &job, now).await?;
    let layout = Layout {
        size,
        part_size: upload.part_size,
    };
    let page = page(
        &background.objects,
        &key,
        &upload,
        layout,
        1,
        Vec::new(),
        now,
    )
    .await?;
    span::import(&run.id, run.task).in_scope(|| tracing::info!(bytes = size, "upload created"));
    Ok(CreateOutcome::Uploading { run: run.id, page })
}

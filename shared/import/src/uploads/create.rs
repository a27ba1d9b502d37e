//! The beginning of an upload: a run that holds nothing yet, and where the bucket takes its data.

use jiff::Timestamp;
use muster_aws::runs::{Compression, Format, Job, NewRun, RunId, Source, Upload};
use muster_aws::{Background, Store, StoreError};
use muster_core::limits;
use muster_core::settings::TaskSettings;

use super::object_key;
use super::parts::{Layout, Window, window};
use crate::sync::rules;

/// What a client is going to send, and for whom.
#[derive(Debug, Clone)]
pub struct Announced {
    /// The tenant that the token stands for.
    pub tenant: String,
    /// The robot, permitted on the task.
    pub robot: String,
    /// The task's settings, as they are now.
    pub task: TaskSettings,
    /// Bytes as they are sent: from 1 to [`limits::UPLOAD_BYTES`].
    pub size: u64,
    /// How the text is made.
    pub format: Format,
    /// How it is packed.
    pub compression: Compression,
    /// The SHA-256 of the bytes, in lower-case hex.
    pub sha256: Option<String>,
    /// Whether nothing is to be written but the log.
    pub dry_run: bool,
}

/// What became of an announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// There is a run, which waits for its data.
    Uploading {
        /// Its name.
        run: RunId,
        /// Its first parts.
        window: Window,
    },
    /// The task cannot be run as it is; there is no run.
    NotReady(Vec<String>),
}

/// Begins an upload, for a week.
///
/// # Errors
/// The store's or the bucket's; a run that may be there then is known to nobody.
pub async fn create(
    store: &Store,
    background: &Background,
    announced: Announced,
    now: Timestamp,
) -> Result<Created, StoreError> {
    let Announced {
        tenant,
        robot,
        task,
        size,
        format,
        compression,
        sha256,
        dry_run,
    } = announced;
    if let Err(problems) = rules(&task) {
        return Ok(Created::NotReady(problems));
    }
    let run = NewRun {
        id: RunId::generate(now),
        tenant,
        task: task.id,
        robot,
        size,
        dry_run,
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
    store.begin_upload(&run, &job, now).await?;
    let layout = Layout {
        size,
        part_size: upload.part_size,
    };
    let window = window(
        &background.objects,
        &key,
        &upload,
        layout,
        1,
        Vec::new(),
        now,
    )
    .await?;
    tracing::info!(import.id = %run.id, task.id = run.task, bytes = size, "upload began");
    Ok(Created::Uploading {
        run: run.id,
        window,
    })
}

//! The job of a background run: its source, progress and chunks (protocol.md#states,
//! protocol.md#checking). It is part of the run's own row, so that every change of state is one
//! conditional write.

use jiff::Timestamp;
use muster_core::reader::{Compression, Format};
use muster_core::run::State;
use serde::{Deserialize, Serialize};

use super::round::Round;
use crate::dynamodb::row::{millis, millis_option, whole_millis};
use crate::s3::ObjectVersion;

/// Data of a background run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Source of its data; absent for a request that was handed over, whose chunks are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Version of the task's settings that it uses; absent while it is uploading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings_version: Option<u64>,
    /// Time at which it acquired its task, or at which its upload began.
    #[serde(with = "millis")]
    pub acquired_at: Timestamp,
    /// Time at which it entered its state.
    #[serde(with = "millis")]
    pub entered_at: Timestamp,
    /// Time at which the messages for its state were queued; absent unless all of them were.
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub queued_at: Option<Timestamp>,
    /// Time of the processor's last heartbeat.
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub heard_at: Option<Timestamp>,
    /// Number of attempts of processors.
    #[serde(rename = "tries", default)]
    pub attempts: u32,
    /// The pinned object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectVersion>,
    /// Reading progress of the processor; a hint.
    #[serde(default)]
    pub read: ReadProgress,
    /// Chunks of the object, once the processor has read all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunked: Option<Chunked>,
    /// Round whose items and rejected records are shown: the last one that was entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Round>,
    /// Reason for stopping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<StopReason>,
}

/// Source of a run's data, as announced by the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Text format.
    pub format: Format,
    /// Compression.
    pub compression: Compression,
    /// SHA-256 of the bytes as sent, in lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Multipart upload; absent if the service wrote the object itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<Upload>,
}

/// A multipart upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// S3's upload id.
    pub id: String,
    /// Size of each part but the last, in bytes.
    pub part_size: u64,
}

/// Reading progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReadProgress {
    /// Number of bytes read of the object.
    pub bytes: u64,
    /// Number of records read.
    pub records: u64,
}

/// The chunks of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunked {
    /// Name of the attempt that wrote them; part of their object keys.
    pub attempt: String,
    /// Number of chunks.
    pub chunks: u32,
    /// Number of records in all chunks.
    pub records: u64,
}

/// Reason for stopping a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// A client cancelled the run.
    Cancelled,
    /// The run was abandoned: a chunk used up its attempts, or the run got too old.
    #[serde(rename = "gave_up")]
    Abandoned,
}

impl Job {
    /// Returns the job of a run that starts at `now`.
    #[must_use]
    pub fn begun(source: Option<Source>, settings_version: Option<u64>, now: Timestamp) -> Self {
        let now = whole_millis(now);
        Self {
            source,
            settings_version,
            acquired_at: now,
            entered_at: now,
            queued_at: None,
            heard_at: None,
            attempts: 0,
            object: None,
            read: ReadProgress::default(),
            chunked: None,
            shown: None,
            stopped: None,
        }
    }

    /// Returns this job as it is when its run enters `state`.
    pub(crate) fn entering(&self, state: State) -> Self {
        let mut job = self.clone();
        job.shown = Round::of(state).or(job.shown);
        job
    }
}

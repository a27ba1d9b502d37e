//! What a run in the background remembers of itself (PROTOCOL §2, §4). It stands in the run's own
//! row, so that every change of state is one conditional write.

use jiff::Timestamp;
use muster_core::reader::{Compression, Format};
use muster_core::run::State;
use serde::{Deserialize, Serialize};

use crate::background::Object;
use crate::rounds::Round;
use crate::row::{millis, millis_option};

/// A run in the background.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Where its data come from; absent: a request that was handed over, with its chunks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The version of the task's settings that it goes by; absent as long as it is uploading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings_version: Option<u64>,
    /// When it took its task, or began to be uploaded.
    #[serde(with = "millis")]
    pub acquired_at: Timestamp,
    /// When it came into its state.
    #[serde(with = "millis")]
    pub entered_at: Timestamp,
    /// When messages for its state were queued; absent: not all of them are.
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub queued_at: Option<Timestamp>,
    /// When the processor was last heard of.
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub heard_at: Option<Timestamp>,
    /// How often a processor began with it.
    #[serde(default)]
    pub tries: u32,
    /// The object that is checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Object>,
    /// How far the processor has come; a hint.
    #[serde(default)]
    pub read: Read,
    /// What the processor made of the object, once it has read all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunked: Option<Chunked>,
    /// The round whose items and rejected records are shown: the last one that was entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Round>,
    /// Why it is stopping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
}

/// An object that a client announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// How its text is made.
    pub format: Format,
    /// How it is packed.
    pub compression: Compression,
    /// The SHA-256 of its bytes as they are sent, in lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The upload in parts; absent: the service has put the object itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<Upload>,
}

/// An upload in parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// S3's name of it.
    pub id: String,
    /// Bytes of each part but the last.
    pub part_size: u64,
}

/// How far reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Read {
    /// Bytes of the object.
    pub bytes: u64,
    /// Records.
    pub records: u64,
}

/// The chunks of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunked {
    /// The attempt that made them; part of their names.
    pub attempt: String,
    /// How many there are.
    pub chunks: u32,
    /// How many records they have together.
    pub records: u64,
}

/// Why a run is stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// A client asked for it.
    Cancelled,
    /// A chunk could not be applied, however often it was tried, or time ran out.
    GaveUp,
}

impl Job {
    /// One that begins now.
    #[must_use]
    pub fn begun(source: Option<Source>, settings_version: Option<u64>, now: Timestamp) -> Self {
        let now = crate::row::whole_millis(now);
        Self {
            source,
            settings_version,
            acquired_at: now,
            entered_at: now,
            queued_at: None,
            heard_at: None,
            tries: 0,
            object: None,
            read: Read::default(),
            chunked: None,
            shown: None,
            stopped: None,
        }
    }

    /// This job, as it is when its run comes into that state.
    pub(crate) fn entering(&self, state: State) -> Self {
        let mut job = self.clone();
        job.shown = Round::of(state).or(job.shown);
        job
    }
}

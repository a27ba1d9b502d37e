//! The description of a chunk's outputs in its row.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::runs::id::RunId;
use crate::runs::items::SegmentSummary;
use crate::runs::round::Round;

/// Names the row in errors.
pub(super) const ROW: &str = "the outputs of a chunk";

/// The outputs of a chunk; part of its row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkOutputs {
    /// Owner of the lease under which the objects were written; part of their keys.
    pub by: String,
    /// Summary and size in bytes of each segment of its items, as JSON: a name in a DynamoDB map
    /// cannot be empty, and a key of an item can.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) segments: String,
    /// Concatenated Bloom filters of the segments' logins, as base64.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) logins: String,
    /// Number of rejected records.
    #[serde(default)]
    pub rejected: u64,
    /// Size of their lines, in bytes.
    #[serde(default)]
    pub rejected_bytes: u64,
}

/// A segment of a chunk's items.
pub(super) struct Segment {
    pub(super) summary: SegmentSummary,
    /// Byte range in the object.
    pub(super) bytes: Range<u64>,
    pub(super) logins: Vec<u8>,
}

impl ChunkOutputs {
    /// Returns the segments of its items, in order.
    pub(super) fn segments(&self) -> Result<Vec<Segment>, StoreError> {
        if self.segments.is_empty() {
            return Ok(Vec::new());
        }
        let summaries: Vec<(SegmentSummary, u64)> =
            serde_json::from_str(&self.segments).map_err(|_| unreadable())?;
        let logins = BASE64.decode(&self.logins).map_err(|_| unreadable())?;
        let (mut logins, mut begin) = (logins.as_slice(), 0_u64);
        let segments = summaries.into_iter().map(|(summary, length)| {
            let bytes = begin..begin.saturating_add(length);
            let own = logins.split_at_checked(summary.login_bytes);
            let (own, others) = own.ok_or_else(unreadable)?;
            (begin, logins) = (bytes.end, others);
            Ok(Segment {
                summary,
                bytes,
                logins: own.to_owned(),
            })
        });
        segments.collect()
    }
}

fn unreadable() -> StoreError {
    StoreError::Row {
        row: ROW,
        reason: "unknown segment format".to_owned(),
    }
}

/// Kind of an output object.
#[derive(Debug, Clone, Copy)]
pub(super) enum ObjectKind {
    Items,
    Rejected,
}

pub(super) fn key(run: &RunId, round: Round, chunk: u32, by: &str, kind: ObjectKind) -> String {
    let round = round.as_str();
    let kind = match kind {
        ObjectKind::Items => "items",
        ObjectKind::Rejected => "rejected",
    };
    format!("kept/{run}/{round}/{chunk}-{by}.{kind}")
}

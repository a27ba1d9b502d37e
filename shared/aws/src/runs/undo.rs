//! Data that a run keeps so that it can be undone later: the values before its writes, and which of its
//! records were written (protocol.md#kept-values).
//!
//! The values are stored ahead of the writes. Of a background run they are objects
//! `kept/<run>/<round>/<chunk>-<owner>-<k>.before`, which the rows of its chunks name; of a
//! synchronous run, the row `RUN#<id>` / `BEFORE` and, if there are many, objects
//! `kept/<run>/apply/request-<k>.before`, which that row names.

mod entry;
mod erase;
mod objects;
mod records;
mod request;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::entry::{Entry, Packed, pack};
pub use self::records::RecordNumbers;
pub use self::request::{MAX_ROW_BYTES, RequestValues};
use crate::dynamodb::row;

/// Time for which values outlive the end of the undo period: longer than a run lasts, since they are
/// stored before its end.
const GRACE: Duration = Duration::from_secs(2 * 24 * 3_600);

/// Data that a chunk leaves for an undo; part of its row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkUndo {
    /// Days for which the values are kept after the end of the run.
    pub days: u32,
    /// Names of the objects with the values before.
    pub objects: Vec<String>,
    /// The records that were written.
    pub applied: RecordNumbers,
}

/// Data that a run leaves for an undo when it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunUndo {
    /// Days for which the values are kept.
    pub days: u32,
    /// The records that a synchronous run has written. The rows of chunks have those of a background
    /// run.
    pub applied: RecordNumbers,
}

impl RunUndo {
    /// Returns the time until which a run that ended at `now` can be undone.
    pub(super) fn until(&self, now: Timestamp) -> Timestamp {
        row::whole_millis(row::later(now, days(self.days)))
    }
}

fn days(days: u32) -> Duration {
    Duration::from_secs(u64::from(days) * 24 * 3_600)
}

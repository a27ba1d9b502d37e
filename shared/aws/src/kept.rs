//! What there is to say about the chunks of a run in the background: its items and its rejected
//! records, as NDJSON in the bucket. Whoever works on a chunk writes both under names of their own
//! before they commit it, and nobody sees an object that no chunk's row names (PROTOCOL §5.2). The
//! row tells of the items what an index tells of those of other runs, so that a filtered page reads
//! only those that can match.
//!
//! Objects: `kept/<run>/<round>/<chunk>-<by>.items`, `….rejected`.

use std::collections::BTreeMap;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::items::Entry;
use crate::rounds::{ChunkRow, Round};
use crate::runs::RunId;

mod list;
mod rejected;
mod write;

pub(crate) use list::fill;
pub use rejected::{RejectedPage, rejected};

const WHAT: &str = "what is kept of a chunk";
/// Rows of chunks that are read at the same time.
const ROWS_AT_ONCE: usize = 100;
/// How often a page reads so many.
const ROUNDS_OF_ROWS: usize = 10;

/// What is kept of a chunk; part of its row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Whose objects hold it.
    pub by: String,
    /// What each segment of its items holds, and how many bytes it has, as JSON: a map's name, as
    /// DynamoDB has it, is never empty, and a key may be.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    segments: String,
    /// The Bloom filters of the segments' logins, one behind the other, as base64.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    logins: String,
    /// How many of its records are kept as rejected.
    #[serde(default)]
    pub rejected: u64,
    /// Bytes of their lines.
    #[serde(default)]
    pub rejected_bytes: u64,
}

/// A segment of a chunk's items.
struct Segment {
    entry: Entry,
    /// Where it is in the object.
    bytes: Range<u64>,
    logins: Vec<u8>,
}

impl Kept {
    /// The segments of its items, in their order.
    fn segments(&self) -> Result<Vec<Segment>, StoreError> {
        if self.segments.is_empty() {
            return Ok(Vec::new());
        }
        let told: Vec<(Entry, u64)> =
            serde_json::from_str(&self.segments).map_err(|_| unreadable())?;
        let logins = BASE64.decode(&self.logins).map_err(|_| unreadable())?;
        let (mut logins, mut begin) = (logins.as_slice(), 0_u64);
        let segments = told.into_iter().map(|(entry, length)| {
            let bytes = begin..begin.saturating_add(length);
            let own = logins.split_at_checked(entry.login_bytes);
            let (own, others) = own.ok_or_else(unreadable)?;
            (begin, logins) = (bytes.end, others);
            Ok(Segment {
                entry,
                bytes,
                logins: own.to_owned(),
            })
        });
        segments.collect()
    }
}

fn unreadable() -> StoreError {
    StoreError::Row {
        row: WHAT,
        reason: "the segments are not what this version writes".to_owned(),
    }
}

/// Of a chunk's two objects.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Items,
    Rejected,
}

fn key(run: &RunId, round: Round, chunk: u32, by: &str, kind: Kind) -> String {
    let round = round.as_str();
    let kind = match kind {
        Kind::Items => "items",
        Kind::Rejected => "rejected",
    };
    format!("kept/{run}/{round}/{chunk}-{by}.{kind}")
}

/// What is kept of those of these chunks that are done.
fn kept(rows: &BTreeMap<u32, ChunkRow>) -> impl Iterator<Item = (u32, &Kept)> {
    rows.iter().filter_map(|(number, row)| {
        let kept = row.result.as_ref()?.kept.as_ref()?;
        Some((*number, kept))
    })
}

/// The chunk behind these, if there may be more: they are as many as were asked for.
fn behind(rows: &BTreeMap<u32, ChunkRow>) -> Option<u32> {
    let (last, _) = rows.last_key_value()?;
    let more = rows.len() >= ROWS_AT_ONCE;
    last.checked_add(1).filter(|_| more)
}

//! Chunks of a background run in the planning and applying rounds (protocol.md#rounds). A chunk has
//! one row per round. A writer leases the chunk by a conditional write, for a limited time, and
//! writes the result to the same row on the condition that the lease is still its own. If a second
//! writer has leased the chunk since, only the second writer's result counts.
//!
//! Rows: `RUN#<id>` / `CHUNK#<round>#<n>`, `…` / `REPEATED#<attempt>#<n>`, `…` /
//! `PROGRESS#<round>`.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;
use muster_core::run::Counts;
use muster_core::scan::Repeats;
use serde::{Deserialize, Serialize};

use super::chunk_outputs::ChunkOutputs;
use super::id::RunId;
pub use super::round::Round;
use super::run::ROW_LIFETIME;
use super::undo::ChunkUndo;
use crate::client::SendBoxed;
use crate::dynamodb::expression::{Condition, UpdateExpression};
use crate::dynamodb::row::{self, Attributes, EXPIRES_AT, Key, millis_option};
use crate::error::StoreError;
use crate::store::Store;

mod lease;

pub use self::lease::LeaseOutcome;

/// Names the row in errors.
const ROW: &str = "a chunk";

/// A chunk in a round.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChunkRow {
    /// Number of leases since a record of the chunk was last applied.
    #[serde(rename = "tries", default)]
    pub attempts: u32,
    /// Current owner of the lease, or the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Start of the lease; absent if the chunk was handed back.
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub since: Option<Timestamp>,
    /// True if a former owner was abandoned: one of its writes may still be under way.
    #[serde(rename = "unsure", default)]
    pub outcome_unknown: bool,
    /// Time at which its message was last resent.
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub resent_at: Option<Timestamp>,
    /// Result of the chunk; never changes once written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ChunkResult>,
}

row::codec!(ChunkRow);
row::codec!(Repeats);

/// Result of a chunk.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChunkResult {
    /// Absolute counts of its records, so that sums are exact however often the row is read.
    pub counts: Counts,
    /// Number of items by code.
    pub item_counts: BTreeMap<String, u64>,
    /// Location of its items and rejected records; absent if there are none.
    #[serde(rename = "kept", default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<ChunkOutputs>,
    /// Number of records that were not applied because the run was stopped.
    #[serde(default)]
    pub left_out: u64,
    /// Data for an undo; absent if none of its records was written, or nothing is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<ChunkUndo>,
}

impl ChunkResult {
    /// Returns the number of records of the chunk.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.counts.total + self.left_out
    }
}

/// Progress of a round. A hint: only the chunk rows are authoritative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RoundProgress {
    /// Number of chunks with a result.
    #[serde(default)]
    pub chunks: u64,
    /// Number of their records.
    #[serde(default)]
    pub records: u64,
}

row::codec!(RoundProgress);

fn prefix(round: Round) -> String {
    format!("CHUNK#{}#", round.as_str())
}

fn key(run: &RunId, round: Round, chunk: u32) -> Key {
    let sk = format!("{}{chunk:09}", prefix(round));
    Key::new(format!("RUN#{run}"), sk)
}

fn number_of(row: &Attributes) -> Option<u32> {
    row.get("sk")?.as_s().ok()?.rsplit('#').next()?.parse().ok()
}

fn repeated_key(run: &RunId, attempt: &str, chunk: u32) -> Key {
    let sk = format!("REPEATED#{attempt}#{chunk:09}");
    Key::new(format!("RUN#{run}"), sk)
}

fn progress_key(run: &RunId, round: Round) -> Key {
    let sk = format!("PROGRESS#{}", round.as_str());
    Key::new(format!("RUN#{run}"), sk)
}

fn expires_at(now: Timestamp) -> AttributeValue {
    row::number(row::expiry(row::later(now, ROW_LIFETIME)))
}

/// Handle of the chunks of background runs.
#[derive(Debug, Clone, Copy)]
pub struct Chunks<'s> {
    store: &'s Store,
}

impl Store {
    /// Returns the handle of the chunks.
    #[must_use]
    pub const fn chunks(&self) -> Chunks<'_> {
        Chunks { store: self }
    }
}

impl Chunks<'_> {
    /// Returns the row of a chunk, read consistently.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn get(
        self,
        run: &RunId,
        round: Round,
        chunk: u32,
    ) -> Result<Option<ChunkRow>, StoreError> {
        self.store
            .read_permanent_row(ROW, &key(run, round, chunk))
            .await
    }

    /// Returns at most `limit` rows of a round by chunk number, starting at chunk `from`, read
    /// consistently.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn list(
        self,
        run: &RunId,
        round: Round,
        from: u32,
        limit: usize,
    ) -> Result<BTreeMap<u32, ChunkRow>, StoreError> {
        let mut rows = BTreeMap::new();
        let mut start = None;
        while rows.len() < limit {
            let left = i32::try_from(limit - rows.len()).unwrap_or(i32::MAX);
            let bounds = [
                format!("{}{from:09}", prefix(round)),
                format!("{}~", prefix(round)),
            ];
            let chunks = Condition::equals("pk", row::text(format!("RUN#{run}")))
                .and(Condition::between("sk", bounds.map(row::text)));
            let response = self
                .store
                .query(chunks)
                .limit(left)
                .set_exclusive_start_key(start)
                .send_boxed()
                .await
                .map_err(StoreError::sdk("Query"))?;
            for attributes in response.items.unwrap_or_default() {
                if let Some(number) = number_of(&attributes) {
                    rows.insert(number, row::decode(ROW, attributes)?);
                }
            }
            start = response.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(rows)
    }

    /// Stores the records of a chunk that repeat an earlier record.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn put_repeated(
        self,
        run: &RunId,
        attempt: &str,
        chunk: u32,
        repeated: &Repeats,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut attributes = row::encode(ROW, &repeated_key(run, attempt, chunk), repeated)?;
        attributes.insert(EXPIRES_AT.to_owned(), expires_at(now));
        self.store.put_retrying(attributes).await
    }

    /// Returns the records of a chunk that repeat an earlier record.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn repeated(
        self,
        run: &RunId,
        attempt: &str,
        chunk: u32,
    ) -> Result<Repeats, StoreError> {
        let key = repeated_key(run, attempt, chunk);
        let row = self.store.read_permanent_row(ROW, &key).await?;
        Ok(row.unwrap_or_default())
    }

    /// Adds a chunk with a result to the progress of its round, and returns the new progress.
    ///
    /// # Errors
    /// Returns an error if the store request fails; the chunk may have been counted.
    pub async fn count(
        self,
        run: &RunId,
        round: Round,
        records: u64,
        now: Timestamp,
    ) -> Result<RoundProgress, StoreError> {
        let update = UpdateExpression::new()
            .add("chunks", row::number(1))
            .add("records", row::number(records))
            .set(EXPIRES_AT, expires_at(now));
        let response = self
            .store
            .update_item(&progress_key(run, round), update, None)
            .return_values(ReturnValue::AllNew)
            .send_boxed()
            .await
            .map_err(StoreError::sdk("UpdateItem"))?;
        row::decode("progress", response.attributes.unwrap_or_default())
    }

    /// Returns the progress of a round.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn progress(self, run: &RunId, round: Round) -> Result<RoundProgress, StoreError> {
        let key = progress_key(run, round);
        let row = self.store.read_permanent_row("progress", &key).await?;
        Ok(row.unwrap_or_default())
    }
}

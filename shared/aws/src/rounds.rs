//! The chunks of a run in the background, as they are planned or applied (PROTOCOL §5). A chunk has
//! one row a round: who works on it takes it by a condition and for a while, and what came of it is
//! written to the same row under the condition that it is still theirs. So of two who work on a
//! chunk one after the other, the later one counts.
//!
//! Rows: `RUN#<id>` / `CHUNK#<round>#<n>`, `…` / `REPEATED#<attempt>#<n>`, `…` / `PROGRESS#<round>`.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;
use muster_core::run::{Counts, State};
use muster_core::survey::Repeats;
use serde::{Deserialize, Serialize};

use crate::kept::Kept;
use crate::row::{self, Attributes, EXPIRES_AT, Key, millis_option};
use crate::runs::{KEPT_ROWS, RunId};
use crate::{Store, StoreError};

mod taking;

const WHAT: &str = "a chunk";

/// What is done with all chunks of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Round {
    /// Every record is planned, and nothing written.
    Plan,
    /// Every record is applied.
    Apply,
}

impl Round {
    /// As it stands in keys and names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
        }
    }

    /// What is being done with the chunks of a run in this state, if anything is.
    #[must_use]
    pub const fn of(state: State) -> Option<Self> {
        match state {
            State::Planning => Some(Self::Plan),
            State::Applying | State::Stopping => Some(Self::Apply),
            State::Uploading | State::Checking | State::Finished | State::Cancelled => None,
        }
    }
}

/// A chunk in a round.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChunkRow {
    /// How often it was begun with, since something of it was last applied.
    #[serde(default)]
    pub tries: u32,
    /// Who works on it, or did last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Since when; absent: it was handed back.
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub since: Option<Timestamp>,
    /// Whether somebody was given up who worked on it: a write of theirs may still be under way.
    #[serde(default)]
    pub unsure: bool,
    /// When its message was last sent again.
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub resent_at: Option<Timestamp>,
    /// What came of it; it is never changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ChunkResult>,
}

/// What came of a chunk.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChunkResult {
    /// What became of its records: absolute, so that sums are exact however often it is read.
    pub counts: Counts,
    /// How many items it has, by code.
    pub item_counts: BTreeMap<String, u64>,
    /// Its items and its rejected records; absent: there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Kept>,
    /// Records that were not begun with, for the run was stopped.
    #[serde(default)]
    pub left_out: u64,
}

impl ChunkResult {
    /// Records of the chunk.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.counts.total + self.left_out
    }
}

/// What became of an attempt to begin with a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// It may be worked on, until its time is over.
    Mine {
        /// Which try it is, from 1.
        tries: u32,
        /// See [`ChunkRow::unsure`].
        unsure: bool,
    },
    /// It has a result.
    Committed,
    /// Somebody else works on it.
    Busy,
}

/// How far a round has come. A hint: what counts are the chunks' rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Chunks with a result.
    #[serde(default)]
    pub chunks: u64,
    /// Their records.
    #[serde(default)]
    pub records: u64,
}

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
    row::number(row::expiry(row::later(now, KEPT_ROWS)))
}

impl Store {
    /// The row of a chunk, read consistently.
    ///
    /// # Errors
    /// What the store says.
    pub async fn chunk(
        &self,
        run: &RunId,
        round: Round,
        chunk: u32,
    ) -> Result<Option<ChunkRow>, StoreError> {
        self.read_lasting_row(WHAT, &key(run, round, chunk)).await
    }

    /// The rows of a round by chunk, read consistently, `from` on, at most `limit`.
    ///
    /// # Errors
    /// What the store says.
    pub async fn chunks(
        &self,
        run: &RunId,
        round: Round,
        from: u32,
        limit: usize,
    ) -> Result<BTreeMap<u32, ChunkRow>, StoreError> {
        let mut rows = BTreeMap::new();
        let mut start = None;
        while rows.len() < limit {
            let left = i32::try_from(limit - rows.len()).unwrap_or(i32::MAX);
            let answer = self
                .client
                .query()
                .table_name(&self.tables.control)
                .key_condition_expression("pk = :run AND sk BETWEEN :from AND :to")
                .expression_attribute_values(":run", row::text(format!("RUN#{run}")))
                .expression_attribute_values(
                    ":from",
                    row::text(format!("{}{from:09}", prefix(round))),
                )
                .expression_attribute_values(":to", row::text(format!("{}~", prefix(round))))
                .limit(left)
                .set_exclusive_start_key(start)
                .consistent_read(true)
                .send()
                .await
                .map_err(StoreError::sdk("Query"))?;
            for attributes in answer.items.unwrap_or_default() {
                if let Some(number) = number_of(&attributes) {
                    rows.insert(number, row::decode(WHAT, attributes)?);
                }
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(rows)
    }

    /// Puts down which records of a chunk are repeated.
    ///
    /// # Errors
    /// What the store says.
    pub async fn put_repeated(
        &self,
        run: &RunId,
        attempt: &str,
        chunk: u32,
        repeated: &Repeats,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut attributes = row::encode(WHAT, &repeated_key(run, attempt, chunk), repeated)?;
        attributes.insert(EXPIRES_AT.to_owned(), expires_at(now));
        self.put_patiently(attributes).await
    }

    /// Which records of a chunk are repeated.
    ///
    /// # Errors
    /// What the store says.
    pub async fn repeated(
        &self,
        run: &RunId,
        attempt: &str,
        chunk: u32,
    ) -> Result<Repeats, StoreError> {
        let key = repeated_key(run, attempt, chunk);
        let row = self.read_lasting_row(WHAT, &key).await?;
        Ok(row.unwrap_or_default())
    }

    /// Counts a chunk that has its result, and says how many are counted.
    ///
    /// # Errors
    /// What the store says; the chunk may be counted.
    pub async fn count_chunk(
        &self,
        run: &RunId,
        round: Round,
        records: u64,
        now: Timestamp,
    ) -> Result<Progress, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.tables.control)
            .set_key(Some(progress_key(run, round).attributes()))
            .update_expression("ADD #chunks :one, #records :records SET #expires_at = :expires_at")
            .expression_attribute_names("#chunks", "chunks")
            .expression_attribute_names("#records", "records")
            .expression_attribute_names("#expires_at", EXPIRES_AT)
            .expression_attribute_values(":one", row::number(1))
            .expression_attribute_values(":records", row::number(records))
            .expression_attribute_values(":expires_at", expires_at(now))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(StoreError::sdk("UpdateItem"))?;
        row::decode("progress", answer.attributes.unwrap_or_default())
    }

    /// How far a round has come.
    ///
    /// # Errors
    /// What the store says.
    pub async fn progress(&self, run: &RunId, round: Round) -> Result<Progress, StoreError> {
        let key = progress_key(run, round);
        let row = self.read_lasting_row("progress", &key).await?;
        Ok(row.unwrap_or_default())
    }
}

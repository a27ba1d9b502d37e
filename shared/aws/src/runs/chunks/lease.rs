//! Chunk leases (protocol.md#chunk-leases): a writer leases a chunk for a limited time by a
//! conditional write, and releases it or commits its result while the lease is its own.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

use super::{ChunkResult, ChunkRow, Chunks, ROW, Round, expires_at, key};
use crate::client::SendBoxed;
use crate::dynamodb::expression::{Condition, UpdateExpression};
use crate::dynamodb::row::{self, EXPIRES_AT};
use crate::dynamodb::write::unless_refused;
use crate::error::StoreError;
use crate::runs::id::RunId;

/// Outcome of leasing a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseOutcome {
    /// The caller has the lease, until it expires.
    Leased {
        /// Number of this attempt, from 1.
        attempts: u32,
        /// See [`ChunkRow::outcome_unknown`].
        outcome_unknown: bool,
    },
    /// The chunk has a result.
    Committed,
    /// Another writer has the lease.
    Busy,
}

/// Previous lease that a new lease may replace.
#[derive(Debug, Clone, Copy)]
enum Previous {
    /// None: the chunk was never leased or was released, or the same owner leased it and the
    /// response was lost.
    None,
    /// A lease that started before this time.
    Before(Timestamp),
}

impl Chunks<'_> {
    /// Leases a chunk to `owner`, unless the chunk has a result or was leased to another owner less
    /// than `duration` ago.
    ///
    /// # Errors
    /// Returns an error if the store request fails; the chunk may be leased for `duration`.
    pub async fn lease(
        self,
        run: &RunId,
        round: Round,
        chunk: u32,
        owner: &str,
        duration: Duration,
        now: Timestamp,
    ) -> Result<LeaseOutcome, StoreError> {
        if let Some(mine) = self
            .lease_from(run, round, chunk, owner, Previous::None, now)
            .await?
        {
            return Ok(mine);
        }
        let expired = now.checked_sub(duration).unwrap_or(Timestamp::MIN);
        let previous = Previous::Before(expired);
        if let Some(mine) = self
            .lease_from(run, round, chunk, owner, previous, now)
            .await?
        {
            return Ok(mine);
        }
        let row = self.get(run, round, chunk).await?;
        Ok(match row.and_then(|row| row.result) {
            Some(_) => LeaseOutcome::Committed,
            None => LeaseOutcome::Busy,
        })
    }

    async fn lease_from(
        self,
        run: &RunId,
        round: Round,
        chunk: u32,
        owner: &str,
        previous: Previous,
        now: Timestamp,
    ) -> Result<Option<LeaseOutcome>, StoreError> {
        let mut update = UpdateExpression::new()
            .set("owner", row::text(owner))
            .set("since", row::number(now.as_millisecond()))
            .set(EXPIRES_AT, expires_at(now))
            .add("tries", row::number(1));
        let leasable = match previous {
            Previous::None => {
                Condition::absent("since").or(Condition::equals("owner", row::text(owner)))
            }
            Previous::Before(since) => {
                update = update.set("unsure", AttributeValue::Bool(true));
                Condition::less_than("since", row::number(since.as_millisecond()))
            }
        };
        let leasable = Condition::absent("result").and(leasable);
        let response = self
            .store
            .update_item(&key(run, round, chunk), update, Some(leasable))
            .return_values(ReturnValue::AllNew)
            .send_boxed()
            .await;
        let Some(response) = unless_refused(response)? else {
            return Ok(None);
        };
        let row: ChunkRow = row::decode(ROW, response.attributes.unwrap_or_default())?;
        let ChunkRow {
            attempts,
            outcome_unknown,
            ..
        } = row;
        Ok(Some(LeaseOutcome::Leased {
            attempts,
            outcome_unknown,
        }))
    }

    /// Resets the attempts of a chunk after some of its records were applied. If `certain`, every
    /// write got its response, so the lease ends and the next writer can continue at once;
    /// otherwise the lease lasts until it expires. Changes nothing if another writer has the lease
    /// by now.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn release(
        self,
        run: &RunId,
        round: Round,
        chunk: u32,
        owner: &str,
        certain: bool,
    ) -> Result<(), StoreError> {
        let mut update = UpdateExpression::new().set("tries", row::number(0));
        if certain {
            update = update.remove("since");
        }
        let released = self
            .store
            .update_item(&key(run, round, chunk), update, Some(leased_by(owner)))
            .send_boxed()
            .await;
        unless_refused(released).map(drop)
    }

    /// Writes the result of a chunk if `owner` still has the lease; without an owner, if the chunk
    /// was never leased. Returns false if another writer has the lease, or if the chunk has another
    /// result.
    ///
    /// # Errors
    /// Returns an error if the store request fails; the result may have been written.
    pub async fn commit(
        self,
        run: &RunId,
        round: Round,
        chunk: u32,
        owner: Option<&str>,
        result: &ChunkResult,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = UpdateExpression::new()
            .set("result", row::encode_value(ROW, result)?)
            .set(EXPIRES_AT, expires_at(now));
        let condition = match owner {
            None => Condition::row_absent(),
            Some(owner) => leased_by(owner),
        };
        let response = self
            .store
            .update_item(&key(run, round, chunk), update, Some(condition))
            .send_boxed()
            .await;
        let written = unless_refused(response).map(|response| response.is_some());
        if matches!(written, Ok(true)) {
            return written;
        }
        // A response may have been lost: the row shows whether an attempt took effect.
        let found = self.get(run, round, chunk).await?.unwrap_or_default();
        let mine = found.owner.as_deref() == owner && found.result.as_ref() == Some(result);
        if mine { Ok(true) } else { written }
    }

    /// Records that the message of a chunk is being resent.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn note_resent(
        self,
        run: &RunId,
        round: Round,
        chunk: u32,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let update = UpdateExpression::new().set("resent_at", row::number(now.as_millisecond()));
        let pending = Condition::row_exists().and(Condition::absent("result"));
        let noted = self
            .store
            .update_item(&key(run, round, chunk), update, Some(pending))
            .send_boxed()
            .await;
        unless_refused(noted).map(drop)
    }
}

/// Returns the condition that a chunk has no result and is leased by `owner`.
fn leased_by(owner: &str) -> Condition {
    Condition::equals("owner", row::text(owner)).and(Condition::absent("result"))
}

//! Whose a chunk is: taken by a condition and for a while, handed back, given its result by who has
//! it.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

use super::{ChunkResult, ChunkRow, Round, Started, WHAT, expires_at, key};
use crate::row::{self, EXPIRES_AT};
use crate::runs::RunId;
use crate::{Store, StoreError};

/// From whom a chunk is taken.
#[derive(Debug, Clone, Copy)]
enum Take {
    /// Nobody: it is free, or was handed back; or this owner took it before, and the answer was
    /// lost.
    Free,
    /// Somebody who took it before then.
    Over(Timestamp),
}

impl Take {
    const fn expression(self) -> &'static str {
        match self {
            Self::Free => {
                "SET #owner = :owner, #since = :now, #expires_at = :expires_at ADD #tries :one"
            }
            Self::Over(_) => {
                "SET #owner = :owner, #since = :now, #expires_at = :expires_at, \
                 #unsure = :unsure ADD #tries :one"
            }
        }
    }

    const fn condition(self) -> &'static str {
        match self {
            Self::Free => {
                "attribute_not_exists(#result) AND (attribute_not_exists(#since) OR \
                 #owner = :owner)"
            }
            Self::Over(_) => "attribute_not_exists(#result) AND #since < :over",
        }
    }
}

type UpdateError = aws_sdk_dynamodb::error::SdkError<
    aws_sdk_dynamodb::operation::update_item::UpdateItemError,
    aws_sdk_dynamodb::config::http::HttpResponse,
>;

fn is_refused(error: &UpdateError) -> bool {
    error
        .as_service_error()
        .is_some_and(|error| error.is_conditional_check_failed_exception())
}

impl Store {
    /// Takes a chunk to work on in the name of `owner`, unless it has a result or somebody else
    /// took it less than `held` ago.
    ///
    /// # Errors
    /// What the store says; then it may be taken, for that long.
    pub async fn start_chunk(
        &self,
        run: &RunId,
        round: Round,
        chunk: u32,
        owner: &str,
        held: Duration,
        now: Timestamp,
    ) -> Result<Started, StoreError> {
        if let Some(mine) = self
            .take_chunk(run, round, chunk, owner, Take::Free, now)
            .await?
        {
            return Ok(mine);
        }
        let over = now.checked_sub(held).unwrap_or(Timestamp::MIN);
        let take = Take::Over(over);
        if let Some(mine) = self.take_chunk(run, round, chunk, owner, take, now).await? {
            return Ok(mine);
        }
        let row = self.chunk(run, round, chunk).await?;
        Ok(match row.and_then(|row| row.result) {
            Some(_) => Started::Committed,
            None => Started::Busy,
        })
    }

    async fn take_chunk(
        &self,
        run: &RunId,
        round: Round,
        chunk: u32,
        owner: &str,
        take: Take,
        now: Timestamp,
    ) -> Result<Option<Started>, StoreError> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables.control)
            .set_key(Some(key(run, round, chunk).attributes()))
            .update_expression(take.expression())
            .condition_expression(take.condition())
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#since", "since")
            .expression_attribute_names("#tries", "tries")
            .expression_attribute_names("#result", "result")
            .expression_attribute_names("#expires_at", EXPIRES_AT)
            .expression_attribute_values(":owner", row::text(owner))
            .expression_attribute_values(":now", row::number(now.as_millisecond()))
            .expression_attribute_values(":one", row::number(1))
            .expression_attribute_values(":expires_at", expires_at(now))
            .return_values(ReturnValue::AllNew);
        if let Take::Over(over) = take {
            update = update
                .expression_attribute_names("#unsure", "unsure")
                .expression_attribute_values(":over", row::number(over.as_millisecond()))
                .expression_attribute_values(":unsure", AttributeValue::Bool(true));
        }
        match update.send().await {
            Ok(answer) => {
                let row: ChunkRow = row::decode(WHAT, answer.attributes.unwrap_or_default())?;
                let ChunkRow { tries, unsure, .. } = row;
                Ok(Some(Started::Mine { tries, unsure }))
            }
            Err(error) if is_refused(&error) => Ok(None),
            Err(error) => Err(StoreError::from_sdk("UpdateItem", &error)),
        }
    }

    /// Lets the tries of a chunk begin anew: something of it was applied. `certain`: every write has
    /// its answer, so that the next one can go on with it at once; otherwise it stays taken until its
    /// time is over. That it is somebody else's by now is fine.
    ///
    /// # Errors
    /// What the store says.
    pub async fn release_chunk(
        &self,
        run: &RunId,
        round: Round,
        chunk: u32,
        owner: &str,
        certain: bool,
    ) -> Result<(), StoreError> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables.control)
            .set_key(Some(key(run, round, chunk).attributes()))
            .condition_expression("#owner = :owner AND attribute_not_exists(#result)")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#tries", "tries")
            .expression_attribute_names("#result", "result")
            .expression_attribute_values(":owner", row::text(owner))
            .expression_attribute_values(":none", row::number(0));
        update = if certain {
            update
                .update_expression("SET #tries = :none REMOVE #since")
                .expression_attribute_names("#since", "since")
        } else {
            update.update_expression("SET #tries = :none")
        };
        accepted(update.send().await.map(drop)).map(drop)
    }

    /// Writes what came of a chunk, if it is still `owner`'s to say. Absent an owner: if nobody has
    /// begun with it. `false`: it is somebody else's, or has its result.
    ///
    /// # Errors
    /// What the store says; then it may be written.
    pub async fn commit_chunk(
        &self,
        run: &RunId,
        round: Round,
        chunk: u32,
        owner: Option<&str>,
        result: &ChunkResult,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables.control)
            .set_key(Some(key(run, round, chunk).attributes()))
            .update_expression("SET #result = :result, #expires_at = :expires_at")
            .expression_attribute_names("#result", "result")
            .expression_attribute_names("#expires_at", EXPIRES_AT)
            .expression_attribute_values(":result", row::encode_value(WHAT, result)?)
            .expression_attribute_values(":expires_at", expires_at(now));
        update = match owner {
            None => update.condition_expression("attribute_not_exists(pk)"),
            Some(owner) => update
                .condition_expression("#owner = :owner AND attribute_not_exists(#result)")
                .expression_attribute_names("#owner", "owner")
                .expression_attribute_values(":owner", row::text(owner)),
        };
        let written = accepted(update.send().await.map(drop));
        if matches!(written, Ok(true)) {
            return written;
        }
        // An answer may have been lost: the row says whether a try took effect.
        let found = self.chunk(run, round, chunk).await?.unwrap_or_default();
        let mine = found.owner.as_deref() == owner && found.result.as_ref() == Some(result);
        if mine { Ok(true) } else { written }
    }

    /// Notes that the message of a chunk is being sent again.
    ///
    /// # Errors
    /// What the store says.
    pub async fn note_resent(
        &self,
        run: &RunId,
        round: Round,
        chunk: u32,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.tables.control)
            .set_key(Some(key(run, round, chunk).attributes()))
            .update_expression("SET #resent_at = :now")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(#result)")
            .expression_attribute_names("#resent_at", "resent_at")
            .expression_attribute_names("#result", "result")
            .expression_attribute_values(":now", row::number(now.as_millisecond()))
            .send()
            .await;
        accepted(answer.map(drop)).map(drop)
    }
}

/// Whether a conditional update was accepted.
fn accepted(answer: Result<(), UpdateError>) -> Result<bool, StoreError> {
    match answer {
        Ok(()) => Ok(true),
        Err(error) if is_refused(&error) => Ok(false),
        Err(error) => Err(StoreError::from_sdk("UpdateItem", &error)),
    }
}

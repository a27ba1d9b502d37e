//! Updates of a background run that keep its state.

use aws_sdk_dynamodb::types::ReturnValue;
use jiff::Timestamp;
use muster_core::run::State;

use super::id::RunId;
use super::job::ReadProgress;
use super::run::{ROW, Run, Runs, key};
use crate::client::SendBoxed;
use crate::dynamodb::expression::{Condition, UpdateExpression};
use crate::dynamodb::row;
use crate::dynamodb::write::unless_refused;
use crate::error::StoreError;
use crate::s3::ObjectVersion;

impl Runs<'_> {
    /// Records a new attempt of a processor at a run in `checking`. Returns `None` if the run has
    /// left that state.
    ///
    /// # Errors
    /// Returns an error if the store request fails; the attempt may have been counted.
    pub async fn begin_checking(
        self,
        run: &RunId,
        now: Timestamp,
    ) -> Result<Option<Run>, StoreError> {
        let update = UpdateExpression::new()
            .increment("job.tries", 1)
            .set("job.heard_at", row::number(now.as_millisecond()));
        self.update_in_state(run, State::Checking, update).await
    }

    /// Pins the object to check, unless one is pinned already; the returned run names the pinned
    /// object. Returns `None` if the run is no longer in `checking`.
    ///
    /// # Errors
    /// Returns an error if the store request fails; the object may have been pinned.
    pub async fn pin_object(
        self,
        run: &RunId,
        object: &ObjectVersion,
    ) -> Result<Option<Run>, StoreError> {
        let update =
            UpdateExpression::new().set_if_absent("job.object", row::encode_value(ROW, object)?);
        self.update_in_state(run, State::Checking, update).await
    }

    /// Records the processor's heartbeat and reading progress. Returns false if the run is no
    /// longer in `checking`.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn note_read(
        self,
        run: &RunId,
        read: ReadProgress,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = UpdateExpression::new()
            .set("job.read", row::encode_value(ROW, &read)?)
            .set("job.heard_at", row::number(now.as_millisecond()));
        let changed = self.update_in_state(run, State::Checking, update).await?;
        Ok(changed.is_some())
    }

    /// Records that the messages for a run's state have been queued.
    ///
    /// # Errors
    /// Returns an error if the store request fails; the messages are then queued once more.
    pub async fn note_queued(
        self,
        run: &RunId,
        state: State,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let update =
            UpdateExpression::new().set("job.queued_at", row::number(now.as_millisecond()));
        self.update_in_state(run, state, update).await.map(drop)
    }

    /// Updates a background run that is in `state`. Returns `None` if it is in another state.
    async fn update_in_state(
        self,
        run: &RunId,
        state: State,
        update: UpdateExpression,
    ) -> Result<Option<Run>, StoreError> {
        let in_state = Condition::equals("state", row::encode_value(ROW, &state)?)
            .and(Condition::exists("job"));
        let response = self
            .store
            .update_item(&key(run), update, Some(in_state))
            .return_values(ReturnValue::AllNew)
            .send_boxed()
            .await;
        unless_refused(response)?
            .map(|response| row::decode(ROW, response.attributes.unwrap_or_default()))
            .transpose()
    }
}

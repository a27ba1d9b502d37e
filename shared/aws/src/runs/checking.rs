//! What changes in a run in the background while it stays in its state.

use aws_sdk_dynamodb::types::ReturnValue;
use jiff::Timestamp;
use muster_core::run::State;

use super::{Read, Run, RunId, WHAT, key};
use crate::background::Object;
use crate::row;
use crate::{Store, StoreError};

/// A change to a run's row that is made in one state only.
struct Change {
    expression: &'static str,
    names: Vec<(&'static str, &'static str)>,
    values: Vec<(&'static str, aws_sdk_dynamodb::types::AttributeValue)>,
}

impl Store {
    /// Notes that a processor begins with a run that waits for it. `None`: it does not any more.
    ///
    /// # Errors
    /// What the store says; the try may be counted.
    pub async fn begin_checking(
        &self,
        run: &RunId,
        now: Timestamp,
    ) -> Result<Option<Run>, StoreError> {
        let change = Change {
            expression: "SET #job.#tries = #job.#tries + :one, #job.#heard = :now",
            names: vec![("#tries", "tries"), ("#heard", "heard_at")],
            values: vec![
                (":one", row::number(1)),
                (":now", row::number(now.as_millisecond())),
            ],
        };
        self.change_within(run, State::Checking, change).await
    }

    /// Pins the object that is checked, unless another one is pinned already; the run that comes
    /// back says which. `None`: it is not being checked any more.
    ///
    /// # Errors
    /// What the store says; the object may be pinned.
    pub async fn pin_object(
        &self,
        run: &RunId,
        object: &Object,
    ) -> Result<Option<Run>, StoreError> {
        let change = Change {
            expression: "SET #job.#object = if_not_exists(#job.#object, :object)",
            names: vec![("#object", "object")],
            values: vec![(":object", row::encode_value(WHAT, object)?)],
        };
        self.change_within(run, State::Checking, change).await
    }

    /// Says that the processor is at work, and how far it has come. `false`: the run is not being
    /// checked any more.
    ///
    /// # Errors
    /// What the store says.
    pub async fn note_read(
        &self,
        run: &RunId,
        read: Read,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let change = Change {
            expression: "SET #job.#read = :read, #job.#heard = :now",
            names: vec![("#read", "read"), ("#heard", "heard_at")],
            values: vec![
                (":read", row::encode_value(WHAT, &read)?),
                (":now", row::number(now.as_millisecond())),
            ],
        };
        let changed = self.change_within(run, State::Checking, change).await?;
        Ok(changed.is_some())
    }

    /// Notes that the messages of a run's state are queued.
    ///
    /// # Errors
    /// What the store says; they are queued once more then.
    pub async fn note_queued(
        &self,
        run: &RunId,
        state: State,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let change = Change {
            expression: "SET #job.#queued = :now",
            names: vec![("#queued", "queued_at")],
            values: vec![(":now", row::number(now.as_millisecond()))],
        };
        self.change_within(run, state, change).await.map(drop)
    }

    async fn change_within(
        &self,
        run: &RunId,
        state: State,
        change: Change,
    ) -> Result<Option<Run>, StoreError> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables.control)
            .set_key(Some(key(run).attributes()))
            .update_expression(change.expression)
            .condition_expression("#state = :state AND attribute_exists(#job)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#job", "job")
            .expression_attribute_values(":state", row::encode_value(WHAT, &state)?)
            .return_values(ReturnValue::AllNew);
        for (placeholder, name) in change.names {
            update = update.expression_attribute_names(placeholder, name);
        }
        for (placeholder, value) in change.values {
            update = update.expression_attribute_values(placeholder, value);
        }
        match update.send().await {
            Ok(answer) => row::decode(WHAT, answer.attributes.unwrap_or_default()).map(Some),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(None)
            }
            Err(error) => Err(StoreError::from_sdk("UpdateItem", &error)),
        }
    }
}

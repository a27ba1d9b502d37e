//! Writes of single rows, alone or as a part of a transaction.

use std::time::Duration;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::{
    Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use super::expression::{Condition, Expressions, UpdateExpression};
use super::row::{Attributes, Key};
use crate::backoff::{Backoff, RetryPolicy};
use crate::client::SendBoxed;
use crate::error::StoreError;
use crate::store::Store;

/// Retry policy of a put that its partition throttles.
const THROTTLED_PUT: RetryPolicy = RetryPolicy {
    attempts: u32::MAX,
    total: Duration::from_secs(4),
    longest: Duration::from_secs(1),
};

/// A write of a transaction.
#[derive(Debug)]
pub(crate) struct Write<'t> {
    table: &'t str,
    action: Action,
    condition: Option<Condition>,
    returns_refusing_row: bool,
}

#[derive(Debug)]
enum Action {
    Put(Attributes),
    Update(Attributes, UpdateExpression),
    Delete(Attributes),
}

impl<'t> Write<'t> {
    /// Puts a row, replacing the current one.
    pub(crate) const fn put(table: &'t str, row: Attributes) -> Self {
        Self::new(table, Action::Put(row))
    }

    /// Puts a row if none exists. A refusal returns the current row.
    pub(crate) fn put_new(table: &'t str, row: Attributes) -> Self {
        Self::put(table, row)
            .only_if(Condition::row_absent())
            .returning_refusing_row()
    }

    /// Updates the row at `key`, or creates it if it does not exist.
    pub(crate) fn update(table: &'t str, key: &Key, update: UpdateExpression) -> Self {
        Self::new(table, Action::Update(key.attributes(), update))
    }

    /// Deletes the row at `key`, if it exists.
    pub(crate) fn delete(table: &'t str, key: &Key) -> Self {
        Self::new(table, Action::Delete(key.attributes()))
    }

    /// Refuses the write, and the whole transaction, unless `condition` holds.
    pub(crate) fn only_if(mut self, condition: Condition) -> Self {
        self.condition = Some(condition);
        self
    }

    /// Makes a refusal return the row for which the condition failed.
    pub(crate) const fn returning_refusing_row(mut self) -> Self {
        self.returns_refusing_row = true;
        self
    }

    /// Builds the write.
    ///
    /// # Errors
    /// Returns an error if the request lacks a required member.
    pub(crate) fn build(self) -> Result<TransactWriteItem, StoreError> {
        let Self {
            table,
            action,
            condition,
            returns_refusing_row,
        } = self;
        let on_refusal =
            returns_refusing_row.then_some(ReturnValuesOnConditionCheckFailure::AllOld);
        let write = TransactWriteItem::builder();
        Ok(match action {
            Action::Put(row) => {
                let expressions = Expressions::new(None, condition);
                let put = Put::builder()
                    .table_name(table)
                    .set_item(Some(row))
                    .set_condition_expression(expressions.condition)
                    .set_expression_attribute_names(expressions.names)
                    .set_expression_attribute_values(expressions.values)
                    .set_return_values_on_condition_check_failure(on_refusal);
                write.put(put.build()?).build()
            }
            Action::Update(key, update) => {
                let expressions = Expressions::new(Some(update), condition);
                let update = Update::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .set_update_expression(expressions.update)
                    .set_condition_expression(expressions.condition)
                    .set_expression_attribute_names(expressions.names)
                    .set_expression_attribute_values(expressions.values)
                    .set_return_values_on_condition_check_failure(on_refusal);
                write.update(update.build()?).build()
            }
            Action::Delete(key) => {
                let expressions = Expressions::new(None, condition);
                let delete = Delete::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .set_condition_expression(expressions.condition)
                    .set_expression_attribute_names(expressions.names)
                    .set_expression_attribute_values(expressions.values)
                    .set_return_values_on_condition_check_failure(on_refusal);
                write.delete(delete.build()?).build()
            }
        })
    }

    const fn new(table: &'t str, action: Action) -> Self {
        Self {
            table,
            action,
            condition: None,
            returns_refusing_row: false,
        }
    }
}

/// Returns the response to a conditional update; `None` if its condition failed.
pub(crate) fn unless_refused(
    response: Result<UpdateItemOutput, SdkError<UpdateItemError, HttpResponse>>,
) -> Result<Option<UpdateItemOutput>, StoreError> {
    match response {
        Ok(response) => Ok(Some(response)),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
            _ => Err(StoreError::from_sdk("UpdateItem", &error)),
        },
    }
}

impl Store {
    /// Returns an update of a row of the control table.
    pub(crate) fn update_item(
        &self,
        key: &Key,
        update: UpdateExpression,
        condition: Option<Condition>,
    ) -> UpdateItemFluentBuilder {
        let expressions = Expressions::new(Some(update), condition);
        self.client()
            .update_item()
            .table_name(&self.tables.control)
            .set_key(Some(key.attributes()))
            .set_update_expression(expressions.update)
            .set_condition_expression(expressions.condition)
            .set_expression_attribute_names(expressions.names)
            .set_expression_attribute_values(expressions.values)
    }

    /// Deletes the row at `key` of the control table, if it exists.
    pub(crate) async fn delete_row(&self, key: &Key) -> Result<(), StoreError> {
        self.client()
            .delete_item()
            .table_name(&self.tables.control)
            .set_key(Some(key.attributes()))
            .send_boxed()
            .await
            .map_err(StoreError::sdk("DeleteItem"))?;
        Ok(())
    }

    /// Puts a row, replacing the current one, and retries while its partition is throttled.
    pub(crate) async fn put_retrying(&self, row: Attributes) -> Result<(), StoreError> {
        let put = self.client().put_item().table_name(&self.tables.control);
        let put = put.set_item(Some(row));
        let mut backoff = Backoff::new(THROTTLED_PUT);
        loop {
            match put
                .clone()
                .send_boxed()
                .await
                .map_err(StoreError::sdk("PutItem"))
            {
                Ok(_) => return Ok(()),
                Err(error @ StoreError::Throttled(_)) => {
                    if !backoff.before_next().await {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Puts a row if none exists. Returns false if one exists.
    pub(crate) async fn put_if_absent(&self, row: Attributes) -> Result<bool, StoreError> {
        self.put_if(row, Condition::row_absent()).await
    }

    /// Puts a row of the control table if `condition` holds for the current one. Returns false if
    /// it does not; see [`Store::put_into`].
    pub(crate) async fn put_if(
        &self,
        row: Attributes,
        condition: Condition,
    ) -> Result<bool, StoreError> {
        self.put_into(&self.tables.control, row, Some(condition))
            .await
    }

    /// Puts a row of `table` if `condition` holds for the current one. Returns false if it does
    /// not. If the current row equals the new one, it counts as just put: the response to an
    /// earlier attempt of the SDK was lost. (A row that two callers may put concurrently, and of
    /// which only one may succeed, must contain a random value.)
    pub(crate) async fn put_into(
        &self,
        table: &str,
        row: Attributes,
        condition: Option<Condition>,
    ) -> Result<bool, StoreError> {
        let expressions = Expressions::new(None, condition);
        let sent = self
            .client()
            .put_item()
            .table_name(table)
            .set_item(Some(row.clone()))
            .set_condition_expression(expressions.condition)
            .set_expression_attribute_names(expressions.names)
            .set_expression_attribute_values(expressions.values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send_boxed()
            .await;
        let Err(error) = sent else {
            return Ok(true);
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                Ok(failed.item() == Some(&row))
            }
            _ => Err(StoreError::from_sdk("PutItem", &error)),
        }
    }
}

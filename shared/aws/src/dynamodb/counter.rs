//! Counters that hand out numbers. Gaps are fine, so a block of numbers is taken with one write and
//! never given back.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::expression::UpdateExpression;
use super::row::Key;
use crate::client::SendBoxed;
use crate::error::StoreError;
use crate::store::Store;

/// The kind of row, for errors.
const ROW: &str = "a counter";

impl Store {
    /// Adds `by` to a counter, atomically, and returns its new value. A counter that does not exist
    /// yet counts as `start`.
    pub(crate) async fn count_up(
        &self,
        counter: &str,
        start: u64,
        by: u64,
    ) -> Result<u64, StoreError> {
        let key = Key::new(format!("COUNTER#{counter}"), "COUNTER");
        let update = UpdateExpression::new().increment_from("last", start, by);
        let response = self
            .update_item(&key, update, None)
            .return_values(ReturnValue::UpdatedNew)
            .send_boxed()
            .await
            .map_err(StoreError::sdk("UpdateItem"))?;
        match response.attributes().and_then(|row| row.get("last")) {
            Some(AttributeValue::N(last)) => last.parse().map_err(|_| StoreError::Row {
                row: ROW,
                reason: "`last` is not a positive integer".to_owned(),
            }),
            _ => Err(StoreError::Row {
                row: ROW,
                reason: "`last` is missing".to_owned(),
            }),
        }
    }
}

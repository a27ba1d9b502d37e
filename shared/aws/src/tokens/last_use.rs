//! When tokens and robots were used last: right to ten minutes, and never at the cost of the request
//! that uses them.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use futures::future::join_all;
use jiff::Timestamp;

use crate::row::{self, Key};
use crate::{Store, StoreError};

/// How far it may be behind. Nothing is written for uses in between.
const PRECISION: Duration = Duration::from_secs(10 * 60);
/// How long a request waits for the note at most.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whether a use just now is worth a note.
fn is_due(last: Option<Timestamp>, now: Timestamp) -> bool {
    last.is_none_or(|last| row::later(last, PRECISION) <= now)
}

impl Store {
    /// Notes a use of each row, given with the use that was noted last, where that is due. What
    /// goes wrong is only logged.
    pub(super) async fn note_uses(&self, rows: Vec<(Key, Option<Timestamp>)>, now: Timestamp) {
        let due = rows.into_iter().filter(|(_, last)| is_due(*last, now));
        let notes = join_all(due.map(|(key, _)| async move { self.note_use(&key, now).await }));
        match tokio::time::timeout(PATIENCE, notes).await {
            Ok(noted) => {
                for error in noted.into_iter().filter_map(Result::err) {
                    tracing::warn!(%error, "a use of a token was not noted");
                }
            }
            Err(_elapsed) => tracing::warn!("a use of a token was not noted in time"),
        }
    }

    /// Notes it unless somebody else just did.
    async fn note_use(&self, key: &Key, now: Timestamp) -> Result<(), StoreError> {
        let millis = now.as_millisecond();
        let precision = i64::try_from(PRECISION.as_millis()).unwrap_or(i64::MAX);
        let noted = self
            .client
            .update_item()
            .table_name(&self.tables.control)
            .set_key(Some(key.attributes()))
            .update_expression("SET #last = :now")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(#last) OR #last <= :due)",
            )
            .expression_attribute_names("#last", "last_used_at")
            .expression_attribute_values(":now", row::number(millis))
            .expression_attribute_values(":due", row::number(millis.saturating_sub(precision)))
            .send()
            .await;
        match noted {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(StoreError::from_sdk("UpdateItem", &error)),
            },
        }
    }
}

//! Erasure of what a run keeps (contract.md#kept-values).

use super::request;
use crate::client::SendBoxed;
use crate::dynamodb::expression::{Condition, UpdateExpression};
use crate::dynamodb::write::unless_refused;
use crate::error::StoreError;
use crate::runs::id::RunId;
use crate::runs::run::{Runs, key};
use crate::s3::Objects;

impl Runs<'_> {
    /// Deletes the values that an ended run has kept, at once. Repeating a call changes nothing.
    ///
    /// # Errors
    /// Returns an error if a request fails; some of the values may be left.
    pub async fn erase_undo_data(self, objects: &Objects, run: &RunId) -> Result<(), StoreError> {
        // First, so that no undo begins meanwhile.
        let update = UpdateExpression::new()
            .remove("undo_until")
            .remove("applied");
        let updated = self
            .store
            .update_item(&key(run), update, Some(Condition::row_exists()))
            .send_boxed()
            .await;
        unless_refused(updated)?;
        objects.delete_values(run).await?;
        self.store.delete_row(&request::key(run)).await
    }
}

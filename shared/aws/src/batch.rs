//! Many rows in one call: BatchGetItem, asked again for what it leaves out. Being throttled as a
//! whole is the same as all keys left out: it costs patience, and progress restores it.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};

use crate::pauses::{Patience, Pauses};
use crate::row::Attributes;
use crate::{Store, StoreError};

/// Keys of one call.
const KEYS: usize = 100;
/// Calls at once; more gain nothing here and crowd others out.
const CALLS: usize = 4;
/// For rounds that bring nothing, one after the other.
const PATIENCE: Patience = Patience {
    tries: 8,
    total: Duration::from_secs(10),
    longest: Duration::from_secs(2),
};
const OPERATION: &str = "BatchGetItem";

/// What names a row.
pub(crate) trait RowKey: Sync {
    /// The key as DynamoDB takes it.
    fn to_attributes(&self) -> Attributes;
}

impl Store {
    /// The rows of `table` with these keys, each given once, read consistently. Absent ones are
    /// left out.
    pub(crate) async fn batch_rows(
        &self,
        table: &str,
        keys: &[impl RowKey],
    ) -> Result<Vec<Attributes>, StoreError> {
        // Boxed, because the compiler cannot prove that a stream of such futures may be sent
        // between threads.
        let batches: Vec<_> = keys
            .chunks(KEYS)
            .map(|keys| self.batch(table, keys).boxed())
            .collect();
        let rows: Vec<Vec<Attributes>> = stream::iter(batches)
            .buffer_unordered(CALLS)
            .try_collect()
            .await?;
        Ok(rows.into_iter().flatten().collect())
    }

    async fn batch(
        &self,
        table: &str,
        keys: &[impl RowKey],
    ) -> Result<Vec<Attributes>, StoreError> {
        let mut rows = Vec::with_capacity(keys.len());
        let mut unprocessed: Option<Vec<Attributes>> = None;
        let mut pauses = Pauses::new(PATIENCE);
        loop {
            let wanted = unprocessed
                .clone()
                .unwrap_or_else(|| keys.iter().map(RowKey::to_attributes).collect());
            let count = wanted.len();
            let asked = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(true)
                .build()?;
            let answer = self.client.batch_get_item().request_items(table, asked);
            let trouble = match answer.send().await.map_err(StoreError::sdk(OPERATION)) {
                Ok(answer) => {
                    let found = answer.responses.into_iter().flat_map(HashMap::into_values);
                    rows.extend(found.flatten());
                    let left = answer.unprocessed_keys.into_iter();
                    let left: Vec<_> = left
                        .flat_map(HashMap::into_values)
                        .flat_map(|left| left.keys)
                        .collect();
                    if left.is_empty() {
                        return Ok(rows);
                    }
                    if left.len() < count {
                        pauses.start_over();
                    }
                    unprocessed = Some(left);
                    StoreError::from_code(
                        OPERATION,
                        "ThrottlingError",
                        Some("keys were left unprocessed again and again"),
                    )
                }
                Err(error @ StoreError::Throttled(_)) => error,
                Err(error) => return Err(error),
            };
            if !pauses.before_next().await {
                return Err(trouble);
            }
        }
    }
}

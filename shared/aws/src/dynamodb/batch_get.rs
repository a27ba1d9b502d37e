//! BatchGetItem, repeated for the keys that a call leaves unprocessed. A call that is throttled as
//! a whole counts as one that left all keys unprocessed. Every call without progress uses up an
//! attempt; progress resets the attempts.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};

use super::row::{Attributes, RowKey};
use crate::backoff::{Backoff, RetryPolicy};
use crate::client::SendBoxed;
use crate::error::StoreError;
use crate::store::Store;

/// Maximum keys of one call.
const MAX_KEYS: usize = 100;
/// Maximum concurrent calls; more gain nothing here and slow others down.
const CONCURRENT_CALLS: usize = 4;
/// Retry policy for consecutive calls that return nothing.
const RETRY_POLICY: RetryPolicy = RetryPolicy {
    attempts: 8,
    total: Duration::from_secs(10),
    longest: Duration::from_secs(2),
};
const OPERATION: &str = "BatchGetItem";

impl Store {
    /// Reads the rows of `table` with these keys, consistently. Each key must be given once;
    /// absent rows are left out.
    pub(crate) async fn batch_get(
        &self,
        table: &str,
        keys: &[impl RowKey],
    ) -> Result<Vec<Attributes>, StoreError> {
        // Boxed, because the compiler cannot prove that a stream of such futures may be sent
        // between threads.
        let batches: Vec<_> = keys
            .chunks(MAX_KEYS)
            .map(|keys| self.batch_get_chunk(table, keys).boxed())
            .collect();
        let rows: Vec<Vec<Attributes>> = stream::iter(batches)
            .buffer_unordered(CONCURRENT_CALLS)
            .try_collect()
            .await?;
        Ok(rows.into_iter().flatten().collect())
    }

    async fn batch_get_chunk(
        &self,
        table: &str,
        keys: &[impl RowKey],
    ) -> Result<Vec<Attributes>, StoreError> {
        let mut rows = Vec::with_capacity(keys.len());
        let mut unprocessed: Option<Vec<Attributes>> = None;
        let mut backoff = Backoff::new(RETRY_POLICY);
        loop {
            let requested = unprocessed
                .clone()
                .unwrap_or_else(|| keys.iter().map(RowKey::to_attributes).collect());
            let count = requested.len();
            let request = KeysAndAttributes::builder()
                .set_keys(Some(requested))
                .consistent_read(true)
                .build()?;
            let call = self.client().batch_get_item().request_items(table, request);
            let failure = match call.send_boxed().await.map_err(StoreError::sdk(OPERATION)) {
                Ok(response) => {
                    let found = response
                        .responses
                        .into_iter()
                        .flat_map(HashMap::into_values);
                    rows.extend(found.flatten());
                    let left = response.unprocessed_keys.into_iter();
                    let left: Vec<_> = left
                        .flat_map(HashMap::into_values)
                        .flat_map(|left| left.keys)
                        .collect();
                    if left.is_empty() {
                        return Ok(rows);
                    }
                    if left.len() < count {
                        backoff.start_over();
                    }
                    unprocessed = Some(left);
                    StoreError::from_code(
                        OPERATION,
                        "ThrottlingError",
                        Some("keys were left unprocessed at every attempt"),
                    )
                }
                Err(error @ StoreError::Throttled(_)) => error,
                Err(error) => return Err(error),
            };
            if !backoff.before_next().await {
                return Err(failure);
            }
        }
    }
}

//! Consistent reads of users: many by login, some by id.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::row::{Stored, canon_of, shard, user_key};
use crate::Store;
use crate::error::StoreError;
use crate::row::{Attributes, text};

/// Keys of one BatchGetItem.
const KEYS: usize = 100;
/// BatchGetItem calls at once; more gain nothing here and crowd others out.
const CALLS: usize = 4;
/// Queries of the index at once.
const QUERIES: usize = 16;
/// Tries for keys that DynamoDB leaves out, with pauses that grow from 20 ms to over a second.
const TRIES: u32 = 8;

impl Store {
    /// What stands under these logins, given in their canonical form. Absent ones are left out.
    ///
    /// # Errors
    /// The store's; nothing is known then.
    pub async fn users(
        &self,
        canons: impl IntoIterator<Item = &str>,
    ) -> Result<HashMap<String, Stored>, StoreError> {
        self.directory_rows(canons.into_iter().map(user_key))
            .await?
            .into_iter()
            .filter_map(|(key, row)| Some((canon_of(&key)?.to_owned(), row)))
            .map(|(canon, row)| Ok((canon, Stored::read(row)?)))
            .collect()
    }

    /// The canonical logins of a tenant's users with these ids, where there are such users.
    ///
    /// # Errors
    /// The store's.
    pub async fn logins_by_id(
        &self,
        tenant: &str,
        ids: impl IntoIterator<Item = u64>,
    ) -> Result<HashMap<u64, String>, StoreError> {
        let found: Vec<(u64, String)> = stream::iter(ids)
            .map(|id| self.login_by_id(tenant, id))
            .buffer_unordered(QUERIES)
            .try_filter_map(async |hit| Ok(hit))
            .try_collect()
            .await?;
        // The index may be behind: only the row itself says who has an id.
        let canons: Vec<&str> = found.iter().map(|(_, canon)| canon.as_str()).collect();
        let users = self.users(canons).await?;
        Ok(found
            .into_iter()
            .filter(|(id, canon)| {
                users
                    .get(canon)
                    .and_then(|stored| stored.user.as_ref())
                    .is_some_and(|user| user.id == *id && user.tenant == tenant)
            })
            .collect())
    }

    async fn login_by_id(
        &self,
        tenant: &str,
        id: u64,
    ) -> Result<Option<(u64, String)>, StoreError> {
        let found = self
            .client
            .query()
            .table_name(&self.tables.directory)
            .index_name("by_tenant")
            .key_condition_expression("#shard = :shard AND #id = :id")
            .expression_attribute_names("#shard", "shard")
            .expression_attribute_names("#id", "id")
            .expression_attribute_values(":shard", text(shard(tenant, id)))
            .expression_attribute_values(":id", AttributeValue::N(id.to_string()))
            .send()
            .await
            .map_err(StoreError::sdk("Query"))?;
        let canon = found.items().first().and_then(|row| {
            let key = row.get("pk")?.as_s().ok()?;
            canon_of(key).map(str::to_owned)
        });
        Ok(canon.map(|canon| (id, canon)))
    }

    /// Rows of the directory by key, read consistently. Absent ones are left out.
    pub(crate) async fn directory_rows(
        &self,
        keys: impl IntoIterator<Item = String>,
    ) -> Result<HashMap<String, Attributes>, StoreError> {
        // A key that comes twice fails the whole request.
        let keys: Vec<String> = keys
            .into_iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let batches: Vec<Vec<String>> = keys.chunks(KEYS).map(<[String]>::to_vec).collect();
        let rows: Vec<Vec<Attributes>> = stream::iter(batches)
            .map(|keys| self.directory_batch(keys))
            .buffer_unordered(CALLS)
            .try_collect()
            .await?;
        Ok(rows
            .into_iter()
            .flatten()
            .filter_map(|row| Some((row.get("pk")?.as_s().ok()?.clone(), row)))
            .collect())
    }

    async fn directory_batch(&self, keys: Vec<String>) -> Result<Vec<Attributes>, StoreError> {
        let mut wanted: Vec<HashMap<String, AttributeValue>> = keys
            .into_iter()
            .map(|key| HashMap::from([("pk".to_owned(), AttributeValue::S(key))]))
            .collect();
        let mut rows = Vec::with_capacity(wanted.len());
        for attempt in 0..TRIES {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(true)
                .build()
                .map_err(|error| StoreError::Row {
                    row: "a request",
                    reason: error.to_string(),
                })?;
            let answer = self
                .client
                .batch_get_item()
                .request_items(&self.tables.directory, request)
                .send()
                .await
                .map_err(StoreError::sdk("BatchGetItem"))?;
            rows.extend(
                answer
                    .responses
                    .into_iter()
                    .flat_map(HashMap::into_values)
                    .flatten(),
            );
            wanted = answer
                .unprocessed_keys
                .into_iter()
                .flat_map(HashMap::into_values)
                .flat_map(|left| left.keys)
                .collect();
            if wanted.is_empty() {
                return Ok(rows);
            }
            tokio::time::sleep(pause(attempt)).await;
        }
        Err(StoreError::from_code(
            "BatchGetItem",
            "ThrottlingError",
            Some("keys were left unprocessed again and again"),
        ))
    }
}

/// A pause before the next try: doubled each time, with jitter, at most about two seconds.
pub(crate) fn pause(attempt: u32) -> Duration {
    let longest = 20_u64 << attempt.min(7);
    Duration::from_millis(rand::random_range(longest / 2..=longest))
}

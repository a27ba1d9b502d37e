//! All users of a tenant: read in the order of their ids with a bounded number in memory, or
//! counted from the index.

use std::fmt;

use futures::stream::{BoxStream, iter, try_unfold};
use futures::{StreamExt as _, TryStreamExt as _};

use super::attributes::{TENANT_SHARDS, shard};
use super::handle::Directory;
use super::list::{Hit, UserPage};
use super::read::CONCURRENT_QUERIES;
use crate::client::SendBoxed;
use crate::dynamodb::expression::Condition;
use crate::dynamodb::row::{number, text};
use crate::error::StoreError;

/// Hits requested from the index per query.
const HITS_PER_QUERY: u16 = 2_000;
/// Users per read; one call reads them.
const USERS_PER_READ: usize = 100;
/// Maximum concurrent reads. At about ten milliseconds each this is the load that a cold table
/// accepts; and a row can have 256 KB.
const CONCURRENT_READS: usize = 4;

/// A walk through the users of a tenant. It reads ahead of the caller.
pub struct UserWalk<'s>(BoxStream<'s, Result<UserPage, StoreError>>);

impl fmt::Debug for UserWalk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserWalk").finish_non_exhaustive()
    }
}

impl UserWalk<'_> {
    /// Returns the next users, possibly none, and the position of the walk: `next` is always set.
    /// Returns `None` at the end.
    ///
    /// # Errors
    /// Returns an error if the store request fails; the walk has then ended.
    pub async fn next(&mut self) -> Result<Option<UserPage>, StoreError> {
        self.0.try_next().await
    }
}

/// Number of users of a tenant according to the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserCount {
    /// The number of all users.
    pub total: u64,
    /// Cursor after skipping the requested number of users; `None` if there are fewer.
    pub cursor: Option<u64>,
}

impl<'s> Directory<'s> {
    /// Returns a walk through the users of `tenant` whose ids are greater than `after`. Users that
    /// are created meanwhile may be missing; no user occurs twice.
    #[must_use]
    pub fn walk(self, tenant: &'s str, after: u64) -> UserWalk<'s> {
        let hits = try_unfold(Some(after), move |after| async move {
            let Some(after) = after else {
                return Ok(None);
            };
            let (hits, next) = self.hits(tenant, after, HITS_PER_QUERY).await?;
            Ok::<_, StoreError>(Some((hits, next)))
        });
        let batches = hits
            .map_ok(|hits| {
                let batches: Vec<Vec<Hit>> =
                    hits.chunks(USERS_PER_READ).map(<[_]>::to_vec).collect();
                iter(batches).map(Ok)
            })
            .try_flatten();
        let read = batches.map_ok(move |hits| async move {
            let next = hits.last().map(|hit| hit.id);
            let users = self.hit_users(tenant, hits).await?;
            Ok(UserPage { users, next })
        });
        UserWalk(read.try_buffered(CONCURRENT_READS).boxed())
    }

    /// Counts the users of `tenant`, and finds the cursor after the first `skipped` users. Reads
    /// all keys of the index, but no user.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn count(self, tenant: &str, skipped: u64) -> Result<UserCount, StoreError> {
        let ids: Vec<Vec<u64>> = iter(0..TENANT_SHARDS)
            .map(|number| self.shard_ids(shard(tenant, number)))
            .buffer_unordered(CONCURRENT_QUERIES)
            .try_collect()
            .await?;
        let mut ids = ids.concat();
        let total = ids.len();
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        let cursor = match skipped.checked_sub(1) {
            None => Some(0),
            Some(last) if last < total => Some(*ids.select_nth_unstable(last).1),
            Some(_) => None,
        };
        Ok(UserCount {
            total: total as u64,
            cursor,
        })
    }

    /// Reads the ids of a shard, each once.
    async fn shard_ids(self, shard: String) -> Result<Vec<u64>, StoreError> {
        let mut ids = Vec::new();
        loop {
            let after = number(ids.last().copied().unwrap_or(0));
            let following =
                Condition::equals("shard", text(&shard)).and(Condition::greater_than("id", after));
            let response = self
                .store
                .query_users_index(following)
                // A name placeholder of the key condition.
                .projection_expression("#id")
                .send_boxed()
                .await
                .map_err(StoreError::sdk("Query"))?;
            let more = response
                .last_evaluated_key
                .is_some_and(|key| !key.is_empty());
            for row in response.items.unwrap_or_default() {
                ids.push(Hit::id_of(&row)?);
            }
            ids.dedup();
            if !more {
                return Ok(ids);
            }
        }
    }
}

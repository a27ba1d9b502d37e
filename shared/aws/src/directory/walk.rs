//! All of a tenant's users: read through in the order of their ids, some of them in memory at a
//! time, or counted by what the index says.

use std::fmt;

use futures::stream::{BoxStream, iter, try_unfold};
use futures::{StreamExt as _, TryStreamExt as _};

use super::list::{Hit, UserPage};
use super::read::QUERIES;
use super::row::{TENANT_SHARDS, shard};
use crate::Store;
use crate::error::StoreError;
use crate::row::{number, text};

/// Hits that are asked of the index at once.
const HITS: u16 = 2_000;
/// Users of a piece: one call reads them.
const PIECE: usize = 100;
/// Pieces that are read at once. At some ten milliseconds each this is what a table takes that has
/// not been warmed up; and a row can have 256 KB.
const AHEAD: usize = 4;

/// A walk through a tenant's users. It reads ahead of what is asked of it.
pub struct Walk<'s>(BoxStream<'s, Result<UserPage, StoreError>>);

impl fmt::Debug for Walk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walk").finish_non_exhaustive()
    }
}

impl Walk<'_> {
    /// The next users, perhaps none, and how far the walk has come: `next` is always there.
    /// `None`: there are no more.
    ///
    /// # Errors
    /// The store's; the walk is over then.
    pub async fn next(&mut self) -> Result<Option<UserPage>, StoreError> {
        self.0.try_next().await
    }
}

/// How many users a tenant has, as far as the index knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// All of them.
    pub total: u64,
    /// The id behind which so many begin as were to be passed over; `None`: there are not as many.
    pub behind: Option<u64>,
}

impl Store {
    /// A walk through the users of `tenant` whose ids are greater than `after`. Who is made
    /// meanwhile may be missing; nobody comes twice.
    #[must_use]
    pub fn walk_users<'s>(&'s self, tenant: &'s str, after: u64) -> Walk<'s> {
        let hits = try_unfold(Some(after), move |after| async move {
            let Some(after) = after else {
                return Ok(None);
            };
            let (hits, next) = self.hits(tenant, after, HITS).await?;
            Ok::<_, StoreError>(Some((hits, next)))
        });
        let pieces = hits
            .map_ok(|hits| {
                let pieces: Vec<Vec<Hit>> = hits.chunks(PIECE).map(<[_]>::to_vec).collect();
                iter(pieces).map(Ok)
            })
            .try_flatten();
        let read = pieces.map_ok(move |hits| async move {
            let next = hits.last().map(|hit| hit.id);
            let users = self.hit_users(tenant, hits).await?;
            Ok(UserPage { users, next })
        });
        Walk(read.try_buffered(AHEAD).boxed())
    }

    /// Counts the users of `tenant`, and finds where they go on behind the first `passed`. Reads
    /// all keys of the index, and no user.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_users(&self, tenant: &str, passed: u64) -> Result<Counted, StoreError> {
        let ids: Vec<Vec<u64>> = iter(0..TENANT_SHARDS)
            .map(|number| self.shard_ids(shard(tenant, number)))
            .buffer_unordered(QUERIES)
            .try_collect()
            .await?;
        let mut ids = ids.concat();
        let total = ids.len();
        let passed = usize::try_from(passed).unwrap_or(usize::MAX);
        let behind = match passed.checked_sub(1) {
            None => Some(0),
            Some(last) if last < total => Some(*ids.select_nth_unstable(last).1),
            Some(_) => None,
        };
        Ok(Counted {
            total: total as u64,
            behind,
        })
    }

    /// The ids of a shard, each once.
    async fn shard_ids(&self, shard: String) -> Result<Vec<u64>, StoreError> {
        let mut ids = Vec::new();
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.tables.directory)
                .index_name("by_tenant")
                .key_condition_expression("#shard = :shard AND #id > :after")
                .projection_expression("#id")
                .expression_attribute_names("#shard", "shard")
                .expression_attribute_names("#id", "id")
                .expression_attribute_values(":shard", text(&shard))
                .expression_attribute_values(":after", number(ids.last().copied().unwrap_or(0)))
                .send()
                .await
                .map_err(StoreError::sdk("Query"))?;
            let more = answer.last_evaluated_key.is_some_and(|key| !key.is_empty());
            for row in answer.items.unwrap_or_default() {
                ids.push(Hit::id_of(&row)?);
            }
            ids.dedup();
            if !more {
                return Ok(ids);
            }
        }
    }
}

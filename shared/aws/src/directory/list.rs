//! Users of a tenant in the order of their ids. The index keeps them in shards by id. A page reads
//! every shard from the end of the last page, and merges the hits up to the lowest id after which a
//! shard may have more.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::attributes::{TENANT_SHARDS, shard};
use super::entry::UserEntry;
use super::handle::Directory;
use super::read::CONCURRENT_QUERIES;
use crate::client::SendBoxed;
use crate::dynamodb::expression::Condition;
use crate::dynamodb::row::{Attributes, number, text};
use crate::error::StoreError;

/// A page of the users of a tenant, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPage {
    /// The users; there may be fewer than requested, even none, before the last page.
    pub users: Vec<UserEntry>,
    /// Cursor of the next page; absent on the last page.
    pub next: Option<u64>,
}

/// An entry of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) id: u64,
    /// The key of the user's row.
    key: String,
}

/// The hits of one shard.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ShardHits {
    /// The hits, in the order of their ids.
    hits: Vec<Hit>,
    /// The last id that was read, if the shard may have more after it.
    until: Option<u64>,
}

impl Directory<'_> {
    /// Returns at most `limit` users of `tenant` whose ids are greater than `after`. Users that are
    /// created meanwhile may be missing; no user occurs twice.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn list(
        self,
        tenant: &str,
        after: Option<u64>,
        limit: u16,
    ) -> Result<UserPage, StoreError> {
        let (hits, next) = self.hits(tenant, after.unwrap_or(0), limit).await?;
        let users = self.hit_users(tenant, hits).await?;
        Ok(UserPage { users, next })
    }

    /// Reads the hits of the index after an id: at most `limit`, each id once, and the id after
    /// which there may be more.
    pub(super) async fn hits(
        self,
        tenant: &str,
        after: u64,
        limit: u16,
    ) -> Result<(Vec<Hit>, Option<u64>), StoreError> {
        let limit = limit.max(1);
        let parts: Vec<ShardHits> = stream::iter(0..TENANT_SHARDS)
            .map(|number| self.shard_hits(shard(tenant, number), after, share(limit)))
            .buffer_unordered(CONCURRENT_QUERIES)
            .try_collect()
            .await?;
        Ok(merge(parts, usize::from(limit)))
    }

    /// Returns the users of these hits, in the order of their ids. The index may lag: only the row
    /// itself shows who has an id.
    pub(super) async fn hit_users(
        self,
        tenant: &str,
        hits: Vec<Hit>,
    ) -> Result<Vec<UserEntry>, StoreError> {
        let mut rows = self.rows(hits.iter().map(|hit| hit.key.clone())).await?;
        let mut users = BTreeMap::new();
        let mut moved = Vec::new();
        for Hit { id, key } in hits {
            let entry = rows
                .remove(&key)
                .map(UserEntry::read)
                .transpose()?
                .flatten();
            match entry.filter(|entry| entry.user.id == id && entry.user.tenant == tenant) {
                Some(entry) => drop(users.insert(id, entry)),
                None => moved.push(id),
            }
        }
        moved.retain(|id| !users.contains_key(id));
        // The index still lists these under an earlier login.
        for (id, row) in self.rows_by_id(tenant, moved).await? {
            users.extend(UserEntry::read(row)?.map(|entry| (id, entry)));
        }
        Ok(users.into_values().collect())
    }

    async fn shard_hits(
        self,
        shard: String,
        after: u64,
        limit: i32,
    ) -> Result<ShardHits, StoreError> {
        let hits = Condition::equals("shard", text(shard))
            .and(Condition::greater_than("id", number(after)));
        let response = self
            .store
            .query_users_index(hits)
            .limit(limit)
            .send_boxed()
            .await
            .map_err(StoreError::sdk("Query"))?;
        let last = response.last_evaluated_key.filter(|key| !key.is_empty());
        let rows = response.items.unwrap_or_default();
        Ok(ShardHits {
            hits: rows.iter().map(Hit::read).collect::<Result<_, _>>()?,
            until: last
                .map(|last| Hit::read(&last).map(|hit| hit.id))
                .transpose()?,
        })
    }
}

impl Hit {
    fn read(row: &Attributes) -> Result<Self, StoreError> {
        let key = row.get("pk").map(AttributeValue::as_s);
        match key {
            Some(Ok(key)) => Ok(Self {
                id: Self::id_of(row)?,
                key: key.clone(),
            }),
            _ => Err(broken("pk")),
        }
    }

    /// Reads only the id.
    pub(super) fn id_of(row: &Attributes) -> Result<u64, StoreError> {
        let id = row.get("id").map(AttributeValue::as_n);
        let id = id.and_then(|id| id.ok()?.parse().ok());
        id.ok_or_else(|| broken("id"))
    }
}

fn broken(name: &str) -> StoreError {
    StoreError::Row {
        row: "the index of users",
        reason: format!("`{name}` is missing or has a wrong type"),
    }
}

/// Returns the number of hits to request from a shard. Ids are assigned in sequence, so a page
/// spreads evenly over the shards, apart from chance; and 32 keys cost no more than one.
fn share(limit: u16) -> i32 {
    i32::from(limit / 16) + 32
}

/// Merges the hits of all parts, each id once, up to `limit`, and returns the cursor of the next
/// page. (A user who is being renamed may be in the index under both logins. If the earlier one is
/// kept, the row that names the login helps.)
fn merge(parts: Vec<ShardHits>, limit: usize) -> (Vec<Hit>, Option<u64>) {
    let until = parts.iter().filter_map(|part| part.until).min();
    let mut hits: Vec<Hit> = parts
        .into_iter()
        .flat_map(|part| part.hits)
        .filter(|hit| until.is_none_or(|until| hit.id <= until))
        .collect();
    hits.sort_unstable_by_key(|hit| hit.id);
    hits.dedup_by_key(|hit| hit.id);
    if hits.len() <= limit {
        return (hits, until);
    }
    hits.truncate(limit);
    let next = hits.last().map(|hit| hit.id);
    (hits, next)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Returns the hits of a shard with these ids, which are in order.
    fn part(ids: &[u64], after: u64, max_hits: usize) -> ShardHits {
        let from = ids.partition_point(|id| *id <= after);
        let hits: Vec<Hit> = ids[from..]
            .iter()
            .take(max_hits)
            .map(|id| Hit {
                id: *id,
                key: id.to_string(),
            })
            .collect();
        // DynamoDB also returns a last key when it happens to stop at the very last row.
        let until = hits
            .last()
            .map(|hit| hit.id)
            .filter(|_| hits.len() == max_hits);
        ShardHits { hits, until }
    }

    fn walk(shards: &[Vec<u64>], max_hits: usize, limit: usize) -> Vec<u64> {
        let (mut walked, mut after) = (Vec::new(), 0);
        loop {
            let parts = shards.iter().map(|ids| part(ids, after, max_hits));
            let (hits, next) = merge(parts.collect(), limit);
            assert!(hits.len() <= limit);
            walked.extend(hits.iter().map(|hit| hit.id));
            let Some(next) = next else {
                return walked;
            };
            assert!(next > after, "a page must advance the cursor");
            after = next;
        }
    }

    #[test]
    fn a_user_indexed_under_two_logins_is_one_hit() {
        let mut twice = part(&[32, 64, 64, 96], 0, 10);
        twice.hits[1].key = "earlier".to_owned();
        for (limit, ids, next) in [(2, vec![32, 64], Some(64)), (3, vec![32, 64, 96], None)] {
            let (hits, end) = merge(vec![twice.clone()], limit);
            assert_eq!(hits.iter().map(|hit| hit.id).collect::<Vec<_>>(), ids);
            assert_eq!(end, next);
        }
    }

    #[test]
    fn pages_list_each_id_once_in_order_for_any_size_and_shards() {
        for round in 0..24_u64 {
            // From ids close together to a few ids in one shard.
            let space = 1 << (4 + round % 12);
            let stride = if round % 3 == 0 { TENANT_SHARDS } else { 1 };
            let ids: BTreeSet<u64> = (0..rand::random_range(0..200))
                .map(|_| rand::random_range(1..=space) * stride)
                .collect();
            let of = |number| {
                ids.iter()
                    .copied()
                    .filter(move |id| id % TENANT_SHARDS == number)
            };
            let shards: Vec<Vec<u64>> = (0..TENANT_SHARDS).map(|n| of(n).collect()).collect();
            for max_hits in [1, 2, 3, 7, 40] {
                for limit in [1, 2, 5, 32, 33, 100, 1_000] {
                    let walked = walk(&shards, max_hits, limit);
                    assert!(walked.iter().eq(ids.iter()), "{max_hits} {limit} {ids:?}");
                }
            }
        }
    }
}

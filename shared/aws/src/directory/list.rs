//! A tenant's users in the order of their ids. The index keeps them in shards by id; each is read
//! from where the last page ended, and what they give is merged up to the first id behind which a
//! shard may have more.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::entry::Entry;
use super::read::QUERIES;
use super::row::{TENANT_SHARDS, shard};
use crate::Store;
use crate::error::StoreError;
use crate::row::{Attributes, number, text};

/// Some users of a tenant, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPage {
    /// The users; there may be fewer than asked for, even none, before the last page.
    pub users: Vec<Entry>,
    /// The id behind which the next page begins; absent: this was the last one.
    pub next: Option<u64>,
}

/// A user as the index has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) id: u64,
    /// The key of the user's row.
    key: String,
}

/// What one shard gave.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    /// In the order of their ids.
    hits: Vec<Hit>,
    /// How far that goes, if the shard may have more behind it.
    until: Option<u64>,
}

impl Store {
    /// At most `limit` users of `tenant` whose ids are greater than `after`. Who is made meanwhile
    /// may be missing; nobody comes twice.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_users(
        &self,
        tenant: &str,
        after: Option<u64>,
        limit: u16,
    ) -> Result<UserPage, StoreError> {
        let (hits, next) = self.hits(tenant, after.unwrap_or(0), limit).await?;
        let users = self.hit_users(tenant, hits).await?;
        Ok(UserPage { users, next })
    }

    /// What the index has behind an id: at most `limit` hits, each id once, and the id behind
    /// which there may be more.
    pub(super) async fn hits(
        &self,
        tenant: &str,
        after: u64,
        limit: u16,
    ) -> Result<(Vec<Hit>, Option<u64>), StoreError> {
        let limit = limit.max(1);
        let parts: Vec<Part> = stream::iter(0..TENANT_SHARDS)
            .map(|number| self.shard_part(shard(tenant, number), after, share(limit)))
            .buffer_unordered(QUERIES)
            .try_collect()
            .await?;
        Ok(merge(parts, usize::from(limit)))
    }

    /// The users whom the index names, in the order of their ids. It may be behind: only the row
    /// itself says who has an id.
    pub(super) async fn hit_users(
        &self,
        tenant: &str,
        hits: Vec<Hit>,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut rows = self
            .directory_rows(hits.iter().map(|hit| hit.key.clone()))
            .await?;
        let mut users = BTreeMap::new();
        let mut moved = Vec::new();
        for Hit { id, key } in hits {
            let entry = rows.remove(&key).map(Entry::read).transpose()?.flatten();
            match entry.filter(|entry| entry.user.id == id && entry.user.tenant == tenant) {
                Some(entry) => drop(users.insert(id, entry)),
                None => moved.push(id),
            }
        }
        moved.retain(|id| !users.contains_key(id));
        // The index still has them under an earlier login.
        for (id, row) in self.rows_by_id(tenant, moved).await? {
            users.extend(Entry::read(row)?.map(|entry| (id, entry)));
        }
        Ok(users.into_values().collect())
    }

    async fn shard_part(&self, shard: String, after: u64, most: i32) -> Result<Part, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.tables.directory)
            .index_name("by_tenant")
            .key_condition_expression("#shard = :shard AND #id > :after")
            .expression_attribute_names("#shard", "shard")
            .expression_attribute_names("#id", "id")
            .expression_attribute_values(":shard", text(shard))
            .expression_attribute_values(":after", number(after))
            .limit(most)
            .send()
            .await
            .map_err(StoreError::sdk("Query"))?;
        let last = answer.last_evaluated_key.filter(|key| !key.is_empty());
        let rows = answer.items.unwrap_or_default();
        Ok(Part {
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

    /// The id alone.
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

/// How many users of a shard are asked for: ids are handed out one after the other, so a page is
/// spread evenly but for what luck does; and 32 keys cost no more than one.
fn share(limit: u16) -> i32 {
    i32::from(limit / 16) + 32
}

/// The first hits of all parts, each id once, and the id behind which the next page begins. (A user
/// who is being renamed may be in the index under both logins; if the one that is kept is the
/// earlier, the row that names the login helps.)
fn merge(parts: Vec<Part>, limit: usize) -> (Vec<Hit>, Option<u64>) {
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

    /// What a shard with these ids, in order, gives for a question.
    fn part(ids: &[u64], after: u64, most: usize) -> Part {
        let from = ids.partition_point(|id| *id <= after);
        let hits: Vec<Hit> = ids[from..]
            .iter()
            .take(most)
            .map(|id| Hit {
                id: *id,
                key: id.to_string(),
            })
            .collect();
        // DynamoDB says so too where it happens to stop at the very last one.
        let until = hits.last().map(|hit| hit.id).filter(|_| hits.len() == most);
        Part { hits, until }
    }

    fn walk(shards: &[Vec<u64>], most: usize, limit: usize) -> Vec<u64> {
        let (mut walked, mut after) = (Vec::new(), 0);
        loop {
            let parts = shards.iter().map(|ids| part(ids, after, most));
            let (hits, next) = merge(parts.collect(), limit);
            assert!(hits.len() <= limit);
            walked.extend(hits.iter().map(|hit| hit.id));
            let Some(next) = next else {
                return walked;
            };
            assert!(next > after, "a page must get on");
            after = next;
        }
    }

    #[test]
    fn a_user_whom_the_index_has_under_two_logins_is_one_hit() {
        let mut twice = part(&[32, 64, 64, 96], 0, 10);
        twice.hits[1].key = "earlier".to_owned();
        for (limit, ids, next) in [(2, vec![32, 64], Some(64)), (3, vec![32, 64, 96], None)] {
            let (hits, end) = merge(vec![twice.clone()], limit);
            assert_eq!(hits.iter().map(|hit| hit.id).collect::<Vec<_>>(), ids);
            assert_eq!(end, next);
        }
    }

    #[test]
    fn pages_of_any_size_give_each_id_once_and_in_order_however_uneven_the_shards() {
        for round in 0..24_u64 {
            // From all ids near one another to few of them in one shard.
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
            for most in [1, 2, 3, 7, 40] {
                for limit in [1, 2, 5, 32, 33, 100, 1_000] {
                    let walked = walk(&shards, most, limit);
                    assert!(walked.iter().eq(ids.iter()), "{most} {limit} {ids:?}");
                }
            }
        }
    }
}

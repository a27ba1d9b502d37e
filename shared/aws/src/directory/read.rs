//! Consistent reads of users, by login and by id.

use std::collections::{BTreeSet, HashMap};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use muster_core::login::canon;
use muster_core::plan::User;

use super::attributes::{canon_of, id_key, shard, user_key};
use super::handle::Directory;
use super::row::LoginRow;
use crate::client::SendBoxed;
use crate::dynamodb::expression::Condition;
use crate::dynamodb::row::{Attributes, RowKey, number, text};
use crate::error::StoreError;

/// Maximum concurrent queries of the index.
pub(super) const CONCURRENT_QUERIES: usize = 16;
/// Maximum lookups of a user whose login changes at every lookup.
pub(super) const MAX_LOOKUPS: usize = 8;

impl Directory<'_> {
    /// Reads the rows of these logins, given in their canonical form. Absent ones are left out.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn users(
        self,
        canons: impl IntoIterator<Item = &str>,
    ) -> Result<HashMap<String, LoginRow>, StoreError> {
        self.rows(canons.into_iter().map(user_key))
            .await?
            .into_iter()
            .filter_map(|(key, row)| Some((canon_of(&key)?.to_owned(), row)))
            .map(|(canon, row)| Ok((canon, LoginRow::read(row)?)))
            .collect()
    }

    /// Returns the canonical logins of the tenant's users with these ids. Ids without a user are
    /// left out.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn logins_by_id(
        self,
        tenant: &str,
        ids: impl IntoIterator<Item = u64>,
    ) -> Result<HashMap<u64, String>, StoreError> {
        let users = self.users_by_id(tenant, ids).await?.into_iter();
        Ok(users.map(|(canon, user)| (user.id, canon)).collect())
    }

    /// Returns the tenant's users with these ids, by canonical login. Ids without a user are left
    /// out. A user that an import has just created may not be found yet.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn users_by_id(
        self,
        tenant: &str,
        ids: impl IntoIterator<Item = u64>,
    ) -> Result<HashMap<String, User>, StoreError> {
        let mut users = HashMap::new();
        for row in self.rows_by_id(tenant, ids).await?.into_values() {
            let user = LoginRow::read(row)?.user;
            users.extend(user.map(|user| (canon(&user.login).into_owned(), user)));
        }
        Ok(users)
    }

    /// Reads the rows of the tenant's users with these ids. Ids without a user are left out.
    pub(super) async fn rows_by_id(
        self,
        tenant: &str,
        ids: impl IntoIterator<Item = u64>,
    ) -> Result<HashMap<u64, Attributes>, StoreError> {
        let mut left: BTreeSet<u64> = ids.into_iter().collect();
        let mut before = HashMap::new();
        let mut found = HashMap::new();
        for _ in 0..MAX_LOOKUPS {
            let logins = self.candidate_logins(tenant, &left).await?;
            let rows = logins.values().map(|canon| user_key(canon));
            let rows = self.rows(rows).await?;
            left.clear();
            for (id, canon) in &logins {
                // The index may lag, or the user was renamed since: only the row itself shows who
                // has an id.
                match rows
                    .get(&user_key(canon))
                    .filter(|row| is(row, tenant, *id))
                {
                    Some(row) => drop(found.insert(*id, row.clone())),
                    None if before.get(id) == Some(canon) => {}
                    None => drop(left.insert(*id)),
                }
            }
            if left.is_empty() {
                return Ok(found);
            }
            before = logins;
        }
        Err(StoreError::contended("BatchGetItem"))
    }

    /// Returns the logins under which to look for these users; the rows must confirm them.
    async fn candidate_logins(
        self,
        tenant: &str,
        ids: &BTreeSet<u64>,
    ) -> Result<HashMap<u64, String>, StoreError> {
        let mut found = self.id_row_logins(tenant, ids.iter().copied()).await?;
        let others = ids.iter().filter(|id| !found.contains_key(id)).copied();
        let indexed: Vec<(u64, String)> = stream::iter(others.collect::<Vec<_>>())
            .map(async |id| Ok::<_, StoreError>((id, self.indexed_login(tenant, id).await?)))
            .buffer_unordered(CONCURRENT_QUERIES)
            .try_filter_map(async |(id, canon)| Ok(canon.map(|canon| (id, canon))))
            .try_collect()
            .await?;
        found.extend(indexed);
        Ok(found)
    }

    /// Returns the logins of the users among these who were created or renamed by a single-user
    /// write: those are known at once.
    async fn id_row_logins(
        self,
        tenant: &str,
        ids: impl IntoIterator<Item = u64>,
    ) -> Result<HashMap<u64, String>, StoreError> {
        let ids: HashMap<String, u64> =
            ids.into_iter().map(|id| (id_key(tenant, id), id)).collect();
        let rows = self.rows(ids.keys().cloned()).await?;
        Ok(rows
            .into_iter()
            .filter_map(|(key, row)| {
                let login = row.get("login")?.as_s().ok()?;
                Some((*ids.get(&key)?, login.clone()))
            })
            .collect())
    }

    /// Returns the login that the index lists for an id. The index may lag.
    async fn indexed_login(self, tenant: &str, id: u64) -> Result<Option<String>, StoreError> {
        let hit = Condition::equals("shard", text(shard(tenant, id)))
            .and(Condition::equals("id", number(id)));
        let found = self
            .store
            .query_users_index(hit)
            .send_boxed()
            .await
            .map_err(StoreError::sdk("Query"))?;
        Ok(found.items().first().and_then(|row| {
            let key = row.get("pk")?.as_s().ok()?;
            canon_of(key).map(str::to_owned)
        }))
    }

    /// Reads rows of the directory by key, consistently. Absent ones are left out.
    pub(super) async fn rows(
        self,
        keys: impl IntoIterator<Item = String>,
    ) -> Result<HashMap<String, Attributes>, StoreError> {
        // A duplicate key fails the whole request.
        let keys: BTreeSet<String> = keys.into_iter().collect();
        let keys: Vec<Pk> = keys.into_iter().map(Pk).collect();
        let rows = self
            .store
            .batch_get(&self.store.tables.directory, &keys)
            .await?;
        Ok(rows
            .into_iter()
            .filter_map(|row| Some((row.get("pk")?.as_s().ok()?.clone(), row)))
            .collect())
    }
}

/// The key of a row of the directory.
struct Pk(String);

impl RowKey for Pk {
    fn to_attributes(&self) -> Attributes {
        HashMap::from([("pk".to_owned(), text(self.0.as_str()))])
    }
}

/// Returns true if this is the row of the tenant's user with this id.
fn is(row: &Attributes, tenant: &str, id: u64) -> bool {
    row.get("tenant") == Some(&text(tenant)) && row.get("id") == Some(&number(id))
}

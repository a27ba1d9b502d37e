//! Consistent reads of users: many by login, some by id.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use muster_core::login::canon;
use muster_core::plan::User;

use super::row::{Stored, canon_of, id_key, shard, user_key};
use crate::Store;
use crate::batch::RowKey;
use crate::error::StoreError;
use crate::row::{Attributes, number, text};

/// Queries of the index at once.
pub(super) const QUERIES: usize = 16;
/// How often a user is looked for who gets another login at every look.
pub(super) const LOOKS: usize = 8;

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
        let users = self.users_by_id(tenant, ids).await?.into_iter();
        Ok(users.map(|(canon, user)| (user.id, canon)).collect())
    }

    /// A tenant's users with these ids, where there are such users, by their canonical logins. Of
    /// those whom an import made this moment, some may not be found yet.
    ///
    /// # Errors
    /// The store's.
    pub async fn users_by_id(
        &self,
        tenant: &str,
        ids: impl IntoIterator<Item = u64>,
    ) -> Result<HashMap<String, User>, StoreError> {
        let mut users = HashMap::new();
        for row in self.rows_by_id(tenant, ids).await?.into_values() {
            let user = Stored::read(row)?.user;
            users.extend(user.map(|user| (canon(&user.login).into_owned(), user)));
        }
        Ok(users)
    }

    /// The rows of a tenant's users with these ids, where there are such users.
    pub(super) async fn rows_by_id(
        &self,
        tenant: &str,
        ids: impl IntoIterator<Item = u64>,
    ) -> Result<HashMap<u64, Attributes>, StoreError> {
        let mut left: BTreeSet<u64> = ids.into_iter().collect();
        let mut before = HashMap::new();
        let mut found = HashMap::new();
        for _ in 0..LOOKS {
            let logins = self.pointers(tenant, &left).await?;
            let rows = logins.values().map(|canon| user_key(canon));
            let rows = self.directory_rows(rows).await?;
            left.clear();
            for (id, canon) in &logins {
                // The index may be behind, and the user renamed since: only the row itself says
                // who has an id.
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

    /// The logins under which users of the tenant are to be looked for; the rows decide.
    async fn pointers(
        &self,
        tenant: &str,
        ids: &BTreeSet<u64>,
    ) -> Result<HashMap<u64, String>, StoreError> {
        let mut found = self.claimed_ids(tenant, ids.iter().copied()).await?;
        let others = ids.iter().filter(|id| !found.contains_key(id)).copied();
        let indexed: Vec<(u64, String)> = stream::iter(others.collect::<Vec<_>>())
            .map(async |id| Ok::<_, StoreError>((id, self.indexed_id(tenant, id).await?)))
            .buffer_unordered(QUERIES)
            .try_filter_map(async |(id, canon)| Ok(canon.map(|canon| (id, canon))))
            .try_collect()
            .await?;
        found.extend(indexed);
        Ok(found)
    }

    /// The logins of those among these who were made or renamed alone: that is known at once.
    async fn claimed_ids(
        &self,
        tenant: &str,
        ids: impl IntoIterator<Item = u64>,
    ) -> Result<HashMap<u64, String>, StoreError> {
        let ids: HashMap<String, u64> =
            ids.into_iter().map(|id| (id_key(tenant, id), id)).collect();
        let rows = self.directory_rows(ids.keys().cloned()).await?;
        Ok(rows
            .into_iter()
            .filter_map(|(key, row)| {
                let login = row.get("login")?.as_s().ok()?;
                Some((*ids.get(&key)?, login.clone()))
            })
            .collect())
    }

    /// The login that the index has for an id, which may be behind.
    async fn indexed_id(&self, tenant: &str, id: u64) -> Result<Option<String>, StoreError> {
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
        Ok(found.items().first().and_then(|row| {
            let key = row.get("pk")?.as_s().ok()?;
            canon_of(key).map(str::to_owned)
        }))
    }

    /// Rows of the directory by key, read consistently. Absent ones are left out.
    pub(crate) async fn directory_rows(
        &self,
        keys: impl IntoIterator<Item = String>,
    ) -> Result<HashMap<String, Attributes>, StoreError> {
        // A key that comes twice fails the whole request.
        let keys: BTreeSet<String> = keys.into_iter().collect();
        let keys: Vec<Pk> = keys.into_iter().map(Pk).collect();
        let rows = self.batch_rows(&self.tables.directory, &keys).await?;
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

/// Whether this is the row of the tenant's user with this id.
fn is(row: &Attributes, tenant: &str, id: u64) -> bool {
    row.get("tenant") == Some(&text(tenant)) && row.get("id") == Some(&number(id))
}

//! Users as they are shown: with who made and who changed them. Found by what is unique, and only
//! ever in their own tenant.

use muster_core::attribute::Attribute;
use muster_core::login::Login;
use muster_core::plan::User;
use muster_core::value::Value;

use super::author::Author;
use super::changes::{Change, Changes};
use super::row::{Stamps, Stored, user_key};
use crate::Store;
use crate::error::StoreError;
use crate::row::{Attributes, number, text};

/// A user as the directory has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The user.
    pub user: User,
    /// Who made it.
    pub created: Author,
    /// Who changed it last.
    pub updated: Author,
    pub(super) changes: Changes,
    pub(super) stamps: Stamps,
}

/// What is unique about a user within the tenant.
#[derive(Debug, Clone, Copy)]
pub enum UserKey<'k> {
    /// The id. A user whom an import made this moment may not be found by it yet.
    Id(u64),
    /// The login, in any spelling.
    Login(&'k Login<'k>),
    /// The external id.
    ExternalId(&'k str),
}

impl Entry {
    /// Reads a row; `None`: it is no user's.
    pub(super) fn read(mut row: Attributes) -> Result<Option<Self>, StoreError> {
        if !row.contains_key("id") {
            return Ok(None);
        }
        let created = Author::take(&mut row, "created_at", "created_by")?;
        let updated = Author::take(&mut row, "updated_at", "updated_by")?;
        let Stored {
            version: _,
            stamps,
            changes,
            user,
        } = Stored::read(row)?;
        Ok(user.map(|user| Self {
            user,
            created,
            updated,
            changes,
            stamps,
        }))
    }

    /// Whether the user is not blocked.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.user.values.get(&Attribute::Active) != Some(&Value::Flag(false))
    }

    /// What was changed, the newest first, as far as it is kept.
    ///
    /// # Errors
    /// The row is not what this version writes.
    pub fn changes(&self) -> Result<Vec<Change>, StoreError> {
        self.changes.list(&self.created)
    }
}

impl Store {
    /// The user of `tenant` whom `key` names.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_user(
        &self,
        tenant: &str,
        key: UserKey<'_>,
    ) -> Result<Option<Entry>, StoreError> {
        let row = self.user_row(tenant, key).await?;
        Ok(row.map(Entry::read).transpose()?.flatten())
    }

    /// The row of the user of `tenant` whom `key` names.
    pub(super) async fn user_row(
        &self,
        tenant: &str,
        key: UserKey<'_>,
    ) -> Result<Option<Attributes>, StoreError> {
        let canon = match key {
            UserKey::Login(login) => Some(login.canon().to_owned()),
            UserKey::Id(id) => self.login_by_id(tenant, id).await?,
            UserKey::ExternalId(id) => {
                let claim = self.claims(tenant, [id]).await?.remove(id);
                claim.map(|claim| claim.login)
            }
        };
        let Some(canon) = canon else {
            return Ok(None);
        };
        let pk = user_key(&canon);
        let row = self.directory_rows([pk.clone()]).await?.remove(&pk);
        // An index or a claim alone proves nothing: the user may have moved on.
        Ok(row.filter(|row| {
            let is = |name: &str, value| row.get(name) == Some(&value);
            is("tenant", text(tenant))
                && match key {
                    UserKey::Login(_) => true,
                    UserKey::Id(id) => is("id", number(id)),
                    UserKey::ExternalId(id) => is(Attribute::ExternalId.name(), text(id)),
                }
        }))
    }
}

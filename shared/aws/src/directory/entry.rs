//! Users as they are shown: with who made and who changed them. Found by what is unique, and only
//! ever in their own tenant.

use muster_core::attribute::Attribute;
use muster_core::login::Login;
use muster_core::plan::User;
use muster_core::value::Value;

use super::author::Author;
use super::changes::{Change, Changes, MOST, parse};
use super::read::LOOKS;
use super::row::{Stored, broken, take_text, user_key};
use super::stamps::Stamps;
use crate::Store;
use crate::error::StoreError;
use crate::row::{Attributes, text};

/// A user as the directory has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The user.
    pub user: User,
    /// Who made it.
    pub created: Author,
    /// Who changed it last.
    pub updated: Author,
    /// How it was made, as it is stored.
    creation: String,
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
        let creation = take_text(&mut row, "created")?;
        let (created, _) = parse(&creation).ok_or_else(|| broken("created"))?;
        let Stored {
            version: _,
            stamps,
            changes,
            user,
        } = Stored::read(row)?;
        let updated = changes.last_author()?;
        Ok(user.map(|user| Self {
            user,
            updated: updated.unwrap_or_else(|| created.clone()),
            created,
            creation,
            changes,
            stamps,
        }))
    }

    /// Whether the user is not blocked.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.user.values.get(&Attribute::Active) != Some(&Value::Flag(false))
    }

    /// What was changed, the newest first, as far as it is kept; how the user was made comes last,
    /// unless there is no room for it.
    ///
    /// # Errors
    /// The row is not what this version writes.
    pub fn changes(&self) -> Result<Vec<Change>, StoreError> {
        let mut changes = self.changes.list()?;
        changes.push(Change::read(&self.creation)?);
        changes.truncate(MOST);
        Ok(changes)
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
        match key {
            UserKey::Login(login) => {
                let row = self.row_at(login.canon()).await?;
                Ok(row.filter(|row| is(row, "tenant", tenant)))
            }
            UserKey::Id(id) => Ok(self.rows_by_id(tenant, [id]).await?.remove(&id)),
            UserKey::ExternalId(id) => self.row_by_external_id(tenant, id).await,
        }
    }

    async fn row_by_external_id(
        &self,
        tenant: &str,
        id: &str,
    ) -> Result<Option<Attributes>, StoreError> {
        let mut before = None;
        for _ in 0..LOOKS {
            let Some(claim) = self.claims(tenant, [id]).await?.remove(id) else {
                return Ok(None);
            };
            let row = self.row_at(&claim.login).await?;
            let external_id = Attribute::ExternalId.name();
            let row = row.filter(|row| is(row, "tenant", tenant) && is(row, external_id, id));
            // A claim alone proves nothing; but one that has moved meanwhile moved with its user.
            if row.is_some() || before.as_ref() == Some(&claim.login) {
                return Ok(row);
            }
            before = Some(claim.login);
        }
        Err(StoreError::contended("BatchGetItem"))
    }

    /// What stands under a login in its canonical form.
    pub(super) async fn row_at(&self, canon: &str) -> Result<Option<Attributes>, StoreError> {
        let key = user_key(canon);
        Ok(self.directory_rows([key.clone()]).await?.remove(&key))
    }
}

fn is(row: &Attributes, name: &str, value: &str) -> bool {
    row.get(name) == Some(&text(value))
}

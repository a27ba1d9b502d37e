//! Users as they are displayed, with the authors of their creation and last change. A user is found
//! by a key that is unique, and only within its own tenant.

use muster_core::attribute::Attribute;
use muster_core::login::Login;
use muster_core::plan::User;
use muster_core::text::decomposed;

use super::attributes::{broken, take_text, user_key};
use super::author::Author;
use super::handle::Directory;
use super::history::{ChangeHistory, MAX_CHANGES, RecordedChange, parse};
use super::read::MAX_LOOKUPS;
use super::row::LoginRow;
use super::stamps::Stamps;
use crate::dynamodb::row::{Attributes, text};
use crate::error::StoreError;

/// A user of the directory with its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserEntry {
    /// The user.
    pub user: User,
    /// Author of the creation.
    pub created: Author,
    /// Author of the last change.
    pub updated: Author,
    /// The creation, as it is stored.
    creation: String,
    pub(super) changes: ChangeHistory,
    pub(super) stamps: Stamps,
}

/// A unique key of a user within the tenant.
#[derive(Debug, Clone, Copy)]
pub enum UserKey<'k> {
    /// The id. A user that an import has just created may not be found by it yet.
    Id(u64),
    /// The login, in any spelling.
    Login(&'k Login<'k>),
    /// The external id.
    ExternalId(&'k str),
}

impl UserEntry {
    /// Reads a row; `None` if it is not the row of a user.
    pub(super) fn read(mut row: Attributes) -> Result<Option<Self>, StoreError> {
        if !row.contains_key("id") {
            return Ok(None);
        }
        let creation = take_text(&mut row, "created")?;
        let (created, _) = parse(&creation).ok_or_else(|| broken("created"))?;
        let LoginRow {
            version: _,
            stamps,
            changes,
            user,
        } = LoginRow::read(row)?;
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

    /// Returns true unless the user is blocked.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.user.is_active()
    }

    /// Returns the recorded changes, the newest first. The creation comes last, unless there is no
    /// room for it.
    ///
    /// # Errors
    /// Returns an error if the row cannot be read by this version.
    pub fn changes(&self) -> Result<Vec<RecordedChange>, StoreError> {
        let mut changes = self.changes.list()?;
        changes.push(RecordedChange::read(&self.creation)?);
        changes.truncate(MAX_CHANGES);
        Ok(changes)
    }
}

impl Directory<'_> {
    /// Returns the user of `tenant` with this key.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn find(
        self,
        tenant: &str,
        key: UserKey<'_>,
    ) -> Result<Option<UserEntry>, StoreError> {
        let row = self.user_row(tenant, key).await?;
        Ok(row.map(UserEntry::read).transpose()?.flatten())
    }

    /// Returns the row of the user of `tenant` with this key.
    pub(super) async fn user_row(
        self,
        tenant: &str,
        key: UserKey<'_>,
    ) -> Result<Option<Attributes>, StoreError> {
        match key {
            UserKey::Login(login) => {
                let row = self.row_at(login.canon()).await?;
                Ok(row.filter(|row| is(row, "tenant", tenant)))
            }
            UserKey::Id(id) => Ok(self.rows_by_id(tenant, [id]).await?.remove(&id)),
            UserKey::ExternalId(id) => match self.row_by_external_id(tenant, id).await? {
                Some(row) => Ok(Some(row)),
                // An earlier build stored ids as they were sent, some with their accents apart.
                None => match decomposed(id) {
                    Some(id) => self.row_by_external_id(tenant, &id).await,
                    None => Ok(None),
                },
            },
        }
    }

    async fn row_by_external_id(
        self,
        tenant: &str,
        id: &str,
    ) -> Result<Option<Attributes>, StoreError> {
        let mut before = None;
        for _ in 0..MAX_LOOKUPS {
            let Some(claim) = self.claims(tenant, [id]).await?.remove(id) else {
                return Ok(None);
            };
            let row = self.row_at(&claim.login).await?;
            let external_id = Attribute::ExternalId.name();
            let row = row.filter(|row| is(row, "tenant", tenant) && is(row, external_id, id));
            // A claim alone proves nothing. But a claim that changed since the last read changed
            // with its user: read again.
            if row.is_some() || before.as_ref() == Some(&claim.login) {
                return Ok(row);
            }
            before = Some(claim.login);
        }
        Err(StoreError::contended("BatchGetItem"))
    }

    /// Reads the row of a login in its canonical form.
    pub(super) async fn row_at(self, canon: &str) -> Result<Option<Attributes>, StoreError> {
        let key = user_key(canon);
        Ok(self.rows([key.clone()]).await?.remove(&key))
    }
}

fn is(row: &Attributes, name: &str, value: &str) -> bool {
    row.get(name) == Some(&text(value))
}

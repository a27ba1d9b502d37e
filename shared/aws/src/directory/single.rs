//! Single-user writes: the whole row with its claims, conditional on everything that was read
//! before (protocol.md#claims). If a condition fails and the row it finds is exactly the row to
//! write, an earlier attempt has written it and its response was lost.

use std::collections::HashMap;
use std::time::Duration;

use muster_core::login::Login;

use super::attributes::{canon_of, user_key};
use super::author::Author;
use super::edit::{ClaimWrite, LoginSlot, UserEdit, UserSnapshot};
use super::entry::{UserEntry, UserKey};
use super::execute::Executed;
use super::handle::Directory;
use super::puts::{RowPut, created, edited, is_written, transaction};
use super::users::NewUser;
use crate::dynamodb::row::Attributes;
use crate::dynamodb::transaction::Transacted;
use crate::error::StoreError;

impl Directory<'_> {
    /// Reads the user of `tenant` with this key, for a change.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn snapshot(
        self,
        tenant: &str,
        key: UserKey<'_>,
    ) -> Result<Option<UserSnapshot>, StoreError> {
        let Some(row) = self.user_row(tenant, key).await? else {
            return Ok(None);
        };
        let entry = UserEntry::read(row.clone())?;
        Ok(entry.map(|entry| UserSnapshot { entry, row }))
    }

    /// Reads the slot of a login.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn login_slot(self, login: &Login<'_>) -> Result<LoginSlot, StoreError> {
        LoginSlot::read(self.row_at(login.canon()).await?)
    }

    /// Reads the slots of these logins, given in their canonical form. Free ones are left out.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn login_slots(
        self,
        canons: impl IntoIterator<Item = &str>,
    ) -> Result<HashMap<String, LoginSlot>, StoreError> {
        let rows = self.rows(canons.into_iter().map(user_key)).await?;
        rows.into_iter()
            .filter_map(|(key, row)| Some((canon_of(&key)?.to_owned(), row)))
            .map(|(canon, row)| Ok((canon, LoginSlot::read(Some(row))?)))
            .collect()
    }

    /// Creates a user in a login slot that is not taken. Returns `None` if another write came
    /// first: read again.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn create(
        self,
        new: &NewUser<'_>,
        slot: &LoginSlot,
        claim: Option<ClaimWrite<'_>>,
        author: &Author,
    ) -> Result<Option<UserEntry>, StoreError> {
        let (row, puts) = created(new, slot, claim, None, author);
        self.put_user(row, puts).await
    }

    /// Changes a user that was read. Returns `None` if another write came first: read again.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn change(
        self,
        seen: &UserSnapshot,
        edit: UserEdit<'_>,
        author: &Author,
    ) -> Result<Option<UserEntry>, StoreError> {
        let (row, puts) = edited(seen, edit, author);
        self.put_user(row, puts).await
    }

    /// Makes one attempt to change a user that was read, which takes at most `timeout`. The caller
    /// repeats it, because it knows the time that is left.
    pub async fn change_once(
        self,
        seen: &UserSnapshot,
        edit: UserEdit<'_>,
        author: &Author,
        timeout: Duration,
    ) -> Executed {
        let (row, puts) = edited(seen, edit, author);
        self.put_once(row, puts, timeout).await
    }

    /// Makes one attempt to write everything or nothing; the user's row comes first.
    pub(super) async fn put_once(
        self,
        row: Attributes,
        puts: Vec<RowPut>,
        timeout: Duration,
    ) -> Executed {
        self.store.count_directory_writes(puts.len());
        let writes = match transaction(&self.store.tables.directory, puts) {
            Ok(writes) => writes,
            Err(error) => return Executed::Failed(error),
        };
        match self.store.transact_once(writes, timeout).await {
            Ok(Transacted::Done) => Executed::Done,
            Ok(Transacted::Cancelled(reasons)) if is_written(&reasons, &row) => Executed::Done,
            Ok(Transacted::Cancelled(_)) => Executed::Refused(None),
            Err(error) if error.retryable() || error.is_signature_error() => Executed::Again(error),
            Err(error) => Executed::Failed(error),
        }
    }

    /// Writes everything or nothing; the user's row comes first.
    async fn put_user(
        self,
        row: Attributes,
        puts: Vec<RowPut>,
    ) -> Result<Option<UserEntry>, StoreError> {
        let table = self.store.tables.directory.as_str();
        self.store.count_directory_writes(puts.len());
        let written = match <[RowPut; 1]>::try_from(puts) {
            Ok([(row, condition)]) => self.store.put_into(table, row, condition).await?,
            Err(puts) => match self.store.transact(&transaction(table, puts)?).await? {
                Transacted::Done => true,
                Transacted::Cancelled(reasons) => is_written(&reasons, &row),
            },
        };
        if written {
            UserEntry::read(row)
        } else {
            Ok(None)
        }
    }
}

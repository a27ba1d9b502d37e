//! The handle of the directory.

use std::ops::Range;

use crate::error::StoreError;
use crate::store::Store;

/// The value of the counter before the first user id is taken.
const BEFORE_FIRST_USER_ID: u64 = 1_000;

/// Handle of the users and claims of all tenants.
#[derive(Debug, Clone, Copy)]
pub struct Directory<'s> {
    pub(super) store: &'s Store,
}

impl Store {
    /// Returns the handle of users and claims.
    #[must_use]
    pub const fn directory(&self) -> Directory<'_> {
        Directory { store: self }
    }
}

impl Directory<'_> {
    /// Takes `count` user ids that nobody else gets. The first id is 1001.
    ///
    /// # Errors
    /// Returns an error if the store request fails; the ids may be lost then.
    pub async fn next_user_ids(self, count: u64) -> Result<Range<u64>, StoreError> {
        let last = self
            .store
            .count_up("users", BEFORE_FIRST_USER_ID, count)
            .await?;
        Ok(last.saturating_sub(count).saturating_add(1)..last.saturating_add(1))
    }
}

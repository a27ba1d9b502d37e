//! API tokens: tokens that operators issue for robots, with or without a lifetime. They have an id
//! and a title, are listed, and can be revoked. A token that has ended is still listed for
//! [`KEPT_AFTER_END`].
//!
//! Rows: the token under its digest, and its entry in the tenant index, which names the digest.
//! Both expire at the same time.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{ROW, Scope, Tokens, digest, key};
use crate::auth::secrets::random_token;
use crate::dynamodb::expression::{Condition, UpdateExpression};
use crate::dynamodb::read::Order;
use crate::dynamodb::row::{self, Attributes, Key, millis, millis_option};
use crate::dynamodb::transaction::Transacted;
use crate::dynamodb::write::Write;
use crate::error::StoreError;
use crate::tenant_index::{self, IndexKind, IndexPage, ListPage};
use crate::time_uuid::time_ordered;

/// Time for which a token is still listed after its end.
pub const KEPT_AFTER_END: Duration = Duration::from_secs(90 * 24 * 3_600);

/// The attribute that distinguishes an API token from one of a sign-in.
pub(super) const ID: &str = "id";
/// The attribute of an index entry with the token's digest.
const DIGEST: &str = "digest";
/// Maximum tokens read at a time for a list.
const MAX_BATCH: u16 = 100;
/// Maximum tokens that one call examines; a caller that filters by robot may have to call again.
const MAX_EXAMINED: usize = 1_000;

/// A token to issue.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The tenant.
    pub tenant: String,
    /// The name of its robot.
    pub robot: String,
    /// The title, which describes its use; may be empty.
    pub title: String,
    /// The dialects that it opens, unless its robot lacks the scope.
    pub scopes: BTreeSet<Scope>,
    /// The lifetime; absent if it is valid until it is revoked.
    pub lifetime: Option<Duration>,
    /// The name of the operator who issues it.
    pub created_by: String,
}

/// A token as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenEntry {
    /// The id, a UUID that begins with the time of creation.
    pub id: String,
    /// The name of its robot.
    pub robot: String,
    /// The title, which describes its use.
    pub title: String,
    /// The dialects that it opens, unless its robot lacks the scope.
    pub scopes: BTreeSet<Scope>,
    /// Time of issue.
    pub created_at: Timestamp,
    /// The operator who issued it.
    pub created_by: String,
    /// Time of expiry; absent if it never expires.
    pub expires_at: Option<Timestamp>,
    /// Time of the last use, precise to ten minutes.
    pub last_used_at: Option<Timestamp>,
    /// Time of revocation.
    pub revoked_at: Option<Timestamp>,
}

pub use muster_api::TokenStatus;

impl TokenEntry {
    /// Returns the status at `now`.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> TokenStatus {
        if self.revoked_at.is_some() {
            TokenStatus::Revoked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            TokenStatus::Expired
        } else {
            TokenStatus::Active
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct ApiRow {
    id: String,
    pub(super) tenant: String,
    pub(super) robot: String,
    title: String,
    pub(super) scopes: BTreeSet<Scope>,
    created_by: String,
    #[serde(with = "millis")]
    issued_at: Timestamp,
    /// Time of expiry, in epoch seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ends_at: Option<i64>,
    /// Time at which the row is deleted, in epoch seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) last_used_at: Option<Timestamp>,
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    revoked_at: Option<Timestamp>,
}

row::codec!(ApiRow);

impl ApiRow {
    /// Returns true if the token is neither revoked nor expired.
    pub(super) fn is_active(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.ends_at.is_none_or(|end| end > now.as_second())
    }
}

impl From<ApiRow> for TokenEntry {
    fn from(row: ApiRow) -> Self {
        let ApiRow {
            id,
            tenant: _,
            robot,
            title,
            scopes,
            created_by,
            issued_at,
            ends_at,
            expires_at: _,
            last_used_at,
            revoked_at,
        } = row;
        Self {
            id,
            robot,
            title,
            scopes,
            created_at: issued_at,
            created_by,
            expires_at: ends_at.and_then(|seconds| Timestamp::from_second(seconds).ok()),
            last_used_at,
            revoked_at,
        }
    }
}

/// Builds the attributes of an index entry.
fn entry(digest: &str, expires_at: Option<i64>) -> Attributes {
    let mut entry = HashMap::from([(DIGEST.to_owned(), row::text(digest))]);
    if let Some(expires_at) = expires_at {
        entry.insert(row::EXPIRES_AT.to_owned(), row::number(expires_at));
    }
    entry
}

/// Returns the digest that an index entry names.
fn digest_of(entry: &Attributes) -> Option<&str> {
    Some(entry.get(DIGEST)?.as_s().ok()?.as_str())
}

/// Returns the time at which the row of a token is deleted whose validity ends at `end`, in epoch
/// seconds.
fn deletion_time(end: i64) -> i64 {
    end.saturating_add(i64::try_from(KEPT_AFTER_END.as_secs()).unwrap_or(i64::MAX))
}

impl Tokens<'_> {
    /// Issues a token for a robot of the tenant. Returns its text, which is not stored.
    ///
    /// # Errors
    /// Returns an error if the store request fails, or `Secrets` if no randomness is available.
    pub async fn create(
        self,
        new: NewToken,
        now: Timestamp,
    ) -> Result<(TokenEntry, SecretString), StoreError> {
        let NewToken {
            tenant,
            robot,
            title,
            scopes,
            lifetime,
            created_by,
        } = new;
        let ends_at = lifetime.map(|lifetime| row::expiry(row::later(now, lifetime)));
        let row = ApiRow {
            id: time_ordered(now).to_string(),
            tenant,
            robot,
            title,
            scopes,
            created_by,
            issued_at: row::whole_millis(now),
            ends_at,
            expires_at: ends_at.map(deletion_time),
            last_used_at: None,
            revoked_at: None,
        };
        let text = random_token()?;
        let digest = digest(text.expose_secret());
        let listed = tenant_index::key(&row.tenant, IndexKind::Token, &row.id);
        let table = &self.store.tables.control;
        let writes = [
            Write::put_new(table, row::encode(ROW, &key(&digest), &row)?).build()?,
            self.store
                .index_entry_with(&listed, entry(&digest, row.expires_at))?,
        ];
        match self.store.transact(&writes).await? {
            // Nobody else can create the same token: the response to an earlier attempt was lost.
            Transacted::Done | Transacted::Cancelled(_) => Ok((row.into(), text)),
        }
    }

    /// Returns the tenant's token with this id.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn get(
        self,
        tenant: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<TokenEntry>, StoreError> {
        let found = self.find_token(tenant, id, now).await?;
        Ok(found.map(|(_, row)| row.into()))
    }

    /// Revokes the tenant's token with this id, at once; `None` if it does not exist. A token that
    /// was revoked before is left unchanged.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn revoke(
        self,
        tenant: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<TokenEntry>, StoreError> {
        let Some((digest, row)) = self.find_token(tenant, id, now).await? else {
            return Ok(None);
        };
        if row.revoked_at.is_some() {
            return Ok(Some(row.into()));
        }
        let latest = deletion_time(now.as_second());
        let deleted_at = row.expires_at.map_or(latest, |at| at.min(latest));
        let listed = tenant_index::key(tenant, IndexKind::Token, id);
        let writes = [
            self.revocation(&key(&digest), deleted_at, now)?,
            self.store
                .index_entry_with(&listed, entry(&digest, Some(deleted_at)))?,
        ];
        match self.store.transact(&writes).await? {
            Transacted::Done => {
                let revoked_at = Some(row::whole_millis(now));
                Ok(Some(ApiRow { revoked_at, ..row }.into()))
            }
            // Someone else has revoked it, or our own response was lost.
            Transacted::Cancelled(_) => self.get(tenant, id, now).await,
        }
    }

    /// Returns at most `limit` tokens of `tenant` that follow `after`, the newest first, optionally
    /// only those of `robot`.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn list(
        self,
        tenant: &str,
        robot: Option<&str>,
        after: Option<&str>,
        limit: u16,
        now: Timestamp,
    ) -> Result<ListPage<TokenEntry>, StoreError> {
        let limit = limit.max(1);
        let mut items: Vec<TokenEntry> = Vec::new();
        let (mut next, mut examined) = (after.map(str::to_owned), 0);
        loop {
            // Never more than the page has room for, so that no token is read and left out.
            let room = usize::from(limit).saturating_sub(items.len());
            let step = u16::try_from(room).unwrap_or(limit).min(MAX_BATCH);
            let IndexPage { names, more } = self
                .store
                .index_page(
                    tenant,
                    IndexKind::Token,
                    Order::Descending,
                    next.as_deref(),
                    step,
                )
                .await?;
            examined += names.len();
            next = names.last().cloned().filter(|_| more);
            let found = self.tokens_listed(tenant, &names, now).await?;
            items.extend(
                found
                    .into_iter()
                    .filter(|token| robot.is_none_or(|robot| token.robot == robot)),
            );
            if next.is_none() || items.len() >= usize::from(limit) || examined >= MAX_EXAMINED {
                return Ok(ListPage { items, next });
            }
        }
    }

    async fn tokens_listed(
        self,
        tenant: &str,
        ids: &[String],
        now: Timestamp,
    ) -> Result<Vec<TokenEntry>, StoreError> {
        let entries: Vec<Key> = ids
            .iter()
            .map(|id| tenant_index::key(tenant, IndexKind::Token, id))
            .collect();
        let entries = self.store.read_rows(&entries, now).await?;
        let rows: Vec<Key> = entries.iter().filter_map(digest_of).map(key).collect();
        let rows = self.store.read_rows(&rows, now).await?;
        rows.into_iter()
            .map(|row| row::decode(ROW, row).map(|row: ApiRow| row.into()))
            .collect()
    }

    /// Reads a token. Returns it with its digest.
    async fn find_token(
        self,
        tenant: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<(String, ApiRow)>, StoreError> {
        if uuid::Uuid::try_parse(id).is_err() {
            return Ok(None);
        }
        let listed = tenant_index::key(tenant, IndexKind::Token, id);
        let entry = self.store.read_attributes(&listed).await?;
        let Some(digest) = entry.as_ref().and_then(digest_of) else {
            return Ok(None);
        };
        let row: Option<ApiRow> = self.store.read_row(ROW, &key(digest), now).await?;
        Ok(row.map(|row| (digest.to_owned(), row)))
    }

    /// Builds a write of a transaction that revokes a token that is not revoked, and sets the time
    /// at which its row is deleted.
    fn revocation(
        self,
        key: &Key,
        deleted_at: i64,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let update = UpdateExpression::new()
            .set("revoked_at", row::number(now.as_millisecond()))
            .set(row::EXPIRES_AT, row::number(deleted_at));
        Write::update(&self.store.tables.control, key, update)
            .only_if(Condition::row_exists().and(Condition::absent("revoked_at")))
            .build()
    }
}

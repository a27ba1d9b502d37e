//! API tokens: what operators issue for robots, with a lifetime or none. They have an id and a
//! title, are listed, and can be revoked. Who may no longer use one can still see that there was
//! one, for [`KEPT`].
//!
//! Rows: the token's own under its digest, and the entry in the tenant's list, which names the
//! digest. Both go at the same time.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Scope, WHAT, digest, key, random_token};
use crate::lists::{self, Kind, Listed, Order, Part};
use crate::row::{self, Attributes, Key, millis, millis_option};
use crate::runs::time_ordered;
use crate::transact::Transacted;
use crate::{Store, StoreError};

/// How long a token is still listed after its end.
pub const KEPT: Duration = Duration::from_secs(90 * 24 * 3_600);

/// The attribute by which an API token is told from that of a sign-in.
pub(super) const ID: &str = "id";
/// The attribute of a list's entry that names the token's digest.
const DIGEST: &str = "digest";
/// Tokens of a list that are looked at in one go.
const STEP: u16 = 100;
/// Tokens that one call looks at; who asks for one robot's may have to call again.
const MOST: usize = 1_000;

/// A token that is about to be issued.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The tenant.
    pub tenant: String,
    /// The name of its robot.
    pub robot: String,
    /// What it is for; may be empty.
    pub title: String,
    /// What it opens, as far as its robot may.
    pub scopes: BTreeSet<Scope>,
    /// How long it lives; absent: until it is revoked.
    pub lifetime: Option<Duration>,
    /// The name of the operator who issues it.
    pub created_by: String,
}

/// A token as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenEntry {
    /// Its id, a UUID that begins with the time of its making.
    pub id: String,
    /// The name of its robot.
    pub robot: String,
    /// What it is for.
    pub title: String,
    /// What it opens, as far as its robot may.
    pub scopes: BTreeSet<Scope>,
    /// When it was issued.
    pub created_at: Timestamp,
    /// By which operator.
    pub created_by: String,
    /// When it ends; absent: never.
    pub expires_at: Option<Timestamp>,
    /// When it was used last, right to ten minutes.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Whether a token can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TokenStatus {
    /// It can.
    Active,
    /// Its time is over.
    Expired,
    /// An operator has taken it back.
    Revoked,
}

impl TokenEntry {
    /// Whether it can be used.
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
    /// When it ends, in epoch seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ends_at: Option<i64>,
    /// When the row goes, in epoch seconds.
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

impl ApiRow {
    /// Whether it opens anything.
    pub(super) fn is_open(&self, now: Timestamp) -> bool {
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

/// What the entry in the list says of a token.
fn entry(digest: &str, expires_at: Option<i64>) -> Attributes {
    let mut entry = HashMap::from([(DIGEST.to_owned(), row::text(digest))]);
    if let Some(expires_at) = expires_at {
        entry.insert(row::EXPIRES_AT.to_owned(), row::number(expires_at));
    }
    entry
}

/// Where the token of an entry is.
fn digest_of(entry: &Attributes) -> Option<&str> {
    Some(entry.get(DIGEST)?.as_s().ok()?.as_str())
}

/// When the row of a token goes that ends at this second.
fn gone(end: i64) -> i64 {
    end.saturating_add(i64::try_from(KEPT.as_secs()).unwrap_or(i64::MAX))
}

impl Store {
    /// Issues a token for a robot of its tenant. Its text exists only in the answer.
    ///
    /// # Errors
    /// What the store says; `Secrets`, when there is no randomness.
    pub async fn create_token(
        &self,
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
            expires_at: ends_at.map(gone),
            last_used_at: None,
            revoked_at: None,
        };
        let text = random_token()?;
        let digest = digest(text.expose_secret());
        let listed = lists::key(&row.tenant, Kind::Token, &row.id);
        let writes = [
            self.put_new(row::encode(WHAT, &key(&digest), &row)?)?,
            self.list_with(&listed, entry(&digest, row.expires_at))?,
        ];
        match self.transact(&writes).await? {
            // Nobody else makes the same token: the answer to an earlier try was lost.
            Transacted::Done | Transacted::Cancelled(_) => Ok((row.into(), text)),
        }
    }

    /// The tenant's token with this id.
    ///
    /// # Errors
    /// What the store says.
    pub async fn get_token(
        &self,
        tenant: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<TokenEntry>, StoreError> {
        let found = self.find_token(tenant, id, now).await?;
        Ok(found.map(|(_, row)| row.into()))
    }

    /// Takes back the tenant's token with this id; `None`: there is none. It opens nothing from now
    /// on. One that was revoked before stays as it is.
    ///
    /// # Errors
    /// What the store says.
    pub async fn revoke_token(
        &self,
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
        let last = gone(now.as_second());
        let gone = row.expires_at.map_or(last, |gone| gone.min(last));
        let listed = lists::key(tenant, Kind::Token, id);
        let writes = [
            self.revoke(&key(&digest), gone, now)?,
            self.list_with(&listed, entry(&digest, Some(gone)))?,
        ];
        match self.transact(&writes).await? {
            Transacted::Done => {
                let revoked_at = Some(row::whole_millis(now));
                Ok(Some(ApiRow { revoked_at, ..row }.into()))
            }
            // Somebody else has revoked it, or it was us and the answer was lost.
            Transacted::Cancelled(_) => self.get_token(tenant, id, now).await,
        }
    }

    /// At most `limit` tokens of `tenant`, the newest first, those behind `after`; `robot`: only
    /// that one's.
    ///
    /// # Errors
    /// What the store says.
    pub async fn tokens(
        &self,
        tenant: &str,
        robot: Option<&str>,
        after: Option<&str>,
        limit: u16,
        now: Timestamp,
    ) -> Result<Part<TokenEntry>, StoreError> {
        let limit = limit.max(1);
        let mut items: Vec<TokenEntry> = Vec::new();
        let (mut next, mut examined) = (after.map(str::to_owned), 0);
        loop {
            // Never more than there is room for, so that none is looked at and left out.
            let room = usize::from(limit).saturating_sub(items.len());
            let step = u16::try_from(room).unwrap_or(limit).min(STEP);
            let Listed { names, more } = self
                .listed(
                    tenant,
                    Kind::Token,
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
            if next.is_none() || items.len() >= usize::from(limit) || examined >= MOST {
                return Ok(Part { items, next });
            }
        }
    }

    async fn tokens_listed(
        &self,
        tenant: &str,
        ids: &[String],
        now: Timestamp,
    ) -> Result<Vec<TokenEntry>, StoreError> {
        let entries: Vec<Key> = ids
            .iter()
            .map(|id| lists::key(tenant, Kind::Token, id))
            .collect();
        let entries = self.rows_at(&entries, now).await?;
        let rows: Vec<Key> = entries.iter().filter_map(digest_of).map(key).collect();
        let rows = self.rows_at(&rows, now).await?;
        rows.into_iter()
            .map(|row| row::decode(WHAT, row).map(|row: ApiRow| row.into()))
            .collect()
    }

    /// The token with its digest.
    async fn find_token(
        &self,
        tenant: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<(String, ApiRow)>, StoreError> {
        if uuid::Uuid::try_parse(id).is_err() {
            return Ok(None);
        }
        let listed = lists::key(tenant, Kind::Token, id);
        let entry = self.read_attributes(&listed).await?;
        let Some(digest) = entry.as_ref().and_then(digest_of) else {
            return Ok(None);
        };
        let row: Option<ApiRow> = self.read_row(WHAT, &key(digest), now).await?;
        Ok(row.map(|row| (digest.to_owned(), row)))
    }

    /// A write of a transaction: a token that has not been revoked is, and goes at `gone`.
    fn revoke(
        &self,
        key: &Key,
        gone: i64,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.tables.control)
            .set_key(Some(key.attributes()))
            .update_expression("SET #revoked = :now, #gone = :gone")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(#revoked)")
            .expression_attribute_names("#revoked", "revoked_at")
            .expression_attribute_names("#gone", row::EXPIRES_AT)
            .expression_attribute_values(":now", row::number(now.as_millisecond()))
            .expression_attribute_values(":gone", row::number(gone))
            .build()?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

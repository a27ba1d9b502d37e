//! Idempotency keys and the writes of their rows.

use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ROW;
use crate::digest::sha256_hex;
use crate::dynamodb::expression::{Condition, UpdateExpression};
use crate::dynamodb::row::{self, EXPIRES_AT, Key, millis};
use crate::dynamodb::write::Write;
use crate::error::StoreError;
use crate::runs::id::RunId;

/// Lifetime of a key after the start of its run, and again after its response was stored.
pub const KEY_LIFETIME: Duration = Duration::from_secs(24 * 3_600);

/// A request under an idempotency key. Keys and bodies may contain personal data, so both are
/// hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// Partition of the key.
    pub(super) pk: String,
    /// Hash of the body.
    pub(super) body: String,
}

impl RequestKey {
    /// Hashes a request. Equal texts are the same key only for the same tenant, task, path and
    /// query.
    #[must_use]
    pub fn new(tenant: &str, task: u64, path: &str, query: &str, text: &str, body: &[u8]) -> Self {
        let mut parts = Vec::new();
        for part in [&task.to_string(), path, query, text] {
            // The length prefix keeps the boundaries between parts unambiguous.
            parts.extend((part.len() as u64).to_be_bytes());
            parts.extend(part.as_bytes());
        }
        Self {
            pk: format!("KEY#{tenant}#{}", sha256_hex(&parts)),
            body: sha256_hex(body),
        }
    }
}

/// A free key, for the run that starts under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    pub(super) key: RequestKey,
    /// The dead run found under the key.
    pub(super) left_by: Option<RunId>,
}

/// A JSON response as sent to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, byte for byte.
    pub body: String,
}

/// The part of a response that is stored in the row of its key; further parts have rows of their
/// own, written before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAnswer {
    pub(super) status: u16,
    /// First part of the body.
    pub(super) head: String,
    /// Number of further parts.
    pub(super) parts: usize,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeyRow {
    pub(super) run: RunId,
    pub(super) body: String,
    #[serde(with = "millis")]
    pub(super) until: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<StoredAnswer>,
    expires_at: i64,
}

row::codec!(KeyRow);

pub(super) fn key(pk: &str) -> Key {
    Key::new(pk, "KEY")
}

impl StoredAnswer {
    /// Returns a short response that fits into the row of the key.
    #[must_use]
    pub fn whole(answer: &Answer) -> Self {
        Self {
            status: answer.status,
            head: answer.body.clone(),
            parts: 0,
        }
    }
}

impl KeyUse {
    /// Returns the name of the key in the lock row and the `OPEN` row.
    pub(crate) fn name(&self) -> &str {
        &self.key.pk
    }

    /// Returns the key, to look it up again.
    #[must_use]
    pub const fn key(&self) -> &RequestKey {
        &self.key
    }

    /// Returns the write that puts the key for `run`. It is refused if another run came first: it
    /// replaces only an absent or expired row, or that of the dead run found by the look-up.
    pub(crate) fn put(
        &self,
        table: &str,
        run: &RunId,
        until: Timestamp,
        answer: Option<&StoredAnswer>,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let row = KeyRow {
            run: *run,
            body: self.key.body.clone(),
            until,
            answer: answer.cloned(),
            expires_at: row::expiry(row::later(now, KEY_LIFETIME)),
        };
        let expired = Condition::at_most(EXPIRES_AT, row::number(now.as_second()));
        let mut free = Condition::row_absent().or(expired);
        if let Some(left) = self.left_by {
            let abandoned = Condition::equals("run", row::text(left));
            free = free.or(abandoned.and(Condition::absent("answer")));
        }
        Write::put(table, row::encode(ROW, &key(&self.key.pk), &row)?)
            .only_if(free)
            .build()
    }

    /// Returns the write that stores the response at the end of the run, or deletes the key if
    /// there is none.
    pub(crate) fn end(
        &self,
        table: &str,
        run: &RunId,
        answer: Option<&StoredAnswer>,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let Some(answer) = answer else {
            return delete(table, &self.key.pk);
        };
        let expires_at = row::expiry(row::later(now, KEY_LIFETIME));
        let update = UpdateExpression::new()
            .set("answer", row::encode_value(ROW, answer)?)
            .set(EXPIRES_AT, row::number(expires_at));
        Write::update(table, &key(&self.key.pk), update)
            .only_if(Condition::equals("run", row::text(run.to_string())))
            .build()
    }
}

/// Returns the write that deletes the key of a run that ends without a response. It must be part of
/// the transaction that ends the run, whose condition ensures that the key is still this run's.
pub(crate) fn delete(table: &str, name: &str) -> Result<TransactWriteItem, StoreError> {
    Write::delete(table, &key(name)).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_depends_on_tenant_task_path_query_and_text() {
        let key = |tenant, task, path, query, text| {
            RequestKey::new(tenant, task, path, query, text, b"[]").pk
        };
        let keys = [
            key("acme", 206, "/206", "debug", "k"),
            key("globex", 206, "/206", "debug", "k"),
            key("acme", 20, "/206", "debug", "k"),
            key("acme", 206, "/0206", "debug", "k"),
            key("acme", 206, "/206", "", "k"),
            key("acme", 206, "/206", "debug", "K"),
            key("acme", 206, "/206", "debu", "gk"),
        ];
        for (place, key) in keys.iter().enumerate() {
            assert!(!keys[..place].contains(key), "number {place}");
        }
        assert_eq!(keys[0], key("acme", 206, "/206", "debug", "k"));
    }

    #[test]
    fn neither_the_text_nor_the_body_is_stored() {
        let key = RequestKey::new("acme", 1, "/", "", "jack.woo", b"[\"jack.woo\"]");
        assert!(!format!("{key:?}").contains("jack"));
    }
}

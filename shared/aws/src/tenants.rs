//! Tenants (the customers), and the counters that number users and tasks across all of them.
//! Gaps in the numbers are fine, so a block is taken with one write and never given back.

use std::ops::Range;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::row::{self, Attributes, Key, millis};
use crate::{Creation, Store, StoreError};

/// What is read before the first user gets the next number.
const BEFORE_FIRST_USER: u64 = 1_000;
/// What is read before the first task gets the next number.
const BEFORE_FIRST_TASK: u64 = 205;

/// What [`is_name`] asks of a name.
pub(crate) const NAME_RULE: &str = "a tenant's name has 1 to 64 characters: letters a-z and A-Z, \
                                    digits, `.`, `_`, `-` and, but not at its ends, spaces";

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its name, which is its id, too.
    pub name: String,
    /// When it was made.
    #[serde(with = "millis")]
    pub created_at: Timestamp,
}

impl Tenant {
    /// A new one; its name is one.
    pub(crate) fn new(name: &str, now: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            created_at: now,
        }
    }

    pub(crate) fn row(&self) -> Result<Attributes, StoreError> {
        row::encode("a tenant", &key(&self.name), self)
    }
}

/// The name becomes part of the keys of the tenant's rows, so it must not hold their `#`.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name == name.trim()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b' '))
}

fn key(name: &str) -> Key {
    Key::new(format!("TENANT#{name}"), "TENANT")
}

impl Store {
    /// Makes a tenant.
    ///
    /// # Errors
    /// What the store says.
    pub async fn create_tenant(&self, name: &str, now: Timestamp) -> Result<Creation, StoreError> {
        if !is_name(name) {
            return Ok(Creation::BadName(NAME_RULE));
        }
        let row = Tenant::new(name, now).row()?;
        Ok(if self.put_if_absent(row).await? {
            Creation::Created
        } else {
            Creation::Taken
        })
    }

    /// The tenant of this name.
    ///
    /// # Errors
    /// What the store says.
    pub async fn get_tenant(&self, name: &str) -> Result<Option<Tenant>, StoreError> {
        if !is_name(name) {
            return Ok(None);
        }
        self.read_lasting_row("a tenant", &key(name)).await
    }

    /// Takes `count` user ids that nobody else gets. The first of all is 1001.
    ///
    /// # Errors
    /// What the store says; the ids may then be lost.
    pub async fn next_user_ids(&self, count: u64) -> Result<Range<u64>, StoreError> {
        let last = self.count_up("users", BEFORE_FIRST_USER, count).await?;
        Ok(last.saturating_sub(count).saturating_add(1)..last.saturating_add(1))
    }

    /// Takes the next task id. The first of all is 206.
    ///
    /// # Errors
    /// What the store says; the id may then be lost.
    pub async fn next_task_id(&self) -> Result<u64, StoreError> {
        self.count_up("tasks", BEFORE_FIRST_TASK, 1).await
    }

    /// Adds `by` to a counter, atomically; gives what it then is.
    async fn count_up(&self, counter: &str, before: u64, by: u64) -> Result<u64, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.tables.control)
            .set_key(Some(
                Key::new(format!("COUNTER#{counter}"), "COUNTER").attributes(),
            ))
            .update_expression("SET #last = if_not_exists(#last, :before) + :by")
            .expression_attribute_names("#last", "last")
            .expression_attribute_values(":before", row::number(before))
            .expression_attribute_values(":by", row::number(by))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(StoreError::sdk("UpdateItem"))?;
        match answer.attributes().and_then(|row| row.get("last")) {
            Some(AttributeValue::N(last)) => last.parse().map_err(|_| StoreError::Row {
                row: "a counter",
                reason: "`last` is not a positive integer".to_owned(),
            }),
            _ => Err(StoreError::Row {
                row: "a counter",
                reason: "`last` is missing".to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_s_name_cannot_reach_into_other_keys() {
        for good in ["acme", "Corner Shop 2", "a.b_c-d"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "a#b", " a", "a ", "é", "a\nb", &"x".repeat(65)] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}

//! Tenants, the customers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::creation::Creation;
use crate::dynamodb::row::{self, Attributes, Key, millis};
use crate::error::StoreError;
use crate::store::Store;

/// The rule that [`is_name`] checks.
pub(crate) const NAME_RULE: &str = "a tenant's name has 1 to 64 characters: letters a-z and A-Z, \
                                    digits, `.`, `_`, `-`, and spaces except at its ends";

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// The name, which is also its id.
    pub name: String,
    /// Time of creation.
    #[serde(with = "millis")]
    pub created_at: Timestamp,
}

row::codec!(Tenant);

impl Tenant {
    /// Returns a new tenant. The name must be valid.
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

/// Returns true if `name` is valid. The name becomes part of the keys of the tenant's rows, so it
/// must not contain their separator `#`.
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

/// Handle of the tenants.
#[derive(Debug, Clone, Copy)]
pub struct Tenants<'s> {
    store: &'s Store,
}

impl Store {
    /// Returns the handle of tenants.
    #[must_use]
    pub const fn tenants(&self) -> Tenants<'_> {
        Tenants { store: self }
    }
}

impl Tenants<'_> {
    /// Creates a tenant.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn create(self, name: &str, now: Timestamp) -> Result<Creation, StoreError> {
        if !is_name(name) {
            return Ok(Creation::BadName(NAME_RULE));
        }
        let row = Tenant::new(name, now).row()?;
        Ok(if self.store.put_if_absent(row).await? {
            Creation::Created
        } else {
            Creation::Taken
        })
    }

    /// Returns the tenant with this name.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn get(self, name: &str) -> Result<Option<Tenant>, StoreError> {
        if !is_name(name) {
            return Ok(None);
        }
        self.store.read_permanent_row("a tenant", &key(name)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_name_cannot_contain_a_key_separator() {
        for good in ["acme", "Corner Shop 2", "a.b_c-d"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "a#b", " a", "a ", "é", "a\nb", &"x".repeat(65)] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}

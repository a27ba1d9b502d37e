//! The rows of the directory that records are planned on.

use std::collections::HashMap;

use muster_aws::directory::LoginRow;
use muster_core::attribute::Attribute;
use muster_core::plan::User;
use muster_core::value::Value;

/// The rows stored under the logins of the records, by canonical login.
pub(crate) type DirectorySnapshot = HashMap<String, LoginRow>;

/// Returns the user of a row, unless the row is a tombstone.
pub(crate) fn user(stored: Option<&LoginRow>) -> Option<&User> {
    stored.and_then(|stored| stored.user.as_ref())
}

/// Returns true if the row is a user of the tenant with this external id.
pub(crate) fn has_external_id(stored: Option<&LoginRow>, tenant: &str, id: &str) -> bool {
    user(stored).is_some_and(|user| user.tenant == tenant && external_id(user) == Some(id))
}

/// Returns the external id of a stored user.
pub(super) fn external_id(user: &User) -> Option<&str> {
    match user.values.get(&Attribute::ExternalId) {
        Some(Value::Text(id)) => Some(id),
        _ => None,
    }
}

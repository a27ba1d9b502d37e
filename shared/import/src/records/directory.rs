//! The rows of the directory that records are planned on.

use std::collections::HashMap;

use muster_aws::directory::LoginRow;
use muster_core::attribute::Attribute;
use muster_core::plan::User;
use muster_core::value::Value;

use super::sender::{RunError, Sender};

/// The rows stored under the logins of the records, by canonical login.
pub(crate) type DirectorySnapshot = HashMap<String, LoginRow>;

/// Reads the rows of these logins again, and returns those that have changed since `snapshot` was read;
/// `None` if the row is gone.
pub(super) async fn moved_rows(
    sender: &Sender<'_>,
    snapshot: &DirectorySnapshot,
    logins: Vec<String>,
) -> Result<HashMap<String, Option<LoginRow>>, RunError> {
    let canons: Vec<&str> = logins.iter().map(String::as_str).collect();
    let mut rows = sender.read(sender.store.directory().users(canons)).await?;
    let current = logins.into_iter().map(|login| {
        let row = rows.remove(&login);
        (login, row)
    });
    let version = |row: Option<&LoginRow>| row.map(|row| row.version);
    let moved =
        current.filter(|(login, row)| version(row.as_ref()) != version(snapshot.get(login)));
    Ok(moved.collect())
}

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

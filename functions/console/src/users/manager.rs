//! The manager of a user. It is looked up each time, because the user with the manager's external
//! id may have been created after the reference to it.

use muster_aws::directory::{UserEntry, UserKey};
use muster_aws::{Store, StoreError};
use muster_core::attribute::Attribute;
use muster_core::plan::User;
use muster_core::value::Value;

/// Finds the user that `manager_id`, or else `manager_uid`, refers to.
pub(super) async fn find(store: &Store, user: &User) -> Result<Option<UserEntry>, StoreError> {
    if let Some(Value::Integer(id)) = user.values.get(&Attribute::ManagerId)
        && let Ok(id) = u64::try_from(*id)
        && let Some(manager) = store
            .directory()
            .find(&user.tenant, UserKey::Id(id))
            .await?
    {
        return Ok(Some(manager));
    }
    match user.values.get(&Attribute::ManagerUid) {
        Some(Value::Text(uid)) => {
            let key = UserKey::ExternalId(uid);
            store.directory().find(&user.tenant, key).await
        }
        _ => Ok(None),
    }
}

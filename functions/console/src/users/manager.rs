//! Whom a user names as manager. That is looked up each time: who has an external id now may not
//! have been there when it was named.

use muster_aws::directory::{Entry, UserKey};
use muster_aws::{Store, StoreError};
use muster_core::attribute::Attribute;
use muster_core::plan::User;
use muster_core::value::Value;

/// The manager of a user: whom `manager_id`, or else `manager_uid` names, if there is such a user.
pub(super) async fn of(store: &Store, user: &User) -> Result<Option<Entry>, StoreError> {
    if let Some(Value::Integer(id)) = user.values.get(&Attribute::ManagerId)
        && let Ok(id) = u64::try_from(*id)
        && let Some(manager) = store.find_user(&user.tenant, UserKey::Id(id)).await?
    {
        return Ok(Some(manager));
    }
    match user.values.get(&Attribute::ManagerUid) {
        Some(Value::Text(uid)) => {
            let key = UserKey::ExternalId(uid);
            store.find_user(&user.tenant, key).await
        }
        _ => Ok(None),
    }
}

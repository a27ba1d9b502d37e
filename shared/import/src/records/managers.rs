//! Validation of managers. An unknown `manager_uid` is valid: that user may be created later.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use muster_aws::directory::Claim;
use muster_aws::directory::LoginRow;
use muster_aws::{Store, StoreError};
use muster_core::attribute::Attribute;
use muster_core::plan::{MergedUser, User};
use muster_core::text::nfc;
use muster_core::validate::Changes;
use muster_core::value::{Problem, Value};

use super::directory::{external_id, has_external_id, user};
use super::moves::GivenUp;

/// The managers that changes refer to and that must be looked up in the directory.
#[derive(Debug, Default)]
pub(crate) struct ManagerRefs {
    ids: HashSet<u64>,
    uids: HashSet<String>,
}

impl ManagerRefs {
    /// Adds the managers that one user's changes refer to.
    pub(crate) fn add(&mut self, changes: &Changes<'_>) {
        if let Some(id) = manager_id(changes) {
            self.ids.insert(id);
            // The user of an external id matters only where the id could contradict it.
            self.uids.extend(manager_uid(changes).map(str::to_owned));
        }
    }

    /// Adds a manager by external id.
    pub(crate) fn add_uid(&mut self, uid: &str) {
        self.uids.insert(uid.to_owned());
    }
}

/// The directory rows of managers.
pub(crate) struct Managers {
    tenant: String,
    /// Ids of users.
    known: HashSet<u64>,
    claims: HashMap<String, Claim>,
    claimants: HashMap<String, LoginRow>,
    /// The ids of the users to whom these external ids are to move.
    given: HashMap<String, u64>,
}

impl Managers {
    /// Reads the rows of all referenced managers.
    ///
    /// # Errors
    /// Returns an error if a store request fails.
    pub(crate) async fn read(
        store: &Store,
        tenant: &str,
        ManagerRefs { ids, uids }: ManagerRefs,
    ) -> Result<Self, StoreError> {
        let logins = store.directory().logins_by_id(tenant, ids).await?;
        let mut managers = Self {
            tenant: tenant.to_owned(),
            known: logins.into_keys().collect(),
            claims: HashMap::new(),
            claimants: HashMap::new(),
            given: HashMap::new(),
        };
        managers.read_holders(store, &uids).await?;
        // A claim moves with its user: who was renamed between the two reads is at another login.
        let missed = uids
            .into_iter()
            .filter(|uid| managers.claims.contains_key(uid) && managers.holder(uid).is_none());
        let missed: HashSet<String> = missed.collect();
        if !missed.is_empty() {
            managers.read_holders(store, &missed).await?;
        }
        Ok(managers)
    }

    /// Reads the claims on external ids and the rows of the users that they name.
    async fn read_holders(
        &mut self,
        store: &Store,
        uids: &HashSet<String>,
    ) -> Result<(), StoreError> {
        let uids = uids.iter().map(String::as_str);
        let claims = store.directory().claims(&self.tenant, uids).await?;
        let claimants: Vec<&str> = claims.values().map(|claim| claim.login.as_str()).collect();
        let claimants = store.directory().users(claimants).await?;
        self.claims.extend(claims);
        self.claimants.extend(claimants);
        Ok(())
    }

    /// Returns the problems of a user's managers: an unknown id, the user as their own manager, also by
    /// a new external id that the stored manager has, an id and an external id of two different users.
    pub(crate) fn problems(&self, merged: MergedUser<'_>) -> Vec<(Attribute, Problem)> {
        let mut problems = Vec::new();
        let mut manager = None;
        if let Some(id) = manager_id(merged.changes) {
            if merged.stored.is_some_and(|stored| stored.id == id) {
                problems.push((Attribute::ManagerId, OWN_MANAGER));
            } else if self.known.contains(&id) {
                manager = Some(id);
            } else {
                problems.push((Attribute::ManagerId, UNKNOWN_MANAGER));
            }
        }
        let Some(uid) = manager_uid(merged.changes) else {
            let held = merged.stored.and_then(external_id);
            if let Some(Value::Text(new)) = merged.changes.value(Attribute::ExternalId)
                && held.map(nfc) != Some(nfc(new))
                && merged.text(Attribute::ManagerUid) == Some(new)
            {
                problems.push((Attribute::ExternalId, OWN_MANAGER));
            }
            return problems;
        };
        let holder = self.holder(uid);
        if merged.text(Attribute::ExternalId) == Some(uid) {
            problems.push((Attribute::ManagerUid, OWN_MANAGER));
        } else if manager
            .zip(holder)
            .is_some_and(|(manager, holder)| manager != holder.id)
            && manager != self.given.get(uid).copied()
        {
            problems.push((Attribute::ManagerId, TWO_MANAGERS));
            problems.push((Attribute::ManagerUid, TWO_MANAGERS));
        }
        problems
    }

    /// Notes that a record gives a stored user an external id which another record gives up.
    pub(crate) fn note_given(&mut self, uid: &str, user: &User, given_up: &GivenUp) {
        let claim = self.claims.get(uid);
        if claim.is_some_and(|claim| given_up.contains(&claim.login)) {
            self.given.insert(uid.to_owned(), user.id);
        }
    }

    /// Returns the user with this external id.
    pub(crate) fn holder(&self, uid: &str) -> Option<&User> {
        let claimant = self.claimants.get(&self.claims.get(uid)?.login);
        // A claim alone proves nothing: its user may have another external id by now.
        user(claimant.filter(|row| has_external_id(Some(row), &self.tenant, uid)))
    }
}

const OWN_MANAGER: Problem = Problem {
    code: "own_manager",
    message: Cow::Borrowed("a user cannot be their own manager"),
};
const UNKNOWN_MANAGER: Problem = Problem {
    code: "unknown",
    message: Cow::Borrowed("there is no user with this id"),
};
/// Note on a manager by an external id that no user has.
pub(crate) const UNRESOLVED_MANAGER: Problem = Problem {
    code: "unresolved",
    message: Cow::Borrowed("no user has this external id yet: whoever gets it becomes the manager"),
};
const TWO_MANAGERS: Problem = Problem {
    code: "disagrees",
    message: Cow::Borrowed("the manager's id and external id belong to two different users"),
};

/// Returns the problem of a manager with this code.
pub(crate) fn problem_of_code(code: &str) -> Option<Problem> {
    [
        OWN_MANAGER,
        UNKNOWN_MANAGER,
        UNRESOLVED_MANAGER,
        TWO_MANAGERS,
    ]
    .into_iter()
    .find(|problem| problem.code == code)
}

fn manager_id(changes: &Changes<'_>) -> Option<u64> {
    match changes.value(Attribute::ManagerId) {
        Some(Value::Integer(id)) => u64::try_from(*id).ok(),
        _ => None,
    }
}

fn manager_uid<'c>(changes: &'c Changes<'_>) -> Option<&'c str> {
    match changes.value(Attribute::ManagerUid) {
        Some(Value::Text(uid)) => Some(uid),
        _ => None,
    }
}

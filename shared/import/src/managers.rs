//! Managers: who can be one. An unknown `manager_uid` is no problem: it may appear later.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use muster_aws::claims::Claim;
use muster_aws::directory::Stored;
use muster_aws::{Store, StoreError};
use muster_core::attribute::Attribute;
use muster_core::plan::Merged;
use muster_core::validate::Changes;
use muster_core::value::{Problem, Value};

use crate::planning::has_external_id;

/// The managers that changes name, as far as the directory is to be asked about them.
#[derive(Debug, Default)]
pub(crate) struct Named {
    ids: HashSet<u64>,
    uids: HashSet<String>,
}

impl Named {
    /// Adds those that one user's changes name.
    pub(crate) fn add(&mut self, changes: &Changes<'_>) {
        if let Some(id) = manager_id(changes) {
            self.ids.insert(id);
            // Whom an external id names is asked only where an id could disagree.
            self.uids.extend(manager_uid(changes).map(str::to_owned));
        }
    }
}

/// What the directory says of managers.
pub(crate) struct Managers {
    tenant: String,
    /// Canonical logins by id.
    known: HashMap<u64, String>,
    claims: HashMap<String, Claim>,
    claimants: HashMap<String, Stored>,
}

impl Managers {
    /// Looks at all of them at once.
    pub(crate) async fn look(
        store: &Store,
        tenant: &str,
        Named { ids, uids }: Named,
    ) -> Result<Self, StoreError> {
        let known = store.logins_by_id(tenant, ids).await?;
        let claims = store
            .claims(tenant, uids.iter().map(String::as_str))
            .await?;
        let claimants: Vec<&str> = claims.values().map(|claim| claim.login.as_str()).collect();
        let claimants = store.users(claimants).await?;
        Ok(Self {
            tenant: tenant.to_owned(),
            known,
            claims,
            claimants,
        })
    }

    /// The managers of a user that cannot be: unknown ids, the users themselves, and an id and an
    /// external id of two different people.
    pub(crate) fn problems(&self, user: Merged<'_>) -> Vec<(Attribute, Problem)> {
        let mut problems = Vec::new();
        let mut named = None;
        if let Some(id) = manager_id(user.changes) {
            if user.stored.is_some_and(|stored| stored.id == id) {
                problems.push((Attribute::ManagerId, OWN_MANAGER));
            } else {
                named = self.known.get(&id);
                if named.is_none() {
                    problems.push((Attribute::ManagerId, UNKNOWN_MANAGER));
                }
            }
        }
        let Some(uid) = manager_uid(user.changes) else {
            return problems;
        };
        let holder = self.holder(uid);
        if user.text(Attribute::ExternalId) == Some(uid) {
            problems.push((Attribute::ManagerUid, OWN_MANAGER));
        } else if named
            .zip(holder)
            .is_some_and(|(named, holder)| named != holder)
        {
            problems.push((Attribute::ManagerId, TWO_MANAGERS));
            problems.push((Attribute::ManagerUid, TWO_MANAGERS));
        }
        problems
    }

    /// The login of the user with this external id.
    fn holder(&self, uid: &str) -> Option<&str> {
        let login = self.claims.get(uid)?.login.as_str();
        // A claim alone proves nothing: the user may have moved on to another id.
        has_external_id(self.claimants.get(login), &self.tenant, uid).then_some(login)
    }
}

const OWN_MANAGER: Problem = Problem {
    code: "own_manager",
    message: Cow::Borrowed("names the user as their own manager"),
};
const UNKNOWN_MANAGER: Problem = Problem {
    code: "unknown",
    message: Cow::Borrowed("there is no user with this id"),
};
const TWO_MANAGERS: Problem = Problem {
    code: "disagrees",
    message: Cow::Borrowed("the manager's id and external id belong to two different users"),
};

/// The problem of a manager that has this code.
pub(crate) fn problem_of(code: &str) -> Option<Problem> {
    [OWN_MANAGER, UNKNOWN_MANAGER, TWO_MANAGERS]
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

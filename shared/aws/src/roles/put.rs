//! Storing the roles of a tenant.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use muster_core::roles::problems;
use muster_core::settings::FieldProblem;

use super::{ROW, Roles, TenantRoles, key};
use crate::auth::operators::Operator;
use crate::dynamodb::expression::Condition;
use crate::dynamodb::row;
use crate::error::StoreError;

/// Maximum attempts on roles that are used by tasks saved meanwhile.
const MAX_PUT_ATTEMPTS: u32 = 8;

/// Outcome of storing roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutRolesOutcome {
    /// The stored roles; the version is the old one if nothing changed.
    Stored(Roles),
    /// The roles are invalid; nothing is stored.
    Refused(Vec<FieldProblem>),
    /// The roles were changed since that version; nothing is stored. Holds the current ones.
    Changed(Roles),
    /// Tasks map to roles that would be removed; nothing is stored. Holds the task ids by role.
    InUse(BTreeMap<String, Vec<u64>>),
}

impl TenantRoles<'_> {
    /// Stores the roles of an operator's tenant. `version` is the one that the caller has read.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn put(
        self,
        by: &Operator,
        version: u64,
        roles: Vec<String>,
        now: Timestamp,
    ) -> Result<PutRolesOutcome, StoreError> {
        let problems = problems(&roles);
        if !problems.is_empty() {
            return Ok(PutRolesOutcome::Refused(problems));
        }
        let mut new = Roles {
            version: version.saturating_add(1),
            roles: roles.into_iter().collect(),
            uses: 0,
            updated_at: Some(row::whole_millis(now)),
            updated_by: Some(by.name.clone()),
        };
        for _ in 0..MAX_PUT_ATTEMPTS {
            let seen = self.get(&by.tenant).await?;
            if seen.roles == new.roles {
                return Ok(PutRolesOutcome::Stored(seen));
            }
            if seen.version != version {
                return Ok(PutRolesOutcome::Changed(seen));
            }
            let in_use = self.mapped(&by.tenant, &seen.roles - &new.roles).await?;
            if !in_use.is_empty() {
                return Ok(PutRolesOutcome::InUse(in_use));
            }
            new.uses = seen.uses;
            if self.replace(&by.tenant, &seen, &new).await? {
                return Ok(PutRolesOutcome::Stored(new));
            }
        }
        Err(StoreError::contended("TransactWriteItems"))
    }

    /// Replaces the roles that were read, unless a task was saved since. Returns false if they
    /// changed.
    async fn replace(self, tenant: &str, seen: &Roles, new: &Roles) -> Result<bool, StoreError> {
        let row = row::encode(ROW, &key(tenant), new)?;
        if !seen.is_stored() {
            return self.store.put_if_absent(row).await;
        }
        let unchanged = Condition::equals("version", row::number(seen.version))
            .and(Condition::equals("uses", row::number(seen.uses)));
        self.store.put_if(row, unchanged).await
    }

    /// Returns the ids of the tasks that map to any of these roles, by role.
    async fn mapped(
        self,
        tenant: &str,
        roles: BTreeSet<String>,
    ) -> Result<BTreeMap<String, Vec<u64>>, StoreError> {
        let mut mapped: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let (mut after, mut more) = (None, !roles.is_empty());
        while more {
            let batch = self.store.tasks().batch(tenant, after, None).await?;
            for task in batch.tasks {
                let targets: BTreeSet<String> = task.settings.role_mapping.into_values().collect();
                for role in &targets & &roles {
                    mapped.entry(role).or_default().push(task.settings.id);
                }
            }
            (after, more) = (batch.last, batch.more);
        }
        Ok(mapped)
    }
}

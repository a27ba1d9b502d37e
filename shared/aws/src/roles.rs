//! The roles of a tenant, in one row. Tasks map strings to them: whoever saves a task counts that as
//! a use in the same transaction, and whoever changes the roles must have seen all uses. So no role
//! goes while a task that maps to it is being saved.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use jiff::Timestamp;
use muster_core::roles::problems;
use muster_core::settings::FieldProblem;
use serde::{Deserialize, Serialize};

use crate::operators::Operator;
use crate::row::{self, Attributes, Key, millis_option};
use crate::{Store, StoreError};

const WHAT: &str = "the roles of a tenant";
/// How often a change looks again at roles that were used under it.
const ROUNDS: u32 = 8;

/// The roles of a tenant; none before they are stored first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Roles {
    /// How often they were changed.
    pub version: u64,
    /// The roles.
    pub roles: BTreeSet<String>,
    /// How often a task was saved that may map to them.
    uses: u64,
    /// When an operator changed them last.
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub updated_at: Option<Timestamp>,
    /// Which one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<String>,
}

/// What became of roles that were to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutRoles {
    /// They are stored like this; their version is the old one where nothing changed.
    Stored(Roles),
    /// They cannot be the roles of a tenant; nothing is stored.
    Refused(Vec<FieldProblem>),
    /// Somebody has changed them since; they are like this, and nothing is stored.
    Changed(Roles),
    /// Tasks map to roles that would go, by role; nothing is stored.
    InUse(BTreeMap<String, Vec<u64>>),
}

fn key(tenant: &str) -> Key {
    Key::new(format!("ROLES#{tenant}"), "ROLES")
}

/// The row of the first roles of a tenant, to which its first task maps.
pub(crate) fn first_row(tenant: &str, roles: BTreeSet<String>) -> Result<Attributes, StoreError> {
    let roles = Roles {
        version: 1,
        roles,
        uses: 1,
        ..Roles::default()
    };
    row::encode(WHAT, &key(tenant), &roles)
}

impl Roles {
    fn is_stored(&self) -> bool {
        self.version > 0 || self.uses > 0
    }

    /// A write of the transaction that saves a task: the roles are still these, and then `roles`.
    pub(crate) fn used(
        &self,
        table: &str,
        tenant: &str,
        roles: &BTreeSet<String>,
    ) -> Result<TransactWriteItem, StoreError> {
        let changed = u64::from(*roles != self.roles);
        let update = Update::builder()
            .table_name(table)
            .set_key(Some(key(tenant).attributes()))
            .update_expression(
                "SET #version = :version, #roles = :roles, \
                 #uses = if_not_exists(#uses, :none) + :one",
            )
            .expression_attribute_names("#version", "version")
            .expression_attribute_names("#roles", "roles")
            .expression_attribute_names("#uses", "uses")
            .expression_attribute_values(":version", row::number(self.version + changed))
            .expression_attribute_values(":roles", row::encode_value(WHAT, roles)?)
            .expression_attribute_values(":none", row::number(0))
            .expression_attribute_values(":one", row::number(1));
        let update = if self.is_stored() {
            update
                .condition_expression("#version = :seen")
                .expression_attribute_values(":seen", row::number(self.version))
        } else {
            update.condition_expression("attribute_not_exists(pk)")
        };
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }
}

impl Store {
    /// The roles of a tenant.
    ///
    /// # Errors
    /// What the store says.
    pub async fn get_roles(&self, tenant: &str) -> Result<Roles, StoreError> {
        let roles = self.read_lasting_row(WHAT, &key(tenant)).await?;
        Ok(roles.unwrap_or_default())
    }

    /// Stores the roles of an operator's tenant. `version` is the one that the caller has seen.
    ///
    /// # Errors
    /// What the store says.
    pub async fn put_roles(
        &self,
        by: &Operator,
        version: u64,
        roles: Vec<String>,
        now: Timestamp,
    ) -> Result<PutRoles, StoreError> {
        let problems = problems(&roles);
        if !problems.is_empty() {
            return Ok(PutRoles::Refused(problems));
        }
        let mut new = Roles {
            version: version.saturating_add(1),
            roles: roles.into_iter().collect(),
            uses: 0,
            updated_at: Some(row::whole_millis(now)),
            updated_by: Some(by.name.clone()),
        };
        for _ in 0..ROUNDS {
            let seen = self.get_roles(&by.tenant).await?;
            if seen.roles == new.roles {
                return Ok(PutRoles::Stored(seen));
            }
            if seen.version != version {
                return Ok(PutRoles::Changed(seen));
            }
            let in_use = self.mapped(&by.tenant, &seen.roles - &new.roles).await?;
            if !in_use.is_empty() {
                return Ok(PutRoles::InUse(in_use));
            }
            new.uses = seen.uses;
            if self.put_over(&by.tenant, &seen, &new).await? {
                return Ok(PutRoles::Stored(new));
            }
        }
        Err(StoreError::contended("TransactWriteItems"))
    }

    /// Puts roles where those are that were seen, and no task was saved since.
    async fn put_over(&self, tenant: &str, seen: &Roles, new: &Roles) -> Result<bool, StoreError> {
        let row = row::encode(WHAT, &key(tenant), new)?;
        if !seen.is_stored() {
            return self.put_if_absent(row).await;
        }
        self.put_if(
            row,
            "#version = :version AND #uses = :uses",
            [("#version", "version"), ("#uses", "uses")],
            [
                (":version", row::number(seen.version)),
                (":uses", row::number(seen.uses)),
            ],
        )
        .await
    }

    /// The tasks that map to any of these roles, by role.
    async fn mapped(
        &self,
        tenant: &str,
        roles: BTreeSet<String>,
    ) -> Result<BTreeMap<String, Vec<u64>>, StoreError> {
        let mut mapped: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let (mut after, mut more) = (None, !roles.is_empty());
        while more {
            let some = self.some_tasks(tenant, after, None).await?;
            for task in some.tasks {
                let targets: BTreeSet<String> = task.settings.role_mapping.into_values().collect();
                for role in &targets & &roles {
                    mapped.entry(role).or_default().push(task.settings.id);
                }
            }
            (after, more) = (some.last, some.more);
        }
        Ok(mapped)
    }
}

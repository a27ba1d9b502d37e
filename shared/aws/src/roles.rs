//! The roles of a tenant, in one row. Tasks map strings to them. Saving a task counts as a use of
//! the roles in the same transaction, and a change of the roles is conditional on the number of
//! uses. So no role is removed while a task that maps to it is being saved.

mod put;

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::put::PutRolesOutcome;
use crate::dynamodb::expression::{Condition, UpdateExpression};
use crate::dynamodb::row::{self, Attributes, Key, millis_option};
use crate::dynamodb::write::Write;
use crate::error::StoreError;
use crate::store::Store;

/// The kind of row, for errors.
const ROW: &str = "the roles of a tenant";
/// The roles of a tenant; empty before they are stored first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Roles {
    /// Number of changes.
    pub version: u64,
    /// The roles.
    pub roles: BTreeSet<String>,
    /// Number of saves of tasks that may map to the roles.
    uses: u64,
    /// Time of the last change by an operator.
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub updated_at: Option<Timestamp>,
    /// The operator of the last change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<String>,
}

row::codec!(Roles);

fn key(tenant: &str) -> Key {
    Key::new(format!("ROLES#{tenant}"), "ROLES")
}

/// Builds the first row of roles of a tenant: those that its first task maps to.
pub(crate) fn first_row(tenant: &str, roles: BTreeSet<String>) -> Result<Attributes, StoreError> {
    let roles = Roles {
        version: 1,
        roles,
        uses: 1,
        ..Roles::default()
    };
    row::encode(ROW, &key(tenant), &roles)
}

impl Roles {
    fn is_stored(&self) -> bool {
        self.version > 0 || self.uses > 0
    }

    /// Builds the write of the transaction that saves a task: requires that the roles are
    /// unchanged, and replaces them by `roles`.
    pub(crate) fn used(
        &self,
        table: &str,
        tenant: &str,
        roles: &BTreeSet<String>,
    ) -> Result<TransactWriteItem, StoreError> {
        let changed = u64::from(*roles != self.roles);
        let update = UpdateExpression::new()
            .set("version", row::number(self.version + changed))
            .set("roles", row::encode_value(ROW, roles)?)
            .increment_from("uses", 0, 1);
        let unchanged = if self.is_stored() {
            Condition::equals("version", row::number(self.version))
        } else {
            Condition::row_absent()
        };
        Write::update(table, &key(tenant), update)
            .only_if(unchanged)
            .build()
    }
}

/// Handle of the roles of tenants.
#[derive(Debug, Clone, Copy)]
pub struct TenantRoles<'s> {
    store: &'s Store,
}

impl Store {
    /// Returns the handle of roles.
    #[must_use]
    pub const fn roles(&self) -> TenantRoles<'_> {
        TenantRoles { store: self }
    }
}

impl TenantRoles<'_> {
    /// Returns the roles of a tenant.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn get(self, tenant: &str) -> Result<Roles, StoreError> {
        let roles = self.store.read_permanent_row(ROW, &key(tenant)).await?;
        Ok(roles.unwrap_or_default())
    }
}

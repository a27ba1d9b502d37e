//! Operators: people who manage a tenant. Their names are unique across tenants in their own name
//! space, compared exactly, under the same rule as the names of robots. The first operator is
//! created by the setup of the deployment ([`Store::bootstrap`]).

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::accounts::{self, Account, AccountRow, Changed};
use super::passwords;
use crate::creation::Creation;
use crate::dynamodb::expression::{Condition, UpdateExpression};
use crate::dynamodb::row::{self, Key};
use crate::dynamodb::write::Write;
use crate::error::StoreError;
use crate::store::Store;
use crate::tenant_index::{IndexKind, ListPage};

pub use muster_api::OperatorRole as Role;

/// An operator who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// The tenant.
    pub tenant: String,
    /// The name.
    pub name: String,
    /// The role: `read` or `manage`.
    pub role: Role,
}

/// An operator whose password was just verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedOperator {
    /// The operator.
    pub operator: Operator,
    /// Version of the verified password: a session ends with its password.
    pub(crate) password_version: u64,
}

/// An operator as other operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorEntry {
    /// The name.
    pub name: String,
    /// The role: `read` or `manage`.
    pub role: Role,
    /// True if the operator may sign in.
    pub enabled: bool,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// A change of an operator; absent fields are left unchanged.
#[derive(Debug, Clone, Default)]
pub struct OperatorChange {
    /// The role: `read` or `manage`.
    pub role: Option<Role>,
    /// True if the operator may sign in.
    pub enabled: Option<bool>,
    /// The new password.
    pub password: Option<SecretString>,
}

/// Outcome of changing an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperatorChanged {
    /// The changed operator.
    Done(OperatorEntry),
    /// The tenant has no operator with this name.
    Missing,
    /// The tenant would have no enabled operator with the role `manage`; nothing is changed.
    LastManager,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct OperatorRow {
    pub(crate) account: Account,
    operator: OperatorAttributes,
}

/// The attributes that only rows of operators have.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct OperatorAttributes {
    role: Role,
}

row::codec_of_parts!(OperatorRow { account, operator });

impl OperatorRow {
    pub(crate) fn operator(self) -> Operator {
        let Self { account, operator } = self;
        Operator {
            tenant: account.tenant,
            name: account.name,
            role: operator.role,
        }
    }

    fn manages(&self) -> bool {
        self.account.enabled && self.operator.role == Role::Manage
    }
}

impl From<OperatorRow> for OperatorEntry {
    fn from(OperatorRow { account, operator }: OperatorRow) -> Self {
        Self {
            role: operator.role,
            enabled: account.enabled,
            created_at: account.created_at,
            updated_at: account.updated_at(),
            name: account.name,
        }
    }
}

impl AccountRow for OperatorRow {
    const ROW: &'static str = "an operator";
    const KIND: IndexKind = IndexKind::Operator;

    fn key(name: &str) -> Key {
        Key::new(format!("OPERATOR#{name}"), "OPERATOR")
    }

    fn account(&self) -> &Account {
        &self.account
    }

    fn account_mut(&mut self) -> &mut Account {
        &mut self.account
    }
}

/// Builds the row of a new operator, whose name must be valid.
pub(crate) async fn new_row(
    Operator { tenant, name, role }: &Operator,
    password: SecretString,
    now: Timestamp,
) -> Result<OperatorRow, StoreError> {
    let account = Account::new(tenant, name, password, now).await?;
    Ok(OperatorRow {
        account,
        operator: OperatorAttributes { role: *role },
    })
}

/// Handle of the operators of all tenants.
#[derive(Debug, Clone, Copy)]
pub struct Operators<'s> {
    store: &'s Store,
}

impl Store {
    /// Returns the handle of operators.
    #[must_use]
    pub const fn operators(&self) -> Operators<'_> {
        Operators { store: self }
    }
}

impl Operators<'_> {
    /// Creates an operator.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn create(
        self,
        operator: Operator,
        password: SecretString,
        now: Timestamp,
    ) -> Result<Creation, StoreError> {
        if !accounts::is_name(&operator.name) {
            return Ok(Creation::BadName(accounts::NAME_RULE));
        }
        let row = new_row(&operator, password, now).await?;
        let also = if row.manages() {
            vec![self.add_manager(&operator.tenant, &operator.name)?]
        } else {
            Vec::new()
        };
        self.store.create_account(&row, also).await
    }

    /// Returns the operator of `tenant` with this name.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn get(self, tenant: &str, name: &str) -> Result<Option<OperatorEntry>, StoreError> {
        let operator: Option<OperatorRow> = self.store.find_account(tenant, name).await?;
        Ok(operator.map(OperatorEntry::from))
    }

    /// Returns at most `limit` operators of `tenant` that follow `after`, by name.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn list(
        self,
        tenant: &str,
        after: Option<&str>,
        limit: u16,
        now: Timestamp,
    ) -> Result<ListPage<OperatorEntry>, StoreError> {
        let part: ListPage<OperatorRow> =
            self.store.list_accounts(tenant, after, limit, now).await?;
        Ok(part.map(OperatorEntry::from))
    }

    /// Changes the operator of `tenant` with this name. A new password, and disabling the operator,
    /// ends all of the operator's sessions.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn change(
        self,
        tenant: &str,
        name: &str,
        change: OperatorChange,
        now: Timestamp,
    ) -> Result<OperatorChanged, StoreError> {
        let OperatorChange {
            role,
            enabled,
            password,
        } = change;
        let hash = passwords::hash_some(password).await?;
        let change = |OperatorRow { account, operator }: &mut OperatorRow| {
            operator.role = role.unwrap_or(operator.role);
            account.change(enabled, hash.as_deref());
        };
        let also = |old: &OperatorRow, new: &OperatorRow| match (old.manages(), new.manages()) {
            (_, true) => Ok(vec![self.add_manager(tenant, name)?]),
            (true, false) => Ok(vec![self.remove_manager(tenant, name)?]),
            (false, false) => Ok(Vec::new()),
        };
        let changed = self
            .store
            .change_account(tenant, name, now, change, also)
            .await?;
        Ok(match changed {
            Changed::Done(operator) => OperatorChanged::Done(operator.into()),
            Changed::Missing => OperatorChanged::Missing,
            Changed::Refused => OperatorChanged::LastManager,
        })
    }

    /// Returns the operator with this name and this password. An unknown name is refused after the
    /// same work as a wrong password; so is a disabled operator. Call
    /// [`super::throttle::LoginThrottle::begin`] first.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn verify(
        self,
        name: &str,
        password: SecretString,
    ) -> Result<Option<VerifiedOperator>, StoreError> {
        let operator: Option<OperatorRow> = self.store.verify_account(name, password).await?;
        Ok(operator.map(|operator| VerifiedOperator {
            password_version: operator.account.password_version,
            operator: operator.operator(),
        }))
    }

    /// Builds a write of a transaction that adds the operator to the managers of the tenant.
    /// Managers are a set of names, so that a repeated write counts nobody twice.
    pub(crate) fn add_manager(
        self,
        tenant: &str,
        name: &str,
    ) -> Result<TransactWriteItem, StoreError> {
        let update = UpdateExpression::new().add("names", name_set(name));
        Write::update(&self.store.tables.control, &managers_key(tenant), update).build()
    }

    /// Builds a write of a transaction that removes the operator from the managers. It is refused
    /// if the operator is the last one, even under concurrent changes.
    fn remove_manager(self, tenant: &str, name: &str) -> Result<TransactWriteItem, StoreError> {
        let update = UpdateExpression::new().delete("names", name_set(name));
        let others =
            Condition::size_above("names", 1)
                .or(Condition::contains("names", row::text(name)).negated());
        Write::update(&self.store.tables.control, &managers_key(tenant), update)
            .only_if(Condition::exists("names").and(others))
            .build()
    }
}

/// Returns the key of the row with the names of the tenant's managers.
fn managers_key(tenant: &str) -> Key {
    Key::new(format!("MANAGERS#{tenant}"), "MANAGERS")
}

fn name_set(name: &str) -> AttributeValue {
    AttributeValue::Ss(vec![name.to_owned()])
}

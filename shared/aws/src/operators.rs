//! Operators: the people who run a tenant's part of the service. Their names are unique across
//! tenants in a name space of their own, compared exactly, under the rule of robots' names. The
//! first one comes with the deployment's set-up ([`Store::bootstrap`]).

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::accounts::{self, Account, AccountRow, Changed};
use crate::lists::{Kind, Part};
use crate::row::{self, Key};
use crate::{Creation, Store, StoreError, passwords};

mod bootstrap;

pub use bootstrap::{Bootstrap, Bootstrapped, Named};

/// What an operator may do in the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look at everything.
    Read,
    /// Change it, too.
    Manage,
}

/// An operator who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// The tenant.
    pub tenant: String,
    /// The name.
    pub name: String,
    /// What the operator may do.
    pub role: Role,
}

/// An operator whose password was right just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedOperator {
    /// Who it is.
    pub operator: Operator,
    /// Which of the operator's passwords it was: a session lasts no longer than its password.
    pub(crate) password_version: u64,
}

/// An operator as other operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorEntry {
    /// The name.
    pub name: String,
    /// What the operator may do.
    pub role: Role,
    /// Whether the operator may sign in.
    pub enabled: bool,
    /// When the operator was made.
    pub created_at: Timestamp,
    /// When the operator was changed last.
    pub updated_at: Timestamp,
}

/// What is to become of an operator; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct OperatorChange {
    /// What the operator may do.
    pub role: Option<Role>,
    /// Whether the operator may sign in.
    pub enabled: Option<bool>,
    /// Another password.
    pub password: Option<SecretString>,
}

/// What became of an operator that was to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperatorChanged {
    /// This is the operator now.
    Done(OperatorEntry),
    /// The tenant has no operator of this name.
    Missing,
    /// Nobody could manage the tenant any more; nothing is changed.
    LastManager,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OperatorRow {
    #[serde(flatten)]
    pub(crate) account: Account,
    role: Role,
}

impl OperatorRow {
    pub(crate) fn operator(self) -> Operator {
        let Self { account, role } = self;
        Operator {
            tenant: account.tenant,
            name: account.name,
            role,
        }
    }

    fn manages(&self) -> bool {
        self.account.enabled && self.role == Role::Manage
    }
}

impl From<OperatorRow> for OperatorEntry {
    fn from(OperatorRow { account, role }: OperatorRow) -> Self {
        Self {
            role,
            enabled: account.enabled,
            created_at: account.created_at,
            updated_at: account.updated_at(),
            name: account.name,
        }
    }
}

impl AccountRow for OperatorRow {
    const WHAT: &'static str = "an operator";
    const KIND: Kind = Kind::Operator;

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

/// The row of a new operator, whose name is one.
async fn new_row(
    Operator { tenant, name, role }: &Operator,
    password: SecretString,
    now: Timestamp,
) -> Result<OperatorRow, StoreError> {
    let account = Account::new(tenant, name, password, now).await?;
    Ok(OperatorRow {
        account,
        role: *role,
    })
}

impl Store {
    /// Makes an operator.
    ///
    /// # Errors
    /// What the store says.
    pub async fn create_operator(
        &self,
        operator: Operator,
        password: SecretString,
        now: Timestamp,
    ) -> Result<Creation, StoreError> {
        if !accounts::is_name(&operator.name) {
            return Ok(Creation::BadName(accounts::NAME_RULE));
        }
        let row = new_row(&operator, password, now).await?;
        let also = if row.manages() {
            vec![self.count_in(&operator.tenant, &operator.name)?]
        } else {
            Vec::new()
        };
        self.create_account(&row, also).await
    }

    /// The operator of `tenant` with this name.
    ///
    /// # Errors
    /// What the store says.
    pub async fn get_operator(
        &self,
        tenant: &str,
        name: &str,
    ) -> Result<Option<OperatorEntry>, StoreError> {
        let operator: Option<OperatorRow> = self.find_account(tenant, name).await?;
        Ok(operator.map(OperatorEntry::from))
    }

    /// At most `limit` operators of `tenant` by name, those behind `after`.
    ///
    /// # Errors
    /// What the store says.
    pub async fn operators(
        &self,
        tenant: &str,
        after: Option<&str>,
        limit: u16,
        now: Timestamp,
    ) -> Result<Part<OperatorEntry>, StoreError> {
        let part: Part<OperatorRow> = self.listed_accounts(tenant, after, limit, now).await?;
        Ok(part.map(OperatorEntry::from))
    }

    /// Changes the operator of `tenant` with this name. Another password ends all of the operator's
    /// sessions, being disabled as well.
    ///
    /// # Errors
    /// What the store says.
    pub async fn change_operator(
        &self,
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
        let change = |operator: &mut OperatorRow| {
            operator.role = role.unwrap_or(operator.role);
            operator.account.enabled = enabled.unwrap_or(operator.account.enabled);
            if let Some(hash) = &hash {
                operator.account.set_password(hash);
            }
        };
        let also = |old: &OperatorRow, new: &OperatorRow| match (old.manages(), new.manages()) {
            (_, true) => Ok(vec![self.count_in(tenant, name)?]),
            (true, false) => Ok(vec![self.count_out(tenant, name)?]),
            (false, false) => Ok(Vec::new()),
        };
        let changed = self.change_account(tenant, name, now, change, also).await?;
        Ok(match changed {
            Changed::Done(operator) => OperatorChanged::Done(operator.into()),
            Changed::Missing => OperatorChanged::Missing,
            Changed::Refused => OperatorChanged::LastManager,
        })
    }

    /// The operator who has this name and this password. An unknown name is refused after the same
    /// work as a wrong password, a disabled one as well. Ask [`Store::begin_login`] first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn verify_operator(
        &self,
        name: &str,
        password: SecretString,
    ) -> Result<Option<VerifiedOperator>, StoreError> {
        let operator: Option<OperatorRow> = self.verify_account(name, password).await?;
        Ok(operator.map(|operator| VerifiedOperator {
            password_version: operator.account.password_version,
            operator: operator.operator(),
        }))
    }

    /// A write of a transaction: from now on the operator is one of those who may manage the
    /// tenant. They are kept as a set of names, so that a repeated write counts nobody twice.
    fn count_in(&self, tenant: &str, name: &str) -> Result<TransactWriteItem, StoreError> {
        let update = self
            .managers(tenant, name)
            .update_expression("ADD #names :self");
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }

    /// A write of a transaction: the operator is none of them any more. It refuses if nobody else
    /// is, however many try at once.
    fn count_out(&self, tenant: &str, name: &str) -> Result<TransactWriteItem, StoreError> {
        let update = self
            .managers(tenant, name)
            .update_expression("DELETE #names :self")
            .condition_expression(
                "attribute_exists(#names) AND (size(#names) > :one OR NOT contains(#names, :name))",
            )
            .expression_attribute_values(":one", row::number(1))
            .expression_attribute_values(":name", row::text(name));
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }

    fn managers(&self, tenant: &str, name: &str) -> UpdateBuilder {
        let key = Key::new(format!("MANAGERS#{tenant}"), "MANAGERS");
        Update::builder()
            .table_name(&self.tables.control)
            .set_key(Some(key.attributes()))
            .expression_attribute_names("#names", "names")
            .expression_attribute_values(":self", AttributeValue::Ss(vec![name.to_owned()]))
    }
}

//! Operators: the people who run a tenant's part of the service. Their names are unique across
//! tenants in a name space of their own, compared exactly, under the rule of robots' names. The
//! first one comes with the deployment's set-up ([`Store::bootstrap`]).

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::accounts::{self, Account};
use crate::row::{self, Attributes, Key, millis};
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

#[derive(Serialize, Deserialize)]
pub(crate) struct OperatorRow {
    tenant: String,
    name: String,
    /// Argon2id, PHC form.
    password: String,
    /// How often the password was changed.
    #[serde(default)]
    pub(crate) password_version: u64,
    role: Role,
    /// Whether the operator may sign in.
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    #[serde(with = "millis")]
    created_at: Timestamp,
}

const fn yes() -> bool {
    true
}

impl OperatorRow {
    pub(crate) fn operator(self) -> Operator {
        let Self {
            tenant, name, role, ..
        } = self;
        Operator { tenant, name, role }
    }
}

impl Account for OperatorRow {
    const WHAT: &'static str = "an operator";

    fn key(name: &str) -> Key {
        Key::new(format!("OPERATOR#{name}"), "OPERATOR")
    }

    fn password(&self) -> &str {
        &self.password
    }
}

/// The row of a new operator, whose name is one.
async fn new_row(
    operator: Operator,
    password: SecretString,
    now: Timestamp,
) -> Result<Attributes, StoreError> {
    let Operator { tenant, name, role } = operator;
    let key = OperatorRow::key(&name);
    let operator = OperatorRow {
        tenant,
        name,
        password: passwords::hash(password).await?,
        password_version: 0,
        role,
        enabled: true,
        created_at: now,
    };
    row::encode(OperatorRow::WHAT, &key, &operator)
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
        let row = new_row(operator, password, now).await?;
        Ok(if self.put_if_absent(row).await? {
            Creation::Created
        } else {
            Creation::Taken
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
        Ok(operator
            .filter(|operator| operator.enabled)
            .map(|operator| VerifiedOperator {
                password_version: operator.password_version,
                operator: operator.operator(),
            }))
    }
}

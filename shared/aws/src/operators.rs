//! Operators: the people who run a tenant's part of the service. Their names are unique across
//! tenants in a name space of their own, compared exactly, under the rule of robots' names. The
//! first one comes with the deployment's set-up ([`Store::bootstrap`]).

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::accounts::Account;
use crate::row::{self, Attributes, Key, millis};
use crate::{Store, StoreError, passwords};

mod bootstrap;

pub use bootstrap::{Bootstrap, Bootstrapped, Named};

/// What an operator may do in the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

#[derive(Serialize, Deserialize)]
struct OperatorRow {
    tenant: String,
    name: String,
    /// Argon2id, PHC form.
    password: String,
    role: Role,
    #[serde(with = "millis")]
    created_at: Timestamp,
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
        role,
        created_at: now,
    };
    row::encode(OperatorRow::WHAT, &key, &operator)
}

impl Store {
    /// The operator who has this name and this password. An unknown name is refused after the same
    /// work as a wrong password; nothing here slows down who guesses.
    ///
    /// # Errors
    /// What the store says.
    pub async fn verify_operator(
        &self,
        name: &str,
        password: SecretString,
    ) -> Result<Option<Operator>, StoreError> {
        let operator: Option<OperatorRow> = self.verify_account(name, password).await?;
        Ok(operator.map(
            |OperatorRow {
                 tenant, name, role, ..
             }| Operator { tenant, name, role },
        ))
    }
}

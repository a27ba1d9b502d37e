//! Robots: who may sign in to the API. They are not users; their names are unique across tenants
//! in a name space of their own, compared exactly.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::accounts::{self, Account};
use crate::row::{self, Attributes, Key, millis};
use crate::{Creation, Store, StoreError, passwords};

/// A robot that has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Robot {
    /// The tenant it works for.
    pub tenant: String,
    /// Its name.
    pub name: String,
}

#[derive(Serialize, Deserialize)]
struct RobotRow {
    tenant: String,
    name: String,
    /// Argon2id, PHC form.
    password: String,
    #[serde(with = "millis")]
    created_at: Timestamp,
}

impl Account for RobotRow {
    const WHAT: &'static str = "a robot";

    fn key(name: &str) -> Key {
        Key::new(format!("ROBOT#{name}"), "ROBOT")
    }

    fn password(&self) -> &str {
        &self.password
    }
}

/// The row of a new robot; its name is one.
pub(crate) async fn new_row(
    tenant: &str,
    name: &str,
    password: SecretString,
    now: Timestamp,
) -> Result<Attributes, StoreError> {
    let robot = RobotRow {
        tenant: tenant.to_owned(),
        name: name.to_owned(),
        password: passwords::hash(password).await?,
        created_at: now,
    };
    row::encode(RobotRow::WHAT, &RobotRow::key(name), &robot)
}

impl Store {
    /// Makes a robot of `tenant`.
    ///
    /// # Errors
    /// What the store says.
    pub async fn create_robot(
        &self,
        tenant: &str,
        name: &str,
        password: SecretString,
        now: Timestamp,
    ) -> Result<Creation, StoreError> {
        if !accounts::is_name(name) {
            return Ok(Creation::BadName(accounts::NAME_RULE));
        }
        let row = new_row(tenant, name, password, now).await?;
        Ok(if self.put_if_absent(row).await? {
            Creation::Created
        } else {
            Creation::Taken
        })
    }

    /// Whether `tenant` has a robot of this name.
    ///
    /// # Errors
    /// What the store says.
    pub async fn robot_exists(&self, tenant: &str, name: &str) -> Result<bool, StoreError> {
        if !accounts::is_name(name) {
            return Ok(false);
        }
        let robot: Option<RobotRow> = self
            .read_lasting_row(RobotRow::WHAT, &RobotRow::key(name))
            .await?;
        Ok(robot.is_some_and(|robot| robot.tenant == tenant))
    }

    /// The robot that has this name and this password. An unknown name is refused after the same
    /// work as a wrong password. Ask [`Store::begin_login`] first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn verify_robot(
        &self,
        name: &str,
        password: SecretString,
    ) -> Result<Option<Robot>, StoreError> {
        let robot: Option<RobotRow> = self.verify_account(name, password).await?;
        Ok(robot.map(|RobotRow { tenant, name, .. }| Robot { tenant, name }))
    }
}

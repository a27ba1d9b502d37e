//! Robots: who may sign in to the API. They are not users; their names are unique across tenants
//! in a name space of their own, compared exactly.

use std::collections::BTreeSet;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::accounts::{self, Account, AccountRow, Changed};
use crate::lists::{Kind, Part};
use crate::row::{Key, millis_option};
use crate::tokens::Scope;
use crate::{Creation, Store, StoreError, passwords};

/// A robot that has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Robot {
    /// The tenant it works for.
    pub tenant: String,
    /// Its name.
    pub name: String,
    /// What its tokens open.
    pub scopes: BTreeSet<Scope>,
    /// Which of its passwords it was: a token it signs in for lasts no longer than its password.
    pub(crate) password_version: u64,
}

/// A robot as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RobotEntry {
    /// Its name.
    pub name: String,
    /// Whether it may sign in, and its tokens open anything.
    pub enabled: bool,
    /// What its tokens open at most.
    pub scopes: BTreeSet<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// When a token of it was used last, right to ten minutes.
    pub last_used_at: Option<Timestamp>,
}

/// What is to become of a robot; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct RobotChange {
    /// Whether it may sign in, and its tokens open anything.
    pub enabled: Option<bool>,
    /// What its tokens open at most.
    pub scopes: Option<BTreeSet<Scope>>,
    /// Another password.
    pub password: Option<SecretString>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RobotRow {
    #[serde(flatten)]
    pub(crate) account: Account,
    #[serde(default = "everything")]
    pub(crate) scopes: BTreeSet<Scope>,
    /// Written by its tokens, not with the rest of the row.
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) last_used_at: Option<Timestamp>,
}

fn everything() -> BTreeSet<Scope> {
    Scope::ALL.into()
}

impl AccountRow for RobotRow {
    const WHAT: &'static str = "a robot";
    const KIND: Kind = Kind::Robot;

    fn key(name: &str) -> Key {
        Key::new(format!("ROBOT#{name}"), "ROBOT")
    }

    fn account(&self) -> &Account {
        &self.account
    }

    fn account_mut(&mut self) -> &mut Account {
        &mut self.account
    }
}

impl From<RobotRow> for RobotEntry {
    fn from(robot: RobotRow) -> Self {
        let RobotRow {
            account,
            scopes,
            last_used_at,
        } = robot;
        Self {
            enabled: account.enabled,
            scopes,
            created_at: account.created_at,
            updated_at: account.updated_at(),
            last_used_at,
            name: account.name,
        }
    }
}

/// The row of a new robot; its name is one.
pub(crate) async fn new_row(
    tenant: &str,
    name: &str,
    password: SecretString,
    scopes: BTreeSet<Scope>,
    now: Timestamp,
) -> Result<RobotRow, StoreError> {
    Ok(RobotRow {
        account: Account::new(tenant, name, password, now).await?,
        scopes,
        last_used_at: None,
    })
}

impl Store {
    /// Makes a robot of `tenant` whose tokens open every dialect.
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
        self.create_scoped_robot(tenant, name, password, everything(), now)
            .await
    }

    /// Makes a robot of `tenant` whose tokens open at most `scopes`.
    ///
    /// # Errors
    /// What the store says.
    pub async fn create_scoped_robot(
        &self,
        tenant: &str,
        name: &str,
        password: SecretString,
        scopes: BTreeSet<Scope>,
        now: Timestamp,
    ) -> Result<Creation, StoreError> {
        if !accounts::is_name(name) {
            return Ok(Creation::BadName(accounts::NAME_RULE));
        }
        let row = new_row(tenant, name, password, scopes, now).await?;
        self.create_account(&row, Vec::new()).await
    }

    /// The robot of `tenant` with this name.
    ///
    /// # Errors
    /// What the store says.
    pub async fn get_robot(
        &self,
        tenant: &str,
        name: &str,
    ) -> Result<Option<RobotEntry>, StoreError> {
        let robot: Option<RobotRow> = self.find_account(tenant, name).await?;
        Ok(robot.map(RobotEntry::from))
    }

    /// At most `limit` robots of `tenant` by name, those behind `after`.
    ///
    /// # Errors
    /// What the store says.
    pub async fn robots(
        &self,
        tenant: &str,
        after: Option<&str>,
        limit: u16,
        now: Timestamp,
    ) -> Result<Part<RobotEntry>, StoreError> {
        let part: Part<RobotRow> = self.listed_accounts(tenant, after, limit, now).await?;
        Ok(part.map(RobotEntry::from))
    }

    /// Changes the robot of `tenant` with this name; `None`: there is none. It counts at once, for
    /// tokens that are there already, too.
    ///
    /// # Errors
    /// What the store says.
    pub async fn change_robot(
        &self,
        tenant: &str,
        name: &str,
        change: RobotChange,
        now: Timestamp,
    ) -> Result<Option<RobotEntry>, StoreError> {
        let RobotChange {
            enabled,
            scopes,
            password,
        } = change;
        let hash = passwords::hash_some(password).await?;
        let change = |robot: &mut RobotRow| {
            robot.account.enabled = enabled.unwrap_or(robot.account.enabled);
            if let Some(scopes) = &scopes {
                robot.scopes.clone_from(scopes);
            }
            if let Some(hash) = &hash {
                robot.account.set_password(hash);
            }
        };
        let nothing = |_: &RobotRow, _: &RobotRow| Ok(Vec::new());
        let changed = self
            .change_account(tenant, name, now, change, nothing)
            .await?;
        Ok(match changed {
            Changed::Done(robot) => Some(robot.into()),
            // Nothing is written with it that could refuse.
            Changed::Missing | Changed::Refused => None,
        })
    }

    /// Whether `tenant` has a robot of this name.
    ///
    /// # Errors
    /// What the store says.
    pub async fn robot_exists(&self, tenant: &str, name: &str) -> Result<bool, StoreError> {
        Ok(self.get_robot(tenant, name).await?.is_some())
    }

    /// The numbers of the tenant's tasks that permit this robot.
    ///
    /// # Errors
    /// What the store says.
    pub async fn tasks_of_robot(&self, tenant: &str, robot: &str) -> Result<Vec<u64>, StoreError> {
        let (mut permitted, mut after) = (Vec::new(), None);
        loop {
            let some = self.some_tasks(tenant, after, None).await?;
            let settings = some.tasks.into_iter().map(|task| task.settings);
            permitted.extend(
                settings
                    .filter(|settings| settings.permitted_robots.iter().any(|name| name == robot))
                    .map(|settings| settings.id),
            );
            after = some.last;
            if !some.more {
                return Ok(permitted);
            }
        }
    }

    /// The robot that has this name and this password. An unknown name is refused after the same
    /// work as a wrong password, a disabled robot as well. Ask [`Store::begin_login`] first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn verify_robot(
        &self,
        name: &str,
        password: SecretString,
    ) -> Result<Option<Robot>, StoreError> {
        let robot: Option<RobotRow> = self.verify_account(name, password).await?;
        Ok(robot.map(|robot| Robot {
            tenant: robot.account.tenant,
            name: robot.account.name,
            scopes: robot.scopes,
            password_version: robot.account.password_version,
        }))
    }
}

//! Robots: the technical users that sign in to the API. They are not users of the directory; their
//! names are unique across tenants in their own name space, compared exactly.

use std::collections::BTreeSet;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::accounts::{self, Account, AccountRow, Changed};
use super::passwords;
use super::scope::Scope;
use crate::creation::Creation;
use crate::dynamodb::row::{self, Key, millis_option};
use crate::error::StoreError;
use crate::store::Store;
use crate::tenant_index::{IndexKind, ListPage};

/// A robot that has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Robot {
    /// The tenant it works for.
    pub tenant: String,
    /// The name.
    pub name: String,
    /// The dialects that its tokens open.
    pub scopes: BTreeSet<Scope>,
    /// Version of the verified password: a token of a sign-in ends with its password.
    pub(crate) password_version: u64,
}

/// A robot as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RobotEntry {
    /// The name.
    pub name: String,
    /// True if the robot may sign in and its tokens are valid.
    pub enabled: bool,
    /// The dialects that its tokens may open.
    pub scopes: BTreeSet<Scope>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
    /// Time of the last use of one of its tokens, precise to ten minutes.
    pub last_used_at: Option<Timestamp>,
}

/// A change of a robot; absent fields are left unchanged.
#[derive(Debug, Clone, Default)]
pub struct RobotChange {
    /// True if the robot may sign in and its tokens are valid.
    pub enabled: Option<bool>,
    /// The dialects that its tokens may open.
    pub scopes: Option<BTreeSet<Scope>>,
    /// The new password.
    pub password: Option<SecretString>,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RobotRow {
    pub(crate) account: Account,
    pub(crate) robot: RobotAttributes,
}

/// The attributes that only rows of robots have.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RobotAttributes {
    #[serde(default = "all_scopes")]
    pub(crate) scopes: BTreeSet<Scope>,
    /// Written when its tokens are used, separately from the other attributes.
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) last_used_at: Option<Timestamp>,
}

row::codec_of_parts!(RobotRow { account, robot });

fn all_scopes() -> BTreeSet<Scope> {
    Scope::ALL.into()
}

impl AccountRow for RobotRow {
    const ROW: &'static str = "a robot";
    const KIND: IndexKind = IndexKind::Robot;

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
    fn from(RobotRow { account, robot }: RobotRow) -> Self {
        let RobotAttributes {
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

/// Builds the row of a new robot, whose name must be valid.
pub(crate) async fn new_row(
    tenant: &str,
    name: &str,
    password: SecretString,
    scopes: BTreeSet<Scope>,
    now: Timestamp,
) -> Result<RobotRow, StoreError> {
    Ok(RobotRow {
        account: Account::new(tenant, name, password, now).await?,
        robot: RobotAttributes {
            scopes,
            last_used_at: None,
        },
    })
}

/// Handle of the robots of all tenants.
#[derive(Debug, Clone, Copy)]
pub struct Robots<'s> {
    store: &'s Store,
}

impl Store {
    /// Returns the handle of robots.
    #[must_use]
    pub const fn robots(&self) -> Robots<'_> {
        Robots { store: self }
    }
}

impl Robots<'_> {
    /// Creates a robot of `tenant` whose tokens may open every dialect.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn create(
        self,
        tenant: &str,
        name: &str,
        password: SecretString,
        now: Timestamp,
    ) -> Result<Creation, StoreError> {
        self.create_scoped(tenant, name, password, all_scopes(), now)
            .await
    }

    /// Creates a robot of `tenant` whose tokens may open `scopes`.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn create_scoped(
        self,
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
        self.store.create_account(&row, Vec::new()).await
    }

    /// Returns the robot of `tenant` with this name.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn get(self, tenant: &str, name: &str) -> Result<Option<RobotEntry>, StoreError> {
        let robot: Option<RobotRow> = self.store.find_account(tenant, name).await?;
        Ok(robot.map(RobotEntry::from))
    }

    /// Returns at most `limit` robots of `tenant` that follow `after`, by name.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn list(
        self,
        tenant: &str,
        after: Option<&str>,
        limit: u16,
        now: Timestamp,
    ) -> Result<ListPage<RobotEntry>, StoreError> {
        let part: ListPage<RobotRow> = self.store.list_accounts(tenant, after, limit, now).await?;
        Ok(part.map(RobotEntry::from))
    }

    /// Changes the robot of `tenant` with this name; `None` if it does not exist. The change takes
    /// effect at once, for existing tokens as well.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn change(
        self,
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
        let change = |RobotRow { account, robot }: &mut RobotRow| {
            if let Some(scopes) = &scopes {
                robot.scopes.clone_from(scopes);
            }
            account.change(enabled, hash.as_deref());
        };
        let no_writes = |_: &RobotRow, _: &RobotRow| Ok(Vec::new());
        let changed = self
            .store
            .change_account(tenant, name, now, change, no_writes)
            .await?;
        Ok(match changed {
            Changed::Done(robot) => Some(robot.into()),
            // There is no additional write that could be refused.
            Changed::Missing | Changed::Refused => None,
        })
    }

    /// Returns true if `tenant` has a robot with this name.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn exists(self, tenant: &str, name: &str) -> Result<bool, StoreError> {
        Ok(self.get(tenant, name).await?.is_some())
    }

    /// Returns the robot with this name and this password. An unknown name is refused after the
    /// same work as a wrong password; so is a disabled robot. Call
    /// [`super::throttle::LoginThrottle::begin`] first.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn verify(
        self,
        name: &str,
        password: SecretString,
    ) -> Result<Option<Robot>, StoreError> {
        let robot: Option<RobotRow> = self.store.verify_account(name, password).await?;
        Ok(robot.map(|RobotRow { account, robot }| Robot {
            tenant: account.tenant,
            name: account.name,
            scopes: robot.scopes,
            password_version: account.password_version,
        }))
    }
}

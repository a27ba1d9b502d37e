//! Tokens of robots that signed in, and the look-up of all tokens.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::api::{self, ApiRow};
use super::{ROW, Scope, Tokens, digest, key};
use crate::auth::accounts::AccountRow as _;
use crate::auth::robots::{Robot, RobotRow};
use crate::auth::secrets::{has_form, random_token};
use crate::dynamodb::row::{self, Attributes, millis};
use crate::error::StoreError;

/// The rights of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The tenant it works for.
    pub tenant: String,
    /// The robot's name.
    pub robot: String,
    /// The dialects that it opens.
    pub scopes: BTreeSet<Scope>,
    /// Time of expiry; absent if it never expires.
    pub expires_at: Option<Timestamp>,
}

/// The row of a token of a robot that signed in.
#[derive(Serialize, Deserialize)]
struct SignInRow {
    tenant: String,
    robot: String,
    scopes: BTreeSet<Scope>,
    /// Version of the robot's password that it was issued for.
    #[serde(default)]
    password_version: u64,
    #[serde(with = "millis")]
    issued_at: Timestamp,
    expires_at: i64,
}

row::codec!(SignInRow);

/// The row of a token of either kind.
enum TokenRow {
    SignIn(SignInRow),
    Api(ApiRow),
}

impl TokenRow {
    /// Reads a row. Only tokens that operators issue have an id.
    fn read(attributes: Attributes) -> Result<Self, StoreError> {
        if attributes.contains_key(api::ID) {
            row::decode(ROW, attributes).map(Self::Api)
        } else {
            row::decode(ROW, attributes).map(Self::SignIn)
        }
    }

    fn robot(&self) -> &str {
        match self {
            Self::SignIn(row) => &row.robot,
            Self::Api(row) => &row.robot,
        }
    }

    /// Returns the rights of the token with this row of its robot; `None` if it is not valid.
    fn resolve(self, RobotRow { account, robot }: &RobotRow, now: Timestamp) -> Option<Token> {
        let (tenant, scopes, ends_at) = match self {
            Self::SignIn(row) => {
                let SignInRow {
                    tenant,
                    robot: _,
                    scopes,
                    password_version,
                    issued_at: _,
                    expires_at,
                } = row;
                let current = password_version == account.password_version;
                current.then_some((tenant, scopes, Some(expires_at)))?
            }
            Self::Api(row) => {
                let open = row.is_active(now);
                open.then_some((row.tenant, row.scopes, row.ends_at))?
            }
        };
        (account.enabled && account.tenant == tenant).then(|| Token {
            tenant,
            robot: account.name.clone(),
            scopes: scopes.intersection(&robot.scopes).copied().collect(),
            expires_at: ends_at.and_then(|seconds| Timestamp::from_second(seconds).ok()),
        })
    }
}

impl Tokens<'_> {
    /// Issues a token for a robot that has just signed in. It expires after `lifetime`, rounded up
    /// to a full second, or when the password of the robot changes. Its text is not stored.
    ///
    /// # Errors
    /// Returns an error if the store request fails, or `Secrets` if no randomness is available.
    pub async fn issue(
        self,
        robot: Robot,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<SecretString, StoreError> {
        let token = random_token()?;
        let Robot {
            tenant,
            name,
            scopes,
            password_version,
        } = robot;
        let row = SignInRow {
            tenant,
            robot: name,
            scopes,
            password_version,
            issued_at: now,
            expires_at: row::expiry(row::later(now, lifetime)),
        };
        let row = row::encode(ROW, &key(&digest(token.expose_secret())), &row)?;
        self.store.put_if_absent(row).await?;
        Ok(token)
    }

    /// Returns the rights of a request's token; `None` if it is missing, invalid, or lacks this
    /// scope.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn authorize(
        self,
        text: Option<&str>,
        scope: Scope,
        now: Timestamp,
    ) -> Result<Option<Token>, StoreError> {
        let Some(text) = text else {
            return Ok(None);
        };
        let token = self.look_up(text, now).await?;
        Ok(token.filter(|token| token.scopes.contains(&scope)))
    }

    /// Returns the rights of the token with this text. `None` if it is unknown, expired, revoked,
    /// malformed, issued for an earlier password, or its robot is disabled.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn look_up(self, text: &str, now: Timestamp) -> Result<Option<Token>, StoreError> {
        if !has_form(text) {
            return Ok(None);
        }
        let at = key(&digest(text));
        let found = self.store.read_attributes(&at).await?;
        let Some(found) = found.filter(|found| row::is_live(found, now)) else {
            return Ok(None);
        };
        let found = TokenRow::read(found)?;
        let by = RobotRow::key(found.robot());
        let Some(robot): Option<RobotRow> =
            self.store.read_permanent_row(RobotRow::ROW, &by).await?
        else {
            return Ok(None);
        };
        let mut uses = vec![(by, robot.robot.last_used_at)];
        if let TokenRow::Api(row) = &found {
            uses.push((at, row.last_used_at));
        }
        let token = found.resolve(&robot, now);
        if token.is_some() {
            self.record_uses(uses, now).await;
        }
        Ok(token)
    }
}

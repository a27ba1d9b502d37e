//! Bearer tokens: 256 random bits, stored only as their SHA-256, so that neither the table nor a
//! backup of it opens anything. An expired token is an unknown one. What a token opens is judged
//! by its robot's row each time it is used: a robot that is disabled, or may open less since, is
//! out at once. The tokens that operators issue have names and are kept and listed ([`api`]).

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rand::TryRng;
use rand::rngs::SysRng;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::accounts::AccountRow as _;
use crate::robots::{Robot, RobotRow};
use crate::row::{self, Attributes, Key, millis};
use crate::{Store, StoreError};

pub mod api;
mod last_use;

use api::ApiRow;

/// Bytes of a token's text: 256 bits in base64 without padding.
const LENGTH: usize = 43;
const WHAT: &str = "a token";

/// A dialect that a token opens.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Task-based import.
    Quant,
    /// Single-user import.
    Collaborator,
    /// User resource.
    Qvalon,
}

impl Scope {
    /// Every dialect.
    pub const ALL: [Self; 3] = [Self::Quant, Self::Collaborator, Self::Qvalon];
}

/// What a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The tenant it works for.
    pub tenant: String,
    /// The robot's name.
    pub robot: String,
    /// What it opens.
    pub scopes: BTreeSet<Scope>,
    /// When it ends; absent: never.
    pub expires_at: Option<Timestamp>,
}

/// The token of a robot that has signed in.
#[derive(Serialize, Deserialize)]
struct SignInRow {
    tenant: String,
    robot: String,
    scopes: BTreeSet<Scope>,
    /// The robot's password that it was issued for.
    #[serde(default)]
    password_version: u64,
    #[serde(with = "millis")]
    issued_at: Timestamp,
    expires_at: i64,
}

/// A token of either kind.
enum TokenRow {
    SignIn(SignInRow),
    Api(ApiRow),
}

impl TokenRow {
    /// Those that operators issue have an id.
    fn read(attributes: Attributes) -> Result<Self, StoreError> {
        if attributes.contains_key(api::ID) {
            row::decode(WHAT, attributes).map(Self::Api)
        } else {
            row::decode(WHAT, attributes).map(Self::SignIn)
        }
    }

    fn robot(&self) -> &str {
        match self {
            Self::SignIn(row) => &row.robot,
            Self::Api(row) => &row.robot,
        }
    }

    /// What it stands for while its robot is this one, if it does so at all.
    fn judge(self, robot: &RobotRow, now: Timestamp) -> Option<Token> {
        let account = &robot.account;
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
                let open = row.is_open(now);
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

/// Where the token with this digest is.
fn key(digest: &str) -> Key {
    Key::new(format!("TOKEN#{digest}"), "TOKEN")
}

/// By what a token is known.
fn digest(token: &str) -> String {
    sha256_hex(token.as_bytes())
}

/// SHA-256 in lower-case hexadecimal digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;

    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a string cannot fail.
        write!(hex, "{byte:02x}").ok();
    }
    hex
}

/// A new token's text.
pub(crate) fn random_token() -> Result<SecretString, StoreError> {
    let mut bits = [0_u8; 32];
    SysRng
        .try_fill_bytes(&mut bits)
        .map_err(|error| StoreError::Secrets(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bits).into())
}

/// Anything can stand behind `Bearer`: only what has a token's form is hashed and looked up.
pub(crate) fn has_form(text: &str) -> bool {
    text.len() == LENGTH
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

impl Store {
    /// Makes a token for a robot that has just signed in, which lives for `lifetime` (rounded up to
    /// a full second) or until the robot gets another password. Its text exists only in the answer.
    ///
    /// # Errors
    /// What the store says; `Secrets`, when there is no randomness.
    pub async fn issue_token(
        &self,
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
        let row = row::encode(WHAT, &key(&digest(token.expose_secret())), &row)?;
        self.put_if_absent(row).await?;
        Ok(token)
    }

    /// What a request's token, if it has one, stands for just now, if it opens this dialect.
    ///
    /// # Errors
    /// What the store says.
    pub async fn open_with(
        &self,
        text: Option<&str>,
        scope: Scope,
        now: Timestamp,
    ) -> Result<Option<Token>, StoreError> {
        let Some(text) = text else {
            return Ok(None);
        };
        let token = self.lookup_token(text, now).await?;
        Ok(token.filter(|token| token.scopes.contains(&scope)))
    }

    /// What the token with this text stands for just now. Absent: unknown, expired, revoked, of a
    /// password that was changed, of a robot that is disabled, or no token at all.
    ///
    /// # Errors
    /// What the store says.
    pub async fn lookup_token(
        &self,
        text: &str,
        now: Timestamp,
    ) -> Result<Option<Token>, StoreError> {
        if !has_form(text) {
            return Ok(None);
        }
        let at = key(&digest(text));
        let found = self.read_attributes(&at).await?;
        let Some(found) = found.filter(|found| row::is_live(found, now)) else {
            return Ok(None);
        };
        let found = TokenRow::read(found)?;
        let by = RobotRow::key(found.robot());
        let Some(robot): Option<RobotRow> = self.read_lasting_row(RobotRow::WHAT, &by).await?
        else {
            return Ok(None);
        };
        let mut uses = vec![(by, robot.last_used_at)];
        if let TokenRow::Api(row) = &found {
            uses.push((at, row.last_used_at));
        }
        let token = found.judge(&robot, now);
        if token.is_some() {
            self.note_uses(uses, now).await;
        }
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha_256_is_written_as_64_hexadecimal_digits() {
        assert_eq!(
            sha256_hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn only_43_characters_of_url_safe_base64_are_looked_up() {
        assert!(has_form(&"aZ0-_".repeat(9)[..43]));
        for malformed in ["", "short", &"a".repeat(44), &"a".repeat(100_000)] {
            assert!(!has_form(malformed));
        }
        assert!(!has_form(&"é".repeat(21)) && !has_form(&format!("{}=", "a".repeat(42))));
    }
}

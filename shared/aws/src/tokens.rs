//! Bearer tokens: 256 random bits, stored only as their SHA-256, so that neither the table nor a
//! backup of it opens anything. An expired token is an unknown one.

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

use crate::row::{self, Key, millis};
use crate::{Store, StoreError};

/// Bytes of a token's text: 256 bits in base64 without padding.
const LENGTH: usize = 43;

/// A dialect that a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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

#[derive(Serialize, Deserialize)]
struct TokenRow {
    tenant: String,
    robot: String,
    scopes: BTreeSet<Scope>,
    #[serde(with = "millis")]
    issued_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

fn key(token: &str) -> Key {
    Key::new(format!("TOKEN#{}", sha256_hex(token.as_bytes())), "TOKEN")
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
    /// Makes a token for `robot` of `tenant`, which lives for `lifetime` (rounded up to a full
    /// second) or for ever. Its text exists only in the answer.
    ///
    /// # Errors
    /// What the store says; `Secrets`, when there is no randomness.
    pub async fn issue_token(
        &self,
        tenant: &str,
        robot: &str,
        scopes: BTreeSet<Scope>,
        lifetime: Option<Duration>,
        now: Timestamp,
    ) -> Result<SecretString, StoreError> {
        let token = random_token()?;
        let row = TokenRow {
            tenant: tenant.to_owned(),
            robot: robot.to_owned(),
            scopes,
            issued_at: now,
            expires_at: lifetime.map(|lifetime| row::expiry(row::later(now, lifetime))),
        };
        self.client
            .put_item()
            .table_name(&self.tables.control)
            .set_item(Some(row::encode(
                "a token",
                &key(token.expose_secret()),
                &row,
            )?))
            .send()
            .await
            .map_err(StoreError::sdk("PutItem"))?;
        Ok(token)
    }

    /// What the token with this text stands for. Absent: unknown, expired, or no token at all.
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
        let row: Option<TokenRow> = self.read_row("a token", &key(text), now).await?;
        Ok(row.map(|row| {
            let TokenRow {
                tenant,
                robot,
                scopes,
                issued_at: _,
                expires_at,
            } = row;
            Token {
                tenant,
                robot,
                scopes,
                expires_at: expires_at.and_then(|seconds| Timestamp::from_second(seconds).ok()),
            }
        }))
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

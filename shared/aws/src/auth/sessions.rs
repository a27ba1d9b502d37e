//! Sessions of operators: bearer tokens of the same form as [`crate::auth::tokens`], in their own
//! name space, so that the operators' API accepts no robot token, and an import no session token.
//! Each request is checked against the operator's row: disabling the operator or changing the
//! password ends the session at once.

use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::accounts::{AccountRow as _, Changed};
use super::operators::{Operator, OperatorRow, VerifiedOperator};
use super::passwords;
use super::secrets::{has_form, random_token};
use crate::digest::sha256_hex;
use crate::dynamodb::expression::{Condition, UpdateExpression};
use crate::dynamodb::row::{self, Key};
use crate::dynamodb::write::Write;
use crate::error::StoreError;
use crate::store::Store;

/// Lifetime of a session.
const SESSION_LIFETIME: Duration = Duration::from_secs(8 * 3_600);
const ROW: &str = "a session";

/// A session that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The operator, with the current role.
    pub operator: Operator,
    /// Time of expiry.
    pub expires_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct SessionRow {
    operator: String,
    /// Version of the operator's password that opened it.
    password_version: u64,
    expires_at: i64,
}

row::codec!(SessionRow);

fn key(token: &str) -> Key {
    Key::new(
        format!("SESSION#{}", sha256_hex(token.as_bytes())),
        "SESSION",
    )
}

/// Handle of the sessions of operators.
#[derive(Debug, Clone, Copy)]
pub struct Sessions<'s> {
    store: &'s Store,
}

impl Store {
    /// Returns the handle of sessions of operators.
    #[must_use]
    pub const fn sessions(&self) -> Sessions<'_> {
        Sessions { store: self }
    }
}

impl Sessions<'_> {
    /// Begins a session of a verified operator. Returns its token, which is not stored, and its
    /// expiry.
    ///
    /// # Errors
    /// Returns an error if the store request fails, or `Secrets` if no randomness is available.
    pub async fn begin(
        self,
        verified: &VerifiedOperator,
        now: Timestamp,
    ) -> Result<(SecretString, Timestamp), StoreError> {
        let token = random_token()?;
        let expires_at = row::expiry(row::later(now, SESSION_LIFETIME));
        let session = SessionRow {
            operator: verified.operator.name.clone(),
            password_version: verified.password_version,
            expires_at,
        };
        let row = row::encode(ROW, &key(token.expose_secret()), &session)?;
        self.store.put_if_absent(row).await?;
        Ok((token, whole_second(expires_at)))
    }

    /// Returns the session with this token; `None` if it is unknown, has ended, or `text` is
    /// malformed.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn look_up(self, text: &str, now: Timestamp) -> Result<Option<Session>, StoreError> {
        if !has_form(text) {
            return Ok(None);
        }
        let Some(session): Option<SessionRow> = self.store.read_row(ROW, &key(text), now).await?
        else {
            return Ok(None);
        };
        let operator = OperatorRow::key(&session.operator);
        let operator: Option<OperatorRow> = self
            .store
            .read_permanent_row(OperatorRow::ROW, &operator)
            .await?;
        Ok(operator
            .filter(|operator| {
                let account = &operator.account;
                account.enabled && account.password_version == session.password_version
            })
            .map(|operator| Session {
                operator: operator.operator(),
                expires_at: whole_second(session.expires_at),
            }))
    }

    /// Changes the password of the session's operator. The caller must verify the current password
    /// first. All other sessions of the operator end. Returns false if this session has ended
    /// meanwhile; nothing is changed then.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn change_own_password(
        self,
        text: &str,
        operator: &Operator,
        password: SecretString,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let hash = passwords::hash(password).await?;
        let change = |operator: &mut OperatorRow| operator.account.set_password(&hash);
        let also = |old: &OperatorRow, new: &OperatorRow| {
            let versions = [old, new].map(|row| row.account.password_version);
            Ok(vec![self.keep_session(text, &operator.name, versions)?])
        };
        let Operator { tenant, name, .. } = operator;
        let changed = self
            .store
            .change_account(tenant, name, now, change, also)
            .await?;
        Ok(matches!(changed, Changed::Done(_)))
    }

    /// Builds a write of a transaction that moves a session from the old to the new version of the
    /// operator's password.
    fn keep_session(
        self,
        text: &str,
        operator: &str,
        [old, new]: [u64; 2],
    ) -> Result<TransactWriteItem, StoreError> {
        let update = UpdateExpression::new().set("password_version", row::number(new));
        let unchanged = Condition::equals("operator", row::text(operator))
            .and(Condition::equals("password_version", row::number(old)));
        Write::update(&self.store.tables.control, &key(text), update)
            .only_if(unchanged)
            .build()
    }

    /// Ends the session with this token.
    ///
    /// # Errors
    /// Returns an error if the store request fails; the session may then go on.
    pub async fn end(self, text: &str) -> Result<(), StoreError> {
        self.store.delete_row(&key(text)).await
    }
}

fn whole_second(epoch: i64) -> Timestamp {
    Timestamp::from_second(epoch).unwrap_or(Timestamp::MAX)
}

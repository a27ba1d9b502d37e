//! Sessions of operators: a bearer token as [`crate::tokens`] makes them, in a name space of its
//! own, so that no robot's token opens the operator's API and no session an import. What a session
//! may do is judged by the operator's row each time: who is disabled, or has got another password
//! since, is out at once.

use std::time::Duration;

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::accounts::{AccountRow as _, Changed};
use crate::operators::{Operator, OperatorRow, VerifiedOperator};
use crate::row::{self, Key};
use crate::tokens::{has_form, random_token, sha256_hex};
use crate::{Store, StoreError, passwords};

/// How long a session lives.
const LIFETIME: Duration = Duration::from_secs(8 * 3_600);
const WHAT: &str = "a session";

/// A session that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose it is, with the role of this moment.
    pub operator: Operator,
    /// When it ends.
    pub expires_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct SessionRow {
    operator: String,
    /// The operator's password that opened it.
    password_version: u64,
    expires_at: i64,
}

fn key(token: &str) -> Key {
    Key::new(
        format!("SESSION#{}", sha256_hex(token.as_bytes())),
        "SESSION",
    )
}

impl Store {
    /// Begins a session of an operator whose password was right. Its token exists only in the
    /// answer, which also says when it ends.
    ///
    /// # Errors
    /// What the store says; `Secrets`, when there is no randomness.
    pub async fn begin_session(
        &self,
        verified: &VerifiedOperator,
        now: Timestamp,
    ) -> Result<(SecretString, Timestamp), StoreError> {
        let token = random_token()?;
        let expires_at = row::expiry(row::later(now, LIFETIME));
        let session = SessionRow {
            operator: verified.operator.name.clone(),
            password_version: verified.password_version,
            expires_at,
        };
        let row = row::encode(WHAT, &key(token.expose_secret()), &session)?;
        self.put_if_absent(row).await?;
        Ok((token, whole_second(expires_at)))
    }

    /// The session with this token. Absent: unknown, ended, or no token at all.
    ///
    /// # Errors
    /// What the store says.
    pub async fn lookup_session(
        &self,
        text: &str,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        if !has_form(text) {
            return Ok(None);
        }
        let Some(session): Option<SessionRow> = self.read_row(WHAT, &key(text), now).await? else {
            return Ok(None);
        };
        let operator = OperatorRow::key(&session.operator);
        let operator: Option<OperatorRow> =
            self.read_lasting_row(OperatorRow::WHAT, &operator).await?;
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

    /// Gives the operator of the session with this token another password; ask for the present one
    /// first. All other sessions of the operator end. False: this one has ended meanwhile, and
    /// nothing is changed.
    ///
    /// # Errors
    /// What the store says.
    pub async fn change_own_password(
        &self,
        text: &str,
        operator: &Operator,
        password: SecretString,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let hash = passwords::hash(password).await?;
        let change = |operator: &mut OperatorRow| operator.account.set_password(&hash);
        let also = |old: &OperatorRow, new: &OperatorRow| {
            let versions = [old, new].map(|row| row.account.password_version);
            Ok(vec![self.take_along(text, &operator.name, versions)?])
        };
        let Operator { tenant, name, .. } = operator;
        let changed = self.change_account(tenant, name, now, change, also).await?;
        Ok(matches!(changed, Changed::Done(_)))
    }

    /// A write of a transaction: a session of this operator's password goes on with the next one.
    fn take_along(
        &self,
        text: &str,
        operator: &str,
        [old, new]: [u64; 2],
    ) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.tables.control)
            .set_key(Some(key(text).attributes()))
            .update_expression("SET #version = :new")
            .condition_expression("#operator = :operator AND #version = :old")
            .expression_attribute_names("#operator", "operator")
            .expression_attribute_names("#version", "password_version")
            .expression_attribute_values(":operator", row::text(operator))
            .expression_attribute_values(":old", row::number(old))
            .expression_attribute_values(":new", row::number(new))
            .build()?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Ends the session with this token.
    ///
    /// # Errors
    /// What the store says; it may then go on.
    pub async fn end_session(&self, text: &str) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(&self.tables.control)
            .set_key(Some(key(text).attributes()))
            .send()
            .await
            .map_err(StoreError::sdk("DeleteItem"))?;
        Ok(())
    }
}

fn whole_second(epoch: i64) -> Timestamp {
    Timestamp::from_second(epoch).unwrap_or(Timestamp::MAX)
}

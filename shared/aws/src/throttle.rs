//! The login throttle: after so many wrong passwords for a name from one address, or for a name at
//! all, nobody's password is looked at until the window ends. Attempts are counted before they are
//! verified; see [`Store::begin_login`]. Keys hold hashes: names and addresses are personal data.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::row::{self, Key};
use crate::tokens::sha256_hex;
use crate::{Store, StoreError};

/// How long failures count, from the first one on.
pub const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Failures of a name from one address.
pub const ADDRESS_LIMIT: u64 = 10;
/// Failures of a name from anywhere.
pub const NAME_LIMIT: u64 = 100;

/// What a refused attempt waits while others are in flight.
const IN_FLIGHT_SECONDS: u64 = 1;
/// How often a window that others open and close at the same time is looked at.
const ROUNDS: u32 = 4;

/// Whether a login may be tried.
#[derive(Debug)]
pub enum LoginGate {
    /// Verify the password, then say how it went: [`Store::login_succeeded`] or
    /// [`Store::login_failed`].
    Open(Attempt),
    /// Do not verify it.
    Throttled {
        /// After how long the next attempt may be let through; at least 1.
        seconds: u64,
    },
}

/// A counted attempt.
#[derive(Debug)]
#[must_use = "an attempt that is never settled counts until its window ends"]
pub struct Attempt {
    by_address: Counted,
    by_name: Counted,
}

/// An attempt within one window of one row.
#[derive(Debug)]
struct Counted {
    key: Key,
    /// The row's `expires_at`, which tells this window from a later one.
    window: i64,
}

#[derive(Debug)]
enum Count {
    Counted(Counted),
    Full { seconds: u64 },
}

#[derive(Serialize, Deserialize)]
struct Window {
    /// Failed and in flight.
    attempts: u64,
    failures: u64,
    expires_at: i64,
    /// Random: tells windows apart that are opened at once.
    opening: u64,
}

impl Store {
    /// Counts an attempt to sign in as `name` from `address`, unless there were too many.
    ///
    /// It is counted before its password is verified, by a write that is conditional on the limit,
    /// so a burst of parallel attempts cannot get more passwords checked than the limit. What has
    /// been counted but not settled yet is in flight: who is refused because of those waits a
    /// second, not the window. A crash before the attempt is settled leaves it counted until the
    /// window ends, and one whose answer the SDK had to ask for twice may count twice: the count is
    /// never too low.
    ///
    /// # Errors
    /// What the store says.
    pub async fn begin_login(
        &self,
        name: &str,
        address: &str,
        now: Timestamp,
    ) -> Result<LoginGate, StoreError> {
        let pk = format!("THROTTLE#{}", sha256_hex(name.as_bytes()));
        let from = Key::new(
            pk.as_str(),
            format!("ADDRESS#{}", sha256_hex(address.as_bytes())),
        );
        let by_address = match self.count(from, ADDRESS_LIMIT, now).await? {
            Count::Counted(counted) => counted,
            Count::Full { seconds } => return Ok(LoginGate::Throttled { seconds }),
        };
        match self.count(Key::new(pk, "NAME"), NAME_LIMIT, now).await? {
            Count::Counted(by_name) => Ok(LoginGate::Open(Attempt {
                by_address,
                by_name,
            })),
            Count::Full { seconds } => {
                self.add(&by_address, "attempts", -1).await?;
                Ok(LoginGate::Throttled { seconds })
            }
        }
    }

    /// The password was right: the failures of this name from this address are forgotten.
    ///
    /// # Errors
    /// What the store says; the attempt then counts until its window ends.
    pub async fn login_succeeded(&self, attempt: Attempt) -> Result<(), StoreError> {
        let Attempt {
            by_address,
            by_name,
        } = attempt;
        let forget = async {
            self.client
                .delete_item()
                .table_name(&self.tables.control)
                .set_key(Some(by_address.key.attributes()))
                .send()
                .await
                .map_err(StoreError::sdk("DeleteItem"))
                .map(drop)
        };
        tokio::try_join!(forget, self.add(&by_name, "attempts", -1))?;
        Ok(())
    }

    /// The password was wrong, or the name unknown.
    ///
    /// # Errors
    /// What the store says; the attempt counts all the same.
    pub async fn login_failed(&self, attempt: Attempt) -> Result<(), StoreError> {
        let Attempt {
            by_address,
            by_name,
        } = attempt;
        tokio::try_join!(
            self.add(&by_address, "failures", 1),
            self.add(&by_name, "failures", 1)
        )?;
        Ok(())
    }

    async fn count(&self, key: Key, limit: u64, now: Timestamp) -> Result<Count, StoreError> {
        for _ in 0..ROUNDS {
            match self.count_in_open_window(&key, limit, now).await? {
                Ok(counted) => return Ok(Count::Counted(counted)),
                Err(Some(full)) => {
                    let left = full.expires_at.saturating_sub(now.as_second());
                    let seconds = if full.failures < limit {
                        IN_FLIGHT_SECONDS
                    } else {
                        u64::try_from(left).unwrap_or_default().max(1)
                    };
                    return Ok(Count::Full { seconds });
                }
                Err(None) => {}
            }
            if let Some(counted) = self.open_window(&key, now).await? {
                return Ok(Count::Counted(counted));
            }
        }
        Ok(Count::Full {
            seconds: IN_FLIGHT_SECONDS,
        })
    }

    /// `Err(Some)`: the window is full; `Err(None)`: there is none.
    async fn count_in_open_window(
        &self,
        key: &Key,
        limit: u64,
        now: Timestamp,
    ) -> Result<Result<Counted, Option<Window>>, StoreError> {
        let updated = self
            .client
            .update_item()
            .table_name(&self.tables.control)
            .set_key(Some(key.attributes()))
            .update_expression("ADD #attempts :one")
            .condition_expression("#expires_at > :now AND #attempts < :limit")
            .expression_attribute_names("#attempts", "attempts")
            .expression_attribute_names("#expires_at", row::EXPIRES_AT)
            .expression_attribute_values(":one", row::number(1))
            .expression_attribute_values(":now", row::number(now.as_second()))
            .expression_attribute_values(":limit", row::number(limit))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let found = match updated {
            Ok(answer) => {
                let window: Window =
                    row::decode("a login window", answer.attributes.unwrap_or_default())?;
                return Ok(Ok(Counted {
                    key: key.clone(),
                    window: window.expires_at,
                }));
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    failed.item().cloned()
                }
                _ => return Err(StoreError::from_sdk("UpdateItem", &error)),
            },
        };
        let full = found
            .filter(|found| !found.is_empty() && row::is_live(found, now))
            .map(|found| row::decode("a login window", found))
            .transpose()?;
        Ok(Err(full))
    }

    /// Opens a window with this attempt in it. `None`: somebody else just did.
    async fn open_window(&self, key: &Key, now: Timestamp) -> Result<Option<Counted>, StoreError> {
        let window = Window {
            attempts: 1,
            failures: 0,
            expires_at: row::expiry(row::later(now, WINDOW)),
            opening: rand::random(),
        };
        let opened = self
            .put_if(
                row::encode("a login window", key, &window)?,
                "attribute_not_exists(pk) OR #expires_at <= :now",
                [("#expires_at", row::EXPIRES_AT)],
                [(":now", row::number(now.as_second()))],
            )
            .await?;
        Ok(opened.then(|| Counted {
            key: key.clone(),
            window: window.expires_at,
        }))
    }

    /// Adds to a counter of the attempt's own window; a later window is left alone.
    async fn add(
        &self,
        counted: &Counted,
        counter: &'static str,
        by: i64,
    ) -> Result<(), StoreError> {
        let updated = self
            .client
            .update_item()
            .table_name(&self.tables.control)
            .set_key(Some(counted.key.attributes()))
            .update_expression("ADD #counter :by")
            .condition_expression("#expires_at = :window")
            .expression_attribute_names("#counter", counter)
            .expression_attribute_names("#expires_at", row::EXPIRES_AT)
            .expression_attribute_values(":by", row::number(by))
            .expression_attribute_values(":window", row::number(counted.window))
            .send()
            .await;
        match updated {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(StoreError::from_sdk("UpdateItem", &error)),
            },
        }
    }
}

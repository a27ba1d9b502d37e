//! The login throttle: after too many wrong passwords for a name from one address, or for a name in
//! total, no password is verified until the window ends. Attempts are counted before they are
//! verified; see [`LoginThrottle::begin`]. Keys are hashes, because names and addresses are
//! personal data.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::client::SendBoxed;
use crate::digest::sha256_hex;
use crate::dynamodb::expression::{Condition, UpdateExpression};
use crate::dynamodb::row::{self, EXPIRES_AT, Key};
use crate::dynamodb::write::unless_refused;
use crate::error::StoreError;
use crate::store::Store;

/// Time for which failures count, from the first one on.
pub const THROTTLE_WINDOW: Duration = Duration::from_secs(15 * 60);
/// Maximum failures of a name from one address.
pub const MAX_FAILURES_PER_ADDRESS: u64 = 10;
/// Maximum failures of a name from all addresses.
pub const MAX_FAILURES_PER_NAME: u64 = 100;

/// Seconds that a refused attempt waits while others are in flight.
const IN_FLIGHT_SECONDS: u64 = 1;
/// Maximum attempts on a window that others open and close concurrently.
const MAX_WINDOW_ATTEMPTS: u32 = 4;

/// Decision on a login attempt.
#[derive(Debug)]
pub enum LoginGate {
    /// Verify the password, then report the outcome: [`LoginThrottle::succeeded`] or
    /// [`LoginThrottle::failed`].
    Open(Attempt),
    /// Do not verify the password.
    Throttled {
        /// Seconds until the next attempt may be admitted; at least 1.
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

/// An attempt counted in one window of one row.
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

/// Outcome of counting an attempt in the window that is open.
enum WindowCount {
    Counted(Counted),
    Full(Window),
    NotOpen,
}

#[derive(Serialize, Deserialize)]
struct Window {
    /// Number of attempts that failed or are in flight.
    attempts: u64,
    failures: u64,
    expires_at: i64,
    /// Random value that distinguishes windows that are opened concurrently.
    opening: u64,
}

row::codec!(Window);

/// Handle of the login throttle.
#[derive(Debug, Clone, Copy)]
pub struct LoginThrottle<'s> {
    store: &'s Store,
}

impl Store {
    /// Returns the handle of the login throttle.
    #[must_use]
    pub const fn login_throttle(&self) -> LoginThrottle<'_> {
        LoginThrottle { store: self }
    }
}

impl LoginThrottle<'_> {
    /// Counts an attempt to sign in as `name` from `address`, unless there were too many.
    ///
    /// The attempt is counted before its password is verified, by a write that is conditional on
    /// the limit, so that a burst of parallel attempts cannot get more passwords verified than the
    /// limit. An attempt that is counted but not settled is in flight: a caller refused
    /// because of attempts in flight waits one second, not until the window ends. After a crash an
    /// unsettled attempt counts until the window ends, and an attempt that the SDK had to retry may
    /// count twice: the count is never too low.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn begin(
        self,
        name: &str,
        address: &str,
        now: Timestamp,
    ) -> Result<LoginGate, StoreError> {
        let pk = format!("THROTTLE#{}", sha256_hex(name.as_bytes()));
        let from = Key::new(
            pk.as_str(),
            format!("ADDRESS#{}", sha256_hex(address.as_bytes())),
        );
        let by_address = match self.count(from, MAX_FAILURES_PER_ADDRESS, now).await? {
            Count::Counted(counted) => counted,
            Count::Full { seconds } => return Ok(LoginGate::Throttled { seconds }),
        };
        match self
            .count(Key::new(pk, "NAME"), MAX_FAILURES_PER_NAME, now)
            .await?
        {
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

    /// Settles an attempt whose password was right: the failures of this name from this address are
    /// deleted.
    ///
    /// # Errors
    /// Returns an error if the store request fails; the attempt then counts until its window ends.
    pub async fn succeeded(self, attempt: Attempt) -> Result<(), StoreError> {
        let Attempt {
            by_address,
            by_name,
        } = attempt;
        let forget = self.store.delete_row(&by_address.key);
        tokio::try_join!(forget, self.add(&by_name, "attempts", -1))?;
        Ok(())
    }

    /// Settles an attempt whose password was wrong or whose name is unknown.
    ///
    /// # Errors
    /// Returns an error if the store request fails; the attempt counts nevertheless.
    pub async fn failed(self, attempt: Attempt) -> Result<(), StoreError> {
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

    async fn count(self, key: Key, limit: u64, now: Timestamp) -> Result<Count, StoreError> {
        for _ in 0..MAX_WINDOW_ATTEMPTS {
            match self.count_in_open_window(&key, limit, now).await? {
                WindowCount::Counted(counted) => return Ok(Count::Counted(counted)),
                WindowCount::Full(full) => {
                    let left = full.expires_at.saturating_sub(now.as_second());
                    let seconds = if full.failures < limit {
                        IN_FLIGHT_SECONDS
                    } else {
                        u64::try_from(left).unwrap_or_default().max(1)
                    };
                    return Ok(Count::Full { seconds });
                }
                WindowCount::NotOpen => {}
            }
            if let Some(counted) = self.open_window(&key, now).await? {
                return Ok(Count::Counted(counted));
            }
        }
        Ok(Count::Full {
            seconds: IN_FLIGHT_SECONDS,
        })
    }

    /// Counts an attempt in the window that is open, unless it is full.
    async fn count_in_open_window(
        self,
        key: &Key,
        limit: u64,
        now: Timestamp,
    ) -> Result<WindowCount, StoreError> {
        let update = UpdateExpression::new().add("attempts", row::number(1));
        let open = Condition::greater_than(EXPIRES_AT, row::number(now.as_second()));
        let not_full = Condition::less_than("attempts", row::number(limit));
        let updated = self
            .store
            .update_item(key, update, Some(open.and(not_full)))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send_boxed()
            .await;
        let found = match updated {
            Ok(response) => {
                let window: Window =
                    row::decode("a login window", response.attributes.unwrap_or_default())?;
                return Ok(WindowCount::Counted(Counted {
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
        Ok(full.map_or(WindowCount::NotOpen, WindowCount::Full))
    }

    /// Opens a window with this attempt in it. Returns `None` if another attempt just opened one.
    async fn open_window(self, key: &Key, now: Timestamp) -> Result<Option<Counted>, StoreError> {
        let window = Window {
            attempts: 1,
            failures: 0,
            expires_at: row::expiry(row::later(now, THROTTLE_WINDOW)),
            opening: rand::random(),
        };
        let expired = Condition::at_most(EXPIRES_AT, row::number(now.as_second()));
        let opened = self
            .store
            .put_if(
                row::encode("a login window", key, &window)?,
                Condition::row_absent().or(expired),
            )
            .await?;
        Ok(opened.then(|| Counted {
            key: key.clone(),
            window: window.expires_at,
        }))
    }

    /// Adds to a counter of the attempt's own window; a later window is left unchanged.
    async fn add(
        self,
        counted: &Counted,
        counter: &'static str,
        by: i64,
    ) -> Result<(), StoreError> {
        let update = UpdateExpression::new().add(counter, row::number(by));
        let same_window = Condition::equals(EXPIRES_AT, row::number(counted.window));
        let updated = self
            .store
            .update_item(&counted.key, update, Some(same_window))
            .send_boxed()
            .await;
        unless_refused(updated).map(drop)
    }
}

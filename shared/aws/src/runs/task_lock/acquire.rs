//! Acquiring a task lock for a run.

use std::time::Duration;

use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};
use jiff::Timestamp;
use tracing::warn;

use super::rows::{LOCK, Lock, delete_open_run, interrupt, lock_key, put_open_run, take_lock};
use super::start::Start;
use super::{Acquired, LockKind, TaskLocks};
use crate::dynamodb::row;
use crate::dynamodb::transaction::{Transacted, condition_failed, refusing_row};
use crate::error::StoreError;
use crate::runs::idempotency::{KeyUse, StoredAnswer};
use crate::runs::job::Job;
use crate::runs::run::NewRun;

/// Maximum attempts to acquire a lock that changes concurrently.
const MAX_ACQUIRE_ATTEMPTS: u32 = 4;

/// State of a lock, for a run that requests it.
enum LockState {
    /// No run has the lock.
    Free,
    /// The outcome is settled without another attempt.
    Settled(Acquired),
    /// A synchronous run whose lock has expired has it.
    Expired(Lock),
}

/// Outcome for a lock that is about to change hands, or has just done so: retry at once.
fn changing_hands(now: Timestamp) -> Acquired {
    Acquired::Held {
        kind: LockKind::Sync,
        until: Some(now),
    }
}

impl TaskLocks<'_> {
    /// Starts `run` and acquires its task lock for `duration`, or does neither. An expired lock is
    /// taken over from its run, which thereby ends as interrupted.
    ///
    /// # Errors
    /// Returns an error if the store request fails; the lock may have been acquired.
    pub async fn acquire(
        self,
        run: &NewRun,
        now: Timestamp,
        duration: Duration,
    ) -> Result<Acquired, StoreError> {
        let until = row::whole_millis(row::later(now, duration));
        self.start(run, &Start::Sync { until }, now).await
    }

    async fn start(
        self,
        run: &NewRun,
        start: &Start<'_>,
        now: Timestamp,
    ) -> Result<Acquired, StoreError> {
        // Even a refused transaction conflicts with the owner's finish, so only one that can
        // succeed is attempted.
        let mut state = self.read_lock_state(run, now).await?;
        for _ in 0..MAX_ACQUIRE_ATTEMPTS {
            let old = match state {
                LockState::Settled(acquired) => return Ok(acquired),
                LockState::Free => None,
                LockState::Expired(lock) => Some(lock),
            };
            let writes = self.acquire_writes(run, start, old.as_ref(), now).await?;
            state = match self.store.transact(&writes).await {
                Ok(Transacted::Done) => {
                    if let Some(old) = &old {
                        warn!(
                            task.id = run.task,
                            interrupted.id = %old.run,
                            import.id = %run.id,
                            "ended an interrupted run and took over its task lock"
                        );
                    }
                    return Ok(Acquired::Locked);
                }
                Ok(Transacted::Cancelled(reasons)) => {
                    self.state_after_refusal(run, start, &reasons, now).await?
                }
                // Its responses may have been lost: the rows show whether it took effect.
                Err(error) if error.retryable() => match self.read_lock_state(run, now).await? {
                    // Only a transaction that succeeds may acquire the lock.
                    LockState::Free | LockState::Expired(_) => {
                        LockState::Settled(changing_hands(now))
                    }
                    settled @ LockState::Settled(_) => settled,
                },
                Err(error) => return Err(error),
            };
        }
        Ok(match state {
            LockState::Settled(acquired) => acquired,
            LockState::Free | LockState::Expired(_) => changing_hands(now),
        })
    }

    /// Reads the current state of the lock.
    async fn read_lock_state(self, run: &NewRun, now: Timestamp) -> Result<LockState, StoreError> {
        let lock = self
            .store
            .read_permanent_row(LOCK, &lock_key(run.task))
            .await?;
        self.lock_state(run, lock, now).await
    }

    /// Returns the writes of an acquire; with `old`, those of a take-over.
    async fn acquire_writes(
        self,
        run: &NewRun,
        start: &Start<'_>,
        old: Option<&Lock>,
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let table = self.store.tables.control.as_str();
        let term = start.term();
        let mut writes = vec![take_lock(table, run, old, term)?];
        writes.extend(start.writes(table, run, now)?);
        writes.push(put_open_run(table, run, term)?);
        if let Some(key) = &run.key {
            debug_assert_eq!(writes.len(), start.key_write());
            writes.push(start.key(table, key, run, now)?);
        }
        if let Some(old) = old {
            writes.push(delete_open_run(table, &old.run)?);
            // The old run's own finish deletes the lock, so this is cancelled if that run has ended
            // in the meantime.
            if let Some(dead) = self.store.runs().get_unended(&old.run, now).await? {
                let own = run.key.as_ref().map(KeyUse::name);
                // A transaction can write a row only once: under the same key, the new run's put
                // replaces the row.
                let key = old.key.as_deref().filter(|key| own != Some(*key));
                writes.extend(interrupt(table, &dead, key, now)?);
            }
        }
        Ok(writes)
    }

    /// Returns the state of the lock after a cancelled transaction of [`Self::acquire_writes`].
    async fn state_after_refusal(
        self,
        run: &NewRun,
        start: &Start<'_>,
        reasons: &[CancellationReason],
        now: Timestamp,
    ) -> Result<LockState, StoreError> {
        if reasons.first().is_some_and(condition_failed) {
            let lock = refusing_row(reasons, 0)
                .map(|lock| row::decode(LOCK, lock))
                .transpose()?;
            return self.lock_state(run, lock, now).await;
        }
        if reasons.get(1).is_some_and(condition_failed) {
            // The run was started before and has ended; it cannot start again.
            return Ok(LockState::Settled(changing_hands(now)));
        }
        if reasons.get(start.key_write()).is_some_and(condition_failed) && run.key.is_some() {
            return Ok(LockState::Settled(Acquired::KeyUsed));
        }
        // The old run of a take-over changed its state and kept the lock: read it again.
        Ok(LockState::Free)
    }

    async fn lock_state(
        self,
        run: &NewRun,
        lock: Option<Lock>,
        now: Timestamp,
    ) -> Result<LockState, StoreError> {
        let Some(lock) = lock else {
            return Ok(LockState::Free);
        };
        let expired = lock.has_expired(now);
        if lock.run == run.id {
            let live = !expired && self.store.runs().get_unended(&run.id, now).await?.is_some();
            return Ok(LockState::Settled(if live {
                Acquired::Locked
            } else {
                changing_hands(now)
            }));
        }
        Ok(if expired {
            LockState::Expired(lock)
        } else {
            LockState::Settled(lock.held())
        })
    }

    /// Starts `run` as a background run whose data are in the bucket, acquires its task lock and
    /// stores the response of its key, or does none of these.
    ///
    /// # Errors
    /// Returns an error if the store request fails; the lock may have been acquired.
    pub async fn acquire_background(
        self,
        run: &NewRun,
        job: &Job,
        answer: Option<&StoredAnswer>,
        now: Timestamp,
    ) -> Result<Acquired, StoreError> {
        self.start(run, &Start::Background { job, answer }, now)
            .await
    }

    /// Starts a run whose upload is complete, with the given version of the task's settings, and
    /// acquires its task lock.
    ///
    /// # Errors
    /// Returns an error if the store request fails; the lock may have been acquired.
    pub async fn acquire_uploaded(
        self,
        run: &NewRun,
        settings_version: u64,
        now: Timestamp,
    ) -> Result<Acquired, StoreError> {
        self.start(run, &Start::Uploaded { settings_version }, now)
            .await
    }
}

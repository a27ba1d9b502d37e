//! The hold of a task: one run at a time (PROTOCOL §1–3, §8, synchronous runs). Acquire, take-over,
//! finish and the sweep are one transaction each, so a run and its hold never disagree; whoever
//! repeats one after a lost answer finds its own rows and takes them for success.
//!
//! Rows: `LOCK#<task>` says who holds it, `OPEN#<shard>` lists the runs that have not ended.

use std::time::Duration;

use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::{error, warn};

use crate::keys::KeyUse;
use crate::row;
use crate::runs::{Ending, From, NewRun, Run, RunId};
use crate::transact::{Transacted, condition_failed, found};
use crate::{Store, StoreError};

mod queued;
mod rows;
mod sweep;

use queued::Begin;
pub use rows::{INTERRUPTED, INTERRUPTED_DRY_RUN, interrupted};
use rows::{Lock, delete_open, free_lock, interrupt, lock_key, put_open, take_lock};
pub use sweep::{Interrupted, OpenRun};

/// How often an acquire looks again at a hold that changed under it.
const ROUNDS: u32 = 4;

/// What kind of run holds a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HoldKind {
    /// One within a request: its hold ends by itself.
    Sync,
    /// One in the background: its hold ends only with the run.
    Queued,
}

/// What became of an acquire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquired {
    /// The task is held by the new run.
    Mine,
    /// The task is held by another run; the new one does not exist.
    Held {
        /// What kind of run it is.
        kind: HoldKind,
        /// When its hold ends by itself; absent: never. A time that is past: the hold is just
        /// changing hands.
        until: Option<Timestamp>,
    },
    /// Another run has come first under the same idempotency key; the new one does not exist.
    KeyUsed,
}

/// What became of a finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// The run has ended as it was told.
    Done,
    /// Somebody else had ended it before: what this run reports is not what is recorded.
    EndedByOther,
}

/// What the lock says to a run that wants it.
enum Verdict {
    /// Nobody holds it any more.
    Free,
    /// It, or what else keeps the run out.
    Answer(Acquired),
    /// A synchronous run whose time is over.
    Expired(Lock),
}

/// The task is about to change hands, or has just done so: try again at once.
fn changing_hands(now: Timestamp) -> Acquired {
    Acquired::Held {
        kind: HoldKind::Sync,
        until: Some(now),
    }
}

impl Store {
    /// Begins `run` and takes its task's hold for `hold`, or does neither. A hold whose time is
    /// over is taken from its run, which thereby ends as interrupted.
    ///
    /// # Errors
    /// What the store says; then it is open whether the task is held.
    pub async fn acquire(
        &self,
        run: &NewRun,
        now: Timestamp,
        hold: Duration,
    ) -> Result<Acquired, StoreError> {
        let until = row::whole_millis(row::later(now, hold));
        self.begin(run, &Begin::Sync { until }, now).await
    }

    async fn begin(
        &self,
        run: &NewRun,
        begin: &Begin<'_>,
        now: Timestamp,
    ) -> Result<Acquired, StoreError> {
        // A transaction that is refused still meets the holder's finish: only one that may succeed
        // is tried.
        let mut verdict = self.look(run, now).await?;
        for _ in 0..ROUNDS {
            let old = match verdict {
                Verdict::Answer(answer) => return Ok(answer),
                Verdict::Free => None,
                Verdict::Expired(lock) => Some(lock),
            };
            let writes = self.acquire_writes(run, begin, old.as_ref(), now).await?;
            verdict = match self.transact(&writes).await {
                Ok(Transacted::Done) => {
                    if let Some(old) = &old {
                        warn!(
                            task.id = run.task,
                            interrupted.id = %old.run,
                            import.id = %run.id,
                            "an interrupted run was ended and its hold taken over"
                        );
                    }
                    return Ok(Acquired::Mine);
                }
                Ok(Transacted::Cancelled(reasons)) => {
                    self.judge_reasons(run, begin, &reasons, now).await?
                }
                // Also when its answers were lost: the rows say whether it took effect.
                Err(error) if error.retryable() => match self.look(run, now).await? {
                    // Only a transaction that goes through may take it.
                    Verdict::Free | Verdict::Expired(_) => Verdict::Answer(changing_hands(now)),
                    answer @ Verdict::Answer(_) => answer,
                },
                Err(error) => return Err(error),
            };
        }
        Ok(match verdict {
            Verdict::Answer(answer) => answer,
            Verdict::Free | Verdict::Expired(_) => changing_hands(now),
        })
    }

    /// What the lock says just now.
    async fn look(&self, run: &NewRun, now: Timestamp) -> Result<Verdict, StoreError> {
        let lock = self.read_lasting_row("a hold", &lock_key(run.task)).await?;
        self.judge(run, lock, now).await
    }

    /// The writes of an acquire; with `old`, of one that takes the hold over.
    async fn acquire_writes(
        &self,
        run: &NewRun,
        begin: &Begin<'_>,
        old: Option<&Lock>,
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let table = self.tables.control.as_str();
        let hold = begin.hold();
        let mut writes = vec![take_lock(table, run, old, hold)?];
        writes.extend(begin.writes(table, run, now)?);
        writes.push(put_open(table, run, hold)?);
        if let Some(key) = &run.key {
            debug_assert_eq!(writes.len(), begin.key_write());
            writes.push(begin.key(table, key, run, now)?);
        }
        if let Some(old) = old {
            writes.push(delete_open(table, &old.run)?);
            // Its own finish frees the lock, so a run that has ended meanwhile cancels this.
            if let Some(dead) = self.live_run(&old.run, now).await? {
                let own = run.key.as_ref().map(KeyUse::name);
                // One transaction writes a row once: under the same key the new run replaces it.
                let key = old.key.as_deref().filter(|key| own != Some(*key));
                writes.extend(interrupt(table, &dead, key, now)?);
            }
        }
        Ok(writes)
    }

    /// Why a transaction of [`Store::acquire_writes`] was cancelled.
    async fn judge_reasons(
        &self,
        run: &NewRun,
        begin: &Begin<'_>,
        reasons: &[CancellationReason],
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        if reasons.first().is_some_and(condition_failed) {
            let lock = found(reasons, 0)
                .map(|lock| row::decode("a hold", lock))
                .transpose()?;
            return self.judge(run, lock, now).await;
        }
        if reasons.get(1).is_some_and(condition_failed) {
            // The run was begun before and has ended: nobody can begin it again.
            return Ok(Verdict::Answer(changing_hands(now)));
        }
        if reasons.get(begin.key_write()).is_some_and(condition_failed) && run.key.is_some() {
            return Ok(Verdict::Answer(Acquired::KeyUsed));
        }
        // A run that is being taken over changed its state and kept the lock: look again.
        Ok(Verdict::Free)
    }

    async fn judge(
        &self,
        run: &NewRun,
        lock: Option<Lock>,
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        let Some(lock) = lock else {
            return Ok(Verdict::Free);
        };
        let expired = lock.has_expired(now);
        if lock.run == run.id {
            let live = !expired && self.live_run(&run.id, now).await?.is_some();
            return Ok(Verdict::Answer(if live {
                Acquired::Mine
            } else {
                changing_hands(now)
            }));
        }
        Ok(if expired {
            Verdict::Expired(lock)
        } else {
            Verdict::Answer(lock.held())
        })
    }

    /// A run that has not ended.
    async fn live_run(&self, run: &RunId, now: Timestamp) -> Result<Option<Run>, StoreError> {
        let run = self.get_run(run, now).await?;
        Ok(run.filter(|run| !run.state.is_terminal()))
    }

    /// Ends `run`, frees its task and answers its key. A finished import must not be lost to others who want the
    /// task, so this is tried for some seconds.
    ///
    /// # Errors
    /// What the store says; the task's next import, or the sweep, ends the run as interrupted.
    pub async fn finish(
        &self,
        run: &NewRun,
        ending: &Ending,
        now: Timestamp,
    ) -> Result<Finished, StoreError> {
        let table = self.tables.control.as_str();
        let mut writes = vec![
            ending.of_run(table, &run.id, From::SYNC, now)?,
            free_lock(table, run.task, &run.id)?,
            delete_open(table, &run.id)?,
        ];
        if let Some(key) = &run.key {
            writes.push(key.end(table, &run.id, ending.answer.as_ref(), now)?);
        }
        match self.transact_stubbornly(&writes).await {
            Ok(Transacted::Done) => Ok(Finished::Done),
            Ok(Transacted::Cancelled(_)) => match self.get_run(&run.id, now).await? {
                Some(found) if found.has_ended_as(ending, now) => Ok(Finished::Done),
                Some(found) if !found.state.is_terminal() => {
                    error!(
                        import.id = %run.id,
                        task.id = run.task,
                        "a run that has not ended does not hold its task; the task's next import will end it"
                    );
                    Ok(Finished::EndedByOther)
                }
                Some(_) | None => Ok(Finished::EndedByOther),
            },
            // An answer was lost: the run says whether that try took effect.
            Err(error @ StoreError::Unanswered(_)) => match self.get_run(&run.id, now).await? {
                Some(found) if found.has_ended_as(ending, now) => Ok(Finished::Done),
                Some(found) if found.state.is_terminal() => Ok(Finished::EndedByOther),
                Some(_) | None => Err(error),
            },
            Err(error) => Err(error),
        }
    }
}

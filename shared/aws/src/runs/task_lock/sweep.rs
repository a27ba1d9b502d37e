//! The sweep of open runs (protocol.md#sweeper): ends synchronous runs whose function is gone and
//! whose task no other run has taken over. It reads the `OPEN` rows, so it finds every run that has
//! not ended.

use std::time::Duration;

use jiff::Timestamp;
use tracing::{error, warn};

use super::rows::{LOCK, Lock, OPEN_RUN, OpenRow, delete_open_run, free_lock, interrupt, lock_key};
use super::{LockKind, TaskLocks};
use crate::client::SendBoxed;
use crate::dynamodb::expression::Condition;
use crate::dynamodb::row::{self, Attributes};
use crate::dynamodb::transaction::Transacted;
use crate::error::StoreError;
use crate::runs::id::{OPEN_RUN_SHARDS, RunId};

/// A run that the sweep ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interrupted {
    /// The run.
    pub run: RunId,
    /// Its task, which is free again.
    pub task: u64,
}

/// A background run that has not ended, as listed in its `OPEN` row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenRun {
    /// The run.
    pub run: RunId,
    /// Its task.
    pub task: u64,
}

/// Returns the run of an `OPEN` row from its key: other attributes may be unreadable.
fn run_of(row: &Attributes) -> Option<RunId> {
    RunId::parse(row.get("sk")?.as_s().ok()?)
}

impl TaskLocks<'_> {
    /// Ends, as interrupted, the synchronous runs whose lock expired at least `grace` ago, and
    /// deletes `OPEN` rows without a run. If one run cannot be ended, the failure is logged and the
    /// sweep continues.
    ///
    /// # Errors
    /// Returns the first error, after all runs have been attempted; runs that were ended stay
    /// ended.
    pub async fn end_expired(
        self,
        now: Timestamp,
        grace: Duration,
    ) -> Result<Vec<Interrupted>, StoreError> {
        let (open, mut first_error) = self.open_runs().await;
        let mut ended = Vec::new();
        for open in open {
            let expired = open
                .until
                .is_some_and(|until| row::later(until, grace) <= now);
            if open.kind != LockKind::Sync || !expired {
                continue;
            }
            match self.end_open(&open, now).await {
                Ok(interrupted) => ended.extend(interrupted),
                Err(error) => {
                    error!(import.id = %open.run, %error, "failed to end an open run");
                    first_error.get_or_insert(error);
                }
            }
        }
        first_error.map_or(Ok(ended), Err)
    }

    /// Returns the background runs that have not ended and whose rows are readable, and the first
    /// error: the readable rows are returned even if others are not.
    pub async fn open_background_runs(self) -> (Vec<OpenRun>, Option<StoreError>) {
        let (open, first_error) = self.open_runs().await;
        let open = open
            .into_iter()
            .filter(|open| open.kind == LockKind::Background);
        let open = open.map(|OpenRow { run, task, .. }| OpenRun { run, task });
        (open.collect(), first_error)
    }

    /// Deletes the `OPEN` row of a run that has ended or does not exist, and frees its task if it
    /// still has the lock. Returns true if a lock was freed, which the protocol rules out.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn close_dangling(self, open: OpenRun, now: Timestamp) -> Result<bool, StoreError> {
        if self
            .store
            .runs()
            .get_unended(&open.run, now)
            .await?
            .is_some()
        {
            return Ok(false);
        }
        let table = self.store.tables.control.as_str();
        let mut writes = vec![delete_open_run(table, &open.run)?];
        let lock: Option<Lock> = self
            .store
            .read_permanent_row(LOCK, &lock_key(open.task))
            .await?;
        let locked = lock.is_some_and(|lock| lock.run == open.run);
        if locked {
            writes.push(free_lock(table, open.task, &open.run)?);
        }
        let done = matches!(self.store.transact(&writes).await?, Transacted::Done);
        Ok(done && locked)
    }

    /// Returns the readable rows of all runs that have not ended, and the first error.
    async fn open_runs(self) -> (Vec<OpenRow>, Option<StoreError>) {
        let (mut open, mut first_error) = (Vec::new(), None);
        for shard in 0..OPEN_RUN_SHARDS {
            let rows = match self.open_rows(shard).await {
                Ok(rows) => rows,
                Err(error) => {
                    error!(shard, %error, "failed to read a shard of open runs");
                    first_error.get_or_insert(error);
                    continue;
                }
            };
            for row in rows {
                let id = run_of(&row).map(|run| run.to_string()).unwrap_or_default();
                match row::decode(OPEN_RUN, row) {
                    Ok(row) => open.push(row),
                    Err(error) => {
                        error!(import.id = id, %error, "failed to read an open run");
                        first_error.get_or_insert(error);
                    }
                }
            }
        }
        (open, first_error)
    }

    async fn open_rows(self, shard: u8) -> Result<Vec<Attributes>, StoreError> {
        let mut rows = Vec::new();
        let mut start = None;
        loop {
            let shard = Condition::equals("pk", row::text(format!("OPEN#{shard}")));
            let response = self
                .store
                .query(shard)
                .set_exclusive_start_key(start)
                .send_boxed()
                .await
                .map_err(StoreError::sdk("Query"))?;
            rows.extend(response.items.unwrap_or_default());
            start = response.last_evaluated_key;
            if start.is_none() {
                return Ok(rows);
            }
        }
    }

    /// Ends a run as interrupted. Returns `None` if it has already ended or does not exist.
    async fn end_open(
        self,
        open: &OpenRow,
        now: Timestamp,
    ) -> Result<Option<Interrupted>, StoreError> {
        let table = self.store.tables.control.as_str();
        let mut writes = vec![delete_open_run(table, &open.run)?];
        let dead = self.store.runs().get_unended(&open.run, now).await?;
        if let Some(dead) = &dead {
            writes.extend(interrupt(table, dead, open.key.as_deref(), now)?);
        }
        let lock: Option<Lock> = self
            .store
            .read_permanent_row(LOCK, &lock_key(open.task))
            .await?;
        if lock.is_some_and(|lock| lock.run == open.run) {
            writes.push(free_lock(table, open.task, &open.run)?);
        }
        match self.store.transact(&writes).await? {
            // It has changed since it was read; the next sweep handles any remaining row.
            Transacted::Cancelled(_) => Ok(None),
            Transacted::Done if dead.is_none() => {
                warn!(import.id = %open.run, task.id = open.task, "deleted a dangling open-run row");
                Ok(None)
            }
            Transacted::Done => {
                warn!(import.id = %open.run, task.id = open.task, "ended an interrupted run");
                Ok(Some(Interrupted {
                    run: open.run,
                    task: open.task,
                }))
            }
        }
    }
}

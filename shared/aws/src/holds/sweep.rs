//! The sweep: ends the synchronous runs whose function is gone, when nobody else took their task
//! over (PROTOCOL §3.3, §10). It goes by the `OPEN` rows, so it finds every run that has not ended.

use std::time::Duration;

use jiff::Timestamp;
use tracing::{error, warn};

use super::HoldKind;
use super::rows::{Lock, Open, delete_open, free_lock, interrupt, lock_key};
use crate::row::{self, Attributes};
use crate::runs::{RunId, SHARDS};
use crate::transact::Transacted;
use crate::{Store, StoreError};

/// A run that the sweep ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interrupted {
    /// The run.
    pub run: RunId,
    /// The task that is free again.
    pub task: u64,
}

/// A run in the background that has not ended, as the list of open runs has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenRun {
    /// The run.
    pub run: RunId,
    /// Its task.
    pub task: u64,
}

/// The run that an open row is about, by its key: the rest may be unreadable.
fn named(row: &Attributes) -> Option<RunId> {
    RunId::parse(row.get("sk")?.as_s().ok()?)
}

impl Store {
    /// Ends the synchronous runs whose hold has been over for `grace`, as interrupted, and deletes
    /// open rows that name no run. What goes wrong with one run is logged and keeps no other from
    /// its end.
    ///
    /// # Errors
    /// The first that occurred, when everything else is done; what was ended stays so.
    pub async fn end_expired(
        &self,
        now: Timestamp,
        grace: Duration,
    ) -> Result<Vec<Interrupted>, StoreError> {
        let (open, mut first_error) = self.open_runs().await;
        let mut ended = Vec::new();
        for open in open {
            let over = open
                .until
                .is_some_and(|until| row::later(until, grace) <= now);
            if open.kind != HoldKind::Sync || !over {
                continue;
            }
            match self.end_open(&open, now).await {
                Ok(interrupted) => ended.extend(interrupted),
                Err(error) => {
                    error!(import.id = %open.run, %error, "an open run could not be ended");
                    first_error.get_or_insert(error);
                }
            }
        }
        first_error.map_or(Ok(ended), Err)
    }

    /// The runs in the background that have not ended, as far as they can be read, and the first
    /// error there was: what cannot be read keeps no other run from being looked after.
    pub async fn open_queued(&self) -> (Vec<OpenRun>, Option<StoreError>) {
        let (open, first_error) = self.open_runs().await;
        let open = open
            .into_iter()
            .filter(|open| open.kind == HoldKind::Queued);
        let open = open.map(|Open { run, task, .. }| OpenRun { run, task });
        (open.collect(), first_error)
    }

    /// Deletes the open row of a run that has ended or is none, and frees a task that it still
    /// holds. `true`: it did; the protocol does not let that happen.
    ///
    /// # Errors
    /// What the store says.
    pub async fn close_dead(&self, open: OpenRun, now: Timestamp) -> Result<bool, StoreError> {
        if self.live_run(&open.run, now).await?.is_some() {
            return Ok(false);
        }
        let table = self.tables.control.as_str();
        let mut writes = vec![delete_open(table, &open.run)?];
        let lock: Option<Lock> = self
            .read_lasting_row("a hold", &lock_key(open.task))
            .await?;
        let held = lock.is_some_and(|lock| lock.run == open.run);
        if held {
            writes.push(free_lock(table, open.task, &open.run)?);
        }
        let done = matches!(self.transact(&writes).await?, Transacted::Done);
        Ok(done && held)
    }

    /// The rows of all runs that have not ended, as far as they can be read, and the first error.
    async fn open_runs(&self) -> (Vec<Open>, Option<StoreError>) {
        let (mut open, mut first_error) = (Vec::new(), None);
        for shard in 0..SHARDS {
            let rows = match self.open_rows(shard).await {
                Ok(rows) => rows,
                Err(error) => {
                    error!(shard, %error, "a list of open runs could not be read");
                    first_error.get_or_insert(error);
                    continue;
                }
            };
            for row in rows {
                let id = named(&row).map(|run| run.to_string()).unwrap_or_default();
                match row::decode("an open run", row) {
                    Ok(row) => open.push(row),
                    Err(error) => {
                        error!(import.id = id, %error, "an open run could not be read");
                        first_error.get_or_insert(error);
                    }
                }
            }
        }
        (open, first_error)
    }

    async fn open_rows(&self, shard: u8) -> Result<Vec<Attributes>, StoreError> {
        let mut rows = Vec::new();
        let mut start = None;
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.tables.control)
                .key_condition_expression("pk = :shard")
                .expression_attribute_values(":shard", row::text(format!("OPEN#{shard}")))
                .set_exclusive_start_key(start)
                .consistent_read(true)
                .send()
                .await
                .map_err(StoreError::sdk("Query"))?;
            rows.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(rows);
            }
        }
    }

    /// Ends a run as interrupted; `None`: somebody else did, or there is none.
    async fn end_open(
        &self,
        open: &Open,
        now: Timestamp,
    ) -> Result<Option<Interrupted>, StoreError> {
        let table = self.tables.control.as_str();
        let mut writes = vec![delete_open(table, &open.run)?];
        let dead = self.live_run(&open.run, now).await?;
        if let Some(dead) = &dead {
            writes.extend(interrupt(table, dead, open.key.as_deref(), now)?);
        }
        let lock: Option<Lock> = self
            .read_lasting_row("a hold", &lock_key(open.task))
            .await?;
        if lock.is_some_and(|lock| lock.run == open.run) {
            writes.push(free_lock(table, open.task, &open.run)?);
        }
        match self.transact(&writes).await? {
            // It has ended since it was read; the next sweep finds nothing, or the rest.
            Transacted::Cancelled(_) => Ok(None),
            Transacted::Done if dead.is_none() => {
                warn!(import.id = %open.run, task.id = open.task, "a row of an open run that is none was deleted");
                Ok(None)
            }
            Transacted::Done => {
                warn!(import.id = %open.run, task.id = open.task, "an interrupted run was ended");
                Ok(Some(Interrupted {
                    run: open.run,
                    task: open.task,
                }))
            }
        }
    }
}

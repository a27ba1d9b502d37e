//! The sweep: ends the synchronous runs whose function is gone, when nobody else took their task
//! over (PROTOCOL §3.3, §10). It goes by the `OPEN` rows, so it finds every run that has not ended.

use std::time::Duration;

use jiff::Timestamp;
use tracing::warn;

use super::{HoldKind, Lock, Open, delete_open, free_lock, interrupted, lock_key};
use crate::row;
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

impl Store {
    /// Ends the synchronous runs whose hold has been over for `grace`, as interrupted, and deletes
    /// open rows that name no run.
    ///
    /// # Errors
    /// What the store says; what was ended by then stays so.
    pub async fn end_expired(
        &self,
        now: Timestamp,
        grace: Duration,
    ) -> Result<Vec<Interrupted>, StoreError> {
        let mut ended = Vec::new();
        for shard in 0..SHARDS {
            for open in self.open_runs(shard).await? {
                let over = row::later(open.until, grace) <= now;
                match open.kind {
                    HoldKind::Sync if over => ended.extend(self.end_open(&open, now).await?),
                    HoldKind::Sync | HoldKind::Queued => {}
                }
            }
        }
        Ok(ended)
    }

    async fn open_runs(&self, shard: u8) -> Result<Vec<Open>, StoreError> {
        let mut runs = Vec::new();
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
            for row in answer.items.unwrap_or_default() {
                runs.push(row::decode("an open run", row)?);
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(runs);
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
        let state = self.live_state(&open.run, now).await?;
        if let Some(state) = state {
            writes.push(interrupted().of_run(table, &open.run, state, now)?);
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
            Transacted::Done if state.is_none() => {
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

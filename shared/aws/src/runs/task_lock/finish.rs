//! Finishing a run and freeing its task.

use jiff::Timestamp;
use muster_core::run::State;
use tracing::error;

use super::rows::{delete_open_run, free_lock};
use super::{Finished, TaskLocks};
use crate::dynamodb::transaction::Transacted;
use crate::error::StoreError;
use crate::runs::ending::{EndedFrom, Ending};
use crate::runs::run::{NewRun, Run};

impl TaskLocks<'_> {
    /// Ends `run`, frees its task and stores the response of its key. Contention from other runs
    /// that request the task must not lose a finished import, so the transaction is retried for
    /// some seconds.
    ///
    /// # Errors
    /// Returns an error if the store request fails; the task's next import, or the sweep, ends the
    /// run as interrupted.
    pub async fn finish(
        self,
        run: &NewRun,
        ending: &Ending,
        now: Timestamp,
    ) -> Result<Finished, StoreError> {
        let table = self.store.tables.control.as_str();
        let mut writes = vec![
            ending.of_run(table, &run.id, EndedFrom::SYNC, now)?,
            free_lock(table, run.task, &run.id)?,
            delete_open_run(table, &run.id)?,
        ];
        if let Some(key) = &run.key {
            writes.push(key.end(table, &run.id, ending.answer.as_ref(), now)?);
        }
        match self.store.transact_retrying(&writes).await {
            Ok(Transacted::Done) => Ok(Finished::Done),
            Ok(Transacted::Cancelled(_)) => match self.store.runs().get(&run.id, now).await? {
                Some(found) if found.has_ended_as(ending, now) => Ok(Finished::Done),
                Some(found) if !found.state.is_terminal() => {
                    error!(
                        import.id = %run.id,
                        task.id = run.task,
                        "an open run had lost its task lock; the task's next import ends the run"
                    );
                    Ok(Finished::EndedByOther)
                }
                Some(_) | None => Ok(Finished::EndedByOther),
            },
            // A response was lost: the run's row shows whether that attempt took effect.
            Err(error @ StoreError::Unanswered(_)) => {
                match self.store.runs().get(&run.id, now).await? {
                    Some(found) if found.has_ended_as(ending, now) => Ok(Finished::Done),
                    Some(found) if found.state.is_terminal() => Ok(Finished::EndedByOther),
                    Some(_) | None => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Ends a background run from the state it was read in, and frees its task.
    ///
    /// # Errors
    /// Returns an error if the store request fails; the sweep then ends the run.
    pub async fn finish_background(
        self,
        run: &Run,
        ending: &Ending,
        now: Timestamp,
    ) -> Result<Finished, StoreError> {
        let table = self.store.tables.control.as_str();
        let mut writes = vec![ending.of_run(table, &run.id, EndedFrom::of(run), now)?];
        // A run that is uploading has neither a lock nor an `OPEN` row.
        if run.state != State::Uploading {
            writes.push(free_lock(table, run.task, &run.id)?);
            writes.push(delete_open_run(table, &run.id)?);
        }
        match self.store.transact_retrying(&writes).await? {
            Transacted::Done => Ok(Finished::Done),
            Transacted::Cancelled(_) => {
                let found = self.store.runs().get(&run.id, now).await?;
                Ok(match found {
                    Some(found) if found.has_ended_as(ending, now) => Finished::Done,
                    _ => Finished::EndedByOther,
                })
            }
        }
    }
}

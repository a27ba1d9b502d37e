//! Hand-over of a synchronous run to background processing (protocol.md#hand-over).

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use muster_core::run::State;

use super::rows::{LOCK, LockTerm, lock_key, put_open_run};
use super::{LockKind, TaskLocks};
use crate::dynamodb::expression::{Condition, UpdateExpression};
use crate::dynamodb::row;
use crate::dynamodb::transaction::Transacted;
use crate::dynamodb::write::Write;
use crate::error::StoreError;
use crate::runs::idempotency::StoredAnswer;
use crate::runs::job::Job;
use crate::runs::run::{self, NewRun};

impl TaskLocks<'_> {
    /// Hands a synchronous run, whose chunks are in the bucket, over to background processing, and
    /// stores the response of its key. Returns false if the run has ended in the meantime.
    ///
    /// # Errors
    /// Returns an error if the store request fails; the run may have been handed over.
    pub async fn hand_over(
        self,
        run: &NewRun,
        job: &Job,
        to: State,
        answer: &StoredAnswer,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let table = self.store.tables.control.as_str();
        let job = &job.entering(to);
        let lock = update_lock(table, run)?;
        let applying = Condition::equals("state", row::encode_value(run::ROW, &State::Applying)?);
        let update = UpdateExpression::new()
            .set("state", row::encode_value(run::ROW, &to)?)
            .set("job", row::encode_value(run::ROW, job)?);
        let updated = Write::update(table, &run::key(&run.id), update)
            .only_if(applying.and(Condition::absent("job")))
            .build()?;
        let mut writes = vec![
            lock,
            updated,
            put_open_run(table, run, LockTerm::Background)?,
        ];
        if let Some(key) = &run.key {
            writes.push(key.end(table, &run.id, Some(answer), now)?);
        }
        match self.store.transact(&writes).await? {
            Transacted::Done => Ok(true),
            // A response was lost, or the run has ended.
            Transacted::Cancelled(_) => {
                let found = self.store.runs().get(&run.id, now).await?;
                Ok(found.is_some_and(|found| found.job.as_ref() == Some(job)))
            }
        }
    }
}

/// Returns the write that turns the lock of a synchronous run into that of a background run.
fn update_lock(table: &str, run: &NewRun) -> Result<TransactWriteItem, StoreError> {
    let kind = |kind| row::encode_value(LOCK, &kind);
    let update = UpdateExpression::new()
        .set("kind", kind(LockKind::Background)?)
        .remove("until")
        .remove("key");
    let owned = Condition::equals("run", row::text(run.id))
        .and(Condition::equals("kind", kind(LockKind::Sync)?));
    Write::update(table, &lock_key(run.task), update)
        .only_if(owned)
        .build()
}

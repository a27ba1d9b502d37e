//! State changes of a background run that do not touch its task lock.

use jiff::Timestamp;
use muster_core::run::State;

use super::job::Job;
use super::run::{NewRun, ROW, Run, Runs, UPLOAD_LIFETIME, key};
use crate::dynamodb::expression::{Condition, UpdateExpression};
use crate::dynamodb::row::{self, EXPIRES_AT};
use crate::dynamodb::transaction::Transacted;
use crate::dynamodb::write::Write;
use crate::error::StoreError;

impl Runs<'_> {
    /// Creates a run whose data the client is about to send. It has no task lock, and expires after
    /// `UPLOAD_LIFETIME` unless it starts.
    ///
    /// # Errors
    /// Returns an error if the store request fails; the run may have been created.
    pub async fn begin_upload(
        self,
        run: &NewRun,
        job: &Job,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let table = self.store.tables.control.as_str();
        let uploading = run.initial(State::Uploading, Some(job.clone()), now);
        let mut attributes = row::encode(ROW, &key(&run.id), &uploading)?;
        let expires_at = row::expiry(row::later(now, UPLOAD_LIFETIME));
        attributes.insert(EXPIRES_AT.to_owned(), row::number(expires_at));
        let put = Write::put(table, attributes).build()?;
        let writes = [put, run.pointer(table, now)?];
        self.store.transact(&writes).await?;
        Ok(())
    }

    /// Moves a background run from the state it was read in to the next one. Returns false if the
    /// run has left that state in the meantime.
    ///
    /// # Errors
    /// Returns an error if the store request fails; the state may have changed.
    pub async fn advance(
        self,
        run: &Run,
        to: State,
        job: &Job,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut job = job.entering(to);
        job.entered_at = row::whole_millis(now);
        job.queued_at = None;
        let table = self.store.tables.control.as_str();
        let from = Condition::equals("state", row::encode_value(ROW, &run.state)?);
        let update = UpdateExpression::new()
            .set("state", row::encode_value(ROW, &to)?)
            .set("job", row::encode_value(ROW, &job)?);
        let written = Write::update(table, &key(&run.id), update)
            .only_if(from.and(Condition::exists("job")))
            .build()?;
        match self.store.transact_retrying(&[written]).await? {
            Transacted::Done => Ok(true),
            Transacted::Cancelled(_) => {
                let found = self.get(&run.id, now).await?;
                Ok(
                    found
                        .is_some_and(|found| found.state == to && found.job.as_ref() == Some(&job)),
                )
            }
        }
    }
}

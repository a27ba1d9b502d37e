//! Holds of runs in the background: taken by an upload that is complete, by a request that asked
//! for it, or by one that ran out of time; freed only with the run's end (PROTOCOL §3.2, §3.4, §8).

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use jiff::Timestamp;
use muster_core::run::State;

use super::rows::{Hold, delete_open, free_lock, lock_key, put_open};
use super::{Acquired, Finished, HoldKind};
use crate::keys::{KeptAnswer, KeyUse};
use crate::row::{self, EXPIRES_AT};
use crate::runs::{self, Ending, From, Job, NewRun, Run};
use crate::transact::Transacted;
use crate::{Store, StoreError};

const WHAT: &str = "a run";

/// How a run comes to hold its task.
pub(super) enum Begin<'b> {
    /// Within a request.
    Sync {
        /// When its hold ends by itself.
        until: Timestamp,
    },
    /// A request whose data are in the bucket, and what its key is answered with.
    Queued {
        job: &'b Job,
        answer: Option<&'b KeptAnswer>,
    },
    /// A run that was uploading until now.
    Uploaded { settings_version: u64 },
}

impl Begin<'_> {
    pub(super) const fn hold(&self) -> Hold {
        match self {
            Self::Sync { until } => Hold::Sync(*until),
            Self::Queued { .. } | Self::Uploaded { .. } => Hold::Queued,
        }
    }

    /// The writes to the run, the first of which is refused if it cannot begin.
    pub(super) fn writes(
        &self,
        table: &str,
        run: &NewRun,
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        Ok(match self {
            Self::Sync { .. } => run.begin(table, State::Applying, None, now)?.into(),
            Self::Queued { job, .. } => {
                let job = Some((*job).clone());
                run.begin(table, State::Checking, job, now)?.into()
            }
            Self::Uploaded { settings_version } => {
                vec![uploaded(table, run, *settings_version, now)?]
            }
        })
    }

    /// Where the writes of an acquire have the key.
    pub(super) const fn key_write(&self) -> usize {
        match self {
            Self::Sync { .. } | Self::Queued { .. } => 4,
            Self::Uploaded { .. } => 3,
        }
    }

    pub(super) fn key(
        &self,
        table: &str,
        key: &KeyUse,
        run: &NewRun,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        match self {
            Self::Sync { until } => key.put(table, &run.id, *until, None, now),
            Self::Queued { answer, .. } => key.put(table, &run.id, now, *answer, now),
            Self::Uploaded { .. } => key.put(table, &run.id, now, None, now),
        }
    }
}

/// An update of a run's row, without its condition.
fn update(
    table: &str,
    run: &runs::RunId,
    expression: &str,
) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
    Update::builder()
        .table_name(table)
        .set_key(Some(runs::key(run).attributes()))
        .update_expression(expression)
}

fn uploaded(
    table: &str,
    run: &NewRun,
    settings_version: u64,
    now: Timestamp,
) -> Result<TransactWriteItem, StoreError> {
    let update = update(
        table,
        &run.id,
        "SET #state = :checking, #job.#version = :version, #job.#acquired = :now, \
         #job.#entered = :now REMOVE #expires_at",
    )
    .condition_expression("#state = :uploading AND #expires_at > :seconds")
    .expression_attribute_names("#state", "state")
    .expression_attribute_names("#job", "job")
    .expression_attribute_names("#version", "settings_version")
    .expression_attribute_names("#acquired", "acquired_at")
    .expression_attribute_names("#entered", "entered_at")
    .expression_attribute_names("#expires_at", EXPIRES_AT)
    .expression_attribute_values(":checking", row::encode_value(WHAT, &State::Checking)?)
    .expression_attribute_values(":uploading", row::encode_value(WHAT, &State::Uploading)?)
    .expression_attribute_values(":version", row::number(settings_version))
    .expression_attribute_values(":now", row::number(now.as_millisecond()))
    .expression_attribute_values(":seconds", row::number(now.as_second()));
    Ok(TransactWriteItem::builder().update(update.build()?).build())
}

impl Store {
    /// Puts down a run whose data the client is about to send. It holds nothing, and is gone after
    /// [`runs::UPLOAD_KEPT`] unless it begins.
    ///
    /// # Errors
    /// What the store says; the run may be there then.
    pub async fn begin_upload(
        &self,
        run: &NewRun,
        job: &Job,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let table = self.tables.control.as_str();
        let begun = run.begun(State::Uploading, Some(job.clone()), now);
        let mut attributes = row::encode(WHAT, &runs::key(&run.id), &begun)?;
        let expires_at = row::expiry(row::later(now, runs::UPLOAD_KEPT));
        attributes.insert(EXPIRES_AT.to_owned(), row::number(expires_at));
        let put = Put::builder()
            .table_name(table)
            .set_item(Some(attributes))
            .build()?;
        let put = TransactWriteItem::builder().put(put).build();
        let writes = [put, run.pointer(table, now)?];
        self.transact(&writes).await?;
        Ok(())
    }

    /// Begins `run` in the background, its data being in the bucket, and answers its key; or does
    /// neither.
    ///
    /// # Errors
    /// As [`Store::acquire`].
    pub async fn acquire_queued(
        &self,
        run: &NewRun,
        job: &Job,
        answer: Option<&KeptAnswer>,
        now: Timestamp,
    ) -> Result<Acquired, StoreError> {
        self.begin(run, &Begin::Queued { job, answer }, now).await
    }

    /// Begins a run whose upload is complete, with the settings of that version.
    ///
    /// # Errors
    /// As [`Store::acquire`].
    pub async fn acquire_uploaded(
        &self,
        run: &NewRun,
        settings_version: u64,
        now: Timestamp,
    ) -> Result<Acquired, StoreError> {
        self.begin(run, &Begin::Uploaded { settings_version }, now)
            .await
    }

    /// Hands a run within a request over to the background: its chunks are in the bucket, and its
    /// key is answered. `false`: it has been ended meanwhile.
    ///
    /// # Errors
    /// What the store says; then it is open which of the two it is.
    pub async fn hand_over(
        &self,
        run: &NewRun,
        job: &Job,
        to: State,
        answer: &KeptAnswer,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let table = self.tables.control.as_str();
        let job = &job.entering(to);
        let held = update_lock(table, run)?;
        let handed = update(table, &run.id, "SET #state = :to, #job = :job")
            .condition_expression("#state = :applying AND attribute_not_exists(#job)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#job", "job")
            .expression_attribute_values(":to", row::encode_value(WHAT, &to)?)
            .expression_attribute_values(":applying", row::encode_value(WHAT, &State::Applying)?)
            .expression_attribute_values(":job", row::encode_value(WHAT, job)?);
        let handed = TransactWriteItem::builder().update(handed.build()?).build();
        let mut writes = vec![held, handed, put_open(table, run, Hold::Queued)?];
        if let Some(key) = &run.key {
            writes.push(key.end(table, &run.id, Some(answer), now)?);
        }
        match self.transact(&writes).await? {
            Transacted::Done => Ok(true),
            // An answer was lost, or the run was ended.
            Transacted::Cancelled(_) => {
                let found = self.get_run(&run.id, now).await?;
                Ok(found.is_some_and(|found| found.job.as_ref() == Some(job)))
            }
        }
    }

    /// Ends a run in the background from the state it was read in, and frees its task.
    ///
    /// # Errors
    /// What the store says; the sweep ends it then.
    pub async fn finish_queued(
        &self,
        run: &Run,
        ending: &Ending,
        now: Timestamp,
    ) -> Result<Finished, StoreError> {
        let table = self.tables.control.as_str();
        let mut writes = vec![ending.of_run(table, &run.id, From::of(run), now)?];
        // A run that is uploading holds nothing.
        if run.state != State::Uploading {
            writes.push(free_lock(table, run.task, &run.id)?);
            writes.push(delete_open(table, &run.id)?);
        }
        match self.transact_stubbornly(&writes).await? {
            Transacted::Done => Ok(Finished::Done),
            Transacted::Cancelled(_) => {
                let found = self.get_run(&run.id, now).await?;
                Ok(match found {
                    Some(found) if found.has_ended_as(ending, now) => Finished::Done,
                    _ => Finished::EndedByOther,
                })
            }
        }
    }

    /// Takes a run in the background from the state it was read in to the next one. `false`: it is
    /// in another state by now.
    ///
    /// # Errors
    /// What the store says; then either may be.
    pub async fn advance(
        &self,
        run: &Run,
        to: State,
        job: &Job,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut job = job.entering(to);
        job.entered_at = row::whole_millis(now);
        job.queued_at = None;
        let table = self.tables.control.as_str();
        let written = update(table, &run.id, "SET #state = :to, #job = :job")
            .condition_expression("#state = :from AND attribute_exists(#job)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#job", "job")
            .expression_attribute_values(":from", row::encode_value(WHAT, &run.state)?)
            .expression_attribute_values(":to", row::encode_value(WHAT, &to)?)
            .expression_attribute_values(":job", row::encode_value(WHAT, &job)?);
        let written = TransactWriteItem::builder()
            .update(written.build()?)
            .build();
        match self.transact_stubbornly(&[written]).await? {
            Transacted::Done => Ok(true),
            Transacted::Cancelled(_) => {
                let found = self.get_run(&run.id, now).await?;
                Ok(
                    found
                        .is_some_and(|found| found.state == to && found.job.as_ref() == Some(&job)),
                )
            }
        }
    }
}

fn update_lock(table: &str, run: &NewRun) -> Result<TransactWriteItem, StoreError> {
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(lock_key(run.task).attributes()))
        .update_expression("SET #kind = :queued REMOVE #until, #key")
        .condition_expression("#run = :run AND #kind = :sync")
        .expression_attribute_names("#run", "run")
        .expression_attribute_names("#kind", "kind")
        .expression_attribute_names("#until", "until")
        .expression_attribute_names("#key", "key")
        .expression_attribute_values(":run", row::text(run.id))
        .expression_attribute_values(":queued", row::encode_value("a hold", &HoldKind::Queued)?)
        .expression_attribute_values(":sync", row::encode_value("a hold", &HoldKind::Sync)?);
    Ok(TransactWriteItem::builder().update(update.build()?).build())
}

//! Runs as shown in the execution log (contract.md#execution-log), and the pointers that list a
//! tenant's runs. A run is created and ended together with its lock, in [`crate::runs::task_lock`];
//! this module reads runs, and records those that are refused before they start.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use muster_core::run::{Counts, State, Status};
use serde::{Deserialize, Serialize};

use super::id::RunId;
use super::idempotency::{KeyUse, StoredAnswer};
use super::job::Job;
use crate::dynamodb::expression::{Condition, UpdateExpression};
use crate::dynamodb::row::{self, EXPIRES_AT, Key, millis, millis_option};
use crate::dynamodb::transaction::{Transacted, refusing_row};
use crate::dynamodb::write::Write;
use crate::error::StoreError;
use crate::store::Store;

/// Lifetime of a run after its end.
pub(super) const RUN_LIFETIME: Duration = Duration::from_secs(90 * 24 * 3_600);
/// Lifetime of rows written while a run goes on. They must outlive the run, and no run lasts a
/// week.
pub(super) const ROW_LIFETIME: Duration = Duration::from_secs(97 * 24 * 3_600);
/// Time that a client has to send its data.
pub(super) const UPLOAD_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Maximum bytes of a run's error messages; DynamoDB limits a row to 400 KB.
const MAX_ERROR_BYTES: usize = 200_000;
pub(super) const ROW: &str = "a run";

/// A run that is about to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Id of the run.
    pub id: RunId,
    /// Tenant whose users it imports.
    pub tenant: String,
    /// Id of its task.
    pub task: u64,
    /// Name of the robot that started it.
    pub robot: String,
    /// Size of the request body or the upload, in bytes.
    pub size: u64,
    /// True for a dry run.
    pub dry_run: bool,
    /// Idempotency key of its request.
    pub key: Option<KeyUse>,
}

/// A run as shown in the execution log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Id of the run.
    pub id: RunId,
    /// Tenant whose users it imports.
    pub tenant: String,
    /// Id of its task.
    pub task: u64,
    /// Name of the robot that started it.
    pub robot: String,
    /// Start time.
    #[serde(with = "millis")]
    pub started_at: Timestamp,
    /// End time.
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub ended_at: Option<Timestamp>,
    /// Size of the request body or the upload, in bytes.
    pub size: u64,
    /// True for a dry run.
    pub dry_run: bool,
    /// Current state.
    pub state: State,
    /// Status; absent until the run has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Counts of its records; absent if not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// Number of items by code.
    #[serde(default)]
    pub item_counts: BTreeMap<String, u64>,
    /// Error messages.
    #[serde(default)]
    pub errors: Vec<String>,
    /// Data of a background run; absent for a synchronous run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
}

row::codec!(Run);

/// Ending of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Terminal state.
    pub state: State,
    /// Status.
    pub status: Status,
    /// Counts of its records; absent if not known.
    pub counts: Option<Counts>,
    /// Number of items by code.
    pub item_counts: BTreeMap<String, u64>,
    /// Error messages.
    pub errors: Vec<String>,
    /// Response to store under its idempotency key; if absent, the key is deleted.
    pub answer: Option<StoredAnswer>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Pointer {
    pub(super) run: RunId,
    expires_at: i64,
}

row::codec!(Pointer);

/// The state and kind that a run must still have when it is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EndedFrom {
    state: State,
    background: bool,
}

impl EndedFrom {
    /// State of a synchronous run.
    pub(super) const SYNC: Self = Self {
        state: State::Applying,
        background: false,
    };

    /// Returns the state of a run as it was read.
    pub(super) const fn of(run: &Run) -> Self {
        Self {
            state: run.state,
            background: run.job.is_some(),
        }
    }

    fn condition(self) -> Result<Condition, StoreError> {
        let state = Condition::equals("state", row::encode_value(ROW, &self.state)?);
        Ok(state.and(if self.background {
            Condition::exists("job")
        } else {
            Condition::absent("job")
        }))
    }
}

impl NewRun {
    /// Returns the run in its initial state.
    pub(super) fn initial(&self, state: State, job: Option<Job>, now: Timestamp) -> Run {
        let Self {
            id,
            tenant,
            task,
            robot,
            size,
            dry_run,
            key: _,
        } = self;
        Run {
            id: *id,
            tenant: tenant.clone(),
            task: *task,
            robot: robot.clone(),
            started_at: row::whole_millis(now),
            ended_at: None,
            size: *size,
            dry_run: *dry_run,
            state,
            status: None,
            counts: None,
            item_counts: BTreeMap::new(),
            errors: Vec::new(),
            job,
        }
    }

    /// Returns the writes of the run's row, refused if it exists, and of its pointer.
    pub(super) fn begin(
        &self,
        table: &str,
        state: State,
        job: Option<Job>,
        now: Timestamp,
    ) -> Result<[TransactWriteItem; 2], StoreError> {
        let row = row::encode(ROW, &key(&self.id), &self.initial(state, job, now))?;
        Ok([
            Write::put_new(table, row).build()?,
            self.pointer(table, now)?,
        ])
    }

    pub(super) fn pointer(
        &self,
        table: &str,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let pointer = Pointer {
            run: self.id,
            expires_at: row::expiry(row::later(now, ROW_LIFETIME)),
        };
        let key = Key::new(log_pk(&self.tenant), self.id.to_string());
        Write::put(table, row::encode("a run's pointer", &key, &pointer)?).build()
    }
}

impl Run {
    /// Returns this run with its ending.
    fn ended(mut self, ending: &Ending, now: Timestamp) -> Self {
        let Ending {
            state,
            status,
            counts,
            item_counts,
            errors,
            answer: _,
        } = ending;
        self.state = *state;
        self.ended_at = Some(row::whole_millis(now));
        self.status = Some(*status);
        self.counts = *counts;
        self.item_counts.clone_from(item_counts);
        self.errors = truncate_errors(errors);
        self
    }

    /// Returns true if the run ended with exactly this ending at `now`.
    pub(super) fn has_ended_as(&self, ending: &Ending, now: Timestamp) -> bool {
        *self == self.clone().ended(ending, now)
    }
}

impl Ending {
    /// Returns the write that ends a run, if it is still in state `from`, and sets the expiry of
    /// its row.
    pub(super) fn of_run(
        &self,
        table: &str,
        run: &RunId,
        from: EndedFrom,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let Self {
            state,
            status,
            counts,
            item_counts,
            errors,
            answer: _,
        } = self;
        let mut update = UpdateExpression::new()
            .set("state", row::encode_value(ROW, state)?)
            .set("status", row::encode_value(ROW, status)?)
            .set("ended_at", row::number(now.as_millisecond()))
            .set("item_counts", row::encode_value(ROW, item_counts)?)
            .set("errors", row::encode_value(ROW, &truncate_errors(errors))?)
            .set(EXPIRES_AT, row::number(run_expiry(now)));
        if let Some(counts) = counts {
            update = update.set("counts", row::encode_value(ROW, counts)?);
        }
        Write::update(table, &key(run), update)
            .only_if(from.condition()?)
            .returning_refusing_row()
            .build()
    }
}

fn run_expiry(ended_at: Timestamp) -> i64 {
    row::expiry(row::later(ended_at, RUN_LIFETIME))
}

/// Returns the messages that fit into a row, and the number of omitted ones as the last message.
fn truncate_errors(errors: &[String]) -> Vec<String> {
    let mut room = MAX_ERROR_BYTES;
    let mut kept = Vec::new();
    for error in errors {
        if error.len() > room {
            let more = errors.len() - kept.len();
            kept.push(format!("{more} more messages were omitted"));
            break;
        }
        room -= error.len();
        kept.push(error.clone());
    }
    kept
}

pub(super) fn key(run: &RunId) -> Key {
    Key::new(format!("RUN#{run}"), "RUN")
}

pub(super) fn log_pk(tenant: &str) -> String {
    format!("LOG#{tenant}")
}

/// Handle of the runs of all tenants.
#[derive(Debug, Clone, Copy)]
pub struct Runs<'s> {
    pub(super) store: &'s Store,
}

impl Store {
    /// Returns the handle of the runs.
    #[must_use]
    pub const fn runs(&self) -> Runs<'_> {
        Runs { store: self }
    }
}

impl Runs<'_> {
    /// Records a run that ends before it starts, such as a request refused for its task's settings.
    /// It never has a task lock. Repeating a call changes nothing.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn record_ended(
        self,
        run: &NewRun,
        ending: &Ending,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let table = &self.store.tables.control;
        let ended = run.initial(State::Applying, None, now).ended(ending, now);
        let mut row = row::encode(ROW, &key(&run.id), &ended)?;
        row.insert(EXPIRES_AT.to_owned(), row::number(run_expiry(now)));
        let writes = [
            Write::put_new(table, row).build()?,
            run.pointer(table, now)?,
        ];
        match self.store.transact(&writes).await? {
            Transacted::Done => Ok(()),
            // A response was lost, or the id is used twice.
            Transacted::Cancelled(reasons) => match refusing_row(&reasons, 0) {
                Some(found) if row::decode::<Run>(ROW, found.clone())? == ended => Ok(()),
                _ => Err(StoreError::Row {
                    row: ROW,
                    reason: "another run has this id".to_owned(),
                }),
            },
        }
    }

    /// Returns the run with this id, of any tenant.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn get(self, id: &RunId, now: Timestamp) -> Result<Option<Run>, StoreError> {
        self.store.read_row(ROW, &key(id), now).await
    }

    /// Returns the run with this id if it belongs to the tenant.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn find(
        self,
        tenant: &str,
        id: &RunId,
        now: Timestamp,
    ) -> Result<Option<Run>, StoreError> {
        let run = self.get(id, now).await?;
        Ok(run.filter(|run| run.tenant == tenant))
    }

    /// Returns the run with this id if it has not ended.
    pub(super) async fn get_unended(
        self,
        id: &RunId,
        now: Timestamp,
    ) -> Result<Option<Run>, StoreError> {
        let run = self.get(id, now).await?;
        Ok(run.filter(|run| !run.state.is_terminal()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excess_error_messages_are_omitted_and_counted() {
        let errors = vec!["x".repeat(90_000); 5];
        let kept = truncate_errors(&errors);
        assert_eq!(kept.len(), 3);
        assert_eq!(kept[2], "3 more messages were omitted");
        assert_eq!(truncate_errors(&errors[..2]), errors[..2]);
    }
}

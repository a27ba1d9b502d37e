//! Runs as the execution log shows them (CONTRACT §1), and the pointers that list a tenant's runs.
//! A run is made and ended together with its hold, in [`crate::holds`]; here it is read, and put
//! down when it ends before it begins.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{
    Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use jiff::Timestamp;
use muster_core::run::{Counts, State, Status};
use serde::{Deserialize, Serialize};

use crate::keys::{KeptAnswer, KeyUse};
use crate::row::{self, Attributes, Key, millis, millis_option};
use crate::transact::{Transacted, found};
use crate::{Store, StoreError};

mod checking;
mod id;
mod job;
mod list;

pub use id::RunId;
pub(crate) use id::{SHARDS, time_ordered};
pub use job::{Chunked, Job, Read, Source, Stopped, Upload};
pub use list::{ListedRun, RunFilter, RunPage, Standing};
pub use muster_core::reader::{Compression, Format};

/// How long a run is kept after its end.
pub const KEPT: Duration = Duration::from_secs(90 * 24 * 3_600);
/// What is written while a run goes on must outlive it; no run lasts a week.
pub(crate) const KEPT_ROWS: Duration = Duration::from_secs(97 * 24 * 3_600);
/// How long a client may take to send its data.
pub const UPLOAD_KEPT: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Bytes of the error messages of one run; a row ends at 400 KB.
const ERROR_BYTES: usize = 200_000;
const WHAT: &str = "a run";

/// A run that is about to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Its name.
    pub id: RunId,
    /// The tenant whose users it imports.
    pub tenant: String,
    /// The task it executes.
    pub task: u64,
    /// The robot that asked for it.
    pub robot: String,
    /// Bytes of the request's body.
    pub size: u64,
    /// Whether it only plans.
    pub dry_run: bool,
    /// The idempotency key it begins under.
    pub key: Option<KeyUse>,
}

/// A run as the execution log shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// The tenant whose users it imports.
    pub tenant: String,
    /// The task it executes.
    pub task: u64,
    /// The robot that asked for it.
    pub robot: String,
    /// When it began.
    #[serde(with = "millis")]
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub ended_at: Option<Timestamp>,
    /// Bytes of the request's body.
    pub size: u64,
    /// Whether it only plans.
    pub dry_run: bool,
    /// Where it stands.
    pub state: State,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// What became of its records; absent: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// How many items it has, by code.
    #[serde(default)]
    pub item_counts: BTreeMap<String, u64>,
    /// Why it failed.
    #[serde(default)]
    pub errors: Vec<String>,
    /// What a run in the background remembers; absent: it is one within a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
}

/// How a run ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Its last state.
    pub state: State,
    /// In one word.
    pub status: Status,
    /// What became of its records; absent: not known.
    pub counts: Option<Counts>,
    /// How many items it has, by code.
    pub item_counts: BTreeMap<String, u64>,
    /// Why it failed.
    pub errors: Vec<String>,
    /// What its idempotency key is answered with from now on; absent: the key is free again.
    pub answer: Option<KeptAnswer>,
}

#[derive(Serialize, Deserialize)]
struct Pointer {
    run: RunId,
    expires_at: i64,
}

/// The state that a run is ended from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct From {
    state: State,
    background: bool,
}

impl From {
    /// Of a run within a request.
    pub(crate) const SYNC: Self = Self {
        state: State::Applying,
        background: false,
    };

    /// As it was read.
    pub(crate) const fn of(run: &Run) -> Self {
        Self {
            state: run.state,
            background: run.job.is_some(),
        }
    }

    /// On `#state`, `:from` and `#job`.
    const fn condition(self) -> &'static str {
        if self.background {
            "#state = :from AND attribute_exists(#job)"
        } else {
            "#state = :from AND attribute_not_exists(#job)"
        }
    }
}

impl NewRun {
    /// The run, in its first state.
    pub(crate) fn begun(&self, state: State, job: Option<Job>, now: Timestamp) -> Run {
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

    /// The run's first row, put where there is none, and its pointer.
    pub(crate) fn begin(
        &self,
        table: &str,
        state: State,
        job: Option<Job>,
        now: Timestamp,
    ) -> Result<[TransactWriteItem; 2], StoreError> {
        let row = row::encode(WHAT, &key(&self.id), &self.begun(state, job, now))?;
        Ok([put_run(table, row)?, self.pointer(table, now)?])
    }

    pub(crate) fn pointer(
        &self,
        table: &str,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let pointer = Pointer {
            run: self.id,
            expires_at: row::expiry(row::later(now, KEPT_ROWS)),
        };
        let key = Key::new(log(&self.tenant), self.id.to_string());
        let put = Put::builder()
            .table_name(table)
            .set_item(Some(row::encode("a run's pointer", &key, &pointer)?))
            .build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

impl Run {
    /// This run, ended.
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
        self.errors = fitting(errors);
        self
    }

    /// Whether it ended just so, and then.
    pub(crate) fn has_ended_as(&self, ending: &Ending, now: Timestamp) -> bool {
        *self == self.clone().ended(ending, now)
    }
}

impl Ending {
    /// Ends a run that is in state `from`, in the background or not, and lets its row expire.
    pub(crate) fn of_run(
        &self,
        table: &str,
        run: &RunId,
        from: From,
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
        let counts_set = if counts.is_some() {
            ", #counts = :counts"
        } else {
            ""
        };
        let mut update = Update::builder()
            .table_name(table)
            .set_key(Some(key(run).attributes()))
            .update_expression(format!(
                "SET #state = :finished, #status = :status, #ended_at = :now, \
                 #item_counts = :item_counts, #errors = :errors, #expires_at = :expires_at\
                 {counts_set}"
            ))
            .condition_expression(from.condition())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (placeholder, name) in [
            ("#state", "state"),
            ("#job", "job"),
            ("#status", "status"),
            ("#ended_at", "ended_at"),
            ("#item_counts", "item_counts"),
            ("#errors", "errors"),
            ("#expires_at", row::EXPIRES_AT),
        ] {
            update = update.expression_attribute_names(placeholder, name);
        }
        if let Some(counts) = counts {
            update = update
                .expression_attribute_names("#counts", "counts")
                .expression_attribute_values(":counts", row::encode_value(WHAT, counts)?);
        }
        let update = update
            .expression_attribute_values(":from", row::encode_value(WHAT, &from.state)?)
            .expression_attribute_values(":finished", row::encode_value(WHAT, state)?)
            .expression_attribute_values(":status", row::encode_value(WHAT, status)?)
            .expression_attribute_values(":now", row::number(now.as_millisecond()))
            .expression_attribute_values(":item_counts", row::encode_value(WHAT, item_counts)?)
            .expression_attribute_values(":errors", row::encode_value(WHAT, &fitting(errors))?)
            .expression_attribute_values(":expires_at", row::number(run_expiry(now)))
            .build()?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

fn run_expiry(ended_at: Timestamp) -> i64 {
    row::expiry(row::later(ended_at, KEPT))
}

/// As many messages as a row has room for, and how many more there were.
fn fitting(errors: &[String]) -> Vec<String> {
    let mut room = ERROR_BYTES;
    let mut kept = Vec::new();
    for error in errors {
        if error.len() > room {
            let more = errors.len() - kept.len();
            kept.push(format!("{more} more messages are not kept"));
            break;
        }
        room -= error.len();
        kept.push(error.clone());
    }
    kept
}

pub(crate) fn key(run: &RunId) -> Key {
    Key::new(format!("RUN#{run}"), "RUN")
}

fn log(tenant: &str) -> String {
    format!("LOG#{tenant}")
}

fn put_run(table: &str, row: Attributes) -> Result<TransactWriteItem, StoreError> {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(row))
        .condition_expression("attribute_not_exists(pk)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()?;
    Ok(TransactWriteItem::builder().put(put).build())
}

impl Store {
    /// Puts down a run that ends before it begins, such as a request refused for its task's
    /// settings: it holds nothing. Repeating it changes nothing.
    ///
    /// # Errors
    /// What the store says.
    pub async fn record_ended_run(
        &self,
        run: &NewRun,
        ending: &Ending,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let table = &self.tables.control;
        let ended = run.begun(State::Applying, None, now).ended(ending, now);
        let mut row = row::encode(WHAT, &key(&run.id), &ended)?;
        row.insert(row::EXPIRES_AT.to_owned(), row::number(run_expiry(now)));
        let writes = [put_run(table, row)?, run.pointer(table, now)?];
        match self.transact(&writes).await? {
            Transacted::Done => Ok(()),
            // An answer was lost, or the id is used twice.
            Transacted::Cancelled(reasons) => match found(&reasons, 0) {
                Some(found) if row::decode::<Run>(WHAT, found.clone())? == ended => Ok(()),
                _ => Err(StoreError::Row {
                    row: WHAT,
                    reason: "another run has this id".to_owned(),
                }),
            },
        }
    }

    /// The run with this id, whosoever it is.
    ///
    /// # Errors
    /// What the store says.
    pub async fn get_run(&self, id: &RunId, now: Timestamp) -> Result<Option<Run>, StoreError> {
        self.read_row(WHAT, &key(id), now).await
    }

    /// The run with this id, if it is the tenant's.
    ///
    /// # Errors
    /// What the store says.
    pub async fn tenant_run(
        &self,
        tenant: &str,
        id: &RunId,
        now: Timestamp,
    ) -> Result<Option<Run>, StoreError> {
        let run = self.get_run(id, now).await?;
        Ok(run.filter(|run| run.tenant == tenant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_messages_are_cut_and_counted() {
        let errors = vec!["x".repeat(90_000); 5];
        let kept = fitting(&errors);
        assert_eq!(kept.len(), 3);
        assert_eq!(kept[2], "3 more messages are not kept");
        assert_eq!(fitting(&errors[..2]), errors[..2]);
    }
}

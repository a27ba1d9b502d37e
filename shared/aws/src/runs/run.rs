//! Runs as shown in the execution log (contract.md#execution-log), and the pointers that list a
//! tenant's runs. A run is created and ended together with its lock, in [`crate::runs::task_lock`].

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use muster_core::run::{Counts, State, Status};
use serde::{Deserialize, Serialize};

use super::id::RunId;
use super::idempotency::KeyUse;
use super::job::Job;
use super::undo::RecordNumbers;
use crate::dynamodb::row::{self, Key, millis, millis_option};
use crate::dynamodb::write::Write;
use crate::error::StoreError;
use crate::store::Store;

/// Lifetime of rows written while a run goes on. They must outlive the run, and no run lasts a
/// week.
pub(super) const ROW_LIFETIME: Duration = Duration::from_secs(97 * 24 * 3_600);
/// Time that a client has to send its data.
pub(super) const UPLOAD_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3_600);
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
    /// True if it is not judged by the safety threshold of its task.
    pub threshold_overridden: bool,
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
    /// True if it is not judged by the safety threshold of its task, at the request of its robot.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub threshold_overridden: bool,
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
    /// Time until which a statement of the ended run may still be under way; absent if every
    /// statement has been answered, or would be refused.
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub rests_until: Option<Timestamp>,
    /// Time until which the values before the run are kept for an undo; absent if there are none.
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub undo_until: Option<Timestamp>,
    /// The records that a synchronous run has written, if they can be undone.
    #[serde(default, skip_serializing_if = "RecordNumbers::is_empty")]
    pub applied: RecordNumbers,
}

row::codec!(Run);

#[derive(Serialize, Deserialize)]
pub(super) struct Pointer {
    pub(super) run: RunId,
    expires_at: i64,
}

row::codec!(Pointer);

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
            threshold_overridden,
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
            threshold_overridden: *threshold_overridden,
            state,
            status: None,
            counts: None,
            item_counts: BTreeMap::new(),
            errors: Vec::new(),
            job,
            rests_until: None,
            undo_until: None,
            applied: RecordNumbers::default(),
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
    /// Returns true if no statement of this run can be executed any more, so that its dangling claims
    /// may be taken over (protocol.md#claims).
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.state.is_terminal() && self.rests_until.is_none_or(|until| until <= now)
    }
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

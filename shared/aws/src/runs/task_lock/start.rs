//! Start of a run, together with the acquisition of its task lock.

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use muster_core::run::State;

use super::rows::LockTerm;
use crate::dynamodb::expression::{Condition, UpdateExpression};
use crate::dynamodb::row::{self, EXPIRES_AT};
use crate::dynamodb::write::Write;
use crate::error::StoreError;
use crate::runs::idempotency::{KeyUse, StoredAnswer};
use crate::runs::job::Job;
use crate::runs::run::{self, NewRun};

/// How a run starts: its first state, and the term of its lock.
pub(super) enum Start<'b> {
    /// As a synchronous run.
    Sync {
        /// Expiry of its lock.
        until: Timestamp,
    },
    /// As a background run: a request whose data are in the bucket, and the response of its key.
    Background {
        job: &'b Job,
        answer: Option<&'b StoredAnswer>,
    },
    /// As a background run whose upload is complete.
    Uploaded { settings_version: u64 },
}

impl Start<'_> {
    pub(super) const fn term(&self) -> LockTerm {
        match self {
            Self::Sync { until } => LockTerm::Sync(*until),
            Self::Background { .. } | Self::Uploaded { .. } => LockTerm::Background,
        }
    }

    /// Returns the writes to the run; the first is refused if the run cannot start.
    pub(super) fn writes(
        &self,
        table: &str,
        run: &NewRun,
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        Ok(match self {
            Self::Sync { .. } => run.begin(table, State::Applying, None, now)?.into(),
            Self::Background { job, .. } => {
                let job = Some((*job).clone());
                run.begin(table, State::Checking, job, now)?.into()
            }
            Self::Uploaded { settings_version } => {
                vec![uploaded(table, run, *settings_version, now)?]
            }
        })
    }

    /// Returns the index of the key's write among the writes of an acquire.
    pub(super) const fn key_write(&self) -> usize {
        match self {
            Self::Sync { .. } | Self::Background { .. } => 4,
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
            Self::Background { answer, .. } => key.put(table, &run.id, now, *answer, now),
            Self::Uploaded { .. } => key.put(table, &run.id, now, None, now),
        }
    }
}

/// Returns the write that starts a run whose upload is complete, unless the run has expired.
fn uploaded(
    table: &str,
    run: &NewRun,
    settings_version: u64,
    now: Timestamp,
) -> Result<TransactWriteItem, StoreError> {
    let millis = || row::number(now.as_millisecond());
    let state = |state| row::encode_value(run::ROW, &state);
    let update = UpdateExpression::new()
        .set("state", state(State::Checking)?)
        .set("job.settings_version", row::number(settings_version))
        .set("job.acquired_at", millis())
        .set("job.entered_at", millis())
        .remove(EXPIRES_AT);
    let uploading = Condition::equals("state", state(State::Uploading)?);
    let live = Condition::greater_than(EXPIRES_AT, row::number(now.as_second()));
    Write::update(table, &run::key(&run.id), update)
        .only_if(uploading.and(live))
        .build()
}

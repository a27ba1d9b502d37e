//! Rows of a task lock, and the writes that create and delete them.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use muster_core::run::{State, Status};
use serde::{Deserialize, Serialize};

use super::{Acquired, LockKind};
use crate::dynamodb::expression::Condition;
use crate::dynamodb::row::{self, Key, millis_option};
use crate::dynamodb::write::Write;
use crate::error::StoreError;
use crate::runs::ending::{EndedFrom, Ending};
use crate::runs::id::RunId;
use crate::runs::idempotency;
use crate::runs::run::{NewRun, Run};

/// Names the lock row in errors.
pub(super) const LOCK: &str = "a task lock";
/// Names the `OPEN` row in errors.
pub(super) const OPEN_RUN: &str = "an open run";
/// Error message of an interrupted run.
pub const INTERRUPTED: &str =
    "The import was interrupted; part of it may have been applied. Send it again.";
/// Error message of an interrupted dry run.
pub const INTERRUPTED_DRY_RUN: &str =
    "The dry run was interrupted; nothing was applied. Send it again.";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lock {
    pub(super) run: RunId,
    kind: LockKind,
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    until: Option<Timestamp>,
    /// Idempotency key that is deleted if the run ends as interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
}

row::codec!(Lock);

impl Lock {
    pub(super) fn held(&self) -> Acquired {
        Acquired::Held {
            kind: self.kind,
            until: self.until,
        }
    }

    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        match self.kind {
            LockKind::Sync => self.until.is_some_and(|until| until <= now),
            LockKind::Background => false,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OpenRow {
    pub(super) run: RunId,
    pub(super) task: u64,
    pub(super) kind: LockKind,
    /// Expiry of its lock; absent if it never expires.
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) until: Option<Timestamp>,
    /// See [`Lock::key`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
}

row::codec!(OpenRow);

pub(super) fn lock_key(task: u64) -> Key {
    Key::new(format!("LOCK#{task}"), "LOCK")
}

pub(super) fn open_run_key(run: &RunId) -> Key {
    Key::new(format!("OPEN#{}", run.shard()), run.to_string())
}

/// The term of a lock.
#[derive(Debug, Clone, Copy)]
pub(super) enum LockTerm {
    /// Of a synchronous run, until this time.
    Sync(Timestamp),
    /// Of a background run, until the run ends.
    Background,
}

impl LockTerm {
    const fn kind(self) -> LockKind {
        match self {
            Self::Sync(_) => LockKind::Sync,
            Self::Background => LockKind::Background,
        }
    }

    const fn until(self) -> Option<Timestamp> {
        match self {
            Self::Sync(until) => Some(until),
            Self::Background => None,
        }
    }

    /// Returns the key that is deleted if the run ends as interrupted. The key of a background run
    /// has its response from the start, and keeps it.
    fn key(self, run: &NewRun) -> Option<String> {
        match self {
            Self::Sync(_) => run.key.as_ref().map(|key| key.name().to_owned()),
            Self::Background => None,
        }
    }
}

/// Returns the writes that end a run whose function is gone, and free its key. Users that it wrote
/// stay written; the run has no counts.
pub(super) fn interrupt(
    table: &str,
    run: &Run,
    key: Option<&str>,
    now: Timestamp,
) -> Result<Vec<TransactWriteItem>, StoreError> {
    let ending = Ending {
        state: State::Finished,
        status: Status::Failure,
        counts: None,
        item_counts: BTreeMap::new(),
        errors: vec![interrupted(run.dry_run).to_owned()],
        answer: None,
        unanswered: true,
        undo: None,
    };
    let mut writes = vec![ending.of_run(table, &run.id, EndedFrom::of(run), now)?];
    if let Some(key) = key {
        writes.push(idempotency::delete(table, key)?);
    }
    Ok(writes)
}

/// Returns the error message of an interrupted run.
#[must_use]
pub const fn interrupted(dry_run: bool) -> &'static str {
    if dry_run {
        INTERRUPTED_DRY_RUN
    } else {
        INTERRUPTED
    }
}

pub(super) fn take_lock(
    table: &str,
    run: &NewRun,
    old: Option<&Lock>,
    term: LockTerm,
) -> Result<TransactWriteItem, StoreError> {
    let lock = Lock {
        run: run.id,
        kind: term.kind(),
        until: term.until(),
        key: term.key(run),
    };
    let free = match old.and_then(|old| Some((old, old.until?))) {
        None => Condition::row_absent(),
        Some((old, until)) => Condition::equals("run", row::text(old.run))
            .and(Condition::equals(
                "kind",
                row::encode_value(LOCK, &old.kind)?,
            ))
            .and(Condition::equals(
                "until",
                row::number(until.as_millisecond()),
            )),
    };
    Write::put(table, row::encode(LOCK, &lock_key(run.task), &lock)?)
        .only_if(free)
        .returning_refusing_row()
        .build()
}

/// Returns the write that lists a run as open.
pub(super) fn put_open_run(
    table: &str,
    run: &NewRun,
    term: LockTerm,
) -> Result<TransactWriteItem, StoreError> {
    let open = OpenRow {
        run: run.id,
        task: run.task,
        kind: term.kind(),
        until: term.until(),
        key: term.key(run),
    };
    Write::put(table, row::encode(OPEN_RUN, &open_run_key(&run.id), &open)?).build()
}

/// Returns the write that frees a task if `run` has its lock.
pub(super) fn free_lock(
    table: &str,
    task: u64,
    run: &RunId,
) -> Result<TransactWriteItem, StoreError> {
    Write::delete(table, &lock_key(task))
        .only_if(Condition::equals("run", row::text(run.to_string())))
        .build()
}

/// Returns the write that removes a run from the list of open runs.
pub(super) fn delete_open_run(table: &str, run: &RunId) -> Result<TransactWriteItem, StoreError> {
    Write::delete(table, &open_run_key(run)).build()
}

//! The rows of a hold, and the writes that make and delete them.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use jiff::Timestamp;
use muster_core::run::{State, Status};
use serde::{Deserialize, Serialize};

use super::{Acquired, HoldKind};
use crate::StoreError;
use crate::keys;
use crate::row::{self, Attributes, Key, millis_option};
use crate::runs::{Ending, From, NewRun, Run, RunId};

/// What an interrupted run says of itself.
pub const INTERRUPTED: &str =
    "The import was interrupted; part of it may have been applied. Send it again.";
/// The same of a dry run.
pub const INTERRUPTED_DRY_RUN: &str =
    "The dry run was interrupted; nothing was applied. Send it again.";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lock {
    pub(super) run: RunId,
    kind: HoldKind,
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    until: Option<Timestamp>,
    /// The key that goes with the run, if it does not end by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
}

impl Lock {
    pub(super) fn held(&self) -> Acquired {
        Acquired::Held {
            kind: self.kind,
            until: self.until,
        }
    }

    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        match self.kind {
            HoldKind::Sync => self.until.is_some_and(|until| until <= now),
            HoldKind::Queued => false,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Open {
    pub(super) run: RunId,
    pub(super) task: u64,
    pub(super) kind: HoldKind,
    /// When its hold ends by itself; absent: never.
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) until: Option<Timestamp>,
    /// As in [`Lock`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
}

pub(super) fn lock_key(task: u64) -> Key {
    Key::new(format!("LOCK#{task}"), "LOCK")
}

pub(super) fn open_key(run: &RunId) -> Key {
    Key::new(format!("OPEN#{}", run.shard()), run.to_string())
}

/// How a run holds its task.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hold {
    /// Within a request, until then.
    Sync(Timestamp),
    /// In the background, until it ends.
    Queued,
}

impl Hold {
    const fn kind(self) -> HoldKind {
        match self {
            Self::Sync(_) => HoldKind::Sync,
            Self::Queued => HoldKind::Queued,
        }
    }

    const fn until(self) -> Option<Timestamp> {
        match self {
            Self::Sync(until) => Some(until),
            Self::Queued => None,
        }
    }

    /// The key that ends with the run, if it does not end by itself. One of a run in the background
    /// has its answer from the start, and keeps it.
    fn key(self, run: &NewRun) -> Option<String> {
        match self {
            Self::Sync(_) => run.key.as_ref().map(|key| key.name().to_owned()),
            Self::Queued => None,
        }
    }
}

/// The writes that end a run whose function is gone, and free its key. What it wrote is written;
/// nobody counted it.
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
    };
    let mut writes = vec![ending.of_run(table, &run.id, From::of(run), now)?];
    if let Some(key) = key {
        writes.push(keys::delete(table, key)?);
    }
    Ok(writes)
}

/// What a run that was interrupted says of itself.
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
    hold: Hold,
) -> Result<TransactWriteItem, StoreError> {
    let lock = Lock {
        run: run.id,
        kind: hold.kind(),
        until: hold.until(),
        key: hold.key(run),
    };
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(row::encode("a hold", &lock_key(run.task), &lock)?))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let put = match old.and_then(|old| Some((old, old.until?))) {
        None => put.condition_expression("attribute_not_exists(pk)"),
        Some((old, until)) => put
            .condition_expression("#run = :run AND #kind = :kind AND #until = :until")
            .expression_attribute_names("#run", "run")
            .expression_attribute_names("#kind", "kind")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":run", row::text(old.run))
            .expression_attribute_values(":kind", row::encode_value("a hold", &old.kind)?)
            .expression_attribute_values(":until", row::number(until.as_millisecond())),
    };
    Ok(TransactWriteItem::builder().put(put.build()?).build())
}

/// Lists the run among those that have not ended.
pub(super) fn put_open(
    table: &str,
    run: &NewRun,
    hold: Hold,
) -> Result<TransactWriteItem, StoreError> {
    let open = Open {
        run: run.id,
        task: run.task,
        kind: hold.kind(),
        until: hold.until(),
        key: hold.key(run),
    };
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(row::encode("an open run", &open_key(&run.id), &open)?))
        .build()?;
    Ok(TransactWriteItem::builder().put(put).build())
}

pub(super) fn free_lock(
    table: &str,
    task: u64,
    run: &RunId,
) -> Result<TransactWriteItem, StoreError> {
    let delete = delete(table, lock_key(task).attributes())
        .condition_expression("#run = :run")
        .expression_attribute_names("#run", "run")
        .expression_attribute_values(":run", AttributeValue::S(run.to_string()))
        .build()?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

pub(super) fn delete_open(table: &str, run: &RunId) -> Result<TransactWriteItem, StoreError> {
    let delete = delete(table, open_key(run).attributes()).build()?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

fn delete(table: &str, key: Attributes) -> aws_sdk_dynamodb::types::builders::DeleteBuilder {
    Delete::builder().table_name(table).set_key(Some(key))
}

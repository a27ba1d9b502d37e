//! Task locks, which let a task run one import at a time (protocol.md#task-lock; for synchronous
//! runs protocol.md#synchronous-runs). Acquire, take-over, finish and the sweep are one transaction
//! each, so a run and its lock never disagree. A caller that repeats a transaction after a lost
//! response finds its own rows and treats them as success.
//!
//! Rows: `LOCK#<task>` has the run that owns the lock, `OPEN#<shard>` lists the runs that have not
//! ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::Store;

mod acquire;
mod finish;
mod hand_over;
mod rows;
mod start;
mod sweep;

pub use self::rows::{INTERRUPTED, INTERRUPTED_DRY_RUN, interrupted};
pub use self::sweep::{Interrupted, OpenRun};

/// Kind of the run that owns a task lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LockKind {
    /// A synchronous run: its lock expires.
    Sync,
    /// A background run: its lock ends only with the run.
    #[serde(rename = "QUEUED")]
    Background,
}

/// Outcome of acquiring a task lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquired {
    /// The new run has the lock.
    Locked,
    /// Another run has the lock; the new run was not created.
    Held {
        /// Kind of that run.
        kind: LockKind,
        /// Expiry of its lock; absent if it never expires. A time in the past means that the lock
        /// is just changing hands.
        until: Option<Timestamp>,
    },
    /// Another run started first under the same idempotency key; the new run was not created.
    KeyUsed,
}

/// Outcome of finishing a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// The run ended as requested.
    Done,
    /// The run was already ended by somebody else: its recorded ending is another one.
    EndedByOther,
}

/// Handle of the task locks.
#[derive(Debug, Clone, Copy)]
pub struct TaskLocks<'s> {
    store: &'s Store,
}

impl Store {
    /// Returns the handle of the task locks.
    #[must_use]
    pub const fn task_locks(&self) -> TaskLocks<'_> {
        TaskLocks { store: self }
    }
}

//! The bounds, the state and the actions of the model.

use crate::mutant::Mutant;

pub(super) const RUNS: usize = 2;

pub(super) const RECORDS: usize = 2;

pub(super) type Counts = [u8; RECORDS];

/// The bounds of a search.
#[derive(Clone, Debug)]
pub(crate) struct SyncRuns {
    /// Both requests are the same, sent again with its idempotency key.
    pub(crate) same_key: bool,
    /// Maximum number of crashes and lost responses, together.
    pub(crate) faults: u8,
    pub(crate) mutant: Option<Mutant>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(super) lock: Option<Lock>,
    pub(super) runs: [Run; RUNS],
    /// The open-run rows.
    pub(super) open: [bool; RUNS],
    pub(super) keys: [Option<Key>; RUNS],
    pub(super) functions: [Function; RUNS],
    pub(super) ends: [u8; RUNS],
    /// Number of writes of each record. The first write leaves a stamp.
    pub(super) effects: [Counts; RUNS],
    /// A run without the lock has written.
    pub(super) wrote_without_lock: bool,
    pub(super) replayed: bool,
    pub(super) faults: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Lock {
    pub(super) run: usize,
    pub(super) kind: LockKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum LockKind {
    Sync,
    /// A synchronous lock past its time.
    Expired,
    Background,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Run {
    Absent,
    Running,
    /// Handed over; its chunks may be queued.
    Applying {
        queued: bool,
    },
    Finished(Counts),
    /// Taken over; its counts are unknown.
    Interrupted,
}

impl Run {
    pub(super) const fn is_running(self) -> bool {
        matches!(self, Self::Running | Self::Applying { .. })
    }

    pub(super) const fn is_terminal(self) -> bool {
        matches!(self, Self::Finished(_) | Self::Interrupted)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) run: usize,
    pub(super) response: Option<Reply>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Reply {
    /// 200 with the counts of this run.
    Done(usize),
    /// 202 with this run.
    Accepted(usize),
    /// 409 or 503: busy, retry later.
    Busy,
    /// 500.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Step(usize),
    /// The request runs out of time and hands over.
    RunOutOfTime(usize),
    ArriveLate(usize),
    NeverArrive(usize),
    Crash(usize),
    LoseResponse(usize),
    LockExpires,
    SweeperEnds,
    SweeperQueues(usize),
    WriterWrites(usize, usize),
    WriterFinishes(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Function {
    At(Step),
    /// Crashed or out of time, with this step in flight.
    Crashed(Option<Step>),
    Replied(Reply),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Lookup,
    /// With the row of the key as it was read.
    Acquire(Option<Key>),
    Write(usize),
    HandOver,
    Finish(Counts),
    /// Queues the chunks of the handed-over run.
    Queue,
}

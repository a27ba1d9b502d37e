//! The bounds, the state and the actions of the model.

use crate::directory::{UserRow, Value};
use crate::mutant::Mutant;

/// Number of records in the file, and of logins: record n has login n.
pub(super) const RECORDS: usize = 2;

/// A count for each record, so that two errors do not cancel each other out.
pub(super) type Counts = [u8; RECORDS];

/// The bounds of a search.
#[derive(Clone, Debug)]
pub(crate) struct Applying {
    /// The records of each chunk.
    pub(crate) chunks: Vec<Vec<usize>>,
    /// The users before the run.
    pub(crate) initial_values: [Value; RECORDS],
    /// The records name a manager, which writers read from another row.
    pub(crate) managers: bool,
    /// A synchronous function has written the second record and left the write of the first in
    /// flight, before it handed the run over.
    pub(crate) handed_over: bool,
    pub(crate) workers: usize,
    /// Leases of a chunk before the sweeper abandons the run.
    pub(crate) attempts: u8,
    /// Maximum number of crashes, deadlines, lost and duplicate messages, lost responses, and
    /// chunks handed back, together.
    pub(crate) faults: u8,
    /// Maximum number of writes by others.
    pub(crate) other_writes: u8,
    pub(crate) cancel: bool,
    pub(crate) mutant: Option<Mutant>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(super) lock: Lock,
    pub(super) run: Run,
    /// Number of times that the run has ended.
    pub(super) ends: u8,
    pub(super) rows: Vec<Row>,
    /// Messages in the queue for each chunk: to write and to reconcile.
    pub(super) queue: Vec<[u8; 2]>,
    pub(super) workers: Vec<Worker>,
    pub(super) logins: [UserRow; RECORDS],
    /// True if the manager exists.
    pub(super) manager: bool,
    /// The counts of the mutant that adds them up.
    pub(super) added: Counts,
    /// The actual number of writes of each record, and of leases of each chunk.
    pub(super) effects: Counts,
    pub(super) leases: Vec<u8>,
    pub(super) faults: u8,
    pub(super) other_writes: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Lock {
    Free,
    Ours,
    /// Another run of the same task.
    Next,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Run {
    Applying,
    Cancelling,
    Abandoning,
    Finished(Counts),
}

impl Run {
    pub(super) const fn is_over(self) -> bool {
        matches!(self, Self::Finished(_))
    }

    pub(super) const fn is_stopping(self) -> bool {
        matches!(self, Self::Cancelling | Self::Abandoning)
    }
}

/// The row of a chunk: its lease and its result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Row {
    pub(super) leased: bool,
    pub(super) attempts: u8,
    pub(super) owner: Option<usize>,
    /// The lease is older than a writer's deadline and 10 s.
    pub(super) expired: bool,
    /// It was taken over from an owner that may have left a statement in flight.
    pub(super) outcome_unknown: bool,
    pub(super) result: Option<Counts>,
}

impl Row {
    pub(super) const fn may_lease(&self) -> bool {
        self.result.is_none() && (!self.leased || self.owner.is_none() || self.expired)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// Receives a message and leases its chunk, if possible.
    Deliver(Work, usize),
    /// Executes the next statement of a worker.
    Step(usize),
    StaleRead(usize),
    /// A statement in flight arrives, or never does.
    ArriveLate(usize),
    NeverArrive(usize),
    /// A chunk lease expires.
    LeaseExpires(usize),
    Resend(usize),
    Skip(usize),
    Reconcile(usize),
    Abandon,
    SweeperFinishes,
    Crash(usize),
    LoseResponse(usize),
    HandBack(usize),
    LoseMessage(Work, usize),
    DuplicateMessage(Work, usize),
    Cancel,
    SingleWrite(usize),
    OtherTask(usize),
    Rename(usize, usize),
    ToggleManager,
    NextRun(usize),
    LockExpires,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Work {
    Write,
    Reconcile,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Worker {
    Idle,
    Busy(Busy),
    /// Crashed or out of time, with this statement in flight.
    InFlight(Statement),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Busy {
    pub(super) work: Work,
    pub(super) chunk: usize,
    pub(super) step: Step,
    pub(super) counts: Counts,
    /// It has applied or confirmed something that earlier attempts had not.
    pub(super) progress: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// The consistent read of the run after the lease.
    ReadRun,
    /// Reads the user of the chunk's n-th record, and plans the record.
    Read(usize),
    Write(usize, Write),
    /// Only of a mutant.
    Add,
    Commit,
    Finish,
}

/// A statement on a user with a condition on the version that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Write {
    pub(super) record: usize,
    pub(super) seen: u8,
    /// Writes only a stamp and the next version.
    pub(super) fence: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Statement {
    Write(Write),
    Commit(usize, Counts),
}

//! The bounds, the state and the actions of the model.

use crate::mutant::Mutant;

pub(super) const TASKS: usize = 2;
pub(super) const LOGINS: usize = 2;
/// Complete runs without a change in between, after which both tasks know who has left.
pub(super) const ENOUGH_RUNS: u8 = 2;

/// The bounds of a search.
#[derive(Clone, Debug)]
pub(crate) struct Rosters {
    /// The tasks that employ the person, and have had a full run, before.
    pub(crate) known_to: [bool; TASKS],
    /// Maximum full runs of each task.
    pub(crate) nights: u8,
    /// Maximum changes in the personnel systems.
    pub(crate) changes: u8,
    /// Maximum acts of operators.
    pub(crate) operators: u8,
    /// Maximum crashes of workers, which may leave a statement in flight.
    pub(crate) crashes: u8,
    /// Maximum cancelled runs.
    pub(crate) cancels: u8,
    pub(crate) mutant: Option<Mutant>,
}

/// One person, with one external id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(super) rows: [Row; LOGINS],
    /// The login of the user; `None` if there is none.
    pub(super) user: Option<usize>,
    pub(super) active: bool,
    /// An import of this task has blocked the user, because the person had left.
    pub(super) left: bool,
    pub(super) tasks: [Task; TASKS],
    pub(super) blocked_by_operator: bool,
    /// A user was blocked although the file of the run names the person.
    pub(super) blocked_though_named: bool,
    /// An import has let in whom an operator had blocked.
    pub(super) let_in: bool,
    pub(super) changes: u8,
    pub(super) operators: u8,
    pub(super) crashes: u8,
    pub(super) cancels: u8,
}

/// The row of a login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Row {
    pub(super) version: u8,
    /// Stamp of the current run of each task.
    pub(super) stamps: [bool; TASKS],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Task {
    /// The login that the personnel system gives the person; `None` if the person does not work there.
    pub(super) employed: Option<usize>,
    /// The roster of the last complete full run, and of later runs that were cancelled.
    pub(super) generation: Option<Entry>,
    pub(super) also: Option<Entry>,
    pub(super) run: Option<Run>,
    pub(super) in_flight: Option<Block>,
    pub(super) nights: u8,
    /// Complete runs that have begun since the last change anywhere, at most [`ENOUGH_RUNS`].
    pub(super) unchanged_runs: u8,
}

/// The entry of the person in a roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Entry {
    pub(super) login: usize,
    /// Nobody is to be spared for this entry.
    pub(super) flagged: bool,
}

/// A full run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Run {
    /// The login in its file.
    pub(super) named: Option<usize>,
    pub(super) step: Step,
    /// True if something has changed since it began.
    pub(super) is_outdated: bool,
    /// The roster objects that it has written.
    pub(super) entry: Option<Entry>,
    /// The candidate that it has spared.
    pub(super) carried: Option<Entry>,
    pub(super) effects: u8,
    pub(super) counted: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    PutRoster,
    WriteUser,
    Plan,
    /// Looks at the login that the plan has listed.
    Apply {
        listed: usize,
    },
    Send {
        listed: usize,
        block: Block,
    },
    Finish,
}

/// A statement that blocks the user of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Block {
    pub(super) login: usize,
    pub(super) seen: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// The personnel system of a task hires the person, or gives the person another login.
    Employ(usize, usize),
    /// The person leaves.
    Leave(usize),
    Begin(usize),
    Step(usize),
    Crash(usize),
    ArriveLate(usize),
    NeverArrive(usize),
    Cancel(usize),
    OperatorBlocks,
    OperatorLetsIn,
    OperatorRenames,
}

//! The bounds, the state and the actions of the model.

use super::super::{self as names, Deferred, Round, RunAction};
use crate::directory::Stamp;
use crate::mutant::Mutant;

pub(super) const USERS: usize = 4;
pub(super) const IDS: usize = 4;
pub(super) const RUNS: usize = 2;

/// A record: this user has this external id, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) user: usize,
    pub(crate) wants: Option<usize>,
}

/// Treatment of a record whose external id somebody else keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conflicts {
    Ignore,
    /// It is written without the id.
    Apply,
}

/// The bounds of a search.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    /// The external id of each user.
    pub(crate) before: [Option<usize>; USERS],
    /// The file of each run.
    pub(crate) files: Vec<Vec<Record>>,
    pub(crate) conflicts: Conflicts,
    /// Maximum number of crashes, which may leave a statement in flight.
    pub(crate) faults: u8,
    /// Maximum number of single-user writes.
    pub(crate) other_writes: u8,
    /// The first run may be cancelled.
    pub(crate) cancel: bool,
    pub(crate) mutant: Option<Mutant>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(super) rows: [Row; USERS],
    pub(super) claims: [Option<Claim>; IDS],
    pub(super) runs: Vec<names::Run<Step>>,
    /// External ids that a user may have: each bit is an id. Others add to it.
    pub(super) allowed: [u8; USERS],
    pub(super) faults: u8,
    pub(super) other_writes: u8,
}

/// The row of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Row {
    pub(super) id: Option<usize>,
    pub(super) version: u8,
    pub(super) stamps: [Option<Stamp>; RUNS],
}

/// The row of the claim on an external id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Claim {
    pub(super) user: usize,
    pub(super) runs: [bool; RUNS],
    /// The version that the last single-user write made; 0 for none.
    pub(super) mark: u8,
}

impl Claim {
    pub(super) fn of_run(user: usize, run: usize) -> Self {
        let mut runs = [false; RUNS];
        runs[run] = true;
        Self {
            user,
            runs,
            mark: 0,
        }
    }
}

/// Decision not to write a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Decision {
    Ignored,
    Deferred(Deferred),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// Reads the row of the record's user.
    ReadOwn,
    /// Claims the external id.
    Insert {
        own: Row,
    },
    /// Reads the claim that exists already.
    ReadClaim {
        own: Row,
    },
    /// Reads the runs that the claim names.
    ReadRuns {
        own: Row,
        claim: Claim,
    },
    /// Reads the user whom the claim names.
    ReadHolder {
        own: Row,
        claim: Claim,
    },
    Replace {
        own: Row,
        from: Claim,
        to: Claim,
    },
    /// Sends the statement of a decision to write.
    Send(Statement),
    Commit {
        decision: Option<Decision>,
        applied: bool,
        keeps: Option<usize>,
    },
    /// Writes a fence on the row of the user, unless it has a stamp.
    Fence,
}

/// A statement or transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Statement {
    Insert,
    Replace {
        from: Claim,
        to: Claim,
    },
    /// Writes the user, who has this external id then.
    Write {
        seen: u8,
        id: Option<usize>,
    },
    /// Takes the external id from the user who has it.
    Take {
        seen: u8,
        holder: usize,
        holder_seen: u8,
        claim: Claim,
    },
    Fence {
        seen: u8,
    },
}

impl names::Step for Step {
    type Statement = Statement;

    fn first(round: Round) -> Self {
        match round {
            Round::Stopping => Self::Fence,
            _ => Self::ReadOwn,
        }
    }

    fn statement(self) -> Option<Statement> {
        match self {
            Self::Insert { .. } => Some(Statement::Insert),
            Self::Replace { from, to, .. } => Some(Statement::Replace { from, to }),
            Self::Send(statement) => Some(statement),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Run(RunAction),
    Cancel,
    /// A single-user write gives a user an external id, or clears it.
    Give(usize, usize),
    Clear(usize),
}

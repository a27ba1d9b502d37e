//! The bounds, the state and the actions of the model.

use crate::directory::UserRow;
use crate::mutant::Mutant;

pub(super) const LOGINS: usize = 3;

/// Number of runs. Run n has a record that assigns the id to login n.
pub(super) const RUNS: usize = 2;

/// The bounds of a search.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    /// Maximum number of writers that crash, or runs that are interrupted, and may leave a statement
    /// in flight.
    pub(crate) faults: u8,
    /// Maximum number of single-user writes.
    pub(crate) other_writes: u8,
    pub(crate) mutant: Option<Mutant>,
}

/// `Value::Imported` is a user with the id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(super) logins: [UserRow; LOGINS],
    pub(super) claim: Option<Claim>,
    pub(super) runs: [Run; RUNS],
    pub(super) in_flight: [Option<Statement>; RUNS],
    pub(super) single: Option<Single>,
    /// Expected number of users.
    pub(super) users: usize,
    pub(super) effects: [u8; RUNS],
    /// A claim was taken over from a login that did not have the id.
    pub(super) taken_over: bool,
    pub(super) faults: u8,
    pub(super) other_writes: u8,
}

/// The row of the claim on the external id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Claim {
    pub(super) login: usize,
    pub(super) runs: [bool; RUNS],
    /// The version that the last single-user write made; 0 for none.
    pub(super) mark: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Run {
    At(Step),
    /// Ended by itself, with or without the id: all its statements have responses, or are refused.
    Ended {
        without_id: bool,
    },
    /// Ended by others within its request. A statement may still be under way, so it rests.
    Interrupted,
    /// Interrupted for longer than any statement is under way.
    Rested,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Step(usize),
    ArriveLate(usize),
    NeverArrive(usize),
    Interrupt(usize),
    RestEnds(usize),
    SingleStep,
    Crash(usize),
    Give(usize),
    Clear(usize),
    Rename(usize, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Read {
        /// Only of a mutant: still assumes that it has the claim.
        claimed: bool,
    },
    Insert {
        seen: u8,
    },
    /// Reads the claim that exists already.
    ReadClaim {
        seen: u8,
    },
    /// Reads the runs that the claim names.
    ReadRuns {
        seen: u8,
        claim: Claim,
    },
    /// Reads the user that the claim names.
    ReadHolder {
        seen: u8,
        claim: Claim,
    },
    Replace {
        seen: u8,
        from: Claim,
        to: Claim,
    },
    Write {
        seen: u8,
    },
}

/// A statement, which the store executes atomically.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Statement {
    Insert,
    Replace { from: Claim, to: Claim },
    Write { seen: u8 },
}

impl Step {
    pub(super) const fn statement(self) -> Option<Statement> {
        match self {
            Self::Insert { .. } => Some(Statement::Insert),
            Self::Replace { from, to, .. } => Some(Statement::Replace { from, to }),
            Self::Write { seen } => Some(Statement::Write { seen }),
            Self::Read { .. }
            | Self::ReadClaim { .. }
            | Self::ReadHolder { .. }
            | Self::ReadRuns { .. } => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Single {
    /// The login that is written, and its row as it was read.
    pub(super) from: (usize, UserRow),
    /// The new login of a rename, and its row as it was read.
    pub(super) to: Option<(usize, UserRow)>,
    pub(super) step: SingleStep,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum SingleStep {
    ReadClaim,
    ReadRuns(Claim),
    ReadHolder(Claim),
    Transact(Option<Claim>),
}

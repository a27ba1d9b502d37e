//! The bounds, the state and the actions of the model.

use super::super::{self as names, Deferred, Round, RunAction};
use crate::directory::Stamp;
use crate::mutant::Mutant;

/// Logins that people can have.
pub(super) const LOGINS: usize = 4;
/// External ids. At first, the id n belongs to user n, if there is such a user.
pub(super) const IDS: usize = 4;
/// Users: those before, one for each record that may create one, and one without an external id, who is
/// there before or whom others create.
pub(super) const USERS: usize = IDS + RECORDS + 1;
/// The user without an external id.
pub(super) const STRANGER: usize = IDS + RECORDS;
/// Maximum records of a file. Each is a chunk of its own.
pub(super) const RECORDS: usize = 3;
pub(super) const RUNS: usize = 2;
/// Rows of users: logins, a place to park each user in, and the last resort of each user.
pub(super) const PLACES: usize = LOGINS + 2 * USERS;

/// Returns the place that a user is parked in.
pub(super) const fn parked(user: usize) -> usize {
    LOGINS + user
}

/// Returns the login that a user gets who cannot be renamed back.
pub(super) const fn last_resort(user: usize) -> usize {
    LOGINS + USERS + user
}

/// A record: the user with this external id has this login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) id: usize,
    pub(crate) login: usize,
}

/// The bounds of a search.
#[derive(Clone, Debug)]
pub(crate) struct Logins {
    /// The login of the user with each external id.
    pub(crate) before: [Option<usize>; IDS],
    /// The login of a user without an external id.
    pub(crate) without_id: Option<usize>,
    /// The file of each run.
    pub(crate) files: Vec<Vec<Record>>,
    /// Maximum number of crashes, which may leave a statement in flight.
    pub(crate) faults: u8,
    /// Maximum number of writes by others.
    pub(crate) other_writes: u8,
    pub(crate) others: Others,
    /// The first run may be cancelled.
    pub(crate) cancel: bool,
    pub(crate) mutant: Option<Mutant>,
}

/// Writes by others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    /// They rename users.
    Rename,
    /// They clear external ids.
    ClearId,
    /// They create users.
    Create,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(super) rows: [Row; PLACES],
    pub(super) claims: [Claim; IDS],
    pub(super) runs: Vec<names::Run<Step>>,
    /// Places that a user may have: each bit is a place. Strangers add to it.
    pub(super) allowed: [u32; USERS],
    /// Number of users in the directory.
    pub(super) users: usize,
    /// Users who were given their last resort.
    pub(super) displaced: u8,
    pub(super) faults: u8,
    pub(super) other_writes: u8,
}

/// The row of the claim on an external id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Claim {
    /// The place of the user who has the id.
    pub(super) place: Option<usize>,
    /// Another one after every write, as runs and the marks of single-user writes are.
    pub(super) mark: u8,
}

impl Claim {
    /// Names another place.
    pub(super) fn write(&mut self, place: Option<usize>) {
        self.place = place;
        self.mark += 1;
    }
}

/// The row of a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Row {
    pub(super) user: Option<usize>,
    /// The external id of the user.
    pub(super) id: Option<usize>,
    /// 0 if there is no row. A row with a version and no user is a tombstone.
    pub(super) version: u8,
    /// The stamp of each run's record about this login.
    pub(super) stamps: [Option<Stamp>; RUNS],
    /// The run that left this tombstone, if its file names the login.
    pub(super) reserved: Option<usize>,
    /// The run that parked the user here, and the login from which it did.
    pub(super) parked: Option<(usize, usize)>,
}

/// Decision not to write a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Decision {
    Ignored,
    Deferred(Deferred),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// Reads the row of the record's login.
    ReadOwn,
    /// Reads the claim on the record's external id.
    ReadClaim { own: Row },
    /// Reads the row that the claim names.
    ReadPerson {
        own: Row,
        claim: Claim,
        place: usize,
    },
    /// Sends the statement of a decision to write.
    Send(Statement),
    /// Reads the row of the login again before a decision not to write.
    LookAgain {
        seen: u8,
        decision: Decision,
        keeps: Option<usize>,
    },
    Commit {
        decision: Option<Decision>,
        applied: bool,
        keeps: Option<usize>,
    },
    /// Writes a fence on the row of the login, unless it has a stamp.
    Fence,
    /// Looks for the user who was parked for this record.
    ReadParked,
    /// Renames the parked user to the login from which it came, or to its last resort.
    SendHome { seen: u8, to: usize, to_seen: u8 },
}

/// A transaction on the row of the record's login, and on the other rows that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Statement {
    /// Writes the user who has the login already.
    Update {
        seen: u8,
    },
    /// Gives the external id, with the claim as it was read, to the user who has the login.
    Adopt {
        seen: u8,
        claim: Claim,
    },
    /// Creates the user.
    Create {
        seen: u8,
        claim: Claim,
    },
    /// Renames the user at a place to the login.
    Rename {
        seen: u8,
        from: usize,
        from_seen: u8,
    },
    /// Gives the login to the user at a place, or to a new one, and parks the user who has it.
    Take {
        seen: u8,
        from: Option<(usize, u8)>,
        claim: Claim,
        parked_seen: u8,
    },
    Fence {
        seen: u8,
    },
    Home {
        seen: u8,
        to: usize,
        to_seen: u8,
    },
}

impl names::Step for Step {
    type Statement = Statement;

    fn first(round: Round) -> Self {
        match round {
            Round::Stopping => Self::Fence,
            Round::Home => Self::ReadParked,
            _ => Self::ReadOwn,
        }
    }

    fn statement(self) -> Option<Statement> {
        match self {
            Self::Send(statement) => Some(statement),
            Self::SendHome { seen, to, to_seen } => Some(Statement::Home { seen, to, to_seen }),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Run(RunAction),
    Cancel,
    /// Only of a mutant: a request ends in the middle of its moves.
    Interrupt,
    Rename(usize, usize),
    ClearId(usize),
    Create(usize),
}

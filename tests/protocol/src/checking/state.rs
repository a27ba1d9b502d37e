//! The bounds, the state and the actions of the model.

use crate::mutant::Mutant;

pub(super) const CHUNKS: usize = 2;

/// One record per chunk.
pub(super) type Counts = [u8; CHUNKS];

/// The ETag of an object that the client has written.
pub(super) type Object = u8;

/// The bounds of a search.
#[derive(Clone, Debug)]
pub(crate) struct Checking {
    /// The task has a safety threshold, so there is a planning round.
    pub(crate) planning: bool,
    /// Both chunks together exceed the threshold, neither does alone.
    pub(crate) trips_threshold: bool,
    pub(crate) dry_run: bool,
    /// The second half of the file does not parse.
    pub(crate) broken: bool,
    /// The file has no records; otherwise, one in each chunk.
    pub(crate) empty: bool,
    pub(crate) cancel: bool,
    /// The client replaces the object.
    pub(crate) replaced: bool,
    /// Maximum number of crashes, and of lost and duplicate messages, together.
    pub(crate) faults: u8,
    pub(crate) mutant: Option<Mutant>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(super) locked: bool,
    pub(super) run: Run,
    pub(super) ends: u8,
    pub(super) object: Object,
    pub(super) pin: Option<Object>,
    /// The chunks that each attempt has written under its own name.
    pub(super) files: Vec<[Option<Object>; CHUNKS]>,
    pub(super) process_messages: u8,
    pub(super) processors: [Processor; 2],
    /// Chunk rows of each round.
    pub(super) rows: [[Row; CHUNKS]; 2],
    pub(super) queue: [[u8; CHUNKS]; 2],
    pub(super) writers: [Writer; 2],
    pub(super) effects: Counts,
    pub(super) applied: [Option<Object>; CHUNKS],
    pub(super) faults: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Run {
    Uploading,
    Checking,
    /// In a round, with the attempt that has parsed the whole file.
    In(Round, usize),
    Ended(End),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum End {
    Done(Counts),
    /// Because of syntax, the threshold, or a replaced object: nothing is applied.
    Failed,
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Round {
    Plan,
    Apply,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Complete,
    Cancel,
    Replace,
    Process,
    Parse(usize),
    /// The state change in flight of a processor arrives, or never does.
    ArriveLate(usize),
    NeverArrive(usize),
    ProcessAgain,
    Deliver(Round, usize),
    Write(usize),
    Resend(Round, usize),
    SweeperCompletesRound,
    ProcessorCrashes(usize),
    WriterCrashes(usize),
    LoseProcessMessage,
    DuplicateProcessMessage,
    LoseMessage(Round, usize),
    DuplicateMessage(Round, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Processor {
    Idle,
    Busy {
        attempt: usize,
        step: Step,
    },
    /// Crashed, with its state change in flight.
    InFlight {
        attempt: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Pin,
    /// Reads a part of the object, and writes the chunk.
    Chunk(usize, Object),
    Enter(Object),
    /// Only of a mutant: reads the rest after the state change.
    ReadOn,
    Queue,
}

/// The row of a chunk in one round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Row {
    pub(super) owner: Option<usize>,
    pub(super) result: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Writer {
    Idle,
    /// Has leased the chunk, and read the run after that.
    Leased(Round, usize, usize),
    Commit(Round, usize, u8),
    /// Has moved the run to the applying round.
    Queue,
}

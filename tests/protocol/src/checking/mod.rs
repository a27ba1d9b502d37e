//! From the end of an upload to the end of its run: `complete`, processors, the two rounds, and
//! cancelling before anything is applied (PROTOCOL §2, §4, §5, §9).
//!
//! How a chunk is applied is the other models'; here it is one write, found again by its stamp.

mod processor;
mod rounds;
#[cfg(test)]
mod tests;

use stateright::{Model, Property};

use crate::mutant::Mutant;
use crate::search::Ending;
use processor::Processor;
use rounds::{Row, Writer};

const CHUNKS: usize = 2;
/// One record in each chunk.
type Counts = [u8; CHUNKS];
/// Which of the objects that the client has put there; the ETag.
type Object = u8;

/// The bounds of a search.
#[derive(Clone, Debug)]
pub(crate) struct Checking {
    /// The task has a threshold, so that there is a round of planning.
    pub(crate) planning: bool,
    /// Both chunks together trip the threshold; neither does alone.
    pub(crate) trips: bool,
    pub(crate) dry_run: bool,
    /// The file's second half does not parse.
    pub(crate) broken: bool,
    /// Records in the file: none, or one in each chunk.
    pub(crate) empty: bool,
    pub(crate) cancel: bool,
    /// The client puts another object in place of the first.
    pub(crate) replaced: bool,
    /// Deaths, lost and doubled messages: so many in all.
    pub(crate) faults: u8,
    pub(crate) mutant: Option<Mutant>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    held: bool,
    run: Run,
    ends: u8,
    object: Object,
    pin: Option<Object>,
    /// What each attempt has put under its name, by chunk.
    files: Vec<[Option<Object>; CHUNKS]>,
    process: u8,
    processors: [Processor; 2],
    /// For each round.
    rows: [[Row; CHUNKS]; 2],
    queue: [[u8; CHUNKS]; 2],
    writers: [Writer; 2],
    effects: Counts,
    applied: [Option<Object>; CHUNKS],
    faults: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Run {
    Uploading,
    Checking,
    /// With the attempt that has parsed the whole file.
    In(Round, usize),
    Ended(End),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum End {
    Done(Counts),
    /// By syntax, by the threshold, or because the object was replaced: nothing is applied.
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
    /// What a processor has left on its way.
    Late(usize),
    LateLost(usize),
    ProcessAgain,
    Deliver(Round, usize),
    Write(usize),
    Resend(Round, usize),
    SweeperLooks,
    ProcessorDies(usize),
    WriterDies(usize),
    LoseProcess,
    DoubleProcess,
    Lose(Round, usize),
    Double(Round, usize),
}

impl Checking {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Ends the run from exactly the state that was read, and frees its task.
    fn end(state: &mut State, from: Run, end: End) {
        if state.run == from {
            state.run = Run::Ended(end);
            state.ends += 1;
            state.held = false;
        }
    }
}

impl Model for Checking {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            held: false,
            run: Run::Uploading,
            ends: 0,
            object: 0,
            pin: None,
            files: Vec::new(),
            process: 0,
            processors: [Processor::Idle; 2],
            rows: [[Row::default(); CHUNKS]; 2],
            queue: [[0; CHUNKS]; 2],
            writers: [Writer::Idle; 2],
            effects: Counts::default(),
            applied: [None; CHUNKS],
            faults: self.faults,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.run == Run::Uploading {
            actions.push(Action::Complete);
        }
        if self.replaced && state.object == 0 {
            actions.push(Action::Replace);
        }
        let cancellable = matches!(
            state.run,
            Run::Uploading | Run::Checking | Run::In(Round::Plan, _)
        );
        if self.cancel && cancellable {
            actions.push(Action::Cancel);
        }
        self.processor_actions(state, actions);
        self.round_actions(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Complete => {
                state.run = Run::Checking;
                state.held = true;
                state.process = 1;
            }
            // Nothing was written: it ends at once.
            Action::Cancel => Self::end(&mut state, last.run, End::Cancelled),
            Action::Replace => state.object = 1,
            Action::Process
            | Action::Parse(_)
            | Action::Late(_)
            | Action::LateLost(_)
            | Action::ProcessAgain
            | Action::ProcessorDies(_)
            | Action::LoseProcess
            | Action::DoubleProcess => self.process(&mut state, &action),
            Action::Deliver(..)
            | Action::Write(_)
            | Action::Resend(..)
            | Action::SweeperLooks
            | Action::WriterDies(_)
            | Action::Lose(..)
            | Action::Double(..) => self.work(&mut state, &action),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(ONCE, |_, state: &State| {
                state.effects.iter().all(|effects| *effects <= 1)
            }),
            Property::always(COUNTS, |_, state: &State| match state.run {
                Run::Ended(End::Done(counts)) => counts == state.effects,
                Run::Ended(End::Failed | End::Cancelled) => state.effects == Counts::default(),
                _ => true,
            }),
            Property::always(ONE_END, |_, state: &State| {
                state.ends == u8::from(matches!(state.run, Run::Ended(_)))
            }),
            Property::always(HELD, |_, state: &State| {
                state.held == matches!(state.run, Run::Checking | Run::In(..))
            }),
            Property::always(WHOLE, |model: &Self, state: &State| {
                let mut applied = state.applied.iter().flatten();
                let first = applied.next();
                applied.all(|object| Some(object) == first) && !(model.broken && first.is_some())
            }),
            Property::always(JUDGED, |model: &Self, state: &State| {
                let planned = state.rows[Round::Plan as usize]
                    .iter()
                    .all(|row| row.result.is_some());
                let allowed = !model.planning || planned && !model.trips && !model.dry_run;
                allowed || state.effects == Counts::default()
            }),
        ];
        if self.broken || self.trips {
            properties.push(Property::sometimes("a run fails", |_, state: &State| {
                state.run == Run::Ended(End::Failed)
            }));
        } else if !self.dry_run && !self.empty {
            properties.push(Property::sometimes(
                "a whole file is applied",
                |_, state: &State| state.run == Run::Ended(End::Done([1; CHUNKS])),
            ));
        }
        properties
    }
}

impl Ending for Checking {
    fn is_progress(action: &Action) -> bool {
        matches!(
            action,
            Action::Complete
                | Action::Process
                | Action::Parse(_)
                | Action::Late(_)
                | Action::LateLost(_)
                | Action::ProcessAgain
                | Action::Deliver(..)
                | Action::Write(_)
                | Action::Resend(..)
                | Action::SweeperLooks
        )
    }

    fn is_over(state: &State) -> bool {
        matches!(state.run, Run::Ended(_))
    }
}

pub(crate) const ONCE: &str = "no record is applied twice";
pub(crate) const COUNTS: &str = "the counts of an ended run are what was applied, for ever";
pub(crate) const ONE_END: &str = "a run ends once";
pub(crate) const HELD: &str = "a run holds its task until it ends";
pub(crate) const WHOLE: &str = "what is applied is one object, and all of it has parsed";
pub(crate) const JUDGED: &str = "nothing is applied before all of it was planned and judged";

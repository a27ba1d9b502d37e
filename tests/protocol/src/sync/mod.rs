//! Two requests for one task, each a synchronous function with a run of its own: holds that expire,
//! take-over, hand-over to the queue, answers that get lost, and idempotency keys (PROTOCOL §3, §11).
//!
//! Time is one assumption: a function is silent, and its statements on users have arrived or never
//! will, before its hold ends. Its transactions may be late by any time.

mod function;
mod store;
#[cfg(test)]
mod tests;

use stateright::{Model, Property};

use crate::mutant::Mutant;
use crate::search::Ending;
use function::{Function, Step};

const RUNS: usize = 2;
const RECORDS: usize = 2;
type Counts = [u8; RECORDS];

/// The bounds of a search.
#[derive(Clone, Debug)]
pub(crate) struct Sync {
    /// Both requests are one, sent again with its idempotency key.
    pub(crate) same_key: bool,
    /// Functions that die, and answers that get lost: so many in all.
    pub(crate) faults: u8,
    pub(crate) mutant: Option<Mutant>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    lock: Option<Lock>,
    runs: [Run; RUNS],
    /// Entries in the sweeper's list.
    open: [bool; RUNS],
    keys: [Option<Key>; RUNS],
    functions: [Function; RUNS],
    ends: [u8; RUNS],
    /// How often each record was written. The first write leaves a stamp.
    effects: [Counts; RUNS],
    /// Somebody wrote who did not hold the task.
    astray: bool,
    replayed: bool,
    faults: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Lock {
    run: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Sync,
    /// A synchronous hold past its time.
    Expired,
    Queued,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Run {
    Absent,
    Live,
    /// Handed over, its chunks queued or not.
    Applying {
        queued: bool,
    },
    Finished(Counts),
    /// Taken over, its counts unknown.
    Interrupted,
}

impl Run {
    const fn is_live(self) -> bool {
        matches!(self, Self::Live | Self::Applying { .. })
    }

    const fn is_terminal(self) -> bool {
        matches!(self, Self::Finished(_) | Self::Interrupted)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    run: usize,
    answer: Option<Reply>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Reply {
    /// 200 and the counts of this run.
    Done(usize),
    /// 202 and this run.
    Accepted(usize),
    /// 409 or 503: somebody else is at it, come again.
    Busy,
    /// 500.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Step(usize),
    /// The request nears its time.
    TimeIsUp(usize),
    Late(usize),
    LateLost(usize),
    Die(usize),
    LoseAnswer(usize),
    Expire,
    SweeperEnds,
    SweeperQueues(usize),
    WriterWrites(usize, usize),
    WriterFinishes(usize),
}

impl Sync {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    const fn key(&self, run: usize) -> usize {
        if self.same_key { 0 } else { run }
    }
}

impl Model for Sync {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            lock: None,
            runs: [Run::Absent; RUNS],
            open: [false; RUNS],
            keys: [None; RUNS],
            functions: [Function::At(Step::Lookup); RUNS],
            ends: [0; RUNS],
            effects: [Counts::default(); RUNS],
            astray: false,
            replayed: false,
            faults: self.faults,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.function_actions(state, actions);
        match state.lock {
            Some(Lock {
                run,
                kind: Kind::Sync,
            }) if self.is_silent(state, run) => {
                actions.push(Action::Expire);
            }
            Some(Lock {
                kind: Kind::Expired,
                ..
            }) => actions.push(Action::SweeperEnds),
            _ => {}
        }
        for run in 0..RUNS {
            match state.runs[run] {
                Run::Applying { queued: false } => actions.push(Action::SweeperQueues(run)),
                Run::Applying { queued: true } => {
                    let left = (0..RECORDS).find(|record| state.effects[run][*record] == 0);
                    actions.push(match left {
                        Some(record) => Action::WriterWrites(run, record),
                        None => Action::WriterFinishes(run),
                    });
                }
                _ => {}
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Expire => {
                if let Some(lock) = &mut state.lock {
                    lock.kind = Kind::Expired;
                }
            }
            Action::SweeperEnds => self.end_expired(&mut state),
            Action::SweeperQueues(run) => state.runs[run] = Run::Applying { queued: true },
            Action::WriterWrites(run, record) => Self::write(&mut state, run, record),
            Action::WriterFinishes(run) => self.finish_queued(&mut state, run),
            Action::Step(run)
            | Action::TimeIsUp(run)
            | Action::Late(run)
            | Action::LateLost(run)
            | Action::Die(run)
            | Action::LoseAnswer(run) => self.run_function(&mut state, run, &action),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(ONCE, |_, state: &State| {
                state.effects.iter().flatten().all(|effects| *effects <= 1)
            }),
            Property::always(COUNTS, |_, state: &State| {
                (0..RUNS).all(|run| match state.runs[run] {
                    Run::Finished(counts) => counts == state.effects[run],
                    _ => true,
                })
            }),
            Property::always(ONE_END, |_, state: &State| {
                (0..RUNS).all(|run| {
                    let ends = u8::from(state.runs[run].is_terminal());
                    state.ends[run] == ends
                })
            }),
            Property::always(HELD, |_, state: &State| {
                (0..RUNS).all(|run| {
                    let holds = state.lock.is_some_and(|lock| lock.run == run);
                    let live = state.runs[run].is_live();
                    holds == live && state.open[run] == live
                })
            }),
            Property::always(NOT_ASTRAY, |_, state: &State| !state.astray),
            Property::always(TRUE, |_, state: &State| {
                (0..RUNS).all(|run| says_what_is(state, run))
            }),
            Property::always(KEYED, |model: &Self, state: &State| {
                !model.same_key || state.runs.iter().filter(|run| answers(**run)).count() <= 1
            }),
            Property::sometimes(
                "a run is interrupted, and the next one done",
                |_, state: &State| matches!(state.runs, [Run::Interrupted, Run::Finished(_)]),
            ),
            Property::sometimes("a run ends that was handed over", |_, state: &State| {
                matches!(state.functions[0], Function::Replied(Reply::Accepted(0)))
                    && matches!(state.runs[0], Run::Finished(_))
            }),
        ];
        if self.same_key {
            properties.push(Property::sometimes(
                "an answer is replayed",
                |_, state: &State| state.replayed,
            ));
        }
        properties
    }
}

/// Whether a client may rely on this run.
const fn answers(run: Run) -> bool {
    matches!(run, Run::Applying { .. } | Run::Finished(_))
}

fn says_what_is(state: &State, run: usize) -> bool {
    match state.functions[run] {
        Function::Replied(Reply::Done(of)) => matches!(state.runs[of], Run::Finished(_)),
        Function::Replied(Reply::Accepted(of)) => answers(state.runs[of]),
        Function::Replied(Reply::Busy) => state.runs[run] == Run::Absent,
        Function::Replied(Reply::Unknown) | Function::At(_) | Function::Gone(_) => true,
    }
}

impl Ending for Sync {
    fn is_progress(action: &Action) -> bool {
        !matches!(
            action,
            Action::TimeIsUp(_) | Action::Die(_) | Action::LoseAnswer(_)
        )
    }

    fn is_over(state: &State) -> bool {
        state.lock.is_none()
            && !state.runs.iter().any(|run| run.is_live())
            && state.open == [false; RUNS]
    }
}

pub(crate) const ONCE: &str = "no record is applied twice";
pub(crate) const COUNTS: &str = "the counts of a finished run are what was applied, for ever";
pub(crate) const ONE_END: &str = "a run ends once";
pub(crate) const HELD: &str = "a run holds its task, and is in the sweeper's list, until it ends";
pub(crate) const NOT_ASTRAY: &str = "a run writes only while it holds its task";
pub(crate) const TRUE: &str = "what a client was told is so";
pub(crate) const KEYED: &str = "of the runs of one idempotency key one is answered";

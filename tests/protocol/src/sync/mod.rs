//! Two requests for one task, each a synchronous function with a run of its own: locks that expire,
//! take-over, hand-over to the queue, lost responses, and idempotency keys
//! (protocol.md#synchronous-runs, protocol.md#hand-over, protocol.md#idempotency).
//!
//! There is one assumption about time: before a function's lock expires, the function has stopped
//! sending, and its statements on users have arrived or never will. Its transactions may arrive at
//! any time.

mod function;
mod state;
mod store;
#[cfg(test)]
mod tests;

use stateright::{Model, Property};

use crate::mutant::Mutant;
use crate::search::Terminates;
use state::{
    Action, Counts, Function, Lock, LockKind, RECORDS, RUNS, Reply, Run, State, Step, SyncRuns,
};

impl SyncRuns {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    const fn key(&self, run: usize) -> usize {
        if self.same_key { 0 } else { run }
    }
}

impl Model for SyncRuns {
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
            wrote_without_lock: false,
            replayed: false,
            faults: self.faults,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.function_actions(state, actions);
        match state.lock {
            Some(Lock {
                run,
                kind: LockKind::Sync,
            }) if self.is_silent(state, run) => {
                actions.push(Action::LockExpires);
            }
            Some(Lock {
                kind: LockKind::Expired,
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
            Action::LockExpires => {
                if let Some(lock) = &mut state.lock {
                    lock.kind = LockKind::Expired;
                }
            }
            Action::SweeperEnds => self.end_expired(&mut state),
            Action::SweeperQueues(run) => state.runs[run] = Run::Applying { queued: true },
            Action::WriterWrites(run, record) => Self::write(&mut state, run, record),
            Action::WriterFinishes(run) => self.finish_background(&mut state, run),
            Action::Step(run)
            | Action::RunOutOfTime(run)
            | Action::ArriveLate(run)
            | Action::NeverArrive(run)
            | Action::Crash(run)
            | Action::LoseResponse(run) => self.run_function(&mut state, run, &action),
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
            Property::always(LOCKED_UNTIL_END, |_, state: &State| {
                (0..RUNS).all(|run| {
                    let holds = state.lock.is_some_and(|lock| lock.run == run);
                    let live = state.runs[run].is_running();
                    holds == live && state.open[run] == live
                })
            }),
            Property::always(WRITES_UNDER_LOCK, |_, state: &State| {
                !state.wrote_without_lock
            }),
            Property::always(RESPONSES_TRUE, |_, state: &State| {
                (0..RUNS).all(|run| is_response_true(state, run))
            }),
            Property::always(ONE_RESPONSE_PER_KEY, |model: &Self, state: &State| {
                !model.same_key || state.runs.iter().filter(|run| is_reliable(**run)).count() <= 1
            }),
            Property::sometimes(
                "a run is interrupted, and the next one finishes",
                |_, state: &State| matches!(state.runs, [Run::Interrupted, Run::Finished(_)]),
            ),
            Property::sometimes("a handed-over run ends", |_, state: &State| {
                matches!(state.functions[0], Function::Replied(Reply::Accepted(0)))
                    && matches!(state.runs[0], Run::Finished(_))
            }),
        ];
        if self.same_key {
            properties.push(Property::sometimes(
                "a response is replayed",
                |_, state: &State| state.replayed,
            ));
        }
        properties
    }
}

/// Returns true if a client may rely on this run.
const fn is_reliable(run: Run) -> bool {
    matches!(run, Run::Applying { .. } | Run::Finished(_))
}

fn is_response_true(state: &State, run: usize) -> bool {
    match state.functions[run] {
        Function::Replied(Reply::Done(of)) => matches!(state.runs[of], Run::Finished(_)),
        Function::Replied(Reply::Accepted(of)) => is_reliable(state.runs[of]),
        Function::Replied(Reply::Busy) => state.runs[run] == Run::Absent,
        Function::Replied(Reply::Unknown) | Function::At(_) | Function::Crashed(_) => true,
    }
}

impl Terminates for SyncRuns {
    fn is_progress(action: &Action) -> bool {
        !matches!(
            action,
            Action::RunOutOfTime(_) | Action::Crash(_) | Action::LoseResponse(_)
        )
    }

    fn is_over(state: &State) -> bool {
        state.lock.is_none()
            && !state.runs.iter().any(|run| run.is_running())
            && state.open == [false; RUNS]
    }
}

pub(crate) const ONCE: &str = "no record is applied twice";
pub(crate) const COUNTS: &str = "the counts of a finished run are its effects from then on";
pub(crate) const ONE_END: &str = "a run ends once";
pub(crate) const LOCKED_UNTIL_END: &str = "a run has its lock and open-run row until it ends";
pub(crate) const WRITES_UNDER_LOCK: &str = "a run writes only while it locks its task";
pub(crate) const RESPONSES_TRUE: &str = "every response is true";
pub(crate) const ONE_RESPONSE_PER_KEY: &str = "at most one run of an idempotency key is relied on";

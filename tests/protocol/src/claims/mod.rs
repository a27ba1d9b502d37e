//! One external id, three logins, two runs that assign the id, and single-user writes
//! (protocol.md#claims).
//!
//! Each run has one record, and one attempt at a time: the model `applying` covers chunk leases.

mod bulk;
mod single;
mod state;
#[cfg(test)]
mod tests;

use stateright::{Model, Property};

use crate::directory::{UserRow, Value};
use crate::mutant::Mutant;
use crate::search::Terminates;
use state::{Action, Claim, Claims, LOGINS, RUNS, Run, State, Step};

impl Claims {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Returns true if a run no longer protects the claims that name it.
    fn is_over(&self, state: &State, run: usize) -> bool {
        match state.runs[run] {
            Run::Ended { .. } | Run::Rested => true,
            Run::Interrupted => self.is(Mutant::NoRestAfterInterruption),
            Run::At(_) => false,
        }
    }

    fn all_over(&self, state: &State, claim: &Claim) -> bool {
        (0..RUNS).all(|run| !claim.runs[run] || self.is_over(state, run))
            || self.is(Mutant::ClaimTakenFromALiveRun)
    }

    /// Returns true if whoever finds a claim of another login reads its holder before its runs.
    fn reads_holder_first(&self) -> bool {
        self.is(Mutant::HolderReadBeforeRuns)
    }

    /// Ends the work on a run at its current step. The statement of that step may be under way.
    fn die(&self, state: &mut State, run: usize) {
        state.faults -= 1;
        if let Run::At(step) = state.runs[run] {
            state.in_flight[run] = step.statement();
        }
    }

    /// Returns the states before: no claim, a dangling claim, and an assigned id.
    fn initial_states() -> [(Value, Option<Claim>); 3] {
        let left = Claim {
            login: 0,
            runs: [false; RUNS],
            mark: 1,
        };
        [
            (Value::Old, None),
            (Value::Old, Some(left)),
            (Value::Imported, Some(left)),
        ]
    }
}

impl Model for Claims {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let states = Self::initial_states().map(|(first, claim)| State {
            logins: [first, Value::Old, Value::Absent].map(UserRow::new),
            claim,
            runs: [Run::At(Step::Read { claimed: false }); RUNS],
            in_flight: [None; RUNS],
            single: None,
            users: 2,
            effects: [0; RUNS],
            taken_over: false,
            faults: self.faults,
            other_writes: self.other_writes,
        });
        states.into()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for run in 0..RUNS {
            if state.in_flight[run].is_some() {
                actions.extend([Action::ArriveLate(run), Action::NeverArrive(run)]);
            }
            match state.runs[run] {
                Run::At(_) => {
                    actions.push(Action::Step(run));
                    if state.faults > 0 && state.in_flight[run].is_none() {
                        actions.extend([Action::Crash(run), Action::Interrupt(run)]);
                    }
                }
                // The rest is longer than any statement is under way.
                Run::Interrupted if state.in_flight[run].is_none() => {
                    actions.push(Action::RestEnds(run));
                }
                Run::Interrupted | Run::Ended { .. } | Run::Rested => {}
            }
        }
        if state.single.is_some() {
            actions.push(Action::SingleStep);
        } else if state.other_writes > 0 {
            for login in 0..LOGINS {
                actions.push(Action::Give(login));
                if state.logins[login].value == Value::Imported {
                    actions.push(Action::Clear(login));
                }
                for to in (0..LOGINS).filter(|to| *to != login) {
                    if state.logins[login].is_user() && !state.logins[to].is_user() {
                        actions.push(Action::Rename(login, to));
                    }
                }
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Step(run) => self.step(&mut state, run),
            Action::ArriveLate(run) => {
                if let Some(statement) = state.in_flight[run].take() {
                    self.send(&mut state, run, statement);
                }
            }
            Action::NeverArrive(run) => state.in_flight[run] = None,
            Action::RestEnds(run) => state.runs[run] = Run::Rested,
            Action::Crash(run) => {
                self.die(&mut state, run);
                state.runs[run] = Run::At(Step::Read { claimed: false });
            }
            Action::Interrupt(run) => {
                self.die(&mut state, run);
                state.runs[run] = Run::Interrupted;
            }
            Action::SingleStep => self.single_step(&mut state),
            Action::Give(_) | Action::Clear(_) | Action::Rename(..) => {
                state.other_writes -= 1;
                self.begin_single(&mut state, &action);
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONE_OWNER, |_, state: &State| owners(state).count() <= 1),
            Property::always(CLAIM_NAMES_OWNER, |_, state: &State| {
                owners(state).all(|owner| state.claim.is_some_and(|claim| claim.login == owner))
            }),
            Property::always(NOT_OVERWRITTEN, |_, state: &State| {
                state.logins.iter().filter(|login| login.is_user()).count() == state.users
            }),
            Property::always(ONCE, |_, state: &State| {
                state.effects.iter().all(|effects| *effects <= 1)
            }),
            Property::sometimes("a run ends without the id", |_, state: &State| {
                state.runs.contains(&Run::Ended { without_id: true })
            }),
            Property::sometimes("a dangling claim is taken over", |_, state: &State| {
                state.taken_over
            }),
            Property::sometimes("an interrupted run has rested", |_, state: &State| {
                state.runs.contains(&Run::Rested)
            }),
            Property::sometimes("a renamed user keeps the id", |_, state: &State| {
                state.logins[2].value == Value::Imported
            }),
        ]
    }
}

fn owners(state: &State) -> impl Iterator<Item = usize> {
    (0..LOGINS).filter(|login| state.logins[*login].value == Value::Imported)
}

impl Terminates for Claims {
    fn is_progress(action: &Action) -> bool {
        matches!(
            action,
            Action::Step(_)
                | Action::ArriveLate(_)
                | Action::NeverArrive(_)
                | Action::RestEnds(_)
                | Action::SingleStep
        )
    }

    fn is_over(state: &State) -> bool {
        let has_ended = |run: &Run| matches!(run, Run::Ended { .. } | Run::Rested);
        state.runs.iter().all(has_ended) && state.in_flight.iter().all(Option::is_none)
    }
}

pub(crate) const ONE_OWNER: &str = "an external id has one owner";
pub(crate) const CLAIM_NAMES_OWNER: &str = "the claim names the owner of the id";
pub(crate) const NOT_OVERWRITTEN: &str = "no user of a login is overwritten";
pub(crate) const ONCE: &str = "no record is applied twice";

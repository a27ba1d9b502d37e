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
use state::{Action, Claim, Claims, LOGINS, RUNS, Run, Single, State, Step};

impl Claims {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Returns true if a run no longer protects the claims that name it.
    fn is_past_grace_period(&self, state: &State, run: usize) -> bool {
        match state.runs[run] {
            Run::PastGracePeriod => true,
            Run::Ended { .. } => {
                self.reads_runs_first || self.is(Mutant::ClaimTakenWithoutGracePeriod)
            }
            Run::At(_) => false,
        }
    }

    fn all_past_grace_period(&self, state: &State, claim: &Claim) -> bool {
        (0..RUNS).all(|run| !claim.runs[run] || self.is_past_grace_period(state, run))
            || self.is(Mutant::ClaimTakenFromALiveRun)
    }

    /// The grace period of five minutes is longer than every deadline: whoever read a claim's holder
    /// before the run's end, and not yet its runs, is gone by then, and so are their statements.
    fn may_end_grace_period(state: &State, run: usize) -> bool {
        let has_read_holder = |other: &Run| matches!(other, Run::At(Step::ReadRuns { .. }));
        let single = state.single.as_ref().is_some_and(Single::has_read_holder);
        matches!(state.runs[run], Run::Ended { .. })
            && state.in_flight[run].is_none()
            && !state.runs.iter().any(has_read_holder)
            && !single
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
                        actions.push(Action::Crash(run));
                    }
                }
                Run::Ended { .. } if Self::may_end_grace_period(state, run) => {
                    actions.push(Action::GracePeriodEnds(run))
                }
                Run::Ended { .. } | Run::PastGracePeriod => {}
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
            Action::GracePeriodEnds(run) => state.runs[run] = Run::PastGracePeriod,
            Action::Crash(run) => {
                state.faults -= 1;
                if let Run::At(step) = state.runs[run] {
                    state.in_flight[run] = step.statement();
                }
                state.runs[run] = Run::At(Step::Read { claimed: false });
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
                | Action::GracePeriodEnds(_)
                | Action::SingleStep
        )
    }

    fn is_over(state: &State) -> bool {
        state.runs.iter().all(|run| *run == Run::PastGracePeriod)
    }
}

pub(crate) const ONE_OWNER: &str = "an external id has one owner";
pub(crate) const CLAIM_NAMES_OWNER: &str = "the claim names the owner of the id";
pub(crate) const NOT_OVERWRITTEN: &str = "no user of a login is overwritten";
pub(crate) const ONCE: &str = "no record is applied twice";

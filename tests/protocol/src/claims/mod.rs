//! One external id, three logins, two runs that would give it away, and people who write users one
//! at a time (PROTOCOL §7).
//!
//! Each run has one record, and one attempt at a time: that START is exclusive is the other model's.

mod bulk;
mod single;
#[cfg(test)]
mod tests;

use stateright::{Model, Property};

use crate::directory::{Login, Value};
use crate::mutant::Mutant;
use crate::search::Ending;
use bulk::{Statement, Step};
use single::Single;

const LOGINS: usize = 3;
/// Run n has a record that gives the id to login n.
const RUNS: usize = 2;

/// The bounds of a search.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    /// Deaths of writers that may leave a statement on its way: so many in all.
    pub(crate) faults: u8,
    /// Single-user writes.
    pub(crate) others: u8,
    /// Whether a claim is taken is decided by its runs first, and then by the user whom it names.
    /// Otherwise the other way round, and runs must have been over for longer than any deadline.
    pub(crate) runs_first: bool,
    pub(crate) mutant: Option<Mutant>,
}

/// `Value::Wanted` is a user who has the id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    logins: [Login; LOGINS],
    claim: Option<Claim>,
    runs: [Run; RUNS],
    gone: [Option<Statement>; RUNS],
    single: Option<Single>,
    /// Users there should be.
    people: usize,
    effects: [u8; RUNS],
    /// A claim was taken from a login that did not have the id.
    taken_over: bool,
    faults: u8,
    others: u8,
}

/// The row of the claim on the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Claim {
    login: usize,
    runs: [bool; RUNS],
    /// The last single-user write on it, by the version that it made; 0 for none.
    mark: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Run {
    At(Step),
    /// Terminal. Whether it went without the id.
    Ended {
        without: bool,
    },
    /// For longer than any deadline.
    Rested,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Step(usize),
    Late(usize),
    LateLost(usize),
    Rest(usize),
    SingleStep,
    Die(usize),
    Give(usize),
    Clear(usize),
    Rename(usize, usize),
}

impl Claims {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Whether a run keeps what it is named in from being taken.
    fn rests(&self, state: &State, run: usize) -> bool {
        match state.runs[run] {
            Run::Rested => true,
            Run::Ended { .. } => self.runs_first || self.is(Mutant::ClaimTakenWithoutRest),
            Run::At(_) => false,
        }
    }

    fn all_rest(&self, state: &State, claim: &Claim) -> bool {
        (0..RUNS).all(|run| !claim.runs[run] || self.rests(state, run))
            || self.is(Mutant::ClaimTakenFromALiveRun)
    }

    /// Five minutes outlast every deadline: whoever has looked at a claim's user before the run's
    /// end, and has not looked at its runs, is gone by then; so are its statements.
    fn may_rest(state: &State, run: usize) -> bool {
        let asks = |other: &Run| matches!(other, Run::At(Step::Runs { .. }));
        let single = state.single.as_ref().is_some_and(Single::asks);
        matches!(state.runs[run], Run::Ended { .. })
            && state.gone[run].is_none()
            && !state.runs.iter().any(asks)
            && !single
    }

    /// The states that somebody may have left: no claim, one that dangles, and an id that is had.
    fn beginnings() -> [(Value, Option<Claim>); 3] {
        let left = Claim {
            login: 0,
            runs: [false; RUNS],
            mark: 1,
        };
        [
            (Value::Old, None),
            (Value::Old, Some(left)),
            (Value::Wanted, Some(left)),
        ]
    }
}

impl Model for Claims {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let states = Self::beginnings().map(|(first, claim)| State {
            logins: [first, Value::Old, Value::Absent].map(Login::new),
            claim,
            runs: [Run::At(Step::Read { claimed: false }); RUNS],
            gone: [None; RUNS],
            single: None,
            people: 2,
            effects: [0; RUNS],
            taken_over: false,
            faults: self.faults,
            others: self.others,
        });
        states.into()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for run in 0..RUNS {
            if state.gone[run].is_some() {
                actions.extend([Action::Late(run), Action::LateLost(run)]);
            }
            match state.runs[run] {
                Run::At(_) => {
                    actions.push(Action::Step(run));
                    if state.faults > 0 && state.gone[run].is_none() {
                        actions.push(Action::Die(run));
                    }
                }
                Run::Ended { .. } if Self::may_rest(state, run) => actions.push(Action::Rest(run)),
                Run::Ended { .. } | Run::Rested => {}
            }
        }
        if state.single.is_some() {
            actions.push(Action::SingleStep);
        } else if state.others > 0 {
            for login in 0..LOGINS {
                actions.push(Action::Give(login));
                if state.logins[login].value == Value::Wanted {
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
            Action::Late(run) => {
                if let Some(statement) = state.gone[run].take() {
                    self.send(&mut state, run, statement);
                }
            }
            Action::LateLost(run) => state.gone[run] = None,
            Action::Rest(run) => state.runs[run] = Run::Rested,
            Action::Die(run) => {
                state.faults -= 1;
                if let Run::At(step) = state.runs[run] {
                    state.gone[run] = step.statement();
                }
                state.runs[run] = Run::At(Step::Read { claimed: false });
            }
            Action::SingleStep => self.single_step(&mut state),
            Action::Give(_) | Action::Clear(_) | Action::Rename(..) => {
                state.others -= 1;
                self.begin(&mut state, &action);
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONE_OWNER, |_, state: &State| owners(state).count() <= 1),
            Property::always(CLAIMED, |_, state: &State| {
                owners(state).all(|owner| state.claim.is_some_and(|claim| claim.login == owner))
            }),
            Property::always(LOGINS_KEPT, |_, state: &State| {
                state.logins.iter().filter(|login| login.is_user()).count() == state.people
            }),
            Property::always(ONCE, |_, state: &State| {
                state.effects.iter().all(|effects| *effects <= 1)
            }),
            Property::sometimes("a run goes without the id", |_, state: &State| {
                state.runs.contains(&Run::Ended { without: true })
            }),
            Property::sometimes("a dangling claim is taken over", |_, state: &State| {
                state.taken_over
            }),
            Property::sometimes("a renamed user keeps the id", |_, state: &State| {
                state.logins[2].value == Value::Wanted
            }),
        ]
    }
}

fn owners(state: &State) -> impl Iterator<Item = usize> {
    (0..LOGINS).filter(|login| state.logins[*login].value == Value::Wanted)
}

impl Ending for Claims {
    fn is_progress(action: &Action) -> bool {
        matches!(
            action,
            Action::Step(_)
                | Action::Late(_)
                | Action::LateLost(_)
                | Action::Rest(_)
                | Action::SingleStep
        )
    }

    fn is_over(state: &State) -> bool {
        state.runs.iter().all(|run| *run == Run::Rested)
    }
}

pub(crate) const ONE_OWNER: &str = "an external id has one owner";
pub(crate) const CLAIMED: &str = "the claim names whoever has the id";
pub(crate) const LOGINS_KEPT: &str = "a login has one owner, who is not overwritten";
pub(crate) const ONCE: &str = "no record is applied twice";

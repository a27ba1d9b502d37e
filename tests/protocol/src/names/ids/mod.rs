//! External ids that move within a file, of users who are identified by user name: deferral in Apply,
//! the judge and Move; single-user writes, and a run of another task at the same ids.

mod record;
mod state;
#[cfg(test)]
mod tests;

use stateright::{Model, Property};

use super::{ALL_APPLIED, COUNTED, ONCE, Omitted, Round, Run, RunAction};
use crate::mutant::Mutant;
use crate::search::Terminates;
use state::{Action, Claim, Conflicts, IDS, Ids, RUNS, Row, State, USERS};

impl Ids {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    fn omitted(&self) -> Omitted {
        Omitted {
            judge: self.is(Mutant::NoJudge),
            fence_for_deferred: self.is(Mutant::NoFenceForDeferred),
            all_move_rows: false,
        }
    }

    /// Enters the next round, once the current one has all its results, or ends the run.
    fn advance(&self, state: &mut State, number: usize) {
        let run = &mut state.runs[number];
        if run.round == Round::Apply && run.is_deferred() {
            let ids = self.files[number].iter().map(|record| record.wants);
            run.judge(&ids.collect::<Vec<_>>(), self.omitted());
            run.enter(Round::Move, |run, record| run.deferred[record].is_some());
        } else {
            run.round = Round::Over;
        }
    }

    /// Returns true if a single-user write may give an id to a user: nobody has it, and no run that is
    /// not over has promised it.
    fn is_free(&self, state: &State, id: usize) -> bool {
        let has_it = state.rows.iter().any(|row| row.id == Some(id));
        let is_promised = state.claims[id].is_some_and(|claim| {
            let mut runs = state.runs.iter().zip(claim.runs);
            runs.any(|(run, promised)| promised && run.round != Round::Over)
        });
        !has_it && !is_promised
    }

    /// Returns true if a record of the first file gets its id when nobody interferes: nobody has it, or
    /// whoever has it gets, or is given, another one or none.
    fn is_possible(&self, first: usize) -> bool {
        let mut record = first;
        loop {
            let wants = self.files[0][record].wants;
            let holder = self.before.iter().position(|before| *before == wants);
            let Some(holder) = holder.filter(|_| wants.is_some()) else {
                return true;
            };
            match self.record_of(0, holder) {
                Some(next) if next == first => return true,
                Some(next) => record = next,
                None => return false,
            }
        }
    }

    /// Returns true if a run that is over, and was not cancelled, has applied what is possible, and
    /// has taken no id from anybody else.
    fn is_as_expected(&self, state: &State) -> bool {
        let run = &state.runs[0];
        let ids = |record: usize| match self.is_possible(record) {
            true => self.files[0][record].wants,
            false => self.before[self.files[0][record].user],
        };
        let applied = (0..run.applied.len())
            .map(|record| self.is_possible(record) || self.conflicts == Conflicts::Apply);
        let expected = |user: usize| match self.record_of(0, user) {
            Some(record) => ids(record),
            None => self.before[user],
        };
        run.round != Round::Over
            || run.cancelled
            || run.applied.iter().copied().eq(applied.map(u8::from))
                && (0..USERS).all(|user| state.rows[user].id == expected(user))
    }
}

impl Model for Ids {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut claims = [None; IDS];
        let mut allowed = [0; USERS];
        let rows = std::array::from_fn(|user| {
            let id = self.before[user];
            if let Some(id) = id {
                claims[id] = Some(Claim {
                    user,
                    runs: [false; RUNS],
                    mark: 1,
                });
                allowed[user] |= 1 << id;
            }
            Row {
                id,
                version: 1,
                ..Row::default()
            }
        });
        for record in self.files.iter().flatten() {
            allowed[record.user] |= record.wants.map_or(0, |id| 1 << id);
        }
        vec![State {
            rows,
            claims,
            runs: self.files.iter().map(|file| Run::new(file.len())).collect(),
            allowed,
            faults: self.faults,
            other_writes: self.other_writes,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let of_runs = RunAction::all(&state.runs, state.faults, self.omitted());
        actions.extend(of_runs.into_iter().map(Action::Run));
        if self.cancel && state.runs[0].round == Round::Apply {
            actions.push(Action::Cancel);
        }
        if state.other_writes > 0 {
            for user in 0..USERS {
                let free = (0..IDS).filter(|id| self.is_free(state, *id));
                actions.extend(free.map(|id| Action::Give(user, id)));
                if state.rows[user].id.is_some() {
                    actions.push(Action::Clear(user));
                }
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Run(action) => match action {
                RunAction::Step(run, record) => self.step(&mut state, run, record),
                RunAction::ArriveLate(run, record) => {
                    if let Some(statement) = state.runs[run].in_flight[record].take() {
                        self.send(&mut state, run, record, statement);
                    }
                }
                RunAction::NeverArrive(run, record) => state.runs[run].in_flight[record] = None,
                RunAction::Crash(run, record) => {
                    state.faults -= 1;
                    state.runs[run].crash(record);
                }
                RunAction::Advance(run) => self.advance(&mut state, run),
            },
            Action::Cancel => state.runs[0].cancel(self.omitted()),
            Action::Give(user, id) => {
                state.other_writes -= 1;
                let row = &mut state.rows[user];
                row.id = Some(id);
                row.version += 1;
                let mark = row.version;
                state.allowed[user] |= 1 << id;
                state.claims[id] = Some(Claim {
                    user,
                    runs: [false; RUNS],
                    mark,
                });
            }
            Action::Clear(user) => {
                state.other_writes -= 1;
                state.rows[user].id = None;
                state.rows[user].version += 1;
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONCE, |_, state: &State| {
                state.runs.iter().all(Run::is_applied_once)
            }),
            Property::always(COUNTED, |_, state: &State| {
                state.runs.iter().all(Run::is_counted)
            }),
            Property::always(ONE_OWNER, |_, state: &State| {
                (0..IDS).all(|id| {
                    let owners = (0..USERS).filter(|user| state.rows[*user].id == Some(id));
                    let owners: Vec<usize> = owners.collect();
                    let named = state.claims[id].map(|claim| claim.user);
                    owners.is_empty() || owners.len() == 1 && Some(owners[0]) == named
                })
            }),
            Property::always(ID_GIVEN, |_, state: &State| {
                let mut rows = state.rows.iter().zip(state.allowed);
                rows.all(|(row, allowed)| row.id.is_none_or(|id| allowed & 1 << id != 0))
            }),
            Property::always(ALL_APPLIED, |model: &Self, state: &State| {
                model.other_writes > 0 || state.runs.len() > 1 || model.is_as_expected(state)
            }),
            Property::sometimes("a run is over", |_, state: &State| {
                state.runs.iter().all(|run| run.round == Round::Over)
            }),
        ]
    }
}

impl Terminates for Ids {
    fn is_progress(action: &Action) -> bool {
        matches!(action, Action::Run(action) if action.is_progress())
    }

    fn is_over(state: &State) -> bool {
        state.runs.iter().all(Run::is_settled)
    }
}

const ONE_OWNER: &str = "an external id has one owner, whom its claim names";
const ID_GIVEN: &str = "nobody has an external id that nobody gave them";

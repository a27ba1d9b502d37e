//! Logins that move within a file, of users who are identified by external id: deferral in Apply, the
//! judge, Move and Home; others at the same users, and a run of another task. A claim and its user are
//! written in one step: the model `claims` covers what lies between them.

mod record;
mod state;
mod store;
#[cfg(test)]
mod tests;

use stateright::{Model, Property};

use super::{ALL_APPLIED, COUNTED, ONCE, Omitted, Round, Run, RunAction, Work};
use crate::mutant::Mutant;
use crate::search::Terminates;
use state::{
    Action, Claim, IDS, LOGINS, Logins, Others, PLACES, Row, STRANGER, State, USERS, last_resort,
    parked,
};

impl Logins {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    fn omitted(&self) -> Omitted {
        Omitted {
            judge: self.is(Mutant::NoJudge),
            fence_for_deferred: false,
            all_move_rows: self.is(Mutant::FinishesWithoutMoveRows),
        }
    }

    /// Enters the next round, once the current one has all its results, or ends the run.
    fn advance(&self, state: &mut State, number: usize) {
        let run = &mut state.runs[number];
        match run.round {
            Round::Apply if run.is_deferred() => {
                let logins = self.files[number].iter().map(|record| Some(record.login));
                run.judge(&logins.collect::<Vec<_>>(), self.omitted());
                run.enter(Round::Move, |run, record| run.deferred[record].is_some());
            }
            Round::Move | Round::Stopping if !self.is(Mutant::NoHome) => {
                run.enter(Round::Home, |run, record| run.go[record].is_some());
            }
            _ => run.round = Round::Over,
        }
    }
}

impl Model for Logins {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut rows = [Row::default(); PLACES];
        let mut allowed = [0_u32; USERS];
        for (id, login) in self.before.into_iter().enumerate() {
            let Some(login) = login else { continue };
            rows[login].user = Some(id);
            rows[login].id = Some(id);
            rows[login].version = 1;
            allowed[id] |= 1 << login;
        }
        if let Some(login) = self.without_id {
            rows[login].user = Some(STRANGER);
            rows[login].version = 1;
            allowed[STRANGER] |= 1 << login;
        }
        for (user, allowed) in allowed.iter_mut().enumerate() {
            *allowed |= 1 << parked(user) | 1 << last_resort(user);
        }
        for file in &self.files {
            for (record, line) in file.iter().enumerate() {
                allowed[line.id] |= 1 << line.login;
                allowed[IDS + record] |= 1 << line.login;
            }
        }
        vec![State {
            rows,
            claims: self.before.map(|place| Claim { place, mark: 0 }),
            runs: self.files.iter().map(|file| Run::new(file.len())).collect(),
            allowed,
            users: self
                .before
                .iter()
                .chain([&self.without_id])
                .flatten()
                .count(),
            displaced: 0,
            faults: self.faults,
            other_writes: self.other_writes,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let of_runs = RunAction::all(&state.runs, state.faults, self.omitted());
        actions.extend(of_runs.into_iter().map(Action::Run));
        let round = state.runs[0].round;
        let may_cancel =
            round == Round::Apply || round == Round::Move && self.is(Mutant::CancelledInMove);
        if self.cancel && may_cancel {
            actions.push(Action::Cancel);
        }
        if round == Round::Move && self.is(Mutant::MoveWithinARequest) {
            actions.push(Action::Interrupt);
        }
        if state.other_writes > 0 {
            self.other_actions(state, actions);
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
            Action::Interrupt => {
                let run = &mut state.runs[0];
                run.round = Round::Over;
                run.cancelled = true;
                run.records.fill(Work::Done);
            }
            Action::Rename(from, to) => {
                state.other_writes -= 1;
                self.rename(&mut state, from, to);
            }
            Action::ClearId(place) => {
                state.other_writes -= 1;
                self.clear_id(&mut state, place);
            }
            Action::Create(login) => {
                state.other_writes -= 1;
                self.create_stranger(&mut state, login);
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
            Property::always(NOBODY_PARKED, |_, state: &State| {
                let over = state.runs.iter().all(|run| run.round == Round::Over);
                !over || (0..USERS).all(|user| state.rows[parked(user)].user.is_none())
            }),
            Property::always(ONE_PLACE, |_, state: &State| {
                let users: Vec<usize> = state.rows.iter().filter_map(|row| row.user).collect();
                let is_once = |user| users.iter().filter(|other| **other == user).count() <= 1;
                users.len() == state.users && (0..USERS).all(is_once)
            }),
            Property::always(ONE_OWNER, |_, state: &State| {
                (0..IDS).all(|id| {
                    let owners = (0..PLACES).filter(|place| state.rows[*place].id == Some(id));
                    let owners: Vec<usize> = owners.collect();
                    owners.is_empty()
                        || Some(owners[0]) == state.claims[id].place && owners.len() == 1
                })
            }),
            Property::always(NAME_GIVEN, |_, state: &State| {
                let mut rows = state.rows.iter().enumerate();
                rows.all(|(place, row)| {
                    row.user
                        .is_none_or(|user| state.allowed[user] & 1 << place != 0)
                })
            }),
            Property::always(NOT_DISPLACED, |model: &Self, state: &State| {
                let others = model.other_writes > 0 && model.others != Others::Create;
                others || state.displaced == 0
            }),
            Property::always(ALL_APPLIED, |model: &Self, state: &State| {
                model.other_writes > 0 || state.runs.len() > 1 || model.is_as_expected(state)
            }),
            Property::sometimes("a run is over", |_, state: &State| {
                state.runs.iter().all(|run| run.round == Round::Over)
            }),
            Property::sometimes(
                "a user is parked, if there is a circle",
                |model: &Self, state: &State| {
                    let is_parked = (0..USERS).any(|user| state.rows[parked(user)].user.is_some());
                    is_parked || !model.has_circle()
                },
            ),
        ]
    }
}

impl Logins {
    fn other_actions(&self, state: &State, actions: &mut Vec<Action>) {
        let is_free = |login: &usize| {
            let row = state.rows[*login];
            row.user.is_none() && !self.is_reserved(state, row, None)
        };
        for place in (0..PLACES).filter(|place| state.rows[*place].user.is_some()) {
            match self.others {
                Others::Rename => {
                    let free = (0..LOGINS).filter(is_free);
                    actions.extend(free.map(|login| Action::Rename(place, login)));
                }
                Others::ClearId if state.rows[place].id.is_some() => {
                    actions.push(Action::ClearId(place));
                }
                Others::ClearId | Others::Create => {}
            }
        }
        let exists = state.rows.iter().any(|row| row.user == Some(STRANGER));
        if self.others == Others::Create && !exists {
            actions.extend((0..LOGINS).filter(is_free).map(Action::Create));
        }
    }

    /// Returns true if a record of the first file ends at its login when nobody interferes: nobody has
    /// it, or whoever has it goes.
    fn is_possible(&self, first: usize) -> bool {
        let file = &self.files[0];
        let mut record = first;
        loop {
            let login = Some(file[record].login);
            let holder = self.before.iter().position(|before| *before == login);
            let Some(holder) = holder.filter(|id| *id != file[record].id) else {
                return true;
            };
            match self.record_of(0, holder) {
                Some(next) if next == first => return true,
                Some(next) => record = next,
                None => return false,
            }
        }
    }

    /// Returns true if a run that is over, and was not cancelled, has applied what is possible.
    fn is_as_expected(&self, state: &State) -> bool {
        let run = &state.runs[0];
        let expected = (0..run.applied.len()).map(|record| u8::from(self.is_possible(record)));
        run.round != Round::Over || run.cancelled || run.applied.iter().copied().eq(expected)
    }

    /// Returns true if users of the first file want each other's logins in turn.
    fn has_circle(&self) -> bool {
        let file = &self.files[0];
        let next = |login: usize| {
            let record = file
                .iter()
                .find(|record| self.before[record.id] == Some(login));
            record.map(|record| record.login)
        };
        file.iter().any(|record| {
            let mut logins = std::iter::successors(next(record.login), |login| next(*login));
            self.before[record.id] != Some(record.login)
                && logins
                    .by_ref()
                    .take(LOGINS)
                    .any(|login| login == record.login)
        })
    }
}

impl Terminates for Logins {
    fn is_progress(action: &Action) -> bool {
        matches!(action, Action::Run(action) if action.is_progress())
    }

    fn is_over(state: &State) -> bool {
        state.runs.iter().all(Run::is_settled)
    }
}

pub(crate) const NOBODY_PARKED: &str = "nobody is parked in the end";
pub(crate) const ONE_PLACE: &str = "each user is at one place, and nobody is lost";
pub(crate) const ONE_OWNER: &str = "an external id has one owner, whom its claim names";
pub(crate) const NAME_GIVEN: &str = "nobody has a login that nobody gave them";
pub(crate) const NOT_DISPLACED: &str =
    "nobody is displaced unless others rename users or clear ids";

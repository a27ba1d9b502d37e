//! The steps of a record in the rounds Apply and Move, and of the user who was parked for it in Home.

use super::super::{Deferred, Round, Work};
use super::state::{
    Claim, Decision, LOGINS, Logins, Row, State, Statement, Step, last_resort, parked,
};
use crate::directory::Stamp;
use crate::mutant::Mutant;

impl Logins {
    /// Executes the next step of the writer of a record.
    pub(super) fn step(&self, state: &mut State, run: usize, record: usize) {
        let Work::At(step) = state.runs[run].records[record] else {
            return;
        };
        let next = match step {
            Step::ReadOwn => self.read_own(state, run, record),
            Step::ReadClaim { own } => {
                let id = self.files[run][record].id;
                let claim = state.claims[id];
                match claim.place {
                    Some(place) => Step::ReadPerson { own, claim, place },
                    None => self.decide(state, run, record, own, claim, None),
                }
            }
            // The user of the login has got the id since the first look.
            Step::ReadPerson { place, .. } if place == self.files[run][record].login => {
                Step::ReadOwn
            }
            Step::ReadPerson { own, claim, place } => {
                let row = state.rows[place];
                let has_id = row.id == Some(self.files[run][record].id);
                let person = has_id.then_some((place, row.version));
                self.decide(state, run, record, own, claim, person)
            }
            Step::Send(statement) => {
                let sent = self.send(state, run, record, statement);
                match (sent, statement) {
                    (true, Statement::Fence { .. }) => committed(false),
                    (true, _) => committed(true),
                    (false, Statement::Fence { .. }) => Step::Fence,
                    (false, _) => Step::ReadOwn,
                }
            }
            Step::Commit {
                decision,
                applied,
                keeps,
            } => {
                self.commit(state, run, record, decision, applied, keeps);
                return;
            }
            Step::LookAgain { seen, .. } if self.own_row(state, run, record).version != seen => {
                Step::ReadOwn
            }
            Step::LookAgain {
                decision, keeps, ..
            } => Step::Commit {
                decision: Some(decision),
                applied: false,
                keeps,
            },
            Step::Fence => {
                let own = self.own_row(state, run, record);
                match own.stamps[run] {
                    Some(stamp) => committed(stamp == Stamp::Written),
                    None => Step::Send(Statement::Fence { seen: own.version }),
                }
            }
            Step::ReadParked => match self.way_home(state, run, record) {
                Some(step) => step,
                None => {
                    state.runs[run].records[record] = Work::Done;
                    return;
                }
            },
            Step::SendHome { seen, to, to_seen } => {
                let home = Statement::Home { seen, to, to_seen };
                self.send(state, run, record, home);
                Step::ReadParked
            }
        };
        state.runs[run].records[record] = Work::At(next);
    }

    fn own_row(&self, state: &State, run: usize, record: usize) -> Row {
        state.rows[self.files[run][record].login]
    }

    /// Returns true if nobody but the run that reserved it may come to a row.
    pub(super) fn is_reserved(&self, state: &State, row: Row, run: Option<usize>) -> bool {
        row.reserved
            .is_some_and(|by| Some(by) != run && state.runs[by].round != Round::Over)
    }

    fn read_own(&self, state: &State, run: usize, record: usize) -> Step {
        let own = self.own_row(state, run, record);
        if let Some(stamp) = own.stamps[run] {
            return committed(stamp == Stamp::Written);
        }
        if own.id == Some(self.files[run][record].id) {
            return Step::Send(Statement::Update { seen: own.version });
        }
        Step::ReadClaim { own }
    }

    /// Decides on a record from the row of its login, and the place and version of the person with its
    /// external id.
    fn decide(
        &self,
        state: &State,
        run: usize,
        record: usize,
        own: Row,
        claim: Claim,
        person: Option<(usize, u8)>,
    ) -> Step {
        let seen = own.version;
        let keeps = person.map(|(place, _)| place).filter(|at| *at < LOGINS);
        let ignored = || self.not_written(state, run, record, seen, Decision::Ignored, keeps);
        let Some(holder) = own.user else {
            if self.is_reserved(state, own, Some(run)) {
                return ignored();
            }
            return Step::Send(match person {
                Some((from, from_seen)) => Statement::Rename {
                    seen,
                    from,
                    from_seen,
                },
                None => Statement::Create { seen, claim },
            });
        };
        let Some(holder_id) = own.id else {
            return match person {
                Some(_) => ignored(),
                None => Step::Send(Statement::Adopt { seen, claim }),
            };
        };
        let holder_record = self.record_of(run, holder_id);
        if holder_record.is_none() && !self.is(Mutant::EveryNameGivenUp) {
            return ignored();
        }
        if state.runs[run].round == Round::Apply {
            let deferred = Decision::Deferred(Deferred {
                holder,
                record: holder_record,
            });
            return self.not_written(state, run, record, seen, deferred, None);
        }
        let go = &state.runs[run].go;
        let holder_goes = holder_record.is_none_or(|record| go[record].is_some());
        let takes = match self.is(Mutant::TakenByName) {
            true => go[record].is_some(),
            false => go[record] == Some(holder) && holder_goes,
        };
        if !takes {
            return ignored();
        }
        Step::Send(Statement::Take {
            seen,
            from: person,
            claim,
            parked_seen: state.rows[parked(holder)].version,
        })
    }

    /// Returns the record of a run that is about an external id.
    pub(super) fn record_of(&self, run: usize, id: usize) -> Option<usize> {
        self.files[run].iter().position(|record| record.id == id)
    }

    /// Returns the step after a decision not to write, which rests on rows that were read after that of the
    /// login. A late statement may have written that one in between, and others may have moved what it
    /// wrote.
    fn not_written(
        &self,
        state: &State,
        run: usize,
        record: usize,
        seen: u8,
        decision: Decision,
        keeps: Option<usize>,
    ) -> Step {
        let is_replay = state.runs[run].unsure[record];
        let keeps = keeps.filter(|_| !(is_replay && self.is(Mutant::KeepersLeftOutByReplay)));
        if is_replay && !self.is(Mutant::NoSecondLook) {
            return Step::LookAgain {
                seen,
                decision,
                keeps,
            };
        }
        Step::Commit {
            decision: Some(decision),
            applied: false,
            keeps,
        }
    }

    fn commit(
        &self,
        state: &mut State,
        run: usize,
        record: usize,
        decision: Option<Decision>,
        applied: bool,
        keeps: Option<usize>,
    ) {
        let run = &mut state.runs[run];
        if let Some(Decision::Deferred(deferred)) = decision {
            run.records[record] = Work::Done;
            run.deferred[record] = Some(deferred);
            run.counted[record] += u8::from(self.is(Mutant::DeferredCountedInApply));
        } else {
            run.commit(record, applied, keeps);
        }
    }

    /// Returns the step that renames the user who was parked for a record; `None` if nobody is parked.
    fn way_home(&self, state: &State, run: usize, record: usize) -> Option<Step> {
        let holder = state.runs[run].go[record]?;
        let row = state.rows[parked(holder)];
        let (by, login) = row.parked.filter(|_| row.user.is_some())?;
        if by != run && !self.is(Mutant::HomeForAnotherRun) {
            return None;
        }
        let from = state.rows[login];
        let is_free = from.user.is_none() && !self.is_reserved(state, from, Some(run));
        let to = if is_free { login } else { last_resort(holder) };
        Some(Step::SendHome {
            seen: row.version,
            to,
            to_seen: state.rows[to].version,
        })
    }
}

/// Returns the step that commits a record that was written, or fenced.
const fn committed(applied: bool) -> Step {
    Step::Commit {
        decision: None,
        applied,
        keeps: None,
    }
}

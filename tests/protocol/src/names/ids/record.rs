//! The steps of a record in the rounds Apply and Move, and the store's part of them.

use super::super::{Deferred, Round, Work};
use super::state::{Claim, Conflicts, Decision, Ids, Row, State, Statement, Step};
use crate::directory::Stamp;
use crate::mutant::Mutant;

impl Ids {
    /// Executes the next step of the writer of a record.
    pub(super) fn step(&self, state: &mut State, run: usize, record: usize) {
        let Work::At(step) = state.runs[run].records[record] else {
            return;
        };
        let user = self.files[run][record].user;
        let done = super::super::Step::statement(step)
            .is_some_and(|statement| self.send(state, run, record, statement));
        let next = match step {
            Step::ReadOwn => self.read_own(state, run, record),
            Step::Insert { own } | Step::Replace { own, .. } if done => {
                self.write(run, record, own.version)
            }
            Step::Insert { own } | Step::Replace { own, .. } => Step::ReadClaim { own },
            Step::ReadClaim { own } => self.read_claim(state, run, record, own),
            Step::ReadRuns { own, claim } if !self.all_over(state, run, claim) => {
                self.kept_by_another(run, record, own)
            }
            Step::ReadRuns { own, claim } => Step::ReadHolder { own, claim },
            Step::ReadHolder { own, claim } => self.read_holder(state, run, record, own, claim),
            Step::Send(statement) if done => self.sent(run, record, statement),
            Step::Send(Statement::Fence { .. }) => Step::Fence,
            Step::Send(_) => Step::ReadOwn,
            Step::Commit {
                decision,
                applied,
                keeps,
            } => {
                let run = &mut state.runs[run];
                if let Some(Decision::Deferred(deferred)) = decision {
                    run.records[record] = Work::Done;
                    run.deferred[record] = Some(deferred);
                } else {
                    run.commit(record, applied, keeps);
                }
                return;
            }
            Step::Fence => {
                let own = state.rows[user];
                match own.stamps[run] {
                    Some(stamp) => self.stamped(run, record, own.id, stamp),
                    None => Step::Send(Statement::Fence { seen: own.version }),
                }
            }
        };
        state.runs[run].records[record] = Work::At(next);
    }

    fn read_own(&self, state: &State, run: usize, record: usize) -> Step {
        let record_of = self.files[run][record];
        let own = state.rows[record_of.user];
        if let Some(stamp) = own.stamps[run] {
            return self.stamped(run, record, own.id, stamp);
        }
        match record_of.wants {
            wants if wants == own.id => self.decided(run, record, own, Decision::Ignored),
            None => self.write(run, record, own.version),
            Some(_) => Step::Insert { own },
        }
    }

    fn read_claim(&self, state: &State, run: usize, record: usize, own: Row) -> Step {
        let Record { user, id } = self.wanted(run, record);
        let Some(claim) = state.claims[id] else {
            return Step::Insert { own };
        };
        if claim.user != user {
            return Step::ReadRuns { own, claim };
        }
        if claim.runs[run] {
            return self.write(run, record, own.version);
        }
        let mut to = Claim::of_run(user, run);
        for (other, keeps) in to.runs.iter_mut().enumerate() {
            *keeps |= claim.runs[other] && state.runs[other].round != Round::Over;
        }
        Step::Replace {
            own,
            from: claim,
            to,
        }
    }

    fn read_holder(
        &self,
        state: &State,
        run: usize,
        record: usize,
        own: Row,
        claim: Claim,
    ) -> Step {
        let Record { user, id } = self.wanted(run, record);
        let holder = claim.user;
        let row = state.rows[holder];
        if row.id != Some(id) {
            return Step::Replace {
                own,
                from: claim,
                to: Claim::of_run(user, run),
            };
        }
        let Some(of_holder) = self.record_of(run, holder) else {
            return self.kept_by_another(run, record, own);
        };
        let run_state = &state.runs[run];
        if run_state.round == Round::Apply {
            let deferred = Deferred {
                holder,
                record: Some(of_holder),
            };
            return self.decided(run, record, own, Decision::Deferred(deferred));
        }
        if run_state.go[record] == Some(holder) && run_state.go[of_holder].is_some() {
            return Step::Send(Statement::Take {
                seen: own.version,
                holder,
                holder_seen: row.version,
                claim,
            });
        }
        self.kept_by_another(run, record, own)
    }

    /// Decides on a record whose external id somebody else keeps.
    fn kept_by_another(&self, run: usize, record: usize, own: Row) -> Step {
        match self.conflicts {
            Conflicts::Ignore => self.decided(run, record, own, Decision::Ignored),
            Conflicts::Apply => Step::Send(Statement::Write {
                seen: own.version,
                id: own.id,
            }),
        }
    }

    fn write(&self, run: usize, record: usize, seen: u8) -> Step {
        Step::Send(Statement::Write {
            seen,
            id: self.files[run][record].wants,
        })
    }

    /// Returns the step after a decision not to write. It rests on other rows as well: those that a run
    /// claims for this user nobody else can get while the run goes on, and a deferred record is looked at
    /// again.
    fn decided(&self, run: usize, record: usize, own: Row, decision: Decision) -> Step {
        Step::Commit {
            decision: Some(decision),
            applied: false,
            keeps: self.keeps(run, record, own.id),
        }
    }

    fn stamped(&self, run: usize, record: usize, id: Option<usize>, stamp: Stamp) -> Step {
        Step::Commit {
            decision: None,
            applied: stamp == Stamp::Written,
            keeps: self.keeps(run, record, id),
        }
    }

    fn sent(&self, run: usize, record: usize, statement: Statement) -> Step {
        let wants = self.files[run][record].wants;
        match statement {
            Statement::Fence { .. } => self.stamped(run, record, wants, Stamp::Fenced),
            Statement::Write { id, .. } => self.stamped(run, record, id, Stamp::Written),
            _ => self.stamped(run, record, wants, Stamp::Written),
        }
    }

    /// Returns the external id that a user keeps, if the file gives the user another one.
    fn keeps(&self, run: usize, record: usize, id: Option<usize>) -> Option<usize> {
        id.filter(|id| self.files[run][record].wants != Some(*id))
    }

    /// Returns true if no run but this one may still give the id to whom a claim names.
    fn all_over(&self, state: &State, run: usize, claim: Claim) -> bool {
        let mut runs = state.runs.iter().enumerate();
        runs.all(|(other, state)| {
            let is_over = state.round == Round::Over || self.is(Mutant::ClaimTakenFromALiveRun);
            other == run || !claim.runs[other] || is_over
        })
    }

    fn wanted(&self, run: usize, record: usize) -> Record {
        let of_record = self.files[run][record];
        Record {
            user: of_record.user,
            id: of_record.wants.unwrap_or_default(),
        }
    }

    /// Returns the record of a run about a user.
    pub(super) fn record_of(&self, run: usize, user: usize) -> Option<usize> {
        self.files[run]
            .iter()
            .position(|record| record.user == user)
    }

    /// Executes a statement in the store. Returns false if a condition is not met.
    pub(super) fn send(
        &self,
        state: &mut State,
        run: usize,
        record: usize,
        statement: Statement,
    ) -> bool {
        let Record { user, id } = self.wanted(run, record);
        let written = match statement {
            Statement::Insert if state.claims[id].is_none() => {
                state.claims[id] = Some(Claim::of_run(user, run));
                return true;
            }
            Statement::Replace { from, to } if state.claims[id] == Some(from) => {
                state.claims[id] = Some(to);
                return true;
            }
            Statement::Insert | Statement::Replace { .. } => return false,
            Statement::Write { seen, id } => {
                let met = state.rows[user].version == seen;
                if met {
                    state.rows[user].id = id;
                }
                met
            }
            Statement::Take {
                seen,
                holder,
                holder_seen,
                claim,
            } => {
                let met = state.rows[user].version == seen
                    && state.rows[holder].version == holder_seen
                    && state.claims[id] == Some(claim);
                if met {
                    state.rows[holder].id = None;
                    state.rows[holder].version += 1;
                    state.rows[user].id = Some(id);
                    state.claims[id] = Some(Claim::of_run(user, run));
                }
                met
            }
            Statement::Fence { seen } => {
                let row = &mut state.rows[user];
                let met = row.version == seen;
                if met {
                    row.version += 1;
                    row.stamps[run] = Some(Stamp::Fenced);
                }
                return met;
            }
        };
        if written {
            state.rows[user].version += 1;
            state.rows[user].stamps[run] = Some(Stamp::Written);
            state.runs[run].effects[record] += 1;
        }
        written
    }
}

/// The user of a record, and the external id that it sets.
struct Record {
    user: usize,
    id: usize,
}

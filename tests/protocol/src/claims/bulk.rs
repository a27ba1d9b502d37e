//! A record of a run that assigns an external id: first the claim, then the user.

use super::state::{Claim, Claims, LOGINS, RUNS, Run, State, Statement, Step};
use crate::directory::{Stamp, Value};
use crate::mutant::Mutant;

impl Claim {
    const fn of_run(run: usize) -> Self {
        let mut runs = [false; RUNS];
        runs[run] = true;
        Self {
            login: run,
            runs,
            mark: 0,
        }
    }
}

impl Claims {
    pub(super) fn step(&self, state: &mut State, run: usize) {
        let Run::At(step) = state.runs[run] else {
            return;
        };
        let without_id = Run::Ended { without_id: true };
        let done = step
            .statement()
            .is_some_and(|statement| self.send(state, run, statement));
        state.runs[run] = match step {
            Step::Read { claimed } => self.read(state, run, claimed),
            Step::Insert { seen } if done => self.claimed(seen),
            Step::Insert { seen } => Run::At(Step::ReadClaim { seen }),
            Step::ReadClaim { seen } => self.read_claim(state, run, seen),
            Step::ReadHolder { claim, .. }
                if state.logins[claim.login].value == Value::Imported =>
            {
                without_id
            }
            Step::ReadHolder { seen, claim } if self.reads_holder_first() => {
                Run::At(Step::ReadRuns { seen, claim })
            }
            Step::ReadRuns { claim, .. } if !self.all_over(state, &claim) => without_id,
            Step::ReadRuns { seen, claim } if !self.reads_holder_first() => {
                Run::At(Step::ReadHolder { seen, claim })
            }
            Step::ReadHolder { seen, claim } | Step::ReadRuns { seen, claim } => {
                Run::At(Step::Replace {
                    seen,
                    from: claim,
                    to: Claim::of_run(run),
                })
            }
            Step::Replace { seen, .. } if done => self.claimed(seen),
            Step::Replace { seen, .. } => Run::At(Step::ReadClaim { seen }),
            Step::Write { .. } if done && self.is(Mutant::UserBeforeClaim) => {
                Run::At(Step::Insert { seen: 0 })
            }
            Step::Write { .. } if done => Run::Ended { without_id: false },
            Step::Write { .. } => Run::At(Step::Read {
                claimed: self.is(Mutant::ClaimNotCheckedAgain),
            }),
        };
    }

    fn read(&self, state: &State, run: usize, claimed: bool) -> Run {
        let login = state.logins[run];
        let seen = login.version;
        if login.stamp.is_some() || login.value == Value::Imported {
            Run::Ended { without_id: false }
        } else if claimed || self.is(Mutant::UserBeforeClaim) {
            Run::At(Step::Write { seen })
        } else {
            // An earlier claim of this run, in this attempt or another, is found here, and so is the
            // loss of it.
            Run::At(Step::Insert { seen })
        }
    }

    fn claimed(&self, seen: u8) -> Run {
        if self.is(Mutant::UserBeforeClaim) {
            Run::Ended { without_id: false }
        } else {
            Run::At(Step::Write { seen })
        }
    }

    fn read_claim(&self, state: &State, run: usize, seen: u8) -> Run {
        let Some(claim) = state.claim else {
            return Run::At(Step::Insert { seen });
        };
        if claim.login != run {
            return Run::At(if self.reads_holder_first() {
                Step::ReadHolder { seen, claim }
            } else {
                Step::ReadRuns { seen, claim }
            });
        }
        if claim.runs[run] {
            return self.claimed(seen);
        }
        let mut to = claim;
        to.runs = std::array::from_fn(|other| {
            other == run || claim.runs[other] && !self.is_over(state, other)
        });
        to.mark = 0;
        Run::At(Step::Replace {
            seen,
            from: claim,
            to,
        })
    }

    /// Executes a statement in the store.
    pub(super) fn send(&self, state: &mut State, run: usize, statement: Statement) -> bool {
        match statement {
            Statement::Insert => {
                let free = state.claim.is_none();
                if free {
                    state.claim = Some(Claim::of_run(run));
                }
                free
            }
            Statement::Replace { from, to } => {
                let same = state.claim == Some(from);
                if same {
                    state.claim = Some(to);
                    state.taken_over |= from.login != to.login;
                }
                same
            }
            Statement::Write { seen } => {
                let login = &mut state.logins[run];
                let new = !login.is_user();
                let done = login.write(seen, Value::Imported, Some(Stamp::Written));
                if done {
                    state.users += usize::from(new);
                    state.effects[run] += 1;
                }
                done
            }
        }
    }
}

const _: () = assert!(RUNS < LOGINS, "a login is left for renames");

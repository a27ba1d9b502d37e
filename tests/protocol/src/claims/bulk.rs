//! A record of a run that gives out an external id: the claim first, then the user.

use super::{Claim, Claims, LOGINS, RUNS, Run, State};
use crate::directory::{Stamp, Value};
use crate::mutant::Mutant;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Read {
        /// Only of a mutant: takes the claim for its own still.
        claimed: bool,
    },
    Insert {
        seen: u8,
    },
    /// Reads the claim that stands in the way.
    Look {
        seen: u8,
    },
    /// Reads the user whom it names.
    Holder {
        seen: u8,
        claim: Claim,
    },
    /// Reads the runs that it names.
    Runs {
        seen: u8,
        claim: Claim,
    },
    Replace {
        seen: u8,
        from: Claim,
        to: Claim,
    },
    Write {
        seen: u8,
    },
}

/// What is decided by the store in one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Statement {
    Insert,
    Replace { from: Claim, to: Claim },
    Write { seen: u8 },
}

impl Step {
    pub(super) const fn statement(self) -> Option<Statement> {
        match self {
            Self::Insert { .. } => Some(Statement::Insert),
            Self::Replace { from, to, .. } => Some(Statement::Replace { from, to }),
            Self::Write { seen } => Some(Statement::Write { seen }),
            Self::Read { .. } | Self::Look { .. } | Self::Holder { .. } | Self::Runs { .. } => None,
        }
    }
}

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
        let without = Run::Ended { without: true };
        let done = step
            .statement()
            .is_some_and(|statement| self.send(state, run, statement));
        state.runs[run] = match step {
            Step::Read { claimed } => self.read(state, run, claimed),
            Step::Insert { seen } if done => self.claimed(seen),
            Step::Insert { seen } => Run::At(Step::Look { seen }),
            Step::Look { seen } => self.look(state, run, seen),
            Step::Holder { claim, .. } if state.logins[claim.login].value == Value::Wanted => {
                without
            }
            Step::Holder { seen, claim } if !self.runs_first => Run::At(Step::Runs { seen, claim }),
            Step::Runs { claim, .. } if !self.all_rest(state, &claim) => without,
            Step::Runs { seen, claim } if self.runs_first => Run::At(Step::Holder { seen, claim }),
            Step::Holder { seen, claim } | Step::Runs { seen, claim } => Run::At(Step::Replace {
                seen,
                from: claim,
                to: Claim::of_run(run),
            }),
            Step::Replace { seen, .. } if done => self.claimed(seen),
            Step::Replace { seen, .. } => Run::At(Step::Look { seen }),
            Step::Write { .. } if done && self.is(Mutant::UserBeforeClaim) => {
                Run::At(Step::Insert { seen: 0 })
            }
            Step::Write { .. } if done => Run::Ended { without: false },
            Step::Write { .. } => Run::At(Step::Read {
                claimed: self.is(Mutant::ClaimNotCheckedAgain),
            }),
        };
    }

    fn read(&self, state: &State, run: usize, claimed: bool) -> Run {
        let login = state.logins[run];
        let seen = login.version;
        if login.stamp.is_some() || login.value == Value::Wanted {
            Run::Ended { without: false }
        } else if claimed || self.is(Mutant::UserBeforeClaim) {
            Run::At(Step::Write { seen })
        } else {
            // Whoever has claimed it already, in this attempt or another, finds that out here, and
            // so does who has lost it since.
            Run::At(Step::Insert { seen })
        }
    }

    fn claimed(&self, seen: u8) -> Run {
        if self.is(Mutant::UserBeforeClaim) {
            Run::Ended { without: false }
        } else {
            Run::At(Step::Write { seen })
        }
    }

    fn look(&self, state: &State, run: usize, seen: u8) -> Run {
        let Some(claim) = state.claim else {
            return Run::At(Step::Insert { seen });
        };
        if claim.login != run {
            return Run::At(if self.runs_first {
                Step::Runs { seen, claim }
            } else {
                Step::Holder { seen, claim }
            });
        }
        if claim.runs[run] {
            return self.claimed(seen);
        }
        let mut to = claim;
        to.runs = std::array::from_fn(|other| {
            other == run || claim.runs[other] && !self.rests(state, other)
        });
        to.mark = 0;
        Run::At(Step::Replace {
            seen,
            from: claim,
            to,
        })
    }

    /// The store decides on a statement.
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
                let done = login.write(seen, Value::Wanted, Some(Stamp::Written));
                if done {
                    state.people += usize::from(new);
                    state.effects[run] += 1;
                }
                done
            }
        }
    }
}

const _: () = assert!(RUNS < LOGINS, "a login is left for renames");

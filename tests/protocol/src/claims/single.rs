//! A single-user write: reads, and then one transaction over user and claim with conditions on what
//! was read. If others were faster, the client is asked to retry.

use super::state::{Action, Claim, Claims, RUNS, Single, SingleStep, State};
use crate::directory::{Value, rename};
use crate::mutant::Mutant;

impl Claims {
    pub(super) fn begin_single(&self, state: &mut State, action: &Action) {
        let at = |login: usize| (login, state.logins[login]);
        let (from, to) = match *action {
            Action::Clear(login) => {
                state.logins[login].value = Value::Old;
                state.logins[login].version += 1;
                return;
            }
            Action::Give(login) => (at(login), None),
            Action::Rename(from, to) => (at(from), Some(at(to))),
            _ => return,
        };
        let step = if to.is_some() && from.1.value != Value::Imported {
            // A user without the id takes none along.
            SingleStep::Transact(None)
        } else {
            SingleStep::ReadClaim
        };
        state.single = Some(Single { from, to, step });
    }

    pub(super) fn single_step(&self, state: &mut State) {
        let Some(mut single) = state.single.take() else {
            return;
        };
        single.step = match single.step {
            SingleStep::ReadClaim => match state.claim {
                Some(claim) if claim.login != single.from.0 && self.reads_holder_first() => {
                    SingleStep::ReadHolder(claim)
                }
                Some(claim) if claim.login != single.from.0 => SingleStep::ReadRuns(claim),
                claim => SingleStep::Transact(claim),
            },
            SingleStep::ReadHolder(claim) if state.logins[claim.login].value == Value::Imported => {
                return;
            }
            SingleStep::ReadHolder(claim) if self.reads_holder_first() => {
                SingleStep::ReadRuns(claim)
            }
            SingleStep::ReadRuns(claim) if !self.all_over(state, &claim) => return,
            SingleStep::ReadRuns(claim) if !self.reads_holder_first() => {
                SingleStep::ReadHolder(claim)
            }
            SingleStep::ReadHolder(claim) | SingleStep::ReadRuns(claim) => {
                SingleStep::Transact(Some(claim))
            }
            SingleStep::Transact(claim) => {
                self.transact(state, &single, claim);
                return;
            }
        };
        state.single = Some(single);
    }

    fn transact(&self, state: &mut State, single: &Single, claim: Option<Claim>) {
        let (from, seen) = single.from;
        let mut holds = state.logins[from].version == seen.version;
        if let Some((to, seen)) = single.to
            && !self.is(Mutant::RenameOntoExistingUser)
        {
            holds &= state.logins[to].version == seen.version;
        }
        let has_id = single.to.is_none() || seen.value == Value::Imported;
        if has_id {
            holds &= state.claim == claim;
        }
        if !holds {
            return;
        }
        let mut old = state.logins[from];
        let now_at = if let Some((to, _)) = single.to {
            let mut new = state.logins[to];
            rename(&mut old, &mut new, self.mutant);
            state.logins[to] = new;
            to
        } else {
            state.users += usize::from(!old.is_user());
            old.single_write();
            old.value = Value::Imported;
            from
        };
        state.logins[from] = old;
        if has_id {
            // Runs that have not ended stay in the claim: it is theirs as well if it names the same
            // login.
            let kept = |run: usize, claim: &Claim| claim.runs[run] && !self.is_over(state, run);
            let runs = std::array::from_fn(|run| claim.is_some_and(|claim| kept(run, &claim)));
            let mark = if self.is(Mutant::SingleWritesWithoutMark) {
                claim.map_or(0, |claim| claim.mark)
            } else {
                state.logins[now_at].version
            };
            state.taken_over |= claim.is_some_and(|claim| claim.login != from);
            state.claim = Some(Claim {
                login: now_at,
                runs,
                mark,
            });
        }
    }
}

const _: () = assert!(RUNS == 2, "a claim's runs are two flags");

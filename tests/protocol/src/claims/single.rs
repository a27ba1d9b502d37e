//! A user written alone: reads, and then one transaction over user and claim, on the condition of
//! what was read. Where somebody was faster the client is told to come again.

use super::{Action, Claim, Claims, RUNS, State};
use crate::directory::{Login, Value, rename};
use crate::mutant::Mutant;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Single {
    /// With the rows that were read.
    from: (usize, Login),
    /// The login that a rename leads to.
    to: Option<(usize, Login)>,
    step: Step,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    Look,
    Holder(Claim),
    Runs(Claim),
    Transact(Option<Claim>),
}

impl Single {
    /// Whether it has looked at a claim's user, and not at its runs.
    pub(super) const fn asks(&self) -> bool {
        matches!(self.step, Step::Runs(_))
    }
}

impl Claims {
    pub(super) fn begin(&self, state: &mut State, action: &Action) {
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
        let step = if to.is_some() && from.1.value != Value::Wanted {
            // Somebody without the id takes none along.
            Step::Transact(None)
        } else {
            Step::Look
        };
        state.single = Some(Single { from, to, step });
    }

    pub(super) fn single_step(&self, state: &mut State) {
        let Some(mut single) = state.single.take() else {
            return;
        };
        single.step = match single.step {
            Step::Look => match state.claim {
                Some(claim) if claim.login != single.from.0 && self.runs_first => Step::Runs(claim),
                Some(claim) if claim.login != single.from.0 => Step::Holder(claim),
                claim => Step::Transact(claim),
            },
            Step::Holder(claim) if state.logins[claim.login].value == Value::Wanted => return,
            Step::Holder(claim) if !self.runs_first => Step::Runs(claim),
            Step::Runs(claim) if !self.all_rest(state, &claim) => return,
            Step::Runs(claim) if self.runs_first => Step::Holder(claim),
            Step::Holder(claim) | Step::Runs(claim) => Step::Transact(Some(claim)),
            Step::Transact(claim) => {
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
            && !self.is(Mutant::RenameOntoAnybody)
        {
            holds &= state.logins[to].version == seen.version;
        }
        let has_id = single.to.is_none() || seen.value == Value::Wanted;
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
            state.people += usize::from(!old.is_user());
            old.put();
            old.value = Value::Wanted;
            from
        };
        state.logins[from] = old;
        if has_id {
            // Runs that are not over stay named: the claim is also theirs, as far as it names the
            // same login.
            let kept = |run: usize, claim: &Claim| claim.runs[run] && !self.rests(state, run);
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

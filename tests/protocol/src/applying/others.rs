//! Other people at the same logins while the run works: single-user writes, renames, runs of other
//! tasks, the operator who cancels, and the task's next run.

use super::{Action, Applying, Lock, RECORDS, Run, State};
use crate::directory::rename;
use crate::mutant::Mutant;

impl Applying {
    pub(super) fn interferences(&self, state: &State, actions: &mut Vec<Action>) {
        if self.cancel && state.run == Run::Applying {
            actions.push(Action::Cancel);
        }
        if self.is(Mutant::ExpiringQueuedHold) && state.lock == Lock::Ours {
            actions.push(Action::HoldExpires);
        }
        if state.others == 0 {
            return;
        }
        for login in 0..RECORDS {
            actions.extend([Action::Put(login), Action::OtherTask(login)]);
            if state.lock == Lock::Free {
                actions.push(Action::NextRun(login));
            }
            let to = (login + 1) % RECORDS;
            if state.logins[login].is_user() && !state.logins[to].is_user() {
                actions.push(Action::Rename(login, to));
            }
        }
        if self.managers {
            actions.push(Action::ManagerComesOrGoes);
        }
    }

    pub(super) fn interfere(&self, state: &mut State, action: &Action) {
        match *action {
            Action::Cancel => {
                state.run = Run::Cancelling;
                return;
            }
            Action::HoldExpires => {
                state.lock = Lock::Free;
                return;
            }
            Action::Put(login) => state.logins[login].put(),
            Action::OtherTask(login) => {
                state.logins[login].put();
                if self.is(Mutant::SingleStamp) {
                    state.logins[login].stamp = None;
                }
            }
            Action::NextRun(login) => {
                // The hold proves that the task's earlier runs are over: their stamps go.
                state.lock = Lock::Next;
                state.logins[login].put();
                state.logins[login].stamp = None;
            }
            Action::Rename(from, to) => {
                let (mut old, mut new) = (state.logins[from], state.logins[to]);
                rename(&mut old, &mut new, self.mutant);
                state.logins[from] = old;
                state.logins[to] = new;
            }
            Action::ManagerComesOrGoes => state.manager = !state.manager,
            _ => return,
        }
        state.others -= 1;
    }
}

//! Others at the same logins while the run is applied: single-user writes, renames, runs of other
//! tasks, an operator who cancels, and the task's next run.

use super::state::{Action, Applying, Lock, RECORDS, Run, State};
use crate::directory::rename;
use crate::mutant::Mutant;

impl Applying {
    pub(super) fn other_actions(&self, state: &State, actions: &mut Vec<Action>) {
        if self.cancel && state.run == Run::Applying {
            actions.push(Action::Cancel);
        }
        if self.is(Mutant::ExpiringQueuedLock) && state.lock == Lock::Ours {
            actions.push(Action::LockExpires);
        }
        if state.other_writes == 0 {
            return;
        }
        for login in 0..RECORDS {
            actions.extend([Action::SingleWrite(login), Action::OtherTask(login)]);
            if state.lock == Lock::Free {
                actions.push(Action::NextRun(login));
            }
            let to = (login + 1) % RECORDS;
            if state.logins[login].is_user() && !state.logins[to].is_user() {
                actions.push(Action::Rename(login, to));
            }
        }
        if self.managers {
            actions.push(Action::ToggleManager);
        }
    }

    pub(super) fn act_as_other(&self, state: &mut State, action: &Action) {
        match *action {
            Action::Cancel => {
                state.run = Run::Cancelling;
                return;
            }
            Action::LockExpires => {
                state.lock = Lock::Free;
                return;
            }
            Action::SingleWrite(login) => state.logins[login].single_write(),
            Action::OtherTask(login) => {
                state.logins[login].single_write();
                if self.is(Mutant::SingleStamp) {
                    state.logins[login].stamp = None;
                }
            }
            Action::NextRun(login) => {
                // The lock proves that the task's earlier runs have ended: their stamps are removed.
                state.lock = Lock::Next;
                state.logins[login].single_write();
                state.logins[login].stamp = None;
            }
            Action::Rename(from, to) => {
                let (mut old, mut new) = (state.logins[from], state.logins[to]);
                rename(&mut old, &mut new, self.mutant);
                state.logins[from] = old;
                state.logins[to] = new;
            }
            Action::ToggleManager => state.manager = !state.manager,
            _ => return,
        }
        state.other_writes -= 1;
    }
}

//! The transactions of the store: all of each, or nothing.

use super::state::{Counts, Key, Lock, LockKind, Reply, Run, State, SyncRuns};
use crate::mutant::Mutant;

impl SyncRuns {
    /// Requires that the lock is free or an expired synchronous one, whose run ends with it; that
    /// the run is absent; and that the key is as it was read.
    pub(super) fn acquire(&self, state: &mut State, run: usize, seen: Option<Key>) -> bool {
        let key = self.key(run);
        let free = state.lock.is_none_or(|lock| lock.kind == LockKind::Expired);
        let same = state.keys[key] == seen || self.is(Mutant::KeyPutUnconditional);
        if !free || !same || state.runs[run] != Run::Absent {
            return false;
        }
        if state.lock.is_some() && !self.is(Mutant::TakeOverLeavesOldRun) {
            self.end_expired(state);
        }
        state.lock = Some(Lock {
            run,
            kind: LockKind::Sync,
        });
        state.runs[run] = Run::Running;
        state.open[run] = true;
        state.keys[key] = Some(Key {
            run,
            response: None,
        });
        true
    }

    /// Ends the run of an expired lock as interrupted, with unknown counts.
    pub(super) fn end_expired(&self, state: &mut State) {
        let Some(Lock { run, .. }) = state.lock.take() else {
            return;
        };
        state.runs[run] = Run::Interrupted;
        state.ends[run] += 1;
        state.open[run] = false;
        let key = &mut state.keys[self.key(run)];
        if key.is_some_and(|key| key.run == run && key.response.is_none()) {
            *key = None;
        }
    }

    fn holds(state: &State, run: usize) -> bool {
        let held = |lock: Lock| lock.run == run && lock.kind != LockKind::Background;
        state.runs[run] == Run::Running && state.lock.is_some_and(held)
    }

    pub(super) fn hand_over(&self, state: &mut State, run: usize) -> bool {
        if !Self::holds(state, run) && !self.is(Mutant::HandOverUnconditional) {
            return false;
        }
        state.lock = Some(Lock {
            run,
            kind: LockKind::Background,
        });
        state.runs[run] = Run::Applying { queued: false };
        self.response(state, run, Reply::Accepted(run));
        true
    }

    pub(super) fn finish(&self, state: &mut State, run: usize, counts: Counts) -> bool {
        if !Self::holds(state, run) && !self.is(Mutant::FinishUnconditional) {
            return false;
        }
        self.response(state, run, Reply::Done(run));
        self.free(state, run, counts);
        true
    }

    /// Finishes a run from the queue. The client's 202 stays its response.
    pub(super) fn finish_background(&self, state: &mut State, run: usize) {
        let counts = state.effects[run];
        self.free(state, run, counts);
    }

    fn free(&self, state: &mut State, run: usize, counts: Counts) {
        state.runs[run] = Run::Finished(counts);
        state.ends[run] += 1;
        state.open[run] = false;
        state.lock = None;
    }

    fn response(&self, state: &mut State, run: usize, reply: Reply) {
        state.keys[self.key(run)] = Some(Key {
            run,
            response: Some(reply),
        });
    }

    /// Writes a user, with a stamp.
    pub(super) fn write(state: &mut State, run: usize, record: usize) {
        state.effects[run][record] += 1;
        state.wrote_without_lock |= state.lock.is_none_or(|lock| lock.run != run);
    }
}

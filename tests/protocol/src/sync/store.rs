//! What the store does with a transaction: all of it, or nothing.

use super::{Counts, Key, Kind, Lock, Reply, Run, State, Sync};
use crate::mutant::Mutant;

impl Sync {
    /// LOCK free or an expired synchronous hold, whose run ends with it; RUN absent; KEY as it was
    /// read.
    pub(super) fn acquire(&self, state: &mut State, run: usize, seen: Option<Key>) -> bool {
        let key = self.key(run);
        let free = state.lock.is_none_or(|lock| lock.kind == Kind::Expired);
        let same = state.keys[key] == seen || self.is(Mutant::KeyPutUnconditional);
        if !free || !same || state.runs[run] != Run::Absent {
            return false;
        }
        if state.lock.is_some() && !self.is(Mutant::TakeOverLeavesOldRun) {
            self.end_expired(state);
        }
        state.lock = Some(Lock {
            run,
            kind: Kind::Sync,
        });
        state.runs[run] = Run::Live;
        state.open[run] = true;
        state.keys[key] = Some(Key { run, answer: None });
        true
    }

    /// Ends the run of an expired hold: interrupted, its counts unknown.
    pub(super) fn end_expired(&self, state: &mut State) {
        let Some(Lock { run, .. }) = state.lock.take() else {
            return;
        };
        state.runs[run] = Run::Interrupted;
        state.ends[run] += 1;
        state.open[run] = false;
        let key = &mut state.keys[self.key(run)];
        if key.is_some_and(|key| key.run == run && key.answer.is_none()) {
            *key = None;
        }
    }

    fn holds(state: &State, run: usize) -> bool {
        let held = |lock: Lock| lock.run == run && lock.kind != Kind::Queued;
        state.runs[run] == Run::Live && state.lock.is_some_and(held)
    }

    pub(super) fn hand_over(&self, state: &mut State, run: usize) -> bool {
        if !Self::holds(state, run) && !self.is(Mutant::HandOverUnconditional) {
            return false;
        }
        state.lock = Some(Lock {
            run,
            kind: Kind::Queued,
        });
        state.runs[run] = Run::Applying { queued: false };
        self.answer(state, run, Reply::Accepted(run));
        true
    }

    pub(super) fn finish(&self, state: &mut State, run: usize, counts: Counts) -> bool {
        if !Self::holds(state, run) && !self.is(Mutant::FinishUnconditional) {
            return false;
        }
        self.answer(state, run, Reply::Done(run));
        self.free(state, run, counts);
        true
    }

    /// The finish of a run from the queue. Its client has a 202, which stays.
    pub(super) fn finish_queued(&self, state: &mut State, run: usize) {
        let counts = state.effects[run];
        self.free(state, run, counts);
    }

    fn free(&self, state: &mut State, run: usize, counts: Counts) {
        state.runs[run] = Run::Finished(counts);
        state.ends[run] += 1;
        state.open[run] = false;
        state.lock = None;
    }

    fn answer(&self, state: &mut State, run: usize, reply: Reply) {
        state.keys[self.key(run)] = Some(Key {
            run,
            answer: Some(reply),
        });
    }

    /// A user is written, with a stamp.
    pub(super) fn write(state: &mut State, run: usize, record: usize) {
        state.effects[run][record] += 1;
        state.astray |= state.lock.is_none_or(|lock| lock.run != run);
    }
}

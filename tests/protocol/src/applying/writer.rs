//! The steps of a writer, from the chunk lease to the finish (protocol.md#chunk-leases), and of a
//! reconciling writer (protocol.md#stopping).

use super::state::{
    Action, Applying, Busy, Counts, Lock, Run, State, Statement, Step, Work, Worker, Write,
};
use crate::directory::{Stamp, UserRow, Value};
use crate::mutant::Mutant;

impl Applying {
    pub(super) fn deliveries(&self, state: &State, actions: &mut Vec<Action>) {
        if !state.workers.contains(&Worker::Idle) {
            return;
        }
        for chunk in self.chunks() {
            for work in [Work::Write, Work::Reconcile] {
                if state.queue[chunk][work as usize] > 0 {
                    actions.push(Action::Deliver(work, chunk));
                }
            }
        }
    }

    pub(super) fn steps(&self, state: &State, actions: &mut Vec<Action>) {
        for (n, worker) in state.workers.iter().enumerate() {
            match worker {
                Worker::Idle => {}
                Worker::Busy(busy) => {
                    actions.push(Action::Step(n));
                    let read = matches!(busy.step, Step::Read(0));
                    if read && self.is(Mutant::EventuallyConsistentReads) {
                        actions.push(Action::StaleRead(n));
                    }
                }
                Worker::InFlight(_) => {
                    actions.extend([Action::ArriveLate(n), Action::NeverArrive(n)])
                }
            }
        }
    }

    /// Receives a message and leases its chunk with one conditional write. If that fails, the sweeper
    /// takes care of the chunk.
    pub(super) fn deliver(&self, state: &mut State, work: Work, chunk: usize) {
        state.queue[chunk][work as usize] -= 1;
        let Some(worker) = state
            .workers
            .iter()
            .position(|worker| *worker == Worker::Idle)
        else {
            return;
        };
        if state.run.is_over() || state.rows[chunk].result.is_some() {
            self.finish(state);
            return;
        }
        let row = &mut state.rows[chunk];
        if !self.is(Mutant::NoChunkLease) {
            let at_once = work == Work::Reconcile && self.is(Mutant::ReconcilesLeasedChunks);
            if !row.may_lease() && !at_once && !self.is(Mutant::LeaseNotExclusive) {
                return;
            }
            row.outcome_unknown |= row.owner.is_some();
            row.leased = true;
            row.attempts += 1;
            row.owner = Some(worker);
            row.expired = false;
        }
        state.leases[chunk] += 1;
        state.workers[worker] = Worker::Busy(Busy {
            work,
            chunk,
            step: Step::ReadRun,
            counts: Counts::default(),
            progress: false,
        });
    }

    pub(super) fn step(&self, state: &mut State, worker: usize, stale: bool) {
        let Worker::Busy(mut busy) = state.workers[worker].clone() else {
            return;
        };
        busy.step = match busy.step {
            Step::ReadRun => match (state.run, busy.work) {
                (Run::Applying, Work::Write)
                | (Run::Cancelling | Run::Abandoning, Work::Reconcile) => Step::Read(0),
                _ => {
                    // The message is obsolete. The chunk is free for the work that the run needs.
                    if state.rows[busy.chunk].owner == Some(worker) {
                        state.rows[busy.chunk].owner = None;
                    }
                    state.workers[worker] = Worker::Idle;
                    return;
                }
            },
            Step::Read(n) => self.plan(state, &mut busy, n, stale),
            Step::Write(n, write) => {
                if self.send(state, write) {
                    busy.counts[write.record] = u8::from(!write.fence);
                    busy.progress = true;
                    self.next_step(&busy, n)
                } else {
                    Step::Read(n)
                }
            }
            Step::Add => {
                for (added, count) in state.added.iter_mut().zip(busy.counts) {
                    *added += count;
                }
                Step::Commit
            }
            Step::Commit => {
                self.commit(state, worker, busy.chunk, busy.counts);
                Step::Finish
            }
            Step::Finish => {
                self.finish(state);
                state.workers[worker] = Worker::Idle;
                return;
            }
        };
        state.workers[worker] = Worker::Busy(busy);
    }

    /// Plans the chunk's n-th record from the user's row.
    fn plan(&self, state: &State, busy: &mut Busy, n: usize, stale: bool) -> Step {
        let record = self.chunks[busy.chunk][n];
        let login = if stale {
            UserRow::new(self.initial_values[record])
        } else {
            state.logins[record]
        };
        let skip = |busy: &Busy| self.next_step(busy, n);
        let write = |fence| {
            let seen = login.version;
            Step::Write(
                n,
                Write {
                    record,
                    seen,
                    fence,
                },
            )
        };
        if let Some(stamp) = login.stamp {
            busy.counts[record] = u8::from(stamp == Stamp::Written);
            busy.progress = true;
            return skip(busy);
        }
        if login.value == Value::Imported {
            return skip(busy);
        }
        // Without the manager there is nothing to change. The user's row does not show that: another
        // attempt may have planned a write for the same version, and have sent it.
        if self.managers && !state.manager {
            let outcome_unknown = state.rows[busy.chunk].outcome_unknown;
            if outcome_unknown && !self.is(Mutant::NoFenceForOtherRows) {
                return write(true);
            }
            return skip(busy);
        }
        match busy.work {
            Work::Write => write(false),
            Work::Reconcile if self.is(Mutant::NoFence) => skip(busy),
            Work::Reconcile => write(true),
        }
    }

    fn next_step(&self, busy: &Busy, n: usize) -> Step {
        if n + 1 < self.chunks[busy.chunk].len() {
            Step::Read(n + 1)
        } else if self.is(Mutant::CountingWithAdd) {
            Step::Add
        } else {
            Step::Commit
        }
    }

    /// Executes a statement in the store.
    pub(super) fn send(&self, state: &mut State, write: Write) -> bool {
        let login = &mut state.logins[write.record];
        let (value, stamp) = if write.fence {
            (login.fenced(), Stamp::Fenced)
        } else {
            (Value::Imported, Stamp::Written)
        };
        let stamp = (!self.is(Mutant::NoStamps)).then_some(stamp);
        let done = login.write(write.seen, value, stamp);
        if done && !write.fence {
            state.effects[write.record] += 1;
        }
        done
    }

    fn commit(&self, state: &mut State, worker: usize, chunk: usize, counts: Counts) {
        let row = &mut state.rows[chunk];
        let unfenced = [
            Mutant::NoChunkLease,
            Mutant::LeaseNotExclusive,
            Mutant::CommitByFormerOwner,
        ];
        let mine = row.owner == Some(worker) || unfenced.iter().any(|mutant| self.is(*mutant));
        if mine && row.result.is_none() {
            row.result = Some(counts);
        }
    }

    /// The statement in flight of a worker arrives.
    pub(super) fn arrive(&self, state: &mut State, worker: usize) {
        let gone = std::mem::replace(&mut state.workers[worker], Worker::Idle);
        match gone {
            Worker::InFlight(Statement::Write(write)) => {
                self.send(state, write);
            }
            Worker::InFlight(Statement::Commit(chunk, counts)) => {
                self.commit(state, worker, chunk, counts);
            }
            Worker::Idle | Worker::Busy(_) => {}
        }
    }

    /// The state that a synchronous function leaves. Its records may be written, or their writes in
    /// flight: no chunk counts as never leased.
    pub(super) fn hand_over(&self, state: &mut State) {
        let of = |record: usize| Write {
            record,
            seen: state.logins[record].version,
            fence: false,
        };
        let (late, done) = (of(0), of(1));
        self.send(state, done);
        state.workers[0] = Worker::InFlight(Statement::Write(late));
        if !self.is(Mutant::HandedOverAsUntouched) {
            for row in &mut state.rows {
                row.leased = true;
                row.outcome_unknown = true;
            }
        }
    }

    /// Finishes the run in one transaction, once all its chunks have results.
    pub(super) fn finish(&self, state: &mut State) {
        let all = if self.is(Mutant::FinishesWithoutAllChunks) {
            state.rows.last().is_some_and(|row| row.result.is_some())
        } else {
            state.rows.iter().all(|row| row.result.is_some())
        };
        if !all || state.run.is_over() || state.lock != Lock::Ours {
            return;
        }
        let mut sum = Counts::default();
        for counts in state.rows.iter().filter_map(|row| row.result) {
            for (sum, count) in sum.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        if self.is(Mutant::CountingWithAdd) {
            sum = state.added;
        }
        state.run = Run::Finished(sum);
        state.ends += 1;
        state.lock = Lock::Free;
    }
}

//! A writer's steps, from START to the finish check (PROTOCOL §5), and those of one that reconciles
//! (§9).

use super::{Action, Applying, Counts, Lock, Run, State};
use crate::directory::{Login, Stamp, Value};
use crate::mutant::Mutant;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Work {
    Write,
    Reconcile,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Worker {
    Idle,
    Busy(Busy),
    /// Gone, but for this statement.
    Gone(Statement),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Busy {
    pub(super) work: Work,
    pub(super) chunk: usize,
    pub(super) step: Step,
    pub(super) counts: Counts,
    /// Applied or confirmed something that earlier tries had not.
    pub(super) new: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// The consistent read of the run that follows START.
    ReadRun,
    /// Looks at the user of the chunk's n-th record, and plans it.
    Read(usize),
    Write(usize, Write),
    /// Only of a mutant.
    Add,
    Commit,
    Finish,
}

/// A statement on a user, conditional on the version that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Write {
    record: usize,
    seen: u8,
    /// Leaves only a stamp and the next version.
    fence: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Statement {
    Write(Write),
    Commit(usize, Counts),
}

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
                Worker::Gone(_) => actions.extend([Action::Late(n), Action::LateLost(n)]),
            }
        }
    }

    /// Receives a message and starts its chunk: one conditional write. Whoever does not get it
    /// leaves it to the sweeper.
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
        if !self.is(Mutant::NoStart) {
            let at_once = work == Work::Reconcile && self.is(Mutant::ReconcilesAtOnce);
            if !row.may_start() && !at_once && !self.is(Mutant::StartNotExclusive) {
                return;
            }
            row.unsure |= row.owner.is_some();
            row.started = true;
            row.tries += 1;
            row.owner = Some(worker);
            row.expired = false;
        }
        state.starts[chunk] += 1;
        state.workers[worker] = Worker::Busy(Busy {
            work,
            chunk,
            step: Step::ReadRun,
            counts: Counts::default(),
            new: false,
        });
    }

    pub(super) fn step(&self, state: &mut State, worker: usize, stale: bool) {
        let Worker::Busy(mut busy) = state.workers[worker].clone() else {
            return;
        };
        busy.step = match busy.step {
            Step::ReadRun => match (state.run, busy.work) {
                (Run::Applying, Work::Write)
                | (Run::Cancelling | Run::GivingUp, Work::Reconcile) => Step::Read(0),
                _ => {
                    // Nothing to do for this message. The row is for whoever has to.
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
                    busy.new = true;
                    self.after(&busy, n)
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

    /// What becomes of the chunk's n-th record, going by the user's row.
    fn plan(&self, state: &State, busy: &mut Busy, n: usize, stale: bool) -> Step {
        let record = self.chunks[busy.chunk][n];
        let login = if stale {
            Login::new(self.standing[record])
        } else {
            state.logins[record]
        };
        let settled = |busy: &Busy| self.after(busy, n);
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
            busy.new = true;
            return settled(busy);
        }
        if login.value == Value::Wanted {
            return settled(busy);
        }
        // Without the manager there is nothing to change. That is no property of the user's row:
        // another attempt may have planned a write on the same version, and have sent it.
        if self.managers && !state.manager {
            let unsure = state.rows[busy.chunk].unsure;
            if unsure && !self.is(Mutant::OtherRowsWithoutFence) {
                return write(true);
            }
            return settled(busy);
        }
        match busy.work {
            Work::Write => write(false),
            Work::Reconcile if self.is(Mutant::NoFence) => settled(busy),
            Work::Reconcile => write(true),
        }
    }

    fn after(&self, busy: &Busy, n: usize) -> Step {
        if n + 1 < self.chunks[busy.chunk].len() {
            Step::Read(n + 1)
        } else if self.is(Mutant::CountingWithAdd) {
            Step::Add
        } else {
            Step::Commit
        }
    }

    /// The store decides on a statement.
    pub(super) fn send(&self, state: &mut State, write: Write) -> bool {
        let login = &mut state.logins[write.record];
        let (value, stamp) = if write.fence {
            (login.fenced(), Stamp::Fenced)
        } else {
            (Value::Wanted, Stamp::Written)
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
        let anybodys = [
            Mutant::NoStart,
            Mutant::StartNotExclusive,
            Mutant::CommitByFormerOwner,
        ];
        let mine = row.owner == Some(worker) || anybodys.iter().any(|mutant| self.is(*mutant));
        if mine && row.result.is_none() {
            row.result = Some(counts);
        }
    }

    /// The statement of a worker that is gone arrives.
    pub(super) fn arrive(&self, state: &mut State, worker: usize) {
        let gone = std::mem::replace(&mut state.workers[worker], Worker::Idle);
        match gone {
            Worker::Gone(Statement::Write(write)) => {
                self.send(state, write);
            }
            Worker::Gone(Statement::Commit(chunk, counts)) => {
                self.commit(state, worker, chunk, counts);
            }
            Worker::Idle | Worker::Busy(_) => {}
        }
    }

    /// What a synchronous function leaves. Its records may be written, or be on their way: no chunk
    /// counts as one that nobody has begun.
    pub(super) fn hand_over(&self, state: &mut State) {
        let of = |record: usize| Write {
            record,
            seen: state.logins[record].version,
            fence: false,
        };
        let (late, done) = (of(0), of(1));
        self.send(state, done);
        state.workers[0] = Worker::Gone(Statement::Write(late));
        if !self.is(Mutant::HandedOverAsUntouched) {
            for row in &mut state.rows {
                row.started = true;
                row.unsure = true;
            }
        }
    }

    /// The one transaction that ends the run, once all its chunks are there.
    pub(super) fn finish(&self, state: &mut State) {
        let all = if self.is(Mutant::TerminalWithoutAllChunks) {
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

//! The sweeper, and the faults that it recovers from (protocol.md#stopping, protocol.md#sweeper).

use super::state::{Action, Applying, Busy, Counts, Run, State, Statement, Step, Work, Worker};
use crate::mutant::Mutant;

/// Maximum number of equal messages: more than two make no difference.
const MAX_MESSAGES: u8 = 2;

impl Applying {
    pub(super) fn sweeps(&self, state: &State, actions: &mut Vec<Action>) {
        for chunk in self.chunks() {
            let row = &state.rows[chunk];
            if row.result.is_some() {
                continue;
            }
            let owned = row.owner.is_some() && !row.expired;
            if owned && (self.is(Mutant::SendingAfterTheDeadline) || !has_worker(state, chunk)) {
                actions.push(Action::LeaseExpires(chunk));
            }
            if state.run.is_over() || self.is(Mutant::NoSweeper) {
                continue;
            }
            if state.run.is_stopping() {
                if !row.leased {
                    actions.push(Action::Skip(chunk));
                } else if (row.may_lease() || self.is(Mutant::ReconcilesLeasedChunks))
                    && state.queue[chunk][Work::Reconcile as usize] == 0
                {
                    actions.push(Action::Reconcile(chunk));
                }
            } else if row.may_lease() && state.queue[chunk][Work::Write as usize] == 0 {
                if row.attempts < self.attempts {
                    actions.push(Action::Resend(chunk));
                } else if row.expired || self.is(Mutant::ResendsCountedAsAttempts) {
                    actions.push(Action::Abandon);
                }
            }
        }
        if !state.run.is_over() && state.rows.iter().all(|row| row.result.is_some()) {
            actions.push(Action::SweeperFinishes);
        }
    }

    pub(super) fn sweep(&self, state: &mut State, action: &Action) {
        match *action {
            Action::Resend(chunk) => {
                queue(state, Work::Write, chunk);
                if self.is(Mutant::ResendsCountedAsAttempts) {
                    state.rows[chunk].attempts += 1;
                }
            }
            Action::Skip(chunk) => state.rows[chunk].result = Some(Counts::default()),
            Action::Reconcile(chunk) => queue(state, Work::Reconcile, chunk),
            Action::Abandon => state.run = Run::Abandoning,
            _ => self.finish(state),
        }
    }

    pub(super) fn faults(&self, state: &State, actions: &mut Vec<Action>) {
        if state.faults == 0 {
            return;
        }
        for (n, worker) in state.workers.iter().enumerate() {
            let Worker::Busy(busy) = worker else {
                continue;
            };
            actions.push(Action::Crash(n));
            if matches!(busy.step, Step::Write(..)) {
                actions.push(Action::LoseResponse(n));
            }
            let answered = matches!(busy.step, Step::Read(_))
                || matches!(busy.step, Step::Write(..))
                    && self.is(Mutant::HandsBackWithoutResponse);
            if busy.progress && busy.work == Work::Write && answered {
                actions.push(Action::HandBack(n));
            }
        }
        for chunk in self.chunks() {
            for work in [Work::Write, Work::Reconcile] {
                if state.queue[chunk][work as usize] > 0 {
                    actions.push(Action::LoseMessage(work, chunk));
                    actions.push(Action::DuplicateMessage(work, chunk));
                }
            }
        }
    }

    pub(super) fn fail(&self, state: &mut State, action: &Action) {
        state.faults -= 1;
        match *action {
            Action::Crash(worker) => {
                let Worker::Busy(busy) = state.workers[worker].clone() else {
                    return;
                };
                queue(state, busy.work, busy.chunk);
                state.workers[worker] = in_flight_of(busy);
            }
            Action::LoseResponse(worker) => {
                if let Worker::Busy(busy) = &state.workers[worker]
                    && let Step::Write(_, write) = busy.step
                {
                    self.send(state, write);
                }
            }
            Action::HandBack(worker) => {
                let Worker::Busy(busy) = state.workers[worker].clone() else {
                    return;
                };
                let row = &mut state.rows[busy.chunk];
                if row.owner == Some(worker) {
                    row.owner = None;
                    row.attempts = 0;
                    queue(state, Work::Write, busy.chunk);
                }
                state.workers[worker] = in_flight_of(busy);
            }
            Action::LoseMessage(work, chunk) => state.queue[chunk][work as usize] -= 1,
            Action::DuplicateMessage(work, chunk) => queue(state, work, chunk),
            _ => {}
        }
    }
}

fn has_worker(state: &State, chunk: usize) -> bool {
    state
        .workers
        .iter()
        .any(|worker| matches!(worker, Worker::Busy(busy) if busy.chunk == chunk))
}

fn queue(state: &mut State, work: Work, chunk: usize) {
    let waiting = &mut state.queue[chunk][work as usize];
    *waiting = (*waiting + 1).min(MAX_MESSAGES);
}

/// Returns a worker that crashed or reached its deadline, with the statement in flight that it was
/// about to send. Not sending it is the same as sending one that never arrives.
fn in_flight_of(busy: Busy) -> Worker {
    match busy.step {
        Step::Write(_, write) => Worker::InFlight(Statement::Write(write)),
        Step::Commit => Worker::InFlight(Statement::Commit(busy.chunk, busy.counts)),
        Step::ReadRun | Step::Read(_) | Step::Add | Step::Finish => Worker::Idle,
    }
}

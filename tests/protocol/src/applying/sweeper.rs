//! What the sweeper does every minute, and the faults it is there for (PROTOCOL §9, §10).

use super::writer::{Busy, Statement, Step, Work, Worker};
use super::{Action, Applying, Counts, Run, State};
use crate::mutant::Mutant;

/// More of the same message make no difference that two do not make.
const MOST_MESSAGES: u8 = 2;

impl Applying {
    pub(super) fn sweeps(&self, state: &State, actions: &mut Vec<Action>) {
        for chunk in self.chunks() {
            let row = &state.rows[chunk];
            if row.result.is_some() {
                continue;
            }
            let owned = row.owner.is_some() && !row.expired;
            if owned && (self.is(Mutant::SendingAfterTheDeadline) || !works(state, chunk)) {
                actions.push(Action::Expire(chunk));
            }
            if state.run.is_over() || self.is(Mutant::NoSweeper) {
                continue;
            }
            if state.run.is_stopping() {
                if !row.started {
                    actions.push(Action::Skip(chunk));
                } else if (row.may_start() || self.is(Mutant::ReconcilesAtOnce))
                    && state.queue[chunk][Work::Reconcile as usize] == 0
                {
                    actions.push(Action::Reconcile(chunk));
                }
            } else if row.may_start() && state.queue[chunk][Work::Write as usize] == 0 {
                if row.tries < self.tries {
                    actions.push(Action::Resend(chunk));
                } else if row.expired || self.is(Mutant::ResendsCountedAsTries) {
                    actions.push(Action::GiveUp);
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
                if self.is(Mutant::ResendsCountedAsTries) {
                    state.rows[chunk].tries += 1;
                }
            }
            Action::Skip(chunk) => state.rows[chunk].result = Some(Counts::default()),
            Action::Reconcile(chunk) => queue(state, Work::Reconcile, chunk),
            Action::GiveUp => state.run = Run::GivingUp,
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
            actions.push(Action::Die(n));
            if matches!(busy.step, Step::Write(..)) {
                actions.push(Action::LoseAnswer(n));
            }
            let answered = matches!(busy.step, Step::Read(_))
                || matches!(busy.step, Step::Write(..)) && self.is(Mutant::HandsBackUnanswered);
            if busy.new && busy.work == Work::Write && answered {
                actions.push(Action::HandBack(n));
            }
        }
        for chunk in self.chunks() {
            for work in [Work::Write, Work::Reconcile] {
                if state.queue[chunk][work as usize] > 0 {
                    actions.push(Action::Lose(work, chunk));
                    actions.push(Action::Double(work, chunk));
                }
            }
        }
    }

    pub(super) fn fail(&self, state: &mut State, action: &Action) {
        state.faults -= 1;
        match *action {
            Action::Die(worker) => {
                let Worker::Busy(busy) = state.workers[worker].clone() else {
                    return;
                };
                queue(state, busy.work, busy.chunk);
                state.workers[worker] = left_behind(busy);
            }
            Action::LoseAnswer(worker) => {
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
                    row.tries = 0;
                    queue(state, Work::Write, busy.chunk);
                }
                state.workers[worker] = left_behind(busy);
            }
            Action::Lose(work, chunk) => state.queue[chunk][work as usize] -= 1,
            Action::Double(work, chunk) => queue(state, work, chunk),
            _ => {}
        }
    }
}

fn works(state: &State, chunk: usize) -> bool {
    state
        .workers
        .iter()
        .any(|worker| matches!(worker, Worker::Busy(busy) if busy.chunk == chunk))
}

fn queue(state: &mut State, work: Work, chunk: usize) {
    let waiting = &mut state.queue[chunk][work as usize];
    *waiting = (*waiting + 1).min(MOST_MESSAGES);
}

/// What is on its way when a worker dies or reaches its deadline: the statement that it was about
/// to send. That it was not sent is the same as that it never arrives.
fn left_behind(busy: Busy) -> Worker {
    match busy.step {
        Step::Write(_, write) => Worker::Gone(Statement::Write(write)),
        Step::Commit => Worker::Gone(Statement::Commit(busy.chunk, busy.counts)),
        Step::ReadRun | Step::Read(_) | Step::Add | Step::Finish => Worker::Idle,
    }
}

//! The steps of a synchronous function, from its idempotency key to its reply.

use super::state::{
    Action, Function, Key, Lock, LockKind, RECORDS, RUNS, Reply, Run, State, Step, SyncRuns,
};
use crate::mutant::Mutant;

impl SyncRuns {
    pub(super) fn function_actions(&self, state: &State, actions: &mut Vec<Action>) {
        for run in 0..RUNS {
            match state.functions[run] {
                Function::At(step) => {
                    actions.push(Action::Step(run));
                    if matches!(step, Step::Write(_) | Step::Finish(_)) {
                        actions.push(Action::RunOutOfTime(run));
                    }
                    if state.faults > 0 {
                        actions.push(Action::Crash(run));
                        if !matches!(step, Step::Lookup | Step::Queue) {
                            actions.push(Action::LoseResponse(run));
                        }
                    }
                }
                Function::Crashed(Some(_)) => {
                    actions.extend([Action::ArriveLate(run), Action::NeverArrive(run)]);
                }
                Function::Crashed(None) | Function::Replied(_) => {}
            }
        }
    }

    /// Returns true if the function no longer needs its lock.
    pub(super) fn is_silent(&self, state: &State, run: usize) -> bool {
        self.is(Mutant::SendingAfterTheLock)
            || match state.functions[run] {
                Function::At(_) | Function::Crashed(Some(Step::Write(_))) => false,
                Function::Crashed(_) | Function::Replied(_) => true,
            }
    }

    pub(super) fn run_function(&self, state: &mut State, run: usize, action: &Action) {
        let function = state.functions[run];
        let (Function::At(step) | Function::Crashed(Some(step))) = function else {
            return;
        };
        state.functions[run] = match action {
            Action::Step(_) => self.function_step(state, run, step),
            Action::RunOutOfTime(_) => Function::At(Step::HandOver),
            Action::ArriveLate(_) => {
                self.send(state, run, step);
                Function::Crashed(None)
            }
            Action::Crash(_) => {
                state.faults -= 1;
                Function::Crashed((step != Step::Lookup).then_some(step))
            }
            Action::LoseResponse(_) => {
                state.faults -= 1;
                self.send(state, run, step);
                match step {
                    // There is no time left for a retry.
                    Step::HandOver => Function::Replied(Reply::Unknown),
                    _ => function,
                }
            }
            _ => Function::Crashed(None),
        };
    }

    fn function_step(&self, state: &mut State, run: usize, step: Step) -> Function {
        let done = self.send(state, run, step);
        match step {
            Step::Lookup => self.look_up(state, run),
            Step::Acquire(_) => {
                // The response to an earlier attempt was lost.
                let mine = state.runs[run] == Run::Running
                    && state.lock.is_some_and(|lock| lock.run == run)
                    && !self.is(Mutant::LostResponseIsARefusal);
                if done || mine {
                    Function::At(Step::Write(0))
                } else {
                    Function::Replied(Reply::Busy)
                }
            }
            Step::Write(record) if record + 1 < RECORDS => Function::At(Step::Write(record + 1)),
            Step::Write(_) => Function::At(Step::Finish([1; RECORDS])),
            Step::HandOver if done => Function::At(Step::Queue),
            Step::Finish(_) if done => Function::Replied(Reply::Done(run)),
            Step::HandOver | Step::Finish(_) => Function::Replied(Reply::Unknown),
            Step::Queue => Function::Replied(Reply::Accepted(run)),
        }
    }

    fn look_up(&self, state: &mut State, run: usize) -> Function {
        let key = state.keys[self.key(run)];
        let Some(Key { run: of, response }) = key else {
            return Function::At(Step::Acquire(None));
        };
        if let Some(reply) = response {
            state.replayed = true;
            return Function::Replied(reply);
        }
        let expired = state
            .lock
            .is_some_and(|Lock { run, kind }| run == of && kind == LockKind::Expired);
        if state.runs[of].is_terminal() || expired {
            Function::At(Step::Acquire(key))
        } else {
            Function::Replied(Reply::Busy)
        }
    }

    /// Executes a statement or a transaction in the store.
    fn send(&self, state: &mut State, run: usize, step: Step) -> bool {
        match step {
            Step::Lookup => true,
            Step::Acquire(seen) => self.acquire(state, run, seen),
            Step::Write(record) => {
                if state.effects[run][record] == 0 {
                    Self::write(state, run, record);
                }
                true
            }
            Step::HandOver => self.hand_over(state, run),
            Step::Finish(counts) => self.finish(state, run, counts),
            Step::Queue => {
                if let Run::Applying { queued } = &mut state.runs[run] {
                    *queued = true;
                }
                true
            }
        }
    }
}

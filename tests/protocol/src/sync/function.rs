//! The steps of a synchronous function, from its key to its reply.

use super::{Action, Counts, Key, Kind, Lock, RECORDS, RUNS, Reply, Run, State, Sync};
use crate::mutant::Mutant;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Function {
    At(Step),
    /// Dead or out of time, but for what it was about to send.
    Gone(Option<Step>),
    Replied(Reply),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Lookup,
    /// With what stood under the key.
    Acquire(Option<Key>),
    Write(usize),
    HandOver,
    Finish(Counts),
    /// Queues the chunks of a run that is handed over.
    Queue,
}

impl Sync {
    pub(super) fn function_actions(&self, state: &State, actions: &mut Vec<Action>) {
        for run in 0..RUNS {
            match state.functions[run] {
                Function::At(step) => {
                    actions.push(Action::Step(run));
                    if matches!(step, Step::Write(_) | Step::Finish(_)) {
                        actions.push(Action::TimeIsUp(run));
                    }
                    if state.faults > 0 {
                        actions.push(Action::Die(run));
                        if !matches!(step, Step::Lookup | Step::Queue) {
                            actions.push(Action::LoseAnswer(run));
                        }
                    }
                }
                Function::Gone(Some(_)) => {
                    actions.extend([Action::Late(run), Action::LateLost(run)]);
                }
                Function::Gone(None) | Function::Replied(_) => {}
            }
        }
    }

    /// Whether a hold may end as far as its function is concerned.
    pub(super) fn is_silent(&self, state: &State, run: usize) -> bool {
        self.is(Mutant::SendingAfterTheHold)
            || match state.functions[run] {
                Function::At(_) | Function::Gone(Some(Step::Write(_))) => false,
                Function::Gone(_) | Function::Replied(_) => true,
            }
    }

    pub(super) fn run_function(&self, state: &mut State, run: usize, action: &Action) {
        let function = state.functions[run];
        let (Function::At(step) | Function::Gone(Some(step))) = function else {
            return;
        };
        state.functions[run] = match action {
            Action::Step(_) => self.function_step(state, run, step),
            Action::TimeIsUp(_) => Function::At(Step::HandOver),
            Action::Late(_) => {
                self.send(state, run, step);
                Function::Gone(None)
            }
            Action::Die(_) => {
                state.faults -= 1;
                Function::Gone((step != Step::Lookup).then_some(step))
            }
            Action::LoseAnswer(_) => {
                state.faults -= 1;
                self.send(state, run, step);
                match step {
                    // No time is left to ask again.
                    Step::HandOver => Function::Replied(Reply::Unknown),
                    _ => function,
                }
            }
            _ => Function::Gone(None),
        };
    }

    fn function_step(&self, state: &mut State, run: usize, step: Step) -> Function {
        let done = self.send(state, run, step);
        match step {
            Step::Lookup => self.look_up(state, run),
            Step::Acquire(_) => {
                // The answer to an earlier try was lost.
                let mine = state.runs[run] == Run::Live
                    && state.lock.is_some_and(|lock| lock.run == run)
                    && !self.is(Mutant::LostAnswerIsARefusal);
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
        let Some(Key { run: of, answer }) = key else {
            return Function::At(Step::Acquire(None));
        };
        if let Some(reply) = answer {
            state.replayed = true;
            return Function::Replied(reply);
        }
        let expired = state
            .lock
            .is_some_and(|Lock { run, kind }| run == of && kind == Kind::Expired);
        if state.runs[of].is_terminal() || expired {
            Function::At(Step::Acquire(key))
        } else {
            Function::Replied(Reply::Busy)
        }
    }

    /// The store decides on a statement or a transaction.
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

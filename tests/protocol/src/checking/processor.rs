//! An attempt of a processor: it pins the object, writes the chunks under a name of its own, and
//! moves the run to the next round with one conditional write.

use super::state::{Action, CHUNKS, Checking, Counts, End, Processor, Round, Run, State, Step};
use crate::mutant::Mutant;

impl Checking {
    pub(super) fn processor_actions(&self, state: &State, actions: &mut Vec<Action>) {
        let mut alive = false;
        for (n, processor) in state.processors.iter().enumerate() {
            match processor {
                Processor::Idle => {}
                Processor::Busy { .. } => {
                    alive = true;
                    actions.push(Action::Parse(n));
                    if state.faults > 0 {
                        actions.push(Action::ProcessorCrashes(n));
                    }
                }
                Processor::InFlight { .. } => {
                    actions.extend([Action::ArriveLate(n), Action::NeverArrive(n)])
                }
            }
        }
        if state.process_messages > 0 {
            if state.processors.contains(&Processor::Idle) {
                actions.push(Action::Process);
            }
            if state.faults > 0 {
                actions.extend([Action::LoseProcessMessage, Action::DuplicateProcessMessage]);
            }
        } else if state.run == Run::Checking && !alive {
            // The last heartbeat is older than the visibility timeout.
            actions.push(Action::ProcessAgain);
        }
    }

    pub(super) fn process(&self, state: &mut State, action: &Action) {
        match *action {
            Action::Process => self.receive(state),
            Action::Parse(n) => self.parse(state, n),
            Action::ArriveLate(n) => {
                if let Processor::InFlight { attempt } = state.processors[n] {
                    self.enter(state, attempt);
                }
                state.processors[n] = Processor::Idle;
            }
            Action::NeverArrive(n) => state.processors[n] = Processor::Idle,
            Action::ProcessAgain => state.process_messages = 1,
            Action::ProcessorCrashes(n) => {
                state.faults -= 1;
                state.process_messages = (state.process_messages + 1).min(2);
                state.processors[n] = match state.processors[n] {
                    Processor::Busy {
                        attempt,
                        step: Step::Enter(_),
                    } => Processor::InFlight { attempt },
                    _ => Processor::Idle,
                };
            }
            Action::LoseProcessMessage => {
                state.faults -= 1;
                state.process_messages -= 1;
            }
            Action::DuplicateProcessMessage => {
                state.faults -= 1;
                state.process_messages = (state.process_messages + 1).min(2);
            }
            _ => {}
        }
    }

    fn receive(&self, state: &mut State) {
        state.process_messages -= 1;
        match state.run {
            Run::Checking => {
                let idle = state
                    .processors
                    .iter()
                    .position(|processor| *processor == Processor::Idle);
                let Some(n) = idle else {
                    return;
                };
                state.files.push([None; CHUNKS]);
                state.processors[n] = Processor::Busy {
                    attempt: state.files.len() - 1,
                    step: Step::Pin,
                };
            }
            // The file is parsed already; messages may be missing.
            Run::In(round, _) => self.queue_all(state, round),
            Run::Uploading | Run::Ended(_) => {}
        }
    }

    fn parse(&self, state: &mut State, n: usize) {
        let Processor::Busy { attempt, step } = state.processors[n] else {
            return;
        };
        let next = match step {
            Step::Pin => {
                let pin = *state.pin.get_or_insert(state.object);
                Some(if self.empty {
                    Step::Enter(pin)
                } else {
                    Step::Chunk(0, pin)
                })
            }
            Step::Chunk(chunk, pin) => {
                let replaced = state.object != pin && !self.is(Mutant::ObjectNotPinned);
                let last = chunk + 1 == CHUNKS;
                if replaced || last && self.broken {
                    Self::end(state, Run::Checking, End::Failed);
                    None
                } else {
                    state.files[attempt][chunk] = Some(state.object);
                    let early = self.is(Mutant::EntersBeforeTheWholeFileIsRead);
                    Some(if last || early {
                        Step::Enter(pin)
                    } else {
                        Step::Chunk(chunk + 1, pin)
                    })
                }
            }
            Step::Enter(_) if self.empty => {
                let done = End::Done(Counts::default());
                Self::end(state, Run::Checking, done);
                None
            }
            Step::Enter(_) => {
                self.enter(state, attempt);
                let early = self.is(Mutant::EntersBeforeTheWholeFileIsRead);
                let mine = matches!(state.run, Run::In(_, entered) if entered == attempt);
                mine.then_some(if early { Step::ReadOn } else { Step::Queue })
            }
            Step::ReadOn => {
                if self.broken {
                    let from = state.run;
                    self.queue_all(state, Round::Apply);
                    if !matches!(from, Run::Ended(_)) {
                        Self::end(state, from, End::Failed);
                    }
                    None
                } else {
                    state.files[attempt][CHUNKS - 1] = Some(state.object);
                    Some(Step::Queue)
                }
            }
            Step::Queue => {
                if let Run::In(round, _) = state.run {
                    self.queue_all(state, round);
                }
                None
            }
        };
        state.processors[n] = match next {
            Some(step) => Processor::Busy { attempt, step },
            None => Processor::Idle,
        };
    }

    /// Ends the checking with the chunks of this attempt.
    fn enter(&self, state: &mut State, attempt: usize) {
        if state.run == Run::Checking || self.is(Mutant::StateOverwritten) {
            let round = if self.planning {
                Round::Plan
            } else {
                Round::Apply
            };
            state.run = Run::In(round, attempt);
        }
    }
}

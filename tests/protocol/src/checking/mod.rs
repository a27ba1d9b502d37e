//! From the end of an upload to the end of its run: `complete`, processors, both rounds, and
//! cancelling before anything is applied (protocol.md#states, protocol.md#checking,
//! protocol.md#rounds, protocol.md#stopping).
//!
//! Applying a chunk is one write here, recognised by its stamp. The other models have its steps.

mod processor;
mod rounds;
mod state;
#[cfg(test)]
mod tests;

use stateright::{Model, Property};

use crate::mutant::Mutant;
use crate::search::Terminates;
use state::{Action, CHUNKS, Checking, Counts, End, Processor, Round, Row, Run, State, Writer};

impl Checking {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Ends the run if it is still in the state that was read, and unlocks its task.
    fn end(state: &mut State, from: Run, end: End) {
        if state.run == from {
            state.run = Run::Ended(end);
            state.ends += 1;
            state.locked = false;
        }
    }
}

impl Model for Checking {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            locked: false,
            run: Run::Uploading,
            ends: 0,
            object: 0,
            pin: None,
            files: Vec::new(),
            process_messages: 0,
            processors: [Processor::Idle; 2],
            rows: [[Row::default(); CHUNKS]; 2],
            queue: [[0; CHUNKS]; 2],
            writers: [Writer::Idle; 2],
            effects: Counts::default(),
            applied: [None; CHUNKS],
            faults: self.faults,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.run == Run::Uploading {
            actions.push(Action::Complete);
        }
        if self.replaced && state.object == 0 {
            actions.push(Action::Replace);
        }
        let cancellable = matches!(
            state.run,
            Run::Uploading | Run::Checking | Run::In(Round::Plan, _)
        );
        if self.cancel && cancellable {
            actions.push(Action::Cancel);
        }
        self.processor_actions(state, actions);
        self.round_actions(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Complete => {
                state.run = Run::Checking;
                state.locked = true;
                state.process_messages = 1;
            }
            // Nothing was applied: the run ends at once.
            Action::Cancel => Self::end(&mut state, last.run, End::Cancelled),
            Action::Replace => state.object = 1,
            Action::Process
            | Action::Parse(_)
            | Action::ArriveLate(_)
            | Action::NeverArrive(_)
            | Action::ProcessAgain
            | Action::ProcessorCrashes(_)
            | Action::LoseProcessMessage
            | Action::DuplicateProcessMessage => self.process(&mut state, &action),
            Action::Deliver(..)
            | Action::Write(_)
            | Action::Resend(..)
            | Action::SweeperCompletesRound
            | Action::WriterCrashes(_)
            | Action::LoseMessage(..)
            | Action::DuplicateMessage(..) => self.work(&mut state, &action),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(ONCE, |_, state: &State| {
                state.effects.iter().all(|effects| *effects <= 1)
            }),
            Property::always(COUNTS, |_, state: &State| match state.run {
                Run::Ended(End::Done(counts)) => counts == state.effects,
                Run::Ended(End::Failed | End::Cancelled) => state.effects == Counts::default(),
                _ => true,
            }),
            Property::always(ONE_END, |_, state: &State| {
                state.ends == u8::from(matches!(state.run, Run::Ended(_)))
            }),
            Property::always(LOCKED_UNTIL_END, |_, state: &State| {
                state.locked == matches!(state.run, Run::Checking | Run::In(..))
            }),
            Property::always(ONE_WHOLE_OBJECT, |model: &Self, state: &State| {
                let mut applied = state.applied.iter().flatten();
                let first = applied.next();
                applied.all(|object| Some(object) == first) && !(model.broken && first.is_some())
            }),
            Property::always(ALL_PLANNED_FIRST, |model: &Self, state: &State| {
                let planned = state.rows[Round::Plan as usize]
                    .iter()
                    .all(|row| row.result.is_some());
                let allowed =
                    !model.planning || planned && !model.trips_threshold && !model.dry_run;
                allowed || state.effects == Counts::default()
            }),
        ];
        if self.broken || self.trips_threshold {
            properties.push(Property::sometimes("a run fails", |_, state: &State| {
                state.run == Run::Ended(End::Failed)
            }));
        } else if !self.dry_run && !self.empty {
            properties.push(Property::sometimes(
                "a whole file is applied",
                |_, state: &State| state.run == Run::Ended(End::Done([1; CHUNKS])),
            ));
        }
        properties
    }
}

impl Terminates for Checking {
    fn is_progress(action: &Action) -> bool {
        matches!(
            action,
            Action::Complete
                | Action::Process
                | Action::Parse(_)
                | Action::ArriveLate(_)
                | Action::NeverArrive(_)
                | Action::ProcessAgain
                | Action::Deliver(..)
                | Action::Write(_)
                | Action::Resend(..)
                | Action::SweeperCompletesRound
        )
    }

    fn is_over(state: &State) -> bool {
        matches!(state.run, Run::Ended(_))
    }
}

pub(crate) const ONCE: &str = "no record is applied twice";
pub(crate) const COUNTS: &str = "the counts of an ended run are its effects from then on";
pub(crate) const ONE_END: &str = "a run ends once";
pub(crate) const LOCKED_UNTIL_END: &str = "a run locks its task until it ends";
pub(crate) const ONE_WHOLE_OBJECT: &str = "one object is applied, and all of it has parsed";
pub(crate) const ALL_PLANNED_FIRST: &str = "nothing is applied before all of it is planned";

//! A run that is applied from the queue: writers, messages, the sweeper, cancelling, finishing, and
//! others at the same logins (protocol.md#chunk-leases, protocol.md#stamps, protocol.md#finish,
//! protocol.md#stopping, protocol.md#sweeper).
//!
//! A statement is one step, because the store decides it atomically. Anything may happen between
//! two steps. A worker that crashes or reaches its deadline may leave a statement in flight, which
//! the store may receive at any later time.

mod interference;
mod state;
mod sweeper;
#[cfg(test)]
mod tests;
mod writer;

use stateright::{Model, Property};

use crate::directory::{UserRow, Value};
use crate::mutant::Mutant;
use crate::search::Terminates;
use state::{Action, Applying, Counts, Lock, Row, Run, State, Worker};

impl Applying {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    fn chunks(&self) -> std::ops::Range<usize> {
        0..self.chunks.len()
    }
}

impl Model for Applying {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let chunks = self.chunks.len();
        let mut state = State {
            lock: Lock::Ours,
            run: Run::Applying,
            ends: 0,
            rows: vec![Row::default(); chunks],
            queue: vec![[1, 0]; chunks],
            workers: vec![Worker::Idle; self.workers],
            logins: self.initial_values.map(UserRow::new),
            manager: self.managers,
            added: Counts::default(),
            effects: Counts::default(),
            leases: vec![0; chunks],
            faults: self.faults,
            other_writes: self.other_writes,
        };
        if self.handed_over {
            self.hand_over(&mut state);
        }
        let mut states = vec![state.clone()];
        if self.managers {
            state.manager = false;
            states.push(state);
        }
        states
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.deliveries(state, actions);
        self.steps(state, actions);
        self.sweeps(state, actions);
        self.faults(state, actions);
        self.other_actions(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Deliver(work, chunk) => self.deliver(&mut state, work, chunk),
            Action::Step(worker) => self.step(&mut state, worker, false),
            Action::StaleRead(worker) => self.step(&mut state, worker, true),
            Action::ArriveLate(worker) => self.arrive(&mut state, worker),
            Action::NeverArrive(worker) => state.workers[worker] = Worker::Idle,
            Action::LeaseExpires(chunk) => state.rows[chunk].expired = true,
            Action::Resend(_)
            | Action::Skip(_)
            | Action::Reconcile(_)
            | Action::Abandon
            | Action::SweeperFinishes => self.sweep(&mut state, &action),
            Action::Crash(_)
            | Action::LoseResponse(_)
            | Action::HandBack(_)
            | Action::LoseMessage(..)
            | Action::DuplicateMessage(..) => self.fail(&mut state, &action),
            Action::Cancel
            | Action::SingleWrite(_)
            | Action::OtherTask(_)
            | Action::Rename(..)
            | Action::ToggleManager
            | Action::NextRun(_)
            | Action::LockExpires => self.act_as_other(&mut state, &action),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(ONCE, |_, state: &State| {
                state.effects.iter().all(|effects| *effects <= 1)
            }),
            Property::always(COUNTS, |_, state: &State| match state.run {
                Run::Finished(counts) => counts == state.effects,
                _ => true,
            }),
            Property::always(ONE_END, |_, state: &State| state.ends <= 1),
            Property::always(UNLOCKED_AT_END, |_, state: &State| {
                !state.run.is_over() || state.lock != Lock::Ours
            }),
            Property::always(LOCKED_UNTIL_END, |_, state: &State| {
                state.run.is_over() || state.lock == Lock::Ours
            }),
            Property::always(TRIED, |model: &Self, state: &State| {
                state.run != Run::Abandoning || state.leases.iter().any(|n| *n >= model.attempts)
            }),
            Property::sometimes("all records are applied", |_, state: &State| {
                matches!(state.run, Run::Finished([1, 1]))
            }),
        ];
        if self.cancel {
            properties.push(Property::sometimes(
                "a cancelled run ends partly applied",
                |_, state: &State| matches!(state.run, Run::Finished([1, 0] | [0, 1])),
            ));
        }
        properties
    }
}

impl Terminates for Applying {
    fn is_progress(action: &Action) -> bool {
        matches!(
            action,
            Action::Deliver(..)
                | Action::Step(_)
                | Action::ArriveLate(_)
                | Action::NeverArrive(_)
                | Action::LeaseExpires(_)
                | Action::Resend(_)
                | Action::Skip(_)
                | Action::Reconcile(_)
                | Action::Abandon
                | Action::SweeperFinishes
        )
    }

    fn is_over(state: &State) -> bool {
        state.run.is_over()
    }
}

pub(crate) const ONCE: &str = "no record is applied twice";
pub(crate) const COUNTS: &str = "the counts of an ended run are its effects from then on";
pub(crate) const ONE_END: &str = "a run ends once";
pub(crate) const UNLOCKED_AT_END: &str = "an ended run does not lock its task";
pub(crate) const LOCKED_UNTIL_END: &str = "a run locks its task until it ends";
pub(crate) const TRIED: &str = "no run is abandoned before a chunk had all its attempts";

//! Leavers: rosters of two tasks over several full runs, one person who is hired, renamed, leaves and
//! comes back, operators, crashes and cancelled runs.
//!
//! A run writes the person whom its file names, and blocks whom its roster knows and the file does not
//! name. Chunks and the judge of the number of leavers are those of other models.

mod run;
mod state;
#[cfg(test)]
mod tests;

use stateright::{Model, Property};

use crate::mutant::Mutant;
use crate::search::Terminates;
use state::{Action, ENOUGH_RUNS, Entry, LOGINS, Rosters, Row, State, Step, Task};

impl Rosters {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }
}

impl Model for Rosters {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let is_known = self.known_to.contains(&true);
        let mut rows = [Row::default(); LOGINS];
        rows[0].version = u8::from(is_known);
        let first = Entry {
            login: 0,
            flagged: false,
        };
        let tasks = self.known_to.map(|is_known| Task {
            employed: is_known.then_some(0),
            generation: is_known.then_some(first),
            ..Task::default()
        });
        vec![State {
            rows,
            user: is_known.then_some(0),
            active: is_known,
            left: false,
            tasks,
            blocked_by_operator: false,
            blocked_though_named: false,
            let_in: false,
            changes: self.changes,
            operators: self.operators,
            crashes: self.crashes,
            cancels: self.cancels,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (number, task) in state.tasks.iter().enumerate() {
            if task.in_flight.is_some() {
                actions.extend([Action::ArriveLate(number), Action::NeverArrive(number)]);
            }
            if let Some(run) = task.run {
                actions.push(Action::Step(number));
                if state.crashes > 0 && task.in_flight.is_none() {
                    actions.push(Action::Crash(number));
                }
                let is_open = run.step != Step::Finish && task.in_flight.is_none();
                if state.cancels > 0 && is_open {
                    actions.push(Action::Cancel(number));
                }
            } else if task.nights < self.nights && task.in_flight.is_none() {
                actions.push(Action::Begin(number));
            }
            if state.changes > 0 {
                let others = (0..LOGINS).filter(|login| task.employed != Some(*login));
                actions.extend(others.map(|login| Action::Employ(number, login)));
                if task.employed.is_some() {
                    actions.push(Action::Leave(number));
                }
            }
        }
        if state.operators > 0 && state.user.is_some() {
            actions.extend([
                Action::OperatorBlocks,
                Action::OperatorLetsIn,
                Action::OperatorRenames,
            ]);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        // What a run does that began before the last change may be a change as well.
        let is_outdated = match action {
            Action::Step(task) => last.tasks[task].run.is_some_and(|run| run.is_outdated),
            _ => false,
        };
        match action {
            Action::Employ(task, login) => {
                state.changes -= 1;
                state.tasks[task].employed = Some(login);
            }
            Action::Leave(task) => {
                state.changes -= 1;
                state.tasks[task].employed = None;
            }
            Action::Begin(task) => self.begin(&mut state, task),
            Action::Step(task) => self.step(&mut state, task),
            Action::Crash(task) => {
                state.crashes -= 1;
                let task = &mut state.tasks[task];
                if let Some(run) = &mut task.run
                    && let Step::Send { listed, block } = run.step
                {
                    task.in_flight = Some(block);
                    run.step = Step::Apply { listed };
                }
            }
            Action::ArriveLate(task) => {
                if let Some(block) = state.tasks[task].in_flight.take() {
                    self.block(&mut state, task, block);
                }
            }
            Action::NeverArrive(task) => state.tasks[task].in_flight = None,
            Action::Cancel(task) => {
                state.cancels -= 1;
                self.cancel(&mut state.tasks[task]);
            }
            Action::OperatorBlocks | Action::OperatorLetsIn | Action::OperatorRenames => {
                self.operator(&mut state, &action);
            }
        }
        let is_change = !matches!(
            action,
            Action::Begin(_) | Action::Step(_) | Action::ArriveLate(_) | Action::NeverArrive(_)
        );
        if is_change || is_outdated {
            for task in &mut state.tasks {
                task.unchanged_runs = 0;
                if let Some(run) = &mut task.run {
                    run.is_outdated = true;
                }
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONCE, |_, state: &State| {
                let mut runs = state.tasks.iter().filter_map(|task| task.run);
                runs.all(|run| run.effects <= 1)
            }),
            Property::always(NOT_THOUGH_NAMED, |_, state: &State| {
                !state.blocked_though_named
            }),
            Property::always(NOT_LET_IN, |_, state: &State| !state.let_in),
            Property::always(BLOCKED_IN_THE_END, |model: &Self, state: &State| {
                model.operators > 0 || !state.is_settled() || !state.active
            }),
            Property::sometimes("somebody who has left is blocked", |_, state: &State| {
                state.left && !state.active
            }),
        ]
    }
}

impl State {
    /// Returns true if the person works nowhere, and both tasks have had enough runs since.
    fn is_settled(&self) -> bool {
        self.tasks.iter().all(|task| {
            task.employed.is_none() && task.run.is_none() && task.unchanged_runs == ENOUGH_RUNS
        })
    }
}

impl Terminates for Rosters {
    fn is_progress(action: &Action) -> bool {
        matches!(
            action,
            Action::Step(_) | Action::ArriveLate(_) | Action::NeverArrive(_)
        )
    }

    fn is_over(state: &State) -> bool {
        let mut tasks = state.tasks.iter();
        tasks.all(|task| task.run.is_none() && task.in_flight.is_none())
    }
}

const ONCE: &str = "nobody is blocked twice by a run";
const NOT_THOUGH_NAMED: &str = "nobody is blocked whom the file names";
const NOT_LET_IN: &str = "nobody is let in whom an operator has blocked";
const BLOCKED_IN_THE_END: &str = "whoever has left both is blocked after two runs of each";

//! A full run of a task, and the acts of operators.

use super::state::{Action, Block, ENOUGH_RUNS, Entry, Rosters, Run, State, Step, TASKS, Task};
use crate::mutant::Mutant;

impl Rosters {
    pub(super) fn begin(&self, state: &mut State, task: usize) {
        for row in &mut state.rows {
            row.stamps[task] = false;
        }
        let task = &mut state.tasks[task];
        task.nights += 1;
        let named = task.employed;
        task.run = Some(Run {
            named,
            step: match named {
                Some(_) => Step::PutRoster,
                None => Step::Plan,
            },
            is_outdated: false,
            entry: None,
            carried: None,
            effects: 0,
            counted: 0,
        });
    }

    pub(super) fn step(&self, state: &mut State, number: usize) {
        let Some(mut run) = state.tasks[number].run else {
            return;
        };
        run.step = match run.step {
            Step::PutRoster => {
                if let Some(login) = run.named
                    && !self.is(Mutant::RosterOnlyAtFinish)
                {
                    run.entry = Some(Entry {
                        login,
                        flagged: false,
                    });
                }
                Step::WriteUser
            }
            Step::WriteUser => {
                if let Some(login) = run.named {
                    self.write_user(state, login);
                }
                Step::Plan
            }
            Step::Plan => self.plan(state, number, &mut run),
            Step::Apply { listed } => self.apply(state, number, &mut run, listed),
            Step::Send { listed, block } => {
                state.tasks[number].run = Some(run);
                let sent = self.block(state, number, block);
                run = state.tasks[number].run.unwrap_or(run);
                match sent {
                    true => {
                        run.counted += 1;
                        Step::Finish
                    }
                    false => Step::Apply { listed },
                }
            }
            Step::Finish => {
                self.finish(&mut state.tasks[number], run);
                return;
            }
        };
        state.tasks[number].run = Some(run);
    }

    /// Writes the user of a record: creates, or renames, or lets in whom an import had blocked.
    fn write_user(&self, state: &mut State, login: usize) {
        match state.user {
            None => state.active = true,
            Some(old) if old != login => state.rows[old].version += 1,
            Some(_) => {}
        }
        state.user = Some(login);
        state.rows[login].version += 1;
        if state.left {
            state.left = false;
            state.let_in |= state.blocked_by_operator;
            state.active = true;
        }
    }

    /// Decides on the candidate: whom the roster knows, and the file does not name by login.
    fn plan(&self, state: &State, number: usize, run: &mut Run) -> Step {
        let task = &state.tasks[number];
        let Some(entry) = known(task).filter(|entry| Some(entry.login) != run.named) else {
            return Step::Finish;
        };
        let Some(login) = state.user.filter(|_| state.active) else {
            return Step::Finish;
        };
        let is_named = match self.is(Mutant::PresenceByLoginAlone) {
            true => run.named == Some(login),
            false => run.named.is_some(),
        };
        let marks = |other: &Task| {
            let entries = [
                other.generation,
                other.also,
                other.run.and_then(|run| run.entry),
            ];
            let unflagged = |entry: &Entry| !entry.flagged || self.is(Mutant::FlaggedEntriesSpare);
            entries.iter().flatten().any(unflagged)
        };
        let is_marked = (0..TASKS).any(|other| other != number && marks(&state.tasks[other]));
        if is_named || is_marked {
            run.carried = Some(Entry {
                login: entry.login,
                flagged: is_marked && !is_named,
            });
            return Step::Finish;
        }
        Step::Apply { listed: login }
    }

    fn apply(&self, state: &State, number: usize, run: &mut Run, listed: usize) -> Step {
        let login = match self.is(Mutant::LeaverById) {
            true => state.user.unwrap_or(listed),
            false => listed,
        };
        let row = state.rows[login];
        if row.stamps[number] {
            run.counted += 1;
            return Step::Finish;
        }
        if state.user == Some(login) && state.active {
            let block = Block {
                login,
                seen: row.version,
            };
            return Step::Send { listed, block };
        }
        run.carried = Some(Entry {
            login: listed,
            flagged: false,
        });
        Step::Finish
    }

    /// Executes the statement that blocks a user. Returns false if its condition is not met.
    pub(super) fn block(&self, state: &mut State, number: usize, block: Block) -> bool {
        let met = state.rows[block.login].version == block.seen;
        if met {
            state.rows[block.login].version += 1;
            state.rows[block.login].stamps[number] = true;
            state.active = false;
            state.left = true;
            if let Some(run) = &mut state.tasks[number].run {
                run.effects += 1;
                state.blocked_though_named |= run.named.is_some();
            }
        }
        met
    }

    fn finish(&self, task: &mut Task, run: Run) {
        let named = run.named.map(|login| Entry {
            login,
            flagged: false,
        });
        let carried = run
            .carried
            .filter(|_| !self.is(Mutant::CarriedEntriesDropped));
        task.generation = merged(named, carried);
        task.also = None;
        task.run = None;
        let new = u8::from(!run.is_outdated);
        task.unchanged_runs = (task.unchanged_runs + new).min(ENOUGH_RUNS);
    }

    pub(super) fn cancel(&self, task: &mut Task) {
        let Some(run) = task.run.take() else {
            return;
        };
        if let Step::Send { block, .. } = run.step {
            task.in_flight = Some(block);
        }
        if self.is(Mutant::GenerationBeforeFinish) {
            task.generation = run.entry;
        } else {
            task.also = merged(task.also, run.entry);
        }
    }

    pub(super) fn operator(&self, state: &mut State, action: &Action) {
        state.operators -= 1;
        let Some(login) = state.user else {
            return;
        };
        state.rows[login].version += 1;
        match action {
            Action::OperatorRenames => {
                let to = 1 - login;
                let version = state.rows[login].version.max(state.rows[to].version);
                state.rows[to].version = version + 1;
                state.user = Some(to);
            }
            _ => {
                state.active = *action == Action::OperatorLetsIn;
                state.blocked_by_operator = !state.active;
                state.left &= self.is(Mutant::LeftKeptWhenActiveIsSet);
            }
        }
    }
}

/// Returns the entry of the person in all rosters of a task.
fn known(task: &Task) -> Option<Entry> {
    merged(task.generation, task.also)
}

/// Returns the newer entry; nobody is flagged who is not flagged in both.
fn merged(older: Option<Entry>, newer: Option<Entry>) -> Option<Entry> {
    match (older, newer) {
        (Some(older), Some(newer)) => Some(Entry {
            login: newer.login,
            flagged: older.flagged && newer.flagged,
        }),
        (one, other) => other.or(one),
    }
}

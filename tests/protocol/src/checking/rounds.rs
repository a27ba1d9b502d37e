//! The rounds: chunks are planned, the threshold is checked, chunks are applied.

use super::state::{Action, CHUNKS, Checking, Counts, End, Round, Row, Run, State, Writer};
use crate::mutant::Mutant;

impl Checking {
    pub(super) fn round_actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (n, writer) in state.writers.iter().enumerate() {
            if *writer != Writer::Idle {
                actions.push(Action::Write(n));
                if state.faults > 0 {
                    actions.push(Action::WriterCrashes(n));
                }
            }
        }
        for round in [Round::Plan, Round::Apply] {
            for chunk in 0..CHUNKS {
                let row = self.row(state, round, chunk);
                if state.queue[round as usize][chunk] > 0 {
                    if state.writers.contains(&Writer::Idle) {
                        actions.push(Action::Deliver(round, chunk));
                    }
                    if state.faults > 0 {
                        actions.push(Action::LoseMessage(round, chunk));
                        actions.push(Action::DuplicateMessage(round, chunk));
                    }
                } else if matches!(state.run, Run::In(now, _) if now == round)
                    && row.owner.is_none()
                    && row.result.is_none()
                    && !self.is(Mutant::QueuedOnlyOnce)
                {
                    actions.push(Action::Resend(round, chunk));
                }
            }
        }
        if let Run::In(round, _) = state.run
            && self.is_complete(state, round)
        {
            actions.push(Action::SweeperCompletesRound);
        }
    }

    pub(super) fn work(&self, state: &mut State, action: &Action) {
        match *action {
            Action::Deliver(round, chunk) => self.lease(state, round, chunk),
            Action::Write(n) => self.write(state, n),
            Action::Resend(round, chunk) => state.queue[round as usize][chunk] = 1,
            Action::SweeperCompletesRound => {
                self.complete_round(state);
            }
            Action::WriterCrashes(n) => {
                state.faults -= 1;
                let (Writer::Leased(round, chunk, _) | Writer::Commit(round, chunk, _)) =
                    std::mem::replace(&mut state.writers[n], Writer::Idle)
                else {
                    return;
                };
                // The model `applying` covers that the lease must expire first.
                state.rows[self.row_index(round)][chunk].owner = None;
                let waiting = &mut state.queue[round as usize][chunk];
                *waiting = (*waiting + 1).min(2);
            }
            Action::LoseMessage(round, chunk) => {
                state.faults -= 1;
                state.queue[round as usize][chunk] -= 1;
            }
            Action::DuplicateMessage(round, chunk) => {
                state.faults -= 1;
                let waiting = &mut state.queue[round as usize][chunk];
                *waiting = (*waiting + 1).min(2);
            }
            _ => {}
        }
    }

    fn row_index(&self, round: Round) -> usize {
        if self.is(Mutant::SharedChunkRows) {
            Round::Apply as usize
        } else {
            round as usize
        }
    }

    fn row(&self, state: &State, round: Round, chunk: usize) -> Row {
        state.rows[self.row_index(round)][chunk]
    }

    fn is_complete(&self, state: &State, round: Round) -> bool {
        let done = |chunk: usize| self.row(state, round, chunk).result.is_some();
        if self.is(Mutant::ThresholdBeforeAllPlans) && round == Round::Plan {
            (0..CHUNKS).any(done)
        } else {
            (0..CHUNKS).all(done)
        }
    }

    pub(super) fn queue_all(&self, state: &mut State, round: Round) {
        for chunk in 0..CHUNKS {
            let row = self.row(state, round, chunk);
            if row.owner.is_none() && row.result.is_none() {
                let waiting = &mut state.queue[round as usize][chunk];
                *waiting = (*waiting).max(1);
            }
        }
    }

    /// Leases a chunk, and reads the run after that.
    fn lease(&self, state: &mut State, round: Round, chunk: usize) {
        state.queue[round as usize][chunk] -= 1;
        let idle = state
            .writers
            .iter()
            .position(|writer| *writer == Writer::Idle);
        let Some(n) = idle else {
            return;
        };
        let row = self.row(state, round, chunk);
        match state.run {
            Run::In(now, attempt) if now == round => {
                if row.result.is_some() {
                    state.writers[n] = self.complete_round(state);
                } else if row.owner.is_none() {
                    state.rows[self.row_index(round)][chunk].owner = Some(n);
                    state.writers[n] = Writer::Leased(round, chunk, attempt);
                }
            }
            _ => {}
        }
    }

    fn write(&self, state: &mut State, n: usize) {
        state.writers[n] = match state.writers[n] {
            Writer::Idle => Writer::Idle,
            Writer::Leased(Round::Plan, chunk, _) => Writer::Commit(Round::Plan, chunk, 1),
            Writer::Leased(Round::Apply, chunk, attempt) => {
                if state.effects[chunk] == 0 && state.files[attempt][chunk].is_some() {
                    state.effects[chunk] = 1;
                    state.applied[chunk] = state.files[attempt][chunk];
                }
                Writer::Commit(Round::Apply, chunk, state.effects[chunk])
            }
            Writer::Commit(round, chunk, result) => {
                let row = &mut state.rows[self.row_index(round)][chunk];
                if row.owner == Some(n) && row.result.is_none() {
                    row.result = Some(result);
                }
                self.complete_round(state)
            }
            Writer::Queue => {
                self.queue_all(state, Round::Apply);
                Writer::Idle
            }
        };
    }

    /// Moves the run on if the round is complete, with one conditional write.
    fn complete_round(&self, state: &mut State) -> Writer {
        let Run::In(round, attempt) = state.run else {
            return Writer::Idle;
        };
        if !self.is_complete(state, round) {
            return Writer::Idle;
        }
        let counts: Counts =
            std::array::from_fn(|chunk| self.row(state, round, chunk).result.unwrap_or(0));
        let planned = counts.iter().sum::<u8>();
        let from = state.run;
        match round {
            Round::Plan if self.trips_threshold && usize::from(planned) == CHUNKS => {
                Self::end(state, from, End::Failed);
            }
            Round::Plan if self.dry_run => {
                Self::end(state, from, End::Done(Counts::default()));
            }
            Round::Plan => {
                state.run = Run::In(Round::Apply, attempt);
                return Writer::Queue;
            }
            Round::Apply => Self::end(state, from, End::Done(counts)),
        }
        Writer::Idle
    }
}

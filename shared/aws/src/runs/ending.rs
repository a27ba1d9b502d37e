//! The ending of a run, and the write that records it.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use muster_core::run::{Counts, State, Status};

use super::id::RunId;
use super::idempotency::StoredAnswer;
use super::run::{NewRun, ROW, Run, Runs, key};
use super::undo::{RecordNumbers, RunUndo};
use crate::dynamodb::expression::{Condition, UpdateExpression};
use crate::dynamodb::row::{self, EXPIRES_AT};
use crate::dynamodb::transaction::{Transacted, refusing_row};
use crate::dynamodb::write::Write;
use crate::error::StoreError;

/// Lifetime of a run after its end.
pub(super) const RUN_LIFETIME: Duration = Duration::from_secs(90 * 24 * 3_600);
/// Time after an end with statements that may be unanswered from which the run's claims may be taken
/// over (protocol.md#claims). Longer than any statement is under way.
const REST: Duration = Duration::from_secs(60);
/// Maximum bytes of a run's error messages; DynamoDB limits a row to 400 KB.
const MAX_ERROR_BYTES: usize = 200_000;

/// Ending of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Terminal state.
    pub state: State,
    /// Status.
    pub status: Status,
    /// Counts of its records; absent if not known.
    pub counts: Option<Counts>,
    /// Number of items by code.
    pub item_counts: BTreeMap<String, u64>,
    /// Error messages.
    pub errors: Vec<String>,
    /// Response to store under its idempotency key; if absent, the key is deleted.
    pub answer: Option<StoredAnswer>,
    /// True if a statement may still be under way.
    pub unanswered: bool,
    /// Data for an undo; absent if nothing was applied, or nothing is kept.
    pub undo: Option<RunUndo>,
}

/// The state and kind that a run must still have when it is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EndedFrom {
    state: State,
    background: bool,
}

impl EndedFrom {
    /// State of a synchronous run.
    pub(super) const SYNC: Self = Self {
        state: State::Applying,
        background: false,
    };

    /// Returns the state of a run as it was read.
    pub(super) const fn of(run: &Run) -> Self {
        Self {
            state: run.state,
            background: run.job.is_some(),
        }
    }

    fn condition(self) -> Result<Condition, StoreError> {
        let state = Condition::equals("state", row::encode_value(ROW, &self.state)?);
        Ok(state.and(if self.background {
            Condition::exists("job")
        } else {
            Condition::absent("job")
        }))
    }
}

impl Run {
    /// Returns this run with its ending.
    fn ended(mut self, ending: &Ending, now: Timestamp) -> Self {
        let Ending {
            state,
            status,
            counts,
            item_counts,
            errors,
            answer: _,
            unanswered,
            undo,
        } = ending;
        self.state = *state;
        self.ended_at = Some(row::whole_millis(now));
        self.status = Some(*status);
        self.counts = *counts;
        self.item_counts.clone_from(item_counts);
        self.errors = truncate_errors(errors);
        self.rests_until = unanswered.then(|| rests_until(now));
        self.undo_until = undo.as_ref().map(|undo| undo.until(now));
        self.applied = undo
            .as_ref()
            .map_or_else(RecordNumbers::default, |undo| undo.applied.clone());
        self
    }

    /// Returns true if the run ended with exactly this ending at `now`.
    pub(super) fn has_ended_as(&self, ending: &Ending, now: Timestamp) -> bool {
        *self == self.clone().ended(ending, now)
    }
}

impl Ending {
    /// Returns the write that ends a run, if it is still in state `from`, and sets the expiry of
    /// its row.
    pub(super) fn of_run(
        &self,
        table: &str,
        run: &RunId,
        from: EndedFrom,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let Self {
            state,
            status,
            counts,
            item_counts,
            errors,
            answer: _,
            unanswered,
            undo,
        } = self;
        let mut update = UpdateExpression::new()
            .set("state", row::encode_value(ROW, state)?)
            .set("status", row::encode_value(ROW, status)?)
            .set("ended_at", row::number(now.as_millisecond()))
            .set("item_counts", row::encode_value(ROW, item_counts)?)
            .set("errors", row::encode_value(ROW, &truncate_errors(errors))?)
            .set(EXPIRES_AT, row::number(run_expiry(now)));
        if let Some(counts) = counts {
            update = update.set("counts", row::encode_value(ROW, counts)?);
        }
        if *unanswered {
            let until = rests_until(now).as_millisecond();
            update = update.set("rests_until", row::number(until));
        }
        if let Some(undo) = undo {
            let until = undo.until(now).as_millisecond();
            update = update.set("undo_until", row::number(until));
            if !undo.applied.is_empty() {
                update = update.set("applied", row::encode_value(ROW, &undo.applied)?);
            }
        }
        Write::update(table, &key(run), update)
            .only_if(from.condition()?)
            .returning_refusing_row()
            .build()
    }
}

fn rests_until(ended_at: Timestamp) -> Timestamp {
    row::whole_millis(row::later(ended_at, REST))
}

fn run_expiry(ended_at: Timestamp) -> i64 {
    row::expiry(row::later(ended_at, RUN_LIFETIME))
}

/// Returns the messages that fit into a row, and the number of omitted ones as the last message.
fn truncate_errors(errors: &[String]) -> Vec<String> {
    let mut room = MAX_ERROR_BYTES;
    let mut kept = Vec::new();
    for error in errors {
        if error.len() > room {
            let more = errors.len() - kept.len();
            kept.push(format!("{more} more messages were omitted"));
            break;
        }
        room -= error.len();
        kept.push(error.clone());
    }
    kept
}

impl Runs<'_> {
    /// Records a run that ends before it starts, such as a request refused for its task's settings.
    /// It never has a task lock. Repeating a call changes nothing.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn record_ended(
        self,
        run: &NewRun,
        ending: &Ending,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let table = &self.store.tables.control;
        let ended = run.initial(State::Applying, None, now).ended(ending, now);
        let mut row = row::encode(ROW, &key(&run.id), &ended)?;
        row.insert(EXPIRES_AT.to_owned(), row::number(run_expiry(now)));
        let writes = [
            Write::put_new(table, row).build()?,
            run.pointer(table, now)?,
        ];
        match self.store.transact(&writes).await? {
            Transacted::Done => Ok(()),
            // A response was lost, or the id is used twice.
            Transacted::Cancelled(reasons) => match refusing_row(&reasons, 0) {
                Some(found) if row::decode::<Run>(ROW, found.clone())? == ended => Ok(()),
                _ => Err(StoreError::Row {
                    row: ROW,
                    reason: "another run has this id".to_owned(),
                }),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excess_error_messages_are_omitted_and_counted() {
        let errors = vec!["x".repeat(90_000); 5];
        let kept = truncate_errors(&errors);
        assert_eq!(kept.len(), 3);
        assert_eq!(kept[2], "3 more messages were omitted");
        assert_eq!(truncate_errors(&errors[..2]), errors[..2]);
    }
}

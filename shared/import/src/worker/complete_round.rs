//! The completion of a round, when all its chunks have a result: the run enters its next round, or
//! ends (protocol.md#rounds, protocol.md#finish). Several workers may try; one conditional write
//! decides which of them succeeds. Counts are sums over the rows of the chunks.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use muster_aws::StoreError;
use muster_aws::runs::chunks::{ChunkRow, Round};
use muster_aws::runs::task_lock::Finished;
use muster_aws::runs::undo::{RecordNumbers, RunUndo};
use muster_aws::runs::{Ending, Job, Run, StopReason};
use muster_core::dialect::quant;
use muster_core::item::Severity;
use muster_core::run::{Counts, State, Status};

use super::runner::Runner;
use crate::records::threshold::{exceeded, in_effect};
use crate::run::job::{as_new_run, chunked};
use crate::run::report::report_finished;

/// The sums over the chunks of a round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RoundTotals {
    counts: Counts,
    item_counts: BTreeMap<String, u64>,
    /// Days for which the chunks keep the values before their writes.
    undo_days: u32,
    /// True if a chunk was written by an earlier version, which kept none.
    unkept: bool,
}

/// The reason for the end of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EndCause {
    /// All records are done.
    Done,
    /// Nothing was applied, for these reasons.
    Refused(Vec<String>),
    /// No processor could read the file in full.
    Unreadable,
    /// The run was stopped; part of it may have been applied.
    Stopped(StopReason),
}

impl RoundTotals {
    fn add(&mut self, row: &ChunkRow) {
        let Some(result) = &row.result else {
            return;
        };
        self.counts = self.counts.plus(result.counts);
        match &result.undo {
            Some(undo) => self.undo_days = self.undo_days.max(undo.days),
            None => self.unkept |= result.counts.created + result.counts.updated > 0,
        }
        for (code, count) in &result.item_counts {
            *self.item_counts.entry(code.clone()).or_default() += count;
        }
    }

    const fn applied(&self) -> u64 {
        self.counts.created + self.counts.updated
    }

    /// Returns the end of a run with these totals and this number of records.
    fn ending(self, cause: EndCause, records: u64) -> Ending {
        let applied = self.applied();
        let (state, status, errors, counts_known) = match cause {
            EndCause::Done => {
                let codes = self.item_counts.keys();
                let status = quant::status(codes.map(|code| Severity::of_record_code(code)));
                (State::Finished, status, Vec::new(), true)
            }
            EndCause::Refused(errors) => {
                let counts_known = self.counts != Counts::default();
                (State::Finished, Status::Failure, errors, counts_known)
            }
            EndCause::Unreadable => {
                let error = "the file could not be read in full after several attempts; nothing \
                             was imported, upload it again";
                (
                    State::Finished,
                    Status::Failure,
                    vec![error.to_owned()],
                    false,
                )
            }
            EndCause::Stopped(why) => {
                let status = if applied == 0 {
                    Status::Failure
                } else {
                    Status::PartialSuccess
                };
                let (state, error) = stopped_message(why, applied, records);
                (state, status, vec![error], true)
            }
        };
        Ending {
            state,
            status,
            counts: counts_known.then_some(self.counts),
            item_counts: self.item_counts,
            errors,
            answer: None,
            // Every chunk has its result: what was sent has been answered, or would be refused.
            unanswered: false,
            undo: (self.undo_days > 0 && !self.unkept).then(|| RunUndo {
                days: self.undo_days,
                applied: RecordNumbers::default(),
            }),
        }
    }
}

/// Returns the final state and the client's message of a run that was stopped.
fn stopped_message(why: StopReason, applied: u64, records: u64) -> (State, String) {
    let kept = format!("{applied} of {records} records were applied and are kept");
    match why {
        StopReason::Cancelled => (
            State::Cancelled,
            format!("the import was cancelled; {kept}"),
        ),
        StopReason::Abandoned => (
            State::Finished,
            format!(
                "the import was abandoned because part of it could not be applied; {kept}, send \
                 the file again"
            ),
        ),
    }
}

impl Runner {
    /// Completes the current round of a run, if all its chunks have a result.
    pub(super) async fn complete_round(&self, run: &Run) -> Result<(), StoreError> {
        let (Some((job, chunked)), Some(round)) = (chunked(run), Round::of(run.state)) else {
            return Ok(());
        };
        let rows = self
            .store
            .chunks()
            .list(&run.id, round, 0, usize::MAX)
            .await?;
        let done = rows.values().filter(|row| row.result.is_some()).count();
        if done < chunked.chunks as usize {
            return Ok(());
        }
        let mut totals = RoundTotals::default();
        rows.values().for_each(|row| totals.add(row));
        match run.state {
            State::Planning => self.complete_planning(run, job, totals).await,
            State::Stopping => {
                let why = job.stopped.unwrap_or(StopReason::Abandoned);
                self.end(run, totals, EndCause::Stopped(why)).await
            }
            State::Applying => self.end(run, totals, EndCause::Done).await,
            State::Uploading | State::Checking | State::Finished | State::Cancelled => Ok(()),
        }
    }

    /// Ends a dry run, or one that exceeds its safety threshold; any other enters the applying
    /// round.
    async fn complete_planning(
        &self,
        run: &Run,
        job: &Job,
        totals: RoundTotals,
    ) -> Result<(), StoreError> {
        let (settings, _) = self.settings(run).await?;
        let threshold = in_effect(&settings, run.threshold_overridden);
        let errors = threshold.map(|threshold| exceeded(&threshold, totals.counts));
        if let Some(errors) = errors.filter(|errors| !errors.is_empty()) {
            // The plan is not applied.
            let counts = Counts {
                created: 0,
                updated: 0,
                unchanged: 0,
                renamed: 0,
                moved: 0,
                blocked: 0,
                unblocked: 0,
                cleared: 0,
                ..totals.counts
            };
            let totals = RoundTotals { counts, ..totals };
            return self.end(run, totals, EndCause::Refused(errors)).await;
        }
        if run.dry_run {
            return self.end(run, totals, EndCause::Done).await;
        }
        let advanced = self
            .store
            .runs()
            .advance(run, State::Applying, job, Timestamp::now())
            .await?;
        if advanced {
            let applying = Run {
                state: State::Applying,
                ..run.clone()
            };
            self.queue_round(&applying).await?;
        }
        Ok(())
    }

    /// Ends a run from the state it was read in. Does nothing if another worker has ended it.
    pub(super) async fn end(
        &self,
        run: &Run,
        totals: RoundTotals,
        cause: EndCause,
    ) -> Result<(), StoreError> {
        let records = chunked(run).map_or(0, |(_, chunked)| chunked.records);
        let ending = totals.ending(cause, records);
        let now = Timestamp::now();
        match self
            .store
            .task_locks()
            .finish_background(run, &ending, now)
            .await?
        {
            Finished::Done => {
                let acquired_at = run.job.as_ref().map(|job| job.acquired_at);
                let millis = acquired_at.map(|at| now.as_millisecond() - at.as_millisecond());
                let millis = millis.and_then(|millis| u64::try_from(millis).ok());
                let duration = millis.map(Duration::from_millis);
                report_finished(&as_new_run(run), &ending, duration);
            }
            Finished::EndedByOther => {}
        }
        Ok(())
    }
}

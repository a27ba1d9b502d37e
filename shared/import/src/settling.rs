//! What becomes of a run when all chunks of its round have a result: the next round, or its end.
//! Whoever looks and finds them there may do it; one conditional write decides whose it is
//! (PROTOCOL §5.4, §8). The figures are sums of what the chunks' rows say.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use muster_aws::StoreError;
use muster_aws::holds::Finished;
use muster_aws::rounds::{ChunkRow, Round};
use muster_aws::runs::{Ending, Job, Run, Stopped};
use muster_core::run::{Counts, State, Status};

use crate::background::{Runner, chunked, writing_as};
use crate::ending::report;
use crate::threshold::tripped;

/// The sums over the chunks of a round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    counts: Counts,
    item_counts: BTreeMap<String, u64>,
}

/// Why a run ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// All of it is done.
    Done,
    /// Nothing of it may be applied, and why.
    Refused(String),
    /// No processor came to its end.
    Unreadable,
    /// It was stopped with some of it applied.
    Stopped(Stopped),
}

impl Totals {
    fn add(&mut self, row: &ChunkRow) {
        let Some(result) = &row.result else {
            return;
        };
        self.counts = self.counts.plus(result.counts);
        for (code, count) in &result.item_counts {
            *self.item_counts.entry(code.clone()).or_default() += count;
        }
    }

    const fn applied(&self) -> u64 {
        self.counts.created + self.counts.updated
    }

    /// How a run ends that comes to this.
    fn ending(self, cause: Cause, records: u64) -> Ending {
        let applied = self.applied();
        let (state, status, errors, known) = match cause {
            Cause::Done if self.item_counts.is_empty() => {
                (State::Finished, Status::Success, Vec::new(), true)
            }
            Cause::Done => (State::Finished, Status::PartialSuccess, Vec::new(), true),
            Cause::Refused(error) => {
                let counted = self.counts != Counts::default();
                (State::Finished, Status::Failure, vec![error], counted)
            }
            Cause::Unreadable => {
                let error = "the file could not be read to its end, however often it was tried; \
                             nothing was imported, upload it again";
                (
                    State::Finished,
                    Status::Failure,
                    vec![error.to_owned()],
                    false,
                )
            }
            Cause::Stopped(why) => {
                let status = if applied == 0 {
                    Status::Failure
                } else {
                    Status::PartialSuccess
                };
                let (state, error) = stopped(why, applied, records);
                (state, status, vec![error], true)
            }
        };
        Ending {
            state,
            status,
            counts: known.then_some(self.counts),
            item_counts: self.item_counts,
            errors,
            answer: None,
        }
    }
}

fn stopped(why: Stopped, applied: u64, records: u64) -> (State, String) {
    let far = format!("{applied} of {records} records had been applied and stay so");
    match why {
        Stopped::Cancelled => (State::Cancelled, format!("the import was cancelled; {far}")),
        Stopped::GaveUp => (
            State::Finished,
            format!(
                "the import was given up, because a part of it could not be applied; {far}, send \
                 the file again"
            ),
        ),
    }
}

impl Runner {
    /// Looks whether all chunks of a run's round have a result, and does what follows.
    pub(crate) async fn settle(&self, run: &Run) -> Result<(), StoreError> {
        let (Some((job, chunked)), Some(round)) = (chunked(run), Round::of(run.state)) else {
            return Ok(());
        };
        let rows = self.store.chunks(&run.id, round, 0, usize::MAX).await?;
        let settled = rows.values().filter(|row| row.result.is_some()).count();
        if settled < chunked.chunks as usize {
            return Ok(());
        }
        let mut totals = Totals::default();
        rows.values().for_each(|row| totals.add(row));
        match run.state {
            State::Planning => self.planned(run, job, totals).await,
            State::Stopping => {
                let why = job.stopped.unwrap_or(Stopped::GaveUp);
                self.end(run, totals, Cause::Stopped(why)).await
            }
            State::Applying => self.end(run, totals, Cause::Done).await,
            State::Uploading | State::Checking | State::Finished | State::Cancelled => Ok(()),
        }
    }

    /// Every record is planned: a dry run ends with that, a safety threshold is judged on it.
    async fn planned(&self, run: &Run, job: &Job, totals: Totals) -> Result<(), StoreError> {
        if run.dry_run {
            return self.end(run, totals, Cause::Done).await;
        }
        let (settings, _) = self.settings(run).await?;
        let error = settings
            .safety_threshold
            .and_then(|threshold| tripped(threshold, totals.counts));
        if let Some(error) = error {
            // Nothing of the plan was done.
            let counts = Counts {
                created: 0,
                updated: 0,
                unchanged: 0,
                ..totals.counts
            };
            let totals = Totals { counts, ..totals };
            return self.end(run, totals, Cause::Refused(error)).await;
        }
        let advanced = self
            .store
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

    /// Ends a run from the state it was read in; that somebody else has done so is fine.
    pub(crate) async fn end(
        &self,
        run: &Run,
        totals: Totals,
        cause: Cause,
    ) -> Result<(), StoreError> {
        let records = chunked(run).map_or(0, |(_, chunked)| chunked.records);
        let ending = totals.ending(cause, records);
        let now = Timestamp::now();
        match self.store.finish_queued(run, &ending, now).await? {
            Finished::Done => {
                let began = run.job.as_ref().map(|job| job.acquired_at);
                let took = began.map(|began| now.as_millisecond() - began.as_millisecond());
                let took = took.and_then(|millis| u64::try_from(millis).ok());
                let took = took.map(Duration::from_millis);
                report(&writing_as(run), &ending, took);
            }
            Finished::EndedByOther => {}
        }
        Ok(())
    }
}

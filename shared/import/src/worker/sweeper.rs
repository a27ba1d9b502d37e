//! The sweeper: a periodic job that recovers the runs that have not ended (protocol.md#sweeper).
//!
//! The rows are authoritative, and messages are only hints. The sweeper queues stalled work again,
//! abandons runs that cannot complete, and ends runs that are complete. It ignores dead letters.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use muster_aws::StoreError;
use muster_aws::background::{ProcessMessage, Work};
use muster_aws::runs::chunks::{ChunkResult, ChunkRow, Round};
use muster_aws::runs::task_lock::OpenRun;
use muster_aws::runs::{Job, Run, StopReason};
use muster_aws::telemetry::Metrics;
use muster_core::run::State;
use tracing::Instrument as _;

use super::complete_round::{EndCause, RoundTotals};
use super::runner::{Runner, has_elapsed};
use crate::run::job::{chunked, was_handed_over};
use crate::span;

/// Maximum messages of a queue that counts as nearly empty.
const NEARLY_EMPTY_MESSAGES: u64 = 10;
/// Maximum chunks that are skipped concurrently.
const MAX_CONCURRENT_SKIPS: usize = 16;

/// The result of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SweepReport {
    /// Synchronous runs that were ended as interrupted.
    pub interrupted: u64,
    /// Background runs that have not ended.
    pub open: u64,
    /// Messages sent again.
    pub sent: u64,
    /// Background runs without progress for long that are not merely waiting for other runs.
    pub stuck: u64,
    /// Task locks held by a run that had ended, which the protocol should make impossible.
    pub freed: u64,
}

/// The recent activity on a run that has not ended.
struct RunActivity {
    /// True if it needs a processor, false if it needs writers.
    checking: bool,
    /// Time of the last start of work on it.
    last_start: Option<Timestamp>,
    /// Time of the last progress.
    last_progress: Timestamp,
    /// True if work on it was started repeatedly without a result, or its worker has gone silent.
    failing: bool,
}

impl RunActivity {
    fn of_round(job: &Job, rows: &BTreeMap<u32, ChunkRow>) -> Self {
        let failing = |row: &ChunkRow| row.result.is_none() && row.attempts > 1;
        let progress = rows.values().filter(|row| !failing(row));
        let progress = progress.filter_map(|row| row.since).max();
        Self {
            checking: false,
            last_start: rows.values().filter_map(|row| row.since).max(),
            last_progress: progress.unwrap_or(job.entered_at).max(job.entered_at),
            failing: rows.values().any(failing),
        }
    }
}

/// Counts the stuck runs: those without progress for the time `after` that are failing, or whose
/// workers are not busy with other runs.
fn count_stuck(runs: &[RunActivity], after: Duration, now: Timestamp) -> u64 {
    let others_are_active = |index: usize, checking: bool| {
        let mut others = runs.iter().enumerate();
        others.any(|(other, run)| {
            let recently = run
                .last_start
                .is_some_and(|start| !has_elapsed(start, after, now));
            other != index && run.checking == checking && recently
        })
    };
    let mut count = 0;
    for (index, run) in runs.iter().enumerate() {
        let stalled = has_elapsed(run.last_progress, after, now);
        count += u64::from(stalled && (run.failing || !others_are_active(index, run.checking)));
    }
    count
}

impl SweepReport {
    /// Name of the metric of [`Self::stuck`].
    pub const STUCK_METRIC: &str = "StuckRuns";
    /// Name of the metric of [`Self::freed`].
    pub const FREED_METRIC: &str = "FreedHolds";
}

impl Runner {
    /// Recovers every run that has not ended. An error in one run does not affect the others.
    ///
    /// # Errors
    /// Returns the first error, after all runs have been swept.
    pub fn sweep(&self) -> BoxFuture<'_, Result<SweepReport, StoreError>> {
        Box::pin(self.sweep_open_runs())
    }

    async fn sweep_open_runs(&self) -> Result<SweepReport, StoreError> {
        let now = Timestamp::now();
        let mut report = SweepReport::default();
        let mut first_error = None;
        match self
            .store
            .task_locks()
            .end_expired(now, self.times.sweep_grace)
            .await
        {
            Ok(interrupted) => report.interrupted = interrupted.len() as u64,
            Err(error) => first_error = Some(error),
        }
        let (open, error) = self.store.task_locks().open_background_runs().await;
        first_error = first_error.or(error);
        report.open = open.len() as u64;
        let mut runs = Vec::new();
        for open in open {
            let span = span::import(&open.run, open.task);
            let swept = self.sweep_run(open, &mut report);
            match swept.instrument(span.clone()).await {
                Ok(activity) => runs.extend(activity),
                Err(error) => {
                    span.in_scope(|| tracing::error!(%error, "failed to sweep a run"));
                    first_error.get_or_insert(error);
                }
            }
        }
        report.stuck = count_stuck(&runs, self.times.stuck_after, now);
        Metrics::new()
            .count("OpenRuns", report.open)
            .count(SweepReport::STUCK_METRIC, report.stuck)
            .count("InterruptedRuns", report.interrupted)
            .count(SweepReport::FREED_METRIC, report.freed)
            .count("MessagesSentAgain", report.sent)
            .emit(now);
        first_error.map_or(Ok(report), Err)
    }

    async fn sweep_run(
        &self,
        open: OpenRun,
        report: &mut SweepReport,
    ) -> Result<Option<RunActivity>, StoreError> {
        let now = Timestamp::now();
        let run = self.store.runs().get(&open.run, now).await?;
        let Some(run) = run.filter(|run| !run.state.is_terminal()) else {
            if self.store.task_locks().close_dangling(open, now).await? {
                report.freed += 1;
                tracing::error!("freed a task lock held by a run that had ended");
            }
            return Ok(None);
        };
        let Some(job) = run.job.clone() else {
            return Ok(None);
        };
        let overdue = self.is_overdue(&job, now);
        match run.state {
            State::Checking => self.sweep_checking(&run, &job, overdue, now, report).await,
            State::Planning | State::Applying | State::Stopping => {
                self.sweep_round(&run, job, overdue, now, report).await
            }
            State::Uploading | State::Finished | State::Cancelled => Ok(None),
        }
    }

    async fn sweep_checking(
        &self,
        run: &Run,
        job: &Job,
        overdue: bool,
        now: Timestamp,
        report: &mut SweepReport,
    ) -> Result<Option<RunActivity>, StoreError> {
        if overdue {
            self.end(run, RoundTotals::default(), EndCause::Unreadable)
                .await?;
            return Ok(None);
        }
        let heard_at = job.heard_at.unwrap_or(job.entered_at);
        let sent_at = job.queued_at.unwrap_or(Timestamp::MIN);
        let silent = has_elapsed(heard_at, self.times.heartbeat_over, now);
        if silent && has_elapsed(sent_at, self.times.heartbeat_over, now) {
            let message = ProcessMessage { run: run.id };
            let queues = &self.background.queues;
            queues.send_process(&run.tenant, message.run).await?;
            tracing::warn!("no heartbeat of a processor; sent the message again");
            self.store
                .runs()
                .note_queued(&run.id, run.state, now)
                .await?;
            report.sent += 1;
        }
        Ok(Some(RunActivity {
            checking: true,
            last_start: job.heard_at,
            last_progress: heard_at,
            failing: job.heard_at.is_some(),
        }))
    }

    async fn sweep_round(
        &self,
        run: &Run,
        job: Job,
        overdue: bool,
        now: Timestamp,
        report: &mut SweepReport,
    ) -> Result<Option<RunActivity>, StoreError> {
        let (Some((_, chunked)), Some(round)) = (chunked(run), Round::of(run.state)) else {
            return Ok(None);
        };
        let rows = self
            .store
            .chunks()
            .list(&run.id, round, 0, usize::MAX)
            .await?;
        let activity = RunActivity::of_round(&job, &rows);
        let exhausted = rows.values().any(|row| self.is_exhausted(row, now));
        let done = rows.values().filter(|row| row.result.is_some()).count();
        let left = done < usize::try_from(chunked.chunks).unwrap_or(usize::MAX);
        if run.state != State::Stopping && (exhausted || overdue && left) {
            self.abandon(run, job, now).await?;
            return Ok(Some(activity));
        }
        let missing = (0..chunked.chunks).filter(|chunk| !rows.contains_key(chunk));
        let missing: Vec<u32> = missing.collect();
        let stalled: Vec<u32> = rows
            .iter()
            .filter(|(_, row)| self.is_stalled(row, now))
            .map(|(chunk, _)| *chunk)
            .collect();
        if run.state == State::Stopping {
            if was_handed_over(run) {
                self.queue_chunks(run, missing.iter().copied(), Work::Reconcile)
                    .await?;
            } else {
                self.skip_chunks(run, &missing).await?;
            }
            self.resend(run, round, &stalled, Work::Reconcile, now)
                .await?;
        } else {
            self.resend(run, round, &stalled, Work::Write, now).await?;
            if !missing.is_empty() && self.must_resend_unstarted(&job, now).await? {
                self.queue_chunks(run, missing.iter().copied(), Work::Write)
                    .await?;
                tracing::info!(
                    round = round.as_str(),
                    chunks = missing.len(),
                    "sent the messages of unstarted chunks again"
                );
                self.store
                    .runs()
                    .note_queued(&run.id, run.state, now)
                    .await?;
                report.sent += missing.len() as u64;
            }
        }
        report.sent += stalled.len() as u64;
        self.complete_round(run).await?;
        Ok(Some(activity))
    }

    /// Returns true if the messages of chunks that nobody has started must be sent again: not all
    /// were sent, the queue has lost them, or they have waited for long.
    async fn must_resend_unstarted(&self, job: &Job, now: Timestamp) -> Result<bool, StoreError> {
        let Some(queued) = job.queued_at else {
            // The worker that advanced the run to this round may be about to send them.
            return Ok(has_elapsed(job.entered_at, self.times.chunk_lease(), now));
        };
        if !has_elapsed(queued, self.times.chunk_visible, now) {
            return Ok(false);
        }
        Ok(has_elapsed(queued, self.times.resend_anyway, now)
            || self.background.queues.chunks_waiting().await? <= NEARLY_EMPTY_MESSAGES)
    }

    /// Returns true if the lease of a chunk has expired without a result.
    fn is_stalled(&self, row: &ChunkRow, now: Timestamp) -> bool {
        let started = row.since.unwrap_or(Timestamp::MIN);
        let resent = row.resent_at.unwrap_or(Timestamp::MIN);
        row.result.is_none()
            && has_elapsed(started, self.times.chunk_lease(), now)
            && has_elapsed(resent, self.times.chunk_visible, now)
    }

    /// Returns true if the chunk has used up its attempts and its last lease has expired.
    fn is_exhausted(&self, row: &ChunkRow, now: Timestamp) -> bool {
        row.result.is_none()
            && row.attempts >= self.times.chunk_tries
            && row
                .since
                .is_some_and(|since| has_elapsed(since, self.times.chunk_lease(), now))
    }

    /// Sends the messages of stalled chunks again.
    async fn resend(
        &self,
        run: &Run,
        round: Round,
        chunks: &[u32],
        work: Work,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if chunks.is_empty() {
            return Ok(());
        }
        self.queue_chunks(run, chunks.iter().copied(), work).await?;
        tracing::warn!(
            round = round.as_str(),
            work = work.as_str(),
            chunks = chunks.len(),
            "sent the messages of stalled chunks again"
        );
        for chunk in chunks {
            self.store
                .chunks()
                .note_resent(&run.id, round, *chunk, now)
                .await?;
        }
        Ok(())
    }

    /// Stops a run that will not end by itself. One that is being planned ends at once: nothing of
    /// it was applied.
    async fn abandon(&self, run: &Run, job: Job, now: Timestamp) -> Result<(), StoreError> {
        let why = StopReason::Abandoned;
        tracing::error!("abandoned a run that cannot be completed");
        if run.state == State::Planning {
            return self
                .end(run, RoundTotals::default(), EndCause::Stopped(why))
                .await;
        }
        let job = Job {
            stopped: Some(why),
            ..job
        };
        self.store
            .runs()
            .advance(run, State::Stopping, &job, now)
            .await?;
        Ok(())
    }

    /// Commits an empty result for chunks of a stopping run that nobody has started.
    async fn skip_chunks(&self, run: &Run, chunks: &[u32]) -> Result<(), StoreError> {
        let now = Timestamp::now();
        let result = ChunkResult::default();
        let writes: Vec<_> = chunks
            .iter()
            .map(|chunk| {
                self.store
                    .chunks()
                    .commit(&run.id, Round::Apply, *chunk, None, &result, now)
            })
            .collect();
        stream::iter(writes)
            .buffer_unordered(MAX_CONCURRENT_SKIPS)
            .try_for_each(async |_| Ok(()))
            .await
    }
}

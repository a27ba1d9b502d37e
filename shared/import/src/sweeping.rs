//! The sweep: what recovers runs, every minute, over those that have not ended (PROTOCOL §10). A
//! queue is a hint, the rows are the truth: what stands still is sent again, what cannot be done is
//! given up, what is complete is ended. A dead letter decides nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use muster_aws::StoreError;
use muster_aws::background::{ProcessMessage, Work};
use muster_aws::holds::OpenRun;
use muster_aws::rounds::{ChunkResult, ChunkRow, Round};
use muster_aws::runs::{Job, Run, Stopped};
use muster_aws::telemetry::Metrics;
use muster_core::run::State;

use crate::background::{Runner, chunked, was_handed_over};
use crate::settling::{Cause, Totals};

/// A queue with no more messages than this is about to be empty.
const NEARLY_EMPTY: u64 = 10;
/// Chunks that are left out at the same time.
const AT_ONCE: usize = 16;

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Runs within a request that were ended as interrupted.
    pub interrupted: u64,
    /// Runs in the background that have not ended.
    pub open: u64,
    /// Messages that were sent again.
    pub sent: u64,
    /// Runs in the background that have not moved for long, and do not only wait behind others.
    pub stuck: u64,
    /// Tasks that were held by a run that had ended, which the protocol does not let happen.
    pub freed: u64,
}

/// How a run stands that has not ended.
struct Standing {
    /// It waits for a processor; otherwise, for writers.
    checking: bool,
    /// When anybody last began with something of it.
    begun: Option<Timestamp>,
    /// Since when nothing has come of it.
    moved: Timestamp,
    /// Somebody has begun with something again and again, or is not heard of any more.
    in_vain: bool,
}

impl Standing {
    fn of_round(job: &Job, rows: &BTreeMap<u32, ChunkRow>) -> Self {
        let in_vain = |row: &ChunkRow| row.result.is_none() && row.tries > 1;
        let moved = rows.values().filter(|row| !in_vain(row));
        let moved = moved.filter_map(|row| row.since).max();
        Self {
            checking: false,
            begun: rows.values().filter_map(|row| row.since).max(),
            moved: moved.unwrap_or(job.entered_at).max(job.entered_at),
            in_vain: rows.values().any(in_vain),
        }
    }
}

/// How many runs are stuck: nothing has come of them for so long, and they do not only wait for who
/// works on others.
fn stuck(seen: &[Standing], after: Duration, now: Timestamp) -> u64 {
    let worked_on = |place: usize, checking: bool| {
        let mut others = seen.iter().enumerate();
        others.any(|(other, run)| {
            let lately = run.begun.is_some_and(|begun| !is_past(begun, after, now));
            other != place && run.checking == checking && lately
        })
    };
    let mut count = 0;
    for (place, run) in seen.iter().enumerate() {
        let still = is_past(run.moved, after, now);
        count += u64::from(still && (run.in_vain || !worked_on(place, run.checking)));
    }
    count
}

impl Swept {
    /// The metric of [`Self::stuck`].
    pub const STUCK: &str = "StuckRuns";
    /// The metric of [`Self::freed`].
    pub const FREED: &str = "FreedHolds";
}

impl Runner {
    /// Looks after every run that has not ended. What goes wrong with one keeps no other from being
    /// looked after.
    ///
    /// # Errors
    /// The first that occurred, when everything else is done.
    pub async fn sweep(&self) -> Result<Swept, StoreError> {
        let now = Timestamp::now();
        let mut swept = Swept::default();
        let mut first_error = None;
        match self.store.end_expired(now, self.times.sweep_grace).await {
            Ok(interrupted) => swept.interrupted = interrupted.len() as u64,
            Err(error) => first_error = Some(error),
        }
        let (open, trouble) = self.store.open_queued().await;
        first_error = first_error.or(trouble);
        swept.open = open.len() as u64;
        let mut seen = Vec::new();
        for open in open {
            match self.sweep_run(open, &mut swept).await {
                Ok(standing) => seen.extend(standing),
                Err(error) => {
                    tracing::error!(import.id = %open.run, %error, "a run could not be looked after");
                    first_error.get_or_insert(error);
                }
            }
        }
        swept.stuck = stuck(&seen, self.times.stuck_after, now);
        Metrics::new()
            .count("OpenRuns", swept.open)
            .count(Swept::STUCK, swept.stuck)
            .count("InterruptedRuns", swept.interrupted)
            .count(Swept::FREED, swept.freed)
            .count("MessagesSentAgain", swept.sent)
            .emit(now);
        first_error.map_or(Ok(swept), Err)
    }

    async fn sweep_run(
        &self,
        open: OpenRun,
        swept: &mut Swept,
    ) -> Result<Option<Standing>, StoreError> {
        let now = Timestamp::now();
        let run = self.store.get_run(&open.run, now).await?;
        let Some(run) = run.filter(|run| !run.state.is_terminal()) else {
            if self.store.close_dead(open, now).await? {
                swept.freed += 1;
                tracing::error!(import.id = %open.run, task.id = open.task, "a run that had ended held its task; the task is free now");
            }
            return Ok(None);
        };
        let Some(job) = run.job.clone() else {
            return Ok(None);
        };
        let over = self.is_over(&job, now);
        match run.state {
            State::Checking => self.sweep_checking(&run, &job, over, now, swept).await,
            State::Planning | State::Applying | State::Stopping => {
                self.sweep_round(&run, job, over, now, swept).await
            }
            State::Uploading | State::Finished | State::Cancelled => Ok(None),
        }
    }

    async fn sweep_checking(
        &self,
        run: &Run,
        job: &Job,
        over: bool,
        now: Timestamp,
        swept: &mut Swept,
    ) -> Result<Option<Standing>, StoreError> {
        if over {
            self.end(run, Totals::default(), Cause::Unreadable).await?;
            return Ok(None);
        }
        let heard = job.heard_at.unwrap_or(job.entered_at);
        let sent = job.queued_at.unwrap_or(Timestamp::MIN);
        let silent = is_past(heard, self.times.heartbeat_over, now);
        if silent && is_past(sent, self.times.heartbeat_over, now) {
            let message = ProcessMessage { run: run.id };
            let queues = &self.background.queues;
            queues.send_process(&run.tenant, message.run).await?;
            self.store.note_queued(&run.id, run.state, now).await?;
            swept.sent += 1;
        }
        Ok(Some(Standing {
            checking: true,
            begun: job.heard_at,
            moved: heard,
            in_vain: job.heard_at.is_some(),
        }))
    }

    async fn sweep_round(
        &self,
        run: &Run,
        job: Job,
        over: bool,
        now: Timestamp,
        swept: &mut Swept,
    ) -> Result<Option<Standing>, StoreError> {
        let (Some((_, chunked)), Some(round)) = (chunked(run), Round::of(run.state)) else {
            return Ok(None);
        };
        let rows = self.store.chunks(&run.id, round, 0, usize::MAX).await?;
        let standing = Standing::of_round(&job, &rows);
        let hopeless = rows.values().any(|row| self.is_hopeless(row, now));
        let done = rows.values().filter(|row| row.result.is_some()).count();
        let left = done < usize::try_from(chunked.chunks).unwrap_or(usize::MAX);
        if run.state != State::Stopping && (hopeless || over && left) {
            self.give_up(run, job, now).await?;
            return Ok(Some(standing));
        }
        let missing = (0..chunked.chunks).filter(|chunk| !rows.contains_key(chunk));
        let missing: Vec<u32> = missing.collect();
        let still: Vec<u32> = rows
            .iter()
            .filter(|(_, row)| self.stands_still(row, now))
            .map(|(chunk, _)| *chunk)
            .collect();
        if run.state == State::Stopping {
            if was_handed_over(run) {
                self.queue(run, missing.iter().copied(), Work::Reconcile)
                    .await?;
            } else {
                self.leave_out(run, &missing).await?;
            }
            self.send_again(run, round, &still, Work::Reconcile, now)
                .await?;
        } else {
            self.send_again(run, round, &still, Work::Write, now)
                .await?;
            if !missing.is_empty() && self.wants_sending(&job, now).await? {
                self.queue(run, missing.iter().copied(), Work::Write)
                    .await?;
                self.store.note_queued(&run.id, run.state, now).await?;
                swept.sent += missing.len() as u64;
            }
        }
        swept.sent += still.len() as u64;
        self.settle(run).await?;
        Ok(Some(standing))
    }

    /// Whether a run has taken so long that nothing more of it is begun.
    pub(crate) fn is_over(&self, job: &Job, now: Timestamp) -> bool {
        is_past(job.acquired_at, self.times.run_over, now)
    }

    /// Whether the messages of chunks that nobody has begun with are to be sent again: they were
    /// not all sent, the queue has lost them, or they have waited for long.
    async fn wants_sending(&self, job: &Job, now: Timestamp) -> Result<bool, StoreError> {
        let Some(queued) = job.queued_at else {
            // Whoever took the run to this round may be about to.
            return Ok(is_past(job.entered_at, self.times.chunk_held(), now));
        };
        if !is_past(queued, self.times.chunk_visible, now) {
            return Ok(false);
        }
        Ok(is_past(queued, self.times.resend_anyway, now)
            || self.background.queues.chunks_waiting().await? <= NEARLY_EMPTY)
    }

    /// Whether a chunk was begun with, and whoever did is past their time.
    fn stands_still(&self, row: &ChunkRow, now: Timestamp) -> bool {
        let begun = row.since.unwrap_or(Timestamp::MIN);
        let resent = row.resent_at.unwrap_or(Timestamp::MIN);
        row.result.is_none()
            && is_past(begun, self.times.chunk_held(), now)
            && is_past(resent, self.times.chunk_visible, now)
    }

    /// Whether the last try of a chunk is over.
    fn is_hopeless(&self, row: &ChunkRow, now: Timestamp) -> bool {
        row.result.is_none()
            && row.tries >= self.times.chunk_tries
            && row
                .since
                .is_some_and(|since| is_past(since, self.times.chunk_held(), now))
    }

    async fn send_again(
        &self,
        run: &Run,
        round: Round,
        chunks: &[u32],
        work: Work,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.queue(run, chunks.iter().copied(), work).await?;
        for chunk in chunks {
            self.store.note_resent(&run.id, round, *chunk, now).await?;
        }
        Ok(())
    }

    /// Stops a run that does not come to its end by itself; one that is being planned ends at once,
    /// for nothing of it was applied.
    async fn give_up(&self, run: &Run, job: Job, now: Timestamp) -> Result<(), StoreError> {
        let why = Stopped::GaveUp;
        tracing::error!(import.id = %run.id, task.id = run.task, "a run is given up");
        if run.state == State::Planning {
            return self.end(run, Totals::default(), Cause::Stopped(why)).await;
        }
        let job = Job {
            stopped: Some(why),
            ..job
        };
        self.store.advance(run, State::Stopping, &job, now).await?;
        Ok(())
    }

    /// Gives the chunks of a run that is being stopped a result, if nobody has begun with them.
    pub(crate) async fn leave_out(&self, run: &Run, chunks: &[u32]) -> Result<(), StoreError> {
        let now = Timestamp::now();
        let result = ChunkResult::default();
        let writes: Vec<_> = chunks
            .iter()
            .map(|chunk| {
                self.store
                    .commit_chunk(&run.id, Round::Apply, *chunk, None, &result, now)
            })
            .collect();
        stream::iter(writes)
            .buffer_unordered(AT_ONCE)
            .try_for_each(async |_| Ok(()))
            .await
    }
}

fn is_past(since: Timestamp, by: Duration, now: Timestamp) -> bool {
    since.checked_add(by).is_ok_and(|until| until <= now) || since == Timestamp::MIN
}

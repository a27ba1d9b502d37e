//! Sends statements until each has a decisive response, at a pace that the store sustains, and not
//! beyond the run's deadline.

use std::fmt;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use muster_aws::directory::{Executed, MAX_STATEMENTS, Statement};
use muster_aws::runs::undo::Entry;
use muster_aws::{Store, StoreError};

use super::kept::Keeper;
use super::pace::Pace;
use crate::deadline::Deadline;

/// The error that ends the work on a run's records.
#[derive(Debug)]
pub(crate) enum RunError {
    /// A store request failed for good.
    Store(StoreError),
    /// The deadline has passed. If `certain`, the outcome of every statement sent is known.
    OutOfTime { certain: bool },
}

impl RunError {
    /// Converts the error to one of the store, so that the caller retries.
    pub(crate) fn into_error(self) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::OutOfTime { .. } => StoreError::out_of_time("BatchExecuteStatement"),
        }
    }
}

impl From<StoreError> for RunError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::OutOfTime { certain: true } => f.write_str("out of time"),
            Self::OutOfTime { certain: false } => {
                f.write_str("out of time, outcome of some writes unknown")
            }
        }
    }
}

/// A decisive response to a statement.
#[derive(Debug)]
pub(crate) enum WriteResult {
    /// Written.
    Written,
    /// The condition did not hold; see [`Executed::found`].
    Refused(Executed),
}

/// A write of several rows.
pub(crate) trait Transaction: Send + Sync {
    /// Makes one attempt, which takes at most `timeout`.
    fn execute(&self, timeout: Duration) -> BoxFuture<'_, Executed>;
}

/// Returns the result of a transaction whose plan lacks something: planning it again would not help.
pub(super) fn incomplete(reason: &str) -> Executed {
    Executed::Failed(StoreError::Row {
        row: "a user",
        reason: reason.to_owned(),
    })
}

/// Sends the statements of one run, and counts those known to be written.
#[derive(Debug)]
pub(crate) struct Sender<'s> {
    pub(crate) store: &'s Store,
    pub(crate) deadline: Deadline,
    /// Number of statements known to be written.
    pub(crate) written: u64,
    /// Keeps the values before the writes.
    pub(crate) keeper: Keeper<'s>,
    pace: Pace,
}

impl<'s> Sender<'s> {
    pub(crate) const fn new(store: &'s Store, deadline: Deadline) -> Self {
        Self {
            store,
            deadline,
            written: 0,
            keeper: Keeper::Nowhere,
            pace: Pace::new(),
        }
    }

    /// Sends a statement for each of `jobs`, which must concern different rows, and passes each job
    /// to `on_result` with its result. A statement that got no response, or was throttled, is sent
    /// again: its condition ensures that it is written once.
    pub(crate) async fn send<T>(
        &mut self,
        jobs: Vec<T>,
        statement: impl Fn(&T) -> Statement,
        mut on_result: impl FnMut(T, WriteResult),
    ) -> Result<(), RunError> {
        let mut jobs: Vec<Job<T>> = jobs.into_iter().map(Job::new).collect();
        while !jobs.is_empty() {
            let timeout = self.write_timeout(&jobs)?;
            let batch = jobs.split_off(jobs.len().saturating_sub(self.pace.statements()));
            let requests = batch.chunks(MAX_STATEMENTS).map(|jobs| {
                let statements = jobs.iter().map(|job| statement(&job.subject)).collect();
                self.store.directory().execute(statements, timeout)
            });
            let responses = join_all(requests).await.into_iter().flatten();
            let retry_cause = self.settle(batch, responses, &mut jobs, &mut on_result)?;
            self.adapt(retry_cause).await;
        }
        Ok(())
    }

    /// Executes a transaction for each of `jobs`, and passes each job to `on_result` with its result. A
    /// transaction that got no response, or was throttled, is sent again: its conditions ensure that
    /// it is written once.
    pub(crate) async fn transact<T: Transaction>(
        &mut self,
        jobs: Vec<T>,
        mut on_result: impl FnMut(T, WriteResult),
    ) -> Result<(), RunError> {
        let mut jobs: Vec<Job<T>> = jobs.into_iter().map(Job::new).collect();
        while !jobs.is_empty() {
            let timeout = self.write_timeout(&jobs)?;
            let batch = jobs.split_off(jobs.len().saturating_sub(self.pace.transactions()));
            let attempts = batch.iter().map(|job| job.subject.execute(timeout));
            let responses = join_all(attempts).await;
            let retry_cause = self.settle(batch, responses, &mut jobs, &mut on_result)?;
            self.adapt(retry_cause).await;
        }
        Ok(())
    }

    /// Passes on each job of a batch that has a decisive response, and puts the others back into
    /// `jobs`. Returns why they must be sent again, if any must.
    fn settle<T>(
        &mut self,
        batch: Vec<Job<T>>,
        responses: impl IntoIterator<Item = Executed>,
        jobs: &mut Vec<Job<T>>,
        on_result: &mut impl FnMut(T, WriteResult),
    ) -> Result<Option<StoreError>, RunError> {
        let mut retry_cause = None;
        for (mut job, executed) in batch.into_iter().zip(responses) {
            match executed {
                Executed::Done => {
                    self.written += 1;
                    on_result(job.subject, WriteResult::Written);
                }
                Executed::Refused(_) => on_result(job.subject, WriteResult::Refused(executed)),
                Executed::Again(error) => {
                    job.outcome_unknown |= matches!(error, StoreError::Unanswered(_));
                    retry_cause = Some(error);
                    jobs.push(job);
                }
                Executed::Failed(error) => return Err(RunError::Store(error)),
            }
        }
        Ok(retry_cause)
    }

    /// Returns the timeout of writes that start now.
    fn write_timeout<T>(&self, jobs: &[Job<T>]) -> Result<Duration, RunError> {
        let timeout = self.deadline.write_timeout();
        timeout.ok_or_else(|| RunError::OutOfTime {
            certain: jobs.iter().all(|job| !job.outcome_unknown),
        })
    }

    /// Speeds up, or slows down and waits because writes must be retried.
    async fn adapt(&mut self, retry_cause: Option<StoreError>) {
        match retry_cause {
            None => self.pace.succeeded(),
            Some(error) => {
                let pause = self.pace.must_retry();
                tracing::warn!(%error, pause_ms = pause.as_millis(), "retrying writes");
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// Keeps the values before writes that are to be sent, while writes may start. If that fails, none of
    /// them may be.
    pub(crate) async fn keep(&mut self, entries: &[Entry]) -> Result<(), RunError> {
        let (store, deadline) = (self.store, self.deadline);
        match deadline.before_stop(self.keeper.keep(store, entries)).await {
            Some(kept) => kept.map_err(RunError::Store),
            // All writes so far have been answered.
            None => Err(RunError::OutOfTime { certain: true }),
        }
    }

    /// Waits for a read while writes may start: after that its result would be of no use.
    pub(crate) async fn read<T>(
        &self,
        read: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, RunError> {
        match self.deadline.before_stop(read).await {
            Some(result) => result.map_err(RunError::Store),
            None => Err(RunError::OutOfTime { certain: true }),
        }
    }
}

/// The subject of a statement that has no decisive response yet.
struct Job<T> {
    subject: T,
    /// True if it was sent and got no response: it may be written.
    outcome_unknown: bool,
}

impl<T> Job<T> {
    const fn new(subject: T) -> Self {
        Self {
            subject,
            outcome_unknown: false,
        }
    }
}

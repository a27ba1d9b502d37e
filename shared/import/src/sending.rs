//! Sending statements until each has an answer that decides something, at a pace the store bears
//! and not beyond the run's time.

use std::fmt;

use futures::future::join_all;
use muster_aws::directory::{BATCH, Executed, Statement};
use muster_aws::{Store, StoreError};

use crate::deadline::Deadline;
use crate::pace::Pace;

/// Why a run cannot go on.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The store gave up on something.
    Store(StoreError),
    /// There is no time left. `certain`: whatever was sent is known to be written or not.
    OutOfTime { certain: bool },
}

impl Halt {
    /// As an error of the store: whoever it is reported to tries again.
    pub(crate) fn into_error(self) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::OutOfTime { .. } => StoreError::out_of_time("BatchExecuteStatement"),
        }
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::OutOfTime { certain: true } => f.write_str("out of time"),
            Self::OutOfTime { certain: false } => f.write_str("out of time, with answers owed"),
        }
    }
}

/// An answer that decides something.
#[derive(Debug)]
pub(crate) enum Sent {
    /// Written.
    Done,
    /// The condition did not hold; see [`Executed::found`].
    Refused(Executed),
}

/// The way to the store, as one run uses it.
#[derive(Debug)]
pub(crate) struct Sender<'s> {
    pub(crate) store: &'s Store,
    pub(crate) deadline: Deadline,
    /// Statements that were written, as far as is known.
    pub(crate) written: u64,
    pace: Pace,
}

impl<'s> Sender<'s> {
    pub(crate) const fn new(store: &'s Store, deadline: Deadline) -> Self {
        Self {
            store,
            deadline,
            written: 0,
            pace: Pace::new(),
        }
    }

    /// Sends a statement for every one of `jobs`, which are about different rows, and hands each
    /// back with its answer. A statement without an answer, or with one that says "later", is
    /// sent again: its condition sees to it that it is written once.
    pub(crate) async fn send<T>(
        &mut self,
        jobs: Vec<T>,
        statement: impl Fn(&T) -> Statement,
        mut answered: impl FnMut(T, Sent),
    ) -> Result<(), Halt> {
        let mut jobs: Vec<Job<T>> = jobs.into_iter().map(Job::new).collect();
        while !jobs.is_empty() {
            let timeout = self
                .deadline
                .write_timeout()
                .ok_or_else(|| Halt::OutOfTime {
                    certain: jobs.iter().all(|job| !job.unanswered),
                })?;
            let round = jobs.split_off(jobs.len().saturating_sub(self.pace.statements()));
            let requests = round.chunks(BATCH).map(|batch| {
                let statements = batch.iter().map(|job| statement(&job.of)).collect();
                self.store.execute(statements, timeout)
            });
            let answers = join_all(requests).await.into_iter().flatten();
            let mut trouble: Option<StoreError> = None;
            for (mut job, executed) in round.into_iter().zip(answers) {
                match executed {
                    Executed::Done => {
                        self.written += 1;
                        answered(job.of, Sent::Done);
                    }
                    Executed::Refused(_) => answered(job.of, Sent::Refused(executed)),
                    Executed::Again(error) => {
                        job.unanswered |= matches!(error, StoreError::Unanswered(_));
                        trouble = Some(error);
                        jobs.push(job);
                    }
                    Executed::Failed(error) => return Err(Halt::Store(error)),
                }
            }
            match trouble {
                None => self.pace.went_well(),
                Some(error) => {
                    let pause = self.pace.had_trouble();
                    tracing::warn!(%error, pause_ms = pause.as_millis(), "writes are sent again");
                    tokio::time::sleep(pause).await;
                }
            }
        }
        Ok(())
    }

    /// Waits for a read as long as writes may begin: what it finds is of no use later.
    pub(crate) async fn read<T>(
        &self,
        read: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, Halt> {
        match self.deadline.before_stop(read).await {
            Some(result) => result.map_err(Halt::Store),
            None => Err(Halt::OutOfTime { certain: true }),
        }
    }
}

/// What a statement is sent for.
struct Job<T> {
    of: T,
    /// Whether it was sent without an answer: it may be written.
    unanswered: bool,
}

impl<T> Job<T> {
    const fn new(of: T) -> Self {
        Self {
            of,
            unanswered: false,
        }
    }
}

//! The end of a synchronous run: its items go to the execution log, then one transaction ends the
//! run and frees the task, whatever happened before (protocol.md#finish). A run whose end could not
//! be recorded is not reported as done.

use std::time::Duration;

use jiff::Timestamp;
use muster_aws::runs::idempotency::{Answer, StoredAnswer};
use muster_aws::runs::items::count_codes;
use muster_aws::runs::task_lock::{Finished, interrupted};
use muster_aws::runs::undo::RunUndo;
use muster_aws::runs::{Ending, NewRun};
use muster_aws::{Store, StoreError};
use muster_core::dialect::quant::{self, ImportReply};
use muster_core::item::Item;
use muster_core::run::{Counts, State, Status};

use super::outcome::{ImportResult, RunOutcome};
use crate::deadline::Deadline;
use crate::records::sender::RunError;
use crate::run::report::report_finished;

/// Message for the client of a run that ran out of time.
const OUT_OF_TIME: &str = "the import ran out of time";
/// Time reserved for the last transaction.
const FINISH_RESERVE: Duration = Duration::from_secs(1);

/// The end of a run, before it is recorded.
pub(crate) struct RunEnd {
    kind: EndKind,
    /// `None` if the counts are unknown.
    counts: Option<Counts>,
    items: Vec<Item>,
    /// What it leaves for an undo.
    undo: Option<RunUndo>,
}

enum EndKind {
    Imported,
    Refused(Vec<String>),
    /// Holds the message for the client.
    Failed(String),
}

impl RunEnd {
    /// Creates the end of a run whose records were all imported.
    pub(crate) fn imported((counts, items): (Counts, Vec<Item>)) -> Self {
        Self {
            kind: EndKind::Imported,
            counts: Some(counts),
            items,
            undo: None,
        }
    }

    /// Creates the end of a run of which nothing was applied.
    pub(crate) const fn refused(
        errors: Vec<String>,
        counts: Option<Counts>,
        items: Vec<Item>,
    ) -> Self {
        Self {
            kind: EndKind::Refused(errors),
            counts,
            items,
            undo: None,
        }
    }

    /// Creates the end of a run that an error interrupted.
    pub(crate) fn abandoned(
        run: &NewRun,
        cause: &RunError,
        (counts, items): (Counts, Vec<Item>),
    ) -> Self {
        let (problem, known) = match cause {
            RunError::OutOfTime { certain } => (OUT_OF_TIME, *certain),
            RunError::Store(error) => (error.client_message(), false),
        };
        Self {
            kind: failed(problem, run),
            counts: known.then_some(counts),
            items,
            undo: None,
        }
    }

    /// Creates the end of a run that panicked.
    pub(crate) fn panicked(run: &NewRun) -> Self {
        Self {
            kind: failed("the service failed", run),
            counts: None,
            items: Vec::new(),
            undo: None,
        }
    }

    /// Adds what the run leaves for an undo, unless it is not known which records were written.
    pub(crate) fn with_undo(self, undo: Option<RunUndo>) -> Self {
        let undo = undo.filter(|_| self.counts.is_some());
        Self { undo, ..self }
    }

    fn ending(&self, answer: Option<StoredAnswer>) -> Ending {
        let (status, errors) = match &self.kind {
            EndKind::Imported => {
                let severities = self.items.iter().map(|item| item.severity);
                (quant::status(severities), Vec::new())
            }
            EndKind::Refused(errors) => (Status::Failure, errors.clone()),
            EndKind::Failed(message) => (Status::Failure, vec![message.clone()]),
        };
        Ending {
            state: State::Finished,
            status,
            counts: self.counts,
            item_counts: count_codes(&self.items),
            errors,
            answer,
            unanswered: matches!(self.kind, EndKind::Failed(_)),
            undo: self.undo.clone(),
        }
    }

    /// Records a run that ended without acquiring its task. Its response is not stored under the
    /// idempotency key: it depends on the task's settings, not on the request.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub(crate) async fn record_without_lock(
        self,
        store: &Store,
        run: &NewRun,
        debug: bool,
        now: Timestamp,
    ) -> Result<ImportResult, StoreError> {
        let ending = self.ending(None);
        store.runs().record_ended(run, &ending, now).await?;
        report_finished(run, &ending, None);
        let response = self.response(run, debug);
        Ok(self.into_ended(run, response))
    }

    /// Ends a run that holds its task lock, and stores the response under the run's key.
    pub(crate) async fn record(
        mut self,
        store: &Store,
        run: &NewRun,
        debug: bool,
        deadline: Deadline,
    ) -> ImportResult {
        let mut response = self.response(run, debug);
        let written = self.write_items_and_response(store, run, response.as_ref());
        let written = match deadline.before_reserve(FINISH_RESERVE, written).await {
            Some(Ok(kept)) => Ok(kept),
            Some(Err(error)) => {
                tracing::error!(%error, "failed to write items or response");
                Err(error.client_message())
            }
            None => {
                tracing::error!("no time left to write items and response");
                Err("the log of the import is incomplete")
            }
        };
        let kept = written.unwrap_or_else(|problem| {
            self.kind = failed(problem, run);
            response = None;
            None
        });
        let ending = self.ending(kept);
        match store
            .task_locks()
            .finish(run, &ending, Timestamp::now())
            .await
        {
            Ok(Finished::Done) => report_finished(run, &ending, Some(deadline.elapsed())),
            Ok(Finished::EndedByOther) => {
                tracing::warn!("the run had been ended as interrupted before it could finish");
                self.kind = EndKind::Failed(interrupted(run.dry_run).to_owned());
                response = None;
            }
            Err(error) => {
                // The lock expires; the task's next import, or the sweeper, ends the run.
                tracing::error!(%error, "failed to finish the run");
                self.kind = failed(error.client_message(), run);
                response = None;
            }
        }
        self.into_ended(run, response)
    }

    /// Writes what the last transaction only refers to: the items, and a response that does not fit
    /// it.
    async fn write_items_and_response(
        &self,
        store: &Store,
        run: &NewRun,
        response: Option<&Answer>,
    ) -> Result<Option<StoredAnswer>, StoreError> {
        let now = Timestamp::now();
        let kept = async {
            match (&run.key, response) {
                (Some(key), Some(response)) => {
                    let kept = store
                        .idempotency()
                        .store_answer(key, &run.id, response, now)
                        .await?;
                    Ok(Some(kept))
                }
                _ => Ok(None),
            }
        };
        let items = store.items().write(&run.id, &self.items, now);
        let ((), kept) = futures::try_join!(items, kept)?;
        Ok(kept)
    }

    /// Returns the response to the client, or `None` for a failure, whose response names the
    /// request and is not stored.
    fn response(&self, run: &NewRun, debug: bool) -> Option<Answer> {
        let name = run.id.to_string();
        let (status, reply) = match &self.kind {
            EndKind::Imported => {
                let counts = self.counts.unwrap_or_default();
                let reply = if run.dry_run {
                    ImportReply::planned
                } else {
                    ImportReply::imported
                };
                (200, reply(counts, &self.items, debug, &name))
            }
            EndKind::Refused(errors) => {
                let errors = errors.clone();
                (400, ImportReply::refused(errors, &self.items, debug, &name))
            }
            EndKind::Failed(_) => return None,
        };
        let body = reply.to_json();
        body.ok().map(|body| Answer { status, body })
    }

    /// Converts to the response of a request whose run may have ended, or may continue, without it.
    pub(crate) fn into_unrecorded(self, run: &NewRun) -> ImportResult {
        self.into_ended(run, None)
    }

    fn into_ended(self, run: &NewRun, response: Option<Answer>) -> ImportResult {
        let Self {
            kind,
            counts,
            items,
            undo: _,
        } = self;
        let outcome = match (kind, response) {
            (EndKind::Imported, Some(response)) => RunOutcome::Imported {
                counts: counts.unwrap_or_default(),
                items,
                response,
            },
            (EndKind::Refused(_), Some(response)) => RunOutcome::Refused { response },
            (EndKind::Failed(message), _) => RunOutcome::Failed { message },
            (EndKind::Imported | EndKind::Refused(_), None) => RunOutcome::Failed {
                message: "the reply could not be written".to_owned(),
            },
        };
        ImportResult::Ended {
            run: run.id,
            outcome,
        }
    }
}

fn failed(problem: &str, run: &NewRun) -> EndKind {
    let applied = if run.dry_run {
        "nothing was applied"
    } else {
        "part of it may have been applied"
    };
    EndKind::Failed(format!("{problem}; {applied}: send the data again"))
}

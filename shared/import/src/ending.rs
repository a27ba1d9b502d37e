//! The end of a run: its items go to the log, then one transaction ends it and frees the task,
//! whatever happened before. What could not be put on record is not reported as done.

use std::time::Duration;

use jiff::Timestamp;
use muster_aws::holds::{Finished, interrupted};
use muster_aws::items::count_codes;
use muster_aws::keys::{Answer, KeptAnswer};
use muster_aws::runs::{Ending, NewRun};
use muster_aws::telemetry::Metrics;
use muster_aws::{Store, StoreError};
use muster_core::dialect::quant::{self, Reply};
use muster_core::item::Item;
use muster_core::run::{Counts, State, Status};

use crate::deadline::Deadline;
use crate::sending::Halt;
use crate::sync::{Outcome, SyncImport};
use crate::times::whole_millis;

/// What a client reads when time has run out.
const OUT_OF_TIME: &str = "out of time";
/// What the last transaction needs, kept free of all else.
const RESERVE: Duration = Duration::from_secs(1);

/// What the work of a run came to.
pub(crate) struct End {
    kind: Kind,
    /// `None`: not known.
    counts: Option<Counts>,
    items: Vec<Item>,
}

enum Kind {
    Imported,
    Refused(Vec<String>),
    /// With what a client reads.
    Failed(String),
}

impl End {
    pub(crate) fn imported((counts, items): (Counts, Vec<Item>)) -> Self {
        Self {
            kind: Kind::Imported,
            counts: Some(counts),
            items,
        }
    }

    /// Nothing was applied.
    pub(crate) const fn refused(
        errors: Vec<String>,
        counts: Option<Counts>,
        items: Vec<Item>,
    ) -> Self {
        Self {
            kind: Kind::Refused(errors),
            counts,
            items,
        }
    }

    pub(crate) fn gave_up(
        run: &NewRun,
        cause: &Halt,
        (counts, items): (Counts, Vec<Item>),
    ) -> Self {
        let (problem, known) = match cause {
            Halt::OutOfTime { certain } => (OUT_OF_TIME, *certain),
            Halt::Store(error) => (error.client_message(), false),
        };
        Self {
            kind: failed(problem, run),
            counts: known.then_some(counts),
            items,
        }
    }

    pub(crate) fn panicked(run: &NewRun) -> Self {
        Self {
            kind: failed("the service failed", run),
            counts: None,
            items: Vec::new(),
        }
    }

    fn ending(&self, answer: Option<KeptAnswer>) -> Ending {
        let (status, errors) = match &self.kind {
            Kind::Imported => (quant::status(&self.items), Vec::new()),
            Kind::Refused(errors) => (Status::Failure, errors.clone()),
            Kind::Failed(message) => (Status::Failure, vec![message.clone()]),
        };
        Ending {
            state: State::Finished,
            status,
            counts: self.counts,
            item_counts: count_codes(&self.items),
            errors,
            answer,
        }
    }

    /// Puts down a run that ended before it began, and held nothing. Its reply is not kept: it is
    /// about the task, not about the request.
    pub(crate) async fn record_alone(
        self,
        store: &Store,
        run: &NewRun,
        debug: bool,
        now: Timestamp,
    ) -> Result<SyncImport, StoreError> {
        let ending = self.ending(None);
        store.record_ended_run(run, &ending, now).await?;
        report(run, &ending, None);
        let answer = self.answer(run, debug);
        Ok(self.ended(run, answer))
    }

    /// Ends a run that holds its task, and keeps the reply under the run's key.
    pub(crate) async fn record(
        mut self,
        store: &Store,
        run: &NewRun,
        debug: bool,
        deadline: Deadline,
    ) -> SyncImport {
        let mut answer = self.answer(run, debug);
        let written = self.write(store, run, answer.as_ref());
        let written = match deadline.before_reserve(RESERVE, written).await {
            Some(Ok(kept)) => Ok(kept),
            Some(Err(error)) => {
                tracing::error!(import.id = %run.id, %error, "items or reply were not written");
                Err(error.client_message())
            }
            None => {
                tracing::error!(import.id = %run.id, "no time was left to write items and reply");
                Err("the log of the import is incomplete")
            }
        };
        let kept = written.unwrap_or_else(|problem| {
            self.kind = failed(problem, run);
            answer = None;
            None
        });
        let ending = self.ending(kept);
        match store.finish(run, &ending, Timestamp::now()).await {
            Ok(Finished::Done) => report(run, &ending, Some(deadline.elapsed())),
            Ok(Finished::EndedByOther) => {
                tracing::warn!(import.id = %run.id, "the import had been ended as interrupted");
                self.kind = Kind::Failed(interrupted(run.dry_run).to_owned());
                answer = None;
            }
            Err(error) => {
                // The hold runs out; the task's next import, or the sweep, ends the run.
                tracing::error!(import.id = %run.id, %error, "the import could not be finished");
                self.kind = failed(error.client_message(), run);
                answer = None;
            }
        }
        self.ended(run, answer)
    }

    /// Writes what the last transaction only refers to.
    async fn write(
        &self,
        store: &Store,
        run: &NewRun,
        answer: Option<&Answer>,
    ) -> Result<Option<KeptAnswer>, StoreError> {
        let now = Timestamp::now();
        let kept = async {
            match (&run.key, answer) {
                (Some(key), Some(answer)) => {
                    let kept = store.keep_answer(key, &run.id, answer, now).await?;
                    Ok(Some(kept))
                }
                _ => Ok(None),
            }
        };
        let items = store.write_items(&run.id, &self.items, now);
        let ((), kept) = futures::try_join!(items, kept)?;
        Ok(kept)
    }

    /// What the client gets; `None`: a failure, whose reply names the request and is kept nowhere.
    fn answer(&self, run: &NewRun, debug: bool) -> Option<Answer> {
        let name = run.id.to_string();
        let (status, reply) = match &self.kind {
            Kind::Imported => {
                let counts = self.counts.unwrap_or_default();
                let reply = if run.dry_run {
                    Reply::planned
                } else {
                    Reply::imported
                };
                (200, reply(counts, &self.items, debug, &name))
            }
            Kind::Refused(errors) => {
                let errors = errors.clone();
                (400, Reply::refused(errors, &self.items, debug, &name))
            }
            Kind::Failed(_) => return None,
        };
        let body = reply.to_json();
        body.ok().map(|body| Answer { status, body })
    }

    /// The answer to a request whose run may have ended, or may go on, without it.
    pub(crate) fn unrecorded(self, run: &NewRun) -> SyncImport {
        self.ended(run, None)
    }

    fn ended(self, run: &NewRun, answer: Option<Answer>) -> SyncImport {
        let Self {
            kind,
            counts,
            items,
        } = self;
        let outcome = match (kind, answer) {
            (Kind::Imported, Some(answer)) => Outcome::Imported {
                counts: counts.unwrap_or_default(),
                items,
                answer,
            },
            (Kind::Refused(_), Some(answer)) => Outcome::Refused { answer },
            (Kind::Failed(message), _) => Outcome::Failed { message },
            (Kind::Imported | Kind::Refused(_), None) => Outcome::Failed {
                message: "the reply could not be written".to_owned(),
            },
        };
        SyncImport::Ended {
            run: run.id,
            outcome,
        }
    }
}

fn failed(problem: &str, run: &NewRun) -> Kind {
    let applied = if run.dry_run {
        "nothing was applied"
    } else {
        "part of it may have been applied"
    };
    Kind::Failed(format!("{problem}; {applied}, send it again"))
}

/// One line for people, one for CloudWatch's metrics. A run that was refused before it began has no
/// duration: a nought among the others would say that runs are fast.
pub(crate) fn report(run: &NewRun, ending: &Ending, duration: Option<Duration>) {
    let duration_ms = duration.map(whole_millis);
    tracing::info!(
        import.id = %run.id,
        task.id = run.task,
        dry_run = run.dry_run,
        status = %ending.status,
        records = ending.counts.map(|counts| counts.total),
        created = ending.counts.map(|counts| counts.created),
        updated = ending.counts.map(|counts| counts.updated),
        ignored = ending.counts.map(|counts| counts.ignored),
        duration_ms,
        "import finished"
    );
    // What was only planned must not count as imported.
    if run.dry_run {
        return;
    }
    let metrics = Metrics::new()
        .by("Status", ending.status.as_str())
        .with("import.id", &run.id.to_string())
        .count("Runs", 1)
        .bytes("Size", run.size);
    let metrics = match duration_ms {
        None => metrics,
        Some(duration) => metrics.milliseconds("Duration", duration),
    };
    let metrics = match ending.counts {
        None => metrics,
        Some(Counts {
            total,
            empty,
            ignored,
            duplicated,
            created,
            updated,
            unchanged,
        }) => metrics
            .count("Records", total)
            .count("Empty", empty)
            .count("Ignored", ignored)
            .count("Duplicated", duplicated)
            .count("Created", created)
            .count("Updated", updated)
            .count("Unchanged", unchanged),
    };
    metrics.emit(Timestamp::now());
}

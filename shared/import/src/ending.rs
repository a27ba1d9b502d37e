//! The end of a run: its items go to the log, then one transaction ends it and frees the task,
//! whatever happened before. What could not be put on record is not reported as done.

use std::time::Duration;

use jiff::Timestamp;
use muster_aws::Store;
use muster_aws::holds::{Finished, INTERRUPTED};
use muster_aws::items::count_codes;
use muster_aws::runs::{Ending, NewRun};
use muster_aws::telemetry::Metrics;
use muster_core::dialect::quant;
use muster_core::item::Item;
use muster_core::run::{Counts, Status};

use crate::deadline::Deadline;
use crate::sending::Halt;
use crate::sync::Outcome;

/// What a client reads when time has run out.
const OUT_OF_TIME: &str = "out of time, part of it may have been applied, send it again";
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

    pub(crate) fn gave_up(cause: &Halt, (counts, items): (Counts, Vec<Item>)) -> Self {
        let (message, known) = match cause {
            Halt::OutOfTime { certain } => (OUT_OF_TIME.to_owned(), *certain),
            Halt::Store(error) => (maybe_applied(error.client_message()), false),
        };
        Self {
            kind: Kind::Failed(message),
            counts: known.then_some(counts),
            items,
        }
    }

    pub(crate) fn panicked() -> Self {
        Self {
            kind: Kind::Failed(maybe_applied("the service failed")),
            counts: None,
            items: Vec::new(),
        }
    }

    fn ending(&self) -> Ending {
        let (status, errors) = match &self.kind {
            Kind::Imported => (quant::status(&self.items), Vec::new()),
            Kind::Refused(errors) => (Status::Failure, errors.clone()),
            Kind::Failed(message) => (Status::Failure, vec![message.clone()]),
        };
        Ending {
            status,
            counts: self.counts,
            item_counts: count_codes(&self.items),
            errors,
        }
    }

    /// Puts down a run that ended before it began, and held nothing.
    pub(crate) async fn record_alone(
        self,
        store: &Store,
        run: &NewRun,
        now: Timestamp,
    ) -> Result<Outcome, muster_aws::StoreError> {
        let ending = self.ending();
        store.record_ended_run(run, &ending, now).await?;
        report(run, &ending, None);
        Ok(self.outcome())
    }

    /// Ends a run that holds its task.
    pub(crate) async fn record(
        mut self,
        store: &Store,
        run: &NewRun,
        deadline: Deadline,
    ) -> Outcome {
        let written = store.write_items(&run.id, &self.items, Timestamp::now());
        let problem = match deadline.before_reserve(RESERVE, written).await {
            Some(Ok(())) => None,
            Some(Err(error)) => {
                tracing::error!(import.id = %run.id, %error, "the items were not written");
                Some(error.client_message())
            }
            None => {
                tracing::error!(import.id = %run.id, "no time was left to write the items");
                Some("the log of the import is incomplete")
            }
        };
        if let Some(problem) = problem {
            self.kind = Kind::Failed(maybe_applied(problem));
        }
        let ending = self.ending();
        match store.finish(run, &ending, Timestamp::now()).await {
            Ok(Finished::Done) => report(run, &ending, Some(deadline.elapsed())),
            Ok(Finished::EndedByOther) => {
                tracing::warn!(import.id = %run.id, "the import had been ended as interrupted");
                self.kind = Kind::Failed(INTERRUPTED.to_owned());
            }
            Err(error) => {
                // The hold runs out; the task's next import, or the sweep, ends the run.
                tracing::error!(import.id = %run.id, %error, "the import could not be finished");
                self.kind = Kind::Failed(maybe_applied(error.client_message()));
            }
        }
        self.outcome()
    }

    fn outcome(self) -> Outcome {
        let Self {
            kind,
            counts,
            items,
        } = self;
        match kind {
            Kind::Imported => Outcome::Imported {
                counts: counts.unwrap_or_default(),
                items,
            },
            Kind::Refused(errors) => Outcome::Refused { errors, items },
            Kind::Failed(message) => Outcome::Failed { message },
        }
    }
}

fn maybe_applied(problem: &str) -> String {
    format!("{problem}; part of it may have been applied, send it again")
}

/// One line for people, one for CloudWatch's metrics. A run that was refused before it began has no
/// duration: a nought among the others would say that runs are fast.
fn report(run: &NewRun, ending: &Ending, duration: Option<Duration>) {
    let duration_ms =
        duration.map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    tracing::info!(
        import.id = %run.id,
        task.id = run.task,
        status = %ending.status,
        records = ending.counts.map(|counts| counts.total),
        created = ending.counts.map(|counts| counts.created),
        updated = ending.counts.map(|counts| counts.updated),
        ignored = ending.counts.map(|counts| counts.ignored),
        duration_ms,
        "import finished"
    );
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

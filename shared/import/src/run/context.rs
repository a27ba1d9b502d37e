//! The run on whose behalf records are written.

use jiff::Timestamp;
use muster_aws::directory::{Author, LoginRow, Stamp, Stamps, Writer};
use muster_aws::runs::NewRun;

use crate::Times;

/// What every write on behalf of a run needs to know about it.
#[derive(Debug)]
pub(crate) struct RunContext<'r> {
    pub(crate) run: &'r NewRun,
    run_name: String,
    pub(crate) author: Author,
    /// Expiry of this run's stamps, in seconds since 1970.
    pub(crate) stamps_until: i64,
    pub(crate) started_at: Timestamp,
    /// True if a write of an earlier worker on the same records may still be in flight.
    pub(crate) outcome_unknown: bool,
}

impl<'r> RunContext<'r> {
    /// Creates the context of a run that acquired its task at `acquired_at` and whose records are
    /// worked on from `started_at`.
    pub(crate) fn new(
        run: &'r NewRun,
        acquired_at: Timestamp,
        started_at: Timestamp,
        times: Times,
    ) -> Self {
        let kept = i64::try_from(times.stamp_kept.as_secs()).unwrap_or(i64::MAX);
        let run_name = run.id.to_string();
        Self {
            author: Author {
                writer: Writer::Robot {
                    dialect: "quant".to_owned(),
                    robot: run.robot.clone(),
                    run: Some(run_name.clone()),
                },
                at: started_at,
            },
            stamps_until: acquired_at.as_second().saturating_add(kept),
            started_at,
            outcome_unknown: false,
            run,
            run_name,
        }
    }

    pub(crate) fn run_name(&self) -> &str {
        &self.run_name
    }

    /// Returns the stamps of a user after a write of this run. Expired stamps are dropped, and so
    /// are those of other runs of this task: the task lock proves that these are over
    /// (protocol.md#stamps).
    pub(crate) fn stamps_after(&self, before: &Stamps, stamp: Stamp) -> Stamps {
        let now = self.started_at.as_second();
        let mut stamps: Stamps = before
            .iter()
            .filter(|(_, stamp)| stamp.until > now && stamp.task != self.run.task)
            .map(|(run, stamp)| (run.clone(), stamp.clone()))
            .collect();
        stamps.insert(self.run_name.clone(), stamp);
        stamps
    }

    /// Returns the stamp that this run left on a user for a record. If there is one, the record has
    /// been applied and the response was lost.
    pub(crate) fn own_stamp<'s>(&self, stored: &'s LoginRow, record: u64) -> Option<&'s Stamp> {
        stored
            .stamps
            .get(&self.run_name)
            .filter(|stamp| stamp.record == record)
    }
}

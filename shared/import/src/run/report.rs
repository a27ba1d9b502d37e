//! The summary of a finished run: one log line, and one line for CloudWatch's metrics.

use std::time::Duration;

use jiff::Timestamp;
use muster_aws::runs::{Ending, NewRun};
use muster_aws::telemetry::Metrics;
use muster_core::run::Counts;

use crate::times::whole_millis;

/// Logs the end of a run and emits its metrics. A run that was refused before it began has no
/// duration: a zero among the others would make runs look faster than they are.
pub(crate) fn report_finished(run: &NewRun, ending: &Ending, duration: Option<Duration>) {
    let duration_ms = duration.map(whole_millis);
    tracing::info!(
        import.id = %run.id,
        task.id = run.task,
        dry_run = run.dry_run,
        threshold_overridden = run.threshold_overridden,
        status = %ending.status,
        records = ending.counts.map(|counts| counts.total),
        created = ending.counts.map(|counts| counts.created),
        updated = ending.counts.map(|counts| counts.updated),
        renamed = ending.counts.map(|counts| counts.renamed),
        moved = ending.counts.map(|counts| counts.moved),
        blocked = ending.counts.map(|counts| counts.blocked),
        unblocked = ending.counts.map(|counts| counts.unblocked),
        cleared = ending.counts.map(|counts| counts.cleared),
        ignored = ending.counts.map(|counts| counts.ignored),
        duration_ms,
        // The first error of a failed run. It never contains a value of a record.
        error = ending.errors.first(),
        "import finished"
    );
    // A dry run must not count as an import.
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
            renamed,
            moved,
            blocked,
            unblocked,
            cleared,
        }) => metrics
            .count("Records", total)
            .count("Empty", empty)
            .count("Ignored", ignored)
            .count("Duplicated", duplicated)
            .count("Created", created)
            .count("Updated", updated)
            .count("Unchanged", unchanged)
            .count("Renamed", renamed)
            .count("Moved", moved)
            .count("Blocked", blocked)
            .count("Unblocked", unblocked)
            .count("Cleared", cleared),
    };
    metrics.emit(Timestamp::now());
}

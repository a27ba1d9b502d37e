//! A run as it was read from its row.

use muster_aws::StoreError;
use muster_aws::runs::{Chunked, Job, NewRun, Run};

/// Returns the run as writes on its behalf need it.
pub(crate) fn as_new_run(run: &Run) -> NewRun {
    NewRun {
        id: run.id,
        tenant: run.tenant.clone(),
        task: run.task,
        robot: run.robot.clone(),
        size: run.size,
        dry_run: run.dry_run,
        threshold_overridden: run.threshold_overridden,
        // A background run has stored the response under its key already.
        key: None,
    }
}

/// Returns the job of a background run and its chunks, if it has been cut into chunks.
pub(crate) fn chunked(run: &Run) -> Option<(&Job, &Chunked)> {
    let job = run.job.as_ref()?;
    Some((job, job.chunked.as_ref()?))
}

/// Returns true if a run began within a request: any of its chunks may have been started there.
pub(crate) fn was_handed_over(run: &Run) -> bool {
    run.job.as_ref().is_some_and(|job| job.source.is_none())
}

/// Returns the error of a run's row that lacks what this version writes.
pub(crate) fn invalid_run(reason: &str) -> StoreError {
    StoreError::Row {
        row: "a run",
        reason: reason.to_owned(),
    }
}

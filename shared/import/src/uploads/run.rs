//! What the operations on an upload know about its run.

use muster_aws::StoreError;
use muster_aws::runs::{Run, Upload};

/// Maximum attempts on a run that others change at the same time.
pub(super) const MAX_ATTEMPTS: u32 = 4;

/// Returns the upload that a run began as, if it did.
pub(super) fn upload(run: &Run) -> Option<&Upload> {
    run.job.as_ref()?.source.as_ref()?.upload.as_ref()
}

/// Returns the error of a run that others changed at every attempt.
pub(super) fn contended() -> StoreError {
    StoreError::contended("TransactWriteItems")
}

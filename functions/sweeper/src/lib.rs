//! The function `sweeper`, invoked every minute: recovers the runs that have not ended, with
//! `muster-import`.

use muster_aws::StoreError;
use muster_import::{Runner, SweepReport};

/// Recovers all of them; the event is ignored.
///
/// # Errors
/// Returns the first error, after all runs have been swept.
pub async fn handle(runner: &Runner) -> Result<SweepReport, StoreError> {
    runner.sweep().await
}

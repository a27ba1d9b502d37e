//! The function `sweeper`, called every minute: looks after the runs that have not ended. How stands
//! in `muster-import`.

use muster_aws::StoreError;
use muster_import::{Runner, Swept};

/// Looks after all of them, whatever the event says.
///
/// # Errors
/// The first that occurred, when everything else is done.
pub async fn handle(runner: &Runner) -> Result<Swept, StoreError> {
    runner.sweep().await
}

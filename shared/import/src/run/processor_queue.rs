//! The data of a run that the processor reads, and the message that asks for it.

use jiff::Timestamp;
use muster_aws::runs::{NewRun, RunId};
use muster_aws::{Background, Store};
use muster_core::run::State;

/// Returns the key of the object that holds a run's data as the client sent them.
#[must_use]
pub fn object_key(run: &RunId) -> String {
    format!("runs/{run}/upload")
}

/// Sends the processor a message for a run that waits for it. A failure is only logged: the sweeper
/// sends the message again.
pub(crate) async fn notify_processor(
    store: &Store,
    background: &Background,
    run: &NewRun,
    now: Timestamp,
) {
    let notified = async {
        background.queues.send_process(&run.tenant, run.id).await?;
        store
            .runs()
            .note_queued(&run.id, State::Checking, now)
            .await
    };
    if let Err(error) = notified.await {
        tracing::warn!(%error, "failed to notify the processor; the sweeper will retry");
    }
}

//! Imports whose data come in parts: announced, sent to the bucket, completed. What can be asked of
//! any run from then on is here, too: how it stands, and that it stop (CONTRACT §1, PROTOCOL §2,
//! §9). The work between is the processor's and the writers'.

mod cancel;
mod complete;
mod create;
mod parts;
mod status;

pub use self::cancel::{Cancel, cancel};
pub use self::complete::{Completed, Incomplete, complete};
pub use self::create::{Announced, Created, create};
pub use self::parts::{Asked, Layout, SignedPart, Window, parts};
pub use self::status::{Progress, Standing, shown, status};

use jiff::Timestamp;
use muster_aws::runs::{NewRun, Run, RunId, Upload};
use muster_aws::{Background, Store, StoreError};

/// How often a run is looked at that others change at the same time.
const LOOKS: u32 = 4;

/// Where the bucket has the data of a run, as the client sent them.
#[must_use]
pub fn object_key(run: &RunId) -> String {
    format!("runs/{run}/upload")
}

/// The upload that a run began as.
fn upload(run: &Run) -> Option<&Upload> {
    run.job.as_ref()?.source.as_ref()?.upload.as_ref()
}

/// Tells the processor of a run that waits for it. What goes wrong here is no error: the sweeper
/// tells it again.
pub(crate) async fn tell_processor(
    store: &Store,
    background: &Background,
    run: &NewRun,
    now: Timestamp,
) {
    let told = async {
        background.queues.send_process(&run.tenant, run.id).await?;
        let state = muster_core::run::State::Checking;
        store.note_queued(&run.id, state, now).await
    };
    if let Err(error) = told.await {
        tracing::warn!(import.id = %run.id, %error, "the processor may not have been told of an import; the sweep tells it");
    }
}

/// Others changed the run at every look.
fn restless() -> StoreError {
    StoreError::contended("TransactWriteItems")
}

//! `worker`: a function of the background as a process of its own, which can be killed. Where the
//! services are its environment says, as on an account, and it logs as the functions do.

use muster_aws::telemetry;
use muster_import::Runner;

use crate::LocalError;
use crate::cli::Ended;
use crate::signals::Signals;
use crate::workers::{WorkerOptions, Workers};

/// Works until a signal comes.
pub(crate) async fn work(options: WorkerOptions) -> Result<Ended, LocalError> {
    telemetry::init()?;
    let mut signals = Signals::listen().map_err(LocalError::Signals)?;
    let runner = Runner::from_env().await?;
    let workers = Workers::start(&runner, options);
    let WorkerOptions {
        processors,
        writers,
        sweep_every,
    } = options;
    tracing::info!(processors, writers, sweep_every = ?sweep_every, "waiting for work");
    signals.next().await;
    tracing::info!("stopping: what has been begun finishes first, another Ctrl-C cuts it off");
    tokio::select! {
        () = workers.stop() => Ok(Ended::Cleanly),
        () = signals.next() => Ok(Ended::CutShort),
    }
}

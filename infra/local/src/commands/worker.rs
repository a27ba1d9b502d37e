//! `worker`: runs a background function as a separate process, which can be killed. It reads the
//! environment and logs as the function does on an account.

use muster_aws::telemetry;
use muster_import::Runner;

use super::outcome::CommandOutcome;
use super::signals::Signals;
use crate::error::LocalError;
use crate::workers::{WorkerOptions, Workers};

/// Runs workers until a signal arrives.
pub(crate) async fn worker(options: WorkerOptions) -> Result<CommandOutcome, LocalError> {
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
    tracing::info!("stopping after calls in progress; press Ctrl-C again to cut them off");
    tokio::select! {
        () = workers.stop() => Ok(CommandOutcome::Completed),
        () = signals.next() => Ok(CommandOutcome::Interrupted),
    }
}

//! `up`: starts a whole stack, prints how to use it, and stops it on a signal.

use std::path::PathBuf;
use std::time::Duration;

use muster_import::Times;

use super::instructions::{up_text, workers_text};
use super::outcome::CommandOutcome;
use super::output::{ReadyOutput, log_deleted_rows, print};
use super::signals::Signals;
use crate::error::LocalError;
use crate::services::ServiceOptions;
use crate::stack::{ReservedStack, Stack, StackOptions};
use crate::workers::{WorkerOptions, every};

/// Interval between deletions of expired rows.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(60);

pub(crate) struct UpOptions {
    pub port: u16,
    pub data: Option<PathBuf>,
    pub ready_file: Option<PathBuf>,
    pub services: ServiceOptions,
    pub workers: WorkerOptions,
}

/// Runs a whole stack until a signal arrives.
pub(crate) async fn up(options: UpOptions) -> Result<CommandOutcome, LocalError> {
    let UpOptions {
        port,
        data,
        ready_file,
        services,
        workers,
    } = options;
    let mut signals = Signals::listen().map_err(LocalError::Signals)?;
    let times = Times::from_env()?;
    let reserved = ReservedStack::reserve(&StackOptions {
        port,
        data: data.clone(),
        times,
        services,
        workers,
        ..StackOptions::default()
    })?;
    let mut ready_file = ready_file.map(ReadyOutput::clear).transpose()?;
    let stack = tokio::select! {
        started = reserved.start() => started?,
        () = signals.next() => return Ok(CommandOutcome::Completed),
    };
    recover(&stack).await;
    print(&up_text(&stack.url, &stack.tenants, data.as_deref()));
    if workers == WorkerOptions::NONE {
        print(&workers_text(stack.environment()));
    }
    if let Some(file) = &mut ready_file {
        file.write(&stack.ready())?;
    }

    let mut ticks = every(EXPIRY_INTERVAL);
    loop {
        tokio::select! {
            () = signals.next() => break,
            _ = ticks.tick() => log_deleted_rows(stack.delete_expired_rows().await),
        }
    }
    if let Some(file) = ready_file {
        file.remove()?;
    }
    tracing::info!("stopping after requests in progress; press Ctrl-C again to cut them off");
    tokio::select! {
        stopped = stack.stop() => stopped.map(|()| CommandOutcome::Completed),
        () = signals.next() => Ok(CommandOutcome::Interrupted),
    }
}

/// Ends interrupted runs of an earlier process and deletes expired rows. The periodic sweep repeats
/// what fails here.
async fn recover(stack: &Stack) {
    if let Err(error) = stack.runner.sweep().await {
        tracing::warn!(%error, "failed to look for interrupted imports");
    }
    log_deleted_rows(stack.delete_expired_rows().await);
}

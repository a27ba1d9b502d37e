//! `aws`: runs the emulated services alone and stops them on a signal.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use super::instructions::{environment_text, tenants_text};
use super::outcome::CommandOutcome;
use super::output::{ReadyOutput, log_deleted_rows, print};
use super::signals::Signals;
use crate::error::LocalError;
use crate::ready_file::{self, Ready};
use crate::services::{Listeners, ServiceOptions, Services, open_data_dir};
use crate::workers::every;

/// Interval between deletions of expired rows.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(60);

pub(crate) struct AwsOptions {
    pub port: u16,
    pub data: Option<PathBuf>,
    pub ready_file: Option<PathBuf>,
    pub url: String,
    pub services: ServiceOptions,
}

/// Runs the emulated services until a signal arrives.
pub(crate) async fn aws(options: AwsOptions) -> Result<CommandOutcome, LocalError> {
    let AwsOptions {
        port,
        data,
        ready_file,
        url,
        services,
    } = options;
    let mut signals = Signals::listen().map_err(LocalError::Signals)?;
    let data_dir = open_data_dir(data.as_deref())?;
    let listeners = Listeners::from_port(port)?;
    let mut ready_file = ready_file.map(ReadyOutput::clear).transpose()?;
    let services = tokio::select! {
        started = Services::start(listeners, data_dir, services, None) => started?,
        () = signals.next() => return Ok(CommandOutcome::Completed),
    };
    print(&environment_text(services.environment()));
    drop(write!(
        anstream::stderr(),
        "\n{}",
        tenants_text(&services.tenants)
    ));
    if let Some(file) = &mut ready_file {
        file.write(&Ready {
            url,
            tenants: services.tenants.clone(),
            environment: ready_file::environment(services.environment()),
        })?;
    }
    let mut ticks = every(EXPIRY_INTERVAL);
    loop {
        tokio::select! {
            () = signals.next() => break,
            _ = ticks.tick() => log_deleted_rows(services.delete_expired_rows().await),
        }
    }
    if let Some(file) = ready_file {
        file.remove()?;
    }
    services.stop().await?;
    Ok(CommandOutcome::Completed)
}

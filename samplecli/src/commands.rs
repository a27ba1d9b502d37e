//! The commands, one module each: its arguments, and `run`.

mod check;
mod generate;
mod import;
mod login;
mod reply;

use std::future::Future;

use clap::Subcommand;

use crate::failure::{Exit, Failure};

/// What the client can be asked to do.
#[derive(Subcommand)]
pub enum Command {
    Login(login::Login),
    Import(import::Import),
    Check(check::Check),
    Generate(generate::Generate),
}

impl Command {
    /// Does it.
    pub fn run(self) -> Result<Exit, Failure> {
        match self {
            Self::Login(command) => command.run(),
            Self::Import(command) => command.run(),
            Self::Check(command) => command.run(),
            Self::Generate(command) => command.run(),
        }
    }
}

/// Runs one request to its end. One thread is enough for it.
fn run_async<T>(request: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start the network client: {error}")))?;
    Ok(runtime.block_on(request))
}

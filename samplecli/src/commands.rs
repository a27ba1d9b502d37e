//! The commands, one module each: its arguments, and `run`.

mod bootstrap;
mod check;
mod generate;
mod import;
mod login;
mod reply;
mod settings;

use std::future::Future;
use std::io::{self, BufRead, Read};

use clap::{Subcommand, ValueEnum};

use crate::failure::{Exit, Failure};

/// What the client can be asked to do.
#[derive(Subcommand)]
pub enum Command {
    Login(login::Login),
    Import(import::Import),
    Check(check::Check),
    Generate(generate::Generate),
    Bootstrap(bootstrap::Bootstrap),
}

impl Command {
    /// Does it.
    pub fn run(self) -> Result<Exit, Failure> {
        match self {
            Self::Login(command) => command.run(),
            Self::Import(command) => command.run(),
            Self::Check(command) => command.run(),
            Self::Generate(command) => command.run(),
            Self::Bootstrap(command) => command.run(),
        }
    }
}

/// How an answer is shown.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A short table
    Human,
    /// JSON
    Json,
}

/// The first line of standard input without its end; what follows is left alone.
fn password_from_stdin() -> Result<String, Failure> {
    let mut line = String::new();
    io::stdin()
        .lock()
        .take(64 * 1024)
        .read_line(&mut line)
        .map_err(|error| {
            Failure::failed(format!(
                "cannot read the password from standard input: {error}"
            ))
        })?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}

/// Runs one request to its end. One thread is enough for it.
fn run_async<T>(request: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start the network client: {error}")))?;
    Ok(runtime.block_on(request))
}

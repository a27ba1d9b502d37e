//! The commands, one module each: its arguments, and `run`.

mod bootstrap;
mod cancel;
mod check;
mod completions;
mod follow;
mod generate;
mod import;
mod items;
mod login;
mod logout;
mod operator;
mod rejected;
mod reply;
mod robot;
mod role;
mod runs;
mod secret;
mod settings;
mod status;
mod task;
mod token;
mod users;
mod watch;
mod whoami;

use std::future::Future;
use std::io::{self, BufRead, Read};

use clap::Subcommand;

use crate::asking::Asking;
use crate::failure::{Exit, Failure};
use crate::server::runtime;
use crate::view::Output;

/// What the client can be asked to do.
#[derive(Subcommand)]
pub enum Command {
    Login(login::Login),
    Logout(logout::Logout),
    Whoami(whoami::Whoami),
    Import(import::Import),
    Status(status::Status),
    Cancel(cancel::Cancel),
    Rejected(rejected::Rejected),
    Check(check::Check),
    Generate(generate::Generate),
    #[command(subcommand)]
    Task(Box<task::Task>),
    #[command(subcommand)]
    Robot(robot::Robot),
    #[command(subcommand)]
    Token(token::Token),
    #[command(subcommand)]
    Role(role::Role),
    #[command(subcommand)]
    Operator(operator::Operator),
    Runs(runs::Runs),
    #[command(subcommand)]
    Run(runs::Run),
    Items(items::Items),
    #[command(subcommand)]
    Users(Box<users::Users>),
    Bootstrap(bootstrap::Bootstrap),
    Completions(completions::Completions),
}

impl Command {
    /// Does it.
    pub fn run(self, asking: Asking) -> Result<Exit, Failure> {
        match self {
            Self::Login(command) => command.run(asking),
            Self::Logout(command) => command.run(),
            Self::Whoami(command) => command.run(),
            Self::Import(command) => command.run(),
            Self::Status(command) => command.run(),
            Self::Cancel(command) => command.run(),
            Self::Rejected(command) => command.run(),
            Self::Check(command) => command.run(),
            Self::Generate(command) => command.run(),
            Self::Task(command) => command.run(asking),
            Self::Robot(command) => command.run(asking),
            Self::Token(command) => command.run(),
            Self::Role(command) => command.run(),
            Self::Operator(command) => command.run(asking),
            Self::Runs(command) => command.run(),
            Self::Run(command) => command.run(),
            Self::Items(command) => command.run(),
            Self::Users(command) => command.run(asking),
            Self::Bootstrap(command) => command.run(),
            Self::Completions(command) => command.run(),
        }
    }
}

/// The name of a robot or an operator, by the server's rule: it stands in paths.
fn name(text: &str) -> Result<String, &'static str> {
    let fits = (1..=128).contains(&text.chars().count())
        && text.trim() == text
        && !text.contains(|c: char| c.is_control() || matches!(c, '/' | '\\' | '?' | '#' | '%'))
        && !text.chars().all(|c| c == '.');
    fits.then(|| text.to_owned()).ok_or(
        "a name has 1 to 128 characters, no space at its ends and none of / \\ ? # %, and not \
         only dots",
    )
}

/// The id of a run, as it stands in paths.
fn run_id(text: &str) -> Result<String, &'static str> {
    name(text).map_err(|_| "an import is named by its id, as `muster import` shows it")
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

/// Runs one request to its end.
fn run_async<T>(request: impl Future<Output = T>) -> Result<T, Failure> {
    Ok(runtime()?.block_on(request))
}

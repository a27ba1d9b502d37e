//! `muster`, the command-line client: signs in, imports files over the HTTP API, manages tasks,
//! robots and users, checks files offline with the service's own engine, makes sample data and
//! sets up a fresh deployment. Data goes to standard output, everything else to standard error.

mod admin;
mod asking;
mod commands;
mod connection;
#[cfg(test)]
mod examples;
mod failure;
mod imports;
mod problem;
mod profile;
mod progress;
mod server;
mod terminal;
mod view;
mod words;

use std::process::ExitCode;

use asking::Asking;
use clap::Parser;
use commands::Command;

/// Imports users into Muster, and manages what that takes
///
/// A robot signs in to import files; an operator signs in to look after tasks, robots, roles and
/// users, and to see what became of every import. One profile keeps both sign-ins.
#[derive(Parser)]
#[command(name = "muster", version, arg_required_else_help = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Never ask anything, even on a terminal
    #[arg(long, global = true)]
    no_input: bool,
}

const AFTER_HELP: &str = "\
Start with:
  muster login --url http://127.0.0.1:9000 --username NAME
  muster generate 1000 > users.json
  muster import users.json --task 206

Then, as an operator:
  muster login --operator --username NAME
  muster runs
  muster items latest

`muster help COMMAND` explains a command, with examples.

Exit codes: 0 ok, 1 failure, 2 usage, 3 imported or checked with warnings, 4 not signed in.
Environment: MUSTER_URL, MUSTER_TOKEN (a robot's), MUSTER_OPERATOR_TOKEN, MUSTER_PASSWORD (login
only), NO_COLOR, XDG_CONFIG_HOME; for bootstrap the AWS SDK's variables, MUSTER_TABLE_DIRECTORY and
MUSTER_TABLE_CONTROL. A flag wins over the environment, the environment over the profile that login
stores.";

fn main() -> ExitCode {
    let Cli { command, no_input } = Cli::parse();
    match command.run(Asking::new(no_input)) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.report();
            failure.exit().into()
        }
    }
}

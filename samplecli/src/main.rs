//! `muster`, the command-line client: signs in, imports files over the HTTP API, manages tasks,
//! robots and users, checks files offline with the service's own engine, generates sample data and
//! bootstraps a fresh deployment. Data goes to standard output, everything else to standard error.

mod args;
mod commands;
mod encoding;
#[cfg(test)]
mod examples;
mod failure;
mod http;
mod imports;
mod json;
mod output;
mod profile;
mod prompts;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::commands::Command;
use crate::prompts::Prompts;

/// Import users into Muster, and manage tasks, robots and users
///
/// A robot signs in to import files. An operator signs in to manage tasks, robots, roles and users,
/// and to inspect imports. One profile stores both sign-ins.
#[derive(Parser)]
#[command(name = "muster", version, arg_required_else_help = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Never prompt for input
    #[arg(long, global = true)]
    no_input: bool,
}

const AFTER_HELP: &str = "\
Getting started:
  muster login --url http://127.0.0.1:9000 --username NAME
  muster generate 1000 > users.json
  muster import users.json --task 206

As an operator:
  muster login --operator --username NAME
  muster runs
  muster items latest

See `muster help COMMAND` for the options and examples of a command.

Exit codes: 0 ok, 1 failure, 2 usage, 3 imported or checked with warnings, 4 not signed in.
Environment: MUSTER_URL, MUSTER_TOKEN (of a robot), MUSTER_OPERATOR_TOKEN, MUSTER_PASSWORD (login
only), NO_COLOR, XDG_CONFIG_HOME; for bootstrap, the variables of the AWS SDK,
MUSTER_TABLE_DIRECTORY and MUSTER_TABLE_CONTROL. Flags override environment variables, which
override the profile stored by `muster login`.";

fn main() -> ExitCode {
    let Cli { command, no_input } = Cli::parse();
    match command.run(Prompts::new(no_input), Cli::command) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::stderr::report(&failure);
            failure.exit().into()
        }
    }
}

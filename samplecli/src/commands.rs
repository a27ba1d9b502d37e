//! The commands, one module each: arguments and `run`.

mod admin;
mod bootstrap;
mod cancel;
mod check;
mod completions;
mod follow;
mod generate;
mod import;
mod items;
mod list;
mod login;
mod logout;
mod new_password;
mod operator;
mod rejected;
mod robot;
mod role;
mod runs;
mod settings_file;
mod status;
mod task;
mod token;
mod users;
mod whoami;

use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::prompts::Prompts;

/// The commands of the client.
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
    /// Runs the command. `cli` builds the whole command line, for shell completions.
    pub fn run(self, prompts: Prompts, cli: fn() -> clap::Command) -> Result<Exit, Failure> {
        match self {
            Self::Login(command) => command.run(prompts),
            Self::Logout(command) => command.run(),
            Self::Whoami(command) => command.run(),
            Self::Import(command) => command.run(),
            Self::Status(command) => command.run(),
            Self::Cancel(command) => command.run(),
            Self::Rejected(command) => command.run(),
            Self::Check(command) => command.run(),
            Self::Generate(command) => command.run(),
            Self::Task(command) => command.run(prompts),
            Self::Robot(command) => command.run(prompts),
            Self::Token(command) => command.run(),
            Self::Role(command) => command.run(),
            Self::Operator(command) => command.run(prompts),
            Self::Runs(command) => command.run(),
            Self::Run(command) => command.run(),
            Self::Items(command) => command.run(),
            Self::Users(command) => command.run(prompts),
            Self::Bootstrap(command) => command.run(),
            Self::Completions(command) => command.run(cli()),
        }
    }
}

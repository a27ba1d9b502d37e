//! `muster completions`: what makes a shell complete this client's commands and flags.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::Cli;
use crate::failure::{Exit, Failure};
use crate::terminal;

/// Print what makes a shell complete commands and flags
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster completions bash > ~/.local/share/bash-completion/completions/muster
  muster completions zsh > ~/.zfunc/_muster       # with ~/.zfunc in fpath
  muster completions fish > ~/.config/fish/completions/muster.fish")]
pub struct Completions {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    /// Prints them.
    pub fn run(self) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "muster", &mut script);
        terminal::print_data(&script)?;
        Ok(Exit::Ok)
    }
}

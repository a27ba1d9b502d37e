//! `muster completions`: scripts for completion in shells.

use clap::Args;
use clap_complete::Shell;

use crate::failure::{Exit, Failure};
use crate::output::stdout;

/// Print a completion script for a shell
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
    /// Prints the script for the command line `cli`.
    pub fn run(self, mut cli: clap::Command) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut cli, "muster", &mut script);
        stdout::print_data(&script)?;
        Ok(Exit::Ok)
    }
}
